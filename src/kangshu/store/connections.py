"""Connections to PostgreSQL: the pool, and what a lost or refused one means."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

import asyncpg

from kangshu.base.faults import Invalid, TooLarge, Unavailable

Connection: TypeAlias = Any
"""An asyncpg connection (the pool's proxy or a plain one); asyncpg's own types do not tell them apart."""
Row: TypeAlias = Any

SETTINGS: Final = {
    "application_name": "kangshu", "jit": "off", "TimeZone": "UTC", "statement_timeout": "120s",
    "idle_in_transaction_session_timeout": "600s", "max_parallel_workers_per_gather": "0",
}  # fmt: skip
PATIENCE_SECONDS: Final = 30.0
"""How long a call waits for a free connection."""
LOWEST_VERSION: Final = 15


async def _reset(connection: Connection) -> None:
    """Leave a connection clean. No session state is ever set here, so asyncpg's four-statement RESET is not needed."""
    if connection.is_in_transaction():
        await connection.execute("ROLLBACK")


async def open_pool(url: str, size: int) -> Any:
    """Return a pool of at most `size` connections.

    Raises:
        Unavailable: the database does not answer, refuses the account, or is older than PostgreSQL 15.
    """
    try:
        pool = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=size,
            reset=_reset,
            server_settings=SETTINGS,
            statement_cache_size=1024,
            max_cached_statement_lifetime=0,
            command_timeout=None,
        )
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as cause:
        raise Unavailable(
            f"the database does not answer: {type(cause).__name__}; check the address, the password and that it runs",
            zh=f"数据库无法连接（{type(cause).__name__}），请检查地址、密码以及数据库是否已启动",
        ) from cause
    async with pool.acquire() as connection:
        major = connection.get_server_version().major
    if major < LOWEST_VERSION:
        await pool.close()
        raise Unavailable(
            f"PostgreSQL {major} is too old; {LOWEST_VERSION} or later is needed",
            zh=f"PostgreSQL {major} 版本过低，需要 {LOWEST_VERSION} 或以上版本",
        )
    return pool


@asynccontextmanager
async def acquired(pool: Any) -> AsyncIterator[Connection]:
    """Give a connection of the pool; a lost one is Unavailable.

    Raises:
        Unavailable: the database went away, or no connection came free in half a minute.
        TooLarge: a statement ran for two minutes, or took more locks than there are.
        Invalid: a value that PostgreSQL does not take.
    """
    try:
        connection = await pool.acquire(timeout=PATIENCE_SECONDS)
    except TimeoutError as cause:
        raise Unavailable("the database is busy; try again", zh="数据库繁忙，请稍后重试") from cause
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as cause:
        raise _lost(cause) from cause
    try:
        yield connection
    except (asyncpg.DataError, asyncpg.ProgramLimitExceededError, UnicodeEncodeError) as cause:
        raise Invalid(
            "a value cannot be stored or compared: a NUL sign, a number or date out of range, an overlong code",
            zh="存在无法存储或比较的值（空字符、超出范围的数字或日期）",
        ) from cause
    except asyncpg.OutOfMemoryError as cause:
        raise TooLarge("this is too much at once; split it", zh="一次提交的内容过多，请拆分") from cause
    except asyncpg.QueryCanceledError as cause:
        raise TooLarge("this took too long; narrow what is asked", zh="操作耗时过长，请缩小范围") from cause
    except (
        OSError,
        asyncpg.PostgresConnectionError,
        asyncpg.InterfaceError,
        asyncpg.CannotConnectNowError,
    ) as cause:
        raise _lost(cause) from cause
    finally:
        await pool.release(connection)


def _lost(cause: BaseException) -> Unavailable:
    return Unavailable(
        f"the database went away: {type(cause).__name__}; try again",
        zh=f"数据库连接中断（{type(cause).__name__}），请稍后重试",
    )
