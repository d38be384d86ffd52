"""Deputies (代办): for some days another acts in a post. It ends by itself, and can be ended at once.

The deputy acts under the own name, `Grant.on_behalf_of` names the holder, and the audit shows both. A deputy appoints
no deputy, and administrators are neither deputies nor have any.
"""

from __future__ import annotations

from datetime import datetime

from kangshu.access import Grant
from kangshu.accounts.duties import administers
from kangshu.accounts.office import Office
from kangshu.accounts.post_book import PostBook
from kangshu.accounts.records import Deputy, Post
from kangshu.accounts.sessions import DEPUTY_ROWS, Sessions, deputy_of
from kangshu.base.clock import now
from kangshu.base.faults import Conflict, Forbidden, NotFound, Unprocessable


class Deputies:
    """The appointments of deputies."""

    def __init__(self, office: Office, sessions: Sessions, posts: PostBook) -> None:
        self._office = office
        self._sessions = sessions
        self._posts = posts

    async def appoint(
        self, grant: Grant, post: int, deputy: str, starts: datetime, ends: datetime, reason: str
    ) -> Deputy:
        """Let account `deputy` act in `post` from `starts` until `ends`: by its holder or the system administrator.

        Raises Forbidden (a deputy appoints none; administrators' posts), NotFound, Unprocessable, Conflict (one is
        appointed for these days already).
        """
        held = await self._posts.post(post)
        if grant.on_behalf_of:
            raise Forbidden("a deputy appoints no deputy", zh="代办期间不得再委托他人代办")
        if held.account != grant.account:
            grant.require("account.manage")
        await self._check_deputy(grant, held, deputy)
        self._check_days(starts, ends, reason)
        async with self._office.store.connection() as connection, connection.transaction():
            await connection.fetch("select id from post where id = $1 for update", post)
            there = await connection.fetch(
                "select id from deputy where post = $1 and revoked is null and starts < $3 and ends > $2",
                post,
                starts,
                ends,
            )
            if there:
                raise Conflict(
                    "this post has a deputy for some of these days already; end that appointment first",
                    zh="该岗位在此期间已有代办人，请先结束原代办",
                )
            rows = await connection.fetch(
                "insert into deputy (post, account, starts, ends, reason, appointed_by) "
                "values ($1, $2, $3, $4, $5, $6) returning id",
                post,
                deputy,
                starts,
                ends,
                reason.strip(),
                grant.account,
            )
        await self._sessions.changed()
        await self._office.tell(
            grant.account,
            f"deputy-appoint {deputy}",
            detail=f"for {held.account} post {post} {starts:%Y-%m-%d %H:%M} {ends:%Y-%m-%d %H:%M}",
        )
        return await self._one(rows[0]["id"])

    async def revoke(self, grant: Grant, id_: int) -> None:
        """End an appointment at once: by the post's holder, the deputy, or the system administrator.

        Raises Forbidden, NotFound, and Conflict where it has ended already.
        """
        held = await self._one(id_)
        if grant.account not in (held.post.account, held.account):
            grant.require("account.manage")
        rows = await self._office.sql(
            "update deputy set revoked = $2, revoked_by = $3 where id = $1 and revoked is null and ends > $2 returning id",
            id_,
            now(),
            grant.account,
        )
        if not rows:
            raise Conflict("this appointment has ended already", zh="该代办已经结束")
        await self._sessions.changed()
        await self._office.tell(
            grant.account,
            f"deputy-revoke {held.account}",
            detail=f"for {held.post.account} post {held.post.id}",
        )

    async def of(self, grant: Grant, name: str) -> tuple[Deputy, ...]:
        """Return the appointments in which `name` is holder or deputy, the latest first; ended ones too.

        One's own, or others' with `account.read`.
        """
        if name != grant.account:
            self._office.may_look(grant)
        rows = await self._office.sql(
            DEPUTY_ROWS
            + "where d.account = $1 or p.account = $1 order by d.starts desc, d.id desc limit 200",
            name,
        )
        return tuple(deputy_of(row) for row in rows)

    async def candidates(self, grant: Grant, post: int) -> tuple[tuple[str, str], ...]:
        """Return name and display of who may be deputy in `post`: its B 岗 first, then the colleagues.

        Colleagues are the people of the post's organisation. Raises Forbidden, NotFound.
        """
        held = await self._posts.post(post)
        if held.account != grant.account:
            grant.require("account.manage")
        rows = await self._office.sql(
            "select a.name, a.display, coalesce(bool_or(a.name = $3), false) as first, "
            "array_agg(r.role) filter (where r.role is not null) as roles "
            "from account a join post p on p.account = a.name and p.ended is null "
            "left join lateral unnest(p.roles) r (role) on true "
            "where a.active and a.kind = 'person' and a.name <> $1 and (p.organisation = nullif($2, '') or a.name = $3) "
            "group by a.name, a.display order by first desc, a.display",
            held.account,
            held.organisation,
            held.stand_in,
        )
        return tuple(
            (row["name"], row["display"])
            for row in rows
            if not administers(self._office.roles, row["roles"] or ())
        )

    async def _check_deputy(self, grant: Grant, post: Post, deputy: str) -> None:
        if administers(self._office.roles, post.roles):
            raise Forbidden(
                "an administrator's post has no deputy", zh="系统、安全、审计管理员岗位不得委托代办"
            )
        if not post.roles or any(
            "patient" in self._office.roles[one].post for one in post.roles if one in self._office.roles
        ):
            raise Unprocessable(
                "only a post of work has a deputy, not a resident's own access", zh="只有工作岗位可以委托代办"
            )
        if deputy == post.account:
            raise Unprocessable("nobody is their own deputy", zh="代办人不能是本人")
        if deputy == grant.account:
            raise Forbidden("nobody appoints themselves", zh="不得指定本人为代办人")
        other = await self._office.find(deputy)
        held = await self._office.sql(
            "select roles from post where account = $1 and ended is null", other.name
        )
        if other.kind != "person" or not other.active:
            raise Unprocessable("a deputy is a person in service", zh="代办人须为在用的个人账号")
        if administers(self._office.roles, [role for row in held for role in row["roles"]]):
            raise Forbidden("administrators are nobody's deputy", zh="系统、安全、审计管理员不得代办业务岗位")

    def _check_days(self, starts: datetime, ends: datetime, reason: str) -> None:
        longest = self._office.limits().deputy
        if not reason.strip() or len(reason) > 200:
            raise Unprocessable(
                "a reason of 1 to 200 characters is needed", zh="请填写代办原因（200 字以内）"
            )
        if ends <= starts or ends <= now():
            raise Unprocessable("the deputising ends after it begins", zh="结束时间须晚于开始时间且晚于现在")
        if ends - starts > longest:
            raise Unprocessable(
                f"one deputising lasts {longest.days} days at most", zh=f"一次代办最长 {longest.days} 天"
            )

    async def _one(self, id_: int) -> Deputy:
        rows = await self._office.sql(DEPUTY_ROWS + "where d.id = $1", id_)
        if not rows:
            raise NotFound("there is no such appointment", zh="没有此代办")
        return deputy_of(rows[0])
