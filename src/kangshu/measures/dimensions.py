"""Dimensions declared once: for which measures one holds, and how the rows of a measure get its values."""

# ruff: noqa: S608 - this file writes SQL: names are checked identifiers, texts are bound or quoted

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from kangshu.base.faults import Invalid
from kangshu.measures.definition import View
from kangshu.measures.layout import key_type
from kangshu.sdk import Dimension, DimensionDeclaration, MeasureDeclaration

DISTRICT: Final = "district"
"""The dimension that every measure has: the divisions one level below the place asked about."""
DIVISIONS: Final[Mapping[str, int]] = {"county": 6, "town": 9, "village": 12}
"""Dimensions that every measure has as well: divisions of one level, wherever one asks, by their digits."""
SPLITS: Final = "splits"
"""The column that a view has for a measure whose SQL passes it on: a struct of the dimensions that are asked for."""
_SUBJECT: Final = re.compile(r"(?:\b[a-z_][a-z0-9_]*\.)?\b([a-z_][a-z0-9_]*)\s+AS\s+subject\b", re.IGNORECASE)
_PASSED_ON: Final = re.compile(r"\bsplits\b")
_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*")


def place_dimension(by: Sequence[str]) -> str:
    """Return the dimension of a split that is a level of divisions, "" for none: the first, where there are several."""
    return next((one for one in by if one == DISTRICT or one in DIVISIONS), "")


def subject_type(measure: MeasureDeclaration, views: Mapping[str, View]) -> str:
    """Return the resource type of the measure's subjects; "" where neither it nor its SQL tells one type.

    The SQL tells where each `… AS subject` names a key column of its views.
    """
    if measure.subject:
        return measure.subject
    keys: dict[str, set[str]] = {}
    for name in measure.views:
        view = views.get(name)
        for column in view.columns() if view is not None else ():
            kind = key_type(column, view.resource) if view is not None else ""
            if kind:
                keys.setdefault(column.name, set()).add(kind)
    named = _SUBJECT.findall(measure.sql)
    found = {kind for name in named for kind in keys.get(name.lower(), {""})}
    return found.pop() if len(found) == 1 else ""


def with_shared(
    measure: MeasureDeclaration, views: Mapping[str, View], declared: Iterable[DimensionDeclaration]
) -> MeasureDeclaration:
    """Return the measure with the `declared` dimensions that hold for its subjects, after its own."""
    kind = subject_type(measure, views)
    own = {one.id for one in measure.dimensions}
    more = []
    for one in declared:
        view = views.get(one.view)
        if view is None or view.resource != kind or one.id in own:
            continue
        key = next((each.name for each in view.columns() if each.path.strip() == "getResourceKey()"), "")
        if key:
            more.append(
                Dimension(
                    id=one.id, title=one.title, labels=one.labels, view=one.view, key=key,
                    expression=one.expression, wide=one.wide,
                )
            )  # fmt: skip
    return replace(measure, dimensions=(*measure.dimensions, *more)) if more else measure


def shared_among(measure: MeasureDeclaration, by: Iterable[str]) -> tuple[Dimension, ...]:
    """Return those of the dimensions `by` that come from the subject's record."""
    wanted = set(by)
    return tuple(one for one in measure.dimensions if one.view and one.id in wanted)


def views_of(measure: MeasureDeclaration, by: Iterable[str]) -> tuple[str, ...]:
    """Return the views that the measure reads when it is split by `by`."""
    return tuple(dict.fromkeys((*measure.views, *(one.view for one in shared_among(measure, by)))))


def passes_on(sql: str) -> bool:
    """Return whether a measure's SQL passes on the splits of the view that its subjects come from."""
    return bool(_PASSED_ON.search(sql))


def splits_sql(dimensions: Sequence[Dimension], view: str) -> str:
    """Return the struct of the dimensions' values over the columns of `view`."""
    held = [f'"{dimension_column(one)}" := ({one.expression})' for one in dimensions if one.view == view]
    return f"struct_pack({', '.join(held)})" if held else "struct_pack(nothing := NULL)"


def joined_sql(dimensions: Sequence[Dimension], source: str) -> str:
    """Return the SELECT of the rows of `source` (a measure's) with the dimensions' values as columns.

    The records come from the clauses `of_<view>`, one row per subject.
    """
    views = list(dict.fromkeys(one.view for one in dimensions))
    columns = ", ".join(f'"of_{one.view}"."{dimension_column(one)}"' for one in dimensions)
    joins = " ".join(f'LEFT JOIN "of_{view}" ON "of_{view}".joined_subject = found.subject' for view in views)
    return f"SELECT found.*, {columns} FROM {source} AS found {joins}"


def record_sql(dimensions: Sequence[Dimension], view: str, source: str) -> str:
    """Return the SELECT of the clause `of_<view>`: the subject and the dimensions' values of each row of `source`."""
    held = [one for one in dimensions if one.view == view]
    columns = ", ".join(f'({one.expression}) AS "{dimension_column(one)}"' for one in held)
    return f'SELECT "{held[0].key}" AS joined_subject, {columns} FROM ({source})'


def dimension_column(dimension: Dimension) -> str:
    """Return the column of a measure's rows that holds the dimension. Raises Invalid for what is no name."""
    name = f"split_{dimension.id.replace('-', '_')}" if dimension.view else dimension.column
    if not _NAME.fullmatch(name):
        raise Invalid(f"'{name}' is no column name", zh=f"“{name}”不是列名")
    return name
