"""The YAML of a kind of record of a made city (`city/*.yaml`) → its declaration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, cast

from kangshu.base.faults import Invalid
from kangshu.sdk import CityFigure, CityRecords
from kangshu.services.entry import Entry
from kangshu.services.findings import Finding
from kangshu.services.measured import read_sql
from kangshu.services.places import Places
from kangshu.services.tree import plain, read_tree

_PER: Final = ("city", "resident", "resident-year")
_CERTAINTIES: Final = ("A", "B", "C", "ours")
_NAMED: Final = re.compile(r"\{([a-z_]+)\??\}")


def read_city_records(entry: Entry, service: str, places: Places) -> CityRecords:
    """Return the kind of record that `entry` declares."""
    sql, file, line = read_sql(entry)
    resource = plain(entry.raw("resource"))
    values = plain(entry.raw("values")) if entry.has("values") else {}
    records = CityRecords(
        id=entry.string("id", required=True),
        service=service,
        title=entry.text("title"),
        per=cast("Any", entry.one_of("per", _PER, required=True)),
        sql=sql,
        resource=resource if isinstance(resource, dict) else {},
        values={name: tuple(str(one) for one in listed) for name, listed in values.items()},
        a_year=_figure(entry.entry("a_year")) if entry.has("a_year") else None,
    )
    places.note(records, entry)
    places.note_text(records, "sql", file, line)
    named = set(names_in(records.resource))
    if not isinstance(records.resource.get("resourceType"), str) or "id" not in records.resource:
        at = entry.line_of("resource")
        entry.find(at, "the template has 'resourceType' and 'id'", "模板须有 resourceType 与 id")
    for name in records.values.keys() - named:
        at = entry.line_of("values")
        entry.find(at, f"'{name}' is no column of the template", f"模板中没有列“{name}”")
    entry.close()
    return records


def _figure(entry: Entry) -> CityFigure:
    figure = CityFigure(
        value=Decimal(str(entry.raw("value"))),
        tolerance=Decimal(str(entry.raw("tolerance"))),
        source=entry.string("source"),
        certainty=entry.one_of("certainty", _CERTAINTIES, required=True),
    )
    entry.close()
    return figure


def read_city_folder(folder: Path, service: str = "") -> tuple[CityRecords, ...]:
    """Return every kind of record that the YAML files of `folder` declare. Raises Invalid for what does not read."""
    findings: list[Finding] = []
    made = [
        read_city_records(Entry(read_tree(file, findings), file, 1, findings), service, Places())
        for file in sorted(folder.glob("*.yaml"))
    ]
    if findings:
        raise Invalid(f"city records do not read: {findings[0]}")
    return tuple(made)


def names_in(template: Any) -> Iterator[str]:
    """Yield the columns that a template names, each as often as it does."""
    if isinstance(template, str):
        yield from _NAMED.findall(template)
    elif isinstance(template, dict):
        for one in template.values():
            yield from names_in(one)
    elif isinstance(template, list):
        for one in template:
            yield from names_in(one)
