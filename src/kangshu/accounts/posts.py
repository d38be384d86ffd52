"""What is looked up about an account's post when its grant is opened: organisations below it, residents it cares for.

Answers are kept for a few seconds per organisation, so that opening a grant costs nothing in the common case; a
referral accepted now is seen by the receiving hospital when `SHARED_SECONDS` have passed at the latest.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final, LiteralString

from kangshu.base.canonical import CASE_KIND
from kangshu.search import parameters_of
from kangshu.store import Store

TREE_SECONDS: Final = 30.0
OWN_SECONDS: Final = 15.0
SHARED_SECONDS: Final = 3.0

_PRESENT: Final = ("arrived", "triaged", "in-progress", "onleave")
"""Encounters that go on: with the visit's end the resident leaves the institution's care."""
_OPEN: Final = ("requested", "received", "accepted", "ready", "in-progress", "on-hold")
"""Cases that go on. A draft has been sent to nobody, so it opens nothing."""

# Narrow rows only: a centre may have fifty thousand residents, and none of their records is read here.
_POINTING: Final[LiteralString] = """
from resource_type t
join parameter p on p.type = t.type and p.code = any($2::text[])
join index_reference i on i.param = p.param and i.target = any($3::text[])
    and i.target_type = (select type from resource_type where name = 'Organization')
join resource r on r.key = i.key
where t.name = $1 and not r.deleted"""
_BELOW: Final[LiteralString] = "select distinct r.id as found" + _POINTING
_RESIDENTS: Final[LiteralString] = (  # literals alone
    "select distinct r.patient as found"  # noqa: S608
    + _POINTING
    + """ and r.patient <> '' and (cardinality($4::text[]) = 0 or exists (
    select 1 from index_token k join parameter q on q.param = k.param
    where k.key = r.key and q.type = t.type and q.code = 'status' and k.code = any($4::text[])))
and ($5 = '' or exists (
    select 1 from index_token k join parameter q on q.param = k.param join code_system s on s.system = k.system
    where k.key = r.key and q.type = t.type and q.code = 'code' and s.url = $5))"""
)


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

    async def own_patients(self, organisations: frozenset[str]) -> frozenset[str]:
        """Return the residents in the care of `organisations`: managed, under contract, living or being treated there."""

        async def look(ids: frozenset[str]) -> frozenset[str]:
            found = await self._residents("Patient", ("organization",), ids)
            found |= await self._residents("Contract", ("authority",), ids, ("executed",))
            found |= await self._residents("EpisodeOfCare", ("organization",), ids, ("active",))
            found |= await self._residents("Encounter", ("service-provider",), ids, _PRESENT)
            return frozenset(found)

        return await self._remembered("own", organisations, OWN_SECONDS, look)

    async def shared_patients(self, organisations: frozenset[str]) -> frozenset[str]:
        """Return the residents of open cases that `organisations` own or have asked for.

        Only Tasks that the case engine keeps count: anybody may write another Task about anybody.
        """

        async def look(ids: frozenset[str]) -> frozenset[str]:
            return frozenset(await self._residents("Task", ("owner", "requester"), ids, _OPEN, CASE_KIND))

        return await self._remembered("shared", organisations, SHARED_SECONDS, look)

    async def _residents(
        self,
        kind: str,
        references: tuple[str, ...],
        organisations: frozenset[str],
        statuses: tuple[str, ...] = (),
        code_system: str = "",
    ) -> set[str]:
        codes = [code for name in references for code in _indexed(kind, name)]
        return await self._rows(_RESIDENTS, kind, codes, sorted(organisations), list(statuses), code_system)

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
