"""S06 and C28: data are used for one purpose, by what was struck to the necessary, approved by others, and destroyed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kangshu.base.faults import Forbidden, Unprocessable
from kangshu.cases import inputs, state_of
from tests.cases.conftest import SYSTEM, City

ASKED: dict[str, Any] = {
    "receiver": "health",
    "project": "老年高血压管理效果评价",
    "purpose": "评价分级诊疗效果",
    "legal_basis": "statutory",
    "basis_text": "统计调查制度",
    "recipient": "云汐市统计局",
    "place": "mainland",
    "responsible": "李某 000-0000",
    "level": "de-identified",
    "extract": "hypertension-follow-up",
    "columns": ["age_group", "district", "systolic"],
    "district": "990102",
    "period_start": "2025-01-01",
    "period_end": "2025-12-31",
    "expiry": "2026-06-30",
    "measures": "专机使用，不联网",
}
GRANTED: dict[str, Any] = {
    "granted_columns": ["age_group", "systolic"],
    "granted_district": "990102001",
    "granted_start": "2025-07-01",
    "granted_end": "2025-12-31",
    "sensitive": "yes",
    "struck": "删去区划：年龄段已足够",
}


def paper(id_: str) -> dict[str, Any]:
    """Return an attachment of the applicant."""
    return {
        "resourceType": "DocumentReference",
        "id": id_,
        "status": "current",
        "custodian": {"reference": "Organization/finance"},
        "content": [{"attachment": {"contentType": "application/pdf", "data": "aGk="}}],
    }


async def submitted(city: City, **values: Any) -> str:
    """Return an application that the data office has before it."""
    clerk = city.account("unit-clerk", "finance")
    papers = [paper(str(one)[18:]) for name, one in values.items() if name in ("ethics", "transfer_file")]
    started = await city.cases.start(clerk, "data_protection/data-use", {**ASKED, **values}, papers=papers)
    await city.cases.move(clerk, started.id, "submit", {})
    return started.id


async def minimised(city: City, granted: dict[str, Any] | None = None, **values: Any) -> str:
    """Return an application whose columns and group are set."""
    task, office = await submitted(city, **values), city.account("data-office", "health")
    await city.cases.move(office, task, "accept", {})
    await city.cases.move(office, task, "minimise", {**GRANTED, **(granted or {})})
    return task


async def test_struck_agreed_countersigned_used_and_destroyed(city: City) -> None:
    task = await minimised(city)
    clerk, office = city.account("unit-clerk", "finance"), city.account("data-office", "health")
    officer = city.account("data-protection-officer", "health")
    with pytest.raises(Unprocessable):  # single records are never approved by one office alone
        await city.cases.move(office, task, "approve", {})
    await city.cases.move(office, task, "forward", {})
    with pytest.raises(Forbidden):
        await city.cases.move(office, task, "countersign", {"comment": "同意"})
    approved = await city.cases.move(officer, task, "countersign", {"comment": "同意"})
    assert state_of(approved.resource) == "approved"
    kept = inputs(approved.resource)
    assert kept["granted_columns"] == ["age_group", "systolic"]
    assert kept["struck"].startswith("删去")

    with pytest.raises(Forbidden):  # nobody but the maker of extracts tells of them
        await city.cases.move(clerk, task, "record-extract", {"extract_reference": "x"})
    used = await city.cases.move(
        SYSTEM, task, "record-extract", {"extract_reference": "E-1", "extract_rows": 12}
    )
    assert state_of(used.resource) == "in-use"
    city.clock.at += timedelta(days=130)
    await city.cases.tick()
    expired = (await city.store.read(SYSTEM, "Task", task)).resource
    assert state_of(expired) == "expired"
    with pytest.raises(Forbidden):
        await city.cases.move(office, task, "declare", {"destroyed_on": "2026-07-01", "destroyed_how": "x"})
    closed = await city.cases.move(
        clerk, task, "declare", {"destroyed_on": "2026-07-01", "destroyed_how": "覆写三遍，两人在场"}
    )
    assert state_of(closed.resource) == "closed"


async def test_granted_is_within_what_was_asked_for(city: City) -> None:
    wider: list[dict[str, Any]] = [
        {"granted_columns": ["age_group", "name"]},
        {"granted_district": "990103"},
        {"granted_start": "2024-12-31"},
        {"granted_end": "2026-01-01"},
    ]
    for more in wider:
        with pytest.raises(Unprocessable, match="within"):
            await minimised(city, more)


async def test_nobody_decides_on_an_own_application(city: City) -> None:
    clerk = city.account("unit-clerk", "health")
    own = await city.cases.start(clerk, "data_protection/data-use", ASKED)
    with pytest.raises(Unprocessable, match="own unit"):
        await city.cases.move(clerk, own.id, "submit", {})
    task = await submitted(city)
    with pytest.raises(Unprocessable):
        await city.cases.move(city.account("data-office", "finance"), task, "accept", {})
    with pytest.raises(Forbidden):
        await city.cases.move(city.account("unit-clerk", "health"), task, "accept", {})


async def test_one_person_with_both_offices_does_not_do_both(city: City) -> None:
    task = await minimised(city)
    office = city.account("data-office", "health")
    await city.cases.move(office, task, "forward", {})
    officer = city.account("data-protection-officer", "health")
    both = replace(office, operations=office.operations | officer.operations)
    blocked = {one.move.id: one.blocked for one in await city.cases.offers(both, task)}
    assert blocked["countersign"] is not None
    with pytest.raises(Forbidden, match="Somebody else"):
        await city.cases.move(both, task, "countersign", {"comment": "同意"})


async def test_research_needs_its_ethics_approval(city: City) -> None:
    with pytest.raises(Unprocessable, match="ethics"):
        await submitted(city, legal_basis="research")
    assert await submitted(city, legal_basis="research", ethics="DocumentReference/ethics")


@pytest.mark.parametrize("place", ["hong-kong", "macao", "abroad"])
async def test_a_recipient_outside_the_mainland(city: City, place: str) -> None:
    """C28: separate consent, a stated purpose, a legal basis and a trail; PIPL Art. 38-40 asks for a ground of transfer."""
    office, aggregate = city.account("data-office", "health"), {"sensitive": "no"}
    bare = {"place": place, "level": "aggregate"}
    full = {
        "consent_basis": "逐人单独同意 12 份",
        "transfer_basis": "standard-contract",
        "transfer_file": "DocumentReference/contract",
    }
    for number, missing in enumerate(full):
        full["transfer_file"] = f"DocumentReference/contract-{number}"
        task = await minimised(city, aggregate, **bare, **{k: v for k, v in full.items() if k != missing})
        for move in ("approve", "forward"):
            with pytest.raises(Unprocessable, match="abroad"):
                await city.cases.move(office, task, move, {})
    full["transfer_file"] = "DocumentReference/contract"
    task = await minimised(city, aggregate, **bare, **full)
    approved = await city.cases.move(office, task, "approve", {})
    assert state_of(approved.resource) == "approved"


async def test_aggregates_at_home_need_no_countersignature(city: City) -> None:
    task = await minimised(city, {"sensitive": "no"}, level="aggregate")
    approved = await city.cases.move(city.account("data-office", "health"), task, "approve", {})
    assert state_of(approved.resource) == "approved"
    revoked = await city.cases.move(
        city.account("data-protection-officer", "health"), task, "revoke", {"comment": "超范围使用"}
    )
    assert state_of(revoked.resource) == "revoked"
