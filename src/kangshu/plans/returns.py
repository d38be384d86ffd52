"""进展报送: returns are opened by the calendar, seen together, compiled, urged and circulated. Every call takes a grant.

The kind of case is the one that declares `carries: progress-return`; no service is named here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from kangshu.access import Grant, system_grant
from kangshu.base.canonical import CASE_KIND, DEMO_TAG
from kangshu.base.clock import CITY_ZONE, now
from kangshu.base.faults import NotFound, Unprocessable, Unsupported
from kangshu.base.parameters import ParameterTable
from kangshu.base.text import Text
from kangshu.base.working_days import Calendar, china
from kangshu.cases import Cases, events, inputs, number_of, organisation_of, state_of, urged_of
from kangshu.documents import OfficialParagraph, OfficialTable
from kangshu.plans import circulars
from kangshu.plans.calendar import DuePeriod, ReturnPeriod, period_to_open, periods_of
from kangshu.plans.circulars import Circular, PublishedCircular
from kangshu.plans.return_lines import begun_by, lines_of, units_that_owe
from kangshu.plans.snapshot_content import TALLIES, Content
from kangshu.plans.snapshots import CARRIES_RETURN, Snapshots
from kangshu.plans.view import is_demo
from kangshu.sdk import CaseDeclaration, Resource
from kangshu.store import Store

Standing = str
"""How a return stands for the office: `on-time`, `late` (sent late), `missing` (not sent, past its day), `waiting`,
`returned` (sent back and not sent again), `cancelled`."""
STANDINGS: Final[dict[str, Text]] = {
    "on-time": Text("按期报送", "Sent in time"),
    "late": Text("逾期补报", "Sent late"),
    "missing": Text("逾期未报", "Not sent"),
    "returned": Text("退回未重报", "Sent back"),
    "waiting": Text("待报送", "Waiting"),
    "cancelled": Text("已撤销", "Withdrawn"),
}
_SENT: Final = frozenset({"submit", "zero"})


@dataclass(frozen=True, slots=True)
class ReturnRow:
    """One return. `lines` are its rows as the case keeps them."""

    task: str
    number: str
    unit: str
    unit_name: str
    plan: str
    period: str
    due: date
    state: str
    state_title: Text
    standing: Standing
    zero: bool
    zero_reason: str
    urged: int
    times_returned: int
    sent: date | None
    """The day on which it was first sent."""
    lines: tuple[dict[str, Any], ...]

    @property
    def standing_title(self) -> Text:
        """Return how it stands, in words."""
        return STANDINGS[self.standing]


@dataclass(frozen=True, slots=True)
class ReturnsTable:
    """A plan's returns of one year: units × periods."""

    plan: str
    plan_title: str
    year: int
    years: tuple[int, ...]
    periods: tuple[ReturnPeriod, ...]
    units: tuple[tuple[str, str], ...]
    rows: dict[tuple[str, str], ReturnRow]
    """(unit, period) → return."""


class Returns:
    """The returns of one installation."""

    def __init__(
        self,
        store: Store,
        cases: Cases,
        snapshots: Snapshots,
        parameters: ParameterTable,
        *,
        jurisdiction: str,
        calendar: Calendar | None = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._store = store
        self._cases = cases
        self._snapshots = snapshots
        self._parameters = parameters
        self._jurisdiction = jurisdiction
        self._calendar = calendar or china()
        self._clock = clock
        self._looked: date | None = None

    def _today(self) -> date:
        return self._clock().astimezone(CITY_ZONE).date()

    async def keep_calendar(self) -> int:
        """Open what is due to be open, once a day; return how many returns were opened. The background worker calls it."""
        if self._looked == self._today():
            return 0
        opened = await self.open_due()
        self._looked = self._today()
        return opened

    async def open_due(self) -> int:
        """Open the returns of the last period that is over; return how many. A second run opens none.

        A return's natural key is its plan, period and unit: two workers at once open none twice.
        """
        kind = self._cases.carrying(CARRIES_RETURN)
        due = period_to_open(self._today(), self._parameters, self._jurisdiction, self._calendar)
        if kind is None or due is None:
            return 0
        system = system_grant("报送日历 reporting calendar")
        try:
            plans = (await self._snapshots.preview(system))["plans"]
        except Unprocessable:  # there is no plan of our own yet
            return 0
        opened = 0
        for plan in plans:
            if plan["state"] in ("in-force", "final-evaluation"):
                resource = (await self._store.read(system, "PlanDefinition", plan["id"])).resource
                since = [str(resource.get("date") or ""), *(one["opened"] for one in plan["duties"])]
                start = min((date.fromisoformat(one[:10]) for one in since if one), default=date.min)
                asked = begun_by(plan, start, due.period.last_day)
                opened += await self._open(system, kind, asked, due)
        return opened

    async def _open(self, system: Grant, kind: CaseDeclaration, plan: Content, due: DuePeriod) -> int:
        standing = await self._tasks(system, kind, plan["id"])
        have = {one.unit for one in standing if one.period == str(due.period)}
        last: dict[str, ReturnRow] = {}
        for one in sorted(standing, key=lambda row: ReturnPeriod.read(row.period)):
            if ReturnPeriod.read(one.period) < due.period and one.state != "cancelled":
                last[one.unit] = one
        office = await self._office(system, plan)
        opened = 0
        for unit in units_that_owe(plan):
            if unit in have:
                continue
            before = last[unit].lines if unit in last else ()
            values = {
                "receiver": f"Organization/{unit}",
                "plan": f"PlanDefinition/{plan['id']}",
                "period": str(due.period),
                "due": due.due.isoformat(),
                "lines": lines_of(plan, unit, before),
            }
            tag = {"system": DEMO_TAG, "code": "demo", "display": "演示数据"}
            began = self._clock()
            stored = await self._cases.start(
                replace(system, organisation=office, organisations=frozenset({office} - {""})),
                kind.code,
                values,
                title=f"{due.period.title.zh}进展报送：{plan['title']}"[:200],
                focus=f"PlanDefinition/{plan['id']}",
                tags=[tag] if plan["demo"] else [],
                key=f"return/{plan['id']}/{due.period}/{unit}",
            )
            opened += stored.version == 1 and events(stored.resource)[0].when >= began.replace(microsecond=0)
        return opened

    async def _office(self, system: Grant, plan: Content) -> str:
        """Return the organisation that asks for the returns of a plan: the one that has assigned its duties, "" for none."""
        for duty in plan["duties"]:
            if duty["role"] == "lead":
                task = (await self._store.read(system, "Task", duty["task"])).resource
                return organisation_of(task, "requester")
        return ""

    async def mine(self, grant: Grant) -> tuple[ReturnRow, ...]:
        """Return the open returns of the account's organisation, the nearest day first."""
        kind = self._cases.carrying(CARRIES_RETURN)
        if kind is None or not grant.organisation:
            return ()
        found = await self._tasks(grant, kind, "", f"&owner=Organization/{grant.organisation}")
        return tuple(
            sorted(
                (one for one in found if one.state in ("due", "late", "returned")),
                key=lambda one: (one.due, one.task),
            )
        )

    async def table(self, grant: Grant, plan: str, year: int | None = None) -> ReturnsTable:
        """Return a plan's returns of a year (this one) that the grant sees. Raises NotFound."""
        grant.require("plan.read")
        kind = self._kind()
        resource = (await self._store.read(grant, "PlanDefinition", plan)).resource
        found = await self._tasks(grant, kind, plan)
        years = sorted({ReturnPeriod.read(one.period).year for one in found}, reverse=True)
        shown = year or (years[0] if years else self._today().year)
        rows = {(one.unit, one.period): one for one in found if ReturnPeriod.read(one.period).year == shown}
        sent = {ReturnPeriod.read(period) for _, period in rows}
        coming = periods_of(shown, self._parameters, self._jurisdiction)
        periods = sent | {one for one in coming if not sent or one > min(sent)}
        units = {one.unit: one.unit_name for one in rows.values()}
        return ReturnsTable(
            plan,
            str(resource.get("title", "")),
            shown,
            tuple(years),
            tuple(sorted(periods)),
            tuple(sorted(units.items(), key=lambda pair: pair[1])),
            rows,
        )

    async def compiled(self, grant: Grant, plan: str, period: str) -> tuple[ReturnRow, ...]:
        """汇总: return every unit's return of a period that the grant sees, by unit. Raises NotFound, Invalid."""
        grant.require("plan.read")
        asked = str(ReturnPeriod.read(period))
        await self._store.read(grant, "PlanDefinition", plan)
        found = [one for one in await self._tasks(grant, self._kind(), plan) if one.period == asked]
        return tuple(sorted(found, key=lambda one: (one.unit_name, one.unit)))

    async def urge(self, grant: Grant, plan: str, period: str, comment: str) -> int:
        """催报: urge every unit that has not sent its return of a period; return how many. Raises as `Cases.move`."""
        grant.require("plan.assign")
        waiting = [
            one
            for one in await self.compiled(grant, plan, period)
            if one.state in ("due", "late", "returned")
        ]
        for one in waiting:
            await self._cases.move(grant, one.task, "urge", {"comment": comment})
        return len(waiting)

    async def circular(self, grant: Grant, plan: str, period: str) -> Circular:
        """Return the circular of a period as it would be published now. Raises NotFound without returns."""
        rows = [one for one in await self.compiled(grant, plan, period) if one.state != "cancelled"]
        if not rows:
            raise NotFound("no returns of this period", zh="该报送期没有进展报送")
        resource = (await self._store.read(grant, "PlanDefinition", plan)).resource
        return circular_of(
            str(resource.get("title", "")), ReturnPeriod.read(period), plan, rows, is_demo(resource)
        )

    async def draft(self, grant: Grant, plan: str, period: str) -> bytes:
        """Return the circular of a period as docx, as it would be published now, without its number."""
        grant.require("plan.assign")
        circular = await self.circular(grant, plan, period)
        return await circulars.draft(self._store, grant, circular, self._clock())

    async def publish(self, grant: Grant, plan: str, period: str) -> PublishedCircular:
        """通报: publish the circular of a period to every unit. Raises as `circulars.publish`."""
        grant.require("plan.assign")
        circular = await self.circular(grant, plan, period)
        return await circulars.publish(self._store, grant, circular, self._jurisdiction, self._clock())

    async def published(
        self, grant: Grant, plan: str, periods: Sequence[str]
    ) -> dict[str, PublishedCircular]:
        """Return the circulars of these periods that were published, by period."""
        keys = {f"return/{plan}/{one}": one for one in periods}
        found = await circulars.published(self._store, grant, keys)
        return {keys[key]: one for key, one in found.items()}

    def _kind(self) -> CaseDeclaration:
        found = self._cases.carrying(CARRIES_RETURN)
        if found is None:
            raise Unsupported(
                "no service of this installation carries progress returns",
                zh="当前系统没有承接进展报送的服务",
            )
        return found

    async def _tasks(self, grant: Grant, kind: CaseDeclaration, plan: str, more: str = "") -> list[ReturnRow]:
        focus = f"&focus=PlanDefinition/{plan}" if plan else ""
        tasks = await self._store.search_all(grant, "Task", f"code={CASE_KIND}|{kind.code}{focus}{more}")
        titles = {state.id: state.title for state in kind.states}
        return [_row(one, titles, self._today()) for one in tasks]


def _row(task: Resource, titles: dict[str, Text], today: date) -> ReturnRow:
    said, state = inputs(task), state_of(task)
    history = events(task)
    due = date.fromisoformat(str(said["due"]))
    sent = next((one.when.astimezone(CITY_ZONE).date() for one in history if one.move in _SENT), None)
    returned = (one for one in task.get("extension", ()) if one.get("url") == TALLIES["returned"])
    return ReturnRow(
        task=str(task["id"]),
        number=number_of(task),
        unit=organisation_of(task, "owner"),
        unit_name=str((task.get("owner") or {}).get("display", "")),
        plan=str((task.get("focus") or {}).get("reference", "")).removeprefix("PlanDefinition/"),
        period=str(said["period"]),
        due=due,
        state=state,
        state_title=titles.get(state, Text(state, state)),
        standing=_standing(state, said.get("on_time"), sent, due, today),
        zero=said.get("zero") is True,
        zero_reason=str(said.get("zero_reason") or ""),
        urged=urged_of(task),
        times_returned=next((int(one.get("valueInteger", 0)) for one in returned), 0),
        sent=sent,
        lines=tuple(said.get("lines", ())),
    )


def _standing(state: str, on_time: object, sent: date | None, due: date, today: date) -> Standing:
    if state in ("cancelled", "returned"):
        return state
    if sent is None:
        return "missing" if state == "late" or due < today else "waiting"
    return "on-time" if on_time is True else "late"


def circular_of(
    title: str, period: ReturnPeriod, plan: str, rows: Sequence[ReturnRow], demo: bool
) -> Circular:
    """Return the circular about the returns of a period: counts, who stands where, and the table by unit."""
    by_standing: dict[str, list[ReturnRow]] = {}
    for row in rows:
        by_standing.setdefault(row.standing, []).append(row)
    zero = [one.unit_name for one in rows if one.zero]

    def said(standing: str) -> str:
        return circulars.lines_of([one.unit_name for one in by_standing.get(standing, ())])

    listed = [("单位", "报送情况", "首次报送日", "催报次数", "退回次数")]
    listed += [
        (
            one.unit_name,
            STANDINGS[one.standing].zh + ("（零报告）" if one.zero else ""),
            one.sent.isoformat() if one.sent else "—",
            str(one.urged),
            str(one.times_returned),
        )
        for one in rows
    ]
    name = period.title.zh
    body = (
        OfficialParagraph(
            f"{name}，《{title}》应报送进展的单位{len(rows)}个，报送截止日为{rows[0].due.isoformat()}，"
            f"按期报送{len(by_standing.get('on-time', ()))}个。现将有关情况通报如下。"
        ),
        OfficialParagraph(level=1, heading="报送情况"),
        OfficialParagraph(f"按期报送：{said('on-time')}。"),
        OfficialParagraph(f"逾期补报：{said('late')}。"),
        OfficialParagraph(f"逾期未报：{said('missing')}。"),
        OfficialParagraph(f"退回未重报：{said('returned')}。"),
        OfficialParagraph(f"零报告：{circulars.lines_of(zero)}。"),
        OfficialParagraph(level=1, heading="分单位情况"),
        OfficialTable(tuple(listed), (3.0, 2.0, 1.6, 1.0, 1.0)),
    )
    return Circular(
        key=f"return/{plan}/{period}",
        title=f"关于{name}进展报送情况的通报",
        body=body,
        units=tuple((one.unit, one.unit_name) for one in rows),
        notice=Text(
            f"《关于{name}进展报送情况的通报》已发布。",
            f"The circular on the returns of {period} is published.",
        ),
        demo=demo,
    )
