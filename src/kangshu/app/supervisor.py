"""One process that starts the others, and stops them in order.

PostgreSQL first (when embedded); then a process that prepares: it brings the schema up to date and, of a
demonstration, makes the city; then the background worker and the web workers, which share one listening socket.
A worker that ends is started again, slower each time it ends quickly. An embedded database that ends is started
again, and the workers with it, unless that happens often: then everything stops. Ctrl-C or SIGTERM: web workers
finish what they answer, then the background worker, then the database. While preparing, they stop it at once.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from kangshu.app.installation import Identity, Installation
from kangshu.app.processes import LAST_SECONDS, Lifeline, Worker, WorkerOrder, kill_group, stop
from kangshu.app.signals import STOPPING
from kangshu.base.faults import Conflict, Fault, Unavailable
from kangshu.store import EmbeddedPostgres

Progress = Callable[[str, str, int, int], None]
"""(what is being done in English, in Chinese, done, of how many; 0 where it is not known)."""

INTERRUPTED: Final = 130
_STOP_SECONDS = 8.0
_ANSWER_SECONDS = 300.0
_QUICK_ENDS = 3
"""So often web workers may end before the first answer until it is clear that there will be none."""
_DATABASE_ENDS = 3
_DATABASE_ENDS_WITHIN = 600.0
_RESTART_SECONDS = 10.0
_CONNECTIONS = 64
"""Of the 80 that an embedded database allows, those that web workers share."""


class Supervisor:
    """Runs one installation until it is told to stop."""

    def __init__(
        self,
        installation: Installation,
        *,
        host: str = "127.0.0.1",
        port: int = 8000,
        web_workers: int | None = None,
        say: Callable[[str, str], None],
        language: str = "zh",
        public_url: str = "",
    ) -> None:
        """`public_url` is the address that clients see, "" to take it from each request. `say` is told, in English and in Chinese, what happens while it runs."""
        self.installation = installation
        self.host = host
        self.port = port
        self.count = web_workers or max(1, os.cpu_count() or 1)
        self.say = say
        self.language = language
        self.public_url = public_url
        self._stopping = False
        self._workers: list[Worker] = []
        self._server: EmbeddedPostgres | None = None
        self._database_ends: list[float] = []

    def run(
        self,
        *,
        identity: Identity,
        begin: Callable[[], None] | None = None,
        demo: Mapping[str, int] | None = None,
        progress: Progress | None = None,
        ready: Callable[[str], None] | None = None,
    ) -> int:
        """Run until stopped; return the exit status.

        `identity` is written where the folder has none yet. `begin` is called once the folder is held alone, before the database starts. `demo` (residents, years) makes
        a demonstration where none is. `ready` is called with the address when the first answer could be given.
        Raises Conflict when the port or the folder is in use, Unavailable when the database does not answer.
        """
        if (running := self.installation.running()) is not None:
            raise _already(self.installation, running.address)
        for one in STOPPING:
            if one == signal.SIGINT or signal.getsignal(one) is not signal.SIG_IGN:
                signal.signal(one, self._stop)
        with self.installation.lock():
            listening = self._listen()
            lifeline = Lifeline()
            try:
                return self._run(listening, lifeline, identity, begin, demo or {}, progress, ready)
            except Fault:
                if self._stopping:  # Ctrl-C reached a program that we ran; its failure is no news
                    return INTERRUPTED
                raise
            finally:
                self._stop_workers()
                listening.close()
                if self._server is not None:
                    self._server.stop()
                self.installation.withdraw()
                lifeline.close()

    def _run(
        self,
        listening: socket.socket,
        lifeline: Lifeline,
        identity: Identity,
        begin: Callable[[], None] | None,
        demo: Mapping[str, int],
        progress: Progress | None,
        ready: Callable[[str], None] | None,
    ) -> int:
        shown = f"[{self.host}]" if ":" in self.host else self.host
        address = f"http://{shown}:{listening.getsockname()[1]}"
        if begin is not None:
            begin()
        self.installation.announce("", "")
        url = self.installation.database_url
        if not url and not self._stopping:
            self._server = EmbeddedPostgres(self.installation.folder, bin_dir=self.installation.bin_dir)
            url = self._server.start()
        if self._stopping or not self._prepare(url, lifeline, demo, progress):
            return INTERRUPTED
        self.installation.remember_database()
        if self.installation.identity() is None:
            self.installation.found(identity)
        self._start_workers(url, listening, address, lifeline)
        self.installation.announce(address, url)
        if self._await_answer(listening.getsockname()[1], lifeline) and ready is not None:
            ready(address)
        return self._watch(lifeline)

    # -- before serving ------------------------------------------------------------------------

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        end = time.monotonic() + (LAST_SECONDS + 5 if self.installation.killed() else 0)
        while True:
            listening = socket.socket(family, socket.SOCK_STREAM)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listening.bind((self.host, self.port))
                listening.listen(1024)
            except (OSError, OverflowError) as error:
                listening.close()
                if time.monotonic() < end and not self._stopping:
                    time.sleep(0.2)  # workers of a supervisor that was killed are just ending
                    continue
                reason = (error.strerror if isinstance(error, OSError) else "") or str(error)
                raise Conflict(
                    f"port {self.port} on {self.host} cannot be used ({reason}): choose another with --port",
                    zh=f"端口 {self.port}（{self.host}）无法使用（{reason}）：请用 --port 指定其他端口",
                ) from error
            return listening

    def _prepare(
        self, url: str, lifeline: Lifeline, demo: Mapping[str, int], progress: Progress | None
    ) -> bool:
        """Let another process prepare the database; return whether it did, False when we are told to stop.

        Raises the fault that it met. Nothing that is half done is served.
        """
        order = WorkerOrder(str(self.installation.folder), url, language=self.language, demo=demo)
        process = Worker("prepare", order).start(lifeline, stdout=subprocess.PIPE)
        try:
            return self._follow(process, progress) and process.wait() == 0
        finally:
            kill_group(process)
            if process.stdout is not None:
                process.stdout.close()

    def _follow(self, process: subprocess.Popen[bytes], progress: Progress | None) -> bool:
        assert process.stdout is not None  # noqa: S101 - it was started with a pipe
        pending = b""
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while not self._stopping:
                if not selector.select(0.2):
                    continue
                part = os.read(process.stdout.fileno(), 65536)
                if not part:
                    break
                *lines, pending = (pending + part).split(b"\n")
                for line in lines:
                    _heard(json.loads(line), progress)
        if self._stopping:
            return False
        if process.wait() != 0:
            raise Unavailable(
                "the preparation ended before it was done: start again",
                zh="准备工作未完成即中断，请重新启动",
            )
        return True

    def _start_workers(self, url: str, listening: socket.socket, address: str, lifeline: Lifeline) -> None:
        folder = str(self.installation.folder)
        pool = max(2, min(8, _CONNECTIONS // self.count))
        background = WorkerOrder(folder, url, address=address, language=self.language, pool=3)
        web = WorkerOrder(folder, url, listening.fileno(), address, self.language, pool, self.public_url)
        self._workers = [Worker("background", background)] + [Worker("web", web) for _ in range(self.count)]
        for worker in self._workers:
            worker.start(lifeline)

    def _await_answer(self, port: int, lifeline: Lifeline) -> bool:
        end = time.monotonic() + _ANSWER_SECONDS
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - the way to ourselves
        while time.monotonic() < end and not self._stopping:
            try:
                with socket.create_connection((host, port), timeout=5) as probe:
                    probe.settimeout(5)
                    probe.sendall(b"GET /health HTTP/1.0\r\n\r\n")
                    if b" 200 " in probe.recv(64):
                        return True
            except OSError:
                pass
            self._restart_ended(lifeline)
            if all(one.quick_ends >= _QUICK_ENDS for one in self._workers if one.kind == "web"):
                raise Unavailable(
                    "the web workers end as soon as they start: see the lines above",
                    zh="网页进程启动即退出，请查看以上信息",
                )
            time.sleep(0.1)
        return False

    # -- while serving -------------------------------------------------------------------------

    def _watch(self, lifeline: Lifeline) -> int:
        while not self._stopping:
            time.sleep(0.25)
            if self._server is not None and not self._server.alive():
                if self._stopping or not self._restart_database(self._server):
                    return 0 if self._stopping else 1
                continue
            self._restart_ended(lifeline)
        return 0

    def _restart_database(self, server: EmbeddedPostgres) -> bool:
        """Start the database again; return False when it ends too often to go on."""
        now = time.monotonic()
        self._database_ends = [one for one in self._database_ends if now - one < _DATABASE_ENDS_WITHIN] + [
            now
        ]
        log = self.installation.folder / "logs" / "postgresql.log"
        if len(self._database_ends) >= _DATABASE_ENDS:
            self.say(
                f"the database keeps ending; stopped. See {log}", f"数据库反复中止，系统已停止。请查看 {log}"
            )
            return False
        self.say(
            f"the database has ended; it is started again. See {log}", f"数据库中止，正在重新启动。见 {log}"
        )
        server.stop()
        self._start_again(server)
        stop([one.process for one in self._workers if one.process is not None], _STOP_SECONDS)
        for worker in self._workers:
            worker.quick_ends, worker.started = 0, 0.0
        return True

    def _start_again(self, server: EmbeddedPostgres) -> None:
        """Start the database; its last processes may hold its memory for a moment after it is gone."""
        end = time.monotonic() + _RESTART_SECONDS
        while True:
            try:
                server.start()
            except Fault:
                if time.monotonic() > end or self._stopping:
                    raise
                time.sleep(0.5)
            else:
                return

    def _restart_ended(self, lifeline: Lifeline) -> None:
        for worker in self._workers:
            if not self._stopping:
                worker.restart_when_due(lifeline)

    def _stop(self, _signal: int, _frame: object) -> None:
        self._stopping = True

    def _stop_workers(self) -> None:
        for kind in ("web", "background"):
            stop(
                [one.process for one in self._workers if one.kind == kind and one.process is not None],
                _STOP_SECONDS,
            )


def _heard(said: dict[str, Any], progress: Progress | None) -> None:
    if (fault := said.get("fault")) is not None:
        raise Fault(fault["text"], zh=fault["zh"])
    if progress is not None and (step := said.get("progress")) is not None:
        progress(*step)


def _already(installation: Installation, address: str) -> Conflict:
    if not address:
        return Conflict(
            f"another kangshu process is starting the installation in {installation.folder}",
            zh=f"另一个 kangshu 进程正在启动 {installation.folder} 的实例",
        )
    return Conflict(
        f"the installation in {installation.folder} is already running at {address}",
        zh=f"{installation.folder} 的实例已在运行：{address}",
    )
