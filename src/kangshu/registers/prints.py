"""打印表样: a record of a register on paper, in the forms that its service declares, as docx and pdf."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any, Final

from kangshu.access import Grant
from kangshu.base.canonical import BASE, RESIDENT_ID
from kangshu.base.clock import CITY_ZONE, now
from kangshu.base.faults import Fault, NotFound
from kangshu.base.text import Text
from kangshu.documents import Report, write_report_docx, write_report_pdf_apart, written_day
from kangshu.fhirpath import compile as compile_expression
from kangshu.registers.filling import BLANK, filled, sheet_blocks
from kangshu.registers.names import name_of
from kangshu.registers.registers import RegisterRecord, Registers
from kangshu.registers.rows import display
from kangshu.sdk import DocumentDeclaration, Field, RegisterDeclaration, Resource
from kangshu.store import Store

DETAILS: Final[Mapping[str, frozenset[str]]] = {
    "resident": frozenset({"name", "gender", "birth_date", "age", "identity_number", "telephone", "address"}),
    "organisation": frozenset({"name", "code", "telephone", "address"}),
}
"""What a template may say besides of who or what a field points to: `${resident.identity_number}`."""
OF_RECORDS: Final = "records:"
"""`each: records:<register>:<column>` gives the records of a register whose column points to the printed one."""
_MOST_ROWS: Final = 500


class Prints:
    """The print forms of an installation's registers."""

    def __init__(
        self,
        store: Store,
        registers: Registers,
        documents: Iterable[DocumentDeclaration],
        *,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._store, self._registers, self._clock = store, registers, clock
        self._documents = tuple(one for one in documents if one.register)

    def documents(self, code: str) -> tuple[DocumentDeclaration, ...]:
        """Return the print forms of the register `service/register`."""
        return tuple(one for one in self._documents if f"{one.service}/{one.register}" == code)

    async def printed(
        self, grant: Grant, code: str, id: str, document: str, form: str, *, mark: str = ""
    ) -> tuple[str, bytes]:
        """Return (file name, docx or pdf) of a record as it stands now; what is protected stays masked.

        `mark` stands on every page. Raises NotFound: no such record, print form or kind of file.
        """
        declared = next((one for one in self.documents(code) if one.id == document), None)
        if declared is None or form not in ("docx", "pdf"):
            raise NotFound("there is no such print form", zh="没有这种打印表样")
        report = await self.report(grant, code, id, declared, mark)
        data = (
            await asyncio.to_thread(write_report_docx, report)
            if form == "docx"
            else await write_report_pdf_apart(report)
        )
        return f"{declared.title.zh}.{form}", data

    async def report(
        self, grant: Grant, code: str, id: str, document: DocumentDeclaration, mark: str = ""
    ) -> Report:
        """Return a record's print form as data. Raises NotFound."""
        register = self._registers.declaration(code)
        record = await self._registers.record(grant, code, id)
        moment = self._clock()
        names = {
            **await self._names(grant, register, record),
            "today": written_day(moment.astimezone(CITY_ZONE).date()),
            "year": str(moment.astimezone(CITY_ZONE).year),
        }
        rows: dict[str, list[Mapping[str, Any]]] = {}
        for block in document.body:
            if block.each.startswith(OF_RECORDS):
                rows[block.each] = await self._rows(grant, register, record, block.each)

        def holds(expression: str) -> bool:
            try:
                return compile_expression(expression).holds(record.resource, {}) is True
            except Fault:
                return False

        return Report(
            filled(document.heading, names, BLANK),
            [(one.title, filled(one.text, names, BLANK)) for one in document.facts],
            list(sheet_blocks(document.body, names, rows, holds)),
            mark,
            moment,
            filled(document.agency, names),
        )

    async def _names(
        self, grant: Grant, register: RegisterDeclaration, record: RegisterRecord
    ) -> dict[str, Any]:
        names: dict[str, Any] = {}
        for field in register.form:
            value = record.values.get(field.id)
            names[field.id] = shown(field, value, record.names)
            if field.kind in DETAILS and isinstance(value, str):
                told = await self._details(grant, value)
                names.update({f"{field.id}.{name}": text for name, text in told.items()})
        return names

    async def _details(self, grant: Grant, reference: str) -> dict[str, str]:
        """Return what templates may say of a resident or an organisation, as the grant sees it."""
        kind, _, id_ = reference.partition("/")
        try:
            resource = (await self._store.read(grant, kind, id_)).resource
        except Fault:
            return {}
        return details_of(resource, self._clock().astimezone(CITY_ZONE).date())

    async def _rows(
        self, grant: Grant, register: RegisterDeclaration, record: RegisterRecord, each: str
    ) -> list[Mapping[str, Any]]:
        name, _, column = each.removeprefix(OF_RECORDS).partition(":")
        page = await self._registers.list(
            grant,
            f"{register.service}/{name}",
            {column: f"{register.resource_type}/{record.id}"},
            count=_MOST_ROWS,
            total=False,
        )
        return [{id_: text.zh for id_, text in row.texts.items()} for row in page.rows]


def shown(field: Field, value: Any, names: Mapping[str, str]) -> Any:
    """Return a field's value as it is printed; rows of a table by column, a day in full."""
    if value is None:
        return ""
    if field.kind == "table":
        columns = {one.id: one for one in field.columns}
        return [{key: shown(columns[key], cell, names) for key, cell in row.items()} for row in value]
    if field.kind == "date" and len(str(value)) == 10:
        return written_day(date.fromisoformat(str(value)))
    text: Text = display(field, value, names)
    return f"{text.zh}{field.unit}" if text.zh else ""


def details_of(resource: Resource, today: date) -> dict[str, str]:
    """Return what print forms may say of a resident or an organisation beside its name."""
    person = resource.get("resourceType") == "Patient"
    system = RESIDENT_ID if person else f"{BASE}/sid/uscc"
    address = resource.get("address")
    first = (address or [{}])[0] if isinstance(address, list) else address or {}
    told = {
        "name": name_of(resource),
        "identity_number" if person else "code": _first(resource.get("identifier"), "system", system),
        "telephone": _first(resource.get("telecom"), "system", "phone"),
        "address": str(first.get("text") or "".join(first.get("line", ()))),
    }
    if person:
        born = str(resource.get("birthDate", ""))
        told["gender"] = {"male": "男", "female": "女"}.get(str(resource.get("gender")), "")
        told["birth_date"] = written_day(date.fromisoformat(born)) if len(born) == 10 else born
        told["age"] = str(_age(date.fromisoformat(born), today)) if len(born) == 10 else ""
    return told


def _first(listed: Any, element: str, wanted: str) -> str:
    return next((str(one.get("value", "")) for one in listed or () if one.get(element) == wanted), "")


def _age(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
