"""A second computation of this service's measures, from the records as they are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from kangshu.sdk import (
    CheckQuery,
    Resource,
    case_state,
    cases_of,
    civil_day,
    codes_of,
    extension_value,
    falls_within,
    organisations_of,
    records_of,
    structure,
)

_STOPPED = ("suspended", "closed")


def _homes(resources: list[Resource]) -> dict[str, bool]:
    """Return for each operating elder-care institution whether it has a medical unit of its own."""
    return {
        reference: extension_value(one, "internal-medical-unit") is True
        for reference, one in organisations_of(resources, "elder-institution").items()
        if extension_value(one, "institution-state") not in _STOPPED
    }


def _agreements(resources: list[Resource], day: date, parameters: Mapping[str, Any]) -> list[Resource]:
    """Return the agreements in force on `day`, those ended within the grace days included."""
    grace, found = timedelta(days=int(parameters["agreement-grace-days"])), []
    for one in resources:
        if one["resourceType"] == "Contract" and one.get("status") == "executed":
            codes = codes_of([one.get("type", {})], "contract-kind")
            applies = one.get("applies", {})
            started = "start" in applies and civil_day(applies["start"]) <= day
            ended = "end" in applies and civil_day(applies["end"]) + grace < day
            if "medical-elder" in codes and started and not ended:
                found.append(one)
    return found


def _subjects(agreements: list[Resource], kind: str) -> set[str]:
    """Return the references of that type that stand as subjects of the agreements."""
    named = (subject.get("reference", "") for one in agreements for subject in one.get("subject", []))
    return {reference for reference in named if reference.startswith(kind)}


def _agreed(resources: list[Resource], day: date, parameters: Mapping[str, Any]) -> set[str]:
    """Return the institutions with an agreement in force on `day`."""
    return _subjects(_agreements(resources, day, parameters), "Organization/")


def agreement_coverage(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Institutions without a medical unit that have an agreement, of those without a unit."""
    agreed = _agreed(resources, end, parameters)
    without = [home for home, unit in _homes(resources).items() if not unit]
    return len([home for home in without if home in agreed]), len(without)


def medical_coverage(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Institutions with a unit or an agreement, of all."""
    agreed, homes = _agreed(resources, end, parameters), _homes(resources)
    return len({home for home, unit in homes.items() if unit} | (agreed & homes.keys())), len(homes)


def public_coverage(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Public institutions with a unit or an agreement, of the public ones."""
    agreed, homes = _agreed(resources, end, parameters), _homes(resources)
    public = _public(resources)
    found = {home: unit for home, unit in homes.items() if home in public}
    return sum(unit or home in agreed for home, unit in found.items()), len(found)


def _public(resources: list[Resource]) -> set[str]:
    """Return the organisations of public ownership."""
    return {
        f"Organization/{one['id']}"
        for one in resources
        if one["resourceType"] == "Organization" and extension_value(one, "ownership") == "public"
    }


def community_coverage(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Community care centres with an agreement, of those in use."""
    agreed = _subjects(_agreements(resources, end, parameters), "Location/")
    centres = {
        f"Location/{one['id']}"
        for one in resources
        if one["resourceType"] == "Location"
        and one.get("status") == "active"
        and "community-centre" in codes_of(one.get("type", []), "facility-kind")
    }
    return len(centres & agreed), len(centres)


def hospitals_paired(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Public general and traditional hospitals with a public institution as partner, of all of them."""
    public, organisations = _public(resources), {}
    for one in resources:
        if one["resourceType"] == "Organization":
            organisations[f"Organization/{one['id']}"] = one
    kinds = {key: codes_of(one.get("type", []), "organisation-kind") for key, one in organisations.items()}
    partners: set[str] = set()
    for one in _agreements(resources, end, parameters):
        if any(
            "elder-institution" in kinds.get(each, ()) and each in public for each in _subjects([one], "Org")
        ):
            partners |= {each.get("reference", "") for each in one.get("authority", [])[:1]}
    if parameters["pairing-internal-unit-counts"] == 1:
        for key, one in organisations.items():
            if "elder-institution" in kinds[key] and one.get("active") is not False:
                partners.add(one.get("partOf", {}).get("reference", ""))
    hospitals = [
        key
        for key, one in organisations.items()
        if kinds[key] & {"secondary-hospital", "tertiary-hospital"}
        and one.get("active") is not False
        and key in public
        and extension_value(one, "hospital-type") in ("general", "tcm")
    ]
    return len([key for key in hospitals if key in partners]), len(hospitals)


def pilots(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Agreements in force that are pilots, or the institutions that have one."""
    pairs = [
        reference
        for one in _agreements(resources, end, parameters)
        if extension_value(one, "pilot") is True
        for reference in sorted(_subjects([one], "Organization/"))
    ]
    count = len(pairs) if parameters["pilot-count-basis"] == "pairs" else len(set(pairs))
    return count, count


def integrated_or_alliance(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Operating integrated institutions and alliances in force."""
    institutions = sum(
        one["resourceType"] == "Organization"
        and one.get("active") is not False
        and extension_value(one, "institution-form") == "integrated"
        and extension_value(one, "institution-state") not in _STOPPED
        for one in resources
    )
    alliances = sum(
        len(_subjects([one], "Organization/"))
        for one in _agreements(resources, end, parameters)
        if extension_value(one, "agreement-mode") == "alliance"
    )
    return institutions + alliances, institutions + alliances


def _served(kinds: tuple[str, ...] = ()) -> CheckQuery:
    """Return the check of how many people were served in the period, by services of these kinds."""

    def served(
        resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
    ) -> tuple[float, float]:
        people = [
            extension_value(one, "people-served") or 0
            for one in records_of(resources, "medical-elder-service")
            if falls_within(one.get("created"), start, end)
            and (not kinds or extension_value(one, "service-kind") in kinds)
        ]
        return sum(people), len([one for one in people if one > 0])

    return served


def _moves(task: Resource) -> list[tuple[str, str]]:
    """Return the moves that a case has made, each with its time."""
    return [
        (str(part["valueCode"]), str(note["time"]))
        for note in task.get("note", ())
        for event in note.get("extension", ())
        if event["url"] == structure("case-event")
        for part in event.get("extension", ())
        if part["url"] == "move"
    ]


def pathway_people(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Care pathways in one of their four stages."""
    stages = ("hospital", "rehabilitation", "living-care", "hospice")
    people = sum(
        case_state(one) in stages and civil_day(one["authoredOn"]) <= end
        for one in cases_of(resources, "medical_elder/pathway")
    )
    return people, people


def handovers_in_time(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Hand-overs answered within the hours set, of those answered."""
    limit, in_time, answered = timedelta(hours=int(parameters["handover-hours"])), 0, 0
    for one in cases_of(resources, "medical_elder/handover"):
        moves = _moves(one)
        times = [time for move, time in moves if move in ("accept", "decline")]
        if (
            times
            and falls_within(one["authoredOn"], start, end)
            and not any(m == "withdraw" for m, _ in moves)
        ):
            answered += 1
            taken = datetime.fromisoformat(times[-1]) - datetime.fromisoformat(one["authoredOn"])
            in_time += taken <= limit
    return in_time, answered


CHECKS: dict[str, CheckQuery] = {
    "pathway-people": pathway_people,
    "handovers-in-time": handovers_in_time,
    "medical-elder-agreement-coverage": agreement_coverage,
    "elder-institution-medical-coverage": medical_coverage,
    "public-institution-medical-coverage": public_coverage,
    "community-centre-medical-coverage": community_coverage,
    "hospitals-paired": hospitals_paired,
    "medical-elder-pilots": pilots,
    "integrated-or-alliance": integrated_or_alliance,
    "medical-elder-visits": _served(),
    "green-channel-referrals": _served(("green-channel",)),
}
