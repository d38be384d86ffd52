"""Registers of an installation: list, record, save, and Excel out and in, each under the caller's grant."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from kangshu.access import Grant
from kangshu.base.clock import now
from kangshu.base.faults import NotFound, TooLarge
from kangshu.base.text import Language, Text
from kangshu.registers.asking import LARGEST, capacity_rules, query_of, query_of_resident, unique_rules
from kangshu.registers.batch import BatchReport, batch_fields, change_records
from kangshu.registers.changes import FieldChange, changes, references_in
from kangshu.registers.forms import pointed, points, read_values
from kangshu.registers.importing import ImportReport, Row
from kangshu.registers.names import by_name, candidates, names_of
from kangshu.registers.pictured import Pictured, every_record, place_of
from kangshu.registers.protected import masked_fields
from kangshu.registers.questionnaire import questionnaire
from kangshu.registers.rows import POINTERS, RegisterRow, row_of, value_of
from kangshu.registers.saving import require_form, save_record
from kangshu.registers.sections import DueDay, find_section
from kangshu.registers.sheets import error_sheet, export_sheet, read_sheet, template_sheets
from kangshu.registers.taking import take_rows
from kangshu.sdk import Column, EntranceEntry, Field, HomeSection, RegisterDeclaration, Resource
from kangshu.store import Store, Stored, audit_row

_EXPORT_MOST = 200_000
_IMPORT_MOST = 20_000
BATCH_MOST = 100
"""Most records that one batch changes."""


@dataclass(frozen=True, slots=True)
class RegisterPage:
    """One page of a register's list. `total` is None where it was not asked for; `next` the following page's cursor."""

    register: RegisterDeclaration
    rows: tuple[RegisterRow, ...]
    total: int | None
    next: str | None


@dataclass(frozen=True, slots=True)
class RegisterRecord:
    """One record: its form's values by field id (masked where the grant may not see them) and the resource."""

    id: str
    version: int
    values: Mapping[str, Any]
    protected: frozenset[str]
    """Ids of the fields that are masked in this record."""
    names: Mapping[str, str]
    """Reference (`Type/id`) → name, of the values that are references."""
    resource: Resource
    kept: Mapping[str, Text]
    """What the columns say that no field of the form has, by column id: what cases keep with the record."""


@dataclass(frozen=True, slots=True)
class SectionRows:
    """What a first-screen section shows. `rows` hold the section's columns; `due` is of the same order.

    A section that asks of people has no rows: `due` names them (`Patient/id`), and `names` what they are called.
    """

    register: RegisterDeclaration
    count: int
    whole: int
    rows: tuple[RegisterRow, ...]
    due: tuple[DueDay, ...]
    names: Mapping[str, str]


class Registers:
    """Every declared register, by its code `service/register`."""

    def __init__(self, store: Store, declarations: Iterable[RegisterDeclaration]) -> None:
        self._store = store
        self._declared = {one.code: one for one in declarations}
        store.register_unique(rule for one in self._declared.values() for rule in unique_rules(one))
        store.register_capacity(rule for one in self._declared.values() for rule in capacity_rules(one))

    @property
    def declarations(self) -> tuple[RegisterDeclaration, ...]:
        """Return every declared register."""
        return tuple(self._declared.values())

    def declaration(self, code: str) -> RegisterDeclaration:
        """Return the register `service/register`. Raises NotFound."""
        found = self._declared.get(code)
        if found is None:
            raise NotFound(f"there is no register '{code[:80]}'", zh=f"没有台账“{code[:80]}”")
        return found

    def questionnaire(self, code: str) -> Resource:
        """Return the register's form as a Questionnaire."""
        register = self.declaration(code)
        return questionnaire(register.code, register.title, register.form)

    async def list(
        self,
        grant: Grant,
        code: str,
        filters: Mapping[str, str] | None = None,
        sort: str = "",
        cursor: str | None = None,
        *,
        count: int = 20,
        total: bool = True,
        ids: Sequence[str] = (),
    ) -> RegisterPage:
        """Return a page of the register, of the records that the grant sees.

        `filters` map a column id to what it is filtered by: part of a text, a code or its Chinese title, a date or
        number with an optional comparator (`ge2026-01-01`, `2026`) or a span of days (`2026-01-01..2026-03-31`, either
        end may be left out). `district` filters any register by division. `sort` is a column id, with a leading `-`
        downwards. `ids` narrows the list to these records.

        Raises:
            NotFound: no such register.
            UnknownParameter: a filter or sort column that the register does not offer.
        """
        register = self.declaration(code)
        grant.require("register.read")
        query = query_of(register, filters or {}, sort, count, total=total, ids=ids)
        page = await self._store.search(grant, query, cursor)
        rows = await self._rows(grant, register.columns, [one.resource for one in page.entries])
        return RegisterPage(register, rows, page.total, page.next)

    async def pictured(
        self, grant: Grant, code: str, filters: Mapping[str, str] | None = None, *, most: int = 2000
    ) -> Pictured:
        """Return the records of a register with their rows, as its pictures draw them, at most `most`.

        Raises NotFound and UnknownParameter as `list`.
        """
        register = self.declaration(code)
        grant.require("register.read")
        query = query_of(register, filters or {}, "", LARGEST, total=True)
        resources, total = await every_record(self._store, grant, query, most)
        rows = await self._rows(grant, register.columns, resources)
        places = tuple(place_of(register.pictures.map, one) for one in resources)
        return Pictured(rows, places, total)

    async def record(self, grant: Grant, code: str, id: str) -> RegisterRecord:
        """Return one record with its form's values. Raises NotFound."""
        register = self.declaration(code)
        grant.require("register.read")
        stored = await self._store.read(grant, register.resource_type, id)
        values = read_values(register.form, stored.resource)
        references = {one for field in register.form for one in pointed(field, values.get(field.id))}
        names = await names_of(self._store, grant, references)
        protected = masked_fields(register, values)
        entered = {one.id for one in register.form}
        beside = [one for one in register.columns if one.id not in entered]
        (row,) = await self._rows(grant, beside, [stored.resource])
        return RegisterRecord(stored.id, stored.version, values, protected, names, stored.resource, row.texts)

    async def save(
        self,
        grant: Grant,
        code: str,
        values: Mapping[str, Any],
        id: str | None = None,
        *,
        if_match: int | None = None,
        partial: bool = False,
        papers: Sequence[Resource] = (),
    ) -> Stored:
        """Create a record (`id` None) or change the form's fields of one, and return it.

        With `partial`, fields that `values` does not name stay as they are. `papers` are new records (attachments,
        with their ids) that the values point to: they are written with the record or not at all.

        Raises:
            Unprocessable: values against the form; its issues name the fields, in Chinese and English.
            Conflict: a value that must be unique is taken.
            PreconditionFailed: `if_match` is not the current version.
            Forbidden, NotFound: the account may not.
        """
        register = self.declaration(code)
        grant.require("register.write")
        require_form(register)
        async with self._store.transaction(grant) as transaction:
            for paper in papers:
                await transaction.create_as(str(paper["id"]), paper)
            saved = await save_record(transaction, register, values, id, if_match, partial=partial)
            return saved.after

    async def export_xlsx(
        self,
        grant: Grant,
        code: str,
        filters: Mapping[str, str] | None = None,
        sort: str = "",
        *,
        watermark: str = "",
        language: Language = "zh",
        at: datetime | None = None,
        ids: Sequence[str] = (),
    ) -> bytes:
        """Return an Excel workbook of every record that the filter (with `ids`, of these alone) and the grant admit.

        Each sheet's first line says `watermark` (e.g. 演示数据), the account and the time.
        """
        register = self.declaration(code)
        grant.require("register.read")
        grant.require("export")
        asked = " ".join([register.code, *(f"{name}={value}" for name, value in (filters or {}).items())])
        query = query_of(register, filters or {}, sort, LARGEST, total=False, ids=ids)
        rows: list[RegisterRow] = []
        residents: dict[str, None] = {}
        cursor: str | None = None
        while len(rows) < _EXPORT_MOST:
            page = await self._store.search(grant, query, cursor)
            residents.update((one.scope.patient, None) for one in page.entries if one.scope.patient)
            rows.extend(await self._rows(grant, register.columns, [one.resource for one in page.entries]))
            cursor = page.next
            if cursor is None:
                break
        # a resident sees that the record left the product, with whom and when
        told = audit_row(grant, "export", register.resource_type, detail=asked, residents=residents)
        await self._store.write_audit([told])
        return export_sheet(register, rows, grant, watermark, at or now(), language)

    def template_xlsx(self, code: str, *, language: Language = "zh") -> bytes:
        """Return an empty Excel workbook to fill in: one column per field, a second sheet that explains them."""
        return template_sheets(self.declaration(code), language)

    async def import_xlsx(
        self, grant: Grant, code: str, data: bytes, *, partial: bool = False, preview: bool = False
    ) -> ImportReport:
        """Import the rows of a filled-in template and return what happened row by row.

        A row whose unique fields are those of a record changes that record. Nothing is written when any row is
        wrong, unless `partial`: then the right rows are. With `preview` the report says what would happen.

        Raises:
            Malformed, TooLarge: not a workbook, or more rows than one import takes.
            Unprocessable: headers that are not the template's.
        """
        register = self.declaration(code)
        grant.require("register.import")
        require_form(register)
        # in a thread: a large workbook takes seconds, and others are to be served meanwhile
        read = await asyncio.to_thread(read_sheet, register.form, data, _IMPORT_MOST)
        rows = await self._named(grant, register, read)
        return await take_rows(self._store, grant, register, rows, partial=partial, preview=preview)

    def errors_xlsx(self, code: str, report: ImportReport, *, language: Language = "zh") -> bytes:
        """Return an Excel workbook of what is wrong with the rows of an import, row by row."""
        return error_sheet(self.declaration(code).title, report.errors, language)

    async def change_field(
        self,
        grant: Grant,
        code: str,
        records: Mapping[str, int],
        field_id: str,
        value: Any,
        *,
        write: bool = False,
    ) -> BatchReport:
        """Give one field of several records (id → version, 0 for whichever stands) one value; all change or none.

        Without `write` the report shows which would change, from what to what, and which may not and why.

        Raises:
            NotFound: no such register, or no field of it that may be changed so.
            TooLarge: more records than a batch takes.
            Unprocessable: the value is none of this field.
        """
        register = self.declaration(code)
        grant.require("register.write")
        require_form(register)
        field = next((one for one in batch_fields(register) if one.id == field_id), None)
        if field is None:
            raise NotFound("this field is not changed in batches", zh="该字段不支持批量修改")
        if len(records) > BATCH_MOST:
            raise TooLarge(
                f"a batch takes at most {BATCH_MOST} records", zh=f"一次最多批量修改 {BATCH_MOST} 条"
            )
        return await change_records(self._store, grant, register, records, field, value, write=write)

    def batch_fields(self, code: str) -> tuple[Field, ...]:
        """Return the fields of a register that several records may be given one value of."""
        register = self.declaration(code)
        return () if register.read_only else batch_fields(register)

    async def changes(self, grant: Grant, code: str, id: str) -> Sequence[FieldChange]:
        """Return what changed in a record's form fields, newest first. Raises NotFound."""
        register = self.declaration(code)
        grant.require("register.read")
        await self._store.read(grant, register.resource_type, id)
        versions: dict[int, Stored] = {}
        cursor: str | None = None
        while True:
            page = await self._store.history(grant, register.resource_type, id, count=200, cursor=cursor)
            versions.update({one.version: one for one in page.entries})
            cursor = page.next
            if cursor is None:
                break
        ordered = [versions[number] for number in sorted(versions)]
        names = await names_of(self._store, grant, references_in(register.form, ordered))
        return changes(register.form, ordered, names)

    async def candidates(
        self, grant: Grant, code: str, field_id: str, *, text: str = "", limit: int = 50
    ) -> Sequence[Resource]:
        """Return the records that may be chosen for a reference field of the register's form, at most `limit`.

        Raises:
            NotFound: no such register, or no reference field of that id.
        """
        field = next((one for one in self.declaration(code).form if one.id == field_id), None)
        if field is None or not points(field):
            raise NotFound("there is no such field to choose for", zh="没有可选择的字段")
        return await candidates(self._store, grant, field, field.criteria, text, limit)

    async def section(
        self, grant: Grant, section: HomeSection, within: int, day: date, *, limit: int = 12
    ) -> SectionRows:
        """Return what a service's first-screen section shows on `day`, at most `limit` rows.

        `within` is the value of the parameter that the section names, 0 where it names none.

        Raises:
            TooLarge: a section over all that the grant sees, of more than 10,000 records.
        """
        register = self.declaration(f"{section.service}/{section.register}")
        grant.require("register.read")
        found = await find_section(self._store, grant, register, section, within, day, limit)
        shown = [column for column in register.columns if column.id in section.columns]
        rows = await self._rows(grant, shown, found.resources)
        people = section.due is not None and section.due.people is not None
        names = await names_of(self._store, grant, [one.id for one in found.due] if people else [])
        return SectionRows(register, found.count, found.whole, rows, tuple(found.due), names)

    async def of_resident(
        self, grant: Grant, entry: EntranceEntry, resident: str, *, limit: int = 20
    ) -> tuple[RegisterRow, ...]:
        """Return what the entrance shows a resident of the entry's register, in its columns, at most `limit` rows.

        `resident` (an id) is the account itself, somebody in its care, or who has charged it with their affairs.

        Raises:
            NotFound: somebody else.
        """
        if not grant.acts_as(resident) and resident not in grant.mandates:
            raise NotFound("there is no such person of yours", zh="没有可代为办理的此人")
        register = self.declaration(f"{entry.service}/{entry.register}")
        found = await self._store.search(grant, query_of_resident(register, entry, resident, limit))
        shown = [column for column in register.columns if column.id in entry.columns]
        return await self._rows(grant, shown, [one.resource for one in found.entries])

    async def choosable(
        self, grant: Grant, field: Field, *, text: str = "", limit: int = 50
    ) -> Sequence[Resource]:
        """Return the records that may be chosen for a reference field of any form, of those the grant sees.

        `text` is part of a name; for a resident also an identity number. At most `limit`, by name.
        """
        return await candidates(
            self._store, grant, field, "" if "${" in field.criteria else field.criteria, text, limit
        )

    async def _named(self, grant: Grant, register: RegisterDeclaration, rows: Sequence[Row]) -> Sequence[Row]:
        """Return `rows` with names of organisations and people replaced by what they point to, where there is one."""
        known: dict[tuple[str, str], str] = {}
        for field in register.form:
            if not points(field):
                continue
            for _, values in rows:
                text = values.get(field.id)
                if not isinstance(text, str) or "/" in text:
                    continue
                if (field.id, text) not in known:
                    known[field.id, text] = await by_name(self._store, grant, field, text)
                values[field.id] = known[field.id, text] or text
        return rows

    async def _rows(
        self, grant: Grant, columns: Sequence[Column], resources: Sequence[Resource]
    ) -> tuple[RegisterRow, ...]:
        values = [{column.id: value_of(column, resource) for column in columns} for resource in resources]
        pointing = [column.id for column in columns if column.kind in POINTERS]
        places = [column.id for column in columns if column.kind == "district"]
        asked = {str(one[name]) for one in values for name in pointing if one[name]}
        asked |= {f"Location/division-{one[name]}" for one in values for name in places if one[name]}
        names = await names_of(self._store, grant, asked)
        return tuple(
            row_of(columns, resource, one, names) for resource, one in zip(resources, values, strict=True)
        )
