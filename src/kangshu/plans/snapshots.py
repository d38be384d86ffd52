"""快照: plans, lights and duties frozen at one moment, numbered, never changed again. Reports and 考核 read only these.

A snapshot is a DocumentReference (number, digest, feed position) over one Binary (the content's bytes). The store refuses
every write to either once they stand, whoever asks. What it holds does not depend on who freezes: the room looks with a
reach of its own that sees every plan and duty, counts residents and reads none, so that small counts are hidden in it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from kangshu.access import ANY_TYPE, Everything, Grant, NoPatient, Predicate, system_grant
from kangshu.base.clock import instant, now
from kangshu.base.faults import Conflict, Invalid, NotFound, Unprocessable
from kangshu.base.parameters import ParameterTable
from kangshu.cases import Cases
from kangshu.plans.plans import Plans
from kangshu.plans.reporting import REPORT_KINDS, ReportKind, write_report_apart
from kangshu.plans.snapshot_calendar import month_due, month_title
from kangshu.plans.snapshot_changes import SnapshotChanges, changes_between
from kangshu.plans.snapshot_content import (
    Content,
    digest,
    plan_content,
    return_content,
    unit_content,
    unit_ids,
)
from kangshu.plans.snapshot_model import (
    FROZEN_PERIOD,
    Freezing,
    FrozenSnapshot,
    SnapshotRow,
    records_of,
    snapshot_of,
    snapshot_row,
)
from kangshu.sdk import Resource
from kangshu.store import FROZEN_NUMBER, Store, Transaction

FREEZE: Final = "plan.freeze"
READ: Final = "plan.snapshot"
CARRIES_RETURN: Final = "progress-return"
"""What a case kind declares in `carries` when it is a unit's progress return (月报, 季报)."""
_CHUNK: Final = 100
_LONGEST_TITLE: Final = 80

_SEEN: Mapping[str, Predicate] = MappingProxyType(
    {
        **dict.fromkeys(
            ("Organization", "Location", "PlanDefinition", "Measure", "MeasureReport", "HealthcareService"),
            Everything(),
        ),
        **dict.fromkeys(("Task", "DocumentReference", "Binary"), NoPatient()),
    }
)
_COUNTED: Mapping[str, Predicate] = MappingProxyType({ANY_TYPE: Everything()})
_WRITTEN: Mapping[str, Predicate] = MappingProxyType(
    dict.fromkeys(("DocumentReference", "Binary"), NoPatient())
)


class Snapshots:
    """The frozen snapshots of one installation."""

    def __init__(
        self,
        store: Store,
        plans: Plans,
        cases: Cases,
        *,
        jurisdiction: str,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._store = store
        self._plans = plans
        self._cases = cases
        self._jurisdiction = jurisdiction
        self._clock = clock

    async def freeze(
        self, grant: Grant, plans: Collection[str] = (), title: str = "", *, period: str = ""
    ) -> FrozenSnapshot:
        """Freeze the city's own `plans` (ids; none for all) as they stand now, under the next number of the year.

        `period` is the month that the calendar freezes for; a second one for the same month is refused.

        Raises:
            Forbidden: the account may not freeze.
            NotFound: no such plan.
            Unprocessable: another city's plan, or there is none of our own.
            Invalid: the title is too long.
            Conflict: the month has its snapshot already.
        """
        grant.require(FREEZE)
        title = title.strip()
        if len(title) > _LONGEST_TITLE:
            raise Invalid(
                f"a title has at most {_LONGEST_TITLE} characters",
                zh=f"快照名称不得超过{_LONGEST_TITLE}个字",
                expression="title",
            )
        begun = await self._store.feed_position()
        content = await self._gathered(reach(grant), plans)
        ended = await self._store.feed_position()
        own = await self._organisations(reach(grant), [grant.organisation] if grant.organisation else [])
        office = str(own[0].get("name", "")) if own else ""
        by = grant.display or grant.account

        async def work(transaction: Transaction) -> FrozenSnapshot:
            if period:
                await self._check_period(transaction, period)
            taken = datetime.fromisoformat(instant(self._clock()))  # as it is written: to the millisecond
            freezing = Freezing(taken, (begun, ended), title, period, by, office)
            sequence = await transaction.next_number(f"snapshot/{freezing.day.year}")
            made = snapshot_of(content, freezing, sequence)
            for one in records_of(made, self._jurisdiction):
                await transaction.create_as(made.id, one)
            return made

        return await self._store.run(writing(grant), work)

    async def freeze_due(self, table: ParameterTable) -> FrozenSnapshot | None:
        """Freeze all plans of our own where a month's snapshot is due (月末、年末); return it, None where none is.

        The background worker calls it every minute or so; a month is frozen once, whoever calls.
        """
        month = month_due(self._clock(), table, self._jurisdiction)
        calendar = system_grant("月末冻结 calendar")
        if not month or await self._held(calendar, month) or not await self.own_plans(calendar):
            return None
        try:
            return await self.freeze(calendar, (), month_title(month), period=month)
        except Conflict:  # another worker was first
            return None

    async def _held(self, grant: Grant, month: str) -> bool:
        return bool(
            await self._store.search_all(grant, "DocumentReference", f"identifier={FROZEN_PERIOD}|{month}")
        )

    async def preview(self, grant: Grant, plans: Collection[str] = ()) -> Content:
        """Return what `freeze` would keep now, without writing it. Raises as `freeze` does."""
        grant.require(FREEZE)
        return await self._gathered(reach(grant), plans)

    async def snapshots(self, grant: Grant) -> tuple[SnapshotRow, ...]:
        """Return every snapshot without its content, the newest first."""
        grant.require(READ)
        found = await self._store.search_all(
            reach(grant), "DocumentReference", f"identifier={FROZEN_NUMBER}|"
        )
        return tuple(sorted(map(snapshot_row, found), key=lambda one: (one.taken, one.id), reverse=True))

    async def frozen(self, grant: Grant, identifier: str) -> FrozenSnapshot:
        """Return one snapshot whole, its bytes checked against its digest.

        Raises:
            NotFound: no such snapshot.
            Conflict: the bytes are not those that were frozen.
        """
        grant.require(READ)
        return await read_snapshot(self._store, reach(grant), identifier)

    async def compare(
        self, grant: Grant, first: str, second: str
    ) -> tuple[FrozenSnapshot, FrozenSnapshot, SnapshotChanges]:
        """Return two snapshots, the earlier one first, and what changed between them. Raises as `frozen` does."""
        both = [await self.frozen(grant, one) for one in (first, second)]
        earlier, later = sorted(both, key=lambda one: (one.taken, one.number))
        return earlier, later, changes_between(earlier, later)

    def report_kinds(self) -> tuple[ReportKind, ...]:
        """Return the reports that can be made of a snapshot."""
        return REPORT_KINDS

    async def report(
        self, grant: Grant, identifier: str, kind: str, form: str, unit: str = ""
    ) -> tuple[bytes, str, str]:
        """Return (file, its name, its media type) of a report; `unit` is the organisation of a unit sheet.

        Raises:
            NotFound: no such snapshot, report or form, or the unit has no part in it.
        """
        frozen = await self.frozen(grant, identifier)
        return await write_report_apart(frozen, kind, form, unit)

    async def own_plans(self, grant: Grant) -> tuple[str, ...]:
        """Return the ids of the city's own plans, which is what a snapshot holds unless others are named."""
        return tuple(one.id for one in await self._plans.plans(grant) if not one.foreign)

    # ------------------------------------------------------------------ inside

    async def _gathered(self, seeing: Grant, wanted: Collection[str]) -> dict[str, Any]:
        own = await self.own_plans(seeing)
        if not own:
            raise Unprocessable("there is no plan of our own to freeze", zh="没有本市规划，无法形成快照")
        held = []
        for identifier in sorted(set(wanted) or own):
            view = await self._plans.plan(seeing, identifier)
            if view.foreign:
                raise Unprocessable(
                    "another city's plan is not frozen: it has no values here",
                    zh="外地规划没有本市数值，不形成快照",
                )
            tasks = await self._store.search_all(seeing, "Task", f"focus=PlanDefinition/{identifier}")
            held.append(plan_content(view, {str(one["id"]): one for one in tasks}))
        returns = await self._returns(seeing)
        return {
            "jurisdiction": self._jurisdiction,
            "plans": held,
            "units": [
                unit_content(one) for one in await self._organisations(seeing, unit_ids(held, returns))
            ],
            "returns": returns,
        }

    async def _returns(self, seeing: Grant) -> list[dict[str, Any]]:
        kind = self._cases.carrying(CARRIES_RETURN)
        if kind is None:
            return []
        tasks = await self._store.search_all(seeing, "Task", f"code={kind.code}")
        return sorted(map(return_content, tasks), key=lambda one: (one["period"], one["unit"], one["task"]))

    async def _organisations(self, seeing: Grant, ids: Sequence[str]) -> list[Resource]:
        found: list[Resource] = []
        for start in range(0, len(ids), _CHUNK):
            listed = ",".join(ids[start : start + _CHUNK])
            found += await self._store.search_all(seeing, "Organization", f"_id={listed}")
        return sorted(found, key=lambda one: str(one["id"]))

    async def _check_period(self, transaction: Transaction, period: str) -> None:
        if await transaction.match("DocumentReference", f"identifier={FROZEN_PERIOD}|{period}") is not None:
            raise Conflict(f"{period} has its snapshot already", zh=f"{period} 的快照已经形成")


async def read_snapshot(store: Store, seeing: Grant, identifier: str) -> FrozenSnapshot:
    """Return one snapshot whole; see `Snapshots.frozen`."""
    none = NotFound("there is no such snapshot", zh="没有此快照")
    try:
        reference = (await store.read(seeing, "DocumentReference", identifier)).resource
    except NotFound as fault:
        raise none from fault  # in the words in which another document is refused: neither tells of the other
    row = snapshot_row(reference)
    if not row.number:
        raise none
    data = base64.b64decode((await store.read(seeing, "Binary", identifier)).resource["data"])
    if digest(data) != row.sha256:
        raise Conflict(
            f"the content of {row.number} is not what was frozen: its digest differs",
            zh=f"{row.number} 的内容与冻结时不一致（校验值不符）",
        )
    return FrozenSnapshot(
        **{name: getattr(row, name) for name in SnapshotRow.__slots__}, content=json.loads(data)
    )


def reach(grant: Grant) -> Grant:
    """Return what the room sees of the city whoever asks: plans, duties, numbers of residents and no resident."""
    return replace(
        grant,
        read=_SEEN,
        aggregate=_COUNTED,
        write={},
        operations=frozenset({"plan.read"}),
        emergency=frozenset(),
    )


def writing(grant: Grant) -> Grant:
    return replace(
        grant,
        read=_SEEN,
        write=_WRITTEN,
        operations=grant.operations | {"plan.engine"},
        emergency=frozenset(),
    )
