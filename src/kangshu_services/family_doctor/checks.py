"""A second computation of this service's measures, from the records as they are."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from kangshu.sdk import (
    CheckQuery,
    Resource,
    civil_day,
    codes_of,
    extension_value,
    living_residents,
    organisations_of,
    residents_of_age,
)

OLDER = "older-resident-age"
"""The parameter that says from which age a resident is an older person."""
_CENTRES = ("community-health-centre", "township-health-centre")
_ZONE = ZoneInfo("Asia/Shanghai")


def _contracts(resources: Sequence[Resource], status: str) -> Iterator[Resource]:
    for one in resources:
        if (
            one["resourceType"] == "Contract"
            and one.get("status") == status
            and "family-doctor" in codes_of([one.get("type", {})], "contract-kind")
        ):
            yield one


def _term(contract: Resource) -> tuple[date, date]:
    applies = contract.get("applies", {})
    begin = civil_day(applies["start"]) if "start" in applies else date.max
    return begin, civil_day(applies["end"]) if "end" in applies else date.max


def _in_force(resources: Sequence[Resource], end: date) -> list[Resource]:
    return [one for one in _contracts(resources, "executed") if _term(one)[0] <= end <= _term(one)[1]]


def _resident(contract: Resource) -> str:
    return next((one["reference"] for one in contract.get("subject", ()) if "reference" in one), "")


def _reference(resource: Resource, name: str) -> str:
    value = extension_value(resource, name)
    return str(value.get("reference", "")) if isinstance(value, dict) else ""


def _services(resources: Sequence[Resource]) -> Iterator[Resource]:
    for one in resources:
        if (
            one["resourceType"] == "Encounter"
            and one.get("status") == "finished"
            and "family-doctor-service" in codes_of(one.get("type", ()), "encounter-kind")
        ):
            yield one


def _signed(resources: Sequence[Resource], end: date, parameters: Mapping[str, Any]) -> set[str]:
    """Return the residents who count as covered."""
    contracts = _in_force(resources, end)
    if int(parameters["contract-coverage-served"]):
        served = {
            _reference(one, "contract")
            for one in _services(resources)
            if date(end.year, 1, 1) <= civil_day(one["period"]["start"]) <= end
        }
        contracts = [one for one in contracts if f"Contract/{one['id']}" in served]
    return {_resident(one) for one in contracts}


def _coverage(
    resources: Sequence[Resource], people: set[str], end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    signed = _signed(resources, end, parameters)
    if not int(parameters["contract-refusals-counted"]):
        refused = {
            _resident(one)
            for one in _contracts(resources, "rejected")
            if date(end.year, 1, 1) <= _term(one)[0] <= end
        }
        people = people - (refused - signed)
    return len(people & signed), len(people)


def coverage_of_older(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Older residents with a contract in force at the end, of all older residents."""
    people = residents_of_age(living_residents(resources, end), int(parameters[OLDER]), end)
    return _coverage(resources, people, end, parameters)


def coverage_of_all(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Residents with a contract in force at the end, of all residents."""
    return _coverage(resources, set(living_residents(resources, end)), end, parameters)


def coverage_of_groups(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Members of the key groups with a contract in force, of all members; each counts once in every group."""
    living = living_residents(resources, end)
    groups: dict[str, set[str]] = defaultdict(set)
    groups["older"] = residents_of_age(living, int(parameters[OLDER]), end)
    grown = residents_of_age(living, int(parameters["contract-child-most-age"]) + 1, end)
    groups["child"] = {
        reference
        for reference, one in living.items()
        if "birthDate" in one and reference not in grown and civil_day(one["birthDate"]) <= end
    }
    for one in resources:
        if one["resourceType"] == "Condition":
            for group in _chronic(one, end):
                groups[group].add(one["subject"]["reference"])
        elif one["resourceType"] == "Flag" and one.get("status") == "active":
            if "key-group" not in codes_of(one.get("category", ()), "flag-kind"):
                continue
            period = one.get("period", {})
            if (
                civil_day(period["start"])
                <= end
                <= (civil_day(period["end"]) if "end" in period else date.max)
            ):
                for group in codes_of([one["code"]], "key-group"):
                    groups[group].add(one["subject"]["reference"])
    signed = {_resident(one) for one in _in_force(resources, end)}
    asked = parameters.get("key_group") or tuple(groups)
    members = [groups[group] & set(living) for group in asked]
    return sum(len(one & signed) for one in members), sum(map(len, members))


def _chronic(condition: Resource, end: date) -> Iterator[str]:
    """Yield the key groups that a diagnosis puts its resident into."""
    clinical = [one.get("code") for one in condition.get("clinicalStatus", {}).get("coding", ())][:1]
    verified = [one.get("code") for one in condition.get("verificationStatus", {}).get("coding", ())][:1]
    since = condition.get("onsetDateTime")
    if (
        (clinical and clinical[0] not in ("active", "recurrence", "relapse"))
        or (verified and verified[0] in ("refuted", "entered-in-error"))
        or (since and civil_day(since) > end)
    ):
        return
    codes = [
        str(one.get("code", ""))
        for one in condition.get("code", {}).get("coding", ())
        if one.get("system") == "http://hl7.org/fhir/sid/icd-10"
    ]
    if codes and codes[0].startswith("I10"):
        yield "hypertension"
    elif codes and codes[0].startswith("E11"):
        yield "diabetes"


def fulfilment(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Services given, up to what was due of each item, of what was due."""
    packages = {
        f"PlanDefinition/{one['id']}": one for one in resources if one["resourceType"] == "PlanDefinition"
    }
    given = Counter(
        (_reference(one, "contract"), extension_value(one, "family-doctor-service"))
        for one in _services(resources)
        if civil_day(one["period"]["start"]) <= end
    )
    done = due = 0
    for contract in _in_force(resources, end):
        package = packages.get(_reference(contract, "service-package"))
        if package is None or "family-doctor" not in codes_of([package.get("type", {})], "package-kind"):
            continue
        wanted: Counter[str] = Counter()
        days = (end - _term(contract)[0]).days + 1
        for action in package.get("action", ()):
            (item,) = codes_of(action.get("code", ()), "family-doctor-service")
            wanted[item] += action["timingTiming"]["repeat"]["frequency"] * days // 365
        for item, times in wanted.items():
            due += times
            done += min(times, given[f"Contract/{contract['id']}", item])
    return done, due


def renewal(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Contracts that ended and were followed by another within the window, of those that ended."""
    window = timedelta(days=int(parameters["contract-renewal-window-days"]))
    by_resident: dict[str, list[Resource]] = defaultdict(list)
    for one in _contracts(resources, "executed"):
        by_resident[_resident(one)].append(one)
    renewed = ended = 0
    for contracts in by_resident.values():
        for one in contracts:
            begin, last = _term(one)
            if not start <= last <= end:
                continue
            followed = any(
                begin < _term(other)[0] <= min(last + window, end) for other in contracts if other is not one
            )
            if followed or last + window <= end:
                ended += 1
                renewed += followed
    return renewed, ended


def on_call_hours(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Hours of the last day in which each team at work has somebody on duty, and the teams."""
    teams = {
        f"CareTeam/{one['id']}"
        for one in resources
        if one["resourceType"] == "CareTeam"
        and one.get("status") == "active"
        and "family-doctor" in codes_of(one.get("category", ()), "team-kind")
    }
    first = datetime.combine(end, time(), _ZONE)
    quarters: dict[str, set[int]] = defaultdict(set)
    for one in resources:
        if one["resourceType"] != "Schedule" or not one.get("active", True):
            continue
        if "family-doctor" not in codes_of(one.get("serviceType", ()), "duty-post"):
            continue
        begin, until = (
            datetime.fromisoformat(one["planningHorizon"][name]) - first for name in ("start", "end")
        )
        minutes = range(
            max(0, round(begin.total_seconds() / 60)), min(24 * 60, round(until.total_seconds() / 60))
        )
        quarters[_reference(one, "care-team")].update(minutes)
    return sum(len(quarters[team]) for team in teams) / 60, len(teams)


def one_plus_one(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Contracts in force with the community institution and a tertiary hospital of its alliance, of all in force."""
    hospitals = organisations_of(resources, "tertiary-hospital", closed=True)
    allied = set()
    for one in resources:
        if one["resourceType"] != "OrganizationAffiliation" or not one.get("active", True):
            continue
        if "medical-alliance" not in codes_of(one.get("code", ()), "affiliation-kind"):
            continue
        period = one.get("period", {})
        begin = civil_day(period["start"]) if "start" in period else date.min
        last = civil_day(period["end"]) if "end" in period else date.max
        if begin <= end <= last:
            allied.add((one["organization"]["reference"], one["participatingOrganization"]["reference"]))
    wanted = _CENTRES if int(parameters["contract-rural-township"]) else _CENTRES[:1]
    centres = organisations_of(resources, *wanted, closed=True)
    contracts = _in_force(resources, end)
    complete = 0
    for one in contracts:
        hospital = _reference(one, "tertiary-hospital")
        centre = next((str(each.get("reference", "")) for each in one.get("authority", ())), "")
        complete += hospital in hospitals and centre in centres and (hospital, centre) in allied
    return complete, len(contracts)


def hospital_confirmed(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Contracts in force that name a tertiary hospital and are confirmed by it, of those that name one."""
    named = [one for one in _in_force(resources, end) if _reference(one, "tertiary-hospital")]
    return sum(extension_value(one, "hospital-state") == "confirmed" for one in named), len(named)


def satisfaction(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Residents whose newest rating of the period is that of the satisfied, of those who rated."""
    newest: dict[str, tuple[datetime, str, int]] = {}
    for one in resources:
        if one["resourceType"] != "Observation" or one.get("status") != "final":
            continue
        if "contract-satisfaction" not in codes_of([one.get("code", {})], "assessment"):
            continue
        moment = datetime.fromisoformat(one["effectiveDateTime"])
        if start <= civil_day(one["effectiveDateTime"]) <= end:
            score = int(one["valueCodeableConcept"]["coding"][0]["code"])
            told = (moment, str(one["id"]), score)
            who = one["subject"]["reference"]
            newest[who] = max(newest.get(who, told), told)
    least = int(parameters["contract-satisfied-least"])
    return sum(score >= least for _, _, score in newest.values()), len(newest)


def sites(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Community and township health centres with a team at work and a contract in force, of all."""
    centres = organisations_of(resources, *_CENTRES)
    signing = {one["authority"][0]["reference"] for one in _in_force(resources, end) if one.get("authority")}
    staffed = {
        one["managingOrganization"][0]["reference"]
        for one in resources
        if one["resourceType"] == "CareTeam"
        and one.get("status") == "active"
        and one.get("managingOrganization")
        and "family-doctor" in codes_of(one.get("category", ()), "team-kind")
    }
    return len(centres.keys() & signing & staffed), len(centres)


CHECKS: dict[str, CheckQuery] = {
    "family-doctor-coverage-60": coverage_of_older,
    "family-doctor-coverage-all": coverage_of_all,
    "family-doctor-coverage-groups": coverage_of_groups,
    "family-doctor-fulfilment": fulfilment,
    "family-doctor-renewal": renewal,
    "family-doctor-on-call-hours": on_call_hours,
    "family-doctor-hospital-confirmed": hospital_confirmed,
    "family-doctor-one-plus-one": one_plus_one,
    "family-doctor-satisfaction": satisfaction,
    "family-doctor-sites": sites,
}
