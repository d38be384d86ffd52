"""Forms as pages show them: one declaration (`sdk.Field`) serves registers, cases and our own administration."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from kangshu.base.faults import Fault, Issue
from kangshu.base.text import Text
from kangshu.sdk import Field
from kangshu.web.language import Words, local

_INPUTS: Final = {"integer": "number", "decimal": "number"}
EXAMPLES: Final = {"date": "2026-03-01", "datetime": "2026-03-01 08:30"}
"""How a day or a time is written. Browsers show their own date fields in the language of the system, not of the page,
so days are text here, with a calendar beside them where scripts run."""
_BLANK_ROWS: Final = 3
_FINDERS: Final = frozenset({"resident", "practitioner", "organisation"})
_CHOSEN: Final = frozenset({"organisation", "practitioner", "reference", "district"})
"""Kinds whose value is picked from a list that the page looks up."""

Choices = Mapping[str, tuple[tuple[str, str], ...]]
"""What may be chosen, by field id: value and what the user reads."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed for a field: the value, what it is called, and why."""

    value: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a form, ready for the template."""

    name: str
    title: str
    kind: str
    value: str = ""
    required: bool = False
    options: tuple[tuple[str, str], ...] = ()
    help: str = ""
    error: str = ""
    unit: str = ""
    pattern: str = ""
    input: str = "text"
    wide: bool = False
    many: bool = False
    example: str = ""
    protected: bool = False
    """Whether the value is masked: it is shown as it comes and sent back as it is."""
    find: str = ""
    """Page on which scripts look up what may be chosen; "" for a field that is typed or picked from its options."""
    link: tuple[str, str] = ("", "")
    """Title and address of the page that makes what may be chosen, such as an assessment to fill in."""
    proposed: tuple[Proposal, ...] = ()
    draws: bool = False
    """Whether its options are drawn from the record of whom the case is about."""
    empty: str = ""
    """What is said where nothing can be ticked."""
    fixed: bool = False
    """Whether a column of a table only shows its value."""
    columns: tuple[FormField, ...] = ()
    """The columns of a table that may be filled in, without values."""
    rows: tuple[tuple[FormField, ...], ...] = ()
    """The rows of a table; each cell is named `<table>.<row>.<column>`."""

    @property
    def held(self) -> list[str]:
        """Return the values that stand in a field that takes several."""
        return [part.strip() for part in self.value.split(",")]

    def as_password(self) -> FormField:
        """Return the field as one that hides what is typed."""
        return replace(self, input="password", kind="text")


def form_fields(
    words: Words,
    fields: Iterable[Field],
    values: Mapping[str, Any],
    issues: Iterable[Issue] = (),
    choices: Choices | None = None,
    protected: Collection[str] = (),
) -> list[FormField]:
    """Return a form's fields with the values that stand in them and what is wrong with each.

    `protected` are the ids of fields whose values are masked.
    """
    wrong: dict[str, str] = {}
    for issue in issues:
        for place in issue.expression:
            wrong.setdefault(place, Text(issue.zh, issue.text).in_language(words.language))
    shown = [
        _table(words, one, values.get(one.id), wrong, choices or {})
        if one.kind == "table"
        else _field(words, one, values.get(one.id), wrong.get(one.id, ""), choices or {})
        for one in fields
    ]
    note = words("受保护：保存时保持原值不变")
    return [
        replace(one, protected=True, pattern="", help=note) if one.name in protected else one for one in shown
    ]


def _field(words: Words, field: Field, value: Any, error: str, choices: Choices) -> FormField:
    options = tuple((one.code, words.of(one.title)) for one in field.options) or tuple(
        choices.get(field.id, ())
    )
    kind: str = field.kind
    find = (
        f"/find/{kind}"
        if kind == "resident" or (kind in _FINDERS and not field.options and not options)
        else ""
    )
    if field.draws or (options and (kind in _CHOSEN or kind == "resident")):
        kind = "choice"
    help_text = words.of(field.help)
    if find and not help_text:
        help_text = words("输入姓名或身份证号查找") if field.kind == "resident" else words("输入名称查找")
    return FormField(
        name=field.id,
        title=words.of(field.title),
        kind=kind,
        value=as_input(field.kind, value),
        required=field.required,
        options=options,
        help=help_text,
        error=error,
        unit=field.unit,
        pattern=field.pattern,
        input=_INPUTS.get(field.kind, "text"),
        wide=field.kind in ("paragraph", "attachment") or (field.many and kind == "choice"),
        many=field.many,
        example=EXAMPLES.get(field.kind, ""),
        find=find,
        draws=field.draws,
    )


def _table(words: Words, field: Field, value: Any, wrong: Mapping[str, str], choices: Choices) -> FormField:
    """Return a table with its rows; one that grows has a few empty rows more."""
    held = list(value or ()) + ([{}] * _BLANK_ROWS if field.grows else [])
    shown = [one for one in field.columns if not one.hidden]
    # what may be chosen in a column is known by `<table>.<column>`
    offered = {one.id: choices.get(f"{field.id}.{one.id}", ()) for one in shown}

    def cell(number: int, column: Field, row: Mapping[str, Any]) -> FormField:
        name, stands = f"{field.id}.{number}.{column.id}", row.get(column.id)
        if column.fixed:
            return FormField(
                name,
                words.of(column.title),
                column.kind,
                shown_value(words, column, stands, offered),
                fixed=True,
            )
        made = replace(_field(words, column, stands, wrong.get(name, ""), offered), name=name)
        if column.kind != "attachment":
            return made
        files = [stands] if isinstance(stands, str) else list(stands or ())
        titles = (words("材料 {number}", number=at) for at in range(1, len(files) + 1))
        return replace(made, options=tuple(zip(files, titles, strict=True)))

    return replace(
        _field(words, field, None, wrong.get(field.id, ""), {}),
        wide=True,
        columns=tuple(_field(words, one, None, "", offered) for one in shown if not one.fixed),
        rows=tuple(tuple(cell(number, column, row) for column in shown) for number, row in enumerate(held)),
    )


def as_input(kind: str, value: Any) -> str:
    """Return a stored value as its form input wants it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(as_input(kind, item) for item in value)
    text = str(value)
    if kind == "datetime" and "T" in text:
        return local(text).strftime("%Y-%m-%d %H:%M")
    return text


def sent_values(fields: Iterable[Field], form: Mapping[str, str]) -> dict[str, Any]:
    """Return what a form sent for its declared fields: an unchecked box is no, other absent fields are left out."""
    found: dict[str, Any] = {}
    for field in fields:
        if field.kind == "table":
            if (rows := _sent_rows(field, form)) is not None:
                found[field.id] = rows
        elif field.kind == "boolean":
            found[field.id] = form.get(field.id, "false")
        elif field.id in form:
            text = form[field.id]
            found[field.id] = (
                [part.strip() for part in text.split(",") if part.strip()] if field.many else text
            )
    return found


def _sent_rows(field: Field, form: Mapping[str, str]) -> list[dict[str, Any]] | None:
    """Return the rows of a table that a form sent; each row says by `<table>.<number>` that it was there."""
    numbers = [name.removeprefix(f"{field.id}.") for name in form if name.startswith(f"{field.id}.")]
    counted = sorted(int(one) for one in numbers if one.isdecimal() and len(one) < 5)
    opened = [one for one in field.columns if not one.fixed]
    rows = []
    for number in counted:
        start = f"{field.id}.{number}."
        cells = {name.removeprefix(start): text for name, text in form.items() if name.startswith(start)}
        rows.append(sent_values(opened, cells))
    return rows if counted else None


def told(words: Words, fault: Fault, fields: Iterable[Field] = ()) -> list[str]:
    """Return what a refused form is told, in words; what stands at a field of the form is left to that field."""
    own = {field.id for field in fields}
    said = [Text(one.zh, one.text).in_language(words.language) for one in fault.issues]
    if any(own.intersection(issue.expression) for issue in fault.issues):
        general = Text(fault.zh, fault.text).in_language(words.language)
        return list(dict.fromkeys([general, *said]))
    return said


def shown_value(words: Words, field: Field, value: Any, choices: Choices | None = None) -> str:
    """Return a stored value as people read it: options by title, dates to the minute, yes and no as words."""
    if value is None or value == "":
        return ""
    if isinstance(value, list | tuple):
        return "、".join(shown_value(words, field, item, choices) for item in value)
    if isinstance(value, bool):
        return words("是") if value else words("否")
    if isinstance(value, dict):
        return str(value.get("display") or value.get("text") or value.get("reference") or "")
    text = str(value)
    for code, title in [
        *((one.code, words.of(one.title)) for one in field.options),
        *(choices or {}).get(field.id, ()),
    ]:
        if code == text:
            return title
    if field.kind == "datetime":
        return words.moment(text)
    return f"{text} {field.unit}".strip()
