"""The heart of the city generator: what is written directly is what the view runner makes of the same city's records."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from kangshu.access import Grant, Scope, system_grant
from kangshu.app.wiring import all_views, city_services
from kangshu.base.faults import Conflict, Invalid
from kangshu.base.identity import check_resident_id
from kangshu.measures import Snapshot, ViewKeeper, join_views, period_of
from kangshu.measures.keeper import FeedChange
from kangshu.measures.manifest import WHOLE, Manifest, read_manifest
from kangshu.measures.segments import relation
from kangshu.municipality import Made, Municipality, make_resources, make_views
from kangshu.sdk import Resource
from kangshu.store import Store, scope_of
from kangshu.validate import validate

SYSTEM = system_grant("test")
ORDER = (
    "Organization", "Location", "Practitioner", "PractitionerRole", "PlanDefinition", "Patient", "Contract", "Encounter",
)  # fmt: skip


class Change:
    """One change of the feed: a record of the city as it was loaded."""

    def __init__(self, position: int, resource: Resource, scope: Scope) -> None:
        self.position, self.resource, self.scope = position, resource, scope
        self.type, self.id, self.kind, self.version = resource["resourceType"], resource["id"], "create", 1


class Records:
    """A feed of the city's records. Divisions as the store tells them: the record's own, its resident's, its organisation's."""

    identity = "the made city"

    def __init__(self, folder: Path) -> None:
        self._changes: list[Change] = []
        places: dict[str, str] = {}
        for resource in resources(folder):
            scope, own = scope_of(resource)
            if not own:
                about = (
                    f"Patient/{scope.patient}" if scope.patient else f"Organization/{scope.organisations[0]}"
                )
                scope = replace(scope, district=places[about])
            places[f"{resource['resourceType']}/{resource['id']}"] = scope.district
            self._changes.append(Change(len(self._changes) + 1, resource, scope))

    async def feed(self, grant: Grant, after: int, limit: int = 500) -> Sequence[FeedChange]:
        return self._changes[after : after + limit]

    async def feed_position(self) -> int:
        return len(self._changes)


def resources(folder: Path) -> Iterator[Resource]:
    """Yield the records of a city, what is referred to first."""
    names = sorted(
        folder.glob("*.ndjson"),
        key=lambda one: (ORDER.index(one.stem) if one.stem in ORDER else 99, one.stem),
    )
    for path in names:
        for line in path.read_bytes().splitlines():
            yield json.loads(line, parse_float=Decimal)


def differences(first: Path, second: Path) -> dict[str, tuple[int, int]]:
    """Return view → rows that only the one folder has, and only the other; views that are the same are left out."""
    found: dict[str, tuple[int, int]] = {}
    one, other = read_manifest(first), read_manifest(second)
    assert one.views.keys() == other.views.keys()
    with duckdb.connect() as connection:
        for name, view in one.views.items():
            assert view.columns == other.views[name].columns
            assert view.fingerprint == other.views[name].fingerprint
            left, right = relation(first, view), relation(second, other.views[name])
            only = tuple(
                connection.execute(f"SELECT count(*) FROM (({a}) EXCEPT ALL ({b}))").fetchall()[0][0]
                for a, b in ((left, right), (right, left))
            )
            if any(only):
                found[name] = only
    return found


def counted(folder: Path) -> dict[str, int]:
    manifest: Manifest = read_manifest(folder)
    with duckdb.connect() as connection:
        return {
            name: connection.execute(f"SELECT count(*) FROM ({relation(folder, view)})").fetchall()[0][0]
            for name, view in manifest.views.items()
        }


@dataclass(frozen=True)
class City:
    """A city of 5,000 residents in both forms."""

    direct: Path
    records: Path
    tables: Made
    told: Made


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    folder, asked, services = tmp_path_factory.mktemp("city"), Municipality(5000, seed=7), city_services()
    direct, records = folder / "direct", folder / "records"
    return City(
        direct, records, make_views(asked, direct, services), make_resources(asked, records, services)
    )


async def test_at_5000_residents_the_tables_are_those_that_the_view_runner_makes(
    city: City, tmp_path: Path
) -> None:
    await ViewKeeper(Records(city.records), tmp_path, all_views(city_services()), batch=200_000).refresh()
    assert differences(city.direct, tmp_path) == {}
    assert not any(one.refused for one in read_manifest(tmp_path).views.values())
    assert city.tables.people == city.told.people > 5000
    filled = {name for name, rows in counted(city.direct).items() if rows}
    shown = {
        "residents",
        "blood_pressures",
        "measurements",
        "chronic_diagnoses",
        "family_doctor_contracts",
        "referrals",
    }
    assert filled >= shown & {
        view.name for view in all_views(city_services())
    }  # a folder may have been taken away
    for view in read_manifest(
        city.direct
    ).views.values():  # files of a year, where the view is parted by year
        years = {one.year for segment in view.segments for one in segment.parts}
        assert not view.partition or WHOLE not in years, view.name
        assert view.partition or years <= {WHOLE}, view.name
    # every kind that a folder declares has made something
    assert [name for name, count in city.told.records.items() if not count] == []
    assert [one.id for one in city.tables.figures() if not one.holds] == []


def test_the_measures_on_the_tables_are_their_check_queries_on_the_records(city: City) -> None:
    services = city_services()
    snapshot, everyone = Snapshot.open(city.direct), list(resources(city.records))
    values = {one.id: one.value for service in services for one in service.parameters}
    valued: dict[str, float] = {}
    for service in services:
        for measure in service.measures:
            start, end = period_of(measure, date(2025, 12, 31))
            result = snapshot.evaluate(SYSTEM, measure, values, start, end, by=("district",))
            check = service.checks[measure.id](everyone, start, end, values)
            assert (result.numerator, result.denominator) == check, measure.id
            if result.denominator and result.value is not None:
                valued[measure.id] = result.value
    assert len(valued) > sum(bool(service.city) for service in services)


def test_rates_move_over_the_years(city: City) -> None:
    services = city_services()
    snapshot = Snapshot.open(city.direct)
    values = {one.id: one.value for service in services for one in service.parameters}
    measures = {one.id: one for service in services for one in service.measures}
    for name in ("family-doctor-coverage-60", "elder-management-rate-65", "elder-assessment-65"):
        if name in measures:
            first, last = (
                snapshot.evaluate(
                    SYSTEM, measures[name], values, *period_of(measures[name], date(year, 12, 31))
                )
                for year in (2021, 2025)
            )
            assert first.value is not None
            assert last.value is not None
            assert last.value > first.value
    views = read_manifest(city.direct).views
    if not {"blood_pressures", "chronic_diagnoses"} <= views.keys():
        return
    with duckdb.connect() as connection:
        taken, known = (
            relation(city.direct, views[name]) for name in ("blood_pressures", "chronic_diagnoses")
        )
        controlled = connection.execute(
            "SELECT substr(taken, 1, 4) AS year, avg(CAST(systolic < 140 AND diastolic < 90 AS INTEGER)) "
            f"FROM ({taken}) AS b SEMI JOIN ({known}) AS k ON k.resident = b.resident AND k.code = 'I10' AND k.since <= b.taken "
            "GROUP BY year ORDER BY year"
        ).fetchall()
    assert [year for year, _ in controlled] == ["2021", "2022", "2023", "2024", "2025"]
    assert 0.3 < controlled[0][1] < controlled[-1][1] - 0.05 < 0.9


async def test_at_300_residents_the_store_and_its_keeper_come_to_the_same_tables(
    store: Store, tmp_path: Path
) -> None:
    city, services = Municipality(300, seed=3), city_services()
    make_views(city, tmp_path / "direct", services)
    make_resources(city, tmp_path / "records", services)
    await store.bulk_load(SYSTEM, list(resources(tmp_path / "records")))
    await ViewKeeper(store, tmp_path / "kept", all_views(services), batch=20_000).refresh()
    assert differences(tmp_path / "direct", tmp_path / "kept") == {}


def test_the_records_are_valid_refer_to_each_other_and_are_nobodys(tmp_path: Path) -> None:
    make_resources(Municipality(300, seed=3), tmp_path, city_services())
    known, checked = set(), dict[str, int]()
    for one in resources(tmp_path):
        known.add(f"{one['resourceType']}/{one['id']}")
    assert len(known) == sum(len(path.read_bytes().splitlines()) for path in tmp_path.iterdir())
    for one in resources(tmp_path):
        assert [text for text in references(one) if text not in known] == []
        assert one["meta"]["tag"][0]["code"] == "demo"
        if checked.setdefault(one["resourceType"], 0) < 25:
            checked[one["resourceType"]] += 1
            assert [issue for issue in validate(one) if issue.severity == "error"] == []
        if one["resourceType"] == "Patient":
            number = one["identifier"][0]["value"]
            assert check_resident_id(number) == ()
            assert number.startswith("99")
            assert number[6:14] == one["birthDate"].replace("-", "")
            assert one.get("deceasedDateTime", "9999") >= one["birthDate"]
        moment = one.get("effectiveDateTime", "2025")
        assert "2021" <= moment[:4] <= "2025"


def references(value: object) -> Iterator[str]:
    """Yield every reference in a resource."""
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


def test_any_block_is_made_alone_and_the_whole_does_not_depend_on_the_cut(tmp_path: Path) -> None:
    city = Municipality(1300, seed=5, years=1)
    services = [one for one in city_services() if one.city]
    make_views(city, tmp_path / "one", services)
    make_views(city, tmp_path / "cut", services, block=4)
    assert differences(tmp_path / "one", tmp_path / "cut") == {}
    parts = []
    for number in (2, 0, 1):
        parts.append(tmp_path / f"alone-{number}")
        make_views(city, parts[-1], services, block=4, blocks=[number])
    join_views(parts, tmp_path / "joined")
    assert differences(tmp_path / "one", tmp_path / "joined") == {}
    with pytest.raises(Invalid):
        join_views([parts[0], parts[0]], tmp_path / "twice")
    with pytest.raises(Conflict):
        join_views(parts, tmp_path / "joined")


def test_one_seed_makes_one_city_to_the_last_byte(tmp_path: Path) -> None:
    for name, seed in (("first", 1), ("again", 1), ("other", 2)):
        make_resources(Municipality(240, seed=seed, years=1), tmp_path / name, (), compress=name != "other")
    first, again = (
        {one.name: one.read_bytes() for one in (tmp_path / name).iterdir()} for name in ("first", "again")
    )
    assert first == again
    lines = gzip.decompress(first["Patient.ndjson.gz"]).splitlines()
    other = (tmp_path / "other" / "Patient.ndjson").read_bytes().splitlines()
    assert len(lines) >= 240
    assert sum(a == b for a, b in zip(lines, other, strict=False)) == 0


def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    city = Municipality(120, years=1)
    make_views(city, tmp_path / "views", ())
    with pytest.raises(Conflict):
        make_views(city, tmp_path / "views", ())
    make_resources(city, tmp_path / "records", ())
    with pytest.raises(Conflict):
        make_resources(city, tmp_path / "records", ())
    with pytest.raises(Invalid):
        Municipality(60)
    with pytest.raises(Invalid):
        make_views(city, tmp_path / "block", (), blocks=[1])
