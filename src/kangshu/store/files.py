"""Loading files: Bundle JSON, one resource as JSON, NDJSON; also .gz and .bz2.

A file with a bad line or entry is reported by file and line, and nothing of it is loaded.
"""

from __future__ import annotations

import asyncio
import bz2
import gzip
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kangshu.access import Grant
from kangshu.base.faults import Fault, MultipleMatches, UnknownParameter
from kangshu.search import parse_criteria
from kangshu.store.bulk import analyse, growing_of, whole_milliseconds, workers, write_prepared
from kangshu.store.preparing import Prepared, prepare_bundle, prepare_lines
from kangshu.store.searching import Search

if TYPE_CHECKING:
    from kangshu.store.store import Store

_LINES: Final = 1000
_TOGETHER: Final = 20_000
"""Records of a file that are committed in one transaction. Bad lines of a larger one still keep all of it out."""
_ENOUGH_TO_LEARN: Final = 2000
"""Resources after which the bodies are alike enough to train the codec."""
_CONDITIONAL: Final = re.compile(rb'"reference"\s*:\s*"([A-Z][A-Za-z]+\?[^"\\]+)"')
_AHEAD: Final = 3
LARGEST_FILE: Final = 2 << 30
"""Bytes of a file, unpacked: what is loaded whole or not at all is held in memory."""


@dataclass(frozen=True, slots=True)
class LoadProblem:
    """What is wrong in a file. `line` counts from 1; for a Bundle it is the entry; 0 is the file itself."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}" if self.line else f"{self.file}: {self.text}"


@dataclass(slots=True)
class LoadReport:
    """What was loaded. `seconds` is the whole time, `bytes_read` the unpacked size."""

    files: int = 0
    resources: int = 0
    bytes_read: int = 0
    seconds: float = 0.0
    problems: list[LoadProblem] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Resources per second."""
        return self.resources / self.seconds if self.seconds else 0.0


async def load_files(
    store: Store, grant: Grant, paths: Sequence[Path], progress: Callable[[int], None] | None = None
) -> LoadReport:
    """Load the files in the order given, hospital and practitioner files of Synthea first; return the report.

    `progress` is told the number of resources so far after each file. A file that is referred to conditionally
    (`Practitioner?identifier=…`) must come before those that refer to it.
    """
    report = LoadReport()
    begin = time.perf_counter()
    links: dict[str, str] = {}
    ordered = sorted(
        _expand(paths), key=lambda path: not path.name.startswith(("hospital", "practitioner", "0-"))
    )
    with workers(store) as pool:
        stage = _Stage(store, grant, pool, links)
        staged: list[asyncio.Task[_Staged]] = []
        before: asyncio.Event | None = None
        waiting = list(ordered)
        try:
            while waiting or staged:
                while waiting and len(staged) < _AHEAD:
                    written = asyncio.Event()
                    staged.append(asyncio.create_task(stage.prepare(waiting.pop(0), before, written)))
                    before = written
                await _write(store, grant, await staged.pop(0), report)
                if report.resources >= _ENOUGH_TO_LEARN:
                    await store.train_codec()
                if progress is not None:
                    progress(report.resources)
        finally:
            for task in staged:
                task.cancel()
    if report.resources >= _LINES:
        await analyse(store)
    report.seconds = time.perf_counter() - begin
    return report


def _expand(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            names = (".json", ".ndjson", ".json.gz", ".ndjson.gz", ".json.bz2", ".ndjson.bz2")
            found.extend(sorted(one for one in path.iterdir() if one.name.endswith(names)))
        else:
            found.append(path)
    return found


def _read(path: Path) -> bytes | str:
    """Return the unpacked file, or what is wrong with it."""
    try:
        if path.suffix == ".bz2":
            with bz2.open(path) as file:
                body = file.read(LARGEST_FILE + 1)
        elif path.suffix == ".gz":
            with gzip.open(path) as packed:
                body = packed.read(LARGEST_FILE + 1)
        else:
            with path.open("rb") as plain:
                body = plain.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        return "there is no such file"
    except (OSError, EOFError) as cause:
        return f"cannot be read: {type(cause).__name__}"
    return f"is over {LARGEST_FILE} bytes unpacked; split it" if len(body) > LARGEST_FILE else body


@dataclass(slots=True)
class _Staged:
    """A file ready to be written. `written` is set when it is, or never will be."""

    path: Path
    moment: datetime
    prepared: list[Prepared]
    size: int
    problem: str
    written: asyncio.Event


@dataclass(slots=True)
class _Stage:
    """Prepares files while earlier ones are being written."""

    store: Store
    grant: Grant
    pool: Executor
    links: dict[str, str]

    async def prepare(self, path: Path, before: asyncio.Event | None, written: asyncio.Event) -> _Staged:
        """Return the rows of a file. `before` is set when the file before it is written."""
        moment = whole_milliseconds()
        body = await asyncio.to_thread(_read, path)
        if isinstance(body, str):
            return _Staged(path, moment, [], 0, body, written)
        if ".ndjson" in path.name:
            prepared = await _prepare_lines(self.store, self.pool, body, moment)
        else:
            wanted = {match.decode("utf-8", "replace") for match in set(_CONDITIONAL.findall(body))}
            await _resolve(self.store, self.grant, wanted, self.links)
            if before is not None and wanted - self.links.keys():
                # what it refers to may stand in a file that is not written yet
                await before.wait()
                await _resolve(self.store, self.grant, wanted, self.links)
            links = {text: self.links[text] for text in wanted if text in self.links}
            prepared = [await _prepare_bundle(self.store, self.pool, body, links, moment)]
        return _Staged(path, moment, prepared, len(body), "", written)


async def _write(store: Store, grant: Grant, staged: _Staged, report: LoadReport) -> None:
    name = staged.path.name
    problems = [LoadProblem(name, line, text) for one in staged.prepared for line, text in one.problems]
    if staged.problem:
        problems.append(LoadProblem(name, 0, staged.problem))
    try:
        if not problems:
            for pieces in _transactions(staged.prepared):
                report.resources += await write_prepared(store, grant, pieces, staged.moment)
            report.files += 1
            report.bytes_read += staged.size
    except Fault as fault:
        problems.append(LoadProblem(name, 0, fault.text))
    finally:
        staged.written.set()
    report.problems.extend(problems)


def _transactions(prepared: list[Prepared]) -> list[list[Prepared]]:
    """Return what is committed together: a whole file, unless it is so large that the feed would stall."""
    if sum(len(one.records) for one in prepared) <= _TOGETHER:
        return [prepared]
    return [[one] for one in prepared]


async def _prepare_lines(store: Store, pool: Executor, body: bytes, moment: datetime) -> list[Prepared]:
    lines = [(number, line) for number, line in enumerate(body.split(b"\n"), 1) if line.strip()]

    async def one(chunk: list[tuple[int, bytes]]) -> Prepared:
        loop = asyncio.get_running_loop()
        while True:
            prepared = await loop.run_in_executor(pool, prepare_lines, chunk, growing_of(store, moment))
            if prepared.problems or not prepared.unknown_systems:
                return prepared
            await store.number_systems(prepared.unknown_systems)

    return await asyncio.gather(*(one(lines[at : at + _LINES]) for at in range(0, len(lines), _LINES)))


async def _prepare_bundle(
    store: Store, pool: Executor, body: bytes, links: dict[str, str], moment: datetime
) -> Prepared:
    loop = asyncio.get_running_loop()
    while True:
        prepared = await loop.run_in_executor(pool, prepare_bundle, body, links, growing_of(store, moment))
        if prepared.problems or not prepared.unknown_systems:
            return prepared
        await store.number_systems(prepared.unknown_systems)


async def _resolve(store: Store, grant: Grant, wanted: set[str], links: dict[str, str]) -> None:
    """Add to `links` what the conditional references lead to; those that lead nowhere stay out."""
    missing = wanted - links.keys()
    if not missing:
        return
    async with store.connection() as connection:
        reader = store.reader(connection)
        for text in sorted(missing):
            kind, _, criteria = text.partition("?")
            try:
                page = await Search(reader, grant, parse_criteria(kind, criteria)).page(None)
            except (UnknownParameter, MultipleMatches):
                continue
            if len(page.entries) == 1:
                links[text] = page.entries[0].reference
