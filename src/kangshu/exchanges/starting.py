"""Cases started from the rows of a sheet: looked at row by row before anything starts, and each row started once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from kangshu.access import Grant
from kangshu.base.clock import now
from kangshu.base.faults import Fault, NotFound, Unprocessable
from kangshu.base.text import Language, Text
from kangshu.cases import CASE_KEY, Cases, number_of
from kangshu.exchanges.files import XLSX
from kangshu.exchanges.records import Answered, ReadIn, keep, read_content, read_ins_of
from kangshu.registers import (
    RowError,
    candidates,
    error_sheet,
    fields_template,
    name_of,
    points,
    read_sheet,
)
from kangshu.sdk import CaseDeclaration, ExchangeDeclaration, Field, SheetStart
from kangshu.store import Store, Transaction

PART: Final = "start"
"""Which part of an exchange the record of a sheet is."""
_KEY: Final = "row-key"
_SUBJECT: Final = "row-subject"
_MOST: Final = 500
"""Most rows of one sheet."""
_NOBODY: Final = Text(
    "没有找到，或不止一个；请写全称，居民写姓名和身份证号",
    "nobody or several; write the whole name, of a resident with the identity number",
)


@dataclass(frozen=True, slots=True)
class SheetRow:
    """What becomes of one row. `outcome`: `ready` (would start), `started`, `again` (before, unchanged), `wrong`."""

    line: int
    key: str
    outcome: str
    title: str = ""
    task: str = ""
    number: str = ""
    errors: tuple[RowError, ...] = ()


@dataclass(frozen=True, slots=True)
class SheetReport:
    """What a sheet would do (`done` False), or has done."""

    name: str
    rows: tuple[SheetRow, ...]
    done: bool = False
    errors: tuple[RowError, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "errors", tuple(error for row in self.rows for error in row.errors))

    def count(self, outcome: str) -> int:
        """Return how many rows have this outcome."""
        return sum(one.outcome == outcome for one in self.rows)


def handles(grant: Grant, exchange: ExchangeDeclaration) -> bool:
    """Return whether one of the words in the exchange's `by` is a role or an operation of this account."""
    return any(
        one.removeprefix("role:") in grant.roles
        if one.startswith("role:")
        else grant.may(one.removeprefix("operation:"))
        for one in exchange.by
    )


class SheetStarts:
    """The sheets that start cases, of an installation."""

    def __init__(
        self,
        store: Store,
        cases: Cases,
        declarations: Iterable[ExchangeDeclaration],
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._store, self._cases, self._clock = store, cases, clock
        self._declared = {one.code: one for one in declarations if one.start is not None}

    def open_to(self, grant: Grant) -> tuple[ExchangeDeclaration, ...]:
        """Return the sheets from which this account may start cases."""
        kinds = {one.code for one in self._cases.startable(grant)}
        return tuple(one for one in self._declared.values() if one.kind in kinds and handles(grant, one))

    def declaration(self, grant: Grant, code: str) -> ExchangeDeclaration:
        """Return a sheet that this account may use. Raises NotFound."""
        found = next((one for one in self.open_to(grant) if one.code == code), None)
        if found is None:
            raise NotFound("there is no such exchange", zh="没有这项数据交换")
        return found

    def columns(self, grant: Grant, code: str) -> tuple[Field, ...]:
        """Return the columns of the sheet: the row's key, the resident where there is one, the form's fields."""
        exchange = self.declaration(grant, code)
        return _columns(_start_of(exchange), self._cases.declaration(exchange.kind))

    def template(self, grant: Grant, code: str, language: Language) -> bytes:
        """Return the empty workbook: a sheet to fill in, and one that explains each column."""
        return fields_template(self.declaration(grant, code).title, self.columns(grant, code), language)

    def errors(self, grant: Grant, code: str, report: SheetReport, language: Language) -> bytes:
        """Return a workbook of what is wrong with which cell."""
        return error_sheet(self.declaration(grant, code).title, report.errors, language)

    async def preview(self, grant: Grant, code: str, name: str, data: bytes) -> SheetReport:
        """Return what every row would do. Each right row is tried to its end and nothing of it stays.

        Raises:
            NotFound: no such sheet, or none that this account may use.
            Malformed, TooLarge, Unprocessable: no workbook that can be read, or without its headings.
        """
        return await self._take(grant, code, name, data, trial=True)

    async def start(self, grant: Grant, code: str, name: str, data: bytes) -> SheetReport:
        """Start a case for every right row that has none yet; the file is kept with what became of each row.

        Raises as `preview`.
        """
        report = await self._take(grant, code, name, data, trial=False)
        exchange = self.declaration(grant, code)
        rows = [
            Answered(
                one.line,
                one.key,
                None,
                one.outcome,
                one.number,
                "；".join(error.text.zh for error in one.errors),
                one.task,
            )
            for one in report.rows
        ]

        async def work(transaction: Transaction) -> None:
            await keep(
                transaction, exchange, grant, PART, name, data, XLSX, read_content(rows), self._clock()
            )

        if report.count("started"):
            await self._store.run(grant, work)
        return report

    async def read_ins(self, grant: Grant, code: str) -> tuple[ReadIn, ...]:
        """Return the sheets from which cases were started, the newest first."""
        return await read_ins_of(self._store, grant, self.declaration(grant, code), PART)

    # ------------------------------------------------------------------ inside

    async def _take(self, grant: Grant, code: str, name: str, data: bytes, *, trial: bool) -> SheetReport:
        exchange = self.declaration(grant, code)
        kind = self._cases.declaration(exchange.kind)
        columns = self.columns(grant, code)
        sheet = read_sheet(columns, data, _MOST)
        if not sheet:
            raise Unprocessable("the file holds no rows", zh="文件中没有数据行")
        known: dict[tuple[str, str], str] = {}
        seen: dict[str, int] = {}
        rows = []
        for line, values in sheet:
            key = str(values.pop(_KEY, "") or "").strip()
            if not key or key in seen:
                said = (
                    Text(f"与第 {seen[key]} 行的标识重复", f"the same key as row {seen[key]}")
                    if key
                    else Text("每行须有不重复的标识", "every row has a key of its own")
                )
                rows.append(SheetRow(line, key, "wrong", errors=(RowError(line, columns[0].title.zh, said),)))
                continue
            seen[key] = line
            rows.append(await self._row(grant, exchange, kind, columns, line, key, values, known, trial))
        return SheetReport(name, tuple(rows), done=not trial)

    async def _row(
        self,
        grant: Grant,
        exchange: ExchangeDeclaration,
        kind: CaseDeclaration,
        columns: tuple[Field, ...],
        line: int,
        key: str,
        values: dict[str, Any],
        known: dict[tuple[str, str], str],
        trial: bool,
    ) -> SheetRow:
        """Start the case of one row, or try to, and return what became of it."""
        mark = _mark(exchange, grant, key)
        standing = await self._store.search_all(grant, "Task", f"identifier={CASE_KEY}|{mark}")
        if standing:
            task = standing[0]
            return SheetRow(line, key, "again", str(task.get("description", "")), task["id"], number_of(task))
        wrong = [
            RowError(line, one.title.zh, _NOBODY)
            for one in columns
            if points(one) and not await self._point(grant, one, values, known)
        ]
        if wrong:
            return SheetRow(line, key, "wrong", errors=tuple(wrong))
        subject = values.pop(_SUBJECT, None)
        try:
            begun = await self._cases.start(
                grant,
                kind.code,
                {**values, **_start_of(exchange).values},
                subject=str(subject) if subject else None,
                key=mark,
                trial=trial,
            )
        except Fault as fault:
            titles = {one.id: one.title.zh for one in columns}
            return SheetRow(line, key, "wrong", errors=tuple(_errors(line, fault, titles)))
        told = SheetRow(line, key, "ready", str(begun.resource.get("description", "")))
        if trial:
            return told
        return replace(told, outcome="started", task=begun.id, number=number_of(begun.resource))

    async def _point(
        self, grant: Grant, column: Field, values: dict[str, Any], known: dict[tuple[str, str], str]
    ) -> bool:
        """Put what a cell's name points to in its place; return whether there is one, or nothing was written."""
        text = str(values.get(column.id) or "").strip()
        if not text or "/" in text:
            return True
        if (column.id, text) not in known:
            criteria = "" if "${" in column.criteria else column.criteria
            found = await candidates(self._store, grant, column, criteria, text, 20)
            same = [one for one in found if name_of(one) == text]
            one = found if len(found) == 1 else same
            known[column.id, text] = f"{one[0]['resourceType']}/{one[0]['id']}" if len(one) == 1 else ""
        values[column.id] = known[column.id, text]
        return bool(known[column.id, text])


def _start_of(exchange: ExchangeDeclaration) -> SheetStart:
    if exchange.start is None:
        raise NotFound("nothing is started by this exchange", zh="该数据交换不发起办件")
    return exchange.start


def _columns(start: SheetStart, kind: CaseDeclaration) -> tuple[Field, ...]:
    form = {one.id: one for one in kind.form}
    help_ = Text(
        "同一标识只发起一次，重复上传不会重复发起", "one key starts one case, however often it is sent"
    )
    key = Field(_KEY, start.key, required=True, help=help_)
    person = [Field(_SUBJECT, start.subject, kind="resident", required=True)] if start.subject.zh else []
    return (key, *person, *(form[name] for name in start.fields))


def _mark(exchange: ExchangeDeclaration, grant: Grant, key: str) -> str:
    """Return the key of a row's case: of the account's unit, and without the words of the row."""
    return sha256(f"{exchange.code}/{grant.organisation}/{key}".encode()).hexdigest()


def _errors(line: int, fault: Fault, titles: Mapping[str, str]) -> Iterable[RowError]:
    for issue in fault.issues:
        name = issue.expression[0] if issue.expression else ""
        yield RowError(line, titles.get(name, ""), Text(issue.zh or issue.text, issue.text))
