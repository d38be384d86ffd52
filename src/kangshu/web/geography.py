"""Divisions and what a measure says of them as GeoJSON: what a map is drawn from and what is downloaded.

Source: RFC 7946 (a FeatureCollection of Polygons, longitude before latitude, outer rings anticlockwise).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from kangshu.access import division_prefix
from kangshu.sdk import Outline
from kangshu.web.maps import Land

Feature = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """One division with its value: None is unknown, or suppressed where `hidden`; `text` says it as people read it."""

    code: str
    name: str
    value: float | None
    text: str
    hidden: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)
    """What a download says besides: numerator, denominator, rank … by name."""


def features(lands: Mapping[str, Land], places: Iterable[Place]) -> list[Feature]:
    """Return the divisions as GeoJSON Features; those without an outline have no geometry (null, as RFC 7946 says)."""
    return [_feature(lands.get(one.code), one) for one in places]


def collection(found: Iterable[Feature], about: Mapping[str, Any]) -> Feature:
    """Return the FeatureCollection; `about` are members of its own: what is measured, when, where it comes from."""
    return {"type": "FeatureCollection", **about, "features": list(found)}


def _feature(land: Land | None, place: Place) -> Feature:
    geometry = None
    if land is not None:
        ring = [list(point) for point in _anticlockwise(land.outline)]
        geometry = {"type": "Polygon", "coordinates": [ring]}
    return {
        "type": "Feature",
        "id": place.code,
        "geometry": geometry,
        "properties": {
            "code": place.code,
            "above": above(place.code),
            "name": place.name,
            "value": place.value,
            "text": place.text,
            "suppressed": place.hidden,
            **place.more,
        },
    }


def ring_of(feature: Feature) -> Outline | None:
    """Return the outer ring of a Feature; None where it has no outline."""
    geometry = feature["geometry"]
    return tuple((float(x), float(y)) for x, y in geometry["coordinates"][0]) if geometry else None


def above(code: str) -> str:
    """Return the code of the division above a district, town or village, "" above those."""
    prefix = division_prefix(code)
    return {12: prefix[:9], 9: prefix[:6], 6: f"{prefix[:4]}00"}.get(len(prefix), "")


def _anticlockwise(ring: Outline) -> Outline:
    turned = sum((b[0] - a[0]) * (b[1] + a[1]) for a, b in pairwise(ring))
    return ring if turned < 0 else tuple(reversed(ring))
