"""快照: plans, lights and duties frozen at one moment, numbered, never changed again. Reports and 考核 read only these.

A snapshot is a DocumentReference (number, digest, feed position) over one Binary (the content's bytes). The store refuses
every write to either once they stand, whoever asks. What it holds does not depend on who freezes: the room looks with a
reach of its own that sees every plan and duty, counts residents and reads none, so that small counts are hidden in it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final

from kangshu.access import ANY_TYPE, Everything, Grant, NoPatient, Predicate
from kangshu.base.canonical import BASE, DISTRICT, structure
from kangshu.base.clock import CITY_ZONE, instant, now
from kangshu.base.faults import Conflict, Invalid, NotFound, Unprocessable
from kangshu.cases import Cases
from kangshu.plans import shape
from kangshu.plans.plans import Plans
from kangshu.plans.snapshot_content import (
    Content,
    canonical_bytes,
    counts,
    digest,
    plan_content,
    return_content,
    unit_content,
    unit_ids,
)
from kangshu.plans.view import extension_value, is_demo
from kangshu.sdk import Resource
from kangshu.store import FROZEN_NUMBER, FROZEN_TAG, Store, Transaction, new_id

FREEZE: Final = "plan.freeze"
READ: Final = "plan.snapshot"
CARRIES_RETURN: Final = "progress-return"
"""What a case kind declares in `carries` when it is a unit's progress return (月报, 季报)."""
FROZEN_PERIOD: Final = f"{BASE}/sid/snapshot-period"
"""Identifier system: the month (2026-12) of a snapshot that the calendar made."""
_POSITION, _POSITION_AFTER = structure("feed-position"), structure("feed-position-after")
_FROZEN_BY, _PLAN = structure("frozen-by"), structure("frozen-plan")
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


@dataclass(frozen=True, slots=True)
class SnapshotRow:
    """One line of the list of snapshots. `day` is the city's day on which it was `taken`."""

    id: str
    number: str
    title: str
    day: date
    taken: datetime
    position: int
    """The feed's position when the room began to look; with `position_after` equal, nothing changed meanwhile."""
    position_after: int
    plans: tuple[str, ...]
    """Ids of the plans."""
    sha256: str
    """Digest of the content's bytes."""
    period: str
    """The month (2026-12) that the calendar froze it for, "" when a person did."""
    by: str
    demo: bool


@dataclass(frozen=True, slots=True)
class FrozenSnapshot(SnapshotRow):
    """A snapshot whole. `content` is plain JSON, see `plans.snapshot_content`."""

    content: Content

    def plan(self, identifier: str) -> Content:
        """Return the content of one plan. Raises NotFound."""
        found = next((one for one in self.content["plans"] if one["id"] == identifier), None)
        if found is None:
            raise NotFound("the snapshot does not hold this plan", zh="快照中没有该规划")
        return dict(found)


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

        async def work(transaction: Transaction) -> FrozenSnapshot:
            if period:
                await self._check_period(transaction, period)
            taken = datetime.fromisoformat(instant(self._clock()))  # as it is written: to the millisecond
            year = taken.astimezone(CITY_ZONE).year
            sequence = await transaction.next_number(f"snapshot/{year}")
            made = self._made(grant, year, sequence, title, taken, (begun, ended), period, content, office)
            for one in self._records(made):
                await transaction.create_as(made.id, one)
            return made

        return await self._store.run(writing(grant), work)

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

    async def own_plans(self, grant: Grant) -> tuple[str, ...]:
        """Return the ids of the city's own plans, which is what a snapshot holds unless others are named."""
        return tuple(one.id for one in await self._plans.plans(grant) if not one.foreign)

    # ------------------------------------------------------------------ inside

    async def _gathered(self, reach: Grant, wanted: Collection[str]) -> dict[str, Any]:
        own = await self.own_plans(reach)
        if not own:
            raise Unprocessable("there is no plan of our own to freeze", zh="没有本市规划，无法形成快照")
        held = []
        for identifier in sorted(set(wanted) or own):
            view = await self._plans.plan(reach, identifier)
            if view.foreign:
                raise Unprocessable(
                    "another city's plan is not frozen: it has no values here",
                    zh="外地规划没有本市数值，不形成快照",
                )
            tasks = await self._store.search_all(reach, "Task", f"focus=PlanDefinition/{identifier}")
            held.append(plan_content(view, {str(one["id"]): one for one in tasks}))
        returns = await self._returns(reach)
        return {
            "jurisdiction": self._jurisdiction,
            "plans": held,
            "units": [unit_content(one) for one in await self._organisations(reach, unit_ids(held, returns))],
            "returns": returns,
        }

    async def _returns(self, reach: Grant) -> list[dict[str, Any]]:
        kind = self._cases.carrying(CARRIES_RETURN)
        if kind is None:
            return []
        tasks = await self._store.search_all(reach, "Task", f"code={kind.code}")
        return sorted(map(return_content, tasks), key=lambda one: (one["period"], one["unit"], one["task"]))

    async def _organisations(self, reach: Grant, ids: Sequence[str]) -> list[Resource]:
        found: list[Resource] = []
        for start in range(0, len(ids), _CHUNK):
            listed = ",".join(ids[start : start + _CHUNK])
            found += await self._store.search_all(reach, "Organization", f"_id={listed}")
        return sorted(found, key=lambda one: str(one["id"]))

    async def _check_period(self, transaction: Transaction, period: str) -> None:
        if await transaction.match("DocumentReference", f"identifier={FROZEN_PERIOD}|{period}") is not None:
            raise Conflict(f"{period} has its snapshot already", zh=f"{period} 的快照已经形成")

    def _made(
        self,
        grant: Grant,
        year: int,
        sequence: int,
        title: str,
        taken: datetime,
        positions: tuple[int, int],
        period: str,
        content: Content,
        office: str,
    ) -> FrozenSnapshot:
        number = f"快〔{year}〕{sequence:04d}号"
        day = taken.astimezone(CITY_ZONE).date()
        named = title or f"{day.year}年{day.month}月{day.day}日规划进展快照"
        head = {
            "number": number,
            "title": named,
            "day": day.isoformat(),
            "taken": instant(taken),
            "position": list(positions),
            "period": period,
            "office": office,
        }
        whole = {**content, "snapshot": head}
        return FrozenSnapshot(
            id=new_id(),
            number=number,
            title=named,
            day=day,
            taken=taken,
            position=positions[0],
            position_after=positions[1],
            plans=tuple(one["id"] for one in content["plans"]),
            sha256=digest(canonical_bytes(whole)),
            period=period,
            by=grant.display or grant.account,
            demo=any(one["demo"] for one in content["plans"]),
            content=whole,
        )

    def _records(self, made: FrozenSnapshot) -> tuple[Resource, Resource]:
        data = canonical_bytes(made.content)
        binary: Resource = {
            "resourceType": "Binary",
            "id": made.id,
            "contentType": "application/json",
            "securityContext": {"reference": f"DocumentReference/{made.id}"},
            "data": base64.b64encode(data).decode("ascii"),
        }
        identifiers = [
            {"system": FROZEN_NUMBER, "value": made.number},
            {"system": shape.DOCUMENT_HASH, "value": made.sha256},
        ]
        if made.period:
            identifiers.append({"system": FROZEN_PERIOD, "value": made.period})
        extensions: list[Resource] = (
            [{"url": DISTRICT, "valueCode": self._jurisdiction}] if self._jurisdiction else []
        )
        extensions += [
            {"url": _POSITION, "valueString": str(made.position)},
            {"url": _POSITION_AFTER, "valueString": str(made.position_after)},
            {"url": _FROZEN_BY, "valueString": made.by},
        ]
        extensions += [
            {"url": _PLAN, "valueReference": {"reference": f"PlanDefinition/{one}"}} for one in made.plans
        ]
        reference: Resource = {
            "resourceType": "DocumentReference",
            "id": made.id,
            "extension": extensions,
            "identifier": identifiers,
            "status": "current",
            "docStatus": "final",
            "type": {"coding": [{"system": shape.PLAN_ITEM, "code": "frozen-snapshot", "display": "快照"}]},
            "date": instant(made.taken),
            "description": made.title,
            "content": [
                {
                    "attachment": {
                        "contentType": "application/json",
                        "url": f"Binary/{made.id}",
                        "title": made.number,
                    }
                }
            ],
        }
        return frozen_record(reference, made.demo), frozen_record(binary, made.demo)


def frozen_record(resource: Resource, demo: bool) -> Resource:
    """Return `resource` with the mark by which the store knows that it is never changed."""
    tags = shape.tagged({}, demo).get("meta", {}).get("tag", [])
    return {**resource, "meta": {"tag": [*tags, dict(FROZEN_TAG)]}}


def snapshot_row(reference: Resource) -> SnapshotRow:
    """Return a snapshot's line in a list from its DocumentReference."""
    said = {str(one.get("system")): str(one.get("value", "")) for one in reference.get("identifier", ())}
    taken = datetime.fromisoformat(str(reference["date"]))
    return SnapshotRow(
        id=str(reference["id"]),
        number=said.get(FROZEN_NUMBER, ""),
        title=str(reference.get("description", "")),
        day=taken.astimezone(CITY_ZONE).date(),
        taken=taken,
        position=int(extension_value(reference, _POSITION) or 0),
        position_after=int(extension_value(reference, _POSITION_AFTER) or 0),
        plans=tuple(
            str(one["valueReference"]["reference"]).removeprefix("PlanDefinition/")
            for one in reference.get("extension", ())
            if one.get("url") == _PLAN
        ),
        sha256=said.get(shape.DOCUMENT_HASH, ""),
        period=said.get(FROZEN_PERIOD, ""),
        by=str(extension_value(reference, _FROZEN_BY) or ""),
        demo=is_demo(reference),
    )


async def read_snapshot(store: Store, reach: Grant, identifier: str) -> FrozenSnapshot:
    """Return one snapshot whole; see `Snapshots.frozen`."""
    reference = (await store.read(reach, "DocumentReference", identifier)).resource
    row = snapshot_row(reference)
    if not row.number:
        raise NotFound("there is no such snapshot", zh="没有此快照")
    data = base64.b64decode((await store.read(reach, "Binary", identifier)).resource["data"])
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


__all__ = [
    "CARRIES_RETURN",
    "FREEZE",
    "READ",
    "FrozenSnapshot",
    "SnapshotRow",
    "Snapshots",
    "counts",
    "read_snapshot",
    "snapshot_row",
]
