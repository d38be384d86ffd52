"""Files named on the command line, read with one clear fault when they cannot be; rows written as JSON."""

from __future__ import annotations

import bz2
import gzip
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from kangshu.base.faults import Invalid, NotFound
from kangshu.fhir import render


def read_bytes(file: Path) -> bytes:
    """Return the content of `file`. Raises NotFound or Invalid."""
    with _open(file) as opened:
        try:
            return opened.read()
        except (OSError, EOFError) as error:  # a packed file that is no such file, or is cut off
            raise _unreadable(file, error) from error


def read_lines(file: Path) -> Iterator[str]:
    """Return the lines of a UTF-8 text file, `.gz` and `.bz2` included. Raises NotFound or Invalid."""
    with _open(file) as opened:
        number = 1
        try:
            for line in opened:
                yield line.decode("utf-8").rstrip("\r\n")
                number += 1
        except UnicodeDecodeError as error:
            raise Invalid(
                f"{file.name}:{number}: the line is not UTF-8",
                zh=f"{file.name} 第 {number} 行不是 UTF-8 编码",
            ) from error
        except (OSError, EOFError) as error:
            raise _unreadable(file, error) from error


def write_rows(rows: Iterable[Mapping[str, Any]]) -> None:
    """Write `rows` to standard output as a JSON array, a row a line; decimals as numbers."""
    sys.stdout.write("[")
    for number, row in enumerate(rows):
        sys.stdout.write(",\n" if number else "\n")
        sys.stdout.write(render(dict(row)).decode("utf-8"))
    sys.stdout.write("\n]\n")


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
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: OSError | EOFError) -> Invalid:
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return Invalid(f"{file} cannot be read: {reason}", zh=f"无法读取 {file}：{reason}")
