"""What a service declares of data that may be extracted: which columns, and how each may tell of a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from kangshu.base.text import Text

ColumnRole = Literal["identifier", "quasi", "sensitive", "other"]
ColumnKind = Literal["age", "date", "place", "code", "text", "number"]


@dataclass(frozen=True, slots=True)
class ExtractColumn:
    """One column of an extract. `column` is that of the SQL.

    `role` in the terms of GB/T 37964-2019: `identifier` (直接标识符: a key, replaced by a keyed hash), `quasi`
    (准标识符: generalised), `sensitive` (敏感属性: must vary within a class), `other`: kept, a date is shifted.
    `finest` is the closest level of the kind that is ever given.
    """

    id: str
    title: Text
    column: str
    role: ColumnRole
    kind: ColumnKind = "text"
    finest: str = ""
    labels: Mapping[str, Text] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExtractDeclaration:
    """Data that may be extracted (提取定义): one row per person.

    `sql` (DuckDB) yields `subject` ("Patient/id"), `district` and the columns; it reads the named views as tables and
    may use $period_start, $period_end and one $name per declared parameter, as a measure's does.
    """

    id: str
    service: str
    title: Text
    definition: Text
    views: tuple[str, ...]
    parameters: tuple[str, ...]
    sql: str
    columns: tuple[ExtractColumn, ...]
    source: str
