"""The YAML of exchange files and of public notices → their declarations, and what must hold of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, cast

from kangshu import cases
from kangshu.sdk import (
    BATCH_SYSTEM,
    CaseDeclaration,
    ExchangeAnswer,
    ExchangeColumn,
    ExchangeDeclaration,
    SheetStart,
    State,
)
from kangshu.services.entry import Entry
from kangshu.services.findings import Finding
from kangshu.services.places import Places

_FORMATS = ("csv", "xlsx")
_ENCODINGS = ("utf-8", "gb18030")
_KINDS = ("text", "amount", "integer")
_OBJECTION_FIELDS = frozenset({"name", "contact", "reason"})
COLUMN_NAMES = frozenset({"batch", "sequence", "number", "title", "requester_name", "owner_name", "today"})
"""What a column of an exchange may name besides fields of the case."""


def read_exchange(entry: Entry, service: str, places: Places) -> ExchangeDeclaration:
    """Return the exchange that `entry` declares; what is wrong goes to the entry's findings."""
    sends = not entry.has("start")
    exchange = ExchangeDeclaration(
        id=entry.string("id", required=True),
        service=service,
        title=entry.text("title"),
        case=entry.string("case", required=True),
        by=entry.strings("by", required=True),
        states=entry.strings("states", required=sends),
        move=entry.string("move", required=sends),
        columns=entry.each("columns", _column),
        key=entry.string("key", required=sends),
        amount=entry.string("amount", required=sends),
        result=entry.string("result", required=sends),
        answers=entry.each("answers", _answer),
        format=cast("Any", entry.one_of("format", _FORMATS, default="csv")),
        encoding=cast("Any", entry.one_of("encoding", _ENCODINGS, default="gb18030")),
        name=entry.string("name"),
        help=entry.text("help", required=False),
        start=None if sends else _start(entry.entry("start")),
    )
    places.note(exchange, entry)
    entry.close()
    return exchange


def _start(entry: Entry) -> SheetStart:
    start = SheetStart(
        key=entry.text("key"),
        fields=entry.strings("fields", required=True),
        subject=entry.text("subject", required=False),
        values=entry.raw("values") or {},
    )
    entry.close()
    return start


def _column(entry: Entry) -> ExchangeColumn:
    column = ExchangeColumn(
        title=entry.string("title", required=True),
        value=entry.string("value", required=True),
        kind=cast("Any", entry.one_of("kind", _KINDS, default="text")),
    )
    entry.close()
    return column


def _answer(entry: Entry) -> ExchangeAnswer:
    answer = ExchangeAnswer(
        words=entry.strings("words", required=True),
        move=entry.string("move", required=True),
        settles=entry.boolean("settles"),
        values=entry.raw("values") or {},
    )
    entry.close()
    return answer


def check_exchange(
    exchange: ExchangeDeclaration, kinds: Collection[CaseDeclaration], places: Places
) -> Iterator[Finding]:
    """Yield what is wrong with an exchange, given its service's case kinds."""

    def found(en: str, zh: str) -> Finding:
        return places.finding(exchange, en, zh)

    kind = next((one for one in kinds if one.id == exchange.case), None)
    if kind is None:
        yield found(f"there is no case '{exchange.case}' in this service", f"本服务没有办件“{exchange.case}”")
        return
    if exchange.start is not None:
        for en, zh in _check_start(exchange.start, kind):
            yield found(en, zh)
        return
    if kind.secret:
        text = "files of statistical returns would be seen by others: exchange records bear no label"
        yield found(text, "统计报表（secret）的办件不能生成交换文件：文件不带统计保密标签")
    moves = {one.id: one for one in kind.moves}
    out = moves.get(exchange.move)
    for state in exchange.states:
        if out is None or state not in out.sources:
            yield found(
                f"'{exchange.move}' is no move from '{state}'", f"“{exchange.move}”不是状态“{state}”的操作"
            )
    if out is not None and not (
        any(one.id == "batch" for one in out.form)
        and any(
            one.get("set") == "groupIdentifier" and (one.get("value") or {}).get("system") == BATCH_SYSTEM
            for one in out.effects
        )
    ):
        text = f"'{out.id}' takes the field 'batch' and sets groupIdentifier ({BATCH_SYSTEM}) to it"
        yield found(
            text,
            f"操作“{out.title.zh}”的表单须有 batch，并把 groupIdentifier（{BATCH_SYSTEM}）设为 ${{batch}}",
        )
    for answer in exchange.answers:
        move = moves.get(answer.move)
        if move is None:
            yield found(f"there is no move '{answer.move}'", f"没有操作“{answer.move}”")
        elif lacking := {one.id for one in move.form if one.required} - set(answer.values):
            yield found(
                f"'{answer.move}' also asks for {lacking}", f"操作“{move.title.zh}”还须填写 {lacking}"
            )
    headings = [one.title for one in exchange.columns]
    for heading in (exchange.key, exchange.amount):
        if heading not in headings:
            yield found(f"no column is headed '{heading}'", f"没有标题为“{heading}”的列")
    known = {*cases.all_fields(kind), *COLUMN_NAMES}
    for column in exchange.columns:
        for name in set(cases.names_in(column.value)) - known:
            yield found(f"${{{name}}} is no field of the case", f"办件中没有 ${{{name}}}")


def _check_start(start: SheetStart, kind: CaseDeclaration) -> Iterator[tuple[str, str]]:
    """Yield (English, Chinese) of what is wrong with the start of cases from a sheet."""
    form = {one.id: one for one in kind.form}
    for name in (*start.fields, *start.values):
        if name not in form:
            yield f"the start form has no field '{name}'", f"发起表单中没有字段“{name}”"
        elif name in start.fields and form[name].kind in ("table", "attachment"):
            yield f"'{name}' has no column in a sheet", f"字段“{name}”不能作为表格的列"
    for one in kind.form:
        if one.required and one.id not in (*start.fields, *start.values):
            yield f"nothing gives the required field '{one.id}'", f"必填字段“{one.title.zh}”没有列，也没有值"
    if bool(kind.subject_type == "Patient") != bool(start.subject.zh):
        yield (
            "'subject' heads a column where the case is about a resident, and only there",
            "办件涉及居民时须有 subject 列，其他情形不能有",
        )


def check_publication(
    state: State, kind: CaseDeclaration, kinds: Collection[CaseDeclaration], parameters: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield (English, Chinese) of what is wrong with the public notice of a state."""
    publish = state.publish
    if publish is None:
        return
    deadline = state.deadline
    if deadline is None or (deadline.parameter, deadline.unit, deadline.field) != (
        publish.days,
        "working-day",
        "",
    ):
        yield "the days of a notice are the state's deadline", "公示期即该状态的时限，须为同一参数的工作日"
    if publish.days not in parameters:
        yield f"no rule declares the parameter '{publish.days}'", f"没有声明参数“{publish.days}”"
    fields = cases.all_fields(kind)
    for name in (*publish.fields, *publish.masked):
        field = fields.get(name)
        if field is None or field.kind in ("attachment", "table"):
            yield f"'{name}' is no field that a notice can show", f"“{name}”不是可以公示的字段"
        elif field.kind in ("resident", "practitioner") and name not in publish.masked:
            yield f"a person's name is masked in public: '{name}'", f"公示中的个人姓名须打码：“{name}”"
    for name in set(publish.masked) - set(publish.fields):
        yield f"'masked' names '{name}', which is not shown", f"masked 中的“{name}”不在公示字段中"
    if publish.objection:
        other = next((one for one in kinds if one.id == publish.objection), None)
        if other is None or "system" not in other.start_by:
            yield f"the system cannot start '{publish.objection}'", f"系统不能发起“{publish.objection}”"
        elif not {one.id for one in other.form} >= _OBJECTION_FIELDS:
            yield "an objection takes name, contact and reason", "异议的表单须有 name、contact、reason"
