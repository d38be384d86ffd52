"""What is published: the manifest names every file that a reader may use, and is replaced in one step."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

import msgspec

from kangshu.base.faults import NotFound, Unavailable

MANIFEST: Final = "manifest.json"
PARTS: Final = "parts"


class RowFile(msgspec.Struct, frozen=True, kw_only=True):
    """A Parquet file of rows; `year` is what they have in common: 0 for unknown, WHOLE for no year in particular."""

    name: str
    rows: int
    year: int = -1


WHOLE: Final = -1
"""The year of a file that holds rows of any year."""


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of the resources that one step touched; files lie under `parts`.

    A row counts when no segment of a higher number touches its resource. The base touches nothing by file: it
    has the lowest number, and may be several files, one per year.
    """

    number: int
    parts: tuple[RowFile, ...] = ()
    touched: str = ""
    touched_count: int = 0

    @property
    def row_count(self) -> int:
        """How many rows the segment has."""
        return sum(one.rows for one in self.parts)

    def files(self) -> tuple[str, ...]:
        """Return the names of the segment's files."""
        return (*(one.name for one in self.parts), *((self.touched,) if self.touched else ()))


class PublishedView(msgspec.Struct, frozen=True, kw_only=True):
    """One materialised view: columns with their DuckDB types, segments by rising number.

    `partition` is the column (DATE) by whose year a large base is parted, "" for none. `changed` is the position of
    the last change that touched the view: with the fingerprint it says what the rows are, whatever files they are in.
    `refused` counts the resources that did not fit the view and so have no rows.
    """

    name: str
    resource: str
    fingerprint: str
    columns: dict[str, str]
    partition: str = ""
    segments: tuple[Segment, ...] = ()
    refused: int = 0
    changed: int = 0


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """All views at one feed position of the database `source`.

    `retired` tells since when (epoch seconds) a file is no longer named.
    """

    source: str = ""
    position: int = 0
    instant: str = ""
    views: dict[str, PublishedView] = {}
    retired: dict[str, float] = {}

    def files(self) -> frozenset[str]:
        """Return the names of all files in use."""
        return frozenset(
            name for view in self.views.values() for segment in view.segments for name in segment.files()
        )


def read_manifest(folder: Path, source: str = "") -> Manifest:
    """Return the published manifest of `folder`; with `source`, only one that was made from that database.

    Raises NotFound before the first, Unavailable if unreadable.
    """
    unpublished = NotFound(
        "no measures are published yet: the background worker has not run",
        zh="指标视图尚未生成，请等待后台任务完成",
    )
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError as error:
        raise unpublished from error
    except (OSError, msgspec.DecodeError) as error:
        raise Unavailable(
            "the measures' manifest cannot be read; delete the views folder and it is built anew",
            zh="指标视图清单无法读取，删除视图目录后将自动重建",
        ) from error
    if source and manifest.source != source:
        raise unpublished  # another database's: the keeper builds them anew
    return manifest


def publish(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest of `folder` in one step, after everything it names is on the disk."""
    put_in_place(folder, MANIFEST, PARTS, manifest)


def put_in_place(folder: Path, name: str, parts: str, content: msgspec.Struct) -> None:
    """Replace the file `name` of `folder` by `content` in one step, after the files in its folder `parts`."""
    _sync(folder / parts)
    fresh = folder / f"{name}.{os.getpid()}.new"
    with fresh.open("wb") as file:
        file.write(msgspec.json.encode(content))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / name)
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some file systems cannot sync a folder
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Bring a written file to the disk."""
    _sync(path)
