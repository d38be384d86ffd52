"""Connections to PostgreSQL: the pool, and what a lost or refused one means."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

import asyncpg

from kangshu.base.faults import Invalid, TooLarge, Unavailable
from kangshu.base.text import Text

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

_NO_CONNECTION: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError)
"""What asyncpg raises instead of a connection; ValueError is an address that it cannot read."""
_LOST: Final = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What it raises when a connection is cut; the last, when that happens while a statement is being sent."""

_INCOMPLETE: Final = Text(
    "数据库结构不完整：请从备份恢复，或联系运行维护人员",
    "the database lacks a part of its schema: restore it from a backup, or call who operates it",
)

_REASONS: Final[Mapping[type[Exception], Text]] = {
    asyncpg.InvalidAuthorizationSpecificationError: Text(
        "数据库拒绝了该账号：请检查用户名和密码",
        "the database refuses the account: check its name and password",
    ),
    asyncpg.InvalidCatalogNameError: Text(
        "数据库服务器上没有这个库：请先建库（createdb）",
        "the server has no such database: create it first (createdb)",
    ),
    asyncpg.InsufficientPrivilegeError: Text(
        "该账号在此数据库中权限不足：请将它设为库的所有者",
        "the account may not do this in the database: make it the database's owner",
    ),
    asyncpg.UndefinedTableError: _INCOMPLETE,
    asyncpg.UndefinedFunctionError: _INCOMPLETE,
    asyncpg.UndefinedColumnError: _INCOMPLETE,
    asyncpg.ReadOnlySQLTransactionError: Text(
        "该数据库只读（备用服务器）：请连接主服务器",
        "the database is read-only (a standby): give the address of the primary",
    ),
    asyncpg.TooManyConnectionsError: Text(
        "数据库连接数已满：请减少进程数或提高 max_connections",
        "the database has no connection left: fewer workers, or a higher max_connections",
    ),
    asyncpg.DiskFullError: Text(
        "数据库磁盘已满：请先清理空间", "the database's disk is full: free space first"
    ),
    asyncpg.OperatorInterventionError: Text(
        "数据库正在启动或停止，请稍后重试", "the database is starting or stopping; try again"
    ),
    asyncpg.PostgresSystemError: Text(
        "数据库系统错误：请查看数据库日志", "the database met a system error: see its log"
    ),
    asyncpg.ClientConfigurationError: Text(
        "数据库地址无法识别：请写作 postgresql://用户@主机:端口/库名",
        "this is no database address: write postgresql://user@host:port/database",
    ),
    ValueError: Text(
        "数据库地址无法识别：请写作 postgresql://用户@主机:端口/库名",
        "this is no database address: write postgresql://user@host:port/database",
    ),
    socket.gaierror: Text(
        "找不到数据库主机：请检查主机名", "the database's host is not known: check its name"
    ),
    FileNotFoundError: Text(
        "数据库未启动（没有套接字文件）", "the database does not run (there is no such socket)"
    ),
    ConnectionRefusedError: Text(
        "该地址没有数据库应答：请检查主机、端口以及数据库是否已启动",
        "nothing answers there: check host and port, and that the database runs",
    ),
    TimeoutError: Text(
        "数据库未在限定时间内应答：请检查地址与防火墙",
        "the database does not answer in time: check the address and firewalls",
    ),
}
"""What a refusal means and what to do; the first class that fits. Nothing of the server's own words, which may
hold an address or a value."""
_REFUSALS: Final = tuple(kind for kind in _REASONS if issubclass(kind, asyncpg.PostgresError))


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
    except _NO_CONNECTION as cause:
        raise _refused(cause) from cause
    async with pool.acquire() as connection:
        major = connection.get_server_version().major
        encoding = connection.get_settings().server_encoding
    if major < LOWEST_VERSION:
        await pool.close()
        raise Unavailable(
            f"PostgreSQL {major} is too old; {LOWEST_VERSION} or later is needed",
            zh=f"PostgreSQL {major} 版本过低，需要 {LOWEST_VERSION} 或以上版本",
        )
    if encoding != "UTF8":
        await pool.close()
        raise Unavailable(
            f"the database is encoded in {encoding}; create it with encoding UTF8",
            zh=f"数据库编码为 {encoding}，请以 UTF8 编码建库",
        )
    return pool


async def connect(url: str) -> Connection:
    """Return a connection outside the pool. Raises Unavailable."""
    try:
        return await asyncpg.connect(url, server_settings=SETTINGS)
    except _NO_CONNECTION as cause:
        raise _refused(cause) from cause


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
    except _NO_CONNECTION as cause:
        raise _refused(cause) from cause
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
    except _LOST as cause:
        raise Unavailable(
            f"the database went away: {type(cause).__name__}; try again",
            zh=f"数据库连接中断（{type(cause).__name__}），请稍后重试",
        ) from cause
    except _REFUSALS as cause:
        raise _refused(cause) from cause
    finally:
        await pool.release(connection)


def retryable(cause: asyncpg.PostgresError) -> bool:
    """Return whether the same work may succeed when done again: a deadlock, or two first writers of one id."""
    if isinstance(cause, asyncpg.UniqueViolationError):
        return bool(cause.constraint_name == "resource_type_id_key")
    return isinstance(cause, asyncpg.DeadlockDetectedError | asyncpg.SerializationError)


def _refused(cause: BaseException) -> Unavailable:
    """Return what it means that there is no connection, or that the server will not work for us."""
    reason = next((said for kind, said in _REASONS.items() if isinstance(cause, kind)), None)
    if reason is None:
        reason = Text(
            f"数据库无法连接（{type(cause).__name__}）：请检查地址、端口以及数据库是否已启动",
            f"the database does not answer ({type(cause).__name__}): check the address, the port and that it runs",
        )
    return Unavailable(reason.en, zh=reason.zh)
