"""补录: the years, baselines that plans still lack, entered in one go with the documents that approve them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import partial
from hashlib import sha256
from typing import Final, Literal

from kangshu.access import Grant
from kangshu.base.canonical import BASE
from kangshu.base.clock import instant, now
from kangshu.base.faults import Invalid
from kangshu.plans import editing, shape
from kangshu.plans.changing import change_plan, person
from kangshu.plans.elements import extensions
from kangshu.plans.model import Baseline, PlanView, TargetView
from kangshu.plans.review import trajectory_runs
from kangshu.plans.view import is_foreign, is_plan, plan_view
from kangshu.sdk import Resource
from kangshu.store import Store

DOCUMENT_NUMBER: Final = f"{BASE}/sid/document-number"
GapKind = Literal["year", "baseline"]


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that a plan lacks: the year of a target, or where it starts from."""

    kind: GapKind
    plan: str
    plan_title: str
    target: str
    indicator: str
    figure: str
    """What is to be reached, as written."""
    unit: str
    due: str
    """The year as it stands: a masked one as printed, "" for none."""

    @property
    def key(self) -> str:
        """Return what tells it from all others: `<kind>.<plan>.<target>`."""
        return f"{self.kind}.{self.plan}.{self.target}"


@dataclass(frozen=True, slots=True)
class Approval:
    """The document that approves what is entered (批准文件); `files` are DocumentReferences of its attachments."""

    title: str
    number: str
    day: date | None
    files: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Return how it is cited: 《…》（云政办〔2026〕3号，2026-03-01）."""
        inside = "，".join(filter(None, (self.number, self.day.isoformat() if self.day else "")))
        return f"《{self.title.strip('《》')}》" + (f"（{inside}）" if inside else "")

    @property
    def id(self) -> str:
        """Return its record's id, which is the same for the same title, number and day."""
        return f"approval-{sha256(self.text.encode()).hexdigest()[:24]}"


@dataclass(frozen=True, slots=True)
class Filling:
    """What a person enters for a gap, as typed; `day` is the day of a baseline."""

    key: str
    value: str
    day: str
    approval: Approval


def gaps_of(plan: PlanView, today: date) -> tuple[Gap, ...]:
    """Return what a plan lacks, in the order of the document; nothing of one that is repealed."""
    if plan.foreign or plan.state == "repealed":
        return ()
    found: list[Gap] = []
    for target in plan.targets:
        if target.masked or not target.due:
            found.append(_gap("year", plan, target))
        if target.baseline is None and trajectory_runs(target, today):
            found.append(_gap("baseline", plan, target))
    return tuple(found)


def approval_record(approval: Approval) -> Resource:
    """Return the DocumentReference of an approving document. Raises Invalid without a title."""
    if not approval.title.strip():
        raise Invalid("name the approving document", zh="请填写批准文件名称", expression="title")
    record: Resource = {
        "resourceType": "DocumentReference",
        "id": approval.id,
        "status": "current",
        "type": {
            "coding": [{"system": shape.PLAN_ITEM, "code": "approving-document", "display": "批准文件"}]
        },
        "date": instant(now()),
        "description": approval.text,
        "content": [{"attachment": {"title": approval.title.strip()}}],
    }
    if approval.number:
        record["identifier"] = [{"system": DOCUMENT_NUMBER, "value": approval.number}]
    if approval.day:
        record["content"][0]["attachment"]["creation"] = approval.day.isoformat()
    if approval.files:
        record["context"] = {"related": [{"reference": f"DocumentReference/{one}"} for one in approval.files]}
    return record


class Gaps:
    """What all own plans lack. Looking asks for `plan.read`, entering for `plan.link`."""

    def __init__(self, store: Store, today: Callable[[], date]) -> None:
        self._store = store
        self._today = today

    async def gaps(self, grant: Grant) -> tuple[Gap, ...]:
        """Return what the city's own plans lack."""
        grant.require("plan.read")
        found = await self._store.search_all(grant, "PlanDefinition", "")
        today = self._today()
        own = (plan_view(one, "", {}, today) for one in found if is_plan(one) and not is_foreign(one))
        return tuple(gap for plan in own for gap in gaps_of(plan, today))

    async def check(self, grant: Grant, fillings: Sequence[Filling]) -> tuple[tuple[str, Invalid], ...]:
        """Return (key, what is wrong) of the fillings that cannot be entered; nothing is written."""
        grant.require("plan.link")
        wrong, _ = await self._changes(grant, fillings)
        return wrong

    async def fill(self, grant: Grant, fillings: Sequence[Filling]) -> tuple[tuple[str, Invalid], ...]:
        """Enter all fillings, each plan in one revision, or none; return what is wrong as `check` does."""
        grant.require("plan.link")
        wrong, changes = await self._changes(grant, fillings)
        if wrong:
            return wrong
        for approval in dict.fromkeys(one.approval for one in fillings):
            await self._store.update(grant, approval_record(approval))
        for plan_id, listed in changes.items():
            await change_plan(self._store, grant, plan_id, partial(_apply, listed), act="entered")
        return ()

    async def _changes(
        self, grant: Grant, fillings: Sequence[Filling]
    ) -> tuple[tuple[tuple[str, Invalid], ...], dict[str, list[Callable[[Resource], None]]]]:
        """Return what is wrong with fillings, and what the others do to each plan."""
        known = {gap.key: gap for gap in await self.gaps(grant)}
        wrong: list[tuple[str, Invalid]] = []
        changes: dict[str, list[Callable[[Resource], None]]] = {}
        for one in fillings:
            try:
                gap = known.get(one.key)
                if gap is None:
                    raise Invalid(
                        "nothing is missing here", zh="该项已补录或不存在，请刷新", expression="key"
                    )
                approval_record(one.approval)
                changes.setdefault(gap.plan, []).append(self._change(gap, one, person(grant)))
            except Invalid as fault:
                wrong.append((one.key, fault))
        return tuple(wrong), changes

    def _change(self, gap: Gap, filling: Filling, by: str) -> Callable[[Resource], None]:
        """Return what the filling does to its plan. Raises Invalid."""
        approval = filling.approval
        if gap.kind == "year":
            year = int(filling.value) if filling.value.isdecimal() and filling.value.isascii() else 0
            if not 2000 <= year <= 2100:
                raise Invalid(
                    "the year is a number such as 2027", zh="年份应为数字，如 2027", expression="value"
                )

            def enter_year(plan: Resource) -> None:
                goal = editing.goal_of(plan, gap.target)
                editing.set_due(goal, year, approval.text, by)
                _cite(goal, shape.DUE_SOURCE, approval)

            return enter_year
        baseline = Baseline(_figure(filling.value), self._day(filling.day), approval.text)

        def enter_baseline(plan: Resource) -> None:
            goal = editing.goal_of(plan, gap.target)
            editing.set_baseline(goal, baseline)
            _cite(goal, shape.BASELINE, approval)

        return enter_baseline

    def _day(self, written: str) -> date:
        try:
            day = date.fromisoformat(written)
        except ValueError as error:
            raise Invalid(
                "a date is written as 2026-03-01", zh="日期格式应为 2026-03-01", expression="day"
            ) from error
        if day > self._today():
            raise Invalid("a baseline cannot lie ahead", zh="基期日期不能晚于今天", expression="day")
        return day


def _apply(listed: Iterable[Callable[[Resource], None]], plan: Resource) -> None:
    for change in listed:
        change(plan)


def _figure(written: str) -> Decimal:
    try:
        value = Decimal(written.replace(",", "").replace("，", ""))
    except InvalidOperation as error:
        raise Invalid("the value must be a number", zh="数值应为数字", expression="value") from error
    if not value.is_finite() or abs(value) >= Decimal(10) ** 15:
        raise Invalid("the value must be a number", zh="数值应为数字", expression="value")
    return value


def _cite(goal: Resource, url: str, approval: Approval) -> None:
    held = next(extensions(goal, url))
    held["extension"].append(
        {"url": "approval", "valueReference": {"reference": f"DocumentReference/{approval.id}"}}
    )


def _gap(kind: GapKind, plan: PlanView, target: TargetView) -> Gap:
    value = "—".join(map(str, target.value)) if isinstance(target.value, tuple) else str(target.value)
    return Gap(
        kind,
        plan.id,
        plan.title,
        target.id,
        target.indicator,
        f"{value}{target.unit}",
        target.unit,
        target.due,
    )
