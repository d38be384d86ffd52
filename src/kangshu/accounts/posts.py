"""What is looked up about an account's post when its grant is opened: organisations below it, residents it cares for.

Answers are kept for a few seconds per organisation, so that opening a grant costs nothing in the common case; a
referral accepted now is seen by the receiving hospital when `SHARED_SECONDS` have passed at the latest.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from kangshu.access import Grant, system_grant
from kangshu.base.canonical import CASE_KIND
from kangshu.search import parse_query

if TYPE_CHECKING:
    from kangshu.store import Store

TREE_SECONDS: Final = 30.0
OWN_SECONDS: Final = 15.0
SHARED_SECONDS: Final = 3.0

_PAGE: Final = 1000
_OPEN: Final = "draft,requested,received,accepted,ready,in-progress,on-hold"
_CHUNK: Final = 200


class Posts:
    """The look-ups, with their short memory. One per process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._grant: Grant = system_grant("opening a grant")
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
                below = await self._find("Organization", "partof", edge, (), lambda one: one["id"])
                edge = below - found
                found |= edge
            return frozenset(found)

        return await self._remembered("tree", frozenset({root}), TREE_SECONDS, look)

    async def own_patients(self, organisations: frozenset[str]) -> frozenset[str]:
        """Return the residents in the care of `organisations`: managed, under contract, or living there."""

        async def look(ids: frozenset[str]) -> frozenset[str]:
            found = await self._find("Patient", "organization", ids, (), lambda one: one["id"])
            found |= await self._find(
                "Contract",
                "authority",
                ids,
                (("status", "executed"),),
                lambda one: [_patient(who) for who in one.get("subject", ())],
            )
            found |= await self._find(
                "EpisodeOfCare",
                "organization",
                ids,
                (("status", "active"),),
                lambda one: _patient(one.get("patient")),
            )
            return frozenset(found - {""})

        return await self._remembered("own", organisations, OWN_SECONDS, look)

    async def shared_patients(self, organisations: frozenset[str]) -> frozenset[str]:
        """Return the residents of open cases that `organisations` own or have asked for."""

        async def look(ids: frozenset[str]) -> frozenset[str]:
            found: set[str] = set()
            criteria = (("status", _OPEN), ("code", f"{CASE_KIND}|"))
            for role in ("owner", "requester"):
                found |= await self._find("Task", role, ids, criteria, lambda one: _patient(one.get("for")))
            return frozenset(found - {""})

        return await self._remembered("shared", organisations, SHARED_SECONDS, look)

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

    async def _find(
        self,
        resource_type: str,
        parameter: str,
        organisations: Iterable[str],
        criteria: tuple[tuple[str, str], ...],
        pick: Callable[[dict[str, Any]], Any],
    ) -> set[str]:
        found: set[str] = set()
        ids = sorted(organisations)
        for start in range(0, len(ids), _CHUNK):
            values = ",".join(f"Organization/{one}" for one in ids[start : start + _CHUNK])
            query = parse_query(
                resource_type, [(parameter, values), *criteria, ("_count", str(_PAGE)), ("_total", "none")]
            )
            cursor: str | None = None
            while True:
                page = await self._store.search(self._grant, query, cursor)
                for entry in page.entries:
                    picked = pick(entry.resource)
                    found.update([picked] if isinstance(picked, str) else picked)
                cursor = page.next
                if cursor is None:
                    break
        return found


def _patient(reference: Any) -> str:
    """Return the id of a reference to a Patient, "" for any other."""
    target = reference.get("reference", "") if isinstance(reference, dict) else ""
    return target.removeprefix("Patient/") if target.startswith("Patient/") else ""
