"""What is public: asked by one, approved by another, withdrawn with a reason; and never a person's name or number in it."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from kangshu.access import Grant
from kangshu.base.faults import Conflict, Forbidden, Gone, Invalid, NotFound
from kangshu.base.parameters import ParameterTable
from kangshu.plans import PARAMETERS, FrozenSnapshot, Publications
from kangshu.plans.public_content import cleaned, public_content
from kangshu.plans.snapshot_content import canonical_bytes
from kangshu.validate import validate
from tests.plans.conftest import CITY, Room
from tests.plans.test_snapshots import city_plan, snapshots_of


def publications_of(room: Room) -> Publications:
    return Publications(room.store, ParameterTable(PARAMETERS), jurisdiction=CITY)


def leader_of(room: Room) -> Grant:
    return replace(room.grant, account="leader", display="分管领导")


async def frozen(room: Room) -> FrozenSnapshot:
    return await snapshots_of(room).freeze(room.grant, [await city_plan(room)])


async def test_one_asks_another_approves_and_everybody_sees_what_was_approved(room: Room) -> None:
    made, publications = await frozen(room), publications_of(room)
    plan = made.plans[0]
    with pytest.raises(NotFound):
        await publications.public_plan(plan)
    asked = await publications.ask(room.grant, made.id)
    assert (asked.state, asked.number, asked.slug) == ("asked", made.number, f"{made.day.year}-0001")
    with pytest.raises(Conflict):
        await publications.ask(leader_of(room), made.id)
    with pytest.raises(NotFound):
        await publications.public_plan(plan, asked.slug)
    with pytest.raises(Forbidden):
        await publications.decide(room.grant, asked.id, True)
    with pytest.raises(Forbidden):
        await publications.decide(replace(leader_of(room), operations=frozenset()), asked.id, True)
    seen = await publications.content(leader_of(room), asked.id)
    done = await publications.decide(leader_of(room), asked.id, True)
    assert done.state == "published"
    publication, content, part = await publications.public_plan(plan, asked.slug)
    assert publication == done
    assert content == seen == await publications.preview(room.grant, made.id)
    beds = next(one for one in part["targets"] if one["actual"] == "51.2")
    assert beds["source"] == "measure"
    with pytest.raises(Conflict):
        await publications.decide(leader_of(room), asked.id, False, "再议")


async def test_a_refusal_and_a_withdrawal_say_why(room: Room) -> None:
    made, publications = await frozen(room), publications_of(room)
    asked = await publications.ask(room.grant, made.id)
    with pytest.raises(Invalid):
        await publications.decide(leader_of(room), asked.id, False, " ")
    assert (await publications.decide(leader_of(room), asked.id, False, "数据待核")).state == "refused"
    with pytest.raises(Conflict):
        await publications.withdraw(leader_of(room), asked.id, "x")
    again = await publications.ask(room.grant, made.id)
    await publications.decide(leader_of(room), again.id, True)
    with pytest.raises(Invalid):
        await publications.withdraw(room.grant, again.id, "")
    await publications.withdraw(room.grant, again.id, "口径有误，更正后重新公开")
    with pytest.raises(Gone, match="withdrawn"):
        await publications.public_plan(made.plans[0], again.slug)
    with pytest.raises(NotFound):
        await publications.public_plan(made.plans[0])
    assert await publications.published() == ()
    assert [one.state for one in await publications.publications(room.grant, made.id)] == [
        "withdrawn",
        "refused",
    ]


async def test_a_newer_snapshot_stands_before_the_older(room: Room) -> None:
    first, publications = await frozen(room), publications_of(room)
    second = await snapshots_of(room).freeze(room.grant, first.plans)
    for one in (second, first):
        asked = await publications.ask(room.grant, one.id)
        await publications.decide(leader_of(room), asked.id, True)
    assert [one.number for one in await publications.published()] == [second.number, first.number]
    assert (await publications.public_plan(first.plans[0]))[0].number == second.number


async def test_nobody_publishes_by_writing_the_record(room: Room) -> None:
    made, publications = await frozen(room), publications_of(room)
    asked = await publications.ask(room.grant, made.id)
    office = replace(room.grant, operations=frozenset({"plan.publish"}))
    stands = (await room.store.read(office, "DocumentReference", asked.id)).resource
    assert [one for one in validate(stands) if one.severity in ("error", "fatal")] == []
    with pytest.raises(Conflict):
        await room.store.update(office, {**stands, "docStatus": "final"})
    with pytest.raises(Conflict):
        await room.store.update(office, {**stands, "identifier": []})
    binary = (await room.store.read(office, "Binary", asked.id)).resource
    with pytest.raises(Conflict):
        await room.store.update(room.grant, {**binary, "data": "e30="})


async def test_what_is_planted_inside_is_not_outside(room: Room) -> None:
    """Every text of the whole snapshot is replaced by a marked one; only those that the page names come out."""
    made = await frozen(room)
    shown = {
        "indicator",
        "title",
        "text",
        "section",
        "names",
        "written",
        "asked",
        "unit",
        "word",
        "number",
        "day",
        "taken",
    }

    def marked(value: object, path: tuple[str, ...]) -> object:
        if isinstance(value, dict):
            return {key: marked(one, (*path, key)) for key, one in value.items()}
        if isinstance(value, list):
            return [marked(one, path) for one in value]
        names = {
            "zh",
            "en",
            "id",
            "ids",
            "clause",
            "chapter",
            "role",
            "status",
            "light",
            "source",
            "state",
            "as_of",
            "actual",
            "actual_unit",
            "expected",
            "due",
        }
        kept = path[-1] in names or not isinstance(value, str)
        return value if kept else f"〔{'/'.join(path)}〕{value}"

    planted = marked(json.loads(canonical_bytes(made.content)), ())
    assert isinstance(planted, dict)
    for plan in planted["plans"]:
        for one in plan["targets"]:
            one["reasons"] = {"zh": "李主任13900000000认为", "en": "planted reason"}
        for one in plan["duties"]:
            one["state"] = {"id": "x", "zh": "植入的状态", "en": "planted state"}
        for one in plan["clauses"]:
            one["entry"] = {"liaison": "联络员赵六", "lead_leader": "副市长钱七", "telephone": "13700000000"}
    text = canonical_bytes(public_content(planted, 10)).decode()
    for secret in ("李主任", "13900000000", "planted", "植入", "赵六", "钱七", "13700000000"):
        assert secret not in text
    told = {part.split("〕")[0].rsplit("/", 1)[-1] for part in text.split("〔")[1:]}
    assert told - {str(made.day.year)} <= shown


@pytest.mark.parametrize(
    ("written", "public"),
    [
        ("推进签约。联系人：张三，电话：13812345678。", "推进签约。"),
        ("咨询0579-82345678或13812345678", "咨询（号码略）或（号码略）"),
        ("证件110101199003078888已登记", "证件（号码略）已登记"),
        ("到2027年建成床位58000张，投入1380000万元", "到2027年建成床位58000张，投入1380000万元"),
    ],
)
def test_telephones_and_contacts_of_a_document_are_left_out(written: str, public: str) -> None:
    assert cleaned(written) == public


async def test_few_people_are_not_told(room: Room) -> None:
    made = await frozen(room)
    content = json.loads(canonical_bytes(made.content))
    first, second, third = content["plans"][0]["targets"][:3]
    first.update(actual="3", actual_unit="人")
    second.update(actual="30", actual_unit="人")
    third.update(actual=str(Decimal(3)), actual_unit="家")
    shown = public_content(content, 10)["plans"][0]["targets"]
    assert [(one["actual"], one["suppressed"]) for one in shown[:3]] == [
        (None, True),
        ("30", False),
        ("3", False),
    ]
