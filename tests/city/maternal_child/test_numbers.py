"""Rates of mothers and children: every measure against its check query, on records made by chance and on edges of time."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from kangshu.access import system_grant
from kangshu.base.canonical import DISTRICT
from kangshu.measures import ListAsked, Snapshot, period_of
from kangshu.sdk import Resource, code_system, structure
from tests.measures.city import service_of, snapshot_of

SERVICE = service_of("maternal_child")
VIEWS = (*service_of("residents").views, *service_of("institutions").views, *SERVICE.views)
EVERYTHING = system_grant("test")
VALUES = {one.id: one.value for one in SERVICE.parameters}
MEASURES = {one.id: one for one in SERVICE.measures}
OTHER_VALUES: tuple[dict[str, Any], ...] = (
    {},
    {"maternal-rate-denominator": "mothers", "maternal-rate-stillbirths": 1, "child-age-date": "period-end"},
    {"maternal-system-parts": "early,checks,postpartum,day42", "maternal-system-checks": 2, "early-booking-weeks": 20},
    {"child-age-date": "year-start", "child-health-age": 3, "postpartum-visit-days": 7, "newborn-visit-days": 3},
)  # fmt: skip


def resident(id_: str, born: str, **more: Any) -> Resource:
    district = [{"url": DISTRICT, "valueCode": "990102001"}]
    return {"resourceType": "Patient", "id": id_, "birthDate": born, "extension": district, **more}


def seen(id_: str, who: str, kind: str, day: str, *, course: str = "", status: str = "finished", **values: int) -> Resource:  # fmt: skip
    made: Resource = {
        "resourceType": "Encounter", "id": id_, "status": status, "class": {"code": "AMB"},
        "type": [{"coding": [{"system": code_system("encounter-kind"), "code": kind}]}],
        "subject": {"reference": f"Patient/{who}"}, "period": {"start": day},
        "extension": [{"url": structure(name.replace("_", "-")), "valueInteger": one} for name, one in values.items()],
    }  # fmt: skip
    if course:
        made["episodeOfCare"] = [{"reference": f"EpisodeOfCare/{course}"}]
    return made


def course(id_: str, who: str, booked: str, status: str = "finished", **days: str) -> Resource:
    return {
        "resourceType": "EpisodeOfCare", "id": id_, "status": status, "patient": {"reference": f"Patient/{who}"},
        "type": [{"coding": [{"system": code_system("episode-kind"), "code": "pregnancy"}]}],
        "period": {"start": booked},
        "extension": [{"url": structure(name.replace("_", "-")), "valueDate": day} for name, day in days.items()],
    }  # fmt: skip


def at_random(seed: int) -> list[Resource]:
    """Return a small city in which every edge comes up: twins, stillbirths, missing dates, leap days, midnights."""
    draw = random.Random(seed)
    found: list[Resource] = []
    midnights = ("2025-12-31T15:59:59Z", "2025-12-31T16:00:00Z", "2024-12-31T16:00:00Z", "2025-02-28")
    for number in range(60):
        who = f"w{number}"
        gone: dict[str, Any] = draw.choice(
            ({}, {}, {"active": False}, {"deceasedDateTime": "2025-11-05T10:00:00+08:00"})
        )
        found.append(resident(who, f"19{draw.randrange(85, 99)}-02-28", gender="female", **gone))
        began = date(2024, 4, 1) + timedelta(days=draw.randrange(540))
        booked = began + timedelta(days=draw.randrange(-3, 150))
        dated = draw.choice(({"last_period": began}, {"expected_delivery": began + timedelta(days=280)}, {}))
        days = {name: one.isoformat() for name, one in dated.items()}
        status = draw.choice(("finished", "finished", "active", "entered-in-error"))
        found.append(course(f"g{number}", who, booked.isoformat(), status, **days))
        mine = draw.choice((f"g{number}", f"g{number}", f"g{number}", "", f"g{max(0, number - 1)}"))
        for place in range(draw.randrange(8)):
            day = (booked + timedelta(days=20 * place)).isoformat()
            found.append(seen(f"a{number}-{place}", who, "antenatal-check", day, course=mine))
        born = began + timedelta(days=274)
        delivery = seen(
            f"d{number}", who, "delivery", draw.choice((born.isoformat(), *midnights)), course=mine,
            status=draw.choice(("finished", "finished", "in-progress", "cancelled")),
            live_births=draw.choice((0, 1, 1, 1, 2)), stillbirths=0,
        )  # fmt: skip
        if draw.random() < 0.7:
            delivery["period"]["end"] = (born + timedelta(days=3)).isoformat()
        found.append(delivery)
        for kind, after in (("postpartum-visit", 40), ("postpartum-check", 60)):
            day = (born + timedelta(days=draw.randrange(after))).isoformat()
            found.append(seen(f"{kind}-{number}", who, kind, day, course=draw.choice(("", mine))))
    for number in range(60):
        who, born = (
            f"c{number}",
            date(2018, 1, 1)
            + timedelta(days=draw.choice((draw.randrange(3100), 2560 + draw.randrange(360)))),
        )
        text = draw.choice((born.isoformat(), born.isoformat(), "2024-02-29", "2020-02-29", f"{born:%Y-%m}", f"{born:%Y}"))  # fmt: skip
        gone = draw.choice(({}, {}, {}, {"active": False}, {"deceasedBoolean": True}))
        found.append(resident(who, text, **gone))
        for place in range(draw.randrange(4)):
            day = (born + timedelta(days=draw.choice((0, 3, 28, 29, 400)) + place)).isoformat()
            kind = draw.choice(("newborn-visit", "child-check"))
            found.append(
                seen(f"v{number}-{place}", who, kind, day, status=draw.choice(("finished", "planned")))
            )
    for number in range(20):
        found.append(location(f"n{number}", None, {"compound-status": draw.choice(("new", "new", "built"))}))
        for one in range(draw.randrange(3)):
            stages = ("built-on", "accepted-on", "handed-on")[: draw.choice((2, 3, 3))]
            days = {name: draw.choice(("2024-05-01", "2026-01-01", "2025-12-31")) for name in stages}
            found.append(location(f"n{number}-{one}", f"n{number}", days))
    for number in range(14):
        filing = draw.choice(("filed", "listed", "designated", "removed"))
        found.append(
            {
                "resourceType": "Organization", "id": f"i{number}", "active": draw.random() < 0.8,
                "type": [{"coding": [{"system": code_system("organisation-kind"), "code": draw.choice(("infant-care", "health-testing"))}]}],
                "extension": [
                    {"url": DISTRICT, "valueCode": "990102"},
                    {"url": structure("infant-care-filing"), "valueCode": filing},
                    {"url": structure("care-places"), "valueInteger": 10 * number},
                ],
            }
        )  # fmt: skip
    return found


def location(id_: str, part_of: str | None, values: dict[str, str]) -> Resource:
    kind = "infant-care-facility" if part_of else "residential-compound"
    made: Resource = {
        "resourceType": "Location", "id": id_, "status": "active",
        "type": [{"coding": [{"system": code_system("place-kind"), "code": kind}]}],
        "extension": [
            {"url": structure(name), "valueDate" if part_of else "valueCode": one} for name, one in values.items()
        ],
    }  # fmt: skip
    if part_of:
        made["partOf"] = {"reference": f"Location/{part_of}"}
    return made


@pytest.mark.parametrize("seed", range(2))
def test_every_measure_agrees_with_its_check_query(tmp_path: Path, seed: int) -> None:
    resources = at_random(seed)
    snapshot = snapshot_of(tmp_path, resources, VIEWS)
    moved: set[str] = set()
    for end in (date(2025, 12, 31), date(2025, 2, 28)):
        for values in ({**VALUES, **other} for other in OTHER_VALUES):
            for id_, measure in MEASURES.items():
                start, _ = period_of(measure, end)
                result = snapshot.evaluate(EVERYTHING, measure, values, start, end)
                wanted = SERVICE.checks[id_](resources, start, end, values)
                assert (result.numerator, result.denominator) == wanted, (id_, end, values)
                moved |= {id_} if result.numerator else set()
    assert moved == set(MEASURES)
    snapshot.close()


def rows(snapshot: Snapshot, id_: str) -> dict[str, dict[str, Any]]:
    declared = next(one for one in SERVICE.lists if one.id == id_)
    page = snapshot.listed(EVERYTHING, declared, VALUES, date(2026, 6, 30), ListAsked(limit=100))
    return {str(one.subject): dict(one.values) for one in page.rows}


def test_each_list_names_the_one_visit_that_is_due(tmp_path: Path) -> None:
    """On 30 June 2026: who is behind, who was seen, who moved away, and a child of 29 February."""
    snapshot = snapshot_of(
        tmp_path,
        [
            resident("late", "1995-01-01"), course("g1", "late", "2026-02-20", "active", last_period="2026-01-01"),
            seen("e1", "late", "antenatal-check", "2026-02-20", course="g1"),
            resident("seen", "1995-01-01"), course("g2", "seen", "2026-02-20", "active", last_period="2026-01-01"),
            seen("e2", "seen", "antenatal-check", "2026-06-02", course="g2"),
            resident("undated", "1995-01-01"), course("g3", "undated", "2026-06-01", "active"),
            resident("home", "1995-01-01"), course("g4", "home", "2026-01-01", "active", last_period="2025-09-10"),
            seen("e4", "home", "delivery", "2026-06-20T23:59:59+08:00", course="g4", live_births=1),
            resident("gone", "1995-01-01", active=False), course("g5", "gone", "2026-01-01", "active", last_period="2026-01-01"),
            resident("leap", "2024-02-29"), seen("k1", "leap", "child-check", "2026-03-01", due_month=24),
            resident("behind", "2025-06-20"), seen("k2", "behind", "child-check", "2026-02-20", due_month=8),
            resident("newborn", "2026-06-27"),
            resident("seven", "2019-06-30"),
        ],
        VIEWS,
    )  # fmt: skip
    mothers = rows(snapshot, "mothers-due")
    assert {who: one["kind"] for who, one in mothers.items()} == {
        "Patient/late": "antenatal-check",
        "Patient/undated": "undated",
        "Patient/home": "postpartum-visit",
    }
    assert (mothers["Patient/late"]["state"], mothers["Patient/late"]["due"]) == ("due", "2026-06-24")
    assert mothers["Patient/home"]["due"] == "2026-06-27"
    children = rows(snapshot, "children-due")
    assert {who: one["month"] for who, one in children.items()} == {
        "Patient/behind": 12,
        "Patient/newborn": 0,
    }
    snapshot.close()
