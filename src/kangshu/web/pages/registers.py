"""台账: a list with filters, Excel out and in, and the form of one record; all made from the declaration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from kangshu.base.faults import (
    Conflict,
    Fault,
    PreconditionFailed,
    TooLarge,
    Unprocessable,
    UnsupportedMedia,
)
from kangshu.base.text import Text
from kangshu.sdk import RegisterDeclaration
from kangshu.web.attachments import with_attachments
from kangshu.web.forms import form_fields, sent_values, told
from kangshu.web.lookup import choices_of, divisions, with_residents
from kangshu.web.parts import Filter, Paging
from kangshu.web.visit import Visit, texts, uploaded

_RESERVED: Final = frozenset({"cursor", "sort", "lang", "size", "said"})
_PAGE: Final = 20
_NUMBERS: Final = frozenset({"integer", "decimal"})


@dataclass(frozen=True, slots=True)
class Head:
    """A column's head: `sort` is the address that sorts by it, `sorted` what it is sorted by now."""

    title: str
    number: bool
    sort: str = ""
    sorted: str = ""


@dataclass(frozen=True, slots=True)
class ShownCell:
    """One cell of the list."""

    text: str
    number: bool


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One record of the list."""

    cells: list[ShownCell]
    address: str
    edit: str


@dataclass(frozen=True, slots=True)
class ShownReport:
    """What an import did."""

    created: int
    updated: int
    failed: int
    errors: list[ShownError]


@dataclass(frozen=True, slots=True)
class ShownError:
    """One wrong cell of an import."""

    row: int
    column: str
    text: str


def declaration_of(visit: Visit) -> RegisterDeclaration:
    """Return the register of the address. Raises NotFound."""
    return visit.platform.registers.declaration(f"{visit.path('service')}/{visit.path('register')}")


def _filters(visit: Visit) -> dict[str, str]:
    return {
        name: value.strip()
        for name, value in visit.request.query_params.items()
        if name not in _RESERVED and value.strip()
    }


def record_address(register: RegisterDeclaration, id_: str) -> str:
    """Return the page of one record: residents have their own."""
    if register.resource_type == "Patient":
        return f"/residents/{id_}"
    return f"/registers/{register.code}/{id_}"


async def register(visit: Visit) -> Response:
    """Show the list, filtered, sorted and paged."""
    declared, words, grant = declaration_of(visit), visit.words, visit.grant
    filters, sort, cursor = _filters(visit), visit.query("sort"), visit.query("cursor")
    page = await visit.platform.registers.list(
        grant, declared.code, filters, sort, cursor or None, count=_PAGE
    )
    address = f"/registers/{declared.code}"
    may_write = grant.may("register.write")
    columns = [
        Head(
            words.of(column.title),
            column.kind in _NUMBERS,
            visit.with_query(sort=f"-{column.id}" if sort == column.id else column.id, cursor="")
            if column.sort
            else "",
            {column.id: "ascending", f"-{column.id}": "descending"}.get(sort, ""),
        )
        for column in declared.columns
    ]
    rows = [
        ShownRow(
            [ShownCell(words.of(row.texts[one.id]), one.kind in _NUMBERS) for one in declared.columns],
            record_address(declared, row.id),
            f"{address}/{row.id}/edit" if may_write else "",
        )
        for row in page.rows
    ]
    paging = Paging(
        previous=visit.with_query(cursor="") if cursor else "",
        next=visit.with_query(cursor=page.next) if page.next else "",
    )
    total = page.total if page.total is not None else "—"
    return visit.render(
        "register.html",
        title=words.of(declared.title),
        service=next(
            (words.of(one.title) for one in visit.platform.services if one.id == declared.service), ""
        ),
        help=words.of(declared.help),
        address=address,
        export=f"{address}/export.xlsx"
        + (f"?{urlencode({**filters, **({'sort': sort} if sort else {})})}" if filters or sort else ""),
        may_export=grant.may("export"),
        may_import=grant.may("register.import"),
        may_write=may_write,
        filters=await _filter_fields(visit, declared, filters),
        filtered=bool(filters),
        columns=columns,
        rows=rows,
        page=paging,
        total_text=words("共 {total} 条", total=f"{total:,}" if isinstance(total, int) else total),
    )


async def _filter_fields(
    visit: Visit, declared: RegisterDeclaration, filters: Mapping[str, str]
) -> list[Filter]:
    words = visit.words
    found = []
    for column in declared.columns:
        if not column.search:
            continue
        options = tuple((one.code, words.of(one.title)) for one in column.options)
        if column.kind == "boolean":
            options = (("true", words("是")), ("false", words("否")))
        elif column.kind == "district":
            options = tuple((await divisions(visit)).items())
        kind = "date" if column.kind in ("date", "datetime") else "text"
        found.append(Filter(column.id, words.of(column.title), filters.get(column.id, ""), options, kind))
    if not any(column.kind == "district" for column in declared.columns):
        places = tuple((code, name) for code, name in (await divisions(visit)).items() if len(code) <= 9)
        if places:
            found.append(Filter("district", words("区域"), filters.get("district", ""), places))
    return found


async def export(visit: Visit) -> Response:
    """Return the filtered list as an Excel workbook."""
    declared, words = declaration_of(visit), visit.words
    data = await visit.platform.registers.export_xlsx(
        visit.grant,
        declared.code,
        _filters(visit),
        visit.query("sort"),
        watermark=words("演示数据") if visit.platform.settings.demo else "",
        language=words.language,
    )
    return visit.download(data, f"{words.of(declared.title)}.xlsx")


async def template(visit: Visit) -> Response:
    """Return the empty workbook to fill in."""
    declared, words = declaration_of(visit), visit.words
    data = visit.platform.registers.template_xlsx(declared.code, language=words.language)
    return visit.download(data, f"{words.of(declared.title)}{words('（导入模板）')}.xlsx")


async def import_form(visit: Visit) -> Response:
    """Show the two steps of an import."""
    return _import(visit)


def _import(visit: Visit, report: ShownReport | None = None, error: str = "", status: int = 200) -> Response:
    declared = declaration_of(visit)
    return visit.render(
        "register_import.html",
        status,
        title=visit.words.of(declared.title),
        address=f"/registers/{declared.code}",
        report=report,
        error=error,
    )


async def import_file(visit: Visit) -> Response:
    """Import a filled-in workbook and show what happened row by row."""
    declared, words = declaration_of(visit), visit.words
    file = await uploaded(await visit.form(), "file")
    if file is None:
        return _import(visit, error=words("请选择要上传的文件"), status=422)
    try:
        report = await visit.platform.registers.import_xlsx(visit.grant, declared.code, file[1])
    except Fault as fault:
        if fault.code in ("forbidden", "not-found", "exception", "transient"):
            raise
        return _import(visit, error=Text(fault.zh, fault.text).in_language(words.language), status=422)
    errors = [ShownError(one.row, one.column, words.of(one.text)) for one in report.errors]
    failed = len({one.row for one in report.errors})
    return _import(
        visit, ShownReport(report.created, report.updated, failed, errors), status=422 if errors else 200
    )


async def new(visit: Visit) -> Response:
    """Show the empty form."""
    return await _form(visit, {})


async def create(visit: Visit) -> Response:
    """Save a new record."""
    return await _save(visit, None)


async def edit(visit: Visit) -> Response:
    """Show the form of one record."""
    declared, id_ = declaration_of(visit), visit.path("id")
    record = await visit.platform.registers.record(visit.grant, declared.code, id_)
    return await _form(visit, dict(record.values), id_=id_, version=record.version)


async def update(visit: Visit) -> Response:
    """Save a changed record."""
    return await _save(visit, visit.path("id"))


async def _save(visit: Visit, id_: str | None) -> Response:
    declared = declaration_of(visit)
    sent = await visit.form()
    form = texts(sent)
    values, version = sent_values(declared.form, form), form.get("_version", "")
    try:
        values = await with_residents(visit, declared.form, values)
        values = await with_attachments(visit, declared.form, sent, values)
        stored = await visit.platform.registers.save(
            visit.grant, declared.code, values, id_, if_match=int(version) if version.isdecimal() else None
        )
    except (Unprocessable, Conflict, PreconditionFailed, TooLarge, UnsupportedMedia) as fault:
        number = int(version) if version.isdecimal() else None
        return await _form(visit, sent_values(declared.form, form), id_=id_, version=number, fault=fault)
    return visit.go(record_address(declared, stored.id), said="saved")


async def _form(
    visit: Visit,
    values: Mapping[str, Any],
    *,
    id_: str | None = None,
    version: int | None = None,
    fault: Fault | None = None,
) -> Response:
    declared, words = declaration_of(visit), visit.words
    address = f"/registers/{declared.code}"
    choices = await choices_of(visit, declared.form, values)
    act = words("编辑") if id_ else words("新增")
    name = words.of(declared.title)
    return visit.render(
        "form.html",
        422 if fault else 200,
        title=f"{act} · {name}",
        lead=words.of(declared.help),
        trail=[(words("工作台"), "/"), (name, address), (act, "")],
        issues=told(words, fault, declared.form) if fault else [],
        action=f"{address}/{id_}/edit" if id_ else f"{address}/new",
        hidden=(("_version", version),) if version is not None else (),
        fields=form_fields(words, declared.form, values, fault.issues if fault else (), choices),
        files=any(field.kind == "attachment" for field in declared.form),
        submit=words("保存"),
        cancel=f"{address}/{id_}"
        if id_ and declared.resource_type != "Patient"
        else record_address(declared, id_)
        if id_
        else address,
    )
