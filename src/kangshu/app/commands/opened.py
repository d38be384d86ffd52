"""What the commands on an installation share: their options, and a platform opened for one piece of work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from kangshu.access import Grant, system_grant
from kangshu.api import Platform
from kangshu.app.installation import DEFAULT_FOLDER, Identity, Installation
from kangshu.app.wiring import Place, open_platform

T = TypeVar("T")

DataFolder = Annotated[
    Path, typer.Option("--data-dir", help="data folder of the installation 实例的数据目录")
]
Database = Annotated[
    str, typer.Option("--db", envvar="KANGSHU_DB", help="URL of an external PostgreSQL 外部数据库地址")
]
DEFAULT = Path(DEFAULT_FOLDER)


def run_with_platform(
    folder: Path, database: str, work: Callable[[Platform, Grant], Awaitable[T]], *, existing: bool = False
) -> T:
    """Return what `work` returns on the installation in `folder`, with the grant of the product itself.

    The running database is used where there is one, else the embedded one is started for this while. Where no
    installation is yet, one without a name is made; with `existing`, that raises NotFound.
    """
    installation = Installation(folder, database_url=database, existing=existing)
    identity = installation.identity() or installation.found(Identity(""))
    with installation.database() as url:

        async def opened() -> T:
            place = Place(installation.folder, installation.views, identity)
            async with open_platform(url, place, pool=4) as platform:
                return await work(platform, system_grant("command line"))

        return asyncio.run(opened())
