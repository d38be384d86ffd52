"""A second computation of this service's measures, from the records as they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from kangshu.sdk import (
    CheckQuery,
    Resource,
    asked_for,
    civil_day,
    codes_of,
    extension_value,
    living_residents,
    residents_of_age,
)

_STANDING: Final = {"active", "onhold", "finished"}
_SIGNED: Final = {"final", "amended", "corrected"}
_ICD: Final = "http://hl7.org/fhir/sid/icd-10"


@dataclass(frozen=True, slots=True)
class _Enrolment:
    """One person's management for one disease, however often it is on the register."""

    who: str
    disease: str
    since: date
    until: date | None
    consented: bool


@dataclass(frozen=True, slots=True)
class _Visit:
    """A follow-up; `place` orders those of one person."""

    day: date
    place: tuple[date, str, str]
    way: str
    figures: Mapping[str, float]


def _enrolments(resources: list[Resource], start: date, end: date) -> list[_Enrolment]:
    """Return who was managed for what at some time of the period."""
    found: dict[tuple[str, str], list[_Enrolment]] = defaultdict(list)
    for one in resources:
        if one["resourceType"] != "EpisodeOfCare" or one["status"] not in _STANDING:
            continue
        if not codes_of(one.get("type", ()), "episode-kind") & {"chronic-care", "mental-care"}:
            continue
        period, who = one.get("period", {}), one["patient"]["reference"]
        since = civil_day(period["start"])
        until = civil_day(period["end"]) if "end" in period else None
        if since <= end and (until is None or until >= start):
            disease = next(iter(codes_of(one["type"], "managed-disease")), "")
            consented = extension_value(one, "management-consent") is True
            found[who, disease].append(_Enrolment(who, disease, since, until, consented))
    return [_joined(several) for several in found.values()]


def _joined(several: list[_Enrolment]) -> _Enrolment:
    ends = [one.until for one in several]
    return _Enrolment(
        several[0].who,
        several[0].disease,
        min(one.since for one in several),
        None if None in ends else max(one for one in ends if one is not None),
        any(one.consented for one in several),
    )


def _counted(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> Iterator[_Enrolment]:
    """Yield the enrolments that are in the denominator: without those who died, moved or were stopped, as the parameter says."""
    people = {f"Patient/{one['id']}": one for one in resources if one["resourceType"] == "Patient"}
    keep = parameters["chronic-left-in-year"] == "keep"
    for one in _enrolments(resources, start, end):
        person = people.get(one.who)
        if person is None:
            continue
        died = civil_day(person["deceasedDateTime"]) if "deceasedDateTime" in person else None
        gone = not person.get("active", True)
        if died is None and person.get("deceasedBoolean"):
            continue
        if (died and died < start) or (gone and one.until is None):
            continue
        if not keep and ((died and died <= end) or (one.until and one.until <= end)):
            continue
        yield one


def _visits(resources: list[Resource], disease: str, start: date, end: date) -> dict[str, list[_Visit]]:
    """Return the follow-ups of the period for a disease, by resident."""
    found: dict[str, list[_Visit]] = defaultdict(list)
    for one in resources:
        if (
            one["resourceType"] == "Observation"
            and one["status"] in _SIGNED
            and f"{disease}-follow-up" in codes_of([one["code"]], "assessment")
        ):
            day = civil_day(one["effectiveDateTime"])
            if start <= day <= end:
                place = (day, str(one["effectiveDateTime"]), str(one["id"]))
                found[one["subject"]["reference"]].append(_Visit(day, place, *_measured(one)))
    return found


def _measured(observation: Resource) -> tuple[str, dict[str, float]]:
    """Return the way of a follow-up and its figures by name."""
    way, figures = "", {}
    for part in observation.get("component", ()):
        name = part["code"]["coding"][0]["code"]
        if "value" in part.get("valueQuantity", {}):
            figures[name] = float(part["valueQuantity"]["value"])
        elif name == "way":
            way = part["valueCodeableConcept"]["coding"][0]["code"]
    return way, figures


def _diagnosed(resources: list[Resource], end: date) -> set[tuple[str, str]]:
    """Return (resident, disease) of the diagnoses that hold at the end."""
    found = set()
    for one in resources:
        if one["resourceType"] != "Condition":
            continue
        clinical = [c.get("code") for c in one.get("clinicalStatus", {}).get("coding", ())][:1]
        verified = [c.get("code") for c in one.get("verificationStatus", {}).get("coding", ())][:1]
        if clinical and clinical[0] not in {"active", "recurrence", "relapse"}:
            continue
        if verified and verified[0] in {"refuted", "entered-in-error"}:
            continue
        if "onsetDateTime" in one and civil_day(one["onsetDateTime"]) > end:
            continue
        codes = [c["code"] for c in one.get("code", {}).get("coding", ()) if c.get("system") == _ICD]
        for start, disease in (("I10", "hypertension"), ("E11", "diabetes")):
            if codes and codes[0].startswith(start):
                found.add((one["subject"]["reference"], disease))
    return found


def management(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Patients of the age who are enrolled, of those diagnosed or enrolled; each disease counts by itself."""
    living = living_residents(resources, end)
    of_age = residents_of_age(living, int(parameters["chronic-service-age"]), end)
    enrolled = {(one.who, one.disease): one for one in _enrolments(resources, start, end)}
    patients = {
        (who, disease)
        for who, disease in _diagnosed(resources, end) | enrolled.keys()
        if who in of_age and disease != "severe-mental" and asked_for(parameters, "disease", disease)
    }
    managed = set()
    for key in patients & enrolled.keys():
        until = enrolled[key].until
        if parameters["chronic-left-in-year"] == "keep" or until is None or until > end:
            managed.add(key)
    if parameters["chronic-managed-needs-follow-up"]:
        seen = {
            disease: _visits(resources, disease, start, end).keys()
            for disease in ("hypertension", "diabetes")
        }
        managed = {(who, disease) for who, disease in managed if who in seen[disease]}
    return len(managed), len(patients)


def standardised(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Patients managed for hypertension or diabetes with the follow-ups due, of all managed."""
    return _standardised(("hypertension", "diabetes"), resources, start, end, parameters)


def mental(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Registered patients with a severe mental disorder with the follow-ups due, of all registered."""
    return _standardised(("severe-mental",), resources, start, end, parameters)


def _standardised(
    diseases: tuple[str, ...],
    resources: list[Resource],
    start: date,
    end: date,
    parameters: Mapping[str, Any],
) -> tuple[float, float]:
    ways = str(parameters["chronic-face-to-face-ways"]).split(",")
    due_in_a_year = int(parameters["chronic-yearly-follow-ups"])
    examined = _examined(resources, start, end)
    done = total = 0
    for disease in diseases:
        if not asked_for(parameters, "disease", disease):
            continue
        visits = _visits(resources, disease, start, end)
        for one in _counted(resources, start, end, parameters):
            if one.disease != disease:
                continue
            if (
                disease == "severe-mental"
                and parameters["mental-denominator"] != "registered"
                and not one.consented
            ):
                continue
            due = due_in_a_year
            if parameters["chronic-part-year"] != "full":
                last = end if one.until is None else min(one.until, end)
                days = (last - max(one.since, start)).days + 1
                due = max(1, due_in_a_year * days // 365)
            kept = {visit.day for visit in visits.get(one.who, ()) if visit.way in ways}
            total += 1
            if len(kept) >= due and (not parameters["chronic-standard-examination"] or one.who in examined):
                done += 1
    return done, total


def _examined(resources: list[Resource], start: date, end: date) -> set[str]:
    return {
        one["subject"]["reference"]
        for one in resources
        if one["resourceType"] == "Encounter"
        and one["status"] == "finished"
        and codes_of(one.get("type", ()), "encounter-kind")
        & {"chronic-examination", "elder-health-management"}
        and start <= civil_day(one["period"]["start"]) <= end
    }


def pressure(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Managed patients whose last blood pressure of the period is below the limits of their age, of all managed."""
    people = {f"Patient/{one['id']}": one for one in resources if one["resourceType"] == "Patient"}
    older = int(parameters["hypertension-older-age"])

    def holds(who: str, visit: _Visit) -> bool:
        whole_year = parameters["hypertension-age-date"] == "year-end"
        day = date(end.year, 12, 31) if whole_year else visit.day
        aged = bool(residents_of_age({who: people[who]}, older, day))
        most = parameters["hypertension-systolic-below-older" if aged else "hypertension-systolic-below"]
        return (
            visit.figures.keys() >= {"systolic", "diastolic"}
            and visit.figures["systolic"] < float(most)
            and visit.figures["diastolic"] < float(parameters["hypertension-diastolic-below"])
        )

    return _controlled("hypertension", ("systolic", "diastolic"), holds, resources, start, end, parameters)


def glucose(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Managed patients whose last fasting glucose of the period is below the limit, of all managed."""

    def holds(who: str, visit: _Visit) -> bool:
        return visit.figures.get("glucose", 99.0) < float(parameters["diabetes-glucose-below"])

    return _controlled("diabetes", ("glucose",), holds, resources, start, end, parameters)


def _controlled(
    disease: str,
    needed: tuple[str, ...],
    holds: Any,
    resources: list[Resource],
    start: date,
    end: date,
    parameters: Mapping[str, Any],
) -> tuple[float, float]:
    ways = str(parameters["chronic-face-to-face-ways"]).split(",")
    visits = _visits(resources, disease, start, end)
    controlled = total = 0
    for one in _counted(resources, start, end, parameters):
        if one.disease != disease:
            continue
        total += 1
        candidates = [
            visit
            for visit in visits.get(one.who, ())
            if (parameters["chronic-control-any-way"] or visit.way in ways)
            and (parameters["chronic-control-value"] == "uncontrolled" or set(needed) <= visit.figures.keys())
        ]
        if candidates and holds(one.who, max(candidates, key=lambda visit: visit.place)):
            controlled += 1
    return controlled, total


def managed(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Patients under management at the end; each disease counts by itself."""
    living = living_residents(resources, end)
    found = {
        (one.who, one.disease)
        for one in _enrolments(resources, start, end)
        if one.who in living
        and (one.until is None or one.until > end)
        and asked_for(parameters, "disease", one.disease)
    }
    return len(found), len(found)


CHECKS: dict[str, CheckQuery] = {
    "chronic-management-rate": management,
    "chronic-standardised-rate": standardised,
    "severe-mental-standardised-rate": mental,
    "hypertension-control-rate": pressure,
    "diabetes-control-rate": glucose,
    "managed-patients": managed,
}
