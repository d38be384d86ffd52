"""Drafts, completion, two signatures and withdrawal, each under the grant of whoever does it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import pytest_asyncio

from kangshu.access import Grant, OrganisationIn, system_grant
from kangshu.access.predicates import Everything
from kangshu.base.clock import now, today
from kangshu.base.faults import Conflict, Fault, Forbidden, NotFound, PreconditionFailed, Unprocessable
from kangshu.base.parameters import ParameterTable, ParameterVersion
from kangshu.base.text import Text
from kangshu.documents import write_report_docx
from kangshu.questionnaires import Questionnaires, blank_form, filled_form
from kangshu.services import load
from kangshu.store import Store

from .scale import write_folder

SYSTEM = system_grant("tests")
BEST = {"eat": "2", "walk": "2", "help": "never"}
WHO = "Patient/elder-1"


def grant(account: str, organisation: str) -> Grant:
    """Return what somebody of a body has who assesses."""
    own = MappingProxyType(
        {
            "*": OrganisationIn(frozenset({organisation})),
            "Patient": Everything(),
            "Organization": Everything(),
        }
    )
    return Grant(
        account=account,
        display=account,
        organisation=organisation,
        read=own,
        write=own,
        operations=frozenset({"register.read", "register.write"}),
    )


@dataclass
class Room:
    """The room, its store and three people: two of one body, one of another."""

    questionnaires: Questionnaires
    store: Store
    parameters: ParameterTable
    first: Grant
    second: Grant
    stranger: Grant

    async def observations(self) -> list[dict[str, Any]]:
        return list(await self.store.search_all(SYSTEM, "Observation", "subject=Patient/elder-1"))


@pytest_asyncio.fixture
async def room(database_url: str, tmp_path: Path) -> AsyncIterator[Room]:
    write_folder(tmp_path)
    (service,) = load(tmp_path)
    store = await Store.open(database_url)
    for id_ in ("body-a", "body-b"):
        await store.update(SYSTEM, {"resourceType": "Organization", "id": id_, "name": id_})
    await store.update(SYSTEM, {"resourceType": "Patient", "id": "elder-1", "name": [{"text": "老人"}]})
    table = ParameterTable(service.parameters)
    made = Questionnaires(store, service.questionnaires, table, "990100")
    yield Room(
        made, store, table, grant("first", "body-a"), grant("second", "body-a"), grant("third", "body-b")
    )
    await store.close()


async def test_a_draft_is_kept_and_nothing_is_concluded(room: Room) -> None:
    asked = room.questionnaires
    draft = await asked.save(room.first, "small/scale", WHO, {"eat": "1"}, day=today(), complete=False)
    filled = await asked.read(room.first, draft.id)
    assert (filled.status, filled.answers, filled.outcome.scores) == ("in-progress", {"eat": "1"}, {})
    assert await room.observations() == []
    with pytest.raises(Unprocessable) as refused:
        await asked.save(
            room.first, "small/scale", WHO, {"eat": "1"}, day=today(), complete=True, id=draft.id
        )
    assert {one.expression[0] for one in refused.value.issues} == {"walk", "help"}
    assert (await asked.read(room.first, draft.id)).status == "in-progress"
    with pytest.raises(PreconditionFailed):
        await asked.save(
            room.first, "small/scale", WHO, BEST, day=today(), complete=False, id=draft.id, if_match=99
        )


async def test_two_sign_before_it_is_final(room: Room) -> None:
    asked = room.questionnaires
    answers = {**BEST, "falls": 2, "note": "家中"}
    sheet = await asked.save(
        room.first, "small/scale", WHO, answers, day=today(), complete=True, about="Task/t1"
    )
    (observation,) = await room.observations()
    assert observation["status"] == "preliminary"
    assert observation["valueInteger"] == 10
    assert observation["interpretation"][0]["coding"][0]["code"] == "fair"
    assert {one["code"]["coding"][0]["code"] for one in observation["component"]} == {"need", "double"}
    with pytest.raises(Forbidden):
        await asked.sign(room.first, sheet.id)  # nobody is two assessors
    with pytest.raises(Fault) as refused:
        await asked.sign(room.stranger, sheet.id)  # nor one of another body
    assert isinstance(refused.value, NotFound | Forbidden)
    await asked.sign(room.second, sheet.id)
    (signed,) = await room.observations()
    assert (signed["id"], signed["status"]) == (observation["id"], "final")
    filled = await asked.read(room.second, sheet.id)
    assert [one.account for one in filled.signatures] == ["first", "second"]
    assert (filled.waits, filled.about) == (False, "Task/t1")
    with pytest.raises(Conflict):
        await asked.sign(replace(room.second, account="fourth"), sheet.id)
    with pytest.raises(Conflict):
        await asked.save(room.first, "small/scale", WHO, BEST, day=today(), complete=False, id=sheet.id)


async def test_what_was_signed_stands_whatever_is_entered_later(room: Room) -> None:
    asked = room.questionnaires
    sheet = await asked.save(room.first, "small/scale", WHO, BEST, day=today(), complete=True)
    raised = ParameterVersion(
        "small-good", Text("好", "good"), 100, "分", "", date(2020, 1, 1), None, "后来录入", True
    )
    room.parameters.enter(raised)
    filled = await asked.read(room.first, sheet.id)
    assert filled.outcome.levels["level"].option.code == "good"
    assert asked.reckon(filled.declaration, BEST, today()).levels["level"].option.code == "fair"
    await asked.sign(room.second, sheet.id)
    (observation,) = await room.observations()
    assert observation["interpretation"][0]["coding"][0]["code"] == "good"


async def test_withdrawn_with_its_result(room: Room) -> None:
    asked = room.questionnaires
    sheet = await asked.save(room.first, "small/scale", WHO, BEST, day=today(), complete=True)
    with pytest.raises(Unprocessable):
        await asked.withdraw(room.first, sheet.id, " ")
    await asked.withdraw(room.first, sheet.id, "写错了人")
    (observation,) = await room.observations()
    assert observation["status"] == "entered-in-error"
    assert (await asked.read(room.first, sheet.id)).status == "entered-in-error"


async def test_who_may(room: Room) -> None:
    asked = room.questionnaires
    sheet = await asked.save(room.first, "small/scale", WHO, BEST, day=today(), complete=True)
    with pytest.raises(NotFound):
        await asked.read(room.stranger, sheet.id)
    reader = replace(room.first, operations=frozenset({"register.read"}))
    assert asked.offered(reader) == ()
    with pytest.raises(Forbidden):
        await asked.save(reader, "small/scale", WHO, BEST, day=today(), complete=True)
    with pytest.raises(NotFound):
        await asked.save(room.first, "small/scale", "Patient/nobody", BEST, day=today(), complete=True)
    with pytest.raises(Unprocessable):
        await asked.save(
            room.first, "small/scale", WHO, BEST, day=today() + timedelta(days=1), complete=False
        )
    with pytest.raises(NotFound):
        asked.declaration("small/none")


async def test_on_paper(room: Room) -> None:
    asked = room.questionnaires
    declared = asked.declaration("small/scale")
    empty = str(blank_form(declared, mark="试", made=now()).blocks)
    assert "□ 能（2分）" in empty
    assert "评估人员签名" in empty
    answers = {**BEST, "falls": 2, "ill": True}
    sheet = await asked.save(room.first, "small/scale", WHO, answers, day=today(), complete=True)
    filled = await asked.read(room.first, sheet.id)
    report = filled_form(filled, [("姓名", "老人")], mark="试", made=now())
    told = str(report.blocks)
    assert "中（初评：好）" in told
    assert "尚缺 1 名评估人员签名" in told
    assert "未经主管部门核实" in told
    assert "叠加（once）" in told
    assert write_report_docx(report).startswith(b"PK")
