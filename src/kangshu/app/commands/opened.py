"""What the commands on an installation share: their options, and a platform opened for one piece of work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import typer

from kangshu.access import Grant, system_grant
from kangshu.api import Platform
from kangshu.app.installation import DEFAULT_FOLDER, Identity, Installation
from kangshu.app.speech import Speech
from kangshu.app.wiring import Place, open_platform

T = TypeVar("T")

DEFAULT = Path(DEFAULT_FOLDER)


def folder_option(say: Speech) -> Any:
    """Return the option `--data-dir`."""
    return typer.Option("--data-dir", help=say("data folder of the installation", "实例的数据目录"))


def database_option(say: Speech) -> Any:
    """Return the option `--db`."""
    return typer.Option(
        "--db",
        envvar="KANGSHU_DB",
        help=say(
            "URL of an external PostgreSQL 15+; it is remembered",
            "外部 PostgreSQL 15+ 的连接地址（记住一次即可）",
        ),
    )


def run_with_platform(
    folder: Path,
    database: str,
    work: Callable[[Platform, Grant], Awaitable[T]],
    *,
    existing: bool = False,
    identity: Identity | None = None,
) -> T:
    """Return what `work` returns on the installation in `folder`, with the grant of the product itself.

    The running database is used where there is one, else the embedded one is started for this while. Where no
    installation is yet, one without a name is made; with `existing`, that raises NotFound. When the work is done,
    the installation is `identity`, if that is given.
    """
    installation = Installation(folder, database_url=database, existing=existing)
    known = identity or installation.identity() or Identity("")
    with installation.database() as url:

        async def opened() -> T:
            place = Place(installation.folder, installation.views, known)
            async with open_platform(url, place, pool=4) as platform:
                return await work(platform, system_grant("command line"))

        done = asyncio.run(opened())
        installation.remember_database()
        if identity is not None or installation.identity() is None:
            installation.found(known)
        return done
