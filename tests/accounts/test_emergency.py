"""Emergency access: what it opens, to whom it is told, how it ends, how it is judged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from kangshu.access import Grant, system_grant
from kangshu.accounts import (
    EMERGENCY_PARAMETERS,
    IMPROPER,
    JUSTIFIED,
    PARAMETERS,
    Account,
    Accounts,
    Emergency,
)
from kangshu.base.canonical import RESIDENT_ID
from kangshu.base.clock import now, today
from kangshu.base.faults import Conflict, Forbidden, NotFound, Unprocessable
from kangshu.base.parameters import ParameterTable
from kangshu.store import AuditQuery, Store

SYSTEM = system_grant("test")
NUMBER, NAME = "990102194503071218", "沈长庚"
WORDS = "急诊室送来，昏迷，须知道用药史"
HIV = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HIV"}]}


@dataclass
class Ward:
    """The accounts and records of these tests."""

    store: Store
    accounts: Accounts
    tokens: dict[str, str]

    async def grant(self, name: str) -> Grant:
        return await self.accounts.session(self.tokens[name])

    async def breaks(self, account: str = "physician", /, **changes: Any) -> Emergency:
        values = {
            "number": NUMBER,
            "name": NAME,
            "reason_code": "unable-to-speak",
            "reason": WORDS,
            **changes,
        }
        return await self.accounts.emergencies.break_glass(await self.grant(account), **values)

    async def sees(self, name: str, kind: str = "Condition", id_: str = "c-hiv") -> bool:
        try:
            await self.store.read(await self.grant(name), kind, id_)
        except NotFound:
            return False
        return True

    async def sql(self, statement: Any, *values: Any) -> list[Any]:
        async with self.store.connection() as connection:
            rows: list[Any] = await connection.fetch(statement, *values)
            return rows


@pytest_asyncio.fixture
async def ward(database_url: str) -> AsyncIterator[Ward]:
    store = await Store.open(database_url)
    accounts = Accounts(store, ParameterTable([*PARAMETERS, *EMERGENCY_PARAMETERS]), "990100")
    for name in ("hospital", "centre", "data"):
        await store.update(SYSTEM, {"resourceType": "Organization", "id": name, "name": name})
    for id_, number, name in (("shen", NUMBER, NAME), ("zhou", "990102195001011236", "周以安")):
        await store.update(
            SYSTEM,
            {"resourceType": "Patient", "id": id_, "name": [{"text": name}],
             "identifier": [{"system": RESIDENT_ID, "value": number}],
             "managingOrganization": {"reference": "Organization/centre"}},
        )  # fmt: skip
    for id_, patient, meta in (("c-hiv", "shen", HIV), ("c-plain", "shen", {}), ("c-other", "zhou", {})):
        await store.update(
            SYSTEM,
            {
                "resourceType": "Condition",
                "id": id_,
                "meta": meta,
                "subject": {"reference": f"Patient/{patient}"},
            },
        )
    tokens = {}
    for name, role, place in (
        ("physician", "hospital-physician", "hospital"),
        ("second", "hospital-nurse", "hospital"),
        ("clerk", "hospital-clerk", "hospital"),
        ("officer", "data-protection-officer", "data"),
        ("shen", "resident", ""),
        ("zhou", "resident", ""),
    ):
        patient = name if role == "resident" else ""
        made = await accounts.create_account(
            SYSTEM, Account(name, name, (role,), organisation=place, patient=patient)
        )
        # the officer's second factor is not what is tested here
        tokens[name] = await accounts._sessions.issue(
            made.account.name, "session", now() + timedelta(hours=1)
        )
        if role == "data-protection-officer":
            await store_second_factor(store, name)
    yield Ward(store, accounts, tokens)
    await store.close()


async def store_second_factor(store: Store, name: str) -> None:
    """Set up a second factor as if its owner had."""
    async with store.connection() as connection:
        await connection.execute(
            "insert into second_factor (account, seed, enrolled) values ($1, ''::bytea, now())", name
        )


async def test_it_opens_one_resident_to_read_whatever_the_labels(ward: Ward) -> None:
    assert not await ward.sees("physician")
    made = await ward.breaks()
    assert made.is_open
    assert made.until - made.opened == timedelta(minutes=60)
    assert await ward.sees("physician")
    assert await ward.sees("physician", "Patient", "shen")
    assert not await ward.sees("physician", "Condition", "c-other")
    assert not await ward.sees("second"), "it is opened to one account, not to its institution"
    grant = await ward.grant("physician")
    with pytest.raises((Forbidden, NotFound)):
        await ward.store.update(
            grant, {"resourceType": "Condition", "id": "c-plain", "subject": {"reference": "Patient/shen"}}
        )
    assert {one["id"] for one in await ward.store.search_all(grant, "Condition", "")} == {"c-hiv", "c-plain"}


async def test_nothing_that_lasts_is_founded_on_it(ward: Ward) -> None:
    """Else the visit, written while it is open, would open the record to the whole hospital, and for good."""
    await ward.breaks()
    visit = {
        "resourceType": "Encounter", "status": "in-progress", "class": {"code": "EMER"},
        "subject": {"reference": "Patient/shen"}, "serviceProvider": {"reference": "Organization/hospital"},
    }  # fmt: skip
    with pytest.raises(Unprocessable):
        await ward.store.create(await ward.grant("physician"), visit)
    assert not await ward.sees("second", "Patient", "shen")


@pytest.mark.parametrize(
    "changes",
    [{"number": "990102194503071219"}, {"name": "沈长"}, {"name": "周以安"}, {"number": "", "name": ""}, {"number": ""}, {"name": ""},
     {"number": "9901021945*"}],
)  # fmt: skip
async def test_only_number_and_name_together_find_anybody(ward: Ward, changes: dict[str, str]) -> None:
    with pytest.raises(NotFound) as caught:
        await ward.breaks(**changes)
    assert caught.value.text == "nobody has both this number and this name"
    assert not await ward.sql("select 1 from emergency")


async def test_it_asks_for_the_right_a_reason_and_words(ward: Ward) -> None:
    with pytest.raises(Forbidden):
        await ward.breaks("clerk")
    with pytest.raises(Forbidden):
        await ward.breaks("officer")
    with pytest.raises(Unprocessable):
        await ward.breaks(reason_code="curiosity")
    with pytest.raises(Unprocessable):
        await ward.breaks(reason="  急  ")


async def test_a_token_carries_no_emergency(ward: Ward) -> None:
    await ward.breaks()
    token = await ward.accounts.create_token("physician", timedelta(minutes=5))
    grant = await ward.accounts.bearer(token)
    assert not grant.emergency
    with pytest.raises(NotFound):
        await ward.store.read(grant, "Condition", "c-plain")


async def test_it_ends_by_itself_by_hand_and_by_the_officer(ward: Ward) -> None:
    made = await ward.breaks()
    await ward.sql(
        "update emergency set opened = opened - interval '2 h', until = until - interval '2 h' where id = $1",
        made.id,
    )
    assert not await ward.sees("physician")
    made = await ward.breaks()
    assert await ward.sees("physician")
    with pytest.raises(NotFound):
        await ward.accounts.emergencies.end(await ward.grant("second"), made.id)
    await ward.accounts.emergencies.end(await ward.grant("physician"), made.id)
    assert not await ward.sees("physician")
    made = await ward.breaks()
    assert await ward.sees("physician")
    ended = await ward.accounts.emergencies.end(await ward.grant("officer"), made.id)
    assert ended.ended_by == "officer"
    assert not await ward.sees("physician")


async def test_it_ends_with_the_role(ward: Ward) -> None:
    await ward.breaks()
    await ward.accounts.assign_roles(SYSTEM, "physician", ["hospital-clerk"])
    assert not await ward.sees("physician")


async def test_two_requests_at_once_open_one_access(ward: Ward) -> None:
    made = await asyncio.gather(*(ward.breaks() for _ in range(5)))
    assert len({one.id for one in made}) == 1


async def test_it_is_told_to_the_resident_the_institution_and_the_officer(ward: Ward) -> None:
    made = await ward.breaks()
    notices = await ward.store.search_all(SYSTEM, "Communication", "")
    told = {one["recipient"][0]["reference"]: one for one in notices}
    assert told.keys() == {"Patient/shen", "Organization/hospital", "Organization/data"}
    assert "应急" in told["Patient/shen"]["payload"][0]["contentString"]
    for place in ("Organization/hospital", "Organization/data"):
        body = str(told[place])
        assert NAME not in body
        assert "shen" not in body, "an office learns who opened and why, not whose record"
        assert made.review_due.isoformat() in body
    assert await ward.sees("shen", "Communication", told["Patient/shen"]["id"])
    assert not await ward.sees("zhou", "Communication", told["Patient/shen"]["id"])
    assert await ward.sees("officer", "Communication", told["Organization/data"]["id"])


async def test_the_audit_says_break_the_glass_with_the_reason(ward: Ward) -> None:
    await ward.breaks()
    await ward.sees("physician")
    rows = [row for _, row in await ward.store.audit_rows(SYSTEM, AuditQuery(account="physician"))]
    by_action = {row.action: row for row in rows}
    assert by_action["emergency-open"].purpose == by_action["read"].purpose == "BTG"
    assert by_action["emergency-open"].reason == WORDS
    assert (by_action["emergency-open"].type, by_action["emergency-open"].id) == ("Patient", "shen")
    assert NUMBER not in str(rows)


async def test_the_officer_judges_once_and_the_resident_reads_it(ward: Ward) -> None:
    made = await ward.breaks()
    desk, officer = ward.accounts.emergencies, await ward.grant("officer")
    assert [one.id for one in await desk.queue(officer)] == [made.id]
    for name in ("physician", "shen", "clerk"):
        with pytest.raises(Forbidden):
            await desk.queue(await ward.grant(name))
        with pytest.raises(Forbidden):
            await desk.review(await ward.grant(name), made.id, JUSTIFIED, "")
    with pytest.raises(Unprocessable):
        await desk.review(officer, made.id, IMPROPER, "")
    judged = await desk.review(officer, made.id, JUSTIFIED, "抢救记录相符")
    assert (judged.verdict, judged.reviewer) == (JUSTIFIED, "officer")
    assert not await ward.sees("physician"), "a verdict ends what is still open"
    with pytest.raises(Conflict):
        await desk.review(officer, made.id, IMPROPER, "再看一次觉得并不妥当")
    assert await desk.queue(officer) == ()
    assert [one.verdict for one in await desk.queue(officer, reviewed=True)] == [JUSTIFIED]
    assert [one.id for one in await desk.of_patient(await ward.grant("shen"), "shen")] == [made.id]
    with pytest.raises(Forbidden):
        await desk.of_patient(await ward.grant("zhou"), "shen")


async def test_who_left_too_many_unreviewed_or_was_wrong_may_not_break_again(ward: Ward) -> None:
    desk = ward.accounts.emergencies
    made = []
    for _ in range(3):
        made.append(await ward.breaks())
        await desk.end(await ward.grant("physician"), made[-1].id)
    with pytest.raises(Forbidden, match="too many"):
        await ward.breaks()
    for one in made:
        await desk.review(await ward.grant("officer"), one.id, JUSTIFIED, "")
    improper = await ward.breaks()
    await desk.review(await ward.grant("officer"), improper.id, IMPROPER, "居民当时清醒，家属在场")
    with pytest.raises(Forbidden, match="improper"):
        await ward.breaks()
    await ward.sql("update emergency set opened = opened - interval '2 y', until = until - interval '2 y'")
    assert (await ward.breaks()).is_open


async def test_what_is_not_reviewed_in_time_is_overdue(ward: Ward) -> None:
    made = await ward.breaks()
    assert made.review_due > today()
    assert not made.is_overdue
    await ward.sql("update emergency set review_due = $1", today() - timedelta(days=1))
    assert (await ward.accounts.emergencies.queue(await ward.grant("officer")))[0].is_overdue


def test_every_figure_has_its_clause_and_is_not_verified() -> None:
    assert all("个人信息保护法" in one.source and not one.verified for one in EMERGENCY_PARAMETERS)
