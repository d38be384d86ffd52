"""Accounts on a real database: sign-in, lock, sessions, tokens, upkeep, import."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
import pytest_asyncio

from kangshu.access import Nothing, system_grant
from kangshu.accounts import PARAMETERS, Account, Accounts, import_accounts
from kangshu.base.canonical import CASE_KIND
from kangshu.base.faults import (
    Conflict,
    Forbidden,
    NotFound,
    Throttled,
    Unauthenticated,
    Unprocessable,
)
from kangshu.base.parameters import ParameterTable
from kangshu.store import Store

GRANT = system_grant("test")
CLERK = Account("clerk", "甲", ("section-clerk",), organisation="unit-health", district="990102")


@pytest_asyncio.fixture
async def accounts(database_url: str) -> AsyncIterator[Accounts]:
    store = await Store.open(database_url)
    yield Accounts(store, ParameterTable(PARAMETERS), "990100")
    await store.close()


async def test_sign_in_opens_a_grant_of_the_post(accounts: Accounts) -> None:
    made = await accounts.create_account(GRANT, CLERK)
    session = await accounts.sign_in("clerk", made.password)
    grant = await accounts.session(session.token)
    assert (grant.account, grant.display, grant.district) == ("clerk", "甲", "990102")
    assert grant.may("register.read")
    assert not grant.may("account.manage")
    await accounts.sign_out(session.token)
    with pytest.raises(Unauthenticated):
        await accounts.session(session.token)


async def test_a_wrong_password_an_unknown_and_a_stopped_account_sound_the_same(accounts: Accounts) -> None:
    made = await accounts.create_account(GRANT, CLERK)
    said = []
    for name, password in (("clerk", "wrong"), ("nobody", "wrong"), ("", "")):
        with pytest.raises(Unauthenticated) as caught:
            await accounts.sign_in(name, password)
        said.append(caught.value.text)
    await accounts.set_active(GRANT, "clerk", active=False)
    with pytest.raises(Unauthenticated) as caught:
        await accounts.sign_in("clerk", made.password)
    assert {*said, caught.value.text} == {said[0]}


async def test_failures_lock_and_the_security_administrator_unlocks(accounts: Accounts) -> None:
    made = await accounts.create_account(GRANT, CLERK)
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await accounts.sign_in("clerk", "wrong")
    with pytest.raises(Throttled):
        await accounts.sign_in("clerk", made.password)
    await accounts.unlock(GRANT, "clerk")
    assert (await accounts.sign_in("clerk", made.password)).account.name == "clerk"


async def test_the_figures_are_dated_parameters(database_url: str) -> None:
    store = await Store.open(database_url)
    stricter = [
        replace(one, value=2, valid_from=date(2020, 1, 1), jurisdiction="9901")
        for one in PARAMETERS
        if one.id == "accounts.failures"
    ]
    accounts = Accounts(store, ParameterTable([*PARAMETERS, *stricter]), "990100")
    made = await accounts.create_account(GRANT, CLERK)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await accounts.sign_in("clerk", "wrong")
    with pytest.raises(Throttled):
        await accounts.sign_in("clerk", made.password)
    await store.close()


async def test_a_bearer_token_is_no_session_and_the_database_keeps_no_secret(accounts: Accounts) -> None:
    made = await accounts.create_account(GRANT, CLERK)
    token = await accounts.create_token("clerk", timedelta(hours=1))
    assert (await accounts.bearer(token)).account == "clerk"
    with pytest.raises(Unauthenticated):
        await accounts.session(token)
    async with accounts._office.store.connection() as connection:
        rows = await connection.fetch("select account.*, digest from account left join account_token on true")
    assert token not in str(rows)
    assert made.password not in str(rows)


async def test_system_exists_and_has_no_password(accounts: Accounts) -> None:
    grant = await accounts.bearer(await accounts.create_token("system", timedelta(minutes=5)))
    assert grant.may("anything")
    with pytest.raises(Unauthenticated):
        await accounts.sign_in("system", "")
    with pytest.raises(NotFound):
        await accounts.create_token("nobody", timedelta(minutes=5))
    with pytest.raises(Unprocessable):
        await accounts.create_token("system", timedelta(0))


async def test_changing_and_resetting_a_password(accounts: Accounts) -> None:
    made = await accounts.create_account(GRANT, CLERK)
    session = await accounts.sign_in("clerk", made.password)
    grant = await accounts.session(session.token)
    with pytest.raises(Unauthenticated):
        await accounts.change_password(grant, "wrong", "Another-2026-x")
    with pytest.raises(Unprocessable):
        await accounts.change_password(grant, made.password, "short")
    await accounts.change_password(grant, made.password, "Another-2026-x")
    fresh = await accounts.reset_password(GRANT, "clerk")
    with pytest.raises(Unauthenticated):
        await accounts.session(session.token)
    again = await accounts.sign_in("clerk", fresh)
    assert again.account.must_change
    held = await accounts.session(again.token)
    assert (held.operations, dict(held.read)) == (frozenset(), {})
    await accounts.change_password(held, fresh, "Fourth-2026-y")
    assert (await accounts.session(again.token)).may("register.read")


async def test_what_an_account_must_be(accounts: Accounts) -> None:
    await accounts.create_account(GRANT, CLERK)
    with pytest.raises(Conflict):
        await accounts.create_account(GRANT, CLERK)
    with pytest.raises(Unprocessable):
        await accounts.create_account(GRANT, Account("b", "", ("no-such-role",)))
    with pytest.raises(Unprocessable):
        await accounts.create_account(GRANT, Account("b", "", ("section-clerk",), organisation="o"))
    clerk = await accounts.open_grant("clerk")
    for forbidden in (
        accounts.create_account(clerk, Account("b", "")),
        accounts.accounts(clerk),
        accounts.assign_roles(clerk, "clerk", ["plan-office"]),
        accounts.reset_password(clerk, "system"),
    ):
        with pytest.raises(Forbidden):
            await forbidden
    assert (await accounts.account(clerk, "clerk")).display == "甲"


async def test_nobody_assigns_their_own_roles(accounts: Accounts) -> None:
    await accounts.create_account(GRANT, Account("security", "", ("security-administrator",)))
    await accounts.create_account(GRANT, CLERK)
    security = await accounts.open_grant("security")
    with pytest.raises(Forbidden):
        await accounts.assign_roles(security, "security", ["plan-office"])
    changed = await accounts.assign_roles(security, "clerk", ["unit-clerk"])
    assert changed.roles == ("unit-clerk",)


async def test_own_and_shared_residents_are_admitted(accounts: Accounts) -> None:
    store = accounts._office.store
    for id_, parent in (("chc", ""), ("station", "chc"), ("hospital", "")):
        body = {"resourceType": "Organization", "id": id_, "name": id_}
        if parent:
            body["partOf"] = {"reference": f"Organization/{parent}"}  # type: ignore[assignment]
        await store.update(GRANT, body)
    for id_, managed in (("p1", "station"), ("p2", "hospital"), ("p3", "hospital"), ("p4", "hospital")):
        await store.update(
            GRANT,
            {"resourceType": "Patient", "id": id_,
             "managingOrganization": {"reference": f"Organization/{managed}"}},
        )  # fmt: skip
    await store.update(
        GRANT,
        {"resourceType": "Contract", "id": "k", "status": "executed", "subject": [{"reference": "Patient/p2"}],
         "authority": [{"reference": "Organization/chc"}]},
    )  # fmt: skip
    for id_, status, who in (("t1", "in-progress", "p3"), ("t2", "completed", "p4")):
        await store.update(
            GRANT,
            {"resourceType": "Task", "id": id_, "status": status, "intent": "order", "for": {"reference": f"Patient/{who}"},
             "code": {"coding": [{"system": CASE_KIND, "code": "referral/referral"}]},
             "owner": {"reference": "Organization/chc"}, "requester": {"reference": "Organization/hospital"}},
        )  # fmt: skip
    await accounts.create_account(GRANT, Account("doctor", "", ("community-doctor",), organisation="chc"))
    grant = await accounts.open_grant("doctor")
    assert grant.organisations == {"chc", "station"}
    assert grant.acts_for("station")
    for one in ("p1", "p2", "p3", "p4", "p5"):
        await store.update(
            GRANT, {"resourceType": "Condition", "id": f"c-{one}", "subject": {"reference": f"Patient/{one}"}}
        )
    seen = {one["id"] for one in await store.search_all(grant, "Condition", "")}
    assert seen == {"c-p1", "c-p2", "c-p3"}
    # what ends, ends at once, for a grant that was opened before
    await store.update(
        GRANT,
        {"resourceType": "Contract", "id": "k", "status": "terminated", "subject": [{"reference": "Patient/p2"}],
         "authority": [{"reference": "Organization/chc"}]},
    )  # fmt: skip
    assert {one["id"] for one in await store.search_all(grant, "Condition", "")} == {"c-p1", "c-p3"}
    assert grant.may_read("AuditEvent") == Nothing()


async def test_import_makes_all_or_names_every_fault(accounts: Accounts) -> None:
    rows = [
        {"账号": "wang", "姓名": "王", "角色": "科室经办人", "机构": "unit-health", "区划": "990102"},
        {"账号": "zhao", "姓名": "赵", "角色": "家庭医生、养老机构负责人", "机构": "Organization/chc"},
        {},
    ]
    faulty = [
        *rows,
        {"账号": "wang", "角色": "国王"},
        {"账号": "li", "角色": "section-clerk", "区划": "12345"},
    ]
    report = await import_accounts(accounts, GRANT, faulty)
    assert report.made == ()
    assert {one.expression[0] for one in report.findings} == {"row 5", "row 6"}
    assert all(one.zh for one in report.findings)
    assert await accounts.accounts(GRANT) == ()
    report = await import_accounts(accounts, GRANT, rows)
    assert [one.account.roles for one in report.made] == [
        ("section-clerk",),
        ("community-doctor", "elder-care-director"),
    ]
    assert (await accounts.sign_in("zhao", report.made[1].password)).account.must_change
