"""The platform runs a service it has never heard of: a toy folder outside the product."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kangshu.access import system_grant
from kangshu.base.parameters import ParameterTable
from kangshu.cases import Cases, state_of
from kangshu.registers import Registers
from kangshu.services import load
from kangshu.store import Store

TOYS = Path(__file__).resolve().parents[1] / "fixtures" / "services"
SYSTEM = system_grant("tests")


async def test_toy_register_and_case(store: Store) -> None:
    (toy,) = load(TOYS)
    for name in ("asker", "doer"):
        await store.update(SYSTEM, {"resourceType": "Organization", "id": name, "name": name})
    registers = Registers(store, toy.registers)
    saved = await registers.save(SYSTEM, "toy/things", {"name": "风筝", "created": "2026-03-01"})
    page = await registers.list(SYSTEM, "toy/things", {"created": "2026"}, "-created")
    assert [(row.id, row.values["name"]) for row in page.rows] == [(saved.id, "风筝")]
    assert registers.questionnaire("toy/things")["item"][0]["text"] == "名称"

    cases = Cases(store, toy.cases, ParameterTable(toy.parameters))
    asker, doer = (replace(SYSTEM, account=one, organisation=one) for one in ("asker", "doer"))
    case = await cases.start(asker, "toy/handling", {"receiver": "doer", "content": "放风筝"})
    assert [row.id for row in await cases.worklist(doer, "todo")] == [case.id]
    done = await cases.move(doer, case.id, "finish", {"result": "放好了"})
    assert state_of(done.resource) == "done"
    assert [one.text.en for one in await cases.notices(asker)] == ["The matter is done"]


async def test_without_services(store: Store) -> None:
    cases = Cases(store, (), ParameterTable())
    assert Registers(store, ()).declarations == ()
    assert cases.declarations == ()
    assert cases.carrying("duty") is None
    assert await cases.worklist(SYSTEM, "all") == []
    assert await cases.tick() == (0, 0)
