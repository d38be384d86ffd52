"""Sessions and tokens: from a secret to the grant of the post in which its account acts."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from kangshu.access import Grant, Role, Subject, open_grant, system_grant
from kangshu.accounts.office import Office
from kangshu.accounts.passwords import random_token, token_digest
from kangshu.accounts.records import (
    ACCOUNT_ROWS,
    SYSTEM,
    SYSTEM_BY_TOKEN,
    Account,
    Acting,
    Deputy,
    OpenToken,
    Post,
    account_of,
    post_of,
)
from kangshu.accounts.representation import mandated, represented
from kangshu.accounts.scopes import narrow
from kangshu.accounts.standing import Standing
from kangshu.base.clock import now, today
from kangshu.base.faults import NotFound, Unauthenticated, Unprocessable

REMEMBER_SECONDS: Final = 3.0
"""How long a token's grant is remembered. Ended tokens are forgotten at once, see `Sessions.forget`."""

_CHANNEL: Final = "kangshu_accounts"
_TOUCH: Final = timedelta(minutes=1)
_LONGEST: Final = timedelta(days=366)


class Sessions:
    """The open sign-ins and tokens of all accounts."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._remembered: dict[tuple[str, bytes], tuple[float, Grant, Acting]] = {}
        self._seconds = REMEMBER_SECONDS

    async def follow(self) -> None:
        """Forget at once what another process changes, until cancelled. While it cannot hear, nothing is remembered."""
        self._hearing(False)
        await self._office.store.listen(_CHANNEL, self.forget, self._hearing)

    def _hearing(self, hears: bool) -> None:
        self._seconds = REMEMBER_SECONDS if hears else 0.0
        self.forget()

    def forget(self) -> None:
        """Forget what this process remembers: the next request sees the present state."""
        self._remembered.clear()

    async def changed(self) -> None:
        """Forget here and, at once, in every other process, after what a grant rests on was changed."""
        self.forget()
        await self._office.sql("select pg_notify($1, '')", _CHANNEL)

    async def issue(
        self,
        account: str,
        kind: str,
        expires: datetime,
        label: str = "",
        *,
        app: str = "",
        scopes: Sequence[str] | None = None,
        address: str = "",
        agent: str = "",
    ) -> str:
        """Return a new token of `account`. It is shown once: the database keeps its digest."""
        token = random_token()
        await self._office.sql("delete from account_token where expires < $1", now())
        await self._office.sql(
            "insert into account_token (digest, account, kind, label, expires, app, scopes, address, agent) "
            "values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            token_digest(token),
            account,
            kind,
            label[:200],
            expires,
            app,
            list(scopes) if scopes is not None else None,
            address[:64],
            agent[:200],
        )
        return token

    async def create_token(self, account: str, ttl: timedelta, label: str) -> str:
        """Return a bearer token of `account` that ends after `ttl`. Raises NotFound, Forbidden, Unprocessable."""
        if ttl <= timedelta(0) or ttl > _LONGEST:
            raise Unprocessable(
                "a token lives between a second and 366 days", zh="令牌有效期须在1秒至366天之间"
            )
        await self._office.active(account)
        return await self.issue(account, "bearer", now() + ttl, label)

    async def open(self, token: str, kind: str) -> tuple[Grant, Acting]:
        """Return the grant of a token, and the post it acts in. Raises Unauthenticated when it has ended."""
        digest = token_digest(token)
        kept = self._remembered.get((kind, digest))
        if kept is not None and kept[0] > time.monotonic():
            return kept[1], kept[2]
        moment = now()
        idle = moment - (self._office.limits().idle if kind == "session" else _LONGEST * 2)
        rows = await self._office.sql(
            "select a.*, t.last_seen, t.post as in_post, t.deputy as as_deputy, t.app, t.scopes "
            "from account_token t join (" + ACCOUNT_ROWS + ") a on a.name = t.account "
            "where t.digest = $1 and t.kind = $2 and t.expires > $3 and t.last_seen > $4 and a.active",
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
        row = rows[0]
        if moment - row["last_seen"] > _TOUCH:
            await self._office.sql(
                "update account_token set last_seen = $2 where digest = $1", digest, moment
            )
        account = account_of(row)
        acting = await self.acting(account, row["in_post"], row["as_deputy"])
        if kind == "session" and (account.must_change or acting.must_enrol):
            # the password was given by another, or a second factor is needed and not there: until that is done the
            # account may do that and nothing else
            return open_grant(Subject(account.name, account.display), []), acting
        grant = await self.grant_of(account, acting, emergencies=kind == "session")
        if row["scopes"] is not None:
            grant = narrow(grant, row["scopes"])
        if row["app"]:
            grant = replace(grant, app=row["app"])
        seconds = self._seconds
        if acting.deputy is not None:
            seconds = min(seconds, (acting.deputy.ends - moment).total_seconds())
        if grant.emergency:
            # it ends to the second, and every request asks whether it has been ended
            seconds = 0.0
        if len(self._remembered) > 10_000:
            self._remembered.clear()
        self._remembered[kind, digest] = (time.monotonic() + seconds, grant, acting)
        return grant, acting

    async def acting(self, account: Account, post: int | None = None, deputy: int | None = None) -> Acting:
        """Return the post in which `account` acts: the one asked for while it may, else its first one."""
        posts = tuple(
            post_of(row)
            for row in await self._office.sql(
                "select * from post where account = $1 and ended is null order by id", account.name
            )
        )
        deputies = await self.deputies_of(account.name)
        chosen = next((one for one in deputies if one.id == deputy), None)
        own = next((one for one in posts if one.id == post), posts[0] if posts else None)
        known = self._office.roles
        # also those of a post in which one acts for another: its rights ask for as much of the deputy
        acted = (*posts, chosen.post) if chosen is not None else posts
        roles = [known[role] for one in acted for role in one.roles if role in known]
        needs = self._office.limits().needs_second_factor(roles)
        must_enrol = needs and account.kind == "person" and not account.second_factor
        return Acting(chosen.post if chosen else own, chosen, posts, deputies, must_enrol)

    async def deputies_of(self, account: str) -> tuple[Deputy, ...]:
        """Return the posts of others in which `account` may act now."""
        moment = now()
        rows = await self._office.sql(
            DEPUTY_ROWS + "where d.account = $1 and d.revoked is null and d.starts <= $2 and d.ends > $2 "
            "and p.ended is null and holder.active order by d.id",
            account,
            moment,
        )
        return tuple(deputy_of(row) for row in rows)

    async def grant_of(self, account: Account, acting: Acting, *, emergencies: bool = True) -> Grant:
        """Return what `account` may do in the post in which it acts; without `emergencies` as if none were open."""
        if account.name == SYSTEM:
            # another name than the product's own acts have: what is done with its tokens is audited in full
            return replace(system_grant(account.display), account=SYSTEM_BY_TOKEN)
        standing = await self.standing(account, acting)
        if not emergencies and standing.subject.emergency:
            # an emergency is opened by a person at the product's pages, never for what acts with their token
            standing = replace(standing, subject=replace(standing.subject, emergency=frozenset()))
        return standing.grant

    async def standing(self, account: Account, acting: Acting) -> Standing:
        """Return how `account` stands in the post in which it acts."""
        post = acting.post or Post(0, account.name)
        deputy = acting.deputy
        roles = tuple(self._office.roles[one] for one in post.roles if one in self._office.roles)
        around = self._office.surroundings
        organisations = await around.organisations(post.organisation)
        display = f"{account.display}（代{deputy.holder}）" if deputy is not None else account.display
        own = acting.posts[0].practitioner if deputy is not None and acting.posts else post.practitioner
        subject = Subject(
            account=account.name,
            display=display,
            organisation=post.organisation,
            organisations=organisations,
            practitioner=own,
            # a deputy takes over a post, never a person: neither the holder's own records nor one's own
            patient="" if deputy is not None else account.patient,
            wards=frozenset()
            if deputy is not None
            else await represented(self._office.store, account, today(), self._office.limits().adult_age),
            # a mandate is given to a person too
            mandates=frozenset()
            if deputy is not None
            else await mandated(self._office.store, account, post.practitioner, today()),
            district=post.district,
            on_behalf_of=post.account if deputy is not None else "",
            emergency=await self._emergencies(account.name, post.organisation, roles),
        )
        return Standing(subject, roles, acting.post, deputy)

    async def _emergencies(self, account: str, organisation: str, roles: Iterable[Role]) -> frozenset[str]:
        """Return the residents whose records the account has opened by emergency access, in this post and until now."""
        if not any("emergency.access" in role.operations for role in roles):
            return frozenset()
        rows = await self._office.sql(
            "select patient from emergency where account = $1 and organisation = $2 and ended is null and until > $3",
            account,
            organisation,
            now(),
        )
        return frozenset(row["patient"] for row in rows)

    async def choose(self, token: str, *, post: int | None = None, deputy: int | None = None) -> Acting:
        """Let the session of `token` act in another of its account's posts, or as deputy.

        Raises NotFound for a post that the account does not hold, or in which it may not act now.
        """
        _, acting = await self.open(token, "session")
        held = post is not None and any(one.id == post for one in acting.posts)
        stands_in = deputy is not None and any(one.id == deputy for one in acting.deputies)
        if not held and not stands_in:
            raise NotFound("there is no such post of yours", zh="没有此岗位，或代办已结束")
        digest = token_digest(token)
        rows = await self._office.sql(
            "update account_token set post = $2, deputy = $3 where digest = $1 returning account",
            digest,
            post if held else None,
            deputy if stands_in else None,
        )
        await self.changed()
        _, now_acting = await self.open(token, "session")
        place = now_acting.post
        holder = place.account if stands_in and place is not None else ""
        await self._office.tell(
            rows[0]["account"], "post-choose", detail=f"post {place.id if place else ''} {holder}".strip()
        )
        return now_acting

    async def end(self, token: str) -> str:
        """End the session or token; return its account, "" when there was none."""
        rows = await self._office.sql(
            "delete from account_token where digest = $1 returning account", token_digest(token)
        )
        await self.changed()
        return str(rows[0]["account"]) if rows else ""

    async def end_all(self, account: str, *, except_token: str = "") -> int:
        """End every session and token of `account`, but for one; return how many there were."""
        spared = token_digest(except_token) if except_token else b""
        rows = await self._office.sql(
            "delete from account_token where account = $1 and digest <> $2 returning kind", account, spared
        )
        await self.changed()
        return sum(row["kind"] != "step" for row in rows)

    async def end_one(self, account: str, id_: str) -> None:
        """End the session or token of `account` that `open_tokens` shows as `id_`. Raises NotFound."""
        rows = await self._office.sql(
            "delete from account_token where account = $1 and encode(sha256(digest), 'hex') = $2 returning kind",
            account,
            id_,
        )
        if not rows:
            raise NotFound("there is no such sign-in", zh="没有此登录，可能已经结束")
        await self.changed()

    async def open_tokens(self, account: str, current: str = "") -> tuple[OpenToken, ...]:
        """Return what is open of `account`, the last used first; `current` is the token of who asks."""
        moment = now()
        rows = await self._office.sql(
            "select encode(sha256(digest), 'hex') as id, digest, kind, label, app, address, agent, created, last_seen, "
            "expires from account_token where account = $1 and kind <> 'step' and expires > $2 "
            "and (kind <> 'session' or last_seen > $3) order by last_seen desc",
            account,
            moment,
            moment - self._office.limits().idle,
        )
        mine = token_digest(current) if current else b""
        return tuple(_token_of(row, bytes(row["digest"]) == mine) for row in rows)


DEPUTY_ROWS: Final = (
    "select p.*, d.id as deputy_id, d.account as deputy_account, who.display as who, holder.display as holder, "
    "d.starts, d.ends, d.reason, d.appointed_by, d.revoked "
    "from deputy d join post p on p.id = d.post join account holder on holder.name = p.account "
    "join account who on who.name = d.account "
)
"""Selects appointments of deputies with the post; a condition follows."""


def deputy_of(row: Mapping[str, Any]) -> Deputy:
    """Return the appointment of one row of `DEPUTY_ROWS`."""
    return Deputy(
        id=row["deputy_id"],
        post=post_of(row),
        account=row["deputy_account"],
        display=row["who"],
        holder=row["holder"],
        starts=row["starts"],
        ends=row["ends"],
        reason=row["reason"],
        appointed_by=row["appointed_by"],
        revoked=row["revoked"],
    )


def _token_of(row: Mapping[str, Any], current: bool) -> OpenToken:
    names = ("id", "kind", "label", "app", "address", "agent", "created", "last_seen", "expires")
    return OpenToken(**{name: row[name] for name in names}, current=current)
