"""A unit that works on papers inside: sections, four eyes, the signed answer alone leaves; nobody outside sees it."""

from __future__ import annotations

from typing import Any

import pytest

from kangshu.access import Grant
from kangshu.base.canonical import INTERNAL, structure
from kangshu.base.faults import Conflict, Forbidden, NotFound, Unprocessable
from kangshu.cases import inputs, number_of, organisation_of, state_of
from tests.cases.conftest import SYSTEM, City, organisation


async def _works_inside(city: City, unit: str = "civil") -> None:
    """Let the unit work inside, with two sections."""
    stored = (await city.store.read(SYSTEM, "Organization", unit)).resource
    mark = {"url": structure("internal-flow"), "valueBoolean": True}
    await city.store.update(SYSTEM, {**stored, "extension": [*stored["extension"], mark]})
    for section in ("elder-section", "other-section"):
        made = organisation(section, section, "section", "990100")
        await city.store.update(SYSTEM, {**made, "partOf": {"reference": f"Organization/{unit}"}})


def _clerk(city: City, name: str, unit: str = "civil") -> Grant:
    """Return one of several people of the unit; its sections are below it."""
    below = ("elder-section", "other-section") if unit == "civil" else ()
    return city.account("unit-clerk", unit, name=name, below=below)


async def _duty(city: City) -> str:
    office = city.account("plan-office", "office")
    values = {"content": "新增护理型床位", "due": "2026-06-30"}
    started = await city.cases.start(office, "supervision/duty", values, receiver="civil", title="护理型床位")
    return started.id


async def _inside(city: City, grant: Grant, about: str) -> Any:
    found = await city.store.search_all(grant, "Task", f"focus=Task/{about}")
    return next(one for one in found if one["code"]["coding"][0]["code"] == "unit_papers/document")


async def test_only_the_signed_answer_leaves(city: City) -> None:
    await _works_inside(city)
    registrar, drafter = _clerk(city, "收发"), _clerk(city, "经办", "elder-section")
    checker, signer = _clerk(city, "办公室主任"), _clerk(city, "分管局长")
    duty, move = await _duty(city), city.cases.move
    await move(registrar, duty, "accept", {})
    await move(registrar, duty, "begin", {})
    shown = {one.move.id: one.blocked for one in await city.cases.offers(registrar, duty)}
    assert shown["report"] is not None
    assert "内部办理" in shown["report"].zh
    with pytest.raises(Unprocessable):
        await move(registrar, duty, "report", {"result": "完成"})

    paper = await _inside(city, registrar, duty)
    id_ = str(paper["id"])
    assert paper["meta"]["security"] == [INTERNAL]
    assert (number_of(paper), state_of(paper)) == ("收〔2026〕0001号", "registered")
    assert inputs(paper)["content"] == "新增护理型床位"
    await move(registrar, id_, "propose", {"proposal": "拟请养老科承办"})
    await move(checker, id_, "decide", {"decision": "同意", "section": "Organization/elder-section"})
    await move(drafter, id_, "take", {})
    evidence = {
        "resourceType": "DocumentReference", "id": "evidence", "status": "current",
        "custodian": {"reference": "Organization/elder-section"},
        "content": [{"attachment": {"title": "验收单.txt"}}],
    }  # fmt: skip
    draft = {"answer": "已新增300张", "evidence": ["DocumentReference/evidence"]}
    drafted = await move(drafter, id_, "draft", draft, papers=[evidence])
    assert organisation_of(drafted.resource, "owner") == "civil"
    assert [one["id"] for one in await city.store.search_all(drafter, "Task", f"_id={id_}")] == [id_], (
        "the section goes on seeing what it has drafted"
    )
    both = _clerk(city, "经办")
    with pytest.raises(Forbidden):
        await move(both, id_, "check", {"answer": "已新增300张"})
    await move(checker, id_, "check", {"answer": "已新增护理型床位300张", "check_opinion": "已核数"})
    with pytest.raises(Forbidden):
        await move(checker, id_, "sign", {})
    with pytest.raises(Conflict):
        await move(registrar, id_, "send", {})
    await move(signer, id_, "sign", {"sign_opinion": "同意"})
    await move(registrar, id_, "send", {})

    office = city.account("plan-office", "office")
    answered = (await city.store.read(office, "Task", duty)).resource
    assert state_of(answered) == "reported"
    assert inputs(answered)["result"] == "已新增护理型床位300张", "the text that was checked and signed"
    assert (await city.store.read(office, "DocumentReference", "evidence")).version >= 2, (
        "it left with the answer"
    )
    await move(office, duty, "return", {"comment": "请补验收表"})
    await move(registrar, id_, "again", {"comment": "补验收表"})
    assert (
        organisation_of((await city.store.read(registrar, "Task", id_)).resource, "owner") == "elder-section"
    )


async def test_nobody_outside_the_unit_sees_what_is_internal(city: City) -> None:
    await _works_inside(city)
    registrar = _clerk(city, "收发")
    duty = await _duty(city)
    id_ = str((await _inside(city, registrar, duty))["id"])
    paper = {
        "resourceType": "DocumentReference", "id": "inside", "status": "current",
        "custodian": {"reference": "Organization/civil"}, "content": [{"attachment": {"title": "底稿.txt"}}],
    }  # fmt: skip
    await city.cases.move(registrar, id_, "propose", {"proposal": "拟请养老科承办"})
    await city.cases.move(
        registrar, id_, "decide", {"decision": "同意", "section": "Organization/elder-section"}
    )
    section = _clerk(city, "经办", "elder-section")
    draft = {"answer": "草稿", "evidence": ["DocumentReference/inside"]}
    await city.cases.move(
        section,
        id_,
        "draft",
        draft,
        papers=[{**paper, "custodian": {"reference": "Organization/elder-section"}}],
    )
    outside = [
        city.account("plan-office", "office"), city.account("unit-clerk", "health"),
        city.account("commission-leader", "office"), city.account("section-clerk", "health"),
        city.account("unit-clerk", "other-section"),
    ]  # fmt: skip
    for grant in outside:
        for kind, one in (("Task", id_), ("DocumentReference", "inside")):
            with pytest.raises(NotFound):
                await city.store.read(grant, kind, one)
        assert await city.store.search_all(grant, "Task", f"focus=Task/{duty}") == []
        told = await city.store.search_all(grant, "Communication", "")
        assert all(one["about"][0]["reference"] != f"Task/{id_}" for one in told), "notices stay inside too"
        with pytest.raises(NotFound):
            await city.cases.move(grant, id_, "check", {"answer": "x"})
    leader = city.account("commission-leader", "civil")
    assert (await city.store.read(leader, "Task", id_)).id == id_, "the unit's own leader does"


async def test_a_unit_that_has_set_nothing_answers_directly(city: City) -> None:
    civil = city.account("unit-clerk", "civil")
    duty = await _duty(city)
    assert await city.store.search_all(civil, "Task", f"focus=Task/{duty}") == []
    for step, values in (("accept", {}), ("begin", {}), ("report", {"result": "完成"})):
        await city.cases.move(civil, duty, step, values)
