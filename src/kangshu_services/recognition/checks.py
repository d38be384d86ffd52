"""A second computation of this service's measures, from the records as they are and the text of the indicators."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from kangshu.sdk import CheckQuery, Resource, civil_day, codes_of, extension_value

_FINAL = ("final", "amended", "corrected")
_OPEN = ("offered", "confirmed-by-clinician", "confirmed-by-patient")
_NOT_RECOGNISED = ("refused", "declined-by-patient", "unanswered")


@dataclass(frozen=True, slots=True)
class _Considered:
    """A result that was considered: whose, of which item, on which day, what became of it."""

    resident: str
    item: str
    day: date
    state: str
    price: float | None
    moves: Mapping[str, date]


def _considered(resources: list[Resource]) -> Iterator[_Considered]:
    for one in resources:
        if one["resourceType"] != "Task" or "recognition/recognition" not in codes_of(
            [one["code"]], "case-kind"
        ):
            continue
        given: dict[str, Any] = {}
        for field in one.get("input", []):
            name = next(iter(codes_of([field["type"]], "case-field")), "")
            given[name] = next((value for key, value in field.items() if key.startswith("value")), None)
        moves: dict[str, date] = {}
        for note in one.get("note", []):
            event: list[Resource] = next(
                (e["extension"] for e in note.get("extension", []) if e["url"].endswith("/case-event")), []
            )
            made = next((part.get("valueCode") for part in event if part["url"] == "move"), None)
            if made is not None:
                moves.setdefault(made, civil_day(note["time"]))
        yield _Considered(
            resident=one.get("for", {}).get("reference", ""),
            item=given.get("item_code") or "",
            day=civil_day(one["authoredOn"]),
            state=next(iter(codes_of([one["businessStatus"]], "case-state")), ""),
            price=None if given.get("price") is None else float(given["price"]),
            moves=moves,
        )


def _of_period(resources: list[Resource], start: date, end: date) -> list[_Considered]:
    return [one for one in _considered(resources) if start <= one.day <= end]


def recognition_rate(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Recognised results, and those considered and concluded."""
    concluded = [one for one in _of_period(resources, start, end) if one.state not in (*_OPEN, "cancelled")]
    return sum(one.state == "recognised" for one in concluded), len(concluded)


def patient_confirmation(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Recognitions to which the patient agreed, and those that the clinician confirmed and the patient has answered or not."""
    asked = [
        one
        for one in _considered(resources)
        if "confirm" in one.moves
        and start <= one.moves["confirm"] <= end
        and one.state not in ("confirmed-by-clinician", "cancelled")
    ]
    return sum(bool({"agree", "agree-on-paper"} & one.moves.keys()) for one in asked), len(asked)


def refusals(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Results considered and not recognised."""
    found = sum(one.state in _NOT_RECOGNISED for one in _of_period(resources, start, end))
    return found, found


def savings(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Prices of recognised results, and how many had one."""
    prices = [
        one.price
        for one in _of_period(resources, start, end)
        if one.state == "recognised" and one.price is not None
    ]
    return sum(prices), len(prices)


@dataclass(frozen=True, slots=True)
class _Report:
    id: str
    resident: str
    issuer: str
    item: str
    day: date


def _reports(resources: list[Resource]) -> list[_Report]:
    found = []
    for one in resources:
        if one["resourceType"] != "DiagnosticReport" or one.get("status") not in _FINAL:
            continue
        for item in list(codes_of([one["code"]], "recognition-item"))[:1]:
            issuer = next(
                (p["reference"] for p in one.get("performer", []) if "Organization/" in p["reference"]), ""
            )
            day = civil_day(one["effectiveDateTime"])
            found.append(_Report(one["id"], one["subject"]["reference"], issuer, item, day))
    return found


def _items(resources: list[Resource]) -> dict[str, Resource]:
    """Return code → item of the catalogue."""
    return {
        one["name"]: one
        for one in resources
        if one["resourceType"] == "ActivityDefinition"
        and "recognition-item" in codes_of(one.get("topic", []), "definition-kind")
    }


def _admissions(resources: list[Resource]) -> Iterator[tuple[str, str, bool, date, date]]:
    """Yield institution, item, whether it is admitted now, first and last day."""
    for one in resources:
        if one["resourceType"] == "HealthcareService" and "mutual-recognition" in codes_of(
            one.get("category", []), "service-category"
        ):
            since, until = (
                date.fromisoformat(extension_value(one, name)) for name in ("admitted-on", "valid-until")
            )
            item = next(iter(codes_of(one["type"], "recognition-item")))
            yield one["providedBy"]["reference"], item, bool(one.get("active")), since, until


def repeats(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Reports that repeat a result which could have been recognised, and all; what was explained is in neither."""
    items = {code: one for code, one in _items(resources).items() if one["status"] == "active"}
    terms = {(place, item): (since, until) for place, item, _, since, until in _admissions(resources)}
    told = defaultdict(list)
    for case in _considered(resources):
        if case.state in ("refused", "declined-by-patient"):
            told[case.resident, case.item].append(case.day)
    of = defaultdict(list)
    for report in _reports(resources):
        if report.item in items:
            of[report.resident, report.item].append(report)
    repeated = whole = 0
    for (resident, item), series in of.items():
        days = timedelta(days=extension_value(items[item], "validity-days"))
        for report in series:
            if not start <= report.day <= end:
                continue
            usable = [
                one.day
                for one in series
                if one.issuer != report.issuer
                and one.day < report.day <= one.day + days
                and (term := terms.get((one.issuer, item))) is not None
                and term[0] <= one.day <= term[1]
            ]
            explained = any(first <= day <= report.day for first in usable for day in told[resident, item])
            whole += not explained
            repeated += bool(usable) and not explained
    return repeated, whole


def quality_coverage(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Admitted pairs of institution and specialty under valid quality control, and all of them."""
    items = _items(resources)
    places = {f"Organization/{one['id']}" for one in resources if one["resourceType"] == "Organization"}
    passes = {
        (one["subject"]["reference"], extension_value(one, "record-of")["reference"])
        for one in _quality(resources)
        if extension_value(one, "record-state") == "pass"
        and extension_value(one, "record-day") <= end.isoformat()
        and (extension_value(one, "valid-until") or "") >= end.isoformat()
    }
    pairs = defaultdict(list)
    for place, code, active, since, _ in _admissions(resources):
        specialty = extension_value(items[code], "examination-specialty") if code in items else None
        if active and since <= end and specialty is not None and place in places:
            pairs[place, specialty].append((place, f"ActivityDefinition/{items[code]['id']}") in passes)
    held = any if parameters["mutual-quality-basis"] == "any" else all
    return sum(held(one) for one in pairs.values()), len(pairs)


def _quality(resources: list[Resource]) -> Iterator[Resource]:
    return (
        one
        for one in resources
        if one["resourceType"] == "Basic" and "quality-result" in codes_of([one["code"]], "record-kind")
    )


def quality_passes(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Results of quality control that pass, and all."""
    found = [
        extension_value(one, "record-state") == "pass"
        for one in _quality(resources)
        if start.isoformat() <= extension_value(one, "record-day") <= end.isoformat()
    ]
    return sum(found), len(found)


def certified(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Reports with a certificate, and all."""
    signed = {
        target["reference"].split("/")[1]
        for one in resources
        if one["resourceType"] == "Provenance" and one.get("signature")
        for target in one["target"]
        if target["reference"].startswith("DiagnosticReport/")
    }
    asked = [one for one in _reports(resources) if start <= one.day <= end]
    return sum(one.id in signed for one in asked), len(asked)


CHECKS: Mapping[str, CheckQuery] = {
    "mutual-recognition-rate": recognition_rate,
    "mutual-patient-confirmation": patient_confirmation,
    "mutual-refusals": refusals,
    "mutual-savings": savings,
    "repeat-tests-share": repeats,
    "mutual-quality-coverage": quality_coverage,
    "mutual-quality-pass-rate": quality_passes,
    "certified-reports-share": certified,
}
