"""The YAML of registers and cases → their declarations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast, get_args

from kangshu.sdk import (
    Capacity,
    CaseDeclaration,
    CaseRecords,
    ChecklistItem,
    Column,
    Deadline,
    Field,
    FieldKind,
    Instead,
    Monthly,
    Move,
    Option,
    Publication,
    RegisterDeclaration,
    RelatedRecords,
    State,
    Suggestion,
    Text,
)
from kangshu.services.entry import Entry
from kangshu.services.pictures import read_pictures
from kangshu.services.places import Places
from kangshu.services.reminders import read_reminder

_KINDS = get_args(FieldKind)
_UNITS = ("working-day", "day", "hour", "minute")
_RULES = ("resident-id", "organisation-code")
_BOXES = ("owner", "requester", "none")
_TONES = ("primary", "plain", "danger")
_STATUSES = (
    "draft", "requested", "received", "accepted", "rejected", "ready", "cancelled",
    "in-progress", "on-hold", "failed", "completed", "entered-in-error",
)  # fmt: skip


def read_register(entry: Entry, service: str, places: Places) -> RegisterDeclaration:
    """Return the register that `entry` declares; what is wrong goes to the entry's findings."""
    register = RegisterDeclaration(
        id=entry.string("id", required=True),
        service=service,
        title=entry.text("title"),
        resource_type=entry.string("resource", required=True),
        criteria=entry.string("criteria"),
        template=entry.raw("template") or {},
        columns=tuple(_column(one, places) for one in entry.entries("columns")),
        form=tuple(read_field(one, places) for one in entry.entries("form")),
        unique=_unique(entry),
        unique_while=entry.string("unique_while"),
        capacity=entry.each("capacity", _capacity),
        read_only=entry.boolean("read_only"),
        remind=entry.each("remind", read_reminder),
        pictures=read_pictures(entry, service),
        related=tuple(_related(one, service) for one in entry.entries("related")),
        help=entry.text("help", required=False),
    )
    places.note(register, entry)
    entry.close()
    return register


def _related(entry: Entry, service: str) -> RelatedRecords:
    register = entry.string("register", required=True)
    related = RelatedRecords(
        register=register if "/" in register or not service else f"{service}/{register}",
        column=entry.string("column", required=True),
        columns=entry.strings("columns"),
        title=entry.text("title", required=False),
    )
    entry.close()
    return related


def read_case(entry: Entry, service: str, places: Places) -> CaseDeclaration:
    """Return the case kind that `entry` declares; what is wrong goes to the entry's findings."""
    form = tuple(read_field(one, places) for one in entry.entries("form"))
    records = tuple(_records(one, places) for one in entry.entries("records"))
    kept = tuple(read_field(one, places) for one in entry.entries("kept"))
    case = CaseDeclaration(
        id=entry.string("id", required=True),
        service=service,
        title=entry.text("title"),
        systems=entry.strings("systems", required=True),
        initial=entry.string("initial", required=True),
        start_by=entry.strings("start_by", required=True),
        form=form,
        states=tuple(_state(one, places) for one in entry.entries("states")),
        moves=tuple(_move(one, form, kept, places) for one in entry.entries("moves")),
        numbering=entry.string("numbering"),
        subject_type=entry.string("subject_type"),
        help=entry.text("help", required=False),
        effects=_effects(entry),
        carries=entry.string("carries"),
        answer=entry.string("answer"),
        internal=entry.boolean("internal"),
        secret=entry.boolean("secret"),
        records=records,
        kept=kept,
        opens_record=entry.boolean("opens_record", default=True),
        start_guard=entry.string("start_guard"),
        start_guard_text=entry.text("start_guard_text", required=entry.has("start_guard")),
    )
    places.note(case, entry)
    entry.close()
    return case


def read_field(entry: Entry, places: Places) -> Field:
    """Return the form field that `entry` declares."""
    field = Field(
        id=entry.string("id", required=True),
        title=entry.text("title"),
        kind=cast("FieldKind", entry.one_of("kind", _KINDS, default="text")),
        path=entry.string("path"),
        required=entry.boolean("required"),
        options=_options(entry),
        system=entry.string("system"),
        reference_type=entry.string("reference_type"),
        criteria=entry.string("criteria"),
        listed_by=_related(entry.entry("listed_by"), "") if entry.has("listed_by") else None,
        suggest=_suggestion(entry.entry("suggest")) if entry.has("suggest") else None,
        many=entry.boolean("many"),
        unit=entry.string("unit"),
        pattern=entry.string("pattern"),
        help=entry.text("help", required=False),
        masked=entry.boolean("masked"),
        check=cast("Any", entry.one_of("check", ("", *_RULES))),
        prefill=entry.string("prefill"),
        questionnaire=entry.string("questionnaire"),
        columns=tuple(read_field(one, places) for one in entry.entries("columns")),
        grows=entry.boolean("grows"),
        hidden=entry.boolean("hidden"),
    )
    places.note(field, entry)
    entry.close()
    return field


def _suggestion(entry: Entry) -> Suggestion:
    suggestion = Suggestion(
        list=entry.string("list", required=True),
        value=entry.string("value") or "subject",
        reason=entry.strings("reason"),
        where={str(name): str(value) for name, value in (entry.raw("where") or {}).items()},
    )
    entry.close()
    return suggestion


def _monthly(entry: Entry) -> Monthly:
    names = (entry.string(name, required=True) for name in ("from", "to", "day"))
    monthly = Monthly(*names)
    entry.close()
    return monthly


def _records(entry: Entry, places: Places) -> CaseRecords:
    columns = entry.raw("columns") or {}
    records = CaseRecords(
        id=entry.string("id", required=True),
        resource_type=entry.string("type", required=True),
        criteria=entry.string("criteria", required=True),
        columns={str(name): str(value) for name, value in columns.items()},
        beside=entry.strings("beside"),
        key=entry.string("key"),
        since=entry.string("since"),
        newest=entry.string("newest"),
        monthly=_monthly(entry.entry("monthly")) if entry.has("monthly") else None,
    )
    places.note(records, entry)
    entry.close()
    return records


def _column(entry: Entry, places: Places) -> Column:
    column = Column(
        id=entry.string("id", required=True),
        title=entry.text("title"),
        value=entry.string("value", required=True),
        kind=cast("FieldKind", entry.one_of("kind", _KINDS, default="text")),
        options=_options(entry),
        search=entry.string("search"),
        sort=entry.string("sort"),
        masked=entry.boolean("masked"),
    )
    places.note(column, entry)
    entry.close()
    return column


def _options(entry: Entry) -> tuple[Option, ...]:
    found = []
    for one in entry.entries("options"):
        if one.has("code"):
            code, title = one.string("code", required=True), one.text("title")
        else:  # `male: {zh: 男, en: male}`: the key is the code
            code, title = one.string("id"), one.own_text()
        one.close()
        found.append(Option(code, title))
    return tuple(found)


def _unique(entry: Entry) -> tuple[tuple[str, ...], ...]:
    found = []
    rows = entry.rows("unique")
    for item, line in zip(rows, rows.lines, strict=True):
        names = [item] if isinstance(item, str) else item
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            entry.find(line, "'unique' holds lists of field ids", "“unique”应为字段标识的列表")
            continue
        found.append(tuple(names))
    return tuple(found)


def _capacity(entry: Entry) -> Capacity:
    capacity = Capacity(
        of=entry.string("of", required=True),
        target=entry.string("target", required=True),
        search=entry.string("search", required=True),
        text=entry.text("text"),
        condition=entry.string("while"),
        places=entry.string("places"),
        open=entry.string("open"),
        full=entry.raw("full") or {},
        free=entry.raw("free") or {},
    )
    entry.close()
    return capacity


def _state(entry: Entry, places: Places) -> State:
    deadline = None
    if entry.has("deadline"):
        one = entry.entry("deadline")
        deadline = Deadline(
            parameter=one.string("parameter"),
            unit=cast("Any", one.one_of("unit", _UNITS, default="working-day")),
            field=one.string("field"),
            remind=one.string("remind"),
            tell=one.boolean("tell"),
        )
        if not deadline.parameter and not deadline.field:
            one.find(one.line, "a deadline names a parameter or a field", "时限须指明参数或字段")
        one.close()
    publish = _publication(entry.entry("publish")) if entry.has("publish") else None
    if publish is not None and deadline is None:
        deadline = Deadline(publish.days)
    state = State(
        id=entry.string("id", required=True),
        title=entry.text("title"),
        status=entry.one_of("status", _STATUSES, required=True),
        final=entry.boolean("final"),
        deadline=deadline,
        box=cast("Any", entry.one_of("box", _BOXES, default="none" if entry.raw("final") else "owner")),
        overdue=entry.string("overdue"),
        publish=publish,
    )
    places.note(state, entry)
    entry.close()
    return state


def _publication(entry: Entry) -> Publication:
    publication = Publication(
        title=entry.text("title"),
        days=entry.string("days", required=True),
        fields=entry.strings("fields", required=True),
        masked=entry.strings("masked"),
        text=entry.text("text", required=False),
        objection=entry.string("objection"),
    )
    entry.close()
    return publication


def _form(
    entry: Entry, start: tuple[Field, ...], kept: tuple[Field, ...], places: Places
) -> tuple[Field, ...]:
    """Return a move's form; `form: start` means the form that starts the case."""
    if entry.raw("form") == "start":
        return start
    return tuple(
        _opened(one, (*start, *kept), places) if one.has("open") else read_field(one, places)
        for one in entry.entries("form")
    )


def _opened(entry: Entry, held: tuple[Field, ...], places: Places) -> Field:
    """Return a table that the case holds (the start form's, or one kept by effects) as a move has it,
    `{id: …, open: [columns]}`: all other columns are fixed."""
    name, opened = entry.string("id", required=True), entry.strings("open", required=True)
    table = next((one for one in held if one.id == name and one.kind == "table"), None)
    if table is None:
        entry.find(entry.line, f"the case holds no table '{name}'", f"办件中没有表格“{name}”")
        table = Field(name, Text(name, name), "table")
    for column in set(opened) - {one.id for one in table.columns}:
        entry.find(
            entry.line_of("open"), f"'{name}' has no column '{column}'", f"表格“{name}”没有列“{column}”"
        )
    field = replace(
        table,
        title=entry.text("title", required=False) if entry.has("title") else table.title,
        help=entry.text("help", required=False),
        required=entry.boolean("required", default=True),
        columns=tuple(
            one if one.id in opened else replace(one, fixed=True, required=False) for one in table.columns
        ),
    )
    places.note(field, entry)
    entry.close()
    return field


def _item(entry: Entry, places: Places) -> ChecklistItem:
    item = ChecklistItem(
        id=entry.string("id", required=True),
        title=entry.text("title"),
        check=entry.string("check", required=True),
        evidence=entry.string("evidence"),
        reason=entry.string("reason"),
    )
    places.note(item, entry)
    entry.close()
    return item


def _move(entry: Entry, start: tuple[Field, ...], kept: tuple[Field, ...], places: Places) -> Move:
    move = Move(
        id=entry.string("id", required=True),
        title=entry.text("title"),
        sources=entry.strings("from", required=True),
        target=entry.string("to", required=True),
        by=entry.strings("by", required=True),
        form=_form(entry, start, kept, places),
        guard=entry.string("guard"),
        guard_text=entry.text("guard_text", required=entry.has("guard")),
        effects=_effects(entry),
        tone=cast("Any", entry.one_of("tone", _TONES, default="primary")),
        apart_from=entry.strings("apart_from"),
        checklist=tuple(_item(one, places) for one in entry.entries("checklist")),
        watched=entry.boolean("watched"),
        recheck=cast("Any", entry.one_of("recheck", ("", "holds", "fails"))),
        in_person=entry.string("in_person"),
        instead=_instead(entry.entry("instead")) if entry.has("instead") else None,
    )
    places.note(move, entry)
    entry.close()
    return move


def _instead(entry: Entry) -> Instead:
    instead = Instead(entry.string("to", required=True), entry.string("when", required=True))
    entry.close()
    return instead


def _effects(entry: Entry) -> tuple[Mapping[str, Any], ...]:
    found: list[Mapping[str, Any]] = []
    value = entry.raw("effects")
    if value is None:
        return ()
    rows = entry.rows("effects")
    for item, line in zip(rows, rows.lines, strict=True):
        if not isinstance(item, dict):
            entry.find(line, "an effect is a mapping", "每个效果应为键值映射")
            continue
        found.append(item)
    return tuple(found)
