"""A second computation of this service's measures: each rule from the records as they are and its own words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from kangshu.sdk import CheckQuery, Resource, civil_day, codes_of, extension_value, latest_day

_NUMBER = "urn:oid:2.16.156.10011.1.3"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_DONE = ("final", "amended", "corrected")
_RANGED = {
    "29463-7": "weight", "8302-2": "height", "8280-0": "waist", "8867-4": "pulse", "2339-0": "glucose", "14647-2": "cholesterol",
}  # fmt: skip
Faults = Callable[[list[Resource], date, date, Mapping[str, Any]], Iterable[bool]]
"""Yields of each record that can be checked whether it is faulty."""


def _share(faults: Faults) -> CheckQuery:
    """Return the check of a rule's measure: records that hold, and records that were checked."""

    def counted(
        resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
    ) -> tuple[float, float]:
        found = list(faults(resources, start, end, parameters))
        return found.count(False), len(found)

    return counted


def _twice(keys: Iterable[Hashable]) -> Iterator[bool]:
    """Yield of each key whether it stands more than once."""
    held = list(keys)
    times = Counter(held)
    yield from (times[one] > 1 for one in held)


def _residents(resources: list[Resource]) -> Iterator[Resource]:
    for one in resources:
        if (
            one["resourceType"] == "Patient"
            and one.get("active") is not False
            and "deceasedDateTime" not in one
        ):
            yield one


def _number(resident: Resource) -> str:
    return next(
        (str(one["value"]) for one in resident.get("identifier", ()) if one.get("system") == _NUMBER), ""
    )


def _phone(resident: Resource) -> str:
    return next(
        (str(one.get("value", "")) for one in resident.get("telecom", ()) if one.get("system") == "phone"), ""
    )


def _name(resident: Resource) -> str:
    return str((resident.get("name") or [{}])[0].get("text", ""))


def number_is_right(number: str) -> bool:
    """Return whether an identity number has 18 signs and the check digit that GB 11643 asks for."""
    if len(number) != 18 or not number[:17].isdigit():
        return False
    total = sum(int(sign) * weight for sign, weight in zip(number, _WEIGHTS, strict=False))
    return number[17] == "10X98765432"[total % 11]


def _number_missing(resources: list[Resource], *_: Any) -> Iterator[bool]:
    yield from (not _number(one) for one in _residents(resources))


def _number_wrong(resources: list[Resource], *_: Any) -> Iterator[bool]:
    yield from (not number_is_right(_number(one)) for one in _residents(resources) if _number(one))


def _birth_differs(resources: list[Resource], *_: Any) -> Iterator[bool]:
    for one in _residents(resources):
        if len(_number(one)) == 18 and len(one.get("birthDate", "")) == 10:
            yield _number(one)[6:14] != one["birthDate"].replace("-", "")


def _sex_differs(resources: list[Resource], *_: Any) -> Iterator[bool]:
    for one in _residents(resources):
        if len(_number(one)) == 18 and one.get("gender") in ("male", "female") and _number(one)[16].isdigit():
            yield (int(_number(one)[16]) % 2 == 1) != (one["gender"] == "male")


def _phone_missing(resources: list[Resource], *_: Any) -> Iterator[bool]:
    yield from (not _phone(one) for one in _residents(resources))


def _address_missing(resources: list[Resource], *_: Any) -> Iterator[bool]:
    yield from (not one.get("address") for one in _residents(resources))


def _number_twice(resources: list[Resource], *_: Any) -> Iterator[bool]:
    yield from _twice(_number(one) for one in _residents(resources) if _number(one))


def _person_twice(resources: list[Resource], *_: Any) -> Iterator[bool]:
    keys = ((_name(one), one.get("birthDate", ""), _phone(one)) for one in _residents(resources))
    yield from _twice(one for one in keys if all(one))


def _visits(resources: list[Resource], start: date, end: date) -> Iterator[tuple[Resource, date, str]]:
    """Yield the finished outpatient visits that began within the period, with the day and the end as it is written."""
    for one in resources:
        kinds = codes_of(one.get("type", ()), "encounter-kind") if one["resourceType"] == "Encounter" else ()
        begun = one["period"].get("start") if "outpatient" in kinds and "period" in one else None
        if begun and one.get("status") == "finished" and start <= civil_day(begun) <= end:
            yield one, civil_day(begun), one["period"].get("end", "")


def _reason_missing(resources: list[Resource], start: date, end: date, _: Any) -> Iterator[bool]:
    for one, _day, _end in _visits(resources, start, end):
        yield not any(one.get(name) for name in ("reasonCode", "reasonReference", "diagnosis"))


def _received(visit: Resource) -> str:
    first = visit.get("meta", {}) if str(visit.get("meta", {}).get("versionId")) == "1" else {}
    return str(extension_value(visit, "received-at") or first.get("lastUpdated", ""))


def _visit_late(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> Iterator[bool]:
    since = date.fromisoformat(str(parameters["quality-visits-since"]))
    for one, day, ended in _visits(resources, start, end):
        if day >= since and _received(one):
            over = latest_day(ended) if ended and "T" not in ended else civil_day(ended) if ended else day
            yield (civil_day(_received(one)) - over).days > parameters["quality-visit-days"]


def _visit_period(resources: list[Resource], start: date, end: date, _: Any) -> Iterator[bool]:
    for one, _day, ended in _visits(resources, start, end):
        if ended:
            yield datetime.fromisoformat(ended) < datetime.fromisoformat(one["period"]["start"])


def _visit_after_death(resources: list[Resource], start: date, end: date, _: Any) -> Iterator[bool]:
    people = {f"Patient/{one['id']}": one for one in resources if one["resourceType"] == "Patient"}
    for one, day, _end in _visits(resources, start, end):
        person = people.get(one.get("subject", {}).get("reference", ""))
        if person is not None:
            died = person.get("deceasedDateTime")
            yield died is not None and day > (civil_day(died) if "T" in died else latest_day(died))


def _observations(resources: list[Resource], start: date, end: date) -> Iterator[tuple[Resource, set[str]]]:
    """Yield the results of the period with their LOINC codes."""
    for one in resources:
        taken = one.get("effectiveDateTime") if one["resourceType"] == "Observation" else None
        if taken and one.get("status") in _DONE and start <= civil_day(taken) <= end:
            coded = one["code"].get("coding", [])
            yield one, {each.get("code", "") for each in coded if each.get("system") == "http://loinc.org"}


def _pressure_impossible(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> Iterator[bool]:
    for one, codes in _observations(resources, start, end):
        if "85354-9" not in codes:
            continue
        values = {
            coding["code"]: float(part["valueQuantity"]["value"])
            for part in one.get("component", ())
            if "value" in part.get("valueQuantity", {})
            for coding in part["code"]["coding"]
        }
        if {"8480-6", "8462-4"} <= values.keys():
            upper, lower = values["8480-6"], values["8462-4"]
            possible = _within(upper, "systolic", parameters) and _within(lower, "diastolic", parameters)
            yield not possible or lower >= upper


def _within(value: float, name: str, parameters: Mapping[str, Any]) -> bool:
    return float(parameters[f"quality-{name}-least"]) <= value <= float(parameters[f"quality-{name}-most"])


def _quantities(
    resources: list[Resource], start: date, end: date
) -> Iterator[tuple[Resource, set[str], Mapping[str, Any]]]:
    for one, codes in _observations(resources, start, end):
        if "value" in one.get("valueQuantity", {}):
            yield one, codes, one["valueQuantity"]


def _unit_missing(resources: list[Resource], start: date, end: date, _: Any) -> Iterator[bool]:
    yield from ("code" not in quantity for _one, _codes, quantity in _quantities(resources, start, end))


def _value_impossible(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> Iterator[bool]:
    for _one, codes, quantity in _quantities(resources, start, end):
        for code in codes & _RANGED.keys():
            yield not _within(float(quantity["value"]), _RANGED[code], parameters)


def _result_twice(resources: list[Resource], start: date, end: date, _: Any) -> Iterator[bool]:
    yield from _twice(
        (
            one.get("subject", {}).get("reference"),
            next((each["reference"] for each in one.get("performer", ()) if "Organization/" in each.get("reference", "")), ""),
            tuple(sorted(codes)),
            one["effectiveDateTime"],
            quantity["value"],
        )
        for one, codes, quantity in _quantities(resources, start, end)
    )  # fmt: skip


def _contracts(resources: list[Resource]) -> Iterator[Resource]:
    for one in resources:
        if (
            one["resourceType"] == "Contract"
            and one.get("status") in ("executed", "executable", "terminated")
            and "family-doctor" in codes_of([one.get("type", {})], "contract-kind")
        ):
            yield one


def _contract_period(resources: list[Resource], *_: Any) -> Iterator[bool]:
    for one in _contracts(resources):
        applies = one.get("applies", {})
        if applies.get("start") and applies.get("end"):
            yield civil_day(applies["end"]) < civil_day(applies["start"])


def _contract_late(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> Iterator[bool]:
    for one in _contracts(resources):
        if one.get("applies", {}).get("start") and one.get("issued"):
            late = (civil_day(one["issued"]) - civil_day(one["applies"]["start"])).days
            yield late > parameters["quality-contract-days"]


def _contract_twice(resources: list[Resource], *_: Any) -> Iterator[bool]:
    keys = (
        (one["subject"][0]["reference"], civil_day(one["applies"]["start"]))
        for one in _contracts(resources)
        if one.get("subject") and one.get("applies", {}).get("start")
    )
    yield from _twice(keys)


def _stays(resources: list[Resource]) -> Iterator[Resource]:
    for one in resources:
        concepts = one.get("type", ()) if one["resourceType"] == "EpisodeOfCare" else ()
        if any(
            coding.get("code") == "elder-residence" for each in concepts for coding in each.get("coding", ())
        ):
            yield one


def _stay_period(resources: list[Resource], start: date, end: date, _: Any) -> Iterator[bool]:
    for one in _stays(resources):
        if one.get("status") in ("active", "finished"):
            begun, ended = (one.get("period", {}).get(name) for name in ("start", "end"))
            backwards = bool(begun and ended) and civil_day(ended) < civil_day(begun)
            open_end = one["status"] == "finished" and not ended
            yield (
                backwards
                or open_end
                or (one["status"] == "active" and bool(ended) and civil_day(ended) < end)
            )


def _stay_twice(resources: list[Resource], *_: Any) -> Iterator[bool]:
    yield from _twice(
        one["patient"]["reference"]
        for one in _stays(resources)
        if one.get("status") == "active" and not one.get("period", {}).get("end") and one.get("patient")
    )


def _beds(resources: list[Resource]) -> Iterator[Resource]:
    for one in resources:
        kinds = one.get("physicalType", {}).get("coding", ()) if one.get("status") == "active" else ()
        if one["resourceType"] == "Location" and any(each.get("code") == "bd" for each in kinds):
            yield one


def _bed_bare(resources: list[Resource], *_: Any) -> Iterator[bool]:
    for one in _beds(resources):
        yield not (codes_of(one.get("type", ()), "bed-kind") and one.get("name"))


def _bed_twice(resources: list[Resource], *_: Any) -> Iterator[bool]:
    yield from _twice(
        (one.get("managingOrganization", {}).get("reference"), one["name"])
        for one in _beds(resources)
        if one.get("name")
    )


def _enterprises(resources: list[Resource]) -> Iterator[Resource]:
    for one in resources:
        kinds = one.get("type", ()) if one["resourceType"] == "Organization" else ()
        if one.get("active") is not False and "enterprise" in codes_of(kinds, "organisation-kind"):
            yield one


def _enterprise_bare(resources: list[Resource], *_: Any) -> Iterator[bool]:
    for one in _enterprises(resources):
        kinds = one.get("type", ())
        yield not (codes_of(kinds, "enterprise-sector") and codes_of(kinds, "enterprise-scale"))


def _enterprise_twice(resources: list[Resource], *_: Any) -> Iterator[bool]:
    yield from _twice(one["name"] for one in _enterprises(resources) if one.get("name"))


RULES: Mapping[str, Mapping[str, Faults]] = {
    "completeness": {
        "resident-identity-present": _number_missing,
        "resident-phone-present": _phone_missing,
        "resident-address-present": _address_missing,
        "visit-reason-present": _reason_missing,
        "measurement-unit-present": _unit_missing,
        "bed-described": _bed_bare,
        "enterprise-described": _enterprise_bare,
    },
    "timeliness": {"visit-in-time": _visit_late, "contract-in-time": _contract_late},
    "consistency": {
        "resident-identity-check": _number_wrong,
        "resident-identity-birth": _birth_differs,
        "resident-identity-sex": _sex_differs,
        "visit-period": _visit_period,
        "visit-before-death": _visit_after_death,
        "pressure-possible": _pressure_impossible,
        "measurement-possible": _value_impossible,
        "contract-period": _contract_period,
        "stay-period": _stay_period,
    },
    "uniqueness": {
        "resident-identity-once": _number_twice,
        "resident-person-once": _person_twice,
        "measurement-once": _result_twice,
        "contract-once": _contract_twice,
        "stay-once": _stay_twice,
        "bed-once": _bed_twice,
        "enterprise-once": _enterprise_twice,
    },
}
"""How each rule is checked a second time, by kind."""


def _all(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Add up the rules, or those of the kind that a member asks for."""
    wanted = parameters.get("kind", RULES)
    each = [
        _share(faults)(resources, start, end, parameters) for one in wanted for faults in RULES[one].values()
    ]
    return sum(held for held, _ in each), sum(checked for _, checked in each)


CHECKS: Mapping[str, CheckQuery] = {
    "data-quality-rate": _all,
    **{f"quality-{rule}": _share(faults) for rules in RULES.values() for rule, faults in rules.items()},
}
