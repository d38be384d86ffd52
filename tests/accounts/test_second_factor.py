"""The second factor: set up once, asked for at every sign-in, each code good once, reset by one administrator alone."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from kangshu.access import system_grant
from kangshu.accounts import Account, Accounts, StepOver, sample_code
from kangshu.base import clock
from kangshu.base.faults import Conflict, Forbidden, NotFound, Throttled, Unauthenticated, Unavailable
from kangshu.store import Store

GRANT = system_grant("test")
CLERK = Account("clerk", "甲", ("unit-clerk",), organisation="unit-health", district="990102")
SECURITY = Account("security", "安全", ("security-administrator",))


async def enrolled(doors: Accounts, account: Account) -> tuple[str, str, tuple[str, ...]]:
    """Make an account with a second factor; return its password, seed and recovery codes."""
    made = await doors.create_account(GRANT, account)
    session = await doors.sign_in(account.name, made.password)
    grant = await doors.session(session.token)
    seed = (await doors.second_factors.begin(grant, "云汐")).seed
    codes = await doors.second_factors.confirm(grant, sample_code(seed))
    await doors.sign_out(session.token)
    return made.password, seed, codes


def later(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """Let the clock of codes show another time."""
    from kangshu.accounts import second_factor

    monkeypatch.setattr(second_factor, "now", lambda: clock.now() + timedelta(seconds=seconds))


async def test_an_administrator_may_do_nothing_before_it_is_set_up(doors: Accounts) -> None:
    made = await doors.create_account(GRANT, SECURITY)
    session = await doors.sign_in("security", made.password)
    assert not session.needs_code
    assert (await doors.acting(session.token)).must_enrol
    grant = await doors.session(session.token)
    assert not grant.operations
    enrolment = await doors.second_factors.begin(grant, "云汐")
    assert enrolment.address.startswith("otpauth://totp/")
    assert enrolment.picture.startswith("data:image/svg+xml")
    with pytest.raises(Unauthenticated):
        await doors.second_factors.confirm(grant, "000000")
    await doors.second_factors.confirm(grant, sample_code(enrolment.seed))
    assert (await doors.session(session.token)).may("role.assign")


async def test_sign_in_takes_two_steps_and_a_code_once(
    doors: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    password, seed, _ = await enrolled(doors, CLERK)
    later(monkeypatch, 60)
    step = await doors.sign_in("clerk", password)
    assert step.needs_code
    with pytest.raises(Unauthenticated):
        await doors.session(step.token)
    code = sample_code(seed)
    session = await doors.sign_in_code(step.token, code)
    assert (await doors.session(session.token)).account == "clerk"
    with pytest.raises(StepOver):
        await doors.sign_in_code(step.token, code)
    again = await doors.sign_in("clerk", password)
    with pytest.raises(Unauthenticated):
        await doors.sign_in_code(again.token, code)


async def test_the_code_that_set_it_up_does_not_sign_in(doors: Accounts) -> None:
    made = await doors.create_account(GRANT, CLERK)
    session = await doors.sign_in("clerk", made.password)
    grant = await doors.session(session.token)
    seed = (await doors.second_factors.begin(grant, "云汐")).seed
    code = sample_code(seed)
    await doors.second_factors.confirm(grant, code)
    step = await doors.sign_in("clerk", made.password)
    with pytest.raises(Unauthenticated):
        await doors.sign_in_code(step.token, code)


async def test_of_two_sign_ins_with_one_code_one_enters(
    doors: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    password, seed, _ = await enrolled(doors, CLERK)
    later(monkeypatch, 60)
    steps = [await doors.sign_in("clerk", password) for _ in range(4)]
    code = sample_code(seed)
    outcomes = await asyncio.gather(
        *(doors.sign_in_code(step.token, code) for step in steps), return_exceptions=True
    )
    assert sum(not isinstance(one, BaseException) for one in outcomes) == 1
    assert all(isinstance(one, Unauthenticated) for one in outcomes if isinstance(one, BaseException))


async def test_a_recovery_code_works_once_and_can_be_replaced(
    doors: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    password, seed, codes = await enrolled(doors, CLERK)
    assert len(set(codes)) == 10
    step = await doors.sign_in("clerk", password)
    session = await doors.sign_in_code(step.token, codes[0].upper().replace("-", " "))
    step = await doors.sign_in("clerk", password)
    with pytest.raises(Unauthenticated):
        await doors.sign_in_code(step.token, codes[0])
    grant = await doors.session(session.token)
    assert await doors.second_factors.codes_left("clerk") == 9
    later(monkeypatch, 60)
    fresh = await doors.second_factors.renew_codes(grant, sample_code(seed))
    with pytest.raises(Unauthenticated):
        await doors.sign_in_code(step.token, codes[1])
    assert (await doors.sign_in_code(step.token, fresh[0])).account.name == "clerk"


async def test_wrong_codes_lock_the_account(doors: Accounts) -> None:
    password, _, codes = await enrolled(doors, CLERK)
    step = await doors.sign_in("clerk", password)
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await doors.sign_in_code(step.token, "000000")
    with pytest.raises(Throttled):
        await doors.sign_in_code(step.token, codes[0])


async def test_only_the_security_administrator_resets_it_and_never_the_own(doors: Accounts) -> None:
    password, _, _ = await enrolled(doors, CLERK)
    await doors.create_account(GRANT, SECURITY)
    await doors.create_account(GRANT, Account("admin", "", ("system-administrator",)))
    security, admin = await doors.open_grant("security"), await doors.open_grant("admin")
    clerk = await doors.open_grant("clerk")
    for grant in (admin, clerk):
        with pytest.raises(Forbidden):
            await doors.second_factors.reset(grant, "clerk")
    with pytest.raises(Forbidden):
        await doors.second_factors.reset(security, "security")
    # who resets passwords still does not get past the code
    fresh = await doors.reset_password(admin, "clerk")
    assert (await doors.sign_in("clerk", fresh)).needs_code
    with pytest.raises(Conflict):
        await doors.second_factors.begin(clerk, "云汐")
    await doors.second_factors.reset(security, "clerk")
    assert not (await doors.sign_in("clerk", fresh)).needs_code
    assert password != fresh


async def test_the_database_alone_opens_no_seed(doors: Accounts, tmp_path: Path) -> None:
    _, seed, codes = await enrolled(doors, CLERK)
    store: Store = doors._office.store
    async with store.connection() as connection:
        rows = await connection.fetch("select * from second_factor")
        digests = await connection.fetch("select * from recovery_code")
    kept = str([tuple(row) for row in (*rows, *digests)])
    assert seed not in kept
    assert not any(one.replace("-", "") in kept for one in codes)
    key = tmp_path / "secrets" / "second-factor.key"
    assert key.stat().st_mode & 0o777 == 0o600
    stranger = Accounts(store, secrets=tmp_path / "elsewhere")
    with pytest.raises(Unavailable):
        await stranger.second_factors.takes("clerk", "123456")
    key.write_bytes(bytes(32))
    restored = Accounts(store, secrets=tmp_path / "secrets")
    with pytest.raises(Unavailable):
        await restored.second_factors.takes("clerk", "123456")


async def test_a_seed_is_sealed_for_its_account(doors: Accounts) -> None:
    password, seed, _ = await enrolled(doors, CLERK)
    other = await doors.create_account(GRANT, Account("other", "乙"))
    async with doors._office.store.connection() as connection:
        await connection.execute(
            "insert into second_factor (account, seed, enrolled) select 'other', seed, enrolled from second_factor"
        )
    step = await doors.sign_in("other", other.password)
    with pytest.raises(Unavailable):
        await doors.sign_in_code(step.token, sample_code(seed))
    assert password


async def test_what_was_not_begun_is_not_confirmed(doors: Accounts) -> None:
    await doors.create_account(GRANT, CLERK)
    grant = await doors.open_grant("clerk")
    with pytest.raises(NotFound):
        await doors.second_factors.confirm(grant, "123456")
    assert await doors.second_factors.pending(grant, "云汐") is None
    shown = await doors.second_factors.begin(grant, "云汐")
    again = await doors.second_factors.pending(grant, "云汐")
    assert again is not None
    assert again.seed == shown.seed
