"""The heart of the city generator: what is written directly is what the view runner makes of the same city's records."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from kangshu.access import Grant, Scope
from kangshu.app.wiring import all_views, city_services
from kangshu.base.faults import Conflict, Invalid
from kangshu.measures import ViewKeeper
from kangshu.measures.keeper import FeedChange
from kangshu.measures.manifest import Manifest, read_manifest
from kangshu.measures.segments import relation
from kangshu.municipality import Made, Municipality, make_resources, make_views
from kangshu.sdk import Resource
from kangshu.store import scope_of

ORDER = (
    "Location", "Organization", "Practitioner", "PractitionerRole", "PlanDefinition", "Patient", "Contract", "Encounter",
)  # fmt: skip


class Change:
    """One change of the feed: a record of the city as it was loaded."""

    def __init__(self, position: int, resource: Resource, scope: Scope) -> None:
        self.position, self.resource, self.scope = position, resource, scope
        self.type, self.id, self.kind = resource["resourceType"], resource["id"], "create"


class Records:
    """A feed of the city's records. Divisions as the store tells them: the record's own, its resident's, its organisation's."""

    identity = "the made city"

    def __init__(self, folder: Path) -> None:
        self._changes: list[Change] = []
        places: dict[str, str] = {}
        for resource in resources(folder):
            scope, own = scope_of(resource)
            if not own:
                about = f"Patient/{scope.patient}" if scope.patient else f"Organization/{scope.organisations[0]}"
                scope = replace(scope, district=places[about])
            places[f"{resource['resourceType']}/{resource['id']}"] = scope.district
            self._changes.append(Change(len(self._changes) + 1, resource, scope))

    async def feed(self, grant: Grant, after: int, limit: int = 500) -> Sequence[FeedChange]:
        return self._changes[after : after + limit]

    async def feed_position(self) -> int:
        return len(self._changes)


def resources(folder: Path) -> Iterator[Resource]:
    """Yield the records of a city, what is referred to first."""
    names = sorted(folder.glob("*.ndjson"), key=lambda one: (ORDER.index(one.stem) if one.stem in ORDER else 99, one.stem))
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


@pytest.mark.parametrize("residents", [300, 5000])
async def test_the_tables_are_those_that_the_view_runner_makes_of_the_records(tmp_path: Path, residents: int) -> None:
    city, services = Municipality(residents, seed=7), city_services()
    direct = make_views(city, tmp_path / "direct", services)
    told = make_resources(city, tmp_path / "records", services)
    await ViewKeeper(Records(tmp_path / "records"), tmp_path / "kept", all_views(services), batch=200_000).refresh()
    assert differences(tmp_path / "direct", tmp_path / "kept") == {}
    assert not any(one.refused for one in read_manifest(tmp_path / "kept").views.values())
    assert direct.people == told.people >= residents
    filled = {name for name, rows in counted(tmp_path / "direct").items() if rows}
    kinds = {json.loads(path.read_bytes().splitlines()[0])["resourceType"] for path in (tmp_path / "records").iterdir()}
    assert {"residents", "blood_pressures", "measurements", "chronic_diagnoses"} <= filled
    assert {"Patient", "Observation", "Condition", "Encounter", "Organization", "Location"} <= kinds
