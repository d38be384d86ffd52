"""What a city of a given size stands on, as tables: divisions, institutions, ages, and the shares behind its draws."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from itertools import accumulate, pairwise
from math import cos, hypot, radians
from typing import Any, Final

import yaml

from kangshu.base.faults import Invalid
from kangshu.sdk import DemoDistrict, DemoTown, Outline
from kangshu.services import make_outlines

CELL: Final = 120
"""Residents of a neighbourhood: the least that is made at a time. Households form within one."""
BLOCK: Final = 5_000
"""Neighbourhoods of a block, the most that is made at a time: 600,000 residents."""
CENSUS: Final = date(2020, 11, 1)
STRATA: Final = 1 << 14
_MOST: Final = 100_000_000


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the session: columns with their DuckDB types, and rows."""

    name: str
    columns: Mapping[str, str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Municipality:
    """Which city is made: residents at the census, five years of records from 2021 on, the seed."""

    residents: int
    seed: int = 20260101
    first_year: int = 2021
    years: int = 5

    def __post_init__(self) -> None:
        """Refuse sizes and years that cannot be. Raises Invalid."""
        if not CELL <= self.residents <= _MOST:
            raise Invalid(f"a city has {CELL} to {_MOST} residents", zh=f"居民数应在{CELL}至{_MOST}之间")
        if not 1 <= self.years <= 10 or not 2021 <= self.first_year <= 2030:
            raise Invalid(
                "a city has 1 to 10 years of records, from 2021 on", zh="记录年数应在1至10之间，自2021年起"
            )

    @property
    def cells(self) -> int:
        """Number of neighbourhoods; the last may be smaller."""
        return -(-self.residents // CELL)

    @property
    def first_day(self) -> date:
        """First day of the records."""
        return date(self.first_year, 1, 1)

    @property
    def last_day(self) -> date:
        """Last day of the records."""
        return date(self.first_year + self.years - 1, 12, 31)

    @property
    def share(self) -> float:
        """Its residents against those of the whole city."""
        return self.residents / int(facts()["residents"])

    def blocks(self, size: int = BLOCK) -> tuple[range, ...]:
        """Return the blocks, each as a range of neighbourhoods."""
        return tuple(range(low, min(low + size, self.cells)) for low in range(0, self.cells, size))


def data_text(name: str) -> str:
    """Return a file of the room's data."""
    return files(__package__).joinpath("data").joinpath(name).read_text("utf-8")


def _rows(name: str) -> list[list[str]]:
    lines = [line for line in data_text(name).splitlines() if line and not line.startswith("#")]
    return list(csv.reader(lines))[1:]


@cache
def facts() -> dict[str, Any]:
    """Return `city.yaml`."""
    read: dict[str, Any] = yaml.safe_load(data_text("city.yaml"))
    return read


@cache
def diseases() -> dict[str, dict[str, Any]]:
    """Return `prevalence.yaml`."""
    read: dict[str, dict[str, Any]] = yaml.safe_load(data_text("prevalence.yaml"))
    return read


@cache
def national_ages() -> Mapping[tuple[int, str], float]:
    """Return (age in years, sex) → thousands of people of the nation at the census."""
    return {
        (age, sex): float(count) / 5
        for first, men, women in _rows("pyramid.csv")
        for age in range(int(first), int(first) + 5)
        for sex, count in (("male", men), ("female", women))
    }


@cache
def age_shares() -> Mapping[tuple[int, str], float]:
    """Return (age in years, sex) → share of the residents at the census: the nation's ages bent to the city's groups."""
    groups = {row[0]: (row[1], float(row[2])) for row in _rows("groups.csv")}
    male = groups.pop("male")[1]
    national = national_ages()
    bounds = [(int(low), int(high), percent) for low, (high, percent) in groups.items()]
    bent: dict[tuple[int, str], float] = {}
    for low, high, percent in bounds:
        inside = {key: count for key, count in national.items() if low <= key[0] < high}
        whole = sum(inside.values())
        bent |= {key: count / whole * percent / 100 for key, count in inside.items()}
    men = sum(share for (_, sex), share in bent.items() if sex == "male")
    wanted = {"male": male / 100 / men, "female": (1 - male / 100) / (1 - men)}
    return {(age, sex): share * wanted[sex] for (age, sex), share in bent.items()}


def tables(city: Municipality) -> Iterator[Table]:
    """Yield the tables that every block reads; all are small."""
    yield Table(
        "city",
        {"census": "DATE", "first_day": "DATE", "last_day": "DATE", "residents": "BIGINT", "cells": "BIGINT"},
        [(CENSUS, city.first_day, city.last_day, city.residents, city.cells)],
    )
    yield Table(
        "years",
        {"year": "BIGINT", "first_day": "DATE", "last_day": "DATE"},
        [(year, date(year, 1, 1), date(year, 12, 31)) for year in _years(city)],
    )
    yield Table("age_of", {"stratum": "BIGINT", "age": "BIGINT", "sex": "VARCHAR"}, _strata())
    yield Table("surnames", {"stratum": "BIGINT", "surname": "VARCHAR"}, _surnames())
    national = sum(national_ages().values())
    yield Table(
        "weights",
        {"age": "BIGINT", "sex": "VARCHAR", "weight": "DOUBLE"},
        [(*key, national_ages()[key] / national / share) for key, share in age_shares().items()],
    )
    towns = _towns(city)
    outlines = _outlines(city, towns)
    yield Table(
        "towns",
        {
            "town": "VARCHAR", "district": "VARCHAR", "name": "VARCHAR", "district_name": "VARCHAR", "urban": "BOOLEAN",
            "vigour": "DOUBLE", "centre": "VARCHAR", "first_cell": "BIGINT", "cells": "BIGINT",
            "east": "DOUBLE", "north": "DOUBLE", "radius": "DOUBLE",
        },
        [(*town, *_middle(outlines[town[0]])) for town in towns],
    )  # fmt: skip
    yield _divisions(city, towns, outlines)
    yield _organisations(city, towns)


def _years(city: Municipality) -> range:
    return range(city.first_year, city.first_year + city.years)


def _strata() -> list[tuple[int, int, str]]:
    """Return STRATA equal parts of the residents, each with its age and sex."""
    items = list(age_shares().items())
    sums = list(accumulate(share for _, share in items))
    found, at = [], 0
    for stratum in range(STRATA):
        while at < len(items) - 1 and sums[at] < (stratum + 0.5) / STRATA * sums[-1]:
            at += 1
        found.append((stratum, items[at][0][0], items[at][0][1]))
    return found


def _surnames() -> list[tuple[int, str]]:
    rows = [(row[0], float(row[1])) for row in _rows("surnames.csv")]
    sums = list(accumulate(percent for _, percent in rows))
    found, at = [], 0
    for stratum in range(1024):
        while at < len(rows) - 1 and sums[at] < (stratum + 0.5) / 1024 * sums[-1]:
            at += 1
        found.append((stratum, rows[at][0]))
    return found


def _towns(city: Municipality) -> list[tuple[Any, ...]]:
    """Return the towns in order with their neighbourhoods; each district has one at least, each town a neighbourhood."""
    data = facts()
    districts = data["districts"]
    count = max(min(data["towns"], round(data["towns"] * city.share)), min(city.cells, len(districts)), 1)
    first, second = data["names"]["first"], data["names"]["second"]
    shares = list(accumulate(one["share"] for one in districts))
    numbers = [0] * len(districts)
    for town in range(count):
        place = next(at for at, sum_ in enumerate(shares) if (town + 0.5) / count * shares[-1] <= sum_)
        numbers[place] += 1
    found: list[tuple[Any, ...]] = []
    for district, number in zip(districts, numbers, strict=True):
        for at in range(number):
            urban = district["urban"] or at < number // 3
            kind = 1 if urban else 101
            code = f"{district['code']}{at + kind:03d}"
            seen = len(found)
            name = first[seen % len(first)] + second[(seen // len(first) * 7 + seen) % len(second)]
            name += "街道" if urban else ("镇" if at % 4 else "乡")
            low = len(found) * city.cells // count
            high = (len(found) + 1) * city.cells // count
            found.append(
                (code, district["code"], name, district["name"], urban, district["vigour"], f"centre-{code}", low, high - low)
            )  # fmt: skip
    return found


def _outlines(city: Municipality, towns: Sequence[tuple[Any, ...]]) -> dict[str, Outline]:
    """Return the border of every division by its code."""
    data = facts()
    whole = data["city"]
    return make_outlines(
        whole["code"],
        [
            DemoDistrict(one["code"], one["name"], one["share"], one["vigour"])
            for one in data["districts"]
            if any(town[1] == one["code"] for town in towns)
        ],
        [DemoTown(town[0], town[2], town[1], town[4], {f"{town[0]}001": town[2]}) for town in towns],
        {town[0]: 1 / sum(other[1] == town[1] for other in towns) for town in towns},
        city.seed,
    )


def _middle(outline: Outline) -> tuple[float, float, float]:
    """Return longitude and latitude of a town's middle, and the degrees of latitude around it that lie within the town."""
    ring = outline[:-1]
    east, north = (sum(point[axis] for point in ring) / len(ring) for axis in (0, 1))
    narrow = cos(radians(north))
    return east, north, 0.9 * min(hypot((x - east) * narrow, y - north) for x, y in ring)


def _divisions(
    city: Municipality, towns: Sequence[tuple[Any, ...]], outlines: Mapping[str, Outline]
) -> Table:
    data = facts()
    whole = data["city"]
    rows: list[tuple[Any, ...]] = [(whole["code"], whole["name"], "city", None)]
    rows += [
        (one["code"], one["name"], "district", whole["code"])
        for one in data["districts"]
        if one["code"] in outlines
    ]
    rows += [
        (town[0], town[2], {"道": "street", "镇": "town", "乡": "township"}[town[2][-1]], town[1])
        for town in towns
    ]
    people = {town[0]: town[8] * CELL for town in towns}
    counted = {
        code: sum(count for town, count in people.items() if town.startswith(code)) for code, *_ in rows
    }
    counted[whole["code"]] = city.residents
    written = {code: ", ".join(f"{x} {y}" for x, y in ring) for code, ring in outlines.items()}
    return Table(
        "divisions",
        {"code": "VARCHAR", "name": "VARCHAR", "kind": "VARCHAR", "above": "VARCHAR", "people": "BIGINT", "outline": "VARCHAR"},
        [(*row, counted[row[0]], f"POLYGON(({written[row[0]]}))") for row in rows],
    )  # fmt: skip


def _organisations(city: Municipality, towns: Sequence[tuple[Any, ...]]) -> Table:
    """Return the institutions; `number` counts within a kind from 0 on."""
    data = facts()
    rows: list[tuple[Any, ...]] = [
        (
            "health-commission",
            "commission",
            0,
            f"{data['city']['name']}卫生健康委员会",
            data["city"]["code"],
            None,
            1,
            False,
        )
    ]
    for at, town in enumerate(towns):
        kind, end = (
            ("community-health-centre", "社区卫生服务中心")
            if town[4]
            else ("township-health-centre", "卫生院")
        )
        rows.append((town[6], kind, at, f"{town[2]}{end}", town[0], town[5], 1, False))
    for kind, one in data["organisations"].items():
        count = max(2, round(one["count"] * city.share))
        for number in range(count):
            town = towns[(number * 7919 + len(kind)) % len(towns)]
            beds = data["beds_of_a_home"] if kind == "elder-institution" else 1
            if city.share < 0.01 and kind == "elder-institution":
                beds = max(4, round(beds * city.share * 420 / count))
            private = kind in ("elder-institution", "enterprise") and number % 5 > 1
            rows.append(
                (f"{kind}-{number + 1:04d}", kind, number, one["name"].format(number=number + 1), town[0], town[5], beds, private)
            )  # fmt: skip
    return Table(
        "organisations",
        {
            "id": "VARCHAR", "kind": "VARCHAR", "number": "BIGINT", "name": "VARCHAR", "town": "VARCHAR", "vigour": "DOUBLE",
            "size": "BIGINT", "private": "BOOLEAN",
        },
        rows,
    )  # fmt: skip


def macros(city: Municipality) -> Iterator[str]:
    """Yield the macros that SQL of the city uses: draws that depend on (seed, number, index, name) alone, and ages.

    `draw` is even in [0, 1); `bell` has mean 0, deviation 1 and lies within ±3.47; `number` < 2^28, `index` < 2^16.
    """
    seed = (city.seed * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) & ((1 << 64) - 1)
    yield (
        "CREATE MACRO bits(number, place, name) AS hash(xor((CAST(number AS UBIGINT) << 36) | "
        f"(CAST(place AS UBIGINT) << 20) | (hash(name) & 1048575), CAST({seed} AS UBIGINT)))"
    )
    yield (
        "CREATE MACRO draw(number, place, name) AS "
        "CAST(bits(number, place, name) >> 11 AS DOUBLE) * 1.1102230246251565e-16"
    )
    yield (
        "CREATE MACRO pick(number, place, name, count) AS "
        "CAST((bits(number, place, name) >> 32) % CAST(count AS UBIGINT) AS BIGINT)"
    )
    slices = " + ".join(f"CAST((b >> {at}) & 65535 AS DOUBLE)" for at in (0, 16, 32, 48))
    yield f"CREATE MACRO bell_of(b) AS (({slices}) / 65536.0 - 2.0) * 1.7320508"
    yield "CREATE MACRO bell(number, place, name) AS bell_of(bits(number, place, name))"
    yield "CREATE MACRO age_on(birth, day) AS date_sub('year', birth, day)"
    # a place by chance around a middle: degrees of latitude and of longitude
    yield (
        "CREATE MACRO north_of(north, radius, number, place, name) AS CAST(round(north + radius "
        "* sqrt(draw(number, place, name || '/reach')) * sin(2 * pi() * draw(number, place, name || '/turn')), 5) AS DECIMAL(9, 5))"
    )
    yield (
        "CREATE MACRO east_of(east, north, radius, number, place, name) AS CAST(round(east + radius / cos(radians(north)) "
        "* sqrt(draw(number, place, name || '/reach')) * cos(2 * pi() * draw(number, place, name || '/turn')), 5) AS DECIMAL(9, 5))"
    )
    yield "CREATE MACRO two(value) AS lpad(CAST(value AS VARCHAR), 2, '0')"
    yield (
        "CREATE MACRO moment(day, minute) AS "
        "concat(CAST(day AS VARCHAR), 'T', two(minute // 60), ':', two(minute % 60), ':00+08:00')"
    )
    yield (
        "CREATE MACRO day_in(year_first, year_last, number, place, name) AS "
        "year_first + CAST(pick(number, place, name, year_last - year_first + 1) AS INTEGER)"
    )
    for name, one in diseases().items():
        yield f"CREATE MACRO age_at_{name}(v) AS {_inverse(one['knots'])}"
    yield _check_character()


def _inverse(knots: Sequence[Sequence[float]]) -> str:
    """Return the age at which the straight lines through `knots` first reach the share v; NULL above all of them."""
    cases = []
    for (age, share), (later, more) in pairwise(knots):
        if more > share:
            cases.append(
                f"WHEN v < {more} THEN {age} + greatest(v - {share}, 0) / {more - share} * {later - age}"
            )
    return f"CASE {' '.join(cases)} END"


def _check_character() -> str:
    """Return the macro of the last character of a resident identity number. Source: GB 11643-1999."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = " + ".join(
        f"CAST(substr(body, {at}, 1) AS INTEGER) * {weight}" for at, weight in enumerate(weights, 1)
    )
    return f"CREATE MACRO checked(body) AS body || substr('10X98765432', 1 + ({total}) % 11, 1)"
