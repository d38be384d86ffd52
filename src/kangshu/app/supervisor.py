"""One process that starts the others, and stops them in order.

PostgreSQL first (when embedded), then the background worker and the web workers, which share one listening
socket. A worker that ends is started again, slower each time it ends quickly; a database that ends brings
everything down, because nothing may be acknowledged without it. Ctrl-C or SIGTERM: web workers finish what
they answer, then the background worker, then the database.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from kangshu.app.installation import Installation
from kangshu.base.faults import Conflict, Unavailable
from kangshu.store import EmbeddedPostgres

_STOP_SECONDS = 12.0
_QUICK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class WorkerOrder:
    """What a worker process is told, by its environment: secrets do not stand in a command line."""

    data_dir: str
    database: str
    socket: int = -1
    address: str = ""
    language: str = "zh"

    VARIABLE = "KANGSHU_WORKER"

    def environment(self) -> dict[str, str]:
        """Return the environment of the worker."""
        return dict(os.environ) | {self.VARIABLE: json.dumps(asdict(self))}

    @classmethod
    def received(cls) -> WorkerOrder:
        """Return the order that this process was started with. Raises Unavailable without one."""
        text = os.environ.pop(cls.VARIABLE, "")
        if not text:
            raise Unavailable(
                "a worker is started by 'kangshu serve', not by hand", zh="请使用 kangshu serve 启动"
            )
        return cls(**json.loads(text))


@dataclass
class _Worker:
    kind: str
    order: WorkerOrder
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    quick_ends: int = 0
    not_before: float = 0.0
    ready: bool = field(default=False)

    def start(self) -> None:
        self.started = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "kangshu.app.worker", self.kind],
            env=self.order.environment(),
            pass_fds=(self.order.socket,) if self.order.socket >= 0 else (),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None


class Supervisor:
    """Runs one installation until it is told to stop."""

    def __init__(
        self,
        installation: Installation,
        *,
        host: str = "127.0.0.1",
        port: int = 8000,
        web_workers: int | None = None,
        say: Callable[[str], None] = print,
        language: str = "zh",
    ) -> None:
        self.installation = installation
        self.host = host
        self.port = port
        self.count = web_workers or max(1, os.cpu_count() or 1)
        self.say = say
        self.language = language
        self._stopping = False
        self._workers: list[_Worker] = []

    def run(
        self, prepare: Callable[[str], None] | None = None, ready: Callable[[str], None] | None = None
    ) -> int:
        """Run until stopped; return the exit status.

        `prepare` is called with the database's URL before any worker starts, `ready` with the address when the
        first answer could be given. Raises Conflict when the port or the folder is in use, Unavailable when the
        database does not answer.
        """
        if self.installation.running() is not None:
            raise Conflict(
                f"this installation is already running: {self.installation.folder}",
                zh=f"该实例已在运行：{self.installation.folder}",
            )
        listening = self._listen()
        address = f"http://{self.host}:{listening.getsockname()[1]}"
        signal.signal(signal.SIGTERM, self._stop)
        with self.installation.lock():
            server: EmbeddedPostgres | None = None
            try:
                url = self.installation.database_url
                if not url:
                    server = EmbeddedPostgres(self.installation.folder, bin_dir=self.installation.bin_dir)
                    url = server.start()
                if prepare is not None and not self._stopping:
                    prepare(url)  # Ctrl-C here is a KeyboardInterrupt: half-made work is not served
                signal.signal(signal.SIGINT, self._stop)
                if self._stopping:
                    return 0
                self._start_workers(url, listening, address)
                self.installation.announce(address, url)
                if ready is not None and self._await_answer(listening.getsockname()[1]):
                    ready(address)
                return self._watch(server)
            finally:
                self._stop_workers()
                self.installation.withdraw()
                listening.close()
                if server is not None:
                    server.stop()

    def _listen(self) -> socket.socket:
        listening = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((self.host, self.port))
        except OSError as error:
            listening.close()
            raise Conflict(
                f"port {self.port} on {self.host} cannot be used ({error.strerror}): choose another with --port",
                zh=f"端口 {self.port}（{self.host}）无法使用（{error.strerror}）：请用 --port 指定其他端口",
            ) from error
        listening.listen(1024)
        return listening

    def _start_workers(self, url: str, listening: socket.socket, address: str) -> None:
        folder = str(self.installation.folder)
        background = WorkerOrder(folder, url, address=address, language=self.language)
        web = WorkerOrder(folder, url, listening.fileno(), address, self.language)
        self._workers = [_Worker("background", background)] + [_Worker("web", web) for _ in range(self.count)]
        for worker in self._workers:
            worker.start()

    def _await_answer(self, port: int) -> bool:
        end = time.monotonic() + 60
        while time.monotonic() < end and not self._stopping:
            try:
                with socket.create_connection((self.host, port), timeout=5) as probe:
                    probe.settimeout(5)
                    probe.sendall(b"GET /health HTTP/1.0\r\n\r\n")
                    if b" 200 " in probe.recv(64):
                        return True
            except OSError:
                pass
            self._restart_ended()
            time.sleep(0.1)
        return False

    def _watch(self, server: EmbeddedPostgres | None) -> int:
        while not self._stopping:
            time.sleep(0.25)
            if server is not None and not server.alive():
                self.say("the database has stopped; see logs/postgresql.log 数据库已停止，请查看日志")
                return 1
            self._restart_ended()
        return 0

    def _restart_ended(self) -> None:
        for worker in self._workers:
            if not worker.ended():
                continue
            now = time.monotonic()
            if worker.not_before == 0.0:
                quick = now - worker.started < _QUICK_SECONDS
                worker.quick_ends = worker.quick_ends + 1 if quick else 0
                worker.not_before = now + min(30.0, 0.5 * 2**worker.quick_ends if quick else 0.0)
            if now >= worker.not_before and not self._stopping:
                worker.not_before = 0.0
                worker.start()

    def _stop(self, _signal: int, _frame: object) -> None:
        self._stopping = True

    def _stop_workers(self) -> None:
        for kind in ("web", "background"):
            running = [w.process for w in self._workers if w.kind == kind and w.process is not None]
            for process in running:
                if process.poll() is None:
                    process.terminate()
            end = time.monotonic() + _STOP_SECONDS
            for process in running:
                try:
                    process.wait(max(0.1, end - time.monotonic()))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def data_folder(path: str) -> Path:
    """Return the data folder that `path` names, with `~` expanded."""
    return Path(path).expanduser()
