"""The hook for scanning files that people send: clamd over its socket, or a program of the machine. Fails closed."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from dataclasses import dataclass
from typing import Final, Protocol

from kangshu.base.faults import Unavailable, Unprocessable

_CHUNK: Final = 64 * 1024
_SECONDS: Final = 30.0


class Scanner(Protocol):
    """Looks at the bytes of a file."""

    @property
    def name(self) -> str:
        """Return what is written beside a file that passed; "" when nothing looks at files."""

    async def scan(self, data: bytes) -> None:
        """Return when nothing was found. Raises Unprocessable (something was), Unavailable (it could not look)."""


@dataclass(frozen=True, slots=True)
class NoScanner:
    """Nobody looks; files say so."""

    name: str = ""

    async def scan(self, data: bytes) -> None:
        """Return at once."""


NO_SCANNER: Final = NoScanner()


@dataclass(frozen=True, slots=True)
class Clamd:
    """ClamAV's daemon (INSTREAM): `address` is a path of a socket, or host:port in the inner network."""

    address: str
    seconds: float = _SECONDS
    name: str = "clamd"

    async def scan(self, data: bytes) -> None:
        """See Scanner."""
        try:
            async with asyncio.timeout(self.seconds):
                answer = await self._asked(data)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            raise _not_looked(type(error).__name__) from error
        if answer.endswith(b"OK"):
            return
        if answer.endswith(b"FOUND"):
            raise _found()
        raise _not_looked("an answer that is neither OK nor FOUND")

    async def _asked(self, data: bytes) -> bytes:
        if self.address.startswith("/"):
            reader, writer = await asyncio.open_unix_connection(self.address)
        else:
            host, _, port = self.address.rpartition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(b"zINSTREAM\0")
            for start in range(0, len(data), _CHUNK):
                part = data[start : start + _CHUNK]
                writer.write(struct.pack("!I", len(part)) + part)
                await writer.drain()
            writer.write(struct.pack("!I", 0))
            await writer.drain()
            return (await reader.readuntil(b"\0")).rstrip(b"\0")
        finally:
            writer.close()


@dataclass(frozen=True, slots=True)
class ScanningProgram:
    """A program that reads the file from its input: it ends with 0 for clean and 1 for found, as clamscan does."""

    command: tuple[str, ...]
    seconds: float = _SECONDS

    @property
    def name(self) -> str:
        """Return the program's name."""
        return self.command[0].rsplit("/", 1)[-1]

    async def scan(self, data: bytes) -> None:
        """See Scanner."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError as error:
            raise _not_looked("the program cannot be started") from error
        try:
            async with asyncio.timeout(self.seconds):
                await process.communicate(data)
        except TimeoutError as error:
            raise _not_looked("it takes too long") from error
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode == 1:
            raise _found()
        if process.returncode != 0:
            raise _not_looked(f"the program ended with {process.returncode}")


def _found() -> Unprocessable:
    return Unprocessable(
        "the scan found something harmful in this file; it was not kept",
        zh="安全扫描发现该文件存在风险，未予保存；请查杀后重新上传，或联系系统管理员",
    )


def _not_looked(why: str) -> Unavailable:
    return Unavailable(
        f"files cannot be scanned now, so none is taken: {why}",
        zh="文件安全扫描暂不可用，暂不能上传附件，请稍后重试或联系系统管理员",
    )
