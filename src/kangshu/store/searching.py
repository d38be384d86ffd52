"""A `Query` under a `Grant` → pages. Passes: narrow rows (filter, grant, sort, limit) → bodies → includes."""

# ruff: noqa: S608  # the text is of literals and aliases made here; every value is bound
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from kangshu.access import Grant
from kangshu.base.canonical import RESIDENT_ID
from kangshu.base.faults import TooLarge
from kangshu.search import LARGEST_PAGE, Include, Query, parse_criteria
from kangshu.store.conditions import Conditions, systems_of
from kangshu.store.connections import Row
from kangshu.store.cursors import listing_of
from kangshu.store.fields import check_sort, sees_every_number
from kangshu.store.ordering import Ordering
from kangshu.store.reading import Reader
from kangshu.store.records import Page, Stored
from kangshu.store.sql import Binder, readable_sql

MOST_INCLUDED: Final = 10_000
_DEEPEST_ITERATION: Final = 8
MOST_FOUND: Final = 10_000
"""Most matches that `find_all` returns."""
_COLUMNS: Final = "r.key, r.type, r.id, r.version, r.deleted, r.updated, r.district, r.organisations, r.patient, r.labels, r.codec, r.body, r.account"


class Search:
    """One search through one reader."""

    def __init__(self, reader: Reader, grant: Grant, query: Query) -> None:
        self._reader = reader
        self._grant = grant
        self._query = query
        self._systems: dict[str, int] = {}

    async def _prepare(self) -> None:
        catalogue = self._reader.catalogue
        for url in systems_of(self._query.where):
            self._systems[url] = await catalogue.system(self._reader.connection, url)
        if not sees_every_number(self._grant):
            self._systems[RESIDENT_ID] = await catalogue.system(self._reader.connection, RESIDENT_ID)
        check_sort(self._grant, self._query)

    def _where(self, binder: Binder) -> tuple[str, str, Conditions]:
        """Return what is read (`resource r` and its joins), the condition, and the compiler of both."""
        reader, query = self._reader, self._query
        conditions = Conditions(self._grant, reader.catalogue, self._systems, binder)
        parts = [
            f"r.type = {binder.bind(reader.catalogue.type(query.type), 'smallint')}",
            "not r.deleted",
            readable_sql(self._grant, "r", reader.catalogue, binder, query.type),
        ]
        tables = "resource r"
        for clause in query.where:
            joined = conditions.join(query.type, clause)
            if joined is None:
                parts.append(conditions.clause(query.type, clause, "r"))
            else:
                table, condition = joined
                parts.extend(conditions.clear(query.type, clause, "r"))
                tables += f" join {table} on {table.rpartition(' ')[2]}.key = r.key and {condition}"
        return tables, " and ".join(f"({part})" for part in parts), conditions

    async def count(self) -> int:
        """Return the number of matches that the grant admits."""
        await self._prepare()
        binder = Binder()
        tables, where, _ = self._where(binder)
        sql = f"select count(*) from {tables} where {where}"
        found: int = await self._reader.connection.fetchval(sql, *binder.values)
        return found

    async def page(self, cursor: str | None) -> Page:
        """Return one page with what it includes.

        Raises:
            NotFound: a cursor of another account or query.
            TooLarge: more than 10,000 included records.
        """
        query = self._query
        if query.count_only:
            return Page([], [], await self.count(), None)
        await self._prepare()
        listing = listing_of(query)
        binder = Binder()
        tables, where, conditions = self._where(binder)
        position = None if cursor is None else self._reader.cursors.read(self._grant, listing, cursor)
        ordering = Ordering(query, conditions, binder)
        limit = binder.bind(query.count + 1, "bigint")
        narrow = ordering.narrow(tables, where, position, limit, self._grant.may_read(query.type))
        shown = ", ".join(["page.n", *(f"page.s{at}" for at in range(ordering.width)), _COLUMNS])
        sql = f"""with narrow as materialized ({narrow}), page as (select *, row_number() over () as n from narrow)
            select {shown} from page join resource r on r.key = page.key order by page.n"""
        rows = await self._reader.connection.fetch(sql, *binder.values)
        await self._reader.learn(rows)
        matches = [self._reader.stored(row, query.type) for row in rows[: query.count]]
        entries = await self._reader.shown(self._grant, matches)
        more = None
        if len(rows) > query.count:
            last = rows[query.count - 1]
            more = self._reader.cursors.write(
                self._grant, listing, [*(last[f"s{at}"] for at in range(ordering.width)), last["key"]]
            )
        total: int | None = None
        if cursor is None and more is None:
            total = len(entries)
        elif query.total != "none":
            total = await self.count()
        included = await self._included(entries) if query.includes else []
        included = await self._reader.shown(self._grant, included)
        return Page(entries, included, total, more)

    async def _included(self, matches: list[Stored]) -> list[Stored]:
        seen = {match.key for match in matches}
        found: list[Stored] = []
        front = matches
        for depth in range(_DEEPEST_ITERATION):
            fresh: list[Stored] = []
            for include in self._query.includes:
                if depth and not include.iterate:
                    continue
                for row in await self._follow(include, front):
                    if row["key"] not in seen:
                        seen.add(row["key"])
                        fresh.append(self._reader.stored(row))
            found.extend(fresh)
            if len(found) > MOST_INCLUDED:
                raise TooLarge(
                    f"more than {MOST_INCLUDED} included records; ask for a smaller page",
                    zh=f"关联记录超过 {MOST_INCLUDED} 条，请减小每页数量",
                )
            if not fresh or not any(include.iterate for include in self._query.includes):
                break
            front = fresh
        return found

    async def _follow(self, include: Include, front: list[Stored]) -> list[Row]:
        binder = Binder()
        catalogue = self._reader.catalogue
        conditions = Conditions(self._grant, catalogue, {}, binder)
        if include.reverse:
            ids = [one.id for one in front if not include.target or one.type == include.target]
            types = {one.type for one in front}
            if not ids or (include.target and include.target not in types):
                return []
            params = conditions.params(include.type, include.sources, "x")
            pairs = [(catalogue.type(one.type), one.id) for one in front]
            kinds, targets = (
                binder.bind([p[0] for p in pairs], "smallint[]"),
                binder.bind([p[1] for p in pairs], "text[]"),
            )
            readable = readable_sql(self._grant, "r", catalogue, binder, include.type)
            sql = f"""select {_COLUMNS} from resource r where not r.deleted and {readable} and r.key in (
                select x.key from index_reference x join unnest({kinds}, {targets}) as f(type, id)
                on x.target_type = f.type and x.target = f.id where {params})
                order by r.key limit {MOST_INCLUDED + 1}"""
        else:
            keys = [one.key for one in front if one.type == include.type]
            if not keys:
                return []
            params = conditions.params(include.type, include.sources, "x")
            wanted = ""
            if include.target:
                wanted = f"and x.target_type = {binder.bind(catalogue.type(include.target), 'smallint')}"
            readable = readable_sql(self._grant, "r", catalogue, binder)
            sql = f"""select {_COLUMNS} from resource r where not r.deleted and {readable} and (r.type, r.id) in (
                select x.target_type, x.target from index_reference x
                where x.key = any({binder.bind(keys, "bigint[]")}) and {params} {wanted})
                order by r.key limit {MOST_INCLUDED + 1}"""
        rows: list[Row] = await self._reader.connection.fetch(sql, *binder.values)
        await self._reader.learn(rows)
        return rows


async def find_all(reader: Reader, grant: Grant, type: str, criteria: str | Query) -> Sequence[Stored]:
    """Return every match of `criteria`.

    Raises:
        TooLarge: more than 10,000.
    """
    query = parse_criteria(type, criteria) if isinstance(criteria, str) else criteria
    query = replace(query, count=LARGEST_PAGE, count_only=False, includes=())
    found: list[Stored] = []
    cursor: str | None = None
    while True:
        page = await Search(reader, grant, query).page(cursor)
        found.extend(page.entries)
        if len(found) > MOST_FOUND:
            raise TooLarge(
                f"more than {MOST_FOUND} matches; narrow the criteria",
                zh=f"匹配超过 {MOST_FOUND} 条，请缩小条件",
            )
        if page.next is None:
            return found
        cursor = page.next
