"""What a folder adds to a made city of any size (`city/*.yaml`), see `kangshu.municipality`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from kangshu.base.text import Text
from kangshu.sdk.declarations import Resource


@dataclass(frozen=True, slots=True)
class CityFigure:
    """How many records of a kind there should be for each person and year, as published: `value` ± `tolerance`.

    `certainty` is A (two sources), B (one), C (recalled) or `ours`.
    """

    value: Decimal
    tolerance: Decimal
    source: str
    certainty: str


@dataclass(frozen=True, slots=True)
class CityRecords:
    """One kind of record of a made city of any size (`city/*.yaml`): its facts as SQL, its form as a FHIR template.

    `sql` (DuckDB) yields one row per record out of the platform's tables of the city (`people`, `this_year`, `towns`,
    `organisations`, …), drawn by `draw(number, index, 'name')` alone, and once per what `per` says. In `resource` a
    text `{column}` is that column's value, `{column?}` one that may be NULL: the element is then left out. Views may
    look into the columns of `values`, each with all values it can have; any other they only pass on. `place` is the
    column with the division code of whom the record is about.
    """

    id: str
    service: str
    title: Text
    per: Literal["city", "resident", "resident-year"]
    sql: str
    resource: Resource
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    a_year: CityFigure | None = None
