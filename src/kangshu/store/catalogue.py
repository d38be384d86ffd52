"""Numbers for names: resource types, search parameters and code systems, as this database has them."""

from __future__ import annotations

from typing import Final

from kangshu.fhir import definitions
from kangshu.search import parameters_of, shorten
from kangshu.store.connections import Connection

NOWHERE: Final = 0
"""Target type of a reference that leads outside."""


class Catalogue:
    """The dictionaries of one database. Types and parameters are complete after `load`; systems grow."""

    def __init__(self) -> None:
        self.types: dict[str, int] = {}
        self.type_names: dict[int, str] = {}
        self.params: dict[tuple[str, str], int] = {}
        self.systems: dict[str, int] = {}

    async def load(self, connection: Connection) -> None:
        """Read the dictionaries, and add the types and parameters that this program knows and they lack."""
        names = list(definitions().resource_types)
        await connection.execute(
            """insert into resource_type (type, name)
            select (select coalesce(max(type), 0) from resource_type) + row_number() over (order by n.ordinality), n.name
            from unnest($1::text[]) with ordinality n(name, ordinality)
            where not exists (select 1 from resource_type t where t.name = n.name)""",
            names,
        )
        rows = await connection.fetch("select type, name from resource_type")
        self.types = {row["name"]: row["type"] for row in rows}
        self.type_names = {row["type"]: row["name"] for row in rows}
        wanted = [(self.types[name], code) for name in names for code in _codes(name)]
        await connection.execute(
            """insert into parameter (param, type, code)
            select (select coalesce(max(param), 0) from parameter) + row_number() over (order by n.ordinality), n.type, n.code
            from unnest($1::smallint[], $2::text[]) with ordinality n(type, code, ordinality)
            where not exists (select 1 from parameter p where p.type = n.type and p.code = n.code)""",
            [one[0] for one in wanted],
            [one[1] for one in wanted],
        )
        for row in await connection.fetch("select param, type, code from parameter"):
            self.params[self.type_names[row["type"]], row["code"]] = row["param"]
        for row in await connection.fetch("select system, url from code_system"):
            self.systems[row["url"]] = row["system"]

    def param(self, type: str, code: str) -> int:
        """Return the number of an indexed parameter; -1 for one that is not indexed."""
        return self.params.get((type, code), -1)

    def type(self, name: str) -> int:
        """Return the number of a type; -1 for an unknown one."""
        return self.types.get(name, -1)

    async def add_systems(self, connection: Connection, urls: set[str]) -> None:
        """Number code systems not seen before. `connection` must not be in a transaction that may roll back."""
        missing = [url for url in urls if url not in self.systems]
        if not missing:
            return
        await connection.execute(
            "insert into code_system (url) select u from unnest($1::text[]) u on conflict (url) do nothing",
            sorted({shorten(url) for url in missing}),
        )
        rows = await connection.fetch(
            "select system, url from code_system where url = any($1::text[])",
            [shorten(url) for url in missing],
        )
        found = {row["url"]: row["system"] for row in rows}
        for url in missing:
            self.systems[url] = found[shorten(url)]

    async def system(self, connection: Connection, url: str) -> int:
        """Return the number of a code system asked for; -1 when no record has named it."""
        known = self.systems.get(url)
        if known is None:
            known = await connection.fetchval("select system from code_system where url = $1", shorten(url))
            if known is None:
                return -1
            self.systems[url] = known
        return known


def _codes(type: str) -> list[str]:
    declared = parameters_of(type)
    codes = [parameter.name for parameter in declared.simple.values() if parameter.own]
    for composite in declared.composite.values():
        if composite.group is not None:
            codes.extend(component.code for component, _ in composite.group.components)
    return codes
