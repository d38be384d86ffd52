"""Sending cases out in a file and taking the answer in: every row a move, every file kept, the same file only once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from kangshu.access import Grant
from kangshu.base.canonical import CASE_KIND, CASE_STATE
from kangshu.base.clock import CITY_ZONE, now
from kangshu.base.faults import Fault, NotFound, Unprocessable
from kangshu.cases import CASE_NUMBER, Cases, inputs, number_of, substitute
from kangshu.exchanges.files import Line, amount_of, read_lines, written_file
from kangshu.exchanges.records import (
    Answered,
    Batch,
    ReadIn,
    batches_of,
    file_of,
    keep,
    read_before,
    read_content,
    read_ins_of,
)
from kangshu.exchanges.starting import SheetStarts, handles
from kangshu.sdk import BATCH_SYSTEM, ExchangeAnswer, ExchangeDeclaration, Resource
from kangshu.store import Store, Transaction

_MOST: Final = 5000
"""Most cases in one file."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A case that may go out in the next file."""

    task: str
    number: str
    title: str
    amount: Decimal | None
    unit: str


class Exchanges:
    """The exchange files of an installation."""

    def __init__(
        self,
        store: Store,
        cases: Cases,
        declarations: Iterable[ExchangeDeclaration],
        *,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._store, self._cases, self._clock = store, cases, clock
        listed = tuple(declarations)
        self._declared = {one.code: one for one in listed if one.start is None}
        self.starts = SheetStarts(store, cases, listed, clock)

    def open_to(self, grant: Grant) -> tuple[ExchangeDeclaration, ...]:
        """Return the exchanges that this account handles."""
        return tuple(one for one in self._declared.values() if handles(grant, one))

    def declaration(self, grant: Grant, code: str) -> ExchangeDeclaration:
        """Return an exchange that this account handles. Raises NotFound."""
        found = self._declared.get(code)
        if found is None or not handles(grant, found):
            raise NotFound("there is no such exchange", zh="没有这项数据交换")
        return found

    async def ready(self, grant: Grant, code: str) -> tuple[Ready, ...]:
        """Return the cases that the grant sees and that may go out now, by case number."""
        exchange = self.declaration(grant, code)
        found = [self._ready(exchange, one) for one in await self._open(grant, exchange)]
        return tuple(sorted(found, key=lambda one: one.number))

    async def batches(self, grant: Grant, code: str) -> tuple[Batch, ...]:
        """Return the batches sent, the newest first, each with what came back of it."""
        return await batches_of(self._store, grant, self.declaration(grant, code))

    async def batch(self, grant: Grant, code: str, number: str) -> Batch:
        """Return one batch by its number. Raises NotFound."""
        found = next((one for one in await self.batches(grant, code) if one.number == number), None)
        if found is None:
            raise NotFound("there is no such batch", zh="没有这个批次")
        return found

    async def read_ins(self, grant: Grant, code: str) -> tuple[ReadIn, ...]:
        """Return the returned files as they were read in, the newest first."""
        return await read_ins_of(self._store, grant, self.declaration(grant, code))

    async def file(self, grant: Grant, code: str, number: str) -> tuple[str, bytes]:
        """Return (name, bytes) of a batch's file, as it was sent. Raises NotFound."""
        batch = await self.batch(grant, code, number)
        stored = await self._store.read(grant, "DocumentReference", batch.id)
        return batch.name, file_of(stored.resource)

    async def send(self, grant: Grant, code: str, tasks: Iterable[str]) -> Batch:
        """Send these cases out: each makes its move into a new batch, then the batch's file is kept.

        A case that cannot move (somebody was first) is not in the file. What stands in a batch whose file was not
        kept, after a crash, is put into the file by the next call.

        Raises:
            Unprocessable: none of the cases could go out; its issues say why.
            NotFound: no such exchange, or none that this account handles.
        """
        exchange = self.declaration(grant, code)
        chosen = list(dict.fromkeys(tasks))[:_MOST]
        number = await self._next_number(grant, exchange)
        faults: list[Fault] = []
        for task in chosen:
            try:
                await self._cases.move(grant, task, exchange.move, {"batch": number})
            except Fault as fault:
                faults.append(fault)
        if len(faults) == len(chosen):
            issues = tuple(issue for one in faults for issue in one.issues)
            said = "；".join(dict.fromkeys(one.zh for one in faults)) or "没有可以送出的办件"
            raise Unprocessable("no case could go out", zh=f"没有可以送出的办件：{said}", issues=issues)
        await self._keep_file(grant, exchange, number)
        return await self.batch(grant, code, number)

    async def take_back(self, grant: Grant, code: str, name: str, data: bytes) -> ReadIn:
        """Read a returned file in: each row makes its case's move, and the report of every row is kept with the file.

        A file that was read before changes nothing and gives the report of then. A row that was answered before in
        the same way changes nothing either.

        Raises:
            NotFound: no such exchange, or none that this account handles.
            Malformed, Unprocessable: no file that can be read, or without its headings.
        """
        exchange = self.declaration(grant, code)
        before = await read_before(self._store, grant, exchange, data)
        if before is not None:
            return before
        lines = read_lines(exchange, data)
        if not lines:
            raise Unprocessable("the file holds no rows", zh="文件中没有数据行")
        batches = {one.number: one for one in await self.batches(grant, code)}
        seen: set[str] = set()
        rows = []
        for line in lines:
            key = line.cells.get(exchange.key, "")
            if key in seen:
                rows.append(_wrong(exchange, line, "文件中有重复的业务编号，只处理第一行"))
                continue
            seen.add(key)
            rows.append(await self._answer(grant, exchange, line, batches))

        async def work(transaction: Transaction) -> None:
            await keep(
                transaction, exchange, grant, "back", name, data, "application/octet-stream",
                read_content(rows), self._clock(),
            )  # fmt: skip

        await self._store.run(grant, work)
        found = await read_before(self._store, grant, exchange, data)
        if found is None:
            raise NotFound("the file was not kept", zh="回盘文件未能留存")
        return replace(found, again=False)

    # ------------------------------------------------------------------ inside

    async def _answer(
        self, grant: Grant, exchange: ExchangeDeclaration, line: Line, batches: Mapping[str, Batch]
    ) -> Answered:
        """Make the move of one returned row and return what became of it."""
        key, said = line.cells.get(exchange.key, ""), line.cells.get(exchange.result, "")
        found = await self._store.search_all(grant, "Task", _by_number(exchange, key)) if key else []
        if len(found) != 1:
            return _wrong(exchange, line, "没有找到该业务编号对应的办件")
        task = found[0]
        batch = batches.get(str((task.get("groupIdentifier") or {}).get("value", "")))
        sent = next((one for one in batch.rows if one.key == key), None) if batch else None
        if batch is None or sent is None:
            return _wrong(exchange, line, "该业务没有送出过代发文件")
        told = _wrong(exchange, line, "", task["id"], batch.number)
        amount = amount_of(line.cells.get(exchange.amount, ""))
        if amount != sent.amount:
            return replace(
                told,
                fault=f"金额与送出的不一致：送出 {sent.amount}，回盘 {amount if amount is not None else '空'}",
            )
        answer = next((one for one in exchange.answers if said in one.words), None)
        if answer is None:
            return replace(told, fault=f"处理结果“{said}”无法识别")
        outcome = "settled" if answer.settles else "returned"
        before = batch.outcomes.get(key)
        if before is not None:
            same = before.outcome == outcome
            return replace(
                told,
                outcome="again" if same else "wrong",
                fault="" if same else f"此前回盘为“{before.said}”，与本次不一致，请人工核实",
            )
        try:
            values = _values(answer, line)
            await self._cases.move(grant, task["id"], answer.move, values)
        except Fault as fault:
            return replace(told, fault=fault.zh)
        return replace(told, outcome=outcome, fault="" if answer.settles else "；".join(values.values()))

    async def _keep_file(self, grant: Grant, exchange: ExchangeDeclaration, number: str) -> None:
        """Make the file of a batch from the cases that stand in it, and keep it."""
        tasks = await self._store.search_all(grant, "Task", f"group-identifier={BATCH_SYSTEM}|{number}")
        tasks.sort(key=number_of)
        rows = [self._row(exchange, number, at, one) for at, one in enumerate(tasks, start=1)]
        name, data, media = written_file(exchange, number, rows)
        content = {
            "rows": [
                {"task": one["id"], "key": str(row[exchange.key]), "amount": row[exchange.amount]}
                for one, row in zip(tasks, rows, strict=True)
            ]
        }
        tags = next((one.get("meta", {}).get("tag", ()) for one in tasks), ())

        async def work(transaction: Transaction) -> None:
            await keep(
                transaction, exchange, grant, "out", name, data, media, content, self._clock(), number, tags
            )

        await self._store.run(grant, work)

    async def _next_number(self, grant: Grant, exchange: ExchangeDeclaration) -> str:
        day = self._clock().astimezone(CITY_ZONE).strftime("%Y%m%d")

        async def work(transaction: Transaction) -> int:
            return await transaction.next_number(f"exchange/{exchange.code}/{day}")

        return f"{day}-{await self._store.run(grant, work):03d}"

    async def _open(self, grant: Grant, exchange: ExchangeDeclaration) -> list[Resource]:
        states = ",".join(f"{CASE_STATE}|{one}" for one in exchange.states)
        return await self._store.search_all(
            grant, "Task", f"code={CASE_KIND}|{exchange.kind}&business-status={states}"
        )

    def _ready(self, exchange: ExchangeDeclaration, task: Resource) -> Ready:
        amount = self._row(exchange, "", 1, task)[exchange.amount]
        return Ready(
            task["id"],
            number_of(task),
            str(task.get("description", "")),
            amount if isinstance(amount, Decimal) else None,
            str((task.get("requester") or {}).get("display", "")),
        )

    def _row(
        self, exchange: ExchangeDeclaration, number: str, sequence: int, task: Resource
    ) -> dict[str, Any]:
        names = {
            **inputs(task),
            "batch": number,
            "sequence": sequence,
            "number": number_of(task),
            "title": task.get("description"),
            "requester_name": (task.get("requester") or {}).get("display"),
            "owner_name": (task.get("owner") or {}).get("display"),
            "today": self._clock().astimezone(CITY_ZONE).date().isoformat(),
        }
        row: dict[str, Any] = {}
        for column in exchange.columns:
            value = substitute(column.value, names)
            row[column.title] = _cell(column.kind, value)
        return row


def _cell(kind: str, value: Any) -> Any:
    if value is None:
        return ""
    return Decimal(str(value)) if kind == "amount" else value


def _by_number(exchange: ExchangeDeclaration, key: str) -> str:
    return f"code={CASE_KIND}|{exchange.kind}&identifier={CASE_NUMBER}|{key}"


def _values(answer: ExchangeAnswer, line: Line) -> dict[str, str]:
    filled = {name: line.cells.get(heading, "") for name, heading in answer.values.items()}
    return {name: value for name, value in filled.items() if value}


def _wrong(
    exchange: ExchangeDeclaration, line: Line, fault: str, task: str = "", batch: str = ""
) -> Answered:
    return Answered(
        line.number,
        line.cells.get(exchange.key, ""),
        amount_of(line.cells.get(exchange.amount, "")),
        "wrong",
        line.cells.get(exchange.result, ""),
        fault,
        task,
        batch,
    )
