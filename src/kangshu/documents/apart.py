"""Work on a stranger's file in a process of its own: it can end that process, and nothing else.

`python -m kangshu.documents.apart <work> <arguments>` reads the file from its input and writes one line of JSON and, for a
picture, its bytes. A fault of the work comes back as a fault.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from kangshu.base import faults
from kangshu.base.faults import Fault, Unprocessable
from kangshu.documents.model import Document

_MOST_BYTES: Final = 1_500 * 1024 * 1024
_MOST_SECONDS: Final = 60
_FAULTS: Final[Mapping[str, type[Fault]]] = {
    one.__name__: one
    for one in (faults.Malformed, faults.TooLarge, faults.Unprocessable, faults.UnsupportedMedia)
}


async def done_apart(work: str, data: bytes, *arguments: str) -> tuple[bytes, bytes]:
    """Return (a line of JSON, the bytes after it) that `work` answers for `data`.

    Raises what the work raises; Unprocessable where its process used up its memory or time, or died.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-m", __name__, work, *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_MOST_SECONDS + 5):
            answer, _ = await process.communicate(data)
    except TimeoutError as error:
        raise _beyond() from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    head, _, rest = answer.partition(b"\n")
    if process.returncode != 0 or not head:
        raise _beyond()
    if head.startswith(b'{"fault"'):
        said = msgspec.json.decode(head)
        raise _FAULTS.get(said["fault"], Unprocessable)(said["text"], zh=said["zh"])
    return head, rest


async def read_apart(data: bytes, name: str) -> Document:
    """Return what `read_document` does, read by a process of its own. Raises as it does."""
    head, _ = await done_apart("read", data, name)
    return msgspec.json.decode(head, type=Document)


def _beyond() -> Unprocessable:
    return Unprocessable(
        "this file cannot be read within the means that a file may take",
        zh="该文件无法在规定的内存和时间内读取，请检查文件是否损坏，或另存后重试",
    )


def _read(data: bytes, name: str) -> tuple[Any, bytes]:
    from kangshu.documents.reader import read_document

    return read_document(data, name), b""


def _preview(data: bytes, media_type: str, page: str, ending: str) -> tuple[Any, bytes]:
    from kangshu.documents.previewing import preview

    return preview(data, media_type, int(page), ending)


def _set(data: bytes) -> tuple[Any, bytes]:
    from kangshu.documents.portable_writer import set_in_type

    return {}, set_in_type(data)


_WORKS: Final[Mapping[str, Callable[..., tuple[Any, bytes]]]] = {
    "read": _read,
    "preview": _preview,
    "set": _set,
}


def main() -> None:
    """Do one work within bounded memory and time; no file can be written."""
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_MOST_SECONDS, _MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    work, *arguments = sys.argv[1:]
    data = sys.stdin.buffer.read()
    try:
        answer, rest = _WORKS[work](data, *arguments)
    except Fault as fault:
        answer, rest = {"fault": type(fault).__name__, "text": fault.text, "zh": fault.zh}, b""
    sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n" + rest)


if __name__ == "__main__":
    main()
