"""待办清单: work found by query, with its count, its sheet, and one act that starts a case for each marked row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from kangshu.api import (
    MOST_STARTED,
    ListAsked,
    Started,
    WorkPage,
    WorkRow,
    asked_once,
    cell_text,
    list_page,
    list_sheet,
    name_of,
    offered_list,
    offered_lists,
    start_rows,
    startable,
)
from kangshu.base.faults import Fault, NotFound, Unprocessable
from kangshu.base.text import Text
from kangshu.sdk import ListColumn, ListDeclaration
from kangshu.web import list_counts
from kangshu.web.attachments import with_papers
from kangshu.web.figures import counting
from kangshu.web.forms import form_fields, sent_values, told
from kangshu.web.lookup import choices_of, divisions, organisations, record_address, with_residents
from kangshu.web.pages.list_totals import heads_of, totals, totals_sheets
from kangshu.web.parts import Cell, Filter, Paging
from kangshu.web.visit import Visit, texts
from kangshu.web.waiting import forget

_PAGE: Final = 25
_SHEET: Final = 20_000
_NUMBERS: Final = frozenset({"integer", "decimal"})


@dataclass(frozen=True, slots=True)
class Line:
    """One list in the overview; `count` is "" where it cannot be told."""

    title: str
    help: str
    address: str
    count: str
    tone: str


@dataclass(frozen=True, slots=True)
class Group:
    """The lists of one service."""

    title: str
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One row: `subject` marks it, its cells are ready to read."""

    subject: str
    title: str
    address: str
    cells: list[Cell]


async def overview(visit: Visit) -> Response:
    """Show every list that the visitor may open, with how much there is to do in each."""
    words = visit.words
    counts = await list_counts.counted(visit)
    groups: dict[str, Group] = {}
    titles = {one.id: words.of(one.menu) or words.of(one.title) for one in visit.platform.services}
    for one in offered_lists(visit.platform, visit.grant):
        count = counts.get(one.code)
        line = Line(
            words.of(one.title),
            words.of(one.help),
            f"/lists/{one.code}",
            "" if count is None else f"{count:,}",
            one.tone if count else "",
        )
        groups.setdefault(one.service, Group(titles[one.service], [])).lines.append(line)
    return visit.render("lists.html", groups=list(groups.values()))


def _declared(visit: Visit) -> ListDeclaration:
    return offered_list(visit.platform, visit.grant, f"{visit.path('service')}/{visit.path('list')}")


async def work_list(visit: Visit) -> Response:
    """Show one list, filtered and paged."""
    declared, words = _declared(visit), visit.words
    offset = visit.number("offset", 0)
    cell = _cell(visit, declared)
    asked = _asked(visit, cell, offset, _PAGE)
    page = await _page(visit, declared, asked)
    places = await divisions(visit)
    case = startable(visit.platform, visit.grant, declared)
    address = f"/lists/{declared.code}"
    return visit.render(
        "list.html",
        title=words.of(declared.title),
        help=words.of(declared.help),
        address=address,
        export=f"{address}/export.xlsx{visit.with_query(offset='').removeprefix(visit.request.url.path)}",
        may_export=visit.grant.may("export"),
        start=words.of(declared.start.label) if case is not None and declared.start else "",
        filters=await _filters(visit, declared, cell, places),
        totals=await totals(visit, declared, asked, places),
        filtered=bool(cell or visit.query("district")),
        heads=[_head(visit, one) for one in declared.columns],
        rows=[_shown(visit, declared, one, places) for one in page.rows],
        nothing=words.of(declared.none) or words("没有需要办理的"),
        hidden=min(_PAGE, page.total - offset) - len(page.rows),
        as_of=words.moment(page.instant),
        page=Paging(
            visit.with_query(offset=max(offset - _PAGE, 0) or "") if offset else "",
            visit.with_query(offset=offset + _PAGE) if offset + _PAGE < page.total else "",
            words("第 {first}–{last} 条", first=offset + 1, last=min(offset + _PAGE, page.total)),
        ),
        total_text=words("共 {total} 条", total=f"{page.total:,}"),
    )


def _asked(visit: Visit, cell: Mapping[str, str], offset: int, limit: int) -> ListAsked:
    place = visit.query("district") or visit.platform.settings.jurisdiction
    return ListAsked(place, cell, visit.query("sort"), offset=offset, limit=limit)


def _cell(visit: Visit, declared: ListDeclaration) -> dict[str, str]:
    """Return what the list is filtered by."""
    asked = {name: visit.query(name) for name in heads_of(visit, declared)}
    return {name: value for name, value in asked.items() if value}


async def _page(visit: Visit, declared: ListDeclaration, asked: ListAsked) -> WorkPage:
    return await list_page(visit.platform, await counting(visit), declared, asked)


async def _filters(
    visit: Visit, declared: ListDeclaration, cell: Mapping[str, str], places: Mapping[str, str]
) -> list[Filter]:
    words, city = visit.words, visit.platform.settings.jurisdiction
    found = [
        Filter(
            "district",
            words("区域"),
            visit.query("district"),
            tuple((code, name) for code, name in places.items() if len(code) in (6, 9) and code != city),
        )
    ]
    for one in declared.columns:
        if one.labels:
            options = tuple((code, words.of(text)) for code, text in one.labels.items())
            found.append(Filter(one.id, words.of(one.title), cell.get(one.id, ""), options))
    for name, title in heads_of(visit, declared).items():
        if name in cell and all(one.id != name for one in found):
            # a line of the totals was chosen: it can be let go of
            value = cell[name]
            text = (await organisations(visit)).get(value.removeprefix("Organization/"), value)
            found.append(Filter(name, title, value, ((value, text),)))
    return found


def _head(visit: Visit, column: ListColumn) -> tuple[str, str, bool]:
    """Return title, the address that orders by the column, and whether it holds numbers."""
    order = f"-{column.id}" if visit.query("sort") == column.id else column.id
    return visit.words.of(column.title), visit.with_query(sort=order, offset=""), column.kind in _NUMBERS


def _shown(visit: Visit, declared: ListDeclaration, one: WorkRow, places: Mapping[str, str]) -> ShownRow:
    kind, _, id_ = one.row.subject.partition("/")
    place = places.get(one.row.district, places.get(one.row.district[:6], one.row.district))
    cells = [Cell(place, nowrap=True)]
    cells += [_shown_cell(visit, column, one, places) for column in declared.columns]
    address = f"/registers/{declared.open}/{id_}" if declared.open else record_address(visit, kind, id_)
    return ShownRow(one.row.subject, name_of(one.resource), address, cells)


def _shown_cell(visit: Visit, column: ListColumn, one: WorkRow, places: Mapping[str, str]) -> Cell:
    value = one.row.values[column.id]
    if column.kind == "name":
        record = one.names.get(str(value))
        kind, _, id_ = str(value or "").partition("/")
        if record is None:
            return Cell(visit.words("无权查看") if id_ else "")
        return Cell(name_of(record), record_address(visit, kind, id_))
    if column.kind in _NUMBERS:
        return Cell(visit.words.figure(value) if value is not None else "", number=True)
    if column.kind == "district":
        return Cell(places.get(str(value or ""), str(value or "")))
    text = cell_text(column.kind, column.labels, value, visit.words.language)
    return Cell(text, nowrap=column.kind == "date")


async def export(visit: Visit) -> Response:
    """Return the list, filtered as it is shown, as an Excel workbook."""
    declared, words = _declared(visit), visit.words
    mark = words("演示数据") + " · " if visit.platform.settings.demo else ""
    head = f"{mark}{words.of(declared.title)} · {visit.grant.display} · {words.moment(visit.opened)}"
    asked = _asked(visit, _cell(visit, declared), 0, _SHEET)
    places, grant = await divisions(visit), await counting(visit)
    sums = await totals_sheets(visit, declared, asked, places)
    data = await list_sheet(
        visit.platform, grant, declared, asked, head, name_of, places, words.language, sums
    )
    return visit.download(data, f"{words.of(declared.title)}.xlsx")


async def preview(visit: Visit) -> Response:
    """Show the marked rows and what is asked for all of them, before anything is started."""
    declared = _declared(visit)
    return await _preview(visit, declared, visit.request.query_params.getlist("id"), {})


async def _preview(
    visit: Visit,
    declared: ListDeclaration,
    marked: list[str],
    values: dict[str, Any],
    fault: Fault | None = None,
) -> Response:
    words = visit.words
    case, start = startable(visit.platform, visit.grant, declared), declared.start
    if case is None or start is None:
        raise NotFound("no case is started from this list", zh="该清单不能发起办件")
    rows = await _marked(visit, declared, marked)
    places = await divisions(visit)
    fields = asked_once(case, start)
    choices = await choices_of(visit, fields, values)
    return visit.render(
        "list_start.html",
        422 if fault else 200,
        title=words.of(start.label),
        kind=words.of(case.title),
        list=words.of(declared.title),
        address=f"/lists/{declared.code}",
        heads=[_head(visit, one) for one in declared.columns],
        rows=[_shown(visit, declared, one, places) for one in rows],
        marked=",".join(one.row.subject for one in rows),
        fields=form_fields(words, fields, values, fault.issues if fault else (), choices),
        files=any(one.kind == "attachment" for one in fields),
        issues=told(words, fault, fields) if fault else [],
        done=(),
    )


async def _marked(visit: Visit, declared: ListDeclaration, marked: list[str]) -> list[WorkRow]:
    """Return the marked rows that still stand in the list, each subject once."""
    subjects = tuple(dict.fromkeys(one for one in marked if "/" in one))[:MOST_STARTED]
    if not subjects:
        return []
    place = visit.platform.settings.jurisdiction
    page = await _page(visit, declared, ListAsked(place, subjects=subjects, limit=len(subjects) * 4))
    first: dict[str, WorkRow] = {}
    for one in page.rows:
        first.setdefault(one.row.subject, one)
    return list(first.values())


async def start(visit: Visit) -> Response:
    """Start a case for each marked row; each stands or falls alone, and the page tells which."""
    declared, words = _declared(visit), visit.words
    sent = await visit.form()
    form = texts(sent)
    case = startable(visit.platform, visit.grant, declared)
    if case is None or declared.start is None:
        raise NotFound("no case is started from this list", zh="该清单不能发起办件")
    marked = form.get("id", "").split(",")
    fields = asked_once(case, declared.start)
    values = sent_values(fields, form)
    try:
        values = await with_residents(visit, fields, values)
        values, papers = await with_papers(visit, fields, sent, values)
        if papers:
            raise Unprocessable("files are added on each case's own page", zh="材料请在各办件页面分别上传")
    except Unprocessable as fault:
        return await _preview(visit, declared, marked, sent_values(fields, form), fault)
    rows = await _marked(visit, declared, marked)
    if not rows:
        return await _preview(visit, declared, [], values)
    done = await start_rows(visit.platform, visit.grant, declared, rows, values)
    wrong = next((one.fault for one in done if one.fault is not None), None)
    if wrong is not None and not any(one.case for one in done) and isinstance(wrong, Unprocessable):
        return await _preview(visit, declared, marked, sent_values(fields, form), wrong)
    forget(visit.grant)
    list_counts.forget(visit.grant)
    return visit.render(
        "list_start.html",
        title=words.of(declared.start.label),
        list=words.of(declared.title),
        address=f"/lists/{declared.code}",
        done=[_done(visit, one) for one in done],
        started=sum(bool(one.case) for one in done),
        rows=(),
    )


def _done(visit: Visit, one: Started) -> tuple[str, str, str, str]:
    """Return title, address of the case, tone and words of what became of a row."""
    words, title = visit.words, name_of(one.row.resource)
    if one.case:
        return title, f"/cases/{one.case}", "green", words("已发起")
    if one.before:
        return title, "", "plain", words("已有在办，未重复发起")
    why = Text(one.fault.zh, one.fault.text).in_language(words.language) if one.fault else ""
    return title, "", "red", why
