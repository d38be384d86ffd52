"""One installation: a data folder, and the database that belongs to it.

    installation.json   id, city, whether it is a demonstration; written once
    running.json        process and address of the supervisor while it runs
    lock                held by whoever runs the embedded database
    postgres/ run/      the embedded cluster and its socket        logs/  text logs
    secrets/            passwords and keys, 0600                   views/ published snapshots of the measures
    audit-anchors/ audit-public-key.pem audit-places.json   where the audit's chain ended, signed; see store
    demo.unfinished     there while a demonstration is being made: it is made anew when that was cut off

Command-line calls find the running installation through this folder.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from kangshu.app.signals import held
from kangshu.base.faults import Conflict, NotFound, Unavailable
from kangshu.store import EmbeddedPostgres

DEFAULT_FOLDER = ".kangshu"
_PATIENCE_SECONDS = 10.0
"""How long a call waits for another that is just starting or ending."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What an installation is. `jurisdiction` is the division code of the city, "" until it is set."""

    id: str
    city_zh: str = ""
    city_en: str = ""
    jurisdiction: str = ""
    demo: bool = False


@dataclass(frozen=True, slots=True)
class Running:
    """The supervisor that runs an installation now. `started` is its start time by the kernel's clock ticks.

    `address` is "" until it answers.
    """

    pid: int
    started: str
    address: str
    database: str


class Installation:
    """The data folder of one installation.

    `database_url` is an external PostgreSQL; once `remember_database` was called it need not be given again.
    `existing` refuses a folder without an installation.
    """

    def __init__(
        self, folder: Path, *, database_url: str = "", bin_dir: Path | None = None, existing: bool = False
    ) -> None:
        self.folder = folder.expanduser().absolute()
        self.bin_dir = bin_dir
        if existing and not database_url and not (self.folder / "installation.json").exists():
            raise NotFound(
                f"there is no installation in {self.folder}: make one with 'kangshu demo' or 'kangshu init', "
                "or give its folder with --data-dir",
                zh=f"{self.folder} 中没有实例：请先运行 kangshu demo 或 kangshu init，或用 --data-dir 指定数据目录",
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            probe = self.folder / f".writable.{os.getpid()}"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise Unavailable(
                f"the data folder {self.folder} cannot be written ({error.strerror}): "
                "give another one with --data-dir, or change its permissions",
                zh=f"数据目录 {self.folder} 不可写（{error.strerror}）：请用 --data-dir 指定其他目录或修改权限",
            ) from error
        self.database_url = database_url or self._remembered_database()

    @property
    def views(self) -> Path:
        """Return the folder of the published snapshots."""
        return self.folder / "views"

    @property
    def unfinished(self) -> Path:
        """Return the file that is there while a demonstration is being made."""
        return self.folder / "demo.unfinished"

    def refuse_half_made(self) -> None:
        """Raise Conflict where a demonstration was cut off while it was made."""
        if self.unfinished.exists():
            raise Conflict(
                f"the demo in {self.folder} was cut off while it was made: "
                "'kangshu demo' makes it anew; give another --data-dir for an installation of your own",
                zh=f"{self.folder} 中的演示城市尚未建成：请运行 kangshu demo 重新生成，或用 --data-dir 另建实例",
            )

    def identity(self) -> Identity | None:
        """Return what this installation is, None before its first start."""
        kept = _read(self.folder / "installation.json")
        return None if kept is None else Identity(**{name: kept.get(name, "") for name in _IDENTITY})

    def found(self, identity: Identity) -> Identity:
        """Write `identity` as what this installation is, with a new id where it has none; return it."""
        kept = Identity(**(asdict(identity) | {"id": identity.id or str(uuid.uuid4())}))
        _write(self.folder / "installation.json", asdict(kept))
        return kept

    def remember_database(self) -> None:
        """Keep the external database's URL among the secrets, for the calls that come later."""
        if self.database_url and self.database_url != self._remembered_database():
            (self.folder / "secrets").mkdir(mode=0o700, exist_ok=True)
            _write(self._external, {"url": self.database_url}, mode=0o600)

    @property
    def _external(self) -> Path:
        return self.folder / "secrets" / "external-database"

    def _remembered_database(self) -> str:
        kept = _read(self._external)
        return "" if kept is None else str(kept.get("url", ""))

    def running(self) -> Running | None:
        """Return the supervisor that runs this installation, None when there is none."""
        try:
            running = Running(**(_read(self.folder / "running.json") or {}))
        except (TypeError, Unavailable):
            return None
        return running if running.pid > 0 and _alive(running) else None

    def announce(self, address: str, database: str) -> None:
        """Let other processes find the supervisor that calls this."""
        pid = os.getpid()
        _write(
            self.folder / "running.json", asdict(Running(pid, start_of(pid), address, database)), mode=0o600
        )

    def withdraw(self) -> None:
        """Take the announcement back."""
        (self.folder / "running.json").unlink(missing_ok=True)

    def killed(self) -> bool:
        """Return whether a supervisor announced itself here and is gone without taking it back."""
        return (self.folder / "running.json").exists() and self.running() is None

    @contextmanager
    def database(self) -> Iterator[str]:
        """Give the URL of the database: the external one, the running one, or one started for this while.

        Raises Conflict when another process is starting the installation and does not answer soon, and where a
        demonstration is half-made.
        """
        with self._running_or_locked() as running:
            if running is not None:
                yield running.database
                return
            self.refuse_half_made()
            if self.database_url:
                yield self.database_url
                return
            server = EmbeddedPostgres(self.folder, bin_dir=self.bin_dir)
            try:
                with held():
                    url = server.start()
                yield url
            finally:
                with held():
                    server.stop()

    @contextmanager
    def _running_or_locked(self) -> Iterator[Running | None]:
        """Give the supervisor that serves this installation, or, holding the lock, None."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while True:
            running = self.running()
            if running is not None and running.address:
                yield running
                return
            with (self.folder / "lock").open("w") as file:
                if running is None and _locked(file):
                    yield None
                    return
            if time.monotonic() > end:
                raise (
                    self._in_use()
                    if running is None
                    else Conflict(
                        f"the installation in {self.folder} is being made or started: try again when it serves",
                        zh=f"{self.folder} 正在建立或启动，请在其提供服务后重试",
                    )
                )
            time.sleep(0.1)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the installation alone. Raises Conflict when another process runs it, or holds it for long."""
        end = time.monotonic() + _PATIENCE_SECONDS
        with (self.folder / "lock").open("w") as file:
            while not _locked(file):
                if self.running() is not None or time.monotonic() > end:
                    raise self._in_use()
                time.sleep(0.1)
            yield

    def _in_use(self) -> Conflict:
        return Conflict(
            f"another kangshu process is using {self.folder}: stop it, or give another --data-dir",
            zh=f"另一个 kangshu 进程正在使用 {self.folder}：请先停止它，或用 --data-dir 指定其他目录",
        )

    def clear(self) -> None:
        """Remove everything, the embedded database included; the caller holds the lock."""
        location = self.folder / "postgres.location"
        if location.exists() or (self.folder / "postgres").exists():
            EmbeddedPostgres(self.folder, bin_dir=self.bin_dir).remove()
        for name in ("views", "secrets", "logs", "audit-anchors"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        files = ("installation.json", "running.json", "postgres.location", "audit-public-key.pem")
        for name in (*files, self.unfinished.name):
            (self.folder / name).unlink(missing_ok=True)


_IDENTITY = ("id", "city_zh", "city_en", "jurisdiction", "demo")


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def start_of(pid: int) -> str:
    """Return the start time of process `pid` in clock ticks since boot, "" where it ended or /proc is absent."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if len(fields) < 20 or fields[0] in "ZX" else fields[19]


def _alive(running: Running) -> bool:
    if Path("/proc/self").exists():
        return start_of(running.pid) == running.started
    try:
        os.kill(running.pid, 0)
    except OSError:
        return False
    return True


def _read(path: Path) -> dict[str, Any] | None:
    try:
        kept = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Unavailable(
            f"{path} cannot be read: restore it from the backup of the data folder",
            zh=f"{path} 无法读取：请从数据目录的备份中恢复该文件",
        ) from error
    return kept if isinstance(kept, dict) else {}


def _write(path: Path, content: dict[str, Any], mode: int = 0o644) -> None:
    staging = path.with_suffix(f".{os.getpid()}.new")
    descriptor = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    staging.replace(path)
