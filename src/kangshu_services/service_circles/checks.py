"""A second computation of this service's measures, from the records as they are and the text of the rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from math import acos, ceil, cos, radians, sin
from typing import Any

from kangshu.sdk import (
    CheckQuery,
    Resource,
    codes_of,
    extension_value,
    living_residents,
    organisations_of,
    residents_of_age,
)

_EARTH = 6371008.8
_STOPPED = ("suspended", "closed")
_SERVICES = ("medical", "elder", "fitness", "emergency")
_GEOLOCATION = "http://hl7.org/fhir/StructureDefinition/geolocation"
Spot = tuple[float, float]
"""Latitude and longitude in radians."""


@dataclass(frozen=True, slots=True)
class _Point:
    """A community or village: where its people live, how many, of which class; its times by service, where known."""

    county: str
    people: int | None
    settlement: str
    placed: bool
    minutes: Mapping[str, float | None]


def _kind(resource: Resource, system: str) -> str:
    return next(iter(codes_of(resource.get("type", []), system)), "")


def _spot(latitude: Any, longitude: Any) -> Spot | None:
    return (
        None
        if latitude is None or longitude is None
        else (radians(float(latitude)), radians(float(longitude)))
    )


def _of_location(resource: Resource) -> Spot | None:
    position = resource.get("position", {})
    return _spot(position.get("latitude"), position.get("longitude"))


def _of_organisation(resource: Resource) -> Spot | None:
    for address in resource.get("address", [])[:1]:
        for one in address.get("extension", []):
            if one["url"] == _GEOLOCATION:
                parts = {part["url"]: part["valueDecimal"] for part in one["extension"]}
                return _spot(parts.get("latitude"), parts.get("longitude"))
    return None


def _begun(resource: Resource, day: date) -> bool:
    opened, closed = extension_value(resource, "opened-on"), extension_value(resource, "closed-on")
    return (opened is None or opened <= day.isoformat()) and (closed is None or closed > day.isoformat())


def _places(resources: list[Resource], day: date) -> Iterator[tuple[str, Spot]]:
    """Yield kind and place of whatever serves people on `day`."""
    for one in resources:
        spot: Spot | None = None
        kind = ""
        if one["resourceType"] == "Organization":
            stands = (
                one.get("active") is not False and extension_value(one, "institution-state") not in _STOPPED
            )
            kind, spot = _kind(one, "organisation-kind"), _of_organisation(one) if stands else None
        elif one["resourceType"] == "Location" and one.get("status") == "active":
            facility, own = _kind(one, "facility-kind"), _kind(one, "service-place")
            public = not own or extension_value(one, "open-to-public") is not False
            kind = own or facility
            spot = _of_location(one) if kind and public and _begun(one, day) else None
        if kind and spot is not None:
            yield kind, spot


def _metres(one: Spot, other: Spot) -> float:
    """Return the great circle by the cosine rule."""
    turn = sin(one[0]) * sin(other[0]) + cos(one[0]) * cos(other[0]) * cos(other[1] - one[1])
    return _EARTH * acos(min(1.0, turn))


def _points(resources: list[Resource], day: date, parameters: Mapping[str, Any]) -> Iterator[_Point]:
    places = list(_places(resources, day))
    spots = {
        service: [spot for kind, spot in places if kind in parameters[f"circle-{service}-kinds"]]
        for service in _SERVICES
    }
    for one in resources:
        kind = _kind(one, "division-kind") if one["resourceType"] == "Location" else ""
        if kind not in ("community", "village") or one.get("status") != "active":
            continue
        here = _of_location(one)
        yield _Point(
            county=(extension_value(one, "district") or "")[:6],
            people=extension_value(one, "population-resident"),
            settlement=extension_value(one, "settlement") or ("rural" if kind == "village" else "urban"),
            placed=here is not None,
            minutes={
                service: _minutes(
                    service, [] if here is None else [_metres(here, at) for at in at_hand], parameters
                )
                for service, at_hand in spots.items()
            },
        )


def _minutes(service: str, metres: list[float], parameters: Mapping[str, Any]) -> float | None:
    """Return the time to the nearest place; None where nothing lies within the search radius."""
    nearest = min(metres, default=None)
    if nearest is None or nearest > float(parameters["circle-search-metres"]):
        return None
    modes = {"emergency": "road", "fitness": parameters["circle-fitness-mode"]}
    on_foot = modes.get(service, "walk") == "walk"
    detour = parameters["circle-detour" if on_foot else "circle-road-detour"]
    speed = parameters["circle-walking-speed" if on_foot else "circle-road-speed"]
    return nearest * float(detour) / float(speed)


def _allowed(service: str, point: _Point, parameters: Mapping[str, Any]) -> float:
    county = service == "fitness" and point.settlement == "county-town"
    return float(parameters["circle-county-fitness-minutes" if county else f"circle-{service}-minutes"])


def _asked(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(parameters.get("service", _SERVICES))


def reach(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """People within the time allowed, and all people, of each service asked about."""
    reached = whole = 0
    for point in _points(resources, end, parameters):
        for service in _asked(parameters):
            if point.placed and point.people is not None:
                time = point.minutes[service]
                whole += point.people
                reached += (
                    point.people if time is not None and time <= _allowed(service, point, parameters) else 0
                )
    return reached, whole


def minutes(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Minutes of all people to the nearest place, and the people who have one within the search radius."""
    spent = whole = 0
    for point in _points(resources, end, parameters):
        for service in _asked(parameters):
            time = point.minutes[service]
            if point.people is not None and time is not None:
                spent += point.people * int(time + 0.5)
                whole += point.people
    return spent, whole


def communities(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Communities of the city and of county towns within reach of a place to exercise, and all that have a position."""
    classes = parameters.get("settlement", ("urban", "county-town"))
    asked = [one for one in _points(resources, end, parameters) if one.placed and one.settlement in classes]
    near = [
        one
        for one in asked
        if (time := one.minutes["fitness"]) is not None and time <= _allowed("fitness", one, parameters)
    ]
    return len(near), len(asked)


def _reckoned(service: str, point: _Point, parameters: Mapping[str, Any]) -> int:
    """Return whole minutes to the nearest place, at least the time allowed; the radius's where nothing is near."""
    time = point.minutes[service]
    if time is None:
        time = _minutes(service, [float(parameters["circle-search-metres"])], parameters) or 0.0
    return max(ceil(time), ceil(_allowed(service, point, parameters)))


def medical_time(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Minutes of all people of the communities that are asked about to medical care, and those people."""
    spent = whole = 0
    for point in _points(resources, end, parameters):
        if (
            point.placed
            and point.people is not None
            and point.settlement in parameters["circle-medical-settlements"]
        ):
            spent += point.people * _reckoned("medical", point, parameters)
            whole += point.people
    return spent, whole


def fitness_time(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Minutes of all communities of the city and of county towns to a place to exercise, and those communities."""
    classes = parameters.get("settlement", ("urban", "county-town"))
    asked = [one for one in _points(resources, end, parameters) if one.placed and one.settlement in classes]
    return sum(_reckoned("fitness", one, parameters) for one in asked), len(asked)


def _counties(resources: list[Resource]) -> set[str]:
    """Return the codes of the districts and counties."""
    return {
        extension_value(one, "district")
        for one in resources
        if one["resourceType"] == "Location" and _kind(one, "division-kind") == "district"
    }


def gap(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Hundredths of how many times the worst county's figure the best has, and a hundred for each that is compared."""
    rates = {
        "general-practitioners": _practitioners(resources, end),
        "elder-beds": _elder_beds(resources, end, int(parameters["older-resident-age"])),
        "medical-reach": _reached(resources, end, parameters),
    }
    counties, found = _counties(resources), []
    for what in parameters.get("what", tuple(rates)):
        known = [n / whole for county, (n, whole) in rates[what].items() if county in counties and whole]
        if known and min(known) > 0:
            found.append(int(100 * max(known) / min(known) + 0.5))
    return sum(found), 100 * len(found)


_Rates = dict[str, tuple[int, int]]
"""County → how many there are, and of how many."""


def _rates(counted: Counter[str], whole: Counter[str]) -> _Rates:
    return {county: (counted[county], people) for county, people in whole.items()}


def _people(resources: list[Resource], day: date, age: int = 0) -> Counter[str]:
    living = living_residents(resources, day)
    aged = residents_of_age(living, age, day)
    return Counter(extension_value(living[one], "district")[:6] for one in aged)


def _practitioners(resources: list[Resource], day: date) -> _Rates:
    places = _places_of_organisations(resources)
    found: set[tuple[str, str]] = set()
    for one in resources:
        if one["resourceType"] != "PractitionerRole" or "practitioner" not in one:
            continue
        period = one.get("period", {})
        begun = period.get("start", "0000") <= day.isoformat()
        held = period["end"] >= day.isoformat() if "end" in period else one.get("active") is not False
        if "general-practitioner" in codes_of(one.get("code", []), "staff-role") and begun and held:
            found.add((places.get(one["organization"]["reference"], ""), one["practitioner"]["reference"]))
    return _rates(Counter(county for county, _ in found), _people(resources, day))


def _elder_beds(resources: list[Resource], day: date, age: int) -> _Rates:
    places, homes = _places_of_organisations(resources), organisations_of(resources, "elder-institution")
    beds: Counter[str] = Counter()
    for one in resources:
        if one["resourceType"] != "Location" or not codes_of(one.get("type", []), "bed-kind"):
            continue
        home = one.get("managingOrganization", {}).get("reference", "")
        if one.get("status") == "active" and home in homes:
            beds[places.get(home, "")] += extension_value(homes[home], "institution-state") not in _STOPPED
    return _rates(beds, _people(resources, day, age))


def _places_of_organisations(resources: list[Resource]) -> dict[str, str]:
    """Return Organization/id → code of its county."""
    return {
        f"Organization/{one['id']}": (extension_value(one, "district") or "")[:6]
        for one in resources
        if one["resourceType"] == "Organization"
    }


def _reached(resources: list[Resource], day: date, parameters: Mapping[str, Any]) -> _Rates:
    near: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for point in _points(resources, day, parameters):
        if point.placed and point.people:
            time = point.minutes["medical"]
            reached = time is not None and time <= _allowed("medical", point, parameters)
            whole[point.county] += point.people
            near[point.county] += point.people if reached else 0
    return _rates(near, whole)


CHECKS: Mapping[str, CheckQuery] = {
    "service-circle-reach": reach,
    "service-circle-minutes": minutes,
    "fitness-circle-communities": communities,
    "medical-circle-time": medical_time,
    "fitness-circle-time": fitness_time,
    "access-gap": gap,
}
