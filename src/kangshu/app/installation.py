"""One installation: a data folder, and the database that belongs to it.

    installation.json   id, city, whether it is a demonstration; written once
    running.json        process and address of the supervisor while it runs
    lock                held by whoever runs the embedded database
    postgres/ run/      the embedded cluster and its socket        logs/  text logs
    secrets/            passwords and keys, 0600                   views/ published snapshots of the measures

Command-line calls find the running installation through this folder.
"""

from __future__ import annotations

import fcntl
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from kangshu.base.faults import Conflict, Unavailable
from kangshu.store import EmbeddedPostgres

DEFAULT_FOLDER = ".kangshu"


@dataclass(frozen=True, slots=True)
class Identity:
    """What an installation is. `jurisdiction` is the division code of the city, "" until it is set."""

    id: str
    city_zh: str = ""
    city_en: str = ""
    jurisdiction: str = ""
    demo: bool = False
    database: str = ""
    """URL of an external PostgreSQL without its password; "" for the embedded one."""


@dataclass(frozen=True, slots=True)
class Running:
    """The supervisor that runs an installation now. `started` is its start time by the kernel's clock ticks."""

    pid: int
    started: str
    address: str
    database: str


class Installation:
    """The data folder of one installation."""

    def __init__(self, folder: Path, *, database_url: str = "", bin_dir: Path | None = None) -> None:
        self.folder = folder.absolute()
        self.database_url = database_url
        self.bin_dir = bin_dir
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            probe = self.folder / ".writable"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise Unavailable(
                f"the data folder {self.folder} cannot be written ({error.strerror}): "
                "give another one with --data-dir, or change its permissions",
                zh=f"数据目录 {self.folder} 不可写（{error.strerror}）：请用 --data-dir 指定其他目录或修改权限",
            ) from error

    @property
    def views(self) -> Path:
        """Return the folder of the published snapshots."""
        return self.folder / "views"

    def identity(self) -> Identity | None:
        """Return what this installation is, None before its first start."""
        path = self.folder / "installation.json"
        if not path.exists():
            return None
        return Identity(**json.loads(path.read_text("utf-8")))

    def found(self, identity: Identity) -> Identity:
        """Write `identity` as what this installation is, with a new id where it has none; return it."""
        kept = Identity(**(asdict(identity) | {"id": identity.id or str(uuid.uuid4())}))
        _write(self.folder / "installation.json", asdict(kept))
        return kept

    def running(self) -> Running | None:
        """Return the supervisor that runs this installation, None when there is none."""
        path = self.folder / "running.json"
        try:
            running = Running(**json.loads(path.read_text("utf-8")))
        except (FileNotFoundError, json.JSONDecodeError, TypeError):
            return None
        return running if start_of(running.pid) == running.started else None

    def announce(self, address: str, database: str) -> None:
        """Let other processes find the supervisor that calls this."""
        pid = os.getpid()
        _write(
            self.folder / "running.json", asdict(Running(pid, start_of(pid), address, database)), mode=0o600
        )

    def withdraw(self) -> None:
        """Take the announcement back."""
        (self.folder / "running.json").unlink(missing_ok=True)

    @contextmanager
    def database(self) -> Iterator[str]:
        """Give the URL of the database: the external one, the running one, or one started for this while.

        Raises Conflict when another process is just starting or stopping the embedded database.
        """
        if self.database_url:
            yield self.database_url
            return
        running = self.running()
        if running is not None:
            yield running.database
            return
        with self.lock():
            server = EmbeddedPostgres(self.folder, bin_dir=self.bin_dir)
            url = server.start()
            try:
                yield url
            finally:
                server.stop()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the installation alone. Raises Conflict when another process holds it."""
        with (self.folder / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Conflict(
                    f"another kangshu process is using {self.folder}: stop it, or give another --data-dir",
                    zh=f"另一个 kangshu 进程正在使用 {self.folder}：请先停止它，或用 --data-dir 指定其他目录",
                ) from error
            yield


def start_of(pid: int) -> str:
    """Return the start time of process `pid` in clock ticks since boot, "" where it is gone or /proc is absent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _write(path: Path, content: dict[str, object], mode: int = 0o644) -> None:
    staging = path.with_suffix(".new")
    descriptor = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    staging.replace(path)
