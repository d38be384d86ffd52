"""填报、核对、发布、退回、更正: how a target's value moves. Nobody reviews what they sent; nothing published is lost.

due → submitted → checked (by the lead unit) → published (by who reviews) or returned; a published value is corrected by
another value that is reviewed as any other, and takes its place when it is published.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import MappingProxyType

from kangshu.access import ANY_TYPE, Everything, Grant
from kangshu.base.clock import instant, now
from kangshu.base.faults import Conflict, Forbidden, Invalid, NotFound, Unprocessable
from kangshu.plans.changing import person
from kangshu.plans.due_values import lead_units, may_report
from kangshu.plans.model import PlanView, TargetView
from kangshu.plans.reports import (
    ReportedValue,
    Submission,
    canonical,
    checked,
    corrected,
    new_report,
    read_report,
    reviewed,
)
from kangshu.sdk import Resource
from kangshu.store import Store, Stored

_EVERY = MappingProxyType({ANY_TYPE: Everything()})
_CHUNK = 100


def own_target(plan: PlanView, target: str) -> TargetView:
    """Return a target of our own plan. Raises NotFound; Unprocessable for another city's plan."""
    found = plan.target(target)
    if found is None:
        raise NotFound(f"the plan has no target '{target[:60]}'", zh=f"规划中没有目标“{target[:60]}”")
    if plan.foreign:
        raise Unprocessable("another city's targets get no values here", zh="外地规划的目标不填报数值")
    return found


async def submit(
    store: Store, grant: Grant, plan: PlanView, target: str, sent: Submission, today: date
) -> ReportedValue:
    """Write a submitted value; see `TargetValues.report`."""
    found = own_target(plan, target)
    if not may_report(grant, plan, found):
        raise Forbidden("only a unit of the clause may report its value", zh="仅该条款的责任单位可以填报")
    _complete(sent, today)
    if sent.corrects:
        await _correctable(store, grant, plan, target, sent)
    for one in sent.files:
        await store.read(grant, "DocumentReference", one)
    made = new_report(plan, found, sent, grant, instant(now()))
    return read_report((await store.create(_writing(grant), made)).stored.resource)


async def release(
    store: Store, grant: Grant, plan: PlanView, target: str, sent: Submission, today: date
) -> ReportedValue:
    """Write a released statistic; see `TargetValues.enter_statistics`."""
    found = own_target(plan, target)
    if sent.release is None or not sent.release.bulletin.strip():
        raise Invalid("a statistic needs its bulletin", zh="须注明公报或年鉴名称", expression="bulletin")
    if sent.release.day > today:
        raise Invalid(
            "a bulletin cannot be of a day to come", zh="发布日期不能晚于今天", expression="released"
        )
    if sent.release.day < sent.day:
        raise Invalid(
            "a figure cannot be released before the day it is for",
            zh="发布日期不能早于数据日期",
            expression="released",
        )
    _complete(sent, today)
    held = await values_of(store, grant, plan, [target])
    same = next((one for one in held if one.release == sent.release and one.day == sent.day), None)
    if same is not None and same.value == sent.value:
        return same  # entered twice: nothing new
    if same is not None:
        raise Conflict(
            "this release holds another figure for that day; enter it as revised",
            zh="该公报此日期已有不同数值，请按“修订数”录入",
        )
    made = new_report(plan, found, sent, grant, instant(now()))
    return read_report((await store.create(_writing(grant), made)).stored.resource)


async def check(store: Store, grant: Grant, plan: PlanView, report: str) -> ReportedValue:
    """Write that the lead unit has checked a co-unit's value; see `TargetValues.check`."""
    stored, before = await _open(store, grant, report)
    found = own_target(plan, before.target)
    if grant.organisation not in lead_units(plan, found) and not grant.may("plan.report"):
        raise Forbidden("the lead unit checks the value", zh="由牵头单位核对")
    if before.state != "submitted":
        raise Conflict("this value has been checked already", zh="该填报已核对")
    written = await store.update(_writing(grant), checked(stored.resource, grant), if_match=stored.version)
    return read_report(written.stored.resource)


async def review(
    store: Store, grant: Grant, report: str, accept: bool, comment: str, today: date
) -> ReportedValue:
    """Write the review of a submitted value; see `TargetValues.review`."""
    stored, before = await _open(store, grant, report)
    if not accept and not comment.strip():
        raise Invalid("a returned value needs a reason", zh="退回须写明理由", expression="comment")
    after = reviewed(stored.resource, accept, comment, grant)
    writing = _writing(grant)
    async with store.transaction(writing) as transaction:
        await transaction.update(after, if_match=stored.version)
        if accept and before.corrects:
            old = await store.read(grant, "MeasureReport", before.corrects)
            if read_report(old.resource).state == "published":
                mark = corrected(old.resource, report, person(grant), today.isoformat(), before.reason)
                await transaction.update(mark, if_match=old.version)
    return read_report((await store.read(grant, "MeasureReport", report)).resource)


async def values_of(
    store: Store, grant: Grant, plan: PlanView, targets: list[str] | None = None
) -> tuple[ReportedValue, ...]:
    """Return the values of the plan's targets (or of some) that the grant sees, the newest day first."""
    urls = [canonical(plan.id, one) for one in targets or [one.id for one in plan.targets]]
    found: list[ReportedValue] = []
    for start in range(0, len(urls), _CHUNK):
        criteria = f"measure={','.join(urls[start : start + _CHUNK])}"
        found += [read_report(one) for one in await store.search_all(grant, "MeasureReport", criteria)]
    return tuple(sorted(found, key=lambda one: (one.day, one.id), reverse=True))


def plan_of_report(report: Resource) -> str:
    """Return the id of the plan whose target a MeasureReport tells, "" for another's."""
    name = str(report.get("measure", "")).rpartition("/Measure/reported-")[2]
    return name.rpartition("-target-")[0]


async def _open(store: Store, grant: Grant, report: str) -> tuple[Stored, ReportedValue]:
    """Return a value that waits for somebody else. Raises NotFound, Forbidden, Conflict."""
    stored = await store.read(grant, "MeasureReport", report)
    if not plan_of_report(stored.resource):
        raise NotFound("there is no such value", zh="没有此填报")
    before = read_report(stored.resource)
    if before.submitted_by == grant.account:
        raise Forbidden("nobody reviews what they submitted", zh="填报人不能审核本人填报的数据")
    if not before.waits:
        raise Conflict("this value has been reviewed already", zh="该填报已审核")
    return stored, before


async def _correctable(store: Store, grant: Grant, plan: PlanView, target: str, sent: Submission) -> None:
    """Raise unless the value to be corrected is a published one of this target and a reason is given."""
    if not sent.reason.strip():
        raise Invalid("a correction needs its reason", zh="更正须写明理由", expression="reason")
    listed = await values_of(store, grant, plan, [target])
    old = next((one for one in listed if one.id == sent.corrects), None)
    if old is None:
        raise NotFound("there is no such value", zh="没有要更正的填报")
    if old.state != "published":
        raise Conflict("only a published value that stands is corrected", zh="只能更正已发布且仍有效的数值")
    if any(one.corrects == old.id and one.waits for one in listed):
        raise Conflict("a correction of this value waits for review", zh="该数值已有待审核的更正")


def _complete(sent: Submission, today: date) -> None:
    if not sent.evidence.strip() and sent.release is None:
        raise Invalid("a reported value needs its evidence", zh="填报须注明依据")
    if sent.day > today:
        raise Invalid("a value cannot be reported for a day to come", zh="填报日期不能晚于今天")


def _writing(grant: Grant) -> Grant:
    """Return the grant with leave to write a report, after this room has checked that it may be written."""
    return replace(grant, write=_EVERY, operations=grant.operations | {"plan.engine"})
