"""A real PostgreSQL for the tests: Debian's binaries on a socket of their own, or KANGSHU_TEST_DATABASE.

`database_url` gives each test a fresh database, cloned from a template that was migrated once per run and worker.
With KANGSHU_NO_SKIP=1 (as in CI) a test that skips because a program is missing fails; only what lies beside the
project (../shared) and PySpark, which is optional, may be absent.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import asyncpg
import pytest

from kangshu.store import Store
from tests.databases import database
from tests.demo_city import DemoCities

_NUMBERS = itertools.count()
_MAY_BE_ABSENT = ("../shared", "PySpark")
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "unix_socket_directories": "",
    "log_min_messages": "fatal",
}
"""The tests throw their data away: nothing needs to survive a power cut."""
_LASTING = (
    "tests/app/test_supervisor.py",
    "tests/app/test_demo.py",
    "tests/municipality/test_making.py",
    "tests/app/test_cli.py",
    "tests/attacks/test_uploads.py",
    "tests/scenarios/test_scenarios.py",
    "tests/attacks/test_pages.py",
    "tests/attacks/test_proofs.py",
    "tests/attacks/test_records_of_strangers.py",
    "tests/differential/test_same_people.py",
    "tests/web_plans/test_instructions.py",
    "tests/measures/test_commands.py",
    "tests/municipality/test_realism.py",
    "tests/app/test_fresh.py",
)
"""The modules of more than a minute or two."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the modules that last long first: begun last, one of them keeps a worker while the others are done."""
    order = {config.rootpath / name: number for number, name in enumerate(_LASTING)}
    items.sort(key=lambda one: order.get(one.path, len(order)))


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    return found[-1] if found else None


def _as_postgres() -> dict[str, object]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam("postgres")
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _start(folder: Path, binaries: Path, port: int) -> subprocess.Popen[bytes]:
    account = _as_postgres()
    data = folder / "data"
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "kangshu", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
        check=True, stdout=subprocess.DEVNULL, cwd=folder, **account,
    )  # fmt: skip
    options = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
    return subprocess.Popen(
        [binaries / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port), *options],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **account,
    )  # fmt: skip


async def _await_answer(url: str) -> None:
    for _ in range(600):
        try:
            connection = await asyncpg.connect(url)
        except (OSError, asyncpg.CannotConnectNowError):
            await asyncio.sleep(0.05)
        else:
            await connection.close()
            return
    raise TimeoutError("the test database did not come up")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of a PostgreSQL server whose databases the tests may make and drop."""
    given = os.environ.get("KANGSHU_TEST_DATABASE")
    if given:
        yield given
        return
    binaries = _binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL: install one, or set KANGSHU_TEST_DATABASE to the URL of a server")
    folder = Path(tempfile.mkdtemp(prefix="kangshu-test-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    port = _free_port()
    server = _start(folder, binaries, port)
    url = f"postgresql://kangshu@127.0.0.1:{port}/postgres"
    try:
        asyncio.run(_await_answer(url))
        yield url
    finally:
        server.terminate()
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def demo_cities(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoCities]:
    """Copies of the demonstration city: making one takes much longer than all tests of many a module."""
    cities = DemoCities(postgres_url, tmp_path_factory)
    yield cities
    cities.close()


@pytest.fixture(scope="session")
def template_database(postgres_url: str) -> Iterator[str]:
    """The name of a database whose schema is migrated; one per worker of the run."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"kangshu_template_{worker}_{os.getpid()}"

    async def migrate(url: str) -> None:
        store = await Store.open(url, pool=2)
        # the secret is per installation: a clone makes its own
        await store.close()

    with database(postgres_url, name) as url:
        asyncio.run(migrate(url))
        yield name


@pytest.fixture
def database_url(postgres_url: str, template_database: str) -> Iterator[str]:
    """The URL of a fresh, migrated database."""
    with database(postgres_url, f"{template_database}_{next(_NUMBERS)}", template_database) as url:
        yield url


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """An open store on a fresh database."""
    async with await Store.open(database_url, pool=4) as opened:
        yield opened


def _may_not_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("KANGSHU_NO_SKIP") != "1" or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
    if not any(absent in reason for absent in _MAY_BE_ABSENT):
        report.outcome = "failed"
        report.longrepr = f"KANGSHU_NO_SKIP: nothing may be missing here. {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test into a failed one where nothing may be missing."""
    report = yield
    _may_not_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that skips as a whole."""
    report = yield
    _may_not_skip(report)
    return report
