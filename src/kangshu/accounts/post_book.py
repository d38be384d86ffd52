"""Posts (岗位) as administrators keep them: opened and moved by one, their roles assigned by another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from kangshu.access import Grant
from kangshu.accounts.duties import administers, check_apart, refuse_own
from kangshu.accounts.office import Office
from kangshu.accounts.records import Account, Post, post_of
from kangshu.accounts.sessions import Sessions
from kangshu.base.clock import now
from kangshu.base.faults import Conflict, Forbidden, NotFound, Unprocessable


class PostBook:
    """The posts of all accounts."""

    def __init__(self, office: Office, sessions: Sessions) -> None:
        self._office = office
        self._sessions = sessions

    async def posts(self, grant: Grant, name: str) -> tuple[Post, ...]:
        """Return the posts that `name` holds, the first one first: one's own, or others' with `account.read`."""
        if name != grant.account:
            self._office.may_look(grant)
        return await self._held(name)

    async def open_post(self, grant: Grant, post: Post) -> Post:
        """Give `post.account` one more post, without roles: those are for whoever assigns roles.

        Raises Forbidden (also for the own account), NotFound, Unprocessable.
        """
        grant.require("account.manage")
        refuse_own(grant.account, post.account)
        held = await self._office.find(post.account)
        if post.roles:
            grant.require("role.assign")
        await self._check_roles(held, post)
        made = await self.insert(post)
        await self._sessions.changed()
        await self._office.tell(grant.account, f"post-open {post.account}", detail=_told(made))
        return made

    async def change_post(self, grant: Grant, post: Post) -> Post:
        """Move a post: organisation, practitioner, district, title, B 岗. Roles stay as they are.

        Raises Forbidden (also for the own account), NotFound, Unprocessable.
        """
        grant.require("account.manage")
        held = await self.post(post.id)
        refuse_own(grant.account, held.account)
        account = await self._office.find(held.account)
        wanted = replace(post, account=held.account, roles=held.roles)
        await self._check_roles(account, wanted)
        await self._check_stand_in(wanted)
        rows = await self._office.sql(
            "update post set title = $2, organisation = $3, practitioner = $4, district = $5, stand_in = $6 "
            "where id = $1 and ended is null returning *",
            post.id,
            post.title,
            post.organisation,
            post.practitioner,
            post.district,
            post.stand_in or None,
        )
        await self._sessions.changed()
        moved = post_of(self._one(rows))
        await self._office.tell(grant.account, f"post-change {held.account}", detail=_told(moved))
        return moved

    async def close_post(self, grant: Grant, id_: int) -> None:
        """End a post: nobody acts in it any more, neither its holder nor a deputy. Raises Forbidden, NotFound."""
        grant.require("account.manage")
        held = await self.post(id_)
        refuse_own(grant.account, held.account)
        await self._office.sql("update post set ended = $2 where id = $1 and ended is null", id_, now())
        await self._sessions.changed()
        await self._office.tell(grant.account, f"post-close {held.account}", detail=_told(held))

    async def assign(self, grant: Grant, id_: int, roles: Iterable[str]) -> Post:
        """Give a post exactly these roles. Nobody assigns their own: the duties of administrators are apart.

        Raises Forbidden, NotFound, Unprocessable (an unknown role, one that the post lacks something for, two
        administrators in one account).
        """
        grant.require("role.assign")
        held = await self.post(id_)
        refuse_own(grant.account, held.account)
        account = await self._office.find(held.account)
        given = tuple(dict.fromkeys(roles))
        await self._check_roles(account, replace(held, roles=given))
        async with self._office.store.connection() as connection, connection.transaction():
            # two posts of one account could be given one administrator's role each at the same moment
            await connection.fetch("select name from account where name = $1 for update", held.account)
            others = await connection.fetch(
                "select roles from post where account = $1 and ended is null and id <> $2", held.account, id_
            )
            check_apart(self._office.roles, [*given, *(role for row in others for role in row["roles"])])
            rows = await connection.fetch(
                "update post set roles = $2 where id = $1 and ended is null returning *", id_, list(given)
            )
        await self._sessions.changed()
        changed = post_of(self._one(rows))
        await self._office.tell(grant.account, f"account-roles {held.account}", detail=" ".join(given))
        return changed

    async def name_stand_in(self, grant: Grant, id_: int, stand_in: str) -> None:
        """Name the holder of the B 岗 ("" for nobody): the post's holder does, or the system administrator."""
        held = await self.post(id_)
        if held.account != grant.account or grant.on_behalf_of:
            grant.require("account.manage")
            refuse_own(grant.account, held.account)
        await self._check_stand_in(replace(held, stand_in=stand_in))
        await self._office.sql("update post set stand_in = $2 where id = $1", id_, stand_in or None)
        await self._office.tell(grant.account, f"post-stand-in {held.account}", detail=stand_in)

    async def post(self, id_: int) -> Post:
        """Return an open post. Raises NotFound."""
        return post_of(
            self._one(await self._office.sql("select * from post where id = $1 and ended is null", id_))
        )

    async def first(self, name: str) -> Post | None:
        """Return the first post of `name`, None where it has none."""
        held = await self._held(name)
        return held[0] if held else None

    async def insert(self, post: Post, connection: Any = None) -> Post:
        """Write a post as it is, within the transaction of `connection` if given; whoever calls has checked it."""
        if connection is None:
            async with self._office.store.connection() as own:
                return await self.insert(post, own)
        rows = await connection.fetch(
            "insert into post (account, title, roles, organisation, practitioner, district, stand_in) "
            "values ($1, $2, $3, $4, $5, $6, $7) returning *",
            post.account,
            post.title,
            list(post.roles),
            post.organisation,
            post.practitioner,
            post.district,
            post.stand_in or None,
        )
        return post_of(rows[0])

    async def describe(self, connection: Any, name: str, posts: Sequence[Post]) -> None:
        """Add title and B 岗 to the posts of `name`, in their order: its stand-ins may be made after it."""
        rows = await connection.fetch("select id from post where account = $1 order by id", name)
        for row, post in zip(rows, posts, strict=False):
            await self._check_stand_in(post, connection)
            await connection.fetch(
                "update post set title = $2, stand_in = $3 where id = $1",
                row["id"],
                post.title,
                post.stand_in or None,
            )

    async def _held(self, name: str) -> tuple[Post, ...]:
        rows = await self._office.sql(
            "select * from post where account = $1 and ended is null order by id", name
        )
        return tuple(post_of(row) for row in rows)

    def _one(self, rows: Sequence[Any]) -> Any:
        if not rows:
            raise NotFound("there is no such post", zh="没有此岗位")
        return rows[0]

    async def _check_roles(self, account: Account, post: Post) -> None:
        has = {
            "district": post.district,
            "organisation": post.organisation,
            "practitioner": post.practitioner,
            "patient": account.patient or account.wards,
        }
        self._office.check_roles(post.roles, has)
        if account.kind == "service" and administers(self._office.roles, post.roles):
            raise Unprocessable("administrators are people", zh="系统间账号不得担任管理员")
        others = [role for one in await self._held(account.name) if one.id != post.id for role in one.roles]
        check_apart(self._office.roles, [*post.roles, *others])

    async def _check_stand_in(self, post: Post, connection: Any = None) -> None:
        if not post.stand_in:
            return
        if post.stand_in == post.account:
            raise Conflict("nobody stands in for themselves", zh="B 岗不能是本人")
        if administers(self._office.roles, post.roles):
            raise Forbidden(
                "an administrator's post has no stand-in: another account is given the role",
                zh="系统、安全、审计管理员岗位不设 B 岗，请另行任命",
            )
        asked = "select kind, active from account where name = $1"
        rows = await (
            connection.fetch(asked, post.stand_in)
            if connection is not None  # of the same import: outside its transaction the row is not there yet
            else self._office.sql(asked, post.stand_in)
        )
        if not rows:
            raise NotFound("there is no such account", zh="没有此账号")
        if rows[0]["kind"] != "person" or not rows[0]["active"]:
            raise Unprocessable("a stand-in is a person in service", zh="B 岗须为在用的个人账号")


def _told(post: Post) -> str:
    return f"post {post.id} {post.organisation} {post.district}".strip()
