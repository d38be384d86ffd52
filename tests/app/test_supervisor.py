"""The supervisor: it stops cleanly at any time, leaves nobody behind, and brings back what ends."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from .conftest import Start
from .product import KANGSHU, Product, family, gone, kangshu, kill, one_line, processes

PATIENTS = "/fhir/Patient?_count=1"


def _token(folder: Path) -> str:
    made = kangshu("token", "create", "--account", "system", "--ttl", "1h", "--data-dir", folder)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip().splitlines()[-1]


def test_it_stops_on_request_and_leaves_no_process(start: Start, tmp_path: Path) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        product = start(tmp_path / "city", "serve").serving()
        assert product.stop(number) == 0
        assert not (tmp_path / "city" / "running.json").exists()
        assert "Traceback" not in product.said()


def test_it_stops_while_it_starts(start: Start, tmp_path: Path) -> None:
    product = start(tmp_path / "city", "serve")
    end = time.monotonic() + 60
    while not (tmp_path / "city" / "logs").exists() and time.monotonic() < end:
        time.sleep(0.01)
    assert product.stop(signal.SIGTERM) in (0, 130)
    assert "Traceback" not in product.said()
    assert start(tmp_path / "city", "serve").serving().stop() == 0


def test_what_ends_comes_back(start: Start, tmp_path: Path) -> None:
    product = start(tmp_path / "city", "serve", workers=2).serving()
    token = _token(product.folder)
    product.await_status(PATIENTS, token)
    old = {*product.workers("web"), *product.workers("background")}
    assert len(old) == 3
    for one in old:
        kill(one)
    end = time.monotonic() + 60
    while len({*product.workers("web"), *product.workers("background")} - old) < 3 and time.monotonic() < end:
        time.sleep(0.05)
    product.await_status(PATIENTS, token)
    _ends_and_comes_back(product, token, lambda: kill(product.postgres()), 1)
    _ends_and_comes_back(product, token, lambda: _socket(product).unlink(), 2)
    everyone = family(product.process.pid)
    kill(product.postgres())
    assert product.process.wait(60) == 1
    assert "the database keeps ending; stopped" in product.said()
    assert gone(everyone)
    assert "Traceback" not in product.said()


def _ends_and_comes_back(product: Product, token: str, end: Callable[[], None], times: int) -> None:
    """Let the database end, and wait until all is as before: workers that are told to go may still answer."""
    old = {*product.workers("web"), *product.workers("background")}
    end()
    product.await_said("the database has ended; it is started again", times=times)
    assert gone(old)
    product.await_status(PATIENTS, token)


def _socket(product: Product) -> Path:
    location = product.folder / "postgres.location"
    home = Path(location.read_text("utf-8").strip()) if location.exists() else product.folder
    return home / "run" / ".s.PGSQL.5432"


def test_a_killed_supervisor_takes_its_workers_along_and_the_database_is_taken_over(
    start: Start, tmp_path: Path
) -> None:
    product = start(tmp_path / "city", "serve").serving()
    token, database = _token(product.folder), product.postgres()
    workers = {*product.workers("web"), *product.workers("background")}
    kill(product.process.pid)
    again = start(tmp_path / "city", "serve", port=product.port)  # at once, on the same port
    again.await_said("serving at")
    assert gone(workers | {database})
    again.await_status(PATIENTS, token)
    assert again.stop() == 0


def test_a_command_that_is_stopped_stops_the_database_that_it_started(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "city"
    start(folder, "serve").stop()
    for number in (signal.SIGTERM, signal.SIGINT):
        command = subprocess.Popen(
            [KANGSHU, "token", "create", "--account", "system", "--data-dir", folder],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        while not any(
            "/postgres -D" in words and parent == command.pid for parent, words in processes().values()
        ):
            assert command.poll() is None
            time.sleep(0.01)
        everyone = family(command.pid)
        command.send_signal(number)
        out, err = command.communicate(timeout=60)
        assert command.returncode in (0, 130)  # 0 when it was done before the signal came
        assert b"Traceback" not in out + err
        assert gone(everyone)


def test_one_folder_runs_once(start: Start, tmp_path: Path) -> None:
    product = start(tmp_path / "city", "serve").serving()
    one_line(kangshu("serve", "--data-dir", product.folder), "already running at", str(product.port))
    one_line(
        kangshu("serve", "--data-dir", tmp_path / "other", "--port", str(product.port)),
        f"port {product.port}", "--port",
    )  # fmt: skip
    said = kangshu("serve", "--data-dir", product.folder, "--lang", "zh")
    one_line(said, "已在运行")


def test_no_secret_stands_in_a_command_line(start: Start, tmp_path: Path) -> None:
    product = start(tmp_path / "city", "serve").serving()
    secret = (product.folder / "secrets" / "database").read_text("ascii").strip()
    assert not [words for _, words in processes().values() if secret in words]
    assert secret not in product.said()
    assert secret not in (product.folder / "logs" / "postgresql.log").read_text("utf-8")
    for kept in (product.folder / "secrets" / "database", product.folder / "running.json"):
        assert kept.stat().st_mode & 0o077 == 0
