"""The accounts of an installation: sign-in, sessions, bearer tokens, and their upkeep."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, LiteralString

from kangshu.access import Grant, Role, Subject, open_grant
from kangshu.accounts.choices import Choices
from kangshu.accounts.clients import Clients
from kangshu.accounts.contacts import Contacts
from kangshu.accounts.deputies import Deputies
from kangshu.accounts.duties import check_apart, refuse_own
from kangshu.accounts.emergency import Emergencies
from kangshu.accounts.identities import Identities
from kangshu.accounts.office import Office
from kangshu.accounts.passwords import check_password, hash_password, random_password, verify_password
from kangshu.accounts.permissions import Permissions
from kangshu.accounts.post_book import PostBook
from kangshu.accounts.providers import Provider
from kangshu.accounts.records import (
    ACCOUNT_ROWS,
    SYSTEM,
    Account,
    Acting,
    NewAccount,
    OpenToken,
    Post,
    Session,
    SignInEvent,
    account_of,
)
from kangshu.accounts.roles import ready_roles
from kangshu.accounts.second_factor import SecondFactors
from kangshu.accounts.sessions import Sessions
from kangshu.accounts.signing_in import SigningIn
from kangshu.base import origin
from kangshu.base.faults import Conflict, Forbidden, NotFound, Unauthenticated, Unprocessable
from kangshu.base.parameters import ParameterTable
from kangshu.outbound import Outbound
from kangshu.store import Store

_SIGN_IN_ACTS = (
    "sign-in",
    "sign-in-code",
    "sign-in-provider",
    "sign-out",
    "password-change",
    "second-factor-enrol",
    "recovery-code-used",
    "recovery-codes",
    "post-choose",
)
_KINDS = ("person", "service")


class Accounts:
    """The door to accounts. Grants come from here alone (besides the product's own `system_grant`).

    `secrets` is the folder of the installation's keys: without it no second factor can be set up.
    `outbound` is the way to other systems: without it there is none; `providers` are where people may sign in too.
    """

    def __init__(
        self,
        store: Store,
        parameters: ParameterTable | None = None,
        jurisdiction: str = "",
        roles: Mapping[str, Role] | None = None,
        secrets: Path | None = None,
        outbound: Outbound | None = None,
        providers: Iterable[Provider] = (),
    ) -> None:
        self._office = Office(
            store,
            parameters or ParameterTable(),
            jurisdiction,
            roles if roles is not None else ready_roles(),
            secrets,
            outbound or Outbound(),
        )
        self._sessions = Sessions(self._office)
        self.second_factors = SecondFactors(self._office, self._sessions)
        """Time-based codes and recovery codes."""
        self.posts = PostBook(self._office, self._sessions)
        """Posts (岗位) and their roles."""
        self.deputies = Deputies(self._office, self._sessions, self.posts)
        """Deputies (代办)."""
        self.clients = Clients(self._office, self._sessions)
        """Keys and scopes of service accounts, and their tokens."""
        self.permissions = Permissions(self._office, self._sessions)
        """What accounts may do, to be looked at."""
        self.emergencies = Emergencies(self._office, self._sessions)
        """Emergency access (应急调阅) and its review."""
        self._door = SigningIn(self._office, self._sessions, self.second_factors)
        self.identities = Identities(self._office, self._door, providers)
        """Sign-in at providers of identities."""
        self.contacts = Contacts(self._office)
        """Where accounts want to be told outside the product."""
        self.choices = Choices(self._office)
        """What accounts keep for their screens, and what is chosen for all."""

    @property
    def roles(self) -> Mapping[str, Role]:
        """Return the roles that accounts may hold, by id."""
        return self._office.roles

    # Sign-in

    async def sign_in(self, name: str, password: str, *, address: str = "", agent: str = "") -> Session:
        """Return a new session; with `needs_code` it opens nothing before `sign_in_code`.

        `agent` is what the browser calls itself, shown to the owner; `address` that of the network, "" for the present
        call's.
        Raises Unauthenticated (one text for every reason), Throttled while the account or the address is locked.
        """
        return await self._door.by_password(name, password, address or origin.address(), agent)

    async def sign_in_code(self, step: str, code: str, *, address: str = "", agent: str = "") -> Session:
        """Return the session of a sign-in whose second factor `code` is. Raises Unauthenticated, Throttled."""
        return await self._door.by_code(step, code, address or origin.address(), agent)

    async def sign_out(self, token: str) -> None:
        """End the session of `token`; nothing happens when there is none."""
        account = await self._sessions.end(token)
        if account:
            await self._office.tell(account, "sign-out")

    async def session(self, token: str) -> Grant:
        """Return the grant of a session's cookie. Raises Unauthenticated when it has ended."""
        return (await self._sessions.open(token, "session"))[0]

    async def acting(self, token: str) -> Acting:
        """Return in which post a session acts, and which its account could choose. Raises Unauthenticated."""
        return (await self._sessions.open(token, "session"))[1]

    async def choose_post(self, token: str, *, post: int | None = None, deputy: int | None = None) -> Acting:
        """Let a session act in another post of its account, or as another's deputy. Raises NotFound."""
        return await self._sessions.choose(token, post=post, deputy=deputy)

    async def bearer(self, token: str) -> Grant:
        """Return the grant of a bearer token. Raises Unauthenticated when it is unknown or has ended."""
        return (await self._sessions.open(token, "bearer"))[0]

    async def create_token(self, account: str, ttl: timedelta, label: str = "") -> str:
        """Return a new bearer token of `account` that ends after `ttl`. Raises NotFound, Unprocessable.

        It is shown once: the database keeps its digest. The account `system` exists without being made.
        """
        if account == SYSTEM:
            await self.ensure_system()
        return await self._sessions.create_token(account, ttl, label)

    async def open_tokens(self, grant: Grant, name: str, current: str = "") -> tuple[OpenToken, ...]:
        """Return what is open of `name`: one's own, or others' with `account.read`; `current` is the own token."""
        if name != grant.account:
            self._office.may_look(grant)
        return await self._sessions.open_tokens(name, current)

    async def recent_sign_ins(self, grant: Grant) -> tuple[SignInEvent, ...]:
        """Return the last sign-ins of one's own and what concerned one's secrets, the latest first."""
        rows = await self._office.sql(
            "select * from audit where account = $1 and action = any($2::text[]) order by at desc limit 20",
            grant.account,
            list(_SIGN_IN_ACTS),
        )
        return tuple(
            SignInEvent(row["at"], row["action"], row.get("address") or "", row["outcome"] == "ok")
            for row in rows
        )

    async def end_token(self, grant: Grant, name: str, id_: str) -> None:
        """End one session or token: one's own, or others' with `account.manage`. Raises NotFound."""
        if name != grant.account:
            grant.require("account.manage")
        await self._sessions.end_one(name, id_)
        await self._office.tell(grant.account, f"token-end {name}")

    async def end_other_tokens(self, grant: Grant, current: str) -> int:
        """End every session and token of one's own but the present one; return how many there were."""
        number = await self._sessions.end_all(grant.account, except_token=current)
        await self._office.tell(grant.account, f"token-end {grant.account}", detail="all others")
        return number

    async def revoke_tokens(self, grant: Grant, name: str) -> int:
        """End every session and token of `name`; return how many there were."""
        grant.require("account.manage")
        number = await self._sessions.end_all(name)
        await self._office.tell(grant.account, f"token-end {name}", detail="all")
        return number

    async def open_grant(self, name: str) -> Grant:
        """Return what account `name` may do now in its first post. Raises NotFound.

        For schedules and tests; no secret is asked.
        """
        account = await self._office.active(name)
        return await self._sessions.grant_of(account, await self._sessions.acting(account))

    async def follow(self) -> None:
        """Take up at once what other processes change in accounts, until cancelled: each web worker runs it."""
        await self._sessions.follow()

    def forget(self) -> None:
        """Forget what this process remembers: the next request sees the present state of posts and tokens."""
        self._sessions.forget()
        self._office.surroundings.forget()

    # Upkeep

    async def ensure_system(self) -> None:
        """Make the account `system` where it is not there yet."""
        await self._office.sql(
            "insert into account (name, display) values ($1, $2) on conflict (name) do nothing",
            SYSTEM,
            "系统 System",
        )

    async def create_account(
        self, grant: Grant, account: Account, password: str | None = None, *, more: Iterable[Post] = ()
    ) -> NewAccount:
        """Make `account` with its first post and `more`; a person's with a random password where none is given.

        Raises Forbidden, Conflict (the name is taken), Unprocessable (unknown role, a post that a role needs, two
        administrators in one account).
        """
        further = tuple(more)
        async with self._office.store.connection() as connection, connection.transaction():
            made = await self.create_within(connection, grant, account, password, more=further)
        await self._office.tell(grant.account, f"account-create {account.name}", detail=account.kind)
        return NewAccount(await self._office.find(account.name), made.password)

    async def create_within(
        self,
        connection: Any,
        grant: Grant,
        account: Account,
        password: str | None = None,
        *,
        more: Iterable[Post] = (),
    ) -> NewAccount:
        """Make an account as `create_account` does, within another's transaction: it stands or falls with the rest."""
        further = tuple(more)
        grant.require("account.manage")
        if account.roles or any(one.roles for one in further):
            grant.require("role.assign")
        self.check(account, further)
        secret, encoded = "", None
        if account.kind == "person":
            secret = password if password is not None else random_password()
            if password is not None:
                check_password(secret, account.name, self._office.limits().password_length)
            encoded = await asyncio.to_thread(hash_password, secret)
        rows = await connection.fetch(
            "insert into account (name, display, patient, wards, must_change, password, kind) "
            "values ($1, $2, $3, $4, $5, $6, $7) on conflict (name) do nothing returning name",
            account.name,
            account.display,
            account.patient,
            list(account.wards),
            account.must_change and account.kind == "person",
            encoded,
            account.kind,
        )
        if not rows:
            raise Conflict("an account of this name is there already", zh="该账号名已存在")
        for post in (_first_post(account), *further):
            await self.posts.insert(replace(post, account=account.name), connection)
        return NewAccount(account, secret)

    async def tell_created(self, grant: Grant, names: Iterable[str]) -> None:
        """Write the accounts of an import to the audit, each by name."""
        for name in names:
            await self._office.tell(grant.account, f"account-create {name}", detail="import")

    def check(self, account: Account, more: Iterable[Post] = ()) -> None:
        """Raise Unprocessable unless `account` has a usable name, known roles, and the posts that they need."""
        if not account.name.strip() or len(account.name) > 64 or account.name != account.name.strip():
            raise Unprocessable("an account's name has 1 to 64 characters", zh="账号名长度须为1至64个字符")
        if account.kind not in _KINDS:
            raise Unprocessable("an account is a person's or a service's", zh="账号类型须为个人或系统")
        posts = (_first_post(account), *more)
        for post in posts:
            has = {
                "district": post.district,
                "organisation": post.organisation,
                "practitioner": post.practitioner,
                "patient": account.patient or account.wards,
            }
            self._office.check_roles(post.roles, has)
        check_apart(self.roles, [role for post in posts for role in post.roles])

    async def accounts(self, grant: Grant) -> tuple[Account, ...]:
        """Return every account by name."""
        self._office.may_look(grant)
        return tuple(
            account_of(row) for row in await self._office.sql(ACCOUNT_ROWS + "order by account.name")
        )

    async def organisations_that_may(self, operation: str) -> tuple[str, ...]:
        """Return the organisations whose active accounts may do `operation`, those with most such accounts first.

        It tells which offices do a kind of work, and of no account: no right is asked for.
        """
        roles = [id_ for id_, role in self.roles.items() if operation in role.operations]
        rows = await self._office.sql(
            "select p.organisation, count(*) as accounts from post p join account a on a.name = p.account "
            "where a.active and p.ended is null and p.organisation <> '' and p.roles && $1::text[] "
            "group by p.organisation order by accounts desc, p.organisation",
            roles,
        )
        return tuple(row["organisation"] for row in rows)

    async def post_grants(self, operation: str) -> tuple[Grant, ...]:
        """Return what the posts may do in which `operation` may be done, those that most accounts hold first.

        A grant stands for all accounts with these roles at this place, and for none: who the person is plays no part,
        and no right is asked for. For what is prepared before anybody asks.
        """
        roles = [id_ for id_, role in self.roles.items() if operation in role.operations]
        rows = await self._office.sql(
            "select p.roles, p.organisation, p.district, count(*) as accounts from post p "
            "join account a on a.name = p.account where a.active and p.ended is null and p.roles && $1::text[] "
            "group by p.roles, p.organisation, p.district order by accounts desc, p.district, p.organisation",
            roles,
        )
        found: list[Grant] = []
        for row in rows:
            below = await self._office.surroundings.organisations(row["organisation"])
            subject = Subject(
                "", "", organisation=row["organisation"], organisations=below, district=row["district"]
            )
            found.append(open_grant(subject, [self.roles[one] for one in row["roles"] if one in self.roles]))
        return tuple(found)

    async def account(self, grant: Grant, name: str) -> Account:
        """Return account `name`: anyone's own, others' with `account.read`. Raises NotFound."""
        if name != grant.account:
            self._office.may_look(grant)
        return await self._office.find(name)

    async def assign_roles(self, grant: Grant, name: str, roles: Iterable[str]) -> Account:
        """Give the first post of `name` exactly these roles. Raises as `posts.assign` does."""
        grant.require("role.assign")
        refuse_own(grant.account, name)
        await self._office.find(name)
        post = await self.posts.first(name) or await self.posts.insert(Post(0, name))
        await self.posts.assign(grant, post.id, roles)
        return await self._office.find(name)

    async def set_post(
        self, grant: Grant, name: str, *, organisation: str = "", practitioner: str = "", district: str = ""
    ) -> Account:
        """Move the first post of `name`. Raises as `posts.change_post` does."""
        grant.require("account.manage")
        refuse_own(grant.account, name)
        await self._office.find(name)
        post = await self.posts.first(name) or await self.posts.insert(Post(0, name))
        moved = replace(post, organisation=organisation, practitioner=practitioner, district=district)
        await self.posts.change_post(grant, moved)
        return await self._office.find(name)

    async def set_active(self, grant: Grant, name: str, active: bool) -> Account:
        """Stop or reopen account `name`. What was open ends with a stop."""
        grant.require("account.manage")
        account = await self._change(
            "update account set active = $2 where name = $1 returning name", name, active
        )
        await self._office.tell(grant.account, f"account-{'open' if active else 'stop'} {name}")
        if not active:
            await self._sessions.end_all(name)
        return account

    async def unlock(self, grant: Grant, name: str) -> Account:
        """Lift the lock after failed sign-ins; nobody lifts their own."""
        grant.require("account.unlock")
        refuse_own(grant.account, name)
        account = await self._change(
            "update account set failures = 0, locked_until = null where name = $1 returning name", name
        )
        await self._office.tell(grant.account, f"account-unlock {name}")
        return account

    async def reset_password(self, grant: Grant, name: str) -> str:
        """Return a new random password of `name`, to be changed at the next sign-in; what was open ends."""
        grant.require("account.manage")
        if name == SYSTEM:
            raise Forbidden("the account 'system' has no password", zh="系统账号不设密码")
        held = await self._office.find(name)
        if held.kind != "person":
            raise Unprocessable("a service has keys, no password", zh="系统间账号使用密钥，不设密码")
        secret = random_password()
        encoded = await asyncio.to_thread(hash_password, secret)
        await self._change(
            "update account set password = $2, must_change = true, failures = 0, locked_until = null "
            "where name = $1 returning name",
            name,
            encoded,
        )
        await self._sessions.end_all(name)
        await self._office.tell(grant.account, f"account-reset {name}")
        return secret

    async def change_password(self, grant: Grant, old: str, new: str, *, current: str = "") -> None:
        """Change the own password; every other session (than `current`) and token ends.

        Raises Unauthenticated when `old` is wrong, Unprocessable for a weak `new`.
        """
        rows = await self._office.sql("select password from account where name = $1", grant.account)
        encoded = rows[0]["password"] if rows else None
        if not await asyncio.to_thread(verify_password, encoded, old):
            await self._office.tell(grant.account, "password-change", outcome="login")
            raise Unauthenticated("the present password is wrong", zh="原密码错误")
        check_password(new, grant.account, self._office.limits().password_length)
        if new == old:
            raise Unprocessable("the new password is the old one", zh="新密码不得与原密码相同")
        await self._change(
            "update account set password = $2, must_change = false where name = $1 returning name",
            grant.account,
            await asyncio.to_thread(hash_password, new),
        )
        if current:
            await self._sessions.end_all(grant.account, except_token=current)
        await self._office.tell(grant.account, "password-change")

    async def _change(self, statement: LiteralString, name: str, *values: Any) -> Account:
        rows = await self._office.sql(statement, name, *values)
        if not rows:
            raise NotFound("there is no such account", zh="没有此账号")
        await self._sessions.changed()
        return await self._office.find(name)


def _first_post(account: Account) -> Post:
    return Post(
        0,
        account.name,
        roles=account.roles,
        organisation=account.organisation,
        practitioner=account.practitioner,
        district=account.district,
    )
