"""What is looked up about an account's post when its grant is opened: the organisations below its own.

Answers are kept for half a minute per organisation, so that opening a grant costs nothing in the common case. Who is
in an organisation's care is looked up by the store with each call, and never kept.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final, LiteralString

from kangshu.search import parameters_of
from kangshu.store import Store

TREE_SECONDS: Final = 30.0

# Narrow rows only: no record is read here.
_POINTING: Final[LiteralString] = """
from resource_type t
join parameter p on p.type = t.type and p.code = any($2::text[])
join index_reference i on i.param = p.param and i.target = any($3::text[])
    and i.target_type = (select type from resource_type where name = 'Organization')
join resource r on r.key = i.key
where t.name = $1 and not r.deleted"""
_BELOW: Final[LiteralString] = "select distinct r.id as found" + _POINTING

_WITH_ACCOUNT: Final[LiteralString] = """
select 1 from post join account on account.name = post.account
where post.practitioner = $1 and post.ended is null and account.active limit 1"""


async def has_account(store: Store, practitioner: str) -> bool:
    """Return whether a Practitioner (an id) holds a post with an account that is open."""
    async with store.connection() as connection:
        return bool(await connection.fetch(_WITH_ACCOUNT, practitioner))


class Posts:
    """The look-ups, with their short memory. One per process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: dict[tuple[str, frozenset[str]], tuple[float, frozenset[str]]] = {}

    def forget(self) -> None:
        """Forget what was looked up: the next grant sees the present state."""
        self._kept.clear()

    async def organisations(self, root: str) -> frozenset[str]:
        """Return the ids of organisation `root` and of every organisation below it."""
        if not root:
            return frozenset()

        async def look(roots: frozenset[str]) -> frozenset[str]:
            found, edge = set(roots), set(roots)
            while edge:
                below = await self._rows(
                    _BELOW, "Organization", _indexed("Organization", "partof"), sorted(edge)
                )
                edge = below - found
                found |= edge
            return frozenset(found)

        return await self._remembered("tree", frozenset({root}), TREE_SECONDS, look)

    async def _rows(self, statement: LiteralString, *values: object) -> set[str]:
        async with self._store.connection() as connection:
            return {row["found"] for row in await connection.fetch(statement, *values)}

    async def _remembered(
        self,
        kind: str,
        key: frozenset[str],
        seconds: float,
        look: Callable[[frozenset[str]], Awaitable[frozenset[str]]],
    ) -> frozenset[str]:
        if not key:
            return key
        kept = self._kept.get((kind, key))
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        found = await look(key)
        self._kept[(kind, key)] = (time.monotonic() + seconds, found)
        return found


def _indexed(kind: str, parameter: str) -> list[str]:
    """Return the names under which the entries of a search parameter are kept."""
    return [one.code for one in parameters_of(kind).simple[parameter].sources]
