"""The city that is made for the engines, and the measures in our own language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from engines import MEASURES, VALUES, Asked, Cell, cells
from kangshu.app.wiring import all_measures, city_services
from kangshu.base.text import Text
from kangshu.measures import Views, Wanted, period_of, read_manifest
from kangshu.measures.atoms import MAIN, every_dimension
from kangshu.measures.dimensions import dimension_column, views_of
from kangshu.measures.manifest import PARTS
from kangshu.municipality import Municipality, make_resources
from kangshu.sdk import MeasureDeclaration

HALVES = 2
"""Processes that make the city, each its half of the neighbourhoods."""
_KINDS = {
    ("residents", "visits"), ("residents", "blood_pressures"), ("elder_health", "managements"),
    ("family_doctor", "contracts"), ("chronic_care", "enrolments"), ("chronic_care", "follow_ups"),
}  # fmt: skip
_SPLIT = ("gender", "age-band")
_LAST = """
  WITH latest AS (
    SELECT blood_pressures.resident_key,
           max_by(CAST(coalesce(blood_pressures.systolic < 140 AND blood_pressures.diastolic < 90, false) AS INTEGER),
                  concat(blood_pressures.taken_first, ' ', blood_pressures.taken, ' ', blood_pressures.observation)) AS below
    FROM blood_pressures
    WHERE blood_pressures.status IN ('final', 'amended', 'corrected')
      AND blood_pressures.taken_first BETWEEN $period_start AND $period_end
    GROUP BY blood_pressures.resident_key
  )
  SELECT residents.resident AS subject, residents.splits, latest.below AS numerator, 1 AS denominator,
         residents.scope_district AS district
  FROM latest JOIN residents ON residents.resident_key = latest.resident_key
  WHERE residents.active IS DISTINCT FROM false AND residents.deceased IS DISTINCT FROM true
    AND coalesce(residents.deceased_time_first > $period_end, true)
"""


def make(asked: Asked, residents: int, seed: int, part: int) -> None:
    """Write one part of the city as NDJSON: the kinds of record that the measures read alone."""
    city = Municipality(residents, seed, years=asked.years)
    services = tuple(
        replace(one, city=tuple(kind for kind in one.city if (one.id, kind.id) in _KINDS))
        for one in city_services()
    )
    size = -(-city.cells // HALVES)
    folder = asked.city / "ndjson" / str(part)
    make_resources(city, folder, services, blocks=[part], block=size, memory=asked.memory)


def wanted(asked: Asked, *, sampled: bool = False) -> list[Wanted]:
    """Return the measures split by sex and age band; `sampled`, of every `asked.every`-th resident alone."""
    services = city_services()
    declared = {one.id: one for one in all_measures(services)}
    declared["last-blood-pressure"] = replace(
        declared["record-use-rate"], id="last-blood-pressure", parameters=(), sql=_LAST,
        title=Text(zh="最近一次血压达标率", en="Last blood pressure below 140/90"), views=("residents", "blood_pressures"),
    )  # fmt: skip
    values = {one.id: one.value for service in services for one in service.parameters} | dict(VALUES)
    found = []
    for name in MEASURES:
        measure = declared[name]
        sql = measure.sql
        if sampled:
            sql = (
                f"SELECT * FROM ({sql.strip().rstrip(';')}) AS every_row "
                f"WHERE CAST(substr(subject, 10) AS BIGINT) % {asked.every} = 0"
            )
        split = tuple(one for one in measure.dimensions if one.id in _SPLIT)
        found.append(
            Wanted(replace(measure, sql=sql, dimensions=split), *period_of(measure, asked.end), values)
        )
    return found


def views(measures: Iterable[Wanted]) -> Views:
    """Return the views that the measures read."""
    used = {name for one in measures for name in views_of(one.measure, every_dimension(one.measure))}
    return Views(view for service in city_services() for view in service.views if view.name in used)


def of_atoms(measure: MeasureDeclaration, rows: Iterable[Mapping[str, Any]]) -> list[Cell]:
    """Return the cells of a measure's atoms."""
    column = {one.id: dimension_column(one) for one in measure.dimensions}
    return cells(
        (row["place"], row[column["gender"]], row[column["age-band"]], row["numerator"], row["denominator"])
        for row in rows
        if row["kept"] == MAIN
    )


def table_bytes(asked: Asked) -> int:
    """Return the bytes of the published tables."""
    return sum((asked.tables / PARTS / name).stat().st_size for name in read_manifest(asked.tables).files())
