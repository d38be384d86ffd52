"""考核评价: schemes, one case per unit scored from a frozen snapshot, ranking, trend, circular. Every call takes a grant.

The kind of case is the one that declares `carries: assessment`; no service is named here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from kangshu.access import Grant
from kangshu.base.canonical import CASE_KIND, DEMO_TAG
from kangshu.base.clock import CITY_ZONE, now
from kangshu.base.faults import Conflict, NotFound, Unprocessable, Unsupported
from kangshu.base.parameters import ParameterTable
from kangshu.base.text import Text
from kangshu.cases import Cases, inputs, number_of, organisation_of, state_of
from kangshu.documents import OfficialParagraph, OfficialTable
from kangshu.plans import circulars
from kangshu.plans.assessment import schemes
from kangshu.plans.assessment.examples import example_scheme
from kangshu.plans.assessment.limits import caps_on
from kangshu.plans.assessment.scheme import Scheme
from kangshu.plans.assessment.scoring import (
    Caps,
    Total,
    ground_of,
    ranking,
    score_of,
    scored_rows,
    total_of,
)
from kangshu.plans.assessment.sheets import read_scheme, scheme_sheets
from kangshu.plans.circulars import Circular, PublishedCircular
from kangshu.plans.snapshots import Snapshots
from kangshu.plans.view import is_demo
from kangshu.sdk import CaseDeclaration, Resource
from kangshu.store import Store

CARRIES_ASSESSMENT: Final = "assessment"
"""What a case kind declares in `carries` when it is the assessment of a unit."""
_DONE: Final = frozenset({"final", "announced"})
_ALIASES: Final = "alias"


@dataclass(frozen=True, slots=True)
class UnitSheet:
    """The assessment of one unit: its rows, what was added, taken and waived, and what it comes to."""

    task: str
    number: str
    unit: str
    unit_name: str
    scheme: str
    scheme_title: str
    year: int
    unit_class: str
    snapshot: str
    digest: str
    state: str
    state_title: Text
    outcome: str
    items: tuple[dict[str, Any], ...]
    adjustments: tuple[dict[str, Any], ...]
    waivers: tuple[dict[str, Any], ...]
    total: Total
    demo: bool

    @property
    def scored(self) -> tuple[tuple[dict[str, Any], Decimal | None, str], ...]:
        """Return each item with the score that stands (None while open) and why, in words."""
        return tuple((row, score_of(row), ground_of(row)) for row in self.items)

    @property
    def settled(self) -> bool:
        """Return whether the result is final."""
        return self.state in _DONE


@dataclass(frozen=True, slots=True)
class RankedSheet:
    """A unit's place in its class; `before` are its points of earlier years, (year, points), the newest first."""

    sheet: UnitSheet
    rank: int
    before: tuple[tuple[int, Decimal], ...]


class Assessments:
    """The assessments of one installation."""

    def __init__(
        self,
        store: Store,
        cases: Cases,
        snapshots: Snapshots,
        parameters: ParameterTable,
        *,
        jurisdiction: str,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._store = store
        self._cases = cases
        self._snapshots = snapshots
        self._parameters = parameters
        self._jurisdiction = jurisdiction
        self._clock = clock

    def _today(self) -> date:
        return self._clock().astimezone(CITY_ZONE).date()

    async def schemes(self, grant: Grant) -> tuple[Scheme, ...]:
        """Return every scheme, the newest year and version first."""
        grant.require("plan.read")
        return await schemes.schemes(self._store, grant)

    async def scheme(self, grant: Grant, identifier: str) -> Scheme:
        """Return one scheme. Raises NotFound."""
        grant.require("plan.read")
        return await schemes.scheme(self._store, grant, identifier)

    async def read_scheme(self, grant: Grant, data: bytes) -> Scheme:
        """Return the scheme of a workbook, its units found among the city's organisations; nothing is kept."""
        grant.require("plan.assign")
        names: dict[str, str] = {}
        for one in await self._store.search_all(grant, "Organization", ""):
            for name in (*one.get(_ALIASES, ()), one.get("name", "")):
                names[str(name)] = str(one["id"])
        return read_scheme(data, names)

    async def example(self, grant: Grant) -> Scheme:
        """Return the unverified example scheme of this year with the city's own units; nothing is kept."""
        grant.require("plan.assign")
        found = await self._store.search_all(grant, "Organization", "")
        units = {
            str(one["id"]).removeprefix("unit-"): (str(one["id"]), str(one.get("name", "")))
            for one in found
            if str(one["id"]).startswith("unit-")
        }
        year = self._today().year
        return example_scheme(year, units, date(year, 12, 1), date(year + 1, 3, 31))

    def workbook(self, scheme: Scheme) -> bytes:
        """Return a scheme as a workbook, which `read_scheme` reads."""
        return scheme_sheets(scheme)

    async def keep_scheme(self, grant: Grant, scheme: Scheme) -> Scheme:
        """Keep a scheme as a draft. Raises Forbidden; Unprocessable with all that is wrong with it."""
        grant.require("plan.assign")
        return await schemes.keep(self._store, grant, scheme, self._jurisdiction, self._today().isoformat())

    async def approve_scheme(self, grant: Grant, identifier: str) -> Scheme:
        """Put a draft in force. Raises Forbidden (also for who made it), NotFound, Conflict."""
        grant.require("plan.instruct")
        return await schemes.approve(self._store, grant, identifier, self._today().isoformat())

    async def open(
        self, grant: Grant, scheme_id: str, snapshot_id: str, units: Collection[str] = ()
    ) -> tuple[str, ...]:
        """Start the assessment of every unit of a scheme (or of `units`) on a frozen snapshot; return the cases' ids.

        A unit has one case per scheme: opening again starts none.

        Raises:
            NotFound: no such scheme or snapshot.
            Conflict: the scheme is not in force.
            Unprocessable: the snapshot was not frozen in the scheme's days.
        """
        grant.require("plan.assign")
        kind = self._kind()
        scheme = await self.scheme(grant, scheme_id)
        if scheme.state != "active":
            raise Conflict("the scheme is not in force", zh="考核方案尚未批准，不能开始考核")
        snapshot = await self._snapshots.frozen(grant, snapshot_id)
        if not scheme.first_day <= snapshot.day <= scheme.last_day:
            raise Unprocessable(
                f"the snapshot is of {snapshot.day}; the scheme scores one of {scheme.first_day} to {scheme.last_day}",
                zh=f"快照冻结于{snapshot.day}，方案规定依据{scheme.first_day}至{scheme.last_day}的快照",
            )
        caps = caps_on(self._parameters, self._jurisdiction, snapshot.day)
        started: list[str] = []
        for one in scheme.classes:
            for unit, _ in one.units:
                if units and unit not in units:
                    continue
                values = {
                    "receiver": f"Organization/{unit}",
                    "scheme": f"Library/{scheme.id}",
                    "scheme_title": f"{scheme.title}（第{scheme.version}版）",
                    "year": scheme.year,
                    "unit_class": one.title,
                    "snapshot": snapshot.number,
                    "snapshot_digest": snapshot.sha256,
                    "most_added": caps.additions,
                    "most_deducted": caps.deductions,
                    "items": scored_rows(one, snapshot.content, unit),
                }
                tag = {"system": DEMO_TAG, "code": "demo", "display": "演示数据"}
                stored = await self._cases.start(
                    grant,
                    kind.code,
                    values,
                    title=f"{scheme.title}：{dict(one.units)[unit]}"[:200],
                    focus=f"DocumentReference/{snapshot.id}",
                    tags=[tag] if snapshot.demo else [],
                    key=f"assessment/{scheme.id}/{unit}",
                )
                started.append(stored.id)
        return tuple(started)

    async def sheets(self, grant: Grant, scheme_id: str = "") -> tuple[UnitSheet, ...]:
        """Return the assessments that the grant sees, of one scheme or of all, by class and unit."""
        grant.require("plan.read")
        kind = self._cases.carrying(CARRIES_ASSESSMENT)
        if kind is None:
            return ()
        tasks = await self._store.search_all(grant, "Task", f"code={CASE_KIND}|{kind.code}")
        titles = {state.id: state.title for state in kind.states}
        found = [_sheet(one, titles) for one in tasks]
        return tuple(
            sorted(
                (one for one in found if one.state != "cancelled" and scheme_id in ("", one.scheme)),
                key=lambda one: (-one.year, one.unit_class, one.unit_name, one.unit),
            )
        )

    async def sheet(self, grant: Grant, task: str) -> UnitSheet:
        """Return the assessment of one unit. Raises NotFound for a case of another kind too."""
        grant.require("plan.read")
        kind = self._kind()
        resource = (await self._store.read(grant, "Task", task)).resource
        codes = {coding.get("code") for coding in resource.get("code", {}).get("coding", ())}
        if kind.code not in codes:
            raise NotFound("there is no such assessment", zh="没有该考核")
        titles = {state.id: state.title for state in kind.states}
        return _sheet(resource, titles)

    async def ranked(self, grant: Grant, scheme_id: str) -> dict[str, tuple[RankedSheet, ...]]:
        """Return the ranking within each class of a scheme, with the points of earlier years beside."""
        every = await self.sheets(grant)
        mine = [one for one in every if one.scheme == scheme_id]
        found: dict[str, tuple[RankedSheet, ...]] = {}
        for title in dict.fromkeys(one.unit_class for one in mine):
            listed = {one.unit: one for one in mine if one.unit_class == title}
            ranks = ranking({unit: one.total.points for unit, one in listed.items()})
            found[title] = tuple(
                RankedSheet(listed[one.unit], one.rank, _earlier(every, listed[one.unit])) for one in ranks
            )
        return found

    async def publish(self, grant: Grant, scheme_id: str) -> PublishedCircular:
        """通报: publish the results of a scheme and close its cases.

        Raises:
            NotFound: no assessment of this scheme.
            Conflict: not every result is final, or the circular is out already.
        """
        grant.require("plan.assign")
        scheme = await self.scheme(grant, scheme_id)
        ranked = await self.ranked(grant, scheme_id)
        listed = [one for rows in ranked.values() for one in rows]
        if not listed:
            raise NotFound("there is no assessment by this scheme", zh="该方案还没有开始考核")
        waiting = [one.sheet.unit_name for one in listed if not one.sheet.settled]
        if waiting:
            raise Conflict(
                f"{len(waiting)} results are not final",
                zh=f"还有单位未终评，不能通报：{'、'.join(waiting[:10])}",
            )
        circular = circular_of(scheme, ranked)
        made = await circulars.publish(self._store, grant, circular, self._jurisdiction, self._clock())
        for one in listed:
            if one.sheet.state == "final":
                await self._cases.move(grant, one.sheet.task, "announce", {})
        return made

    async def published(self, grant: Grant, scheme_ids: Sequence[str]) -> dict[str, PublishedCircular]:
        """Return the circulars of these schemes that are out, by scheme."""
        keys = {f"assessment/{one}": one for one in scheme_ids}
        found = await circulars.published(self._store, grant, keys)
        return {keys[key]: one for key, one in found.items()}

    def _kind(self) -> CaseDeclaration:
        found = self._cases.carrying(CARRIES_ASSESSMENT)
        if found is None:
            raise Unsupported(
                "no service of this installation carries assessments", zh="当前系统没有承接考核的服务"
            )
        return found


def _sheet(task: Resource, titles: dict[str, Text]) -> UnitSheet:
    said, state = inputs(task), state_of(task)
    items, adjustments = tuple(said.get("items", ())), tuple(said.get("adjustments", ()))
    waivers = tuple(said.get("waivers", ()))
    caps = Caps(Decimal(str(said["most_added"])), Decimal(str(said["most_deducted"])))
    return UnitSheet(
        task=str(task["id"]),
        number=number_of(task),
        unit=organisation_of(task, "owner"),
        unit_name=str((task.get("owner") or {}).get("display", "")),
        scheme=str(said["scheme"]).removeprefix("Library/"),
        scheme_title=str(said["scheme_title"]),
        year=int(said["year"]),
        unit_class=str(said["unit_class"]),
        snapshot=str(said["snapshot"]),
        digest=str(said["snapshot_digest"]),
        state=state,
        state_title=titles.get(state, Text(state, state)),
        outcome=str(said.get("outcome") or ""),
        items=items,
        adjustments=adjustments,
        waivers=waivers,
        total=total_of(items, adjustments, waivers, caps),
        demo=is_demo(task),
    )


def _earlier(every: Sequence[UnitSheet], sheet: UnitSheet) -> tuple[tuple[int, Decimal], ...]:
    found = {
        one.year: one.total.points
        for one in every
        if one.unit == sheet.unit and one.year < sheet.year and one.settled
    }
    return tuple(sorted(found.items(), reverse=True))


def circular_of(scheme: Scheme, ranked: dict[str, tuple[RankedSheet, ...]]) -> Circular:
    """Return the circular of the results: the ranking of each class."""
    body: list[OfficialParagraph | OfficialTable] = [
        OfficialParagraph(
            f"根据《{scheme.title}》，经自评、核验、初评、申诉复核和终评，现将{scheme.year}年度考核结果通报如下。"
            f"系统得分依据快照{'、'.join(sorted({one.sheet.snapshot for rows in ranked.values() for one in rows}))}计算。"
        )
    ]
    for title, rows in ranked.items():
        lines: list[tuple[str, ...]] = [("名次", "单位", "指标得分", "加分", "扣分", "容错", "总分")]
        for one in rows:
            total = one.sheet.total
            figures = (total.items, total.additions, total.deductions, total.waived, total.points)
            lines.append((str(one.rank), one.sheet.unit_name, *(f"{figure:f}" for figure in figures)))
        body += [
            OfficialParagraph(level=1, heading=title),
            OfficialTable(tuple(lines), (0.8, 3.0, 1.2, 0.9, 0.9, 0.9, 1.2)),
        ]
    if not scheme.verified:
        body.append(OfficialParagraph("说明：所依据的考核方案为未经核实的示例方案。"))
    units = tuple((one.sheet.unit, one.sheet.unit_name) for rows in ranked.values() for one in rows)
    title = f"关于{scheme.year}年度大健康规划目标责任考核结果的通报"
    return Circular(
        key=f"assessment/{scheme.id}",
        title=title,
        body=tuple(body),
        units=units,
        notice=Text(f"《{title}》已发布。", f"The results of the assessment of {scheme.year} are published."),
        demo=scheme.demo or any(one.sheet.demo for rows in ranked.values() for one in rows),
    )
