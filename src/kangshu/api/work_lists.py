"""Lists of work found by query: their rows under a grant, their sheet, and the start of a case for each marked row."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from kangshu.access import Grant, Nothing
from kangshu.api.platform import Platform
from kangshu.api.telling import tell
from kangshu.base.canonical import CASE_KIND
from kangshu.base.clock import today
from kangshu.base.faults import Fault, Forbidden, NotFound, Unavailable
from kangshu.base.text import Language, Text
from kangshu.cases import substitute
from kangshu.documents import write_xlsx
from kangshu.measures import ListAsked, ListPage, ListRow, ListSum
from kangshu.sdk import CaseDeclaration, Field, ListDeclaration, ListStart, Resource

_BATCH: Final = 100
MOST_STARTED: Final = 100
"""Cases that one act starts at most: what is read over before it is confirmed."""


@dataclass(frozen=True, slots=True)
class WorkRow:
    """One row of a list whose subject the visitor may read: the record itself, and names of what the row points to."""

    row: ListRow
    resource: Resource
    names: Mapping[str, Resource] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkPage:
    """Some rows of a list; `total` counts those that the query found, as of `instant`."""

    rows: tuple[WorkRow, ...]
    total: int
    instant: str


@dataclass(frozen=True, slots=True)
class WorkTotals:
    """The sums of a list, and the records that stand at the head of their lines, by reference."""

    sums: tuple[ListSum, ...]
    names: Mapping[str, Resource] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Started:
    """What became of one row: the case that was started, or why none was."""

    row: WorkRow
    case: str = ""
    fault: Fault | None = None
    before: bool = False
    """Whether a case of this kind was open about the subject already: none was started."""


def offered_lists(platform: Platform, grant: Grant) -> tuple[ListDeclaration, ...]:
    """Return the lists that this account may open, in the services' order.

    A list names people and things: one who may count residents but read none of them is not offered a list of them.
    """
    if not grant.may("register.read"):
        return ()
    kinds = {
        view.name: str(view.definition["resource"]) for service in platform.services for view in service.views
    }
    hidden = {kind for kind in set(kinds.values()) if isinstance(grant.may_read(kind), Nothing)}
    return tuple(
        one
        for service in platform.services
        for one in service.lists
        if one.offered
        and (not one.roles or set(one.roles) & set(grant.roles))
        and not hidden.intersection(kinds.get(view, "") for view in one.views if view not in one.counted)
    )


def own_lists(platform: Platform, grant: Grant) -> tuple[ListDeclaration, ...]:
    """Return those of the lists that are this account's daily work; of the others it may open any."""
    daily = {one.id for one in platform.services if one.is_used_by(grant.roles)}
    return tuple(one for one in offered_lists(platform, grant) if one.service in daily or one.roles)


def offered_list(platform: Platform, grant: Grant, code: str) -> ListDeclaration:
    """Return the list `service/list`. Raises NotFound where there is none or it is not offered to this account."""
    found = next((one for one in offered_lists(platform, grant) if one.code == code), None)
    if found is None:
        raise NotFound("there is no such list", zh="没有该清单")
    return found


async def list_page(
    platform: Platform, grant: Grant, declared: ListDeclaration, asked: ListAsked, act: str = "list"
) -> WorkPage:
    """Return rows of a list, each subject read again under the grant; `grant` has its residents in care resolved.

    Rows whose subject the account does not see are left out of the page and stay in the total.
    """
    await tell(platform, grant, act, "List", declared.code, asked.district)
    found = await _found(platform, grant, declared, asked)
    rows = await _read(platform, grant, declared, found.rows)
    return WorkPage(rows, found.total, found.instant)


async def list_totals(
    platform: Platform, grant: Grant, declared: ListDeclaration, asked: ListAsked
) -> WorkTotals:
    """Return the sums of a list by one of its columns `down`; none of a list that declares no totals.

    A sum says nothing of a single record: it stands for all rows that the query found.
    """
    if declared.totals is None:
        return WorkTotals(())
    given = _parameters(platform, declared)
    sums = await asyncio.to_thread(platform.snapshot().totals, grant, declared, given, today(), asked)
    down = asked.down or declared.totals.down[0]
    named = down == "subject" or any(one.id == down and one.kind == "name" for one in declared.columns)
    wanted = {one.down for one in sums if "/" in one.down} if named else set()
    return WorkTotals(sums, await _records(platform, grant, wanted))


async def proposed(
    platform: Platform, grant: Grant, code: str, cell: Mapping[str, str], most: int
) -> WorkPage | None:
    """Return the first rows of the list `service/list` whose columns hold the values of `cell`, None where there is no such
    list or this account may not read what it is made of: a form does without its proposals."""
    declared = next((one for each in platform.services for one in each.lists if one.code == code), None)
    if declared is None:
        return None
    try:
        return await list_page(platform, grant, declared, ListAsked(cell=cell, limit=most), "suggest")
    except (Forbidden, Unavailable):
        return None


async def list_count(platform: Platform, grant: Grant, declared: ListDeclaration) -> int | None:
    """Return how many rows a list has for this account, None where it cannot be computed or may not be read."""
    try:
        asked = ListAsked(district=platform.settings.jurisdiction, limit=1)
        return (await _found(platform, grant, declared, asked)).total
    except Fault:
        return None


async def _found(platform: Platform, grant: Grant, declared: ListDeclaration, asked: ListAsked) -> ListPage:
    given = _parameters(platform, declared)
    # DuckDB computes in a thread, so that the loop serves others meanwhile
    return await asyncio.to_thread(platform.snapshot().listed, grant, declared, given, today(), asked)


def _parameters(platform: Platform, declared: ListDeclaration) -> dict[str, Any]:
    day, place = today(), platform.settings.jurisdiction
    return {one: platform.parameters.value(one, place, day) for one in declared.parameters}


async def _read(
    platform: Platform, grant: Grant, declared: ListDeclaration, rows: Sequence[ListRow]
) -> tuple[WorkRow, ...]:
    """Return the rows with their records, as far as the grant reads them."""
    pointing = [one.id for one in declared.columns if one.kind == "name"]
    wanted = {row.subject for row in rows}
    wanted |= {str(row.values[one]) for row in rows for one in pointing if row.values[one]}
    records = await _records(platform, grant, wanted)
    return tuple(
        WorkRow(
            row,
            records[row.subject],
            {
                str(row.values[one]): records[str(row.values[one])]
                for one in pointing
                if str(row.values[one]) in records
            },
        )
        for row in rows
        if row.subject in records
    )


async def _records(platform: Platform, grant: Grant, references: Iterable[str]) -> dict[str, Resource]:
    """Return the records of these references that the grant reads."""
    kinds: dict[str, list[str]] = {}
    for one in sorted(references):
        kind, _, id_ = one.partition("/")
        kinds.setdefault(kind, []).append(id_)
    found: dict[str, Resource] = {}
    for kind, ids in kinds.items():
        for start in range(0, len(ids), _BATCH):
            batch = ",".join(ids[start : start + _BATCH])
            for record in await platform.store.search_all(grant, kind, f"_id={batch}"):
                found[f"{kind}/{record['id']}"] = record
    return found


def cell_text(column_kind: str, labels: Mapping[str, Text], value: Any, language: Language) -> str:
    """Return how a value of a list's column is written, "" for an unknown one."""
    if value is None:
        return ""
    if str(value) in labels:
        return labels[str(value)].in_language(language)
    return str(value)[:10] if column_kind == "date" else str(value)


async def list_sheet(
    platform: Platform,
    grant: Grant,
    declared: ListDeclaration,
    asked: ListAsked,
    head: str,
    named: Any,
    places: Mapping[str, str],
    language: Language,
    totals: Mapping[str, list[list[Any]]] | None = None,
) -> bytes:
    """Return the list as an Excel workbook, its totals on further sheets; the first line is `head`.

    `named` gives what a record is called; `places` names of divisions by code; `totals` the sheets of its sums by title.
    """
    grant.require("export")
    page = await list_page(platform, grant, declared, asked, "export")
    titles = [Text("事项对象", "Subject"), Text("区域", "Place"), *(one.title for one in declared.columns)]
    table: list[list[Any]] = [[head], [one.in_language(language) for one in titles]]
    for one in page.rows:
        cells: list[Any] = [named(one.resource), places.get(one.row.district, one.row.district)]
        for column in declared.columns:
            value = one.row.values[column.id]
            if column.kind == "name":
                cells.append(named(one.names[str(value)]) if str(value) in one.names else "")
            elif column.kind in ("integer", "decimal"):
                cells.append(value)
            elif column.kind == "district":
                cells.append(places.get(str(value or ""), str(value or "")))
            else:
                cells.append(cell_text(column.kind, column.labels, value, language))
        table.append(cells)
    if page.total > len(page.rows):
        said = Text(f"共 {page.total} 条，此处 {len(page.rows)} 条", f"{len(page.rows)} of {page.total} rows")
        table[0].append(said.in_language(language))
    return write_xlsx({declared.title.in_language(language): table, **(totals or {})}, header=False)


def startable(platform: Platform, grant: Grant, declared: ListDeclaration) -> CaseDeclaration | None:
    """Return the kind of case that this account may start from the list's rows, None for none."""
    if declared.start is None:
        return None
    return next((one for one in platform.cases.startable(grant) if one.code == declared.start.case), None)


def asked_once(case: CaseDeclaration, start: ListStart) -> tuple[Field, ...]:
    """Return the fields of the start form that the list does not give: they are asked once for all rows."""
    given = {*start.values, *(["receiver"] if start.receiver else [])}
    return tuple(one for one in case.form if one.id not in given and one.kind != "table")


async def start_rows(
    platform: Platform,
    grant: Grant,
    declared: ListDeclaration,
    rows: Sequence[WorkRow],
    shared: Mapping[str, Any],
) -> tuple[Started, ...]:
    """Start a case for each row, with `shared` values of the form for all; each stands or falls alone.

    A subject about which a case of this kind is open already gets no second one. Raises Forbidden where the account
    may not start the kind.
    """
    case, start = startable(platform, grant, declared), declared.start
    if case is None or start is None:
        raise Forbidden("this account may not start cases from this list", zh="当前账号不能从该清单发起办件")
    done = []
    for one in rows[:MOST_STARTED]:
        try:
            if await _open_already(platform, grant, case, start, one):
                done.append(Started(one, before=True))
                continue
            done.append(Started(one, await _start(platform, grant, case, start, one, shared)))
        except Fault as fault:
            done.append(Started(one, fault=fault))
    return tuple(done)


async def _start(
    platform: Platform,
    grant: Grant,
    case: CaseDeclaration,
    start: ListStart,
    one: WorkRow,
    shared: Mapping[str, Any],
) -> str:
    known = _known(one)
    values = {**shared, **(substitute(dict(start.values), known) or {})}
    receiver = str(substitute(start.receiver, known) or "").removeprefix("Organization/")
    about = str(substitute(start.subject or "${subject}", known) or "")
    stored = await platform.cases.start(
        grant,
        case.code,
        values,
        subject=about if case.subject_type and about.startswith(f"{case.subject_type}/") else None,
        receiver=receiver or None,
        focus=one.row.subject if start.focus else None,
    )
    return stored.id


def _known(one: WorkRow) -> dict[str, Any]:
    return {"subject": one.row.subject, "district": one.row.district, **one.row.values}


async def _open_already(
    platform: Platform, grant: Grant, case: CaseDeclaration, start: ListStart, one: WorkRow
) -> bool:
    """Return whether a case of this kind is open about the row's subject, with the same values where the list asks that."""
    subject, wanted = one.row.subject, substitute(dict(start.values), _known(one)) or {}
    ends = ",".join(("completed", "cancelled", "rejected", "failed", "entered-in-error"))
    for parameter in ("subject", "focus"):
        criteria = f"code={CASE_KIND}|{case.code}&status:not={ends}&{parameter}={subject}"
        for task in await platform.store.search_all(grant, "Task", criteria):
            held = platform.cases.held_values(task)
            if all(held.get(name) == wanted.get(name) for name in start.same):
                return True
    return False
