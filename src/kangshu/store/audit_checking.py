"""The check of the audit's chain, and of anchors against it.

The digests are computed here, from rows read in order: a function kept in the database could be changed along with
the rows. What is found is told as narrowly as the chain allows: the batch, its positions, and the instants between
which the rows stood.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from kangshu.base.text import Text
from kangshu.store.anchors import Anchor
from kangshu.store.connections import Connection, Row

_CHUNK: Final = 5_000
_COLUMNS: Final = (
    "position",
    "extract(epoch from at)",
    "account",
    "action",
    "type",
    "id",
    "outcome",
    "purpose",
    "detail",
)
_MORE: Final = (
    "on_behalf_of", "app", "address", "reason", "coalesce(pg_catalog.array_to_string(residents, ','), '')",
)  # fmt: skip
_SEPARATORS: Final = len(_COLUMNS) + len(_MORE) - 1
_MOST_TOLD: Final = 50

Kind = Literal["changed", "removed", "inserted", "seal-removed", "truncated", "rewritten", "foreign"]


@dataclass(frozen=True, slots=True)
class Break:
    """One place where the chain, or an anchor, does not hold.

    `first` to `last` are positions, `after` and `before` the instants of the rows that stand on either side.
    """

    kind: Kind
    batch: int
    first: int
    last: int
    after: datetime | None = None
    before: datetime | None = None

    @property
    def text(self) -> Text:
        """What is wrong, in a sentence."""
        zh, en = _SAID[self.kind]
        named = {"batch": self.batch, "first": self.first, "last": self.last}
        return Text(zh.format(**named), en.format(**named))


_SAID: Final[dict[Kind, tuple[str, str]]] = {
    "changed": (
        "第 {batch} 批（第 {first}–{last} 条）的内容与摘要不符：有记录被改动",
        "batch {batch} (rows {first} to {last}) does not fit its digest: a row was changed",
    ),
    "removed": (
        "第 {batch} 批中第 {first}–{last} 条缺失：记录被删除",
        "rows {first} to {last} of batch {batch} are missing: they were removed",
    ),
    "inserted": (
        "第 {first}–{last} 条不属于任何一批：记录是从外部插入的，或其批次的摘要被删除",
        "rows {first} to {last} belong to no batch: they were put in from outside, or their seal was removed",
    ),
    "seal-removed": (
        "第 {batch} 批之前的批次摘要被删除（涉及第 {first}–{last} 条）",
        "seals before batch {batch} were removed (rows {first} to {last})",
    ),
    "truncated": (
        "日志尾部被截断：锚点记载第 {last} 条（第 {batch} 批），现存至第 {first} 条之前",
        "the end was cut off: an anchor tells of row {last} (batch {batch}), what stands ends before row {first}",
    ),
    "rewritten": (
        "第 {first}–{last} 条之间的历史被整体改写并重新成链：与第 {batch} 批的锚点不符",
        "history between rows {first} and {last} was rewritten and chained anew: it contradicts the anchor of batch {batch}",
    ),
    "foreign": (
        "锚点属于另一个实例（第 {batch} 批）",
        "the anchor is of another installation (batch {batch})",
    ),
}


@dataclass(slots=True)
class ChainReport:
    """What a check has found. `breaks` are in the order of positions, at most 50; `broken` counts all."""

    rows: int = 0
    batches: int = 0
    position: int = 0
    """The last position."""
    first_at: datetime | None = None
    last_at: datetime | None = None
    anchors: int = 0
    """How many anchors hold."""
    anchored: int = 0
    """The last position that an anchor vouches for."""
    broken: int = 0
    breaks: list[Break] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.broken

    def tell(self, found: Break) -> None:
        """Take up one more finding."""
        self.broken += 1
        if len(self.breaks) < _MOST_TOLD:
            self.breaks.append(found)


@dataclass(frozen=True, slots=True)
class _Seal:
    batch: int
    last: int
    digest: bytes


async def check_chain(connection: Connection, installation: str, anchors: Sequence[Anchor]) -> ChainReport:
    """Return what the check of every row, and of `anchors`, has found. Reads in one snapshot, in bounded memory."""
    report = ChainReport()
    asked: dict[int, list[Anchor]] = {}
    for anchor in anchors:
        if anchor.installation != installation:
            report.tell(Break("foreign", anchor.batch, anchor.position, anchor.position))
        else:
            asked.setdefault(anchor.batch, []).append(anchor)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute("set local statement_timeout = 0")
        await _walk(connection, report, asked)
    return report


async def _walk(connection: Connection, report: ChainReport, asked: dict[int, list[Anchor]]) -> None:
    rows = _Rows(connection, await _old_form_until(connection))
    before = _Seal(0, 0, b"")
    before_at: datetime | None = None
    vouched = 0
    """The last position at which an anchor and the chain agree."""
    async for seal in _seals(connection):
        report.batches += 1
        if seal.batch != before.batch + 1:
            report.tell(Break("seal-removed", seal.batch, before.last + 1, seal.last, before_at))
        found = await rows.until(seal.last)
        problem = _problem(found, before, seal)
        if problem is not None:
            kind, first, last = problem
            report.tell(Break(kind, seal.batch, first, last, before_at, await rows.next_at()))
        for anchor in asked.pop(seal.batch, ()):
            if (anchor.position, anchor.digest) == (seal.last, seal.digest):
                report.anchors += 1
                vouched = max(vouched, seal.last)
            else:
                report.tell(
                    Break(
                        "rewritten", seal.batch, vouched + 1, max(seal.last, anchor.position), None, anchor.at
                    )
                )
        if found:
            report.rows += len(found)
            report.first_at = report.first_at or found[0]["at"]
            before_at = found[-1]["at"]
        before = seal
    rest = await rows.until(None)
    if rest:
        report.rows += len(rest)
        report.tell(
            Break(
                "inserted", before.batch, rest[0]["position"], rest[-1]["position"], before_at, rest[-1]["at"]
            )
        )
    for anchor in (one for batch in sorted(asked) for one in asked[batch]):
        if anchor.batch > before.batch:
            report.tell(
                Break("truncated", anchor.batch, before.last + 1, anchor.position, before_at, anchor.at)
            )
        else:
            report.tell(Break("rewritten", anchor.batch, vouched + 1, anchor.position, None, anchor.at))
    report.position, report.last_at, report.anchored = before.last, before_at, vouched


def _problem(rows: list[Row], before: _Seal, seal: _Seal) -> tuple[Kind, int, int] | None:
    """Return what is wrong with the rows of one batch, and at which positions."""
    stand = {row["position"] for row in rows}
    missing = [at for at in range(before.last + 1, seal.last + 1) if at not in stand]
    if missing:
        return "removed", missing[0], missing[-1]
    strange = [row["position"] for row in rows if row["batch"] != seal.batch or not _parted(row)]
    if strange:
        return "changed", strange[0], strange[-1]
    text = "\x1e".join([row["text"] for row in rows])
    if hashlib.sha256(before.digest + text.encode()).digest() != seal.digest:
        return "changed", before.last + 1, seal.last
    return None


def _parted(row: Row) -> bool:
    """Return whether the columns hold no separator: moving one would leave the text as it is."""
    text = row["text"]
    return not row["whole"] or (text.count("\x1f") == _SEPARATORS and "\x1e" not in text)


async def _old_form_until(connection: Connection) -> int:
    """Return the last position whose batch was sealed before rows told of address, application and residents."""
    last: int = await connection.fetchval(
        "select coalesce((select last from audit_batch where form = 1 order by batch desc limit 1), 0)"
    )
    return last


async def _seals(connection: Connection) -> AsyncIterator[_Seal]:
    async for row in connection.cursor(
        "select batch, last, digest from audit_batch order by batch", prefetch=_CHUNK
    ):
        yield _Seal(row["batch"], row["last"], row["digest"])


class _Rows:
    """The rows in order, read ahead in chunks."""

    def __init__(self, connection: Connection, old: int) -> None:
        self._connection = connection
        self._old = old
        self._ahead: list[Row] = []
        self._at = 0
        self._seen = 0
        self._ended = False
        self._sql = f"""select position, batch, at, position > $2 as whole, case when position > $2
            then pg_catalog.concat_ws(E'\\x1f', {", ".join((*_COLUMNS, *_MORE))})
            else pg_catalog.concat_ws(E'\\x1f', {", ".join(_COLUMNS)}) end as text
            from audit where position > $1 order by position limit {_CHUNK}"""  # noqa: S608  # literals of this file

    async def _fill(self) -> None:
        if self._at < len(self._ahead) or self._ended:
            return
        self._ahead = await self._connection.fetch(self._sql, self._seen, self._old)
        self._at = 0
        self._ended = len(self._ahead) < _CHUNK
        if self._ahead:
            self._seen = self._ahead[-1]["position"]

    async def until(self, last: int | None) -> list[Row]:
        """Return the rows that follow, up to position `last`; all for None."""
        found: list[Row] = []
        while True:
            await self._fill()
            start, rows = self._at, self._ahead
            end = start
            while end < len(rows) and (last is None or rows[end]["position"] <= last):
                end += 1
            found.extend(rows[start:end])
            self._at = end
            if end < len(rows) or self._ended:
                return found

    async def next_at(self) -> datetime | None:
        """Return the instant of the row that follows, None at the end."""
        await self._fill()
        return self._ahead[self._at]["at"] if self._at < len(self._ahead) else None
