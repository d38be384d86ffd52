"""A measure and its family: one measure per member, which counts the rows of the same SQL with certain values.

    family:
      column: kind                    # a column of the SQL's rows
      members:
        - id: health-towns            # the measure's id
          value: health-town          # or a list of them
          title: {zh: …, en: …}
          definition: {zh: …, en: …}  # where it says more than the family's
          where: {level: [national]}  # further columns, where the value alone does not tell
          unit: 个                     # where it is not the family's
          targets: [T026]
          matches: […]
          source: …                   # where it is not the family's
          expect: [{numerator: 2, denominator: 3}]  # what each of the family's worked examples gives of this part

A member is a full measure: explained, shown on the board, linked to targets, and checked by the family's check query,
which finds what the member is narrowed to among its parameters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from kangshu.sdk import CheckQuery, MeasureDeclaration, WorkedExample
from kangshu.services.entry import Entry
from kangshu.services.measured import number_of, read_examples, read_measure
from kangshu.services.places import Places

_COLUMN: Final = re.compile(r"[a-z_][a-z0-9_]*\Z")


def read_measures(entry: Entry, service: str, places: Places) -> tuple[MeasureDeclaration, ...]:
    """Return the measure that `entry` declares, and after it the members of its family."""
    measure = read_measure(entry, service, places)
    members: tuple[MeasureDeclaration, ...] = ()
    if entry.has("family"):
        family = entry.entry("family")
        column = _column(family, family.string("column", required=True))
        members = tuple(_member(one, measure, column, places) for one in family.entries("members"))
        if not members:
            family.find(family.line, "a family has members", "指标族至少应有一个成员")
        family.close()
    entry.close()
    return (measure, *members)


def member_checks(
    measures: Iterable[MeasureDeclaration], checks: Mapping[str, CheckQuery]
) -> Mapping[str, CheckQuery]:
    """Return `checks` with those of the members, which are their family's unless they have their own."""
    found = dict(checks)
    for one in measures:
        if one.family in checks:
            found.setdefault(one.id, _narrowed(checks[one.family], one.narrowed))
    return MappingProxyType(found)


def _narrowed(check: CheckQuery, narrowed: Mapping[str, tuple[str, ...]]) -> CheckQuery:
    return lambda resources, start, end, parameters: check(resources, start, end, {**parameters, **narrowed})


def _member(entry: Entry, whole: MeasureDeclaration, column: str, places: Places) -> MeasureDeclaration:
    values = entry.strings("value", required=True)
    narrowed = {column: values} if column and values else {}
    if entry.has("where"):
        also = entry.entry("where")
        narrowed |= {_column(also, name): also.strings(name) for name in also.names()}
        also.close()
    for dimension in whole.dimensions:
        for value in narrowed.get(dimension.column, ()):
            if dimension.labels and value not in dimension.labels:
                text = f"dimension '{dimension.id}' has no label for '{value}'"
                entry.find(entry.line_of("value"), text, f"维度“{dimension.title.zh}”没有“{value}”")
    definition = entry.text("definition", required=False)
    member = replace(
        whole,
        id=entry.string("id", required=True),
        title=entry.text("title"),
        definition=definition if definition.zh else whole.definition,
        targets=entry.strings("targets"),
        matches=entry.strings("matches"),
        unit=entry.string("unit", default=whole.unit),
        source=entry.string("source", default=whole.source),
        sql=_where(whole.sql, narrowed),
        dimensions=tuple(one for one in whole.dimensions if len(narrowed.get(one.column, ("", ""))) > 1),
        family=whole.id,
        cockpit=entry.integer("cockpit", 0),
        narrowed=MappingProxyType(narrowed),
        examples=(*read_examples(entry), *_part_of_examples(entry, whole)),
    )
    places.note(member, entry)
    entry.close()
    return member


def _part_of_examples(entry: Entry, whole: MeasureDeclaration) -> tuple[WorkedExample, ...]:
    """Return the family's worked examples with what they give of the member; none where the member does not say it."""
    expected = list(entry.entries("expect"))
    if expected and len(expected) != len(whole.examples):
        text = f"'expect' has a line for each of the family's {len(whole.examples)} examples"
        entry.find(entry.line_of("expect"), text, f"expect 应与指标族的 {len(whole.examples)} 个算例一一对应")
    found = []
    for example, sums in zip(whole.examples, expected, strict=False):
        found.append(
            replace(
                example, numerator=number_of(sums, "numerator"), denominator=number_of(sums, "denominator")
            )
        )
        sums.close()
    return tuple(found)


def _column(entry: Entry, name: str) -> str:
    if name and not _COLUMN.match(name):
        entry.find(entry.line, f"'{name}' is no column name", f"“{name}”不是列名")
        return ""
    return name


def _where(sql: str, narrowed: Mapping[str, tuple[str, ...]]) -> str:
    """Return the family's SQL with the member's rows alone; its lines stay where they are."""
    conditions = " AND ".join(
        f'"{name}" IN ({", ".join(_quoted(values))})' for name, values in narrowed.items()
    )
    # names are checked identifiers, values are quoted
    return f"SELECT * FROM ({sql.strip().rstrip(';')}\n) WHERE {conditions or 'true'}"  # noqa: S608


def _quoted(values: Iterable[str]) -> Iterator[str]:
    return (f"""'{value.replace("'", "''")}'""" for value in values)
