"""台账: a list with filters, Excel out and in, and the form of one record; all made from the declaration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from kangshu.access import is_masked, protected_at
from kangshu.base.faults import (
    Conflict,
    Fault,
    PreconditionFailed,
    TooLarge,
    Unprocessable,
    UnsupportedMedia,
)
from kangshu.base.whole_numbers import whole_number
from kangshu.sdk import RegisterDeclaration
from kangshu.web.attachments import with_papers
from kangshu.web.forms import form_fields, sent_values, told
from kangshu.web.lookup import choices_of, divisions, with_columns, with_residents
from kangshu.web.parts import Filter, Paging, Tab
from kangshu.web.visit import Visit, texts

_RESERVED: Final = frozenset({"cursor", "trail", "page", "sort", "lang", "size", "said", "id"})
_PAGE: Final = 20
_MAIN: Final = 4
"""How many filters stand above a list; the others are folded away."""
_MOST_CHOSEN: Final = 100
_TRAIL: Final = 20
"""How many pages back the address remembers; further back leads to the first page."""
_NUMBERS: Final = frozenset({"integer", "decimal"})
_NAMED: Final = frozenset({"organisation", "practitioner", "resident"})
"""Kinds of columns that people filter by a name."""
_SHORT: Final = 28
"""Columns whose texts are at most this wide (a Chinese character counts two) stand on one line."""
UNTIL: Final = ".to"
"""What the later end of a span of days is called: `date` and `date.to`."""


@dataclass(frozen=True, slots=True)
class Head:
    """A column's head: `sort` is the address that sorts by it, `sorted` what it is sorted by now."""

    title: str
    number: bool
    sort: str = ""
    sorted: str = ""
    shape: str = ""
    """`number`, `tight` (on one line) or `loose`; the cells below have it too."""


@dataclass(frozen=True, slots=True)
class ShownCell:
    """One cell of the list."""

    text: str
    shape: str


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One record of the list."""

    id: str
    cells: list[ShownCell]
    address: str
    edit: str


def declaration_of(visit: Visit) -> RegisterDeclaration:
    """Return the register of the address. Raises NotFound."""
    return visit.platform.registers.declaration(f"{visit.path('service')}/{visit.path('register')}")


def filters_of(visit: Visit) -> dict[str, str]:
    """Return what the list is filtered by; both ends of a span of days as one value, `2026-01-01..2026-03-31`."""
    asked = {
        name: value.strip()
        for name, value in visit.request.query_params.items()
        if name not in _RESERVED and (value.strip() or name.endswith(UNTIL))
    }
    found = {name: value for name, value in asked.items() if not name.endswith(UNTIL)}
    for name, last in asked.items():
        if name.endswith(UNTIL):
            first = found.pop(name.removesuffix(UNTIL), "")
            if first or last:
                found[name.removesuffix(UNTIL)] = f"{first}..{last}"
    return found


def record_address(register: RegisterDeclaration, id_: str) -> str:
    """Return the page of one record: residents have their own."""
    if register.resource_type == "Patient":
        return f"/residents/{id_}"
    return f"/registers/{register.code}/{id_}"


async def register(visit: Visit) -> Response:
    """Show the list, filtered, sorted and paged."""
    declared, words, grant = declaration_of(visit), visit.words, visit.grant
    filters, sort, cursor = filters_of(visit), visit.query("sort"), visit.query("cursor")
    page = await visit.platform.registers.list(
        grant, declared.code, filters, sort, cursor or None, count=_PAGE
    )
    address = f"/registers/{declared.code}"
    fields = await filter_fields(visit, declared, filters)
    may_batch = grant.may("register.write") and bool(visit.platform.registers.batch_fields(declared.code))
    total = page.total if page.total is not None else "—"
    return visit.render(
        "register.html",
        title=words.of(declared.title),
        service=next(
            (words.of(one.title) for one in visit.platform.services if one.id == declared.service), ""
        ),
        help=words.of(declared.help),
        address=address,
        tabs=picture_tabs(visit, declared),
        export=f"{address}/export.xlsx"
        + (f"?{urlencode({**filters, **({'sort': sort} if sort else {})})}" if filters or sort else ""),
        may_export=grant.may("export"),
        may_import=grant.may("register.import") and not declared.read_only,
        may_write=grant.may("register.write") and not declared.read_only,
        may_batch=may_batch,
        may_mark=may_batch or grant.may("export"),
        filters=fields[:_MAIN],
        folded=fields[_MAIN:],
        sort=sort,
        filtered=bool(filters),
        columns=_heads(visit, declared, page.rows, sort),
        rows=shown_rows(visit, declared, page.rows),
        page=_paging(visit, page.next or "", len(page.rows)),
        total_text=words("共 {total} 条", total=f"{total:,}" if isinstance(total, int) else total),
    )


def picture_tabs(visit: Visit, declared: RegisterDeclaration, current: str = "") -> list[Tab]:
    """Return the ways between a register's list and its pictures; none where it has no picture."""
    pictures = declared.pictures
    offered = (
        ("map", "地图", pictures.map),
        ("gantt", "甘特图", pictures.gantt),
        ("curve", "曲线", pictures.curve),
        ("grid", "平面图", pictures.grid),
        ("chain", "链图", pictures.chain),
    )
    drawn = [(name, title) for name, title, one in offered if one is not None]
    if not drawn:
        return []
    address, query = f"/registers/{declared.code}", urlencode(filters_of(visit))
    tail = f"?{query}" if query else ""
    found = [Tab(visit.words("列表"), address + tail, current == "")]
    found += [Tab(visit.words(title), f"{address}/{name}{tail}", current == name) for name, title in drawn]
    return found


def shapes_of(visit: Visit, declared: RegisterDeclaration, rows: Sequence[Any]) -> dict[str, str]:
    """Return how each column stands: numbers to the right, short texts on one line, long ones broken."""
    found = {}
    for column in declared.columns:
        widest = max((_width(visit.words.of(row.texts[column.id])) for row in rows), default=0)
        found[column.id] = "number" if column.kind in _NUMBERS else "tight" if widest <= _SHORT else "loose"
    return found


def _width(text: str) -> int:
    return sum(2 if ord(sign) > 0x2E7F else 1 for sign in text)


def _heads(visit: Visit, declared: RegisterDeclaration, rows: Sequence[Any], sort: str) -> list[Head]:
    shapes = shapes_of(visit, declared, rows)
    return [
        Head(
            visit.words.of(column.title),
            column.kind in _NUMBERS,
            visit.with_query(
                sort=f"-{column.id}" if sort == column.id else column.id, cursor="", trail="", page=""
            )
            if column.sort
            else "",
            {column.id: "ascending", f"-{column.id}": "descending"}.get(sort, ""),
            shapes[column.id],
        )
        for column in declared.columns
    ]


def shown_rows(visit: Visit, declared: RegisterDeclaration, rows: Sequence[Any]) -> list[ShownRow]:
    """Return rows of a register as the list shows them."""
    shapes = shapes_of(visit, declared, rows)
    may_write = visit.grant.may("register.write") and not declared.read_only
    return [
        ShownRow(
            row.id,
            [ShownCell(visit.words.of(row.texts[one.id]), shapes[one.id]) for one in declared.columns],
            record_address(declared, row.id),
            f"/registers/{declared.code}/{row.id}/edit" if may_write else "",
        )
        for row in rows
    ]


def _paging(visit: Visit, following: str, count: int) -> Paging:
    """Return the ways back and on: the address carries the cursors of the pages that led here."""
    cursor, number = visit.query("cursor"), visit.number("page", 1, low=1)
    trail = [one for one in visit.query("trail").split("~") if one]
    previous = onward = ""
    if cursor:
        before = trail[-1] if trail else ""
        previous = visit.with_query(
            cursor=before, trail="~".join(trail[:-1]), page=number - 1 if before and number > 2 else ""
        )
    if following:
        walked = [*trail, cursor] if cursor else []
        onward = visit.with_query(cursor=following, trail="~".join(walked[-_TRAIL:]), page=number + 1)
    first = (number - 1) * _PAGE + 1
    text = visit.words("第 {first}–{last} 条", first=first, last=first + count - 1) if count else ""
    return Paging(previous, onward, text if previous or onward else "")


async def filter_fields(
    visit: Visit, declared: RegisterDeclaration, filters: Mapping[str, str]
) -> list[Filter]:
    """Return the fields above a register's list or picture, with what it is filtered by now."""
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
        span, value = column.kind in ("date", "datetime"), filters.get(column.id, "")
        first, dots, last = value.partition("..")
        if span and not dots and value:
            first = last = value
        hint = words("汉字、全拼或首字母") if column.kind in _NAMED or column.search == "name" else ""
        found.append(
            Filter(column.id, words.of(column.title), first, options, span, last if span else "", hint)
        )
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
        filters_of(visit),
        visit.query("sort"),
        ids=chosen_ids(visit),
        watermark=words("演示数据") if visit.platform.settings.demo else "",
        language=words.language,
    )
    return visit.download(data, f"{words.of(declared.title)}.xlsx")


def chosen_ids(visit: Visit) -> list[str]:
    """Return the records that the address names, each once."""
    return list(dict.fromkeys(visit.request.query_params.getlist("id")))[:_MOST_CHOSEN]


async def chosen(visit: Visit) -> Response:
    """Show the records that were marked in the list, before they are exported."""
    declared, words = declaration_of(visit), visit.words
    address, ids = f"/registers/{declared.code}", chosen_ids(visit)
    rows: Sequence[Any] = ()
    if ids:
        page = await visit.platform.registers.list(
            visit.grant, declared.code, sort=visit.query("sort"), count=_MOST_CHOSEN, total=False, ids=ids
        )
        rows = page.rows
    query = urlencode(
        [*(("id", row.id) for row in rows), *([("sort", visit.query("sort"))] if visit.query("sort") else [])]
    )
    return visit.render(
        "register_chosen.html",
        title=words.of(declared.title),
        address=address,
        export=f"{address}/export.xlsx?{query}",
        columns=_heads(visit, declared, rows, ""),
        rows=shown_rows(visit, declared, rows),
    )


async def template(visit: Visit) -> Response:
    """Return the empty workbook to fill in."""
    declared, words = declaration_of(visit), visit.words
    data = visit.platform.registers.template_xlsx(declared.code, language=words.language)
    return visit.download(data, f"{words.of(declared.title)}{words('（导入模板）')}.xlsx")


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
        values, papers = await with_papers(visit, declared.form, sent, values)
        stored = await visit.platform.registers.save(
            visit.grant,
            declared.code,
            values,
            id_,
            if_match=whole_number(version),
            papers=papers,
        )
    except (Unprocessable, Conflict, PreconditionFailed, TooLarge, UnsupportedMedia) as fault:
        number = whole_number(version)
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
    choices = await choices_of(visit, with_columns(declared.form), values)
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
        fields=form_fields(
            words,
            declared.form,
            values,
            fault.issues if fault else (),
            choices,
            _masked(declared, values) if id_ else (),
        ),
        files=any(field.kind == "attachment" for field in declared.form),
        submit=words("保存"),
        cancel=f"{address}/{id_}"
        if id_ and declared.resource_type != "Patient"
        else record_address(declared, id_)
        if id_
        else address,
    )


def _masked(declared: RegisterDeclaration, values: Mapping[str, Any]) -> set[str]:
    """Return the ids of the fields whose values have come masked."""
    kind = declared.resource_type
    return {
        field.id
        for field in declared.form
        if field.path and is_masked(values.get(field.id)) and protected_at(kind, field.path) is not None
    }
