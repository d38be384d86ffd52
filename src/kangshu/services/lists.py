"""The YAML of lists → their declarations, and what must hold of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast, get_args

from kangshu.cases import names_in
from kangshu.sdk import (
    QUALITY,
    CaseDeclaration,
    ListColumn,
    ListColumnKind,
    ListDeclaration,
    ListStart,
    ListTotals,
    RegisterDeclaration,
)
from kangshu.services.entry import Entry
from kangshu.services.findings import Finding
from kangshu.services.measured import read_sql
from kangshu.services.places import Places

_KINDS = get_args(ListColumnKind)
_TONES = ("", "accent", "amber", "red")
_GIVEN = frozenset({"subject", "district"})


def read_list(entry: Entry, service: str, places: Places) -> ListDeclaration:
    """Return the list that `entry` declares; what is wrong goes to the entry's findings."""
    sql, file, line = read_sql(entry)
    columns = read_list_columns(entry)
    start = _start(entry.entry("start"), service) if entry.has("start") else None
    declared = ListDeclaration(
        id=entry.string("id", required=True),
        service=service,
        title=entry.text("title"),
        help=entry.text("help"),
        views=entry.strings("views", required=not entry.has("over")),
        parameters=entry.strings("parameters"),
        sql=sql,
        columns=columns,
        order=entry.string("order"),
        none=entry.text("none", required=False),
        start=start,
        hidden=_hidden(start, columns),
        open=_full(entry.string("open"), service),
        counted=entry.strings("counted"),
        roles=entry.strings("roles"),
        offered=entry.boolean("offered", default=True),
        tone=cast("Any", entry.one_of("tone", _TONES, default="accent")),
        totals=_totals(entry.entry("totals")) if entry.has("totals") else None,
        measures=entry.strings("measures"),
        over=entry.one_of("over", ("", QUALITY)),
    )
    places.note(declared, entry)
    places.note_text(declared, "sql", file, line)
    entry.close()
    return declared


def read_list_columns(entry: Entry) -> tuple[ListColumn, ...]:
    """Return the columns of a list or a rule."""
    return tuple(_column(one) for one in entry.entries("columns"))


def _column(entry: Entry) -> ListColumn:
    column = ListColumn(
        id=entry.string("id", required=True),
        title=entry.text("title"),
        column=entry.string("column") or entry.string("id"),
        kind=cast("Any", entry.one_of("kind", _KINDS, default="text")),
        labels=dict(entry.titles("labels")),
    )
    entry.close()
    return column


def _totals(entry: Entry) -> ListTotals:
    totals = ListTotals(
        of=entry.string("of", required=True),
        down=entry.strings("down", required=True),
        across=entry.string("across", required=True),
        unit=entry.string("unit"),
    )
    entry.close()
    return totals


def _start(entry: Entry, service: str) -> ListStart:
    start = ListStart(
        case=_full(entry.string("case", required=True), service),
        label=entry.text("label"),
        values=cast("Mapping[str, Any]", entry.raw("values") or {}),
        receiver=entry.string("receiver"),
        focus=entry.boolean("focus"),
        same=entry.strings("same"),
        subject=entry.string("subject"),
    )
    entry.close()
    return start


def _hidden(start: ListStart | None, columns: Sequence[ListColumn]) -> tuple[str, ...]:
    """Return the columns of the SQL that a start's templates ask for and the list does not show."""
    if start is None:
        return ()
    asked = {*names_in(dict(start.values)), *names_in(start.receiver), *names_in(start.subject)}
    return tuple(sorted(asked - _GIVEN - {one.id for one in columns}))


def _full(name: str, service: str) -> str:
    """Return a register or case with its service: `stays` of the list's own, `service/stays` of another."""
    return f"{service}/{name}" if name and "/" not in name else name


def check_list(
    declared: ListDeclaration,
    cases: Mapping[str, CaseDeclaration],
    registers: Mapping[str, RegisterDeclaration],
    roles: Collection[str],
    measures: Collection[str],
    places: Places,
) -> Iterator[Finding]:
    """Yield what is wrong with a list, given every declared case kind and register by code, every role's and
    measure's id."""

    def found(en: str, zh: str) -> Finding:
        return places.finding(declared, en, zh)

    if set(declared.counted) - set(declared.views) or (declared.counted and not declared.roles):
        yield found(
            "'counted' names views of the list, and such a list names its roles",
            "counted 须是本清单的视图，且须写明 roles",
        )
    ids = [one.id for one in declared.columns]
    if len(set(ids)) < len(ids) or _GIVEN & set(ids):
        yield found(
            "column ids are unique, and not subject or district", "列标识须唯一，且不能是 subject、district"
        )
    if declared.order.removeprefix("-") not in {"", *ids}:
        yield found(f"'order' names no column '{declared.order}'", f"order 中没有列“{declared.order}”")
    for column in declared.columns:
        if (column.kind == "choice") != bool(column.labels):
            yield found(
                f"column '{column.id}': a choice has labels, and nothing else has",
                f"列“{column.id}”：选项列须有 labels，其他列不能有",
            )
    yield from _check_totals(declared, found)
    for role in set(declared.roles) - set(roles):
        yield found(f"there is no ready-made role '{role}'", f"没有角色“{role}”")
    for measure in declared.measures:
        if measure not in measures:
            # a folder may be taken away, and its measures with it
            finding = found(f"there is no measure '{measure}'", f"没有指标“{measure}”")
            yield replace(finding, severity="warning")
    if declared.open and declared.open not in registers:
        yield _absent(declared, declared.open, found("there is no register", "没有台账"))
    start = declared.start
    if start is not None and start.case not in cases:
        yield _absent(declared, start.case, found("there is no case kind", "没有办件类型"))
    elif start is not None:
        yield from _check_start(declared, start, cases[start.case], found)


def _check_totals(declared: ListDeclaration, found: Callable[[str, str], Finding]) -> Iterator[Finding]:
    if declared.totals is None:
        return
    kinds = {one.id: one.kind for one in declared.columns}
    if kinds.get(declared.totals.of) not in ("integer", "decimal"):
        yield found("'totals' sums a column of numbers", "totals 的 of 须是数值列")
    if kinds.get(declared.totals.across) != "choice":
        yield found("'totals' stand across a choice", "totals 的 across 须是选项列")
    for one in declared.totals.down:
        if one not in _GIVEN and kinds.get(one) not in ("choice", "text", "month", "name"):
            yield found(f"'totals' cannot stand by the column '{one}'", f"totals 不能按列“{one}”汇总")


def _absent(declared: ListDeclaration, name: str, finding: Finding) -> Finding:
    """Return that `name` is not there: of another service a warning, since a folder may be taken away."""
    own = name.startswith(f"{declared.service}/")
    text, zh = f"{finding.text} '{name}'", f"{finding.zh}“{name}”"
    return replace(finding, text=text, zh=zh, severity="error" if own else "warning")


def _check_start(
    declared: ListDeclaration, start: ListStart, case: CaseDeclaration, found: Callable[[str, str], Finding]
) -> Iterator[Finding]:
    asked = {one.id for one in case.form}
    for name in start.values.keys() - asked:
        yield found(f"the start form has no field '{name}'", f"发起表单没有字段“{name}”")
    if any(one.kind == "table" and one.required for one in case.form if one.id not in start.values):
        yield found("a table cannot be asked for once for all rows", "明细表格不能统一填写")
