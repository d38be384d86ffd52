"""A second computation of this service's measures, from the records as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from kangshu.sdk import (
    CheckQuery,
    Resource,
    civil_day,
    codes_of,
    extension_value,
    falls_within,
    records_of,
)

_BEDS = {"family-care-bed", "home-hospital-bed"}
_VISITS = {"home-visit", "home-bed-round"}


def _beds(resources: list[Resource]) -> Iterator[tuple[Resource, date | None, date | None]]:
    """Yield every bed at home with its first and last day."""
    for one in resources:
        if one["resourceType"] == "EpisodeOfCare" and codes_of(one.get("type", []), "episode-kind") & _BEDS:
            period = one.get("period", {})
            start, end = period.get("start"), period.get("end")
            yield one, civil_day(start) if start else None, civil_day(end) if end else None


def _visits(resources: list[Resource]) -> Iterator[Resource]:
    """Yield every visit that was made."""
    for one in resources:
        if (
            one["resourceType"] == "Encounter"
            and one["status"] == "finished"
            and codes_of(one.get("type", []), "encounter-kind") & _VISITS
        ):
            yield one


def in_use(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Beds at home in use at the end."""
    count = sum(
        bed["status"] == "active" and (since is None or since <= end) and (until is None or until > end)
        for bed, since, until in _beds(resources)
    )
    return count, count


def per_bed(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Visits of the period for beds at home, and the beds that were in use in it."""
    used = {
        f"EpisodeOfCare/{bed['id']}"
        for bed, since, until in _beds(resources)
        if bed["status"] in {"active", "onhold", "finished"}
        and (since is None or since <= end)
        and (until is None or until >= start)
    }
    visits = sum(
        falls_within(one["period"]["start"], start, end)
        for one in _visits(resources)
        if one.get("episodeOfCare") and one["episodeOfCare"][0]["reference"] in used
    )
    return visits, len(used)


def transfers(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Transfers of the period."""
    count = sum(
        falls_within(one.get("created"), start, end) for one in records_of(resources, "care-transfer")
    )
    return count, count


def on_time(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Visits made no later than planned, of those planned for the period and made."""
    planned = [
        (civil_day(one["period"]["start"]), date.fromisoformat(extension_value(one, "planned-on")))
        for one in _visits(resources)
        if falls_within(extension_value(one, "planned-on"), start, end)
    ]
    return sum(made <= due for made, due in planned), len(planned)


CHECKS: dict[str, CheckQuery] = {
    "home-beds-in-use": in_use,
    "home-visits-per-bed": per_bed,
    "care-transfers": transfers,
    "home-visits-on-time": on_time,
}
