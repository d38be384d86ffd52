"""Who works in homes, who has several sites, and where general practitioners are missing, by hand."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import kangshu_services
from kangshu.access import system_grant
from kangshu.measures import ListAsked, Snapshot, ViewKeeper, Views
from kangshu.sdk import Resource, code_system
from kangshu.services import freeze, read_folder
from tests.measures.city import Feed

ROOT = Path(kangshu_services.__path__[0])
SERVICE = freeze(read_folder(ROOT / "workforce", "kangshu_services.workforce"))
OTHERS = [read_folder(ROOT / name) for name in ("institutions", "residents")]
START, DAY = date(2026, 1, 1), date(2026, 6, 30)
EVERYTHING = system_grant("test")


def organisation(id_: str, kind: str) -> Resource:
    coding = [{"system": code_system("organisation-kind"), "code": kind}]
    return {
        "resourceType": "Organization",
        "id": id_,
        "active": True,
        "name": id_,
        "type": [{"coding": coding}],
    }


def post(number: int, who: str, where: str, role: str, **period: str) -> Resource:
    return {
        "resourceType": "PractitionerRole", "id": f"post-{number}", "active": True,
        "period": {"start": "2025-01-01", **period}, "practitioner": {"reference": f"Practitioner/{who}"},
        "organization": {"reference": f"Organization/{where}"},
        "code": [{"coding": [{"system": code_system("staff-role"), "code": role}]}],
    }  # fmt: skip


RECORDS = [
    organisation("home", "elder-institution"),
    organisation("home-two", "elder-institution"),
    organisation("centre", "community-health-centre"),
    organisation("centre-two", "community-health-centre"),
    post(1, "gp", "centre", "general-practitioner"),
    post(2, "gp-two", "centre", "general-practitioner"),
    post(3, "gp-two", "centre-two", "general-practitioner"),
    post(4, "nurse", "home", "nurse"),
    post(5, "nurse", "home-two", "nurse"),
    post(6, "carer", "home", "elder-care-worker"),
    post(7, "gone", "home", "physician", end="2026-06-29"),
    post(8, "later", "home", "physician", start="2026-07-01"),
]


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    folder = tmp_path_factory.mktemp("views")
    feed = Feed()
    feed.write(*RECORDS)
    views = Views([*SERVICE.views, *(view for other in OTHERS for view in other.views)])
    asyncio.run(ViewKeeper(feed, folder, views).refresh())
    return Snapshot.open(folder)


@pytest.mark.parametrize(
    ("id_", "expected"), [("practitioners-in-homes", (1, 1)), ("multi-site-practitioners", (2, 2))]
)
def test_people_are_counted_once(snapshot: Snapshot, id_: str, expected: tuple[int, int]) -> None:
    measure = next(one for one in SERVICE.measures if one.id == id_)
    result = snapshot.evaluate(EVERYTHING, measure, {}, START, DAY)
    assert (result.numerator, result.denominator) == expected == SERVICE.checks[id_](RECORDS, START, DAY, {})


def test_centres_with_too_few_general_practitioners_are_listed(snapshot: Snapshot) -> None:
    declared = next(one for one in SERVICE.lists if one.id == "gp-gaps")

    def found(needed: int) -> dict[str | None, dict[str, Any]]:
        given = {"centre-general-practitioners": needed}
        page = snapshot.listed(EVERYTHING, declared, given, DAY, ListAsked(limit=50))
        return {one.subject: dict(one.values) for one in page.rows}

    assert found(2) == {"Organization/centre-two": {"doctors": 1, "needed": 2, "short": 1}}
    assert len(found(3)) == 2


def test_the_gap_per_ten_thousand_follows_the_parameter(tmp_path: Path) -> None:
    feed = Feed()
    feed.write(*RECORDS, {"resourceType": "Patient", "id": "one", "active": True, "birthDate": "1950-01-01"})
    views = Views([*SERVICE.views, *(view for other in OTHERS for view in other.views)])
    asyncio.run(ViewKeeper(feed, tmp_path, views).refresh())
    declared = next(one for one in SERVICE.lists if one.id == "gp-district-gaps")

    def short(least: int) -> list[tuple[int, int, int]]:
        values = {"general-practitioners-per-ten-thousand": least}
        page = Snapshot.open(tmp_path).listed(EVERYTHING, declared, values, DAY, ListAsked())
        return [(one.values["doctors"], one.values["needed"], one.values["short"]) for one in page.rows]

    # one resident, two doctors of whom one works in two centres
    assert short(20_000) == []
    assert short(30_000) == [(2, 3, 1)]
