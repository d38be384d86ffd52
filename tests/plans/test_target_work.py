"""What people do to targets: where values come from, milestones, quotas; values checked, corrected, released."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from kangshu.access import Grant
from kangshu.base.clock import today
from kangshu.base.faults import Conflict, Forbidden, Invalid, NotFound, Unprocessable
from kangshu.plans import TargetView, standing

from .conftest import Room
from .test_plans import FOREIGN, imported


def _yesterday() -> date:
    """Return the day before today, asked when needed: a run may go on past midnight."""
    return today() - timedelta(days=1)


async def _target(room: Room, plan_id: str, words: str, unit: str = "") -> TargetView:
    plan = await room.plans.plan(room.grant, plan_id)
    return next(one for one in plan.targets if words in one.indicator and unit in one.unit)


def _reader(room: Room) -> Grant:
    return replace(room.grant, account="reader", operations=frozenset({"plan.read"}))


async def test_a_person_decides_where_a_value_comes_from_and_who_is_asked(room: Room) -> None:
    plan_id = await imported(room)
    canteens = await _target(room, plan_id, "社区食堂", "个")
    assert (canteens.state, canteens.evidence.decided_by) == ("register-missing", "")
    civil = room.acting_for("unit-civil-affairs")
    asked = {one.target.id for one in await room.plans.to_report(civil)}
    assert canteens.id not in asked  # nobody is asked for what registers are to be built for
    await room.plans.targets.decide(room.grant, plan_id, [canteens.id], "reported", "台账建成前填报")
    after = await _target(room, plan_id, "社区食堂", "个")
    assert (after.state, after.evidence.kind, after.evidence.note) == (
        "awaiting-report",
        "reported",
        "台账建成前填报",
    )
    assert after.evidence.decided_by
    assert after.evidence.systems == canteens.evidence.systems
    assert canteens.id in {one.target.id for one in await room.plans.to_report(civil)}
    await room.plans.targets.decide(room.grant, plan_id, [canteens.id], "")
    assert (await _target(room, plan_id, "社区食堂", "个")).state == "register-missing"
    with pytest.raises(Invalid):
        await room.plans.targets.decide(room.grant, plan_id, [canteens.id], "measure")
    with pytest.raises(NotFound):
        await room.plans.targets.decide(room.grant, plan_id, ["target-999"], "reported")
    with pytest.raises(Forbidden):
        await room.plans.targets.decide(_reader(room), plan_id, [canteens.id], "reported")


async def test_a_linked_measure_decides_and_deciding_takes_the_link_away(room: Room) -> None:
    plan_id = await imported(room)
    beds = await _target(room, plan_id, "养老机构护理型床位占比")
    (offered, *_) = await room.plans.targets.alternatives(room.grant, plan_id, beds.id)
    assert (offered.measure, offered.matched, offered.score) == ("beds", "护理型床位占比", 1.0)
    assert await room.plans.link_all(room.grant, plan_id, [beds.id]) == 1
    linked = await _target(room, plan_id, "养老机构护理型床位占比")
    assert (linked.evidence.kind, linked.state) == ("measure", "silent")
    room.numbers["beds"] = 51.0
    assert (await _target(room, plan_id, "养老机构护理型床位占比")).state == "live"
    await room.plans.targets.decide(room.grant, plan_id, [beds.id], "statistics")
    moved = await _target(room, plan_id, "养老机构护理型床位占比")
    assert (moved.measure, moved.state) == ("", "awaiting-statistics")
    await room.plans.refuse_link(room.grant, plan_id, beds.id, "beds")
    assert await room.plans.targets.alternatives(room.grant, plan_id, beds.id) == ()


async def test_milestones_and_quotas_need_their_source(room: Room) -> None:
    plan_id, work = await imported(room), room.plans.targets
    canteens = await _target(room, plan_id, "社区食堂", "个")
    with pytest.raises(Invalid):
        await work.set_milestone(room.grant, plan_id, canteens.id, 2026, Decimal(30), " ")
    with pytest.raises(Invalid):
        await work.set_milestone(room.grant, plan_id, canteens.id, 2027, Decimal(30), "要点")
    await work.set_milestone(room.grant, plan_id, canteens.id, 2026, Decimal(30), "年度要点")
    await work.set_milestone(room.grant, plan_id, canteens.id, 2026, Decimal(32), "年度要点")
    await work.set_quotas(room.grant, plan_id, canteens.id, {"990101": Decimal(20)}, "分解方案")
    held = await _target(room, plan_id, "社区食堂", "个")
    assert [(one.year, one.value) for one in held.milestones] == [(2026, Decimal(32))]
    lines = work.districts(held, {"990101": Decimal(12), "990102": None})
    assert [(one.district, one.quota, one.missing) for one in lines] == [
        ("990101", 20, 8),
        ("990102", None, None),
    ]
    with pytest.raises(Invalid):
        await work.set_quotas(room.grant, plan_id, canteens.id, {"990101": Decimal(20)}, "")
    await work.set_milestone(room.grant, plan_id, canteens.id, 2026, None, "")
    await work.set_quotas(room.grant, plan_id, canteens.id, {}, "")
    cleared = await _target(room, plan_id, "社区食堂", "个")
    assert (cleared.milestones, cleared.quotas) == ((), ())


async def test_a_published_value_is_corrected_with_reason_and_kept(room: Room) -> None:
    plan_id, plans = await imported(room), room.plans
    canteens = (await _target(room, plan_id, "社区食堂", "个")).id
    civil, lead = (
        room.acting_for("unit-civil-affairs", "civil"),
        room.acting_for("unit-civil-affairs", "head"),
    )
    sent = await plans.report(civil, plan_id, canteens, Decimal(20), _yesterday(), "备案台账")
    with pytest.raises(Forbidden):
        await plans.targets.check(civil, sent.id)
    with pytest.raises(Forbidden):
        await plans.targets.check(replace(_reader(room), organisation="unit-sports"), sent.id)
    assert (await plans.targets.check(lead, sent.id)).state == "checked"
    with pytest.raises(Conflict):
        await plans.targets.check(lead, sent.id)
    with pytest.raises(Conflict):  # what is not published is not corrected
        await plans.report(
            civil, plan_id, canteens, Decimal(22), _yesterday(), "台账", corrects=sent.id, reason="漏报"
        )
    assert (await plans.review(room.grant, sent.id, True)).state == "published"
    with pytest.raises(Invalid):
        await plans.report(civil, plan_id, canteens, Decimal(22), _yesterday(), "台账", corrects=sent.id)
    with pytest.raises(NotFound):
        await plans.report(
            civil, plan_id, canteens, Decimal(22), _yesterday(), "台账", corrects="none", reason="漏报"
        )
    again = await plans.report(
        civil, plan_id, canteens, Decimal(22), _yesterday(), "补报", corrects=sent.id, reason="漏报两家"
    )
    with pytest.raises(Conflict):
        await plans.report(
            civil, plan_id, canteens, Decimal(23), _yesterday(), "补报", corrects=sent.id, reason="又漏"
        )
    light = (await _target(room, plan_id, "社区食堂", "个")).light
    assert light.value == Decimal(20)  # the old value stands until the correction is published
    await plans.review(room.grant, again.id, True, "属实")
    values = {one.id: one for one in await plans.targets.values(room.grant, plan_id, canteens)}
    old = values[sent.id]
    assert (old.state, old.value) == ("corrected", Decimal(20))
    assert old.correction is not None
    assert (old.correction.report, old.correction.reason) == (again.id, "漏报两家")
    assert old.correction.on == today().isoformat()
    assert [one.value for one in standing(values.values(), canteens)] == [Decimal(22)]
    assert (await _target(room, plan_id, "社区食堂", "个")).light.value == Decimal(22)


async def test_statistics_come_with_their_bulletin_and_a_revision_takes_the_place(room: Room) -> None:
    plan_id, work = await imported(room), room.plans.targets
    added = await _target(room, plan_id, "健康服务业增加值")
    assert added.state == "awaiting-statistics"
    day, released = today() - timedelta(days=90), today() - timedelta(days=20)

    async def enter(value: str, kind: str, **changes: object) -> object:
        told: dict[str, object] = {
            "bulletin": "统计公报",
            "number": "1号",
            "released": released,
            "kind": kind,
        }
        return await work.enter_statistics(
            room.grant,
            plan_id,
            added.id,
            Decimal(value),
            day,
            **{**told, **changes},  # type: ignore[arg-type]
        )

    for wrong in (
        {"bulletin": " "},
        {"released": today() + timedelta(days=1)},
        {"released": day - timedelta(1)},
    ):
        with pytest.raises(Invalid):
            await enter("139.8", "final", **wrong)
    with pytest.raises(Invalid):
        await enter("139.8", "guess")
    with pytest.raises(Forbidden):
        await work.enter_statistics(
            _reader(room), plan_id, added.id, Decimal(1), day, bulletin="公报", released=released
        )
    first = await enter("139.1", "preliminary")
    assert await enter("139.1", "preliminary") == first
    with pytest.raises(Conflict):
        await enter("140", "preliminary")
    assert (await _target(room, plan_id, "健康服务业增加值")).light.value == Decimal("139.1")
    await enter("139.8", "final")
    await enter("139.6", "preliminary", number="2号")
    light = (await _target(room, plan_id, "健康服务业增加值")).light
    assert (light.value, light.source) == (Decimal("139.8"), "statistics")
    (listed, *_) = [one for one in await room.plans.to_release(room.grant) if one.target.id == added.id]
    assert listed.last is not None
    assert listed.last.value == Decimal("139.8")
    foreign = await room.plans.import_plan(room.grant, FOREIGN.encode(), "绿岛.txt")
    with pytest.raises(Unprocessable):
        await work.enter_statistics(
            room.grant, foreign.plan, "target-001", Decimal(1), day, bulletin="公报", released=released
        )
