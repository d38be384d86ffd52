"""The accounts of an installation: sign-in, sessions, bearer tokens, and their upkeep."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString

from kangshu.access import Grant, Role, Subject, open_grant, system_grant
from kangshu.accounts.limits import Limits, limits
from kangshu.accounts.passwords import (
    check_password,
    hash_password,
    random_password,
    random_token,
    token_digest,
    verify_password,
)
from kangshu.accounts.posts import Posts
from kangshu.accounts.records import SYSTEM, SYSTEM_BY_TOKEN, Account, NewAccount, Session, account_of
from kangshu.accounts.roles import ready_roles
from kangshu.base.clock import now
from kangshu.base.faults import Conflict, Forbidden, NotFound, Throttled, Unauthenticated, Unprocessable
from kangshu.base.parameters import ParameterTable
from kangshu.store import AuditRow, Store

REMEMBER_SECONDS: Final = 3.0
"""How long a token's account is remembered: what is revoked works no longer than this."""

_TOUCH: Final = timedelta(minutes=1)


class Accounts:
    """The door to accounts. Grants come from here alone (besides the product's own `system_grant`)."""

    def __init__(
        self,
        store: Store,
        parameters: ParameterTable | None = None,
        jurisdiction: str = "",
        roles: Mapping[str, Role] | None = None,
    ) -> None:
        self._store = store
        self._parameters = parameters or ParameterTable()
        self._jurisdiction = jurisdiction
        self._roles = roles if roles is not None else ready_roles()
        self._posts = Posts(store)
        self._remembered: dict[tuple[str, bytes], tuple[float, Grant]] = {}

    @property
    def roles(self) -> Mapping[str, Role]:
        """Return the roles that accounts may hold, by id."""
        return self._roles

    # Sign-in

    async def sign_in(self, name: str, password: str) -> Session:
        """Return a new session. Raises Unauthenticated (one text for every reason), Throttled while locked."""
        figures = self._limits()
        rows = await self._sql("select * from account where name = $1", name.strip())
        row = rows[0] if rows else None
        encoded = row["password"] if row is not None and row["active"] else None
        if row is not None and row["locked_until"] is not None and row["locked_until"] > now():
            await self._told(row["name"], "sign-in", outcome="throttled")
            raise Throttled(
                "too many failed sign-ins: this account is locked for a while",
                zh="登录失败次数过多，账号已临时锁定，请稍后再试或联系安全管理员解锁",
            )
        if not await asyncio.to_thread(verify_password, encoded, password):
            if row is not None:
                await self._count_failure(row["name"], figures)
            # an unknown name is not kept: people type their password there
            await self._told(row["name"] if row is not None else "", "sign-in", outcome="login")
            raise Unauthenticated("the name or the password is wrong", zh="账号或密码错误")
        account = account_of(row)  # type: ignore[arg-type]  # a verified password has a row
        await self._sql(
            "update account set failures = 0, locked_until = null, last_sign_in = $2 where name = $1 returning *",
            account.name,
            now(),
        )
        await self._told(account.name, "sign-in")
        expires = now() + figures.session
        return Session(await self._issue(account.name, "session", expires, ""), account, expires)

    async def sign_out(self, token: str) -> None:
        """End the session of `token`; nothing happens when there is none."""
        digest = token_digest(token)
        self._remembered.pop(("session", digest), None)
        rows = await self._sql("delete from account_token where digest = $1 returning account", digest)
        if rows:
            await self._told(rows[0]["account"], "sign-out")

    async def session(self, token: str) -> Grant:
        """Return the grant of a session's cookie. Raises Unauthenticated when it has ended."""
        return await self._open(token, "session")

    async def bearer(self, token: str) -> Grant:
        """Return the grant of a bearer token. Raises Unauthenticated when it is unknown or has ended."""
        return await self._open(token, "bearer")

    async def create_token(self, account: str, ttl: timedelta, label: str = "") -> str:
        """Return a new bearer token of `account` that ends after `ttl`. Raises NotFound, Unprocessable.

        It is shown once: the database keeps its digest. The account `system` exists without being made.
        """
        if ttl <= timedelta(0) or ttl > timedelta(days=366):
            raise Unprocessable(
                "a token lives between a second and 366 days", zh="令牌有效期须在1秒至366天之间"
            )
        if account == SYSTEM:
            await self.ensure_system()
        await self._active(account)
        return await self._issue(account, "bearer", now() + ttl, label)

    async def revoke_tokens(self, grant: Grant, name: str) -> int:
        """End every session and token of `name`; return how many there were."""
        grant.require("account.manage")
        rows = await self._sql("delete from account_token where account = $1 returning kind, digest", name)
        for row in rows:
            self._remembered.pop((row["kind"], bytes(row["digest"])), None)
        return len(rows)

    async def open_grant(self, name: str) -> Grant:
        """Return what account `name` may do now. Raises NotFound. For schedules and tests; no secret is asked."""
        return await self._grant_of(await self._active(name))

    def forget(self) -> None:
        """Forget what this process remembers: the next request sees the present state of posts and tokens."""
        self._remembered.clear()
        self._posts.forget()

    # Upkeep

    async def ensure_system(self) -> None:
        """Make the account `system` where it is not there yet."""
        await self._sql(
            "insert into account (name, display) values ($1, $2) on conflict (name) do nothing",
            SYSTEM,
            "系统 System",
        )

    async def create_account(
        self,
        grant: Grant,
        account: Account,
        password: str | None = None,
    ) -> NewAccount:
        """Make `account`, with a random password where none is given, which its owner must then change.

        Raises Forbidden, Conflict (the name is taken), Unprocessable (unknown role, a post that a role needs).
        """
        grant.require("account.manage")
        if account.roles:
            grant.require("role.assign")
        self.check(account)
        given = password is not None
        secret = password if password is not None else random_password()
        if given:
            check_password(secret, account.name, self._limits().password_length)
        encoded = await asyncio.to_thread(hash_password, secret)
        rows = await self._sql(
            "insert into account (name, display, roles, organisation, practitioner, patient, wards, district, "
            "must_change, password) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
            "on conflict (name) do nothing returning *",
            account.name,
            account.display,
            list(account.roles),
            account.organisation,
            account.practitioner,
            account.patient,
            list(account.wards),
            account.district,
            account.must_change,
            encoded,
        )
        if not rows:
            raise Conflict("an account of this name is there already", zh="该账号名已存在")
        await self._told(grant.account, f"account-create {account.name}")
        return NewAccount(account_of(rows[0]), secret)

    def check(self, account: Account) -> None:
        """Raise Unprocessable unless `account` has a usable name, known roles, and the posts that they need."""
        if not account.name.strip() or len(account.name) > 64 or account.name != account.name.strip():
            raise Unprocessable("an account's name has 1 to 64 characters", zh="账号名长度须为1至64个字符")
        posts = {
            "district": account.district,
            "organisation": account.organisation,
            "patient": account.patient,
        }
        for id_ in account.roles:
            role = self._roles.get(id_)
            if role is None:
                raise Unprocessable(f"there is no role '{id_}'", zh=f"没有角色“{id_}”")
            for post in role.post:
                if not posts[post] and not (post == "patient" and account.wards):
                    raise Unprocessable(
                        f"role '{id_}' needs an account with a {post}",
                        zh=f"角色“{role.title.zh}”要求账号填写{_POST_ZH[post]}",
                    )

    async def accounts(self, grant: Grant) -> tuple[Account, ...]:
        """Return every account by name."""
        self._may_look(grant)
        rows = await self._sql("select * from account order by name")
        return tuple(account_of(row) for row in rows)

    async def organisations_that_may(self, operation: str) -> tuple[str, ...]:
        """Return the organisations whose active accounts may do `operation`, those with most such accounts first.

        It tells which offices do a kind of work, and of no account: no right is asked for.
        """
        roles = [id_ for id_, role in self._roles.items() if operation in role.operations]
        rows = await self._sql(
            "select organisation, count(*) as accounts from account "
            "where active and organisation <> '' and roles && $1::text[] group by organisation "
            "order by accounts desc, organisation",
            roles,
        )
        return tuple(row["organisation"] for row in rows)

    async def account(self, grant: Grant, name: str) -> Account:
        """Return account `name`: anyone's own, others' with `account.read`. Raises NotFound."""
        if name != grant.account:
            self._may_look(grant)
        return await self._find(name)

    async def assign_roles(self, grant: Grant, name: str, roles: Iterable[str]) -> Account:
        """Give `name` exactly these roles. Nobody assigns their own: the duties of administrators are apart."""
        grant.require("role.assign")
        if name == grant.account:
            raise Forbidden("nobody assigns their own roles", zh="不得为本人账号分配角色")
        held = await self._find(name)
        self.check(Account(**{**_fields(held), "roles": tuple(roles)}))
        given = list(roles)
        account = await self._change("update account set roles = $2 where name = $1 returning *", name, given)
        await self._told(grant.account, f"account-roles {name}", detail=" ".join(given))
        return account

    async def set_post(
        self, grant: Grant, name: str, *, organisation: str = "", practitioner: str = "", district: str = ""
    ) -> Account:
        """Move `name` to another post."""
        grant.require("account.manage")
        account = await self._change(
            "update account set organisation = $2, practitioner = $3, district = $4 where name = $1 returning *",
            name,
            organisation,
            practitioner,
            district,
        )
        await self._told(grant.account, f"account-post {name}", detail=f"{organisation} {district}".strip())
        return account

    async def set_active(self, grant: Grant, name: str, active: bool) -> Account:
        """Stop or reopen account `name`. What was open ends with a stop."""
        grant.require("account.manage")
        account = await self._change(
            "update account set active = $2 where name = $1 returning *", name, active
        )
        await self._told(grant.account, f"account-{'open' if active else 'stop'} {name}")
        if not active:
            await self.revoke_tokens(grant, name)
        return account

    async def unlock(self, grant: Grant, name: str) -> Account:
        """Lift the lock after failed sign-ins."""
        grant.require("account.unlock")
        account = await self._change(
            "update account set failures = 0, locked_until = null where name = $1 returning *", name
        )
        await self._told(grant.account, f"account-unlock {name}")
        return account

    async def reset_password(self, grant: Grant, name: str) -> str:
        """Return a new random password of `name`, to be changed at the next sign-in; what was open ends."""
        grant.require("account.manage")
        if name == SYSTEM:
            raise Forbidden("the account 'system' has no password", zh="系统账号不设密码")
        secret = random_password()
        encoded = await asyncio.to_thread(hash_password, secret)
        await self._change(
            "update account set password = $2, must_change = true, failures = 0, locked_until = null where name = $1 returning *",
            name,
            encoded,
        )
        await self.revoke_tokens(grant, name)
        await self._told(grant.account, f"account-reset {name}")
        return secret

    async def change_password(self, grant: Grant, old: str, new: str) -> None:
        """Change the own password. Raises Unauthenticated when `old` is wrong, Unprocessable for a weak `new`."""
        rows = await self._sql("select password from account where name = $1", grant.account)
        encoded = rows[0]["password"] if rows else None
        if not await asyncio.to_thread(verify_password, encoded, old):
            await self._told(grant.account, "password-change", outcome="login")
            raise Unauthenticated("the present password is wrong", zh="原密码错误")
        check_password(new, grant.account, self._limits().password_length)
        if new == old:
            raise Unprocessable("the new password is the old one", zh="新密码不得与原密码相同")
        await self._change(
            "update account set password = $2, must_change = false where name = $1 returning *",
            grant.account,
            await asyncio.to_thread(hash_password, new),
        )
        await self._told(grant.account, "password-change")

    # Within

    async def _sql(self, statement: LiteralString, *values: Any) -> list[Any]:
        """Return the rows of one statement of this room, by column name."""
        async with self._store.connection() as connection:
            rows: list[Any] = await connection.fetch(statement, *values)
            return rows

    async def _told(
        self, account: str, action: str, *, outcome: str = "ok", purpose: str = "HOPERAT", detail: str = ""
    ) -> None:
        """Write an act of this room to the audit before it is answered."""
        row = AuditRow(now(), account[:64], action, "", "", outcome, purpose, detail[:2000])
        await self._store.write_audit([row])

    def _limits(self) -> Limits:
        return limits(self._parameters, self._jurisdiction)

    def _may_look(self, grant: Grant) -> None:
        if not grant.may("account.manage"):
            grant.require("account.read")

    async def _find(self, name: str) -> Account:
        rows = await self._sql("select * from account where name = $1", name)
        if not rows:
            raise NotFound("there is no such account", zh="没有此账号")
        return account_of(rows[0])

    async def _active(self, name: str) -> Account:
        account = await self._find(name)
        if not account.active:
            raise Forbidden("this account has been stopped", zh="该账号已停用")
        return account

    async def _change(self, statement: LiteralString, name: str, *values: Any) -> Account:
        rows = await self._sql(statement, name, *values)
        if not rows:
            raise NotFound("there is no such account", zh="没有此账号")
        self._remembered.clear()
        return account_of(rows[0])

    async def _count_failure(self, name: str, figures: Limits) -> None:
        await self._sql(
            "update account set failures = case when failures + 1 >= $2 then 0 else failures + 1 end, "
            "locked_until = case when failures + 1 >= $2 then $3 else locked_until end where name = $1",
            name,
            figures.failures,
            now() + figures.lock,
        )

    async def _issue(self, account: str, kind: str, expires: datetime, label: str) -> str:
        token = random_token()
        await self._sql("delete from account_token where expires < $1", now())
        await self._sql(
            "insert into account_token (digest, account, kind, label, expires) values ($1, $2, $3, $4, $5)",
            token_digest(token),
            account,
            kind,
            label,
            expires,
        )
        return token

    async def _open(self, token: str, kind: str) -> Grant:
        digest = token_digest(token)
        kept = self._remembered.get((kind, digest))
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        moment = now()
        idle = (
            moment - self._limits().idle if kind == "session" else datetime.min.replace(tzinfo=moment.tzinfo)
        )
        rows = await self._sql(
            "select account.*, last_seen from account_token join account on account.name = account_token.account "
            "where digest = $1 and kind = $2 and expires > $3 and last_seen > $4 and active",
            digest,
            kind,
            moment,
            idle,
        )
        if not rows:
            self._remembered.pop((kind, digest), None)
            raise Unauthenticated(
                "sign in first: this token is unknown or has ended", zh="登录已失效，请重新登录"
            )
        if moment - rows[0]["last_seen"] > _TOUCH:
            await self._sql("update account_token set last_seen = $2 where digest = $1", digest, moment)
        account = account_of(rows[0])
        if kind == "session" and account.must_change:
            # the password was given by another: until it is changed, the account may do that and nothing else
            return open_grant(Subject(account.name, account.display), [])
        grant = await self._grant_of(account)
        if len(self._remembered) > 10_000:
            self._remembered.clear()
        self._remembered[kind, digest] = (time.monotonic() + REMEMBER_SECONDS, grant)
        return grant

    async def _grant_of(self, account: Account) -> Grant:
        if account.name == SYSTEM:
            # another name than the product's own acts have: what is done with its tokens is audited in full
            return replace(system_grant(account.display), account=SYSTEM_BY_TOKEN)
        roles = [self._roles[one] for one in account.roles if one in self._roles]
        words = frozenset(word for role in roles for word in role.words())
        organisations = await self._posts.organisations(account.organisation)
        subject = Subject(
            account=account.name,
            display=account.display,
            organisation=account.organisation,
            organisations=organisations,
            practitioner=account.practitioner,
            patient=account.patient,
            wards=frozenset(account.wards),
            district=account.district,
            own_patients=await self._posts.own_patients(organisations)
            if "own-patients" in words
            else frozenset(),
            shared_patients=await self._posts.shared_patients(organisations)
            if "shared-patients" in words
            else frozenset(),
        )
        return open_grant(subject, roles)


_POST_ZH: Final = {"district": "所属区划", "organisation": "所属机构", "patient": "对应居民"}


def _fields(account: Account) -> dict[str, Any]:
    return {name: getattr(account, name) for name in account.__slots__}
