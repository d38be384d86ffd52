"""Open sign-ins: shown to their owner, ended one by one or all, at once in every process; addresses are throttled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from kangshu.access import system_grant
from kangshu.accounts import PARAMETERS, Account, Accounts
from kangshu.base.faults import Forbidden, NotFound, Throttled, Unauthenticated
from kangshu.base.parameters import ParameterTable
from kangshu.store import Store

GRANT = system_grant("test")
CLERK = Account("clerk", "甲", ("unit-clerk",), organisation="unit-health", district="990102")


@pytest.fixture
async def elsewhere(database_url: str, tmp_path: Path, doors: Accounts) -> AsyncIterator[Accounts]:
    """Accounts in another process, which hears what this one changes."""
    store = await Store.open(database_url)
    other = Accounts(store, ParameterTable(PARAMETERS), "990100", secrets=tmp_path / "secrets")
    ears = asyncio.create_task(other.follow())
    yield other
    ears.cancel()
    await asyncio.gather(ears, return_exceptions=True)
    await store.close()


async def hears(other: Accounts) -> None:
    """Wait until the other process listens."""
    while not other._sessions._seconds:
        await asyncio.sleep(0.01)


async def until_refused(other: Accounts, token: str) -> int:
    """Return how often the other process still took `token`; it must stop long before its memory would."""
    for taken in range(100):
        try:
            await other.session(token)
        except Unauthenticated:
            return taken
        await asyncio.sleep(0.01)
    raise AssertionError("the other process still takes what was ended")


async def test_what_is_ended_here_is_ended_in_other_processes(doors: Accounts, elsewhere: Accounts) -> None:
    made = await doors.create_account(GRANT, CLERK)
    await hears(elsewhere)
    endings = (
        lambda token: doors.sign_out(token),
        lambda token: doors.set_active(GRANT, "clerk", active=False),
        lambda token: doors.revoke_tokens(GRANT, "clerk"),
        lambda token: doors.reset_password(GRANT, "clerk"),
    )
    for end in endings:
        await doors.set_active(GRANT, "clerk", active=True)
        token = (await doors.sign_in("clerk", made.password)).token
        assert (await elsewhere.session(token)).account == "clerk"
        assert elsewhere._sessions._remembered
        await end(token)
        await until_refused(elsewhere, token)


async def test_a_role_taken_away_is_gone_in_other_processes(doors: Accounts, elsewhere: Accounts) -> None:
    made = await doors.create_account(GRANT, CLERK)
    await hears(elsewhere)
    token = (await doors.sign_in("clerk", made.password)).token
    assert (await elsewhere.session(token)).may("register.read")
    await doors.assign_roles(GRANT, "clerk", [])
    for _ in range(100):
        if not (await elsewhere.session(token)).may("register.read"):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the other process still grants what was taken away")


async def test_who_cannot_hear_does_not_remember(doors: Accounts, elsewhere: Accounts) -> None:
    made = await doors.create_account(GRANT, CLERK)
    await hears(elsewhere)
    elsewhere._sessions._hearing(False)
    token = (await doors.sign_in("clerk", made.password)).token
    await elsewhere.session(token)
    await doors.sign_out(token)
    with pytest.raises(Unauthenticated):
        await elsewhere.session(token)


async def test_the_owner_sees_and_ends_open_sign_ins(doors: Accounts) -> None:
    made = await doors.create_account(GRANT, CLERK)
    other = await doors.create_account(GRANT, Account("other", "乙"))
    tokens = [
        (await doors.sign_in("clerk", made.password, address=f"10.0.0.{n}", agent=f"browser {n}")).token
        for n in range(3)
    ]
    strange = (await doors.sign_in("other", other.password)).token
    grant = await doors.session(tokens[0])
    shown = await doors.open_tokens(grant, "clerk", tokens[0])
    assert {(one.address, one.agent) for one in shown} == {(f"10.0.0.{n}", f"browser {n}") for n in range(3)}
    assert [one.agent for one in shown if one.current] == ["browser 0"]
    assert not any(token in str(shown) for token in tokens)
    gone = next(one for one in shown if one.agent == "browser 1")
    await doors.end_token(grant, "clerk", gone.id)
    with pytest.raises(Unauthenticated):
        await doors.session(tokens[1])
    with pytest.raises(NotFound):
        await doors.end_token(grant, "clerk", gone.id)
    theirs = (await doors.open_tokens(GRANT, "other"))[0]
    with pytest.raises(NotFound):
        await doors.end_token(grant, "clerk", theirs.id)
    for act in (doors.end_token(grant, "other", theirs.id), doors.open_tokens(grant, "other")):
        with pytest.raises(Forbidden):
            await act
    assert await doors.end_other_tokens(grant, tokens[0]) == 1
    with pytest.raises(Unauthenticated):
        await doors.session(tokens[2])
    assert (await doors.session(tokens[0])).account == "clerk"
    assert (await doors.session(strange)).account == "other"
    acts = [(one.act, one.done) for one in await doors.recent_sign_ins(grant)]
    assert acts.count(("sign-in", True)) == 3


async def test_a_new_password_ends_every_other_sign_in(doors: Accounts) -> None:
    made = await doors.create_account(GRANT, CLERK)
    mine, lost = [(await doors.sign_in("clerk", made.password)).token for _ in range(2)]
    await doors.change_password(await doors.session(mine), made.password, "Another-2026-x", current=mine)
    assert (await doors.session(mine)).account == "clerk"
    with pytest.raises(Unauthenticated):
        await doors.session(lost)


async def test_an_address_waits_after_many_failures_of_any_account(database_url: str) -> None:
    store = await Store.open(database_url)
    stricter = [
        replace(one, value=4, valid_from=date(2020, 1, 1), jurisdiction="9901")
        for one in PARAMETERS
        if one.id == "accounts.address-failures"
    ]
    doors = Accounts(store, ParameterTable([*PARAMETERS, *stricter]), "990100")
    made = await doors.create_account(GRANT, CLERK)
    for name in ("clerk", "nobody", "nobody", "other"):
        with pytest.raises(Unauthenticated):
            await doors.sign_in(name, "wrong", address="10.1.1.1")
    with pytest.raises(Throttled):
        await doors.sign_in("clerk", made.password, address="10.1.1.1")
    assert (await doors.sign_in("clerk", made.password, address="10.1.1.2")).token
    async with store.connection() as connection:
        await connection.execute("update sign_in_failure set at = at - interval '20 minutes'")
    assert (await doors.sign_in("clerk", made.password, address="10.1.1.1")).token
    await store.close()


async def test_a_token_of_the_command_line_is_shown_and_ended(doors: Accounts) -> None:
    await doors.create_account(GRANT, CLERK)
    token = await doors.create_token("clerk", timedelta(days=1), "command line")
    grant = await doors.bearer(token)
    (shown,) = await doors.open_tokens(grant, "clerk")
    assert (shown.kind, shown.label) == ("bearer", "command line")
    await doors.end_token(grant, "clerk", shown.id)
    with pytest.raises(Unauthenticated):
        await doors.bearer(token)
