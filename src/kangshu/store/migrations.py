"""Schema versions: numbered SQL files of this package, each applied once, under an advisory lock."""

from __future__ import annotations

from importlib.resources import files

from kangshu.base.faults import Unavailable
from kangshu.store.connections import Connection


def _steps() -> list[tuple[int, str, str]]:
    folder = files("kangshu.store").joinpath("schema")
    found = [entry for entry in folder.iterdir() if entry.name.endswith(".sql")]
    return sorted((int(entry.name[:4]), entry.name, entry.read_text(encoding="utf-8")) for entry in found)


async def migrate(connection: Connection) -> int:
    """Bring the schema to this program's version and return it. Each step commits on its own.

    Raises:
        Unavailable: the database was written by a newer program.
    """
    steps = _steps()
    async with connection.transaction():
        await connection.execute("set local statement_timeout = 0")
        await connection.execute("select pg_advisory_xact_lock(7301, 0)")
        if await connection.fetchval("select to_regclass('schema_version')") is None:
            await connection.execute(
                "create table schema_version "
                "(step integer primary key, name text not null, applied timestamptz not null default now())"
            )
        applied = {row["step"] for row in await connection.fetch("select step from schema_version")}
        done = max(applied, default=0)
        if done > steps[-1][0]:
            raise Unavailable(
                f"the data was written by a newer version (schema {done}, this program knows {steps[-1][0]})",
                zh=f"数据由更新版本写入（结构版本 {done}，本程序为 {steps[-1][0]}），请升级程序",
            )
        for step, name, text in steps:
            if step not in applied:
                await connection.execute(text)
                await connection.execute(
                    "insert into schema_version (step, name) values ($1, $2)", step, name
                )
    return steps[-1][0]
