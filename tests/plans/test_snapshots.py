"""Frozen snapshots: numbered, checked, the same whoever freezes, and never changed again."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import pytest

from kangshu.access import Nothing, system_grant
from kangshu.base.faults import Conflict, Forbidden, Invalid, NotFound, Unprocessable
from kangshu.base.parameters import ParameterTable
from kangshu.base.text import Text
from kangshu.plans import PARAMETERS, Snapshots, sample_plan
from kangshu.plans.snapshot_calendar import CATCH_UP, MONTHLY, month_due
from kangshu.plans.snapshot_changes import TargetChange
from kangshu.plans.snapshot_content import canonical_bytes, digest
from kangshu.validate import validate
from tests.plans.conftest import CITY, Room


def snapshots_of(room: Room) -> Snapshots:
    return Snapshots(room.store, room.plans, room.cases, jurisdiction=CITY)


async def city_plan(room: Room) -> str:
    """Return the id of the sample plan with one duty and one number."""
    name, data = sample_plan("txt")
    plan_id = (await room.plans.import_plan(room.grant, data, name, demo=True)).plan
    plan = await room.plans.plan(room.grant, plan_id)
    target = next(one for one in plan.targets if "护理型床位占比" in one.span and one.clause)
    await room.plans.link(room.grant, plan_id, target.id, "beds")
    room.numbers["beds"] = 51.2
    await room.plans.assign(room.grant, plan_id, [target.clause], due=date(2031, 6, 30))
    return plan_id


async def test_a_snapshot_holds_the_plan_as_it_stood_and_its_digest_proves_it(room: Room) -> None:
    plan_id, snapshots = await city_plan(room), snapshots_of(room)
    made = await snapshots.freeze(room.grant, [plan_id], "年中快照")
    assert (made.number, made.title) == (f"快〔{made.day.year}〕0001号", "年中快照")
    assert digest(canonical_bytes(made.content)) == made.sha256
    plan = made.plan(plan_id)
    target = next(one for one in plan["targets"] if one["measure"] == "beds")
    assert target["actual"] == "51.2"
    assert target["source"] == "measure"
    duty = next(one for one in plan["duties"] if one["role"] == "lead")
    assert (duty["unit"], duty["due"], duty["overdue_days"]) == ("unit-civil-affairs", "2031-06-30", 0)
    assert {"id": "unit-civil-affairs", "name": "云汐市民政局"}.items() <= next(
        one for one in made.content["units"] if one["id"] == duty["unit"]
    ).items()
    room.numbers["beds"] = 12.0
    again = await snapshots.frozen(room.grant, made.id)
    assert again == made
    second = await snapshots.freeze(room.grant, [plan_id])
    assert second.number.endswith("0002号")
    assert [one.id for one in await snapshots.snapshots(room.grant)] == [second.id, made.id]


async def test_what_is_frozen_does_not_depend_on_who_freezes(room: Room) -> None:
    plan_id, snapshots = await city_plan(room), snapshots_of(room)
    blind = replace(
        room.grant,
        account="statistician",
        read={"PlanDefinition": Nothing()},
        operations=frozenset({"plan.freeze"}),
    )
    office, statistician = [
        (await snapshots.freeze(who, [plan_id])).content["plans"] for who in (room.grant, blind)
    ]
    assert office == statistician


async def test_nobody_changes_or_deletes_a_snapshot_and_nobody_forges_one(room: Room) -> None:
    plan_id, snapshots = await city_plan(room), snapshots_of(room)
    made = await snapshots.freeze(room.grant, [plan_id])
    for grant in (room.grant, system_grant("test")):
        for kind in ("DocumentReference", "Binary"):
            stands = (await room.store.read(grant, kind, made.id)).resource
            with pytest.raises(Conflict):
                await room.store.update(grant, {**stands, "meta": {}})
            with pytest.raises(Conflict):
                await room.store.delete(grant, kind, made.id)
            with pytest.raises(Conflict):
                await room.store.bulk_load(grant, [{**stands, "language": "zh"}])
    forged = (await room.store.read(room.grant, "DocumentReference", made.id)).resource
    with pytest.raises(Conflict):
        await room.store.create(replace(room.grant, operations=frozenset()), {**forged, "id": "x"})
    data = (await room.store.read(room.grant, "Binary", made.id)).resource["data"]
    assert digest(base64.b64decode(data)) == made.sha256


async def test_a_snapshot_is_valid_fhir(room: Room) -> None:
    plan_id, snapshots = await city_plan(room), snapshots_of(room)
    made = await snapshots.freeze(room.grant, [plan_id], period="2026-06")
    for kind in ("DocumentReference", "Binary"):
        found = validate((await room.store.read(room.grant, kind, made.id)).resource)
        assert [one for one in found if one.severity in ("error", "fatal")] == []


async def test_who_may_and_what_is_refused(room: Room) -> None:
    plan_id, snapshots = await city_plan(room), snapshots_of(room)
    made = await snapshots.freeze(room.grant, [plan_id])
    reader = replace(room.grant, operations=frozenset({"plan.read"}))
    with pytest.raises(Forbidden):
        await snapshots.freeze(reader, [plan_id])
    with pytest.raises(Forbidden):
        await snapshots.frozen(reader, made.id)
    with pytest.raises(NotFound):
        await snapshots.frozen(room.grant, "no-such")
    with pytest.raises(NotFound):
        await snapshots.freeze(room.grant, ["no-such"])
    with pytest.raises(Invalid):
        await snapshots.freeze(room.grant, [plan_id], "长" * 81)
    await snapshots.freeze(room.grant, [plan_id], period="2026-06")
    with pytest.raises(Conflict):
        await snapshots.freeze(room.grant, [plan_id], period="2026-06")
    foreign = await room.plans.import_plan(
        room.grant,
        "绿岛方案\n\n（一）增加床位。到2027年，床位达到60张。（牵头单位：市民政局）\n".encode(),
        "绿岛.txt",
    )
    with pytest.raises(Unprocessable):
        await snapshots.freeze(room.grant, [foreign.plan])


def test_the_bytes_of_a_content_are_one() -> None:
    first = {"b": [{"y": "1.50", "x": None}], "a": "甲"}
    second = json.loads(json.dumps({"a": "甲", "b": [{"x": None, "y": str(Decimal("1.50"))}]}))
    assert (
        canonical_bytes(first) == canonical_bytes(second) == '{"a":"甲","b":[{"x":null,"y":"1.50"}]}'.encode()
    )


@pytest.mark.parametrize(
    ("moment", "every", "month"),
    [
        ("2026-11-30T22:30:00+08:00", 1, ""),
        ("2026-11-30T23:00:00+08:00", 1, "2026-11"),
        ("2026-12-03T12:00:00+08:00", 1, "2026-11"),
        ("2026-12-04T00:00:00+08:00", 1, ""),
        ("2026-12-31T15:30:00+00:00", 1, "2026-12"),
        ("2026-12-31T15:30:00+00:00", 0, "2026-12"),
        ("2026-11-30T23:30:00+08:00", 0, ""),
        ("2026-11-30T23:30:00+08:00", 3, ""),
        ("2026-09-30T23:30:00+08:00", 3, "2026-09"),
    ],
)
def test_a_month_is_due_in_its_last_hour_and_some_days_after(moment: str, every: int, month: str) -> None:
    table = ParameterTable((replace(MONTHLY, value=every), CATCH_UP))
    assert month_due(datetime.fromisoformat(moment), table, CITY) == month


async def test_the_calendar_freezes_each_month_once(room: Room) -> None:
    table, now = ParameterTable(PARAMETERS), datetime.fromisoformat("2026-12-31T23:10:00+08:00")
    snapshots = Snapshots(room.store, room.plans, room.cases, jurisdiction=CITY, clock=lambda: now)
    assert await snapshots.freeze_due(table) is None  # no plan of our own yet
    await city_plan(room)
    made = await snapshots.freeze_due(table)
    assert made is not None
    assert (made.title, made.period, made.number, made.day) == (
        "2026年年末快照", "2026-12", "快〔2026〕0001号", date(2026, 12, 31),
    )  # fmt: skip
    assert await snapshots.freeze_due(table) is None


async def test_two_snapshots_tell_what_changed(room: Room) -> None:
    plan_id, snapshots = await city_plan(room), snapshots_of(room)
    first = await snapshots.freeze(room.grant, [plan_id])
    room.numbers["beds"] = 99.0
    plan = await room.plans.plan(room.grant, plan_id)
    other = next(one for one in plan.clauses if one.of("lead") and not one.duties)
    await room.plans.assign(room.grant, plan_id, [other.id])
    second = await snapshots.freeze(room.grant, [plan_id])
    earlier, later, changes = await snapshots.compare(room.grant, second.id, first.id)
    assert (earlier.id, later.id) == (first.id, second.id)
    beds = next(one for one in changes.targets if one.before_value == "51.2")
    assert (beds.after_value, beds.direction) == ("99.0", -1 if beds.before != beds.after else 0)
    assert {one.clause for one in changes.duties} == {other.title}
    assert all(one.before.zh == "" for one in changes.duties)
    assert changes.clauses_come == changes.clauses_gone == ()


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        ("green", "red", 1),
        ("red", "amber", -1),
        ("grey", "red", 0),
        ("amber", "grey", 0),
        ("", "red", 0),
        ("red", "red", 0),
    ],
)
def test_unknown_is_neither_better_nor_worse(before: str, after: str, direction: int) -> None:
    none = Text("", "")
    change = TargetChange("plan", "target", "指标", "%", before, after, none, none, None, None)
    assert change.direction == direction
