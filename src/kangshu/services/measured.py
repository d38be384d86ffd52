"""The YAML of parameters, views and measures → their declarations."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final, cast

from kangshu.sdk import (
    QUALITY,
    Dimension,
    DimensionDeclaration,
    Exclusion,
    MeasureDeclaration,
    ParameterDeclaration,
    ViewDeclaration,
    WorkedExample,
)
from kangshu.services.entry import Entry
from kangshu.services.places import Places

_EPOCH = date(1949, 10, 1)
_MEASURE_KINDS = ("proportion", "ratio", "count")
_DIRECTIONS = ("increase", "decrease")
_PERIODS = ("instant", "year")
_PURPOSES = ("older-age",)
_HERE: Final = re.compile(r"^-- common[ \t]*$", re.MULTILINE)
"""Where in its WITH an SQL wants the tables of its `common`."""


def read_parameter(entry: Entry, service: str, places: Places) -> ParameterDeclaration:
    """Return the dated parameter that `entry` declares."""
    if not entry.has("value"):
        entry.find(entry.line, "'value' is missing", "缺少“value”")
    parameter = ParameterDeclaration(
        id=entry.string("id", required=True),
        title=entry.text("title"),
        value=entry.raw("value"),
        unit=entry.string("unit"),
        jurisdiction=entry.string("jurisdiction"),
        valid_from=entry.date("valid_from", required=True) or _EPOCH,
        valid_to=entry.date("valid_to"),
        source=entry.string("source", required=True),
        verified=entry.boolean("verified"),
        service=service,
        purpose=entry.one_of("purpose", ("", *_PURPOSES)),
        at_least=entry.string("at_least"),
        at_most=entry.string("at_most"),
    )
    places.note(parameter, entry)
    entry.close()
    return parameter


def read_view(value: Any, file: Path, service: str, entry: Entry, places: Places) -> ViewDeclaration:
    """Return the ViewDefinition in `file` as a declaration; its name is the file's."""
    view = ViewDeclaration(name=file.stem, service=service, definition=value)
    places.note(view, entry)
    if value.get("name") != view.name:
        entry.find(
            entry.line, f"a view's name is its file's: '{view.name}'", f"视图名应与文件名一致：“{view.name}”"
        )
    if not isinstance(value.get("resource"), str) or not isinstance(value.get("select"), list):
        entry.find(entry.line, "a ViewDefinition has 'resource' and 'select'", "视图须有 resource 与 select")
    return view


def read_measure(entry: Entry, service: str, places: Places) -> MeasureDeclaration:
    """Return the measure that `entry` declares; who calls closes the entry."""
    sql, file, line = read_sql(entry)
    measure = MeasureDeclaration(
        id=entry.string("id", required=True),
        service=service,
        title=entry.text("title"),
        definition=entry.text("definition"),
        systems=entry.strings("systems"),
        targets=entry.strings("targets"),
        kind=cast("Any", entry.one_of("kind", _MEASURE_KINDS, required=True)),
        scale=entry.integer("scale", 1),
        unit=entry.string("unit"),
        direction=cast("Any", entry.one_of("direction", _DIRECTIONS, default="increase")),
        period=cast("Any", entry.one_of("period", _PERIODS, default="instant")),
        views=entry.strings("views", required=not entry.has("over")),
        parameters=entry.strings("parameters"),
        sql=sql,
        dimensions=tuple(_dimension(one) for one in entry.entries("dimensions")),
        source=entry.string("source", required=True),
        matches=entry.strings("matches"),
        decimals=entry.integer("decimals", 1),
        subject=entry.string("subject"),
        exclusions=tuple(Exclusion(id_, title) for id_, title in entry.titles("exclusions")),
        sample=entry.boolean("sample"),
        per=cast("Any", entry.one_of("per", ("", "person"))),
        examples=read_examples(entry),
        cockpit=entry.integer("cockpit", 0),
        over=entry.one_of("over", ("", QUALITY)),
    )
    places.note(measure, entry)
    places.note_text(measure, "sql", file, line)
    return measure


def read_sql(entry: Entry) -> tuple[str, Path, int]:
    """Return the SQL of a measure or a list, its file and the line on which it starts.

    It stands in the file itself or, where it ends in .sql, in the file beside it. Where `common` names a file of the
    folder's `common/`, the tables that it makes (`name AS (…), …`) stand before it; where its WITH has a line
    `-- common`, they stand there and may use what the WITH has made before.
    """
    sql, file, line = _own_sql(entry)
    if not entry.has("common"):
        return sql, file, line
    before = entry.file.parent.parent / "common" / Path(entry.string("common")).name
    if not before.is_file():
        entry.find(
            entry.line_of("common"),
            f"there is no file common/{before.name}",
            f"没有文件 common/{before.name}",
        )
        return sql, file, line
    tables = before.read_text("utf-8").strip()
    if found := _HERE.search(sql):
        return f"{sql[: found.start()]}{tables},{sql[found.end() :]}", file, line - tables.count("\n")
    opening = "WITH RECURSIVE" if sql.startswith("WITH RECURSIVE") else "WITH"
    own = f",\n{sql.removeprefix(opening)}" if sql.startswith("WITH") else f"\n{sql}"
    # the lines of what stands before are not the file's: those of its own text keep their numbers
    return f"{opening} {tables}{own}", file, line - tables.count("\n") - 1


def _own_sql(entry: Entry) -> tuple[str, Path, int]:
    sql, line = entry.string("sql", required=True), entry.line_of("sql")
    if sql.endswith(".sql") and "\n" not in sql:
        beside = entry.file.parent / Path(sql).name
        if not beside.is_file():
            entry.find(line, f"there is no file {sql}", f"没有文件 {sql}")
            return "", entry.file, line
        text = beside.read_text("utf-8")
        return text, beside, 1 + _blank(text)
    below = 1 if "\n" in sql else 0  # `sql: |` has its text below
    return sql, entry.file, line + below + _blank(sql)


def _blank(text: str) -> int:
    """Return how many lines stand before the first that says something."""
    return text[: len(text) - len(text.lstrip())].count("\n")


def _dimension(entry: Entry) -> Dimension:
    dimension = Dimension(
        id=entry.string("id", required=True),
        title=entry.text("title"),
        column=entry.string("column", required=True),
        labels=dict(entry.titles("labels")),
        wide=entry.boolean("wide"),
    )
    entry.close()
    return dimension


def read_dimension(entry: Entry, service: str, places: Places) -> DimensionDeclaration:
    """Return the dimension, declared once for many measures, that `entry` declares."""
    dimension = DimensionDeclaration(
        id=entry.string("id", required=True),
        service=service,
        title=entry.text("title"),
        view=entry.string("view", required=True),
        expression=entry.string("expression", required=True),
        labels=dict(entry.titles("labels")),
        wide=entry.boolean("wide"),
    )
    places.note(dimension, entry)
    entry.close()
    return dimension


def read_examples(entry: Entry) -> tuple[WorkedExample, ...]:
    """Return the worked examples of a measure, or of a member of a family: its family's are not its own."""
    return tuple(_example(one) for one in entry.entries("examples"))


def _example(entry: Entry) -> WorkedExample:
    """Return a worked example: rows by view, the last day, and the two sums that they must give."""
    given = entry.raw("given") or {}
    expected = entry.entry("expect")
    example = WorkedExample(
        title=entry.text("title", required=False),
        period_end=entry.date("period_end", required=True) or _EPOCH,
        given={
            str(view): tuple(dict(row) for row in rows if isinstance(row, dict))
            for view, rows in (given.items() if isinstance(given, dict) else ())
            if isinstance(rows, list)
        },
        parameters=entry.raw("parameters") or {},
        numerator=number_of(expected, "numerator"),
        denominator=number_of(expected, "denominator"),
        district=entry.string("district"),
    )
    expected.close()
    entry.close()
    return example


def number_of(entry: Entry, key: str) -> Decimal:
    """Return the number under `key`; what is none is a finding, and 0."""
    text = str(entry.raw(key))
    try:
        return Decimal(text)
    except InvalidOperation:
        entry.find(entry.line_of(key), f"'{key}' is a number", f"“{key}”应为数")
        return Decimal(0)
