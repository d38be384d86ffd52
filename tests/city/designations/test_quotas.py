"""R28: the counties' quotas, filled, short and surplus, and its ambiguities as parameters; places under several names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kangshu.access import system_grant
from kangshu.measures import ListAsked, Snapshot
from kangshu.sdk import Resource, code_system, structure
from tests.measures.city import service_of, snapshot_of

DAY = date(2026, 6, 30)
SERVICE = service_of("designations")
EVERYTHING = system_grant("test")
COUNTIES = ("990102", "990103", "990104", "990105", "990106")
TOWNS = (3, 2, 1, 1, 1)
"""The rule's own places: 8 towns = 3 + 2 + 1 + 1 + 1."""


def basic(kind: str, id_: str, day: str = "2025-01-01", **more: Any) -> Resource:
    """Return a record; of `more` each is an extension by its name with underscores for hyphens: (type, value)."""
    listed = {"record_day": ("Date", day), **more}
    return {
        "resourceType": "Basic",
        "id": id_,
        "code": {"coding": [{"system": code_system("record-kind"), "code": kind}], "text": id_},
        "extension": [
            {"url": structure(name.replace("_", "-")), f"value{type_}": value}
            for name, (type_, value) in listed.items()
        ],
    }


def kind(code: str, group: str = "town") -> Resource:
    return {
        "resourceType": "ActivityDefinition",
        "id": f"kind-{code}",
        "status": "active",
        "name": code,
        "title": code,
        "topic": [{"coding": [{"system": code_system("definition-kind"), "code": "designation"}]}],
        "extension": [{"url": structure("designation-group"), "valueCode": group}],
    }


def quota(code: str, county: str, least: int, most: int = 0) -> Resource:
    return basic(
        "designation-quota",
        f"quota-{code}-{county}",
        record_of=("Reference", {"reference": f"ActivityDefinition/kind-{code}"}),
        district=("Code", county),
        quota=("Integer", least),
        valid_from=("Date", "2025-01-01"),
        **({"quota_most": ("Integer", most)} if most else {}),
    )


def made(code: str, county: str, number: int, place: str = "", **more: Any) -> Resource:
    record = basic(
        "designation",
        f"{code}-{county}-{number}",
        record_class=("Code", code),
        district=("Code", county),
        **more,
    )
    return {**record, "subject": {"reference": f"Location/{place or f'site-{code}-{county}-{number}'}"}}


def site(id_: str) -> Resource:
    coding = {"system": code_system("site-kind"), "code": "town"}
    return {"resourceType": "Location", "id": id_, "name": id_, "type": [{"coding": [coding]}]}


def filled(*numbers: int, code: str = "industry-town") -> list[Resource]:
    return [
        made(code, county, each)
        for county, count in zip(COUNTIES, numbers, strict=True)
        for each in range(count)
    ]


Counted = Callable[[list[Resource]], Snapshot]


@pytest.fixture
def counted(tmp_path: Path) -> Counted:
    def publish(resources: list[Resource]) -> Snapshot:
        return snapshot_of(tmp_path, resources, SERVICE.views)

    return publish


def values(**more: Any) -> dict[str, Any]:
    return {one.id: one.value for one in SERVICE.parameters} | {
        name.replace("_", "-"): value for name, value in more.items()
    }


def rows(snapshot: Snapshot, name: str, **more: Any) -> list[dict[str, Any]]:
    declared = next(one for one in SERVICE.lists if one.id == name)
    page = snapshot.listed(EVERYTHING, declared, values(**more), DAY, ListAsked(limit=100))
    return [{**one.values, "district": one.district, "subject": one.subject} for one in page.rows]


def figure(snapshot: Snapshot, resources: list[Resource], **more: Any) -> tuple[float, float]:
    """Return what the measure counts, which its check query must count too."""
    measure = next(one for one in SERVICE.measures if one.id == "designation-quota-filled")
    start = date(2026, 1, 1)
    result = snapshot.evaluate(EVERYTHING, measure, values(**more), start, DAY)
    found = (result.numerator, result.denominator)
    assert found == SERVICE.checks[measure.id](resources, start, DAY, values(**more))
    return found


def towns() -> list[Resource]:
    return [
        kind("industry-town"),
        kind("characteristic-town"),
        *(quota("industry-town", county, places) for county, places in zip(COUNTIES, TOWNS, strict=True)),
    ]


def test_all_places_filled(counted: Counted) -> None:
    resources = [*towns(), *filled(*TOWNS)]
    snapshot = counted(resources)
    assert {one["verdict"] for one in rows(snapshot, "quotas-by-county")} == {"met"}
    assert {(one["city_places"], one["city_filled"]) for one in rows(snapshot, "quotas-by-county")} == {
        (8, 8)
    }
    assert figure(snapshot, resources) == (8, 8)


def test_one_countys_surplus_does_not_fill_anothers_gap_unless_the_parameter_says_so(
    counted: Counted,
) -> None:
    resources = [*towns(), *filled(4, 2, 0, 1, 1)]
    snapshot = counted(resources)
    said = {one["district"]: one for one in rows(snapshot, "quotas-by-county")}
    assert (said["990102"]["surplus"], said["990102"]["verdict"]) == (1, "surplus")
    assert (said["990104"]["short"], said["990104"]["verdict"]) == (1, "short")
    assert figure(snapshot, resources) == (7, 8)
    offset = {
        one["district"]: one for one in rows(snapshot, "quotas-by-county", designation_surplus_fills_gap=True)
    }
    assert offset["990104"]["verdict"] == "offset"
    assert figure(snapshot, resources, designation_surplus_fills_gap=True) == (8, 8)


def test_the_town_asked_for_on_its_own_counts_within_the_quota_by_parameter(counted: Counted) -> None:
    resources = [*towns(), *filled(2, 2, 1, 1, 1), made("characteristic-town", "990102", 1)]
    snapshot = counted(resources)
    assert figure(snapshot, resources) == (7, 8)
    assert figure(snapshot, resources, characteristic_town_within_quota=True) == (8, 8)


def test_a_range_is_met_between_its_ends(counted: Counted) -> None:
    places = COUNTIES[1:]
    resources = [kind("happy-village"), *(quota("happy-village", county, 1, 2) for county in places)]
    resources += filled(0, 0, 1, 2, 3, code="happy-village")
    said = {one["district"]: one["verdict"] for one in rows(counted(resources), "quotas-by-county")}
    assert said == {"990103": "short", "990104": "met", "990105": "met", "990106": "surplus"}


def test_what_is_withdrawn_or_past_fills_no_place(counted: Counted) -> None:
    gone = [
        made("industry-town", "990106", 1, record_ended=("Date", "2026-06-30")),
        made("industry-town", "990106", 2, valid_until=("Date", "2026-06-29")),
        made("industry-town", "990106", 3, "late", record_day=("Date", "2026-07-01")),
    ]
    resources = [*towns(), *filled(3, 2, 1, 1, 0), *gone]
    assert figure(counted(resources), resources) == (7, 8)


def test_a_place_under_several_names_is_told_by_group(counted: Counted) -> None:
    resources = [
        kind("industry-town"),
        kind("wellness-town"),
        kind("demonstration-base", "base"),
        *(site(one) for one in ("twice", "mixed", "once")),
        made("industry-town", "990102", 1, "twice"),
        made("wellness-town", "990102", 1, "twice"),
        made("industry-town", "990103", 1, "mixed"),
        made("demonstration-base", "990103", 1, "mixed"),
        made("industry-town", "990104", 1, "once"),
    ]
    snapshot = counted(resources)
    said = {one["subject"]: (one["names"], one["verdict"]) for one in rows(snapshot, "overlaps")}
    assert said == {"Location/twice": (2, "double"), "Location/mixed": (2, "other-groups")}
    allowed = {one["subject"]: one["verdict"] for one in rows(snapshot, "overlaps", one_place_one_name=True)}
    assert allowed["Location/twice"] == "allowed"
