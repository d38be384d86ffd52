"""S59: experts are drawn so that anybody can check it, keep away where they must, and see what was drawn for them alone."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from typing import Any

import pytest

from kangshu.access import Grant
from kangshu.base.canonical import BASE, structure
from kangshu.base.faults import Conflict, Forbidden, NotFound, Unprocessable
from kangshu.cases import inputs, outputs, state_of
from kangshu.documents import read_document
from kangshu.sdk import Resource
from tests.cases.conftest import SYSTEM, City

_REVIEW: dict[str, Any] = {
    "receiver": "office",
    "subject": "社区健身站点三年建设方案",
    "kind": "plan",
    "content": "请就方案的必要性和可行性提出意见。",
    "fields": ["public-health", "economics"],
    "reviewed_units": ["civil", "hospital"],
    "number": 3,
    "criteria": [{"criterion": "必要性", "weight": 60}, {"criterion": "可行性", "weight": 40}],
}


def expert(number: int, field: str = "public-health", **more: Any) -> Resource:
    """Return an expert of the library; `unit`, `conflict` (organisations), `until`, `available`, `active`."""
    extensions: list[Resource] = [
        {"url": structure("expert-field"), "valueCode": field},
        {"url": structure("expert-available"), "valueBoolean": more.get("available", True)},
        {
            "url": structure("expert-term"),
            "valuePeriod": {"start": "2025-01-01", "end": more.get("until", "2027-12-31")},
        },
    ]
    for name, url in (("unit", "expert-unit"), ("conflict", "expert-conflict-2")):
        if name in more:
            extensions.append(
                {"url": structure(url), "valueReference": {"reference": f"Organization/{more[name]}"}}
            )
    return {
        "resourceType": "Practitioner",
        "id": f"expert-{number}",
        "active": more.get("active", True),
        "identifier": [{"system": f"{BASE}/sid/expert", "value": f"ZJ-{number:03d}"}],
        "name": [{"text": f"专家{number}"}],
        "extension": extensions,
    }


@pytest.fixture
async def library(city: City) -> City:
    kept_away = [
        expert(90, unit="civil"), expert(91, conflict="hospital"), expert(92, field="law"), expert(93, until="2025-12-31"),
        expert(94, available=False), expert(95, active=False), expert(96, unit="health"), expert(97),
    ]  # fmt: skip
    for one in [
        *(expert(number) for number in range(1, 5)),
        expert(5, field="economics", unit="finance"),
        *kept_away,
    ]:
        await city.store.update(SYSTEM, one)
    return city


def person(city: City, reference: str) -> Grant:
    """Return the grant of an expert."""
    id_ = reference.removeprefix("Practitioner/")
    return city.account("expert", name=id_, practitioner=id_, district="")


async def _drawn(city: City) -> tuple[str, Grant, Grant]:
    asking, office = city.account("unit-clerk", "health"), city.account("plan-office", "office")
    review = (await city.cases.start(asking, "experts/review", _REVIEW)).id
    with pytest.raises(Unprocessable):
        await city.cases.move(office, review, "draw", {"witness": "监督员", "witness_words": "七"})
    seal = {"number": 3, "recused": ["Practitioner/expert-97"], "recusal_ground": "与申请人有师生关系"}
    with pytest.raises(Unprocessable):
        await city.cases.move(office, review, "seal", {**seal, "recusal_ground": ""})
    await city.cases.move(office, review, "seal", seal)
    await city.cases.move(office, review, "draw", {"witness": "监督员", "witness_words": "七"})
    return review, asking, office


async def test_the_draw_keeps_away_whom_it_must_and_can_be_checked(library: City) -> None:
    city = library
    review, asking, office = await _drawn(city)
    (draw,) = await city.cases.draws(office, review)
    assert {one["name"] for one in draw.record["candidates"]} == {f"专家{number}" for number in range(1, 6)}
    reasons = {one["name"]: one["reasons"][0]["zh"] for one in draw.record["excluded"]}
    assert reasons == {
        "专家90": "与被评审单位同一单位", "专家91": "已申报与被评审单位有利益关系", "专家92": "专业领域不符",
        "专家93": "聘期已满或未登记", "专家94": "登记为不可参加", "专家95": "已退出专家库",
        "专家96": "与申请评审的单位同一单位", "专家97": "申请回避",
    }  # fmt: skip
    assert draw.wrong == ()
    assert [lot.reference for lot in draw.lots][:3] == draw.record["drawn"]
    assert (await city.cases.draws(asking, review))[0].record == draw.record, "who asked sees the draw too"
    with pytest.raises(Conflict):
        await city.cases.move(office, review, "draw", {"witness": "监督员", "witness_words": "八"})
    record = (await city.store.read(SYSTEM, "DocumentReference", draw.reference[18:])).resource
    with pytest.raises(Conflict):
        await city.store.update(SYSTEM, {**record, "description": "另一次抽取"})


async def test_the_seed_is_secret_until_the_draw(library: City) -> None:
    city = library
    asking, office = city.account("unit-clerk", "health"), city.account("plan-office", "office")
    review = (await city.cases.start(asking, "experts/review", _REVIEW)).id
    sealed = outputs((await city.cases.move(office, review, "seal", {"number": 3})).resource)["sealed"]
    (draw,) = await city.cases.draws(office, review)
    assert not draw.drawn
    assert "seed" not in draw.record
    for role, place in (
        ("plan-office", "office"),
        ("unit-clerk", "office"),
        ("section-clerk", "office"),
        ("medical-records", "office"),
    ):
        with pytest.raises(NotFound):
            await city.store.read(city.account(role, place), "Basic", sealed[18:])
    with pytest.raises(Unprocessable):
        await city.cases.move(office, review, "seal", {"number": 3})


async def test_experts_confirm_recuse_score_and_see_their_own_alone(library: City) -> None:
    city = library
    review, asking, office = await _drawn(city)
    drawn = (await city.cases.draws(office, review))[0].record["drawn"]
    sheets = {}
    for one in drawn:
        (row,) = await city.cases.worklist(person(city, one), "todo")
        sheets[one] = row.id
    first, second, third = drawn
    with pytest.raises(NotFound):
        await city.store.read(person(city, first), "Task", sheets[second])
    with pytest.raises(NotFound):
        await city.store.read(person(city, first), "Task", review)
    move = city.cases.move
    with pytest.raises(Unprocessable):
        await move(person(city, first), sheets[first], "accept", {"no_conflict": False})
    for one in (first, second):
        await move(person(city, one), sheets[one], "accept", {"no_conflict": True})
    with pytest.raises(Unprocessable):
        await move(office, review, "replace", {})
    await move(person(city, third), sheets[third], "decline", {"decline_ground": "conflict"})
    await move(office, review, "replace", {})
    order = (await city.cases.draws(office, review))[0].record["order"]
    (row,) = await city.cases.worklist(person(city, order[3]), "todo")
    sheets[order[3]] = row.id
    with pytest.raises(Unprocessable):
        await move(office, review, "confirm", {})
    await move(person(city, order[3]), row.id, "accept", {"no_conflict": True})
    await city.cases.tick()
    assert state_of((await city.store.read(SYSTEM, "Task", review)).resource) == "confirmed"
    marks = {first: (80, 90), second: (70, 60), order[3]: (90, 95)}
    with pytest.raises(Unprocessable):
        await move(
            person(city, first), sheets[first], "score", {"scores": [{"score": 80}, {}], "opinion": "同意"}
        )
    for one, (need, able) in marks.items():
        scores = [{"score": need, "reason": "群众需要"}, {"score": able, "reason": "条件具备"}]
        scored = await move(
            person(city, one), sheets[one], "score", {"scores": scores, "opinion": "原则同意"}
        )
    assert inputs(scored.resource)["total"] == Decimal("92.00")
    await city.cases.tick()
    task = (await city.store.read(SYSTEM, "Task", review)).resource
    assert (inputs(task)["average"], inputs(task)["spread"]) == (Decimal("80.67"), Decimal("26.00"))
    opinion = {"chair": third, "conclusion": "changes", "opinion": "建议分年实施。"}
    with pytest.raises(Unprocessable):  # who has declined is not the chair
        await move(office, review, "conclude", opinion)
    await move(office, review, "conclude", {**opinion, "chair": first})
    (paper_to_sign,) = await city.cases.worklist(person(city, first), "todo")
    for who in (office, asking, person(city, second)):
        with pytest.raises((Forbidden, NotFound)):
            await move(who, paper_to_sign.id, "sign", {"agreed": True})
    await move(person(city, first), paper_to_sign.id, "sign", {"agreed": True})
    paper = outputs((await city.store.read(SYSTEM, "Task", review)).resource)["opinion_paper"]
    stored = (await city.store.read(asking, "DocumentReference", paper[18:])).resource
    text = read_document(base64.b64decode(stored["content"][0]["attachment"]["data"]), "opinion.docx").text
    assert "修改完善后通过" in text
    assert "平均分80.67分，最高分与最低分相差26分" in text
    assert f"专家组组长：专家{first[-1]}（本人于" in text
    with pytest.raises(NotFound):
        await city.store.read(person(city, first), "DocumentReference", paper[18:])
    with pytest.raises(Forbidden):
        await move(office, review, "use", {"usage": "已采纳"})
    await move(asking, review, "use", {"usage": "已按意见修改方案"})
    await move(office, sheets[first], "rate", {"rating": "good"})


async def test_too_few_candidates_are_said(library: City) -> None:
    asking, office = library.account("unit-clerk", "health"), library.account("plan-office", "office")
    review = (await library.cases.start(asking, "experts/review", {**_REVIEW, "number": 9})).id
    with pytest.raises(Unprocessable) as caught:
        await library.cases.move(office, review, "seal", {"number": 9})
    assert "候选只有" in caught.value.zh


async def test_a_lecture_is_the_experts_own(library: City) -> None:
    office = library.account("plan-office", "office")
    lecture = {
        "expert": "Practitioner/expert-1",
        "subject": "慢病管理",
        "lecture_day": "2026-03-20",
        "audience": "基层医生",
    }
    task = (await library.cases.start(office, "experts/lecture", lecture)).id
    with pytest.raises(NotFound):
        await library.cases.move(person(library, "Practitioner/expert-2"), task, "accept", {})
    await library.cases.move(person(library, "Practitioner/expert-1"), task, "accept", {})
    given = await library.cases.move(office, task, "give", {"attendees": 60, "rating": "excellent"})
    assert state_of(given.resource) == "given"
    assert json.loads(json.dumps(given.resource["owner"]))["display"] == "专家1"
