"""The YAML of extracts → their declarations."""

from __future__ import annotations

from typing import cast

from kangshu.sdk import ColumnKind, ColumnRole, ExtractColumn, ExtractDeclaration
from kangshu.services.entry import Entry
from kangshu.services.places import Places

_ROLES = ("identifier", "quasi", "sensitive", "other")
_KINDS = ("age", "date", "place", "code", "text", "number")


def read_extract(entry: Entry, service: str, places: Places) -> ExtractDeclaration:
    """Return the extract that `entry` declares; what is wrong goes to the entry's findings."""
    extract = ExtractDeclaration(
        id=entry.string("id", required=True),
        service=service,
        title=entry.text("title"),
        definition=entry.text("definition"),
        views=entry.strings("views", required=True),
        parameters=entry.strings("parameters"),
        sql=entry.string("sql", required=True),
        columns=tuple(_column(one) for one in entry.entries("columns")),
        source=entry.string("source", required=True),
    )
    places.note(extract, entry)
    places.note_text(extract, "sql", entry.file, entry.line_of("sql") + 1)
    entry.close()
    return extract


def _column(entry: Entry) -> ExtractColumn:
    column = ExtractColumn(
        id=entry.string("id", required=True),
        title=entry.text("title"),
        column=entry.string("column") or entry.string("id"),
        role=cast("ColumnRole", entry.one_of("role", _ROLES, required=True)),
        kind=cast("ColumnKind", entry.one_of("kind", _KINDS, default="text")),
        finest=entry.string("finest"),
        labels=dict(entry.titles("labels")),
    )
    entry.close()
    return column
