"""Files named on the command line: read whole or by lines, with one clear fault when they cannot be."""

from __future__ import annotations

import bz2
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from kangshu.base.faults import Invalid, NotFound


def read_bytes(file: Path) -> bytes:
    """Return the content of `file`. Raises NotFound or Invalid."""
    with _open(file) as opened:
        return opened.read()


def read_lines(file: Path) -> Iterator[str]:
    """Return the lines of a UTF-8 text file, `.gz` and `.bz2` included. Raises NotFound or Invalid."""
    with _open(file) as opened:
        for number, line in enumerate(opened, 1):
            try:
                yield line.decode("utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise Invalid(
                    f"{file.name}:{number}: the line is not UTF-8",
                    zh=f"{file.name} 第 {number} 行不是 UTF-8 编码",
                ) from error


def _open(file: Path) -> IO[bytes] | gzip.GzipFile | bz2.BZ2File:
    try:
        if file.suffix == ".gz":
            return gzip.open(file, "rb")
        if file.suffix == ".bz2":
            return bz2.open(file, "rb")
        return file.open("rb")
    except FileNotFoundError as error:
        raise NotFound(f"there is no file {file}", zh=f"文件不存在：{file}") from error
    except OSError as error:
        raise Invalid(
            f"{file} cannot be read: {error.strerror}", zh=f"无法读取 {file}：{error.strerror}"
        ) from error
