"""A second computation of this service's measures, from the records as they are and the text of the indicators."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from math import acos, cos, inf, radians, sin
from typing import Any

from kangshu.sdk import (
    CheckQuery,
    Resource,
    civil_day,
    codes_of,
    extension_value,
    living_residents,
    organisations_of,
    records_of,
    residents_of_age,
)

OLDER = "older-resident-age"
"""The parameter that says from which age a resident is an older person."""
_STOPPED = ("suspended", "closed")


def _homes(resources: list[Resource]) -> dict[str, Resource]:
    return {
        reference: one
        for reference, one in organisations_of(resources, "elder-institution").items()
        if extension_value(one, "institution-state") not in _STOPPED
    }


def _beds(resources: list[Resource]) -> list[tuple[Resource, Resource]]:
    """Return each bed in use with the home that it stands in."""
    homes = _homes(resources)
    found = []
    for one in resources:
        if one["resourceType"] != "Location" or one.get("status") != "active":
            continue
        kinds = {coding.get("code") for coding in one.get("physicalType", {}).get("coding", [])}
        home = homes.get(one.get("managingOrganization", {}).get("reference", ""))
        if "bd" in kinds and home is not None:
            found.append((one, home))
    return found


def nursing_bed_share(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Nursing beds of all beds."""
    beds = _beds(resources)
    return sum("nursing" in codes_of(bed.get("type", []), "bed-kind") for bed, _ in beds), len(beds)


def private_bed_share(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Beds of private homes of all beds."""
    beds = _beds(resources)
    return sum(extension_value(home, "ownership") == "private" for _, home in beds), len(beds)


def elder_beds_per_thousand(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Beds, and the living residents of the older persons' age."""
    basis = parameters["beds-per-thousand-basis"]
    if basis == "records":
        older = len(residents_of_age(living_residents(resources, end), int(parameters[OLDER]), end))
    else:
        places = (
            one
            for one in resources
            if one["resourceType"] == "Location" and _kind(one, "division-kind") in ("community", "village")
        )
        older = sum(extension_value(one, f"population-older-{basis}") or 0 for one in places)
    return len(_beds(resources)), older


def bed_occupancy(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Days lived in operating homes within the period, and the days of their beds."""
    homes, lived = _homes(resources), 0
    for one in resources:
        if one["resourceType"] != "EpisodeOfCare" or "elder-residence" not in codes_of(
            one.get("type", []), "episode-kind"
        ):
            continue
        period = one.get("period", {})
        if one.get("managingOrganization", {}).get("reference") not in homes or "start" not in period:
            continue
        first = max(civil_day(period["start"]), start)
        last = (
            min(civil_day(period["end"]), end + timedelta(days=1))
            if "end" in period
            else end + timedelta(days=1)
        )
        lived += max(0, (last - first).days)
    return lived, len(_beds(resources)) * ((end - start).days + 1)


def elder_care_beds(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Beds of operating homes and of facilities; each home bed and each facility with beds is one row."""
    beds = len(_beds(resources))
    more = [extension_value(one, "facility-beds") or 0 for one in facilities(resources)]
    return beds + sum(more), beds + sum(1 for one in more if one > 0)


def public_built_private_run(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Publicly built, privately run homes of the public ones."""
    found = []
    for home in _homes(resources).values():
        nature = extension_value(home, "nature") or extension_value(home, "ownership")
        if nature in ("public", "public-built-private-run"):
            found.append(nature)
    return found.count("public-built-private-run"), len(found)


def tcm_institutions(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Operating homes of traditional medicine."""
    count = sum(extension_value(home, "institution-form") == "tcm" for home in _homes(resources).values())
    return count, count


def integrated_institutions(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Operating organisations that join medicine and care, or rehabilitate."""
    count = sum(
        one["resourceType"] == "Organization"
        and one.get("active", True)
        and extension_value(one, "institution-form") in ("integrated", "rehabilitation")
        and extension_value(one, "institution-state") not in _STOPPED
        for one in resources
    )
    return count, count


def _ratings(resources: list[Resource]) -> list[tuple[Resource, dict[str, str]]]:
    """Return each result of a rating with its term."""
    return [(one, extension_value(one, "term") or {}) for one in records_of(resources, "institution-rating")]


def rated_institutions(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Operating homes whose rating is in force on the last day, of all."""
    rated = {
        one.get("subject", {}).get("reference")
        for one, term in _ratings(resources)
        if extension_value(one, "rating") not in (None, "none")
        and "start" in term
        and civil_day(term["start"]) <= end
        and ("end" not in term or civil_day(term["end"]) >= end)
    }
    homes = _homes(resources)
    return len(homes.keys() & rated), len(homes)


def rating_care_weight(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Weights of staffing, and all weights, of the ratings that began in the period."""
    care, whole = 0.0, 0.0
    for one, term in _ratings(resources):
        total = extension_value(one, "total-weight") or 0
        if "start" in term and start <= civil_day(term["start"]) <= end and total > 0:
            care, whole = care + float(extension_value(one, "care-weight") or 0), whole + float(total)
    return care, whole


def facilities(resources: list[Resource]) -> list[Resource]:
    """Return the care facilities in use."""
    return [
        one
        for one in resources
        if one["resourceType"] == "Location"
        and one.get("status") == "active"
        and codes_of(one.get("type", []), "facility-kind")
    ]


def _kind(place: Resource, system: str) -> str:
    return next(iter(codes_of(place.get("type", []), system)), "")


def _divisions(resources: list[Resource], *kinds: str) -> dict[str, Resource]:
    """Return the divisions in being of these kinds by code."""
    found: dict[str, Resource] = {}
    for one in resources:
        if one["resourceType"] != "Location" or one.get("status") != "active":
            continue
        if _kind(one, "division-kind") in kinds:
            system = "http://kangshu.org/fhir/sid/division"
            codes = [each["value"] for each in one.get("identifier", []) if each.get("system") == system]
            found[codes[0] if codes else ""] = one
    return found


def _covered(*divisions: str, by: tuple[str, ...] = (), below: bool = False) -> CheckQuery:
    """Return the check of how many divisions of these kinds have a facility (`by` these kinds), also `below` them."""

    def covered(
        resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
    ) -> tuple[float, float]:
        places = {
            str(extension_value(one, "district"))
            for one in facilities(resources)
            if not by or _kind(one, "facility-kind") in by
        }
        codes = _divisions(resources, *divisions)
        reached = [
            code
            for code in codes
            if code in places or (below and any(one.startswith(code) for one in places))
        ]
        return len(reached), len(codes)

    return covered


def village_day_care(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Villages of the size with day care, of the villages of that size."""
    people = f"population-{parameters['village-people-basis']}"
    places = {
        str(extension_value(one, "district"))
        for one in facilities(resources)
        if _kind(one, "facility-kind") in ("day-care-centre", "rural-happiness-home")
    }
    villages = [
        code
        for code, one in _divisions(resources, "village").items()
        if (extension_value(one, people) or -1) >= parameters["village-day-care-people"]
    ]
    return len([code for code in villages if code in places]), len(villages)


def social_run(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Facilities of urban communities that social operators run, of all there."""
    communities = _divisions(resources, "community")
    found = [
        extension_value(one, "run-by")
        for one in facilities(resources)
        if extension_value(one, "district") in communities
    ]
    return found.count("social"), len(found)


def rural_homes(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Converted rural homes of all rural homes."""
    kinds = [_kind(one, "facility-kind") for one in facilities(resources)]
    converted = kinds.count("converted-rural-home")
    return converted, converted + kinds.count("rural-home")


def rural_care_places(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Happiness homes and day-care centres outside the urban communities and streets."""
    rural = _divisions(resources, "village", "town", "township")
    count = sum(
        _kind(one, "facility-kind") in ("rural-happiness-home", "day-care-centre")
        and extension_value(one, "district") in rural
        for one in facilities(resources)
    )
    return count, count


def _compounds(resources: list[Resource]) -> list[Resource]:
    return [
        one
        for one in resources
        if one["resourceType"] == "Location"
        and one.get("status") == "active"
        and _kind(one, "place-kind") == "residential-compound"
    ]


def wellness_compounds(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Compounds served by a wellness centre in use, of all."""
    centres = {
        f"Location/{one['id']}": one
        for one in facilities(resources)
        if _kind(one, "facility-kind") == "wellness-centre"
    }
    basis, radius = parameters["wellness-service-basis"], float(parameters["wellness-service-radius"])

    def served(one: Resource) -> bool:
        told = (extension_value(one, "served-by") or {}).get("reference") in centres
        near = any(_metres(one, centre) <= radius for centre in centres.values())
        return (told and basis != "radius") or (near and basis != "registered")

    compounds = _compounds(resources)
    return sum(served(one) for one in compounds), len(compounds)


def _metres(one: Resource, other: Resource) -> float:
    """Return the great circle between two Locations by the cosine rule; infinite where one has no position."""
    if "position" not in one or "position" not in other:
        return inf
    (east, north), (far_east, far_north) = (
        (radians(float(place["position"]["longitude"])), radians(float(place["position"]["latitude"])))
        for place in (one, other)
    )
    turn = sin(north) * sin(far_north) + cos(north) * cos(far_north) * cos(far_east - east)
    return 6371008.8 * acos(min(1.0, turn))


def _new_compounds(resources: list[Resource]) -> list[tuple[float, int]]:
    """Return area and households of each new compound with households."""
    return [
        (float(extension_value(one, "facility-area") or 0), extension_value(one, "households"))
        for one in _compounds(resources)
        if extension_value(one, "compound-status") == "new" and (extension_value(one, "households") or 0) > 0
    ]


def new_compound_area(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Room for elder care and households of the new compounds."""
    found = _new_compounds(resources)
    return sum(area for area, _ in found), sum(households for _, households in found)


def new_compounds_compliant(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """New compounds with the room that the standard asks for, of all."""
    found = _new_compounds(resources)
    standard = float(parameters["facility-area-new"])
    return sum(area / households * 100 >= standard for area, households in found), len(found)


def _departments(*kinds: str, all_of: tuple[str, ...], tcm: bool = False) -> CheckQuery:
    """Return the check of institutions of these kinds that have every one of the departments, of those registered at all."""

    def check(
        resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
    ) -> tuple[float, float]:
        asked = {
            reference
            for reference, one in organisations_of(resources, *kinds).items()
            if not tcm or extension_value(one, "hospital-type") == "tcm"
        }
        held: dict[str, set[str]] = {}
        for one in resources:
            kind = one["resourceType"]
            codes = (
                codes_of(one.get("specialty", []), "medical-department")
                if kind == "HealthcareService"
                else set()
            )
            institution = one.get("providedBy", {}).get("reference", "")
            if codes and institution in asked:
                held.setdefault(institution, set()).update(codes if one.get("active") is not False else ())
        return sum(codes.issuperset(all_of) for codes in held.values()), len(held)

    return check


_PRIMARY = ("township-health-centre", "community-health-centre")
_HOSPITALS = ("secondary-hospital", "tertiary-hospital")


def private_hospital_beds(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Beds of private hospitals and centres, and the people of communities and villages."""
    beds = people = 0
    for one in organisations_of(resources, *_HOSPITALS, *_PRIMARY).values():
        if extension_value(one, "ownership") == "private":
            beds += extension_value(one, "medical-beds") or 0
    for one in resources:
        kinds = codes_of(one.get("type", []), "division-kind") if one["resourceType"] == "Location" else set()
        if kinds & {"community", "village"} and one.get("status") == "active":
            people += extension_value(one, "population-resident") or 0
    return beds, people


CHECKS: dict[str, CheckQuery] = {
    "private-hospital-beds": private_hospital_beds,
    "tcm-geriatric-departments": _departments(*_HOSPITALS, all_of=("geriatrics",), tcm=True),
    "tcm-rehabilitation-departments": _departments(
        "secondary-hospital", all_of=("rehabilitation",), tcm=True
    ),
    "primary-tcm-departments": _departments(*_PRIMARY, all_of=("tcm", "tcm-pharmacy")),
    "nursing-bed-share": nursing_bed_share,
    "private-bed-share": private_bed_share,
    "elder-beds-per-thousand": elder_beds_per_thousand,
    "bed-occupancy-rate": bed_occupancy,
    "public-built-private-run-share": public_built_private_run,
    "tcm-elder-institutions": tcm_institutions,
    "integrated-institutions": integrated_institutions,
    "rated-institution-share": rated_institutions,
    "rating-care-weight": rating_care_weight,
    "elder-care-beds": elder_care_beds,
    "community-facility-coverage": _covered("community"),
    "urban-day-care-coverage": _covered("community", by=("day-care-centre",)),
    "rural-community-facility-coverage": _covered("village"),
    "township-facility-coverage": _covered("town", "township", below=True),
    "village-day-care-coverage": village_day_care,
    "social-run-facility-share": social_run,
    "rural-home-conversion": rural_homes,
    "rural-care-places": rural_care_places,
    "wellness-compound-coverage": wellness_compounds,
    "new-compound-facility-area": new_compound_area,
    "new-compounds-compliant": new_compounds_compliant,
}
