"""Reported values (填报): a unit submits a target's value with evidence, somebody else reviews it.

A reported value is a MeasureReport of our own measure URL; `pending` until it is reviewed, then `complete` or
`error`. Only reviewed values light a target.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from kangshu.access import ANY_TYPE, Everything, Grant
from kangshu.base.canonical import BASE, DEMO_TAG, DISTRICT, structure
from kangshu.base.clock import CITY_ZONE, instant, now
from kangshu.base.faults import Conflict, Forbidden, Invalid, NotFound, Unprocessable
from kangshu.plans.lights import Known
from kangshu.plans.model import PlanView, TargetView
from kangshu.plans.view import extension_value, extensions
from kangshu.sdk import Resource
from kangshu.store import Store

RESPONSIBLE: Final = structure("responsible-organisation")
SUBMITTED_BY, REVIEWED_BY = structure("submitted-by"), structure("reviewed-by")
EVIDENCE, COMMENT = structure("evidence"), structure("review-comment")
EVIDENCE_FILE: Final = structure("evidence-file")

_EVERY = MappingProxyType({ANY_TYPE: Everything()})
_CHUNK = 100


@dataclass(frozen=True, slots=True)
class ReportedValue:
    """A value that a unit has submitted. `state` is submitted, accepted or returned."""

    id: str
    version: int
    target: str
    unit: str
    value: Decimal
    day: date
    evidence: str
    state: str
    submitted_by: str
    reviewed_by: str
    comment: str
    files: tuple[str, ...] = ()
    """Ids of the DocumentReferences that prove it."""
    sent: date | None = None
    """The day on which it was submitted."""


@dataclass(frozen=True, slots=True)
class DueReport:
    """A target whose unit has to report its value: nothing was sent since `since`, or what was sent came back."""

    plan: str
    plan_title: str
    target: TargetView
    units: tuple[str, ...]
    """Ids of the clause's lead units."""
    last: ReportedValue | None
    """The newest value that was reported, the returned one where it came back."""
    returned: bool
    since: date


_STATES: Final = {"pending": "submitted", "complete": "accepted", "error": "returned"}


def canonical(plan: str, target: str) -> str:
    """Return the measure URL of a target's reported values."""
    return f"{BASE}/Measure/reported-{plan}-{target}"


def new_report(
    plan: PlanView,
    target: TargetView,
    value: Decimal,
    day: date,
    evidence: str,
    files: Iterable[str],
    grant: Grant,
    sent: str,
) -> Resource:
    """Return the MeasureReport of a submitted value, without id."""
    report: Resource = {
        "resourceType": "MeasureReport",
        "extension": [
            {"url": DISTRICT, "valueCode": plan.jurisdiction},
            {"url": RESPONSIBLE, "valueReference": {"reference": f"Organization/{grant.organisation}"}},
            {"url": SUBMITTED_BY, "valueString": grant.account},
            {"url": EVIDENCE, "valueString": evidence},
            *(
                {"url": EVIDENCE_FILE, "valueReference": {"reference": f"DocumentReference/{one}"}}
                for one in files
            ),
        ],
        "status": "pending",
        "type": "summary",
        "measure": canonical(plan.id, target.id),
        "date": sent,
        "reporter": {"reference": f"Organization/{grant.organisation}"},
        "period": {"start": f"{day.year}-01-01", "end": day.isoformat()},
        "group": [{"measureScore": {"value": value, **({"unit": target.unit} if target.unit else {})}}],
    }
    if plan.demo:
        report["meta"] = {"tag": [{"system": DEMO_TAG, "code": "demo", "display": "演示数据"}]}
    return report


def reviewed(report: Resource, accept: bool, comment: str, grant: Grant) -> Resource:
    """Return the report after its review."""
    kept = [one for one in report.get("extension", ()) if one.get("url") not in (REVIEWED_BY, COMMENT)]
    kept.append({"url": REVIEWED_BY, "valueString": grant.account})
    if comment:
        kept.append({"url": COMMENT, "valueString": comment})
    return {**report, "extension": kept, "status": "complete" if accept else "error"}


def read_report(report: Resource) -> ReportedValue:
    """Return a reported value from its MeasureReport."""
    score = report["group"][0]["measureScore"]
    return ReportedValue(
        id=str(report["id"]),
        version=int(report.get("meta", {}).get("versionId", 0) or 0),
        target="target-" + str(report["measure"]).rsplit("-target-", 1)[-1],
        unit=str(report.get("reporter", {}).get("reference", "")).removeprefix("Organization/"),
        value=Decimal(str(score["value"])),
        day=date.fromisoformat(report["period"]["end"]),
        evidence=str(extension_value(report, EVIDENCE) or ""),
        state=_STATES.get(str(report.get("status")), "submitted"),
        submitted_by=str(extension_value(report, SUBMITTED_BY) or ""),
        reviewed_by=str(extension_value(report, REVIEWED_BY) or ""),
        comment=str(extension_value(report, COMMENT) or ""),
        files=tuple(
            str(one.get("valueReference", {}).get("reference", "")).removeprefix("DocumentReference/")
            for one in extensions(report, EVIDENCE_FILE)
        ),
        sent=_day(report.get("date")),
    )


def _day(lexeme: object) -> date | None:
    return datetime.fromisoformat(str(lexeme)).astimezone(CITY_ZONE).date() if lexeme else None


def newest(reports: Iterable[ReportedValue]) -> dict[str, Known]:
    """Return the newest accepted value of each target."""
    found: dict[str, Known] = {}
    for one in sorted(reports, key=lambda report: (report.day, report.id)):
        if one.state == "accepted":
            found[one.target] = Known(one.value, one.day, one.day.isoformat(), "reported")
    return found


def may_report(grant: Grant, plan: PlanView, target: TargetView) -> bool:
    """Return whether the account may report this target: its organisation is a unit of the clause, or it reviews reports."""
    clause = plan.clause(target.clause)
    units = {one for unit in (clause.units if clause else ()) for one in unit.organisations}
    return bool(grant.organisation) and (grant.organisation in units or grant.may("plan.report"))


def due_reports(
    plan: PlanView, reports: Iterable[ReportedValue], grant: Grant, months: int, today: date
) -> list[DueReport]:
    """Return the targets that the account's organisation leads, that no measure proves, and that wait for a value.

    A value is asked for every `months` calendar months: nothing sent since the first day of the period, or what
    was sent came back.
    """
    month = today.year * 12 + today.month - 1 - (months - 1)
    since = date(month // 12, month % 12 + 1, 1)
    sent: dict[str, list[ReportedValue]] = {}
    for one in reports:
        sent.setdefault(one.target, []).append(one)
    found = []
    for target in plan.targets:
        clause = plan.clause(target.clause)
        leads = tuple(one for unit in (clause.of("lead") if clause else ()) for one in unit.organisations)
        if (target.measure and target.confirmed) or grant.organisation not in leads:
            continue
        listed = sorted(sent.get(target.id, ()), key=lambda one: one.id)  # ids grow with time
        last = listed[-1] if listed else None
        returned = last is not None and last.state == "returned"
        if last is None or returned or (last.sent or last.day) < since:
            found.append(DueReport(plan.id, plan.title, target, leads, last, returned, since))
    return found


async def submit(
    store: Store,
    grant: Grant,
    plan: PlanView,
    target: str,
    value: Decimal,
    day: date,
    evidence: str,
    files: Sequence[str],
    today: date,
) -> ReportedValue:
    """Write a submitted value; see `Plans.report`."""
    found = plan.target(target)
    if found is None:
        raise NotFound(f"the plan has no target '{target[:60]}'", zh=f"规划中没有目标“{target[:60]}”")
    if plan.foreign:
        raise Unprocessable("another city's targets get no values here", zh="外地规划的目标不填报数值")
    if not may_report(grant, plan, found):
        raise Forbidden("only a unit of the clause may report its value", zh="仅该条款的责任单位可以填报")
    if not evidence.strip():
        raise Invalid("a reported value needs its evidence", zh="填报须注明依据")
    if day > today:
        raise Invalid("a value cannot be reported for a day to come", zh="填报日期不能晚于今天")
    for one in files:
        await store.read(grant, "DocumentReference", one)
    made = new_report(plan, found, value, day, evidence.strip(), files, grant, instant(now()))
    return read_report((await store.create(_writing(grant), made)).stored.resource)


async def review(store: Store, grant: Grant, report: str, accept: bool, comment: str) -> ReportedValue:
    """Write the review of a submitted value; see `Plans.review`."""
    stored = await store.read(grant, "MeasureReport", report)
    before = read_report(stored.resource)
    if before.submitted_by == grant.account:
        raise Forbidden("nobody reviews what they submitted", zh="填报人不能审核本人填报的数据")
    if before.state != "submitted":
        raise Conflict("this value has been reviewed already", zh="该填报已审核")
    if not accept and not comment.strip():
        raise Invalid("a returned value needs a reason", zh="退回须写明理由", expression="comment")
    after = reviewed(stored.resource, accept, comment, grant)
    written = await store.update(_writing(grant), after, if_match=stored.version)
    return read_report(written.stored.resource)


async def reported(store: Store, grant: Grant, plan: PlanView) -> tuple[ReportedValue, ...]:
    """Return the reported values of the plan's targets that the grant sees, the newest day first."""
    urls = [canonical(plan.id, one.id) for one in plan.targets]
    found: list[ReportedValue] = []
    for start in range(0, len(urls), _CHUNK):
        criteria = f"measure={','.join(urls[start : start + _CHUNK])}"
        found += [read_report(one) for one in await store.search_all(grant, "MeasureReport", criteria)]
    return tuple(sorted(found, key=lambda one: (one.day, one.id), reverse=True))


def _writing(grant: Grant) -> Grant:
    """Return the grant with leave to write a report, after this room has checked that it may be written."""
    return replace(grant, write=_EVERY, operations=grant.operations | {"plan.engine"})
