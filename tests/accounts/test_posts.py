"""Posts and deputies: one account in several posts, another's post for some days, administrators kept apart."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from kangshu.access import Grant, system_grant
from kangshu.accounts import Account, Accounts, Post, sample_code
from kangshu.base.clock import now
from kangshu.base.faults import Conflict, Forbidden, NotFound, Unprocessable

GRANT = system_grant("test")
HOLDER = Account("wang", "王主任", ("unit-clerk",), organisation="unit-health", district="990102")
COLLEAGUE = Account("li", "李科员", ("unit-clerk",), organisation="unit-sports", district="990103")
ADMINISTRATORS = ("system-administrator", "security-administrator", "auditor")


def span(hours: float = 24) -> tuple[datetime, datetime]:
    """Return from a minute ago for some hours."""
    start = now() - timedelta(minutes=1)
    return start, start + timedelta(hours=hours)


@pytest.fixture
async def people(doors: Accounts) -> dict[str, str]:
    """Passwords of two colleagues and the three administrators by name."""
    made = [await doors.create_account(GRANT, one) for one in (HOLDER, COLLEAGUE)]
    for name, role in zip(("admin", "security", "audit"), ADMINISTRATORS, strict=True):
        made.append(await doors.create_account(GRANT, Account(name, name, (role,))))
    return {one.account.name: one.password for one in made}


async def signed_in(doors: Accounts, people: dict[str, str], name: str) -> tuple[str, Grant]:
    """Return token and grant of a sign-in."""
    token = (await doors.sign_in(name, people[name])).token
    return token, await doors.session(token)


async def first(doors: Accounts, name: str) -> Post:
    """Return the first post of an account."""
    return (await doors.posts.posts(GRANT, name))[0]


async def test_a_second_post_is_chosen_and_has_its_own_rights(
    doors: Accounts, people: dict[str, str]
) -> None:
    admin, security = await doors.open_grant("admin"), await doors.open_grant("security")
    opened = await doors.posts.open_post(
        admin, Post(0, "wang", "统计", organisation="unit-statistics", district="9901")
    )
    assert opened.roles == ()
    await doors.posts.assign(security, opened.id, ["statistics-office"])
    token, grant = await signed_in(doors, people, "wang")
    assert (grant.organisation, grant.roles) == ("unit-health", ("unit-clerk",))
    acting = await doors.choose_post(token, post=opened.id)
    assert acting.post is not None
    assert acting.post.title == "统计"
    grant = await doors.session(token)
    assert (grant.account, grant.organisation, grant.roles) == (
        "wang",
        "unit-statistics",
        ("statistics-office",),
    )
    assert not grant.may("register.write")
    other, still = await signed_in(doors, people, "wang")
    assert still.organisation == "unit-health"
    await doors.posts.close_post(admin, opened.id)
    assert (await doors.session(token)).organisation == "unit-health"
    with pytest.raises(NotFound):
        await doors.choose_post(other, post=opened.id)
    with pytest.raises(NotFound):
        await doors.choose_post(other, post=(await first(doors, "li")).id)


async def test_a_deputy_acts_under_the_own_name_for_the_holder(
    doors: Accounts, people: dict[str, str]
) -> None:
    _, holder = await signed_in(doors, people, "wang")
    post = await first(doors, "wang")
    made = await doors.deputies.appoint(holder, post.id, "li", *span(), "外出培训")
    token, own = await signed_in(doors, people, "li")
    assert own.on_behalf_of == ""
    await doors.choose_post(token, deputy=made.id)
    grant = await doors.session(token)
    assert (grant.account, grant.on_behalf_of, grant.organisation) == ("li", "wang", "unit-health")
    assert grant.display == "李科员（代王主任）"
    # a chain is no deputising, and a stranger's appointment is not there
    with pytest.raises(Forbidden):
        await doors.deputies.appoint(grant, post.id, "admin", *span(), "转委托")
    with pytest.raises(NotFound):
        await doors.choose_post((await signed_in(doors, people, "wang"))[0], deputy=made.id)
    await doors.deputies.revoke(holder, made.id)
    assert (await doors.session(token)).on_behalf_of == ""
    with pytest.raises(NotFound):
        await doors.choose_post(token, deputy=made.id)
    with pytest.raises(Conflict):
        await doors.deputies.revoke(holder, made.id)


async def test_a_deputising_ends_by_itself(
    doors: Accounts, people: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, holder = await signed_in(doors, people, "wang")
    made = await doors.deputies.appoint(holder, (await first(doors, "wang")).id, "li", *span(2), "外出")
    token, _ = await signed_in(doors, people, "li")
    await doors.choose_post(token, deputy=made.id)
    assert (await doors.session(token)).on_behalf_of == "wang"
    async with doors._office.store.connection() as connection:
        await connection.execute(
            "update deputy set starts = starts - interval '3 hours', ends = ends - interval '3 hours'"
        )
    doors.forget()
    assert (await doors.session(token)).on_behalf_of == ""
    with pytest.raises(NotFound):
        await doors.choose_post(token, deputy=made.id)
    assert monkeypatch


async def test_with_the_holder_stopped_or_moved_out_the_deputy_ends(
    doors: Accounts, people: dict[str, str]
) -> None:
    admin = await doors.open_grant("admin")
    _, holder = await signed_in(doors, people, "wang")
    made = await doors.deputies.appoint(holder, (await first(doors, "wang")).id, "li", *span(), "外出")
    token, _ = await signed_in(doors, people, "li")
    await doors.choose_post(token, deputy=made.id)
    await doors.set_active(admin, "wang", active=False)
    assert (await doors.session(token)).on_behalf_of == ""


def refused_appointments() -> Iterator[tuple[str, str, str, float, str, type[Exception]]]:
    """Yield who appoints whom for whose post, for how long, why, and what it raises."""
    yield "wang", "wang", "wang", 24, "外出", Unprocessable
    yield "wang", "wang", "admin", 24, "外出", Forbidden
    yield "wang", "wang", "audit", 24, "外出", Forbidden
    yield "wang", "wang", "li", 24, " ", Unprocessable
    yield "wang", "wang", "li", 24 * 31, "外出", Unprocessable
    yield "wang", "wang", "li", -1, "外出", Unprocessable
    yield "wang", "wang", "nobody", 24, "外出", NotFound
    yield "wang", "li", "wang", 24, "外出", Forbidden
    yield "security", "wang", "li", 24, "外出", Forbidden
    yield "security", "security", "li", 24, "外出", Forbidden
    yield "admin", "admin", "li", 24, "外出", Forbidden
    yield "admin", "wang", "admin", 24, "外出", Forbidden


@pytest.mark.parametrize(
    ("who", "holder", "deputy", "hours", "reason", "fault"), list(refused_appointments())
)
async def test_appointments_that_are_refused(
    doors: Accounts,
    people: dict[str, str],
    who: str,
    holder: str,
    deputy: str,
    hours: float,
    reason: str,
    fault: type[Exception],
) -> None:
    grant = await doors.open_grant(who)
    with pytest.raises(fault):
        await doors.deputies.appoint(grant, (await first(doors, holder)).id, deputy, *span(hours), reason)


async def test_one_deputy_at_a_time_also_when_asked_at_once(doors: Accounts, people: dict[str, str]) -> None:
    await doors.create_account(
        GRANT, Account("zhao", "赵", ("unit-clerk",), organisation="unit-health", district="9901")
    )
    holder = await doors.open_grant("wang")
    post = await first(doors, "wang")
    found = await asyncio.gather(
        *(
            doors.deputies.appoint(holder, post.id, name, *span(), "外出")
            for name in ("li", "zhao", "li", "zhao")
        ),
        return_exceptions=True,
    )
    assert sum(not isinstance(one, BaseException) for one in found) == 1
    assert sum(isinstance(one, Conflict) for one in found) == 3


async def test_the_administrator_may_appoint_and_the_stand_in_comes_first(
    doors: Accounts, people: dict[str, str]
) -> None:
    admin, holder = await doors.open_grant("admin"), await doors.open_grant("wang")
    await doors.create_account(
        GRANT, Account("zhao", "赵", ("unit-clerk",), organisation="unit-health", district="9901")
    )
    post = await first(doors, "wang")
    assert [name for name, _ in await doors.deputies.candidates(holder, post.id)] == ["zhao"]
    await doors.posts.name_stand_in(holder, post.id, "li")
    assert [name for name, _ in await doors.deputies.candidates(holder, post.id)] == ["li", "zhao"]
    with pytest.raises(Conflict):
        await doors.posts.name_stand_in(holder, post.id, "wang")
    with pytest.raises(Forbidden):
        await doors.posts.name_stand_in(await doors.open_grant("zhao"), post.id, "zhao")
    made = await doors.deputies.appoint(admin, post.id, "li", *span(), "病假")
    assert made.appointed_by == "admin"
    with pytest.raises(Forbidden):
        await doors.deputies.revoke(await doors.open_grant("zhao"), made.id)
    assert [one.id for one in await doors.deputies.of(await doors.open_grant("li"), "li")] == [made.id]
    with pytest.raises(Forbidden):
        await doors.deputies.of(await doors.open_grant("li"), "wang")


@pytest.mark.parametrize("pair", [(a, b) for a in ADMINISTRATORS for b in ADMINISTRATORS if a < b])
async def test_no_account_holds_two_administrators(
    doors: Accounts, people: dict[str, str], pair: tuple[str, str]
) -> None:
    with pytest.raises(Unprocessable):
        await doors.create_account(GRANT, Account("both", "", pair))
    with pytest.raises(Unprocessable):
        await doors.create_account(
            GRANT, Account("both", "", (pair[0],)), more=[Post(0, "both", roles=(pair[1],))]
        )
    with pytest.raises(Unprocessable):
        await doors.assign_roles(GRANT, "wang", pair)
    await doors.assign_roles(GRANT, "wang", [pair[0]])
    opened = await doors.posts.open_post(GRANT, Post(0, "wang"))
    with pytest.raises(Unprocessable):
        await doors.posts.assign(GRANT, opened.id, [pair[1]])


async def test_two_posts_of_one_account_given_two_administrators_at_once(
    doors: Accounts, people: dict[str, str]
) -> None:
    one, other = await first(doors, "wang"), await doors.posts.open_post(GRANT, Post(0, "wang"))
    found = await asyncio.gather(
        doors.posts.assign(GRANT, one.id, ["auditor"]),
        doors.posts.assign(GRANT, other.id, ["system-administrator"]),
        return_exceptions=True,
    )
    assert sum(isinstance(one, Unprocessable) for one in found) == 1


async def test_none_of_the_three_does_the_work_of_another(doors: Accounts, people: dict[str, str]) -> None:
    grants = {name: await doors.open_grant(name) for name in ("admin", "security", "audit")}
    post = await first(doors, "wang")
    acts = {
        "admin": [
            lambda g: doors.create_account(g, Account("new", "新")),
            lambda g: doors.reset_password(g, "wang"),
            lambda g: doors.set_active(g, "wang", active=True),
            lambda g: doors.posts.open_post(g, Post(0, "wang")),
            lambda g: doors.posts.change_post(g, post),
            lambda g: doors.revoke_tokens(g, "wang"),
        ],
        "security": [
            lambda g: doors.assign_roles(g, "wang", ["unit-clerk"]),
            lambda g: doors.posts.assign(g, post.id, ["unit-clerk"]),
            lambda g: doors.unlock(g, "wang"),
            lambda g: doors.second_factors.reset(g, "wang"),
        ],
        "audit": [lambda g: doors._office.store.audit_rows(g)],
    }
    for owner, calls in acts.items():
        for call in calls:
            for name, grant in grants.items():
                if name == owner:
                    await call(grant)
                    continue
                with pytest.raises(Forbidden):
                    await call(grant)


async def test_nobody_changes_what_they_may_do_themselves(doors: Accounts, people: dict[str, str]) -> None:
    admin, security = await doors.open_grant("admin"), await doors.open_grant("security")
    mine, theirs = await first(doors, "admin"), await first(doors, "security")
    for call in (
        doors.set_post(admin, "admin", organisation="unit-health"),
        doors.posts.open_post(admin, Post(0, "admin", organisation="unit-health")),
        doors.posts.change_post(admin, mine),
        doors.posts.close_post(admin, mine.id),
        doors.posts.assign(security, theirs.id, ["plan-office"]),
        doors.assign_roles(security, "security", ["plan-office"]),
        doors.unlock(security, "security"),
    ):
        with pytest.raises(Forbidden):
            await call


async def test_roles_stay_with_the_post_when_it_moves_and_must_fit_it(
    doors: Accounts, people: dict[str, str]
) -> None:
    admin = await doors.open_grant("admin")
    moved = await doors.set_post(admin, "wang", organisation="unit-other", district="990104")
    assert (moved.organisation, moved.roles) == ("unit-other", ("unit-clerk",))
    with pytest.raises(Unprocessable):
        await doors.set_post(admin, "wang", organisation="", district="990104")


async def test_what_stood_in_the_account_became_its_first_post(doors: Accounts) -> None:
    """The data migration, run on the table as it was before it."""
    from importlib.resources import files

    text = (files("kangshu.store") / "schema" / "0020_posts.sql").read_text("utf-8")
    insert = next(one for one in text.split(";") if "insert into post" in one)
    async with doors._office.store.connection() as connection, connection.transaction():
        await connection.execute("delete from account")
        await connection.execute(
            "alter table account add column roles text[] not null default '{}', add column organisation text not null default '', "
            "add column practitioner text not null default '', add column district text not null default ''"
        )
        await connection.execute(
            "insert into account (name, display, roles, organisation, practitioner, district) values "
            "('old', '旧', '{unit-clerk}', 'unit-health', 'p1', '990102'), ('system', '', '{}', '', '', '')"
        )
        await connection.execute(insert)
        rows = await connection.fetch("select * from post")
        await connection.execute("delete from post")
        await connection.execute("delete from account where name = 'system'")
    assert [
        (r["account"], r["roles"], r["organisation"], r["practitioner"], r["district"]) for r in rows
    ] == [("old", ["unit-clerk"], "unit-health", "p1", "990102")]


async def test_a_deputy_needs_the_second_factor_that_the_post_asks_for(
    doors: Accounts, people: dict[str, str]
) -> None:
    guarded = next(
        id_
        for id_, role in doors.roles.items()
        if role.second_factor and not role.apart and "patient" not in role.post
    )
    keeper = Account("keeper", "保管", (guarded,), organisation="unit-health", district="990102")
    await doors.create_account(GRANT, keeper)
    made = await doors.deputies.appoint(GRANT, (await first(doors, "keeper")).id, "li", *span(), "外出")
    token, grant = await signed_in(doors, people, "li")
    assert grant.roles
    await doors.choose_post(token, deputy=made.id)
    assert (await doors.acting(token)).must_enrol
    grant = await doors.session(token)
    assert not grant.roles
    seed = (await doors.second_factors.begin(grant, "x")).seed
    await doors.second_factors.confirm(grant, sample_code(seed))
    assert (await doors.session(token)).on_behalf_of == "keeper"
