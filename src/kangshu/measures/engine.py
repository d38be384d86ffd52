"""DuckDB connections: bounded memory, no network, and no files but those named when opened."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb

WEB_MEMORY: Final = "256MB"
WORKER_MEMORY: Final = "1GB"
_PLACEHOLDER: Final = re.compile(r"\$([a-z_][a-z0-9_]*)")


def connect(
    *,
    memory: str = WEB_MEMORY,
    threads: int = 2,
    readable: Sequence[Path] = (),
    spill: bool = False,
) -> duckdb.DuckDBPyConnection:
    """Return a connection to an empty in-memory database.

    It may use `memory` and `threads`, and read and write only files in the folders `readable`; with `spill` what
    does not fit in memory goes to a folder in the first of them, else it is a fault. Extensions are never fetched,
    and the settings can no longer be changed.
    """
    overflow = str(readable[0].resolve() / "spill") if spill and readable else ""
    config = {"memory_limit": memory, "threads": threads, "temp_directory": overflow}
    connection = duckdb.connect(":memory:", config=config)
    connection.execute("SET TimeZone = 'Asia/Shanghai'")
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    # DuckDB 2.0.0 refuses some joins of millions of rows where chunks with shared dictionaries are gathered ("dict-surviving
    # cache: global dictionary column … changed identity"); rows that are passed on as they come take no longer
    connection.execute("SET enable_caching_operators = false")
    if readable:
        folders = [f"{folder.resolve()}/" for folder in readable]
        connection.execute(f"SET allowed_directories = [{', '.join(quoted(one) for one in folders)}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def quoted(text: str) -> str:
    """Return `text` as a SQL string literal, for statements that take no bound values (SET, COPY … TO)."""
    return "'" + text.replace("'", "''") + "'"


def placeholders(sql: str) -> frozenset[str]:
    """Return the names of the values that `sql` wants bound, written `$name`."""
    return frozenset(_PLACEHOLDER.findall(sql))


def bound(sql: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of `values` that `sql` names: DuckDB refuses one too many."""
    return {name: values[name] for name in placeholders(sql) if name in values}
