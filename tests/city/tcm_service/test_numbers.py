"""Rates of Chinese medicine against their check queries, on records made by chance and on edges of time."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from kangshu.access import system_grant
from kangshu.base.canonical import DISTRICT
from kangshu.measures import ListAsked, period_of
from kangshu.sdk import Resource, code_system, structure
from tests.measures.city import service_of, snapshot_of

SERVICE = service_of("tcm_service")
ELDERS = service_of("elder_health")
VIEWS = (*service_of("residents").views, *SERVICE.views)
EVERYTHING = system_grant("test")
VALUES = {one.id: one.value for one in (*ELDERS.parameters, *SERVICE.parameters)}
OTHER_VALUES: tuple[dict[str, Any], ...] = (
    {},
    {"elder-health-age-date": "service-day", "child-tcm-age-date": "year-end", "child-tcm-least": 2},
    {"elder-tcm-advice": 0, "child-tcm-age-date": "period-end", "child-tcm-age-months": 11},
)


def resident(id_: str, born: str, **more: Any) -> Resource:
    district = [{"url": DISTRICT, "valueCode": "990102001"}]
    return {"resourceType": "Patient", "id": id_, "birthDate": born, "extension": district, **more}


def identified(id_: str, who: str, day: str, status: str, how: str) -> Resource:
    made: Resource = {
        "resourceType": "Observation", "id": id_, "status": status, "subject": {"reference": f"Patient/{who}"},
        "code": {"coding": [{"system": code_system("assessment"), "code": "tcm-constitution"}]}, "effectiveDateTime": day,
    }  # fmt: skip
    if how == "sheet":
        made["derivedFrom"] = [{"reference": f"QuestionnaireResponse/{id_}"}]
    elif how:
        made["extension"] = [{"url": structure("tcm-advice"), "valueString": how}]
    return made


def served(id_: str, who: str, day: str, month: int, status: str = "finished") -> Resource:
    return {
        "resourceType": "Encounter", "id": id_, "status": status, "class": {"code": "AMB"},
        "type": [{"coding": [{"system": code_system("encounter-kind"), "code": "child-tcm"}]}],
        "subject": {"reference": f"Patient/{who}"}, "period": {"start": day},
        "extension": [{"url": structure("due-month"), "valueInteger": month}],
    }  # fmt: skip


def at_random(seed: int) -> list[Resource]:
    draw, found = random.Random(seed), []
    gone: tuple[dict[str, Any], ...] = (
        {}, {}, {}, {"active": False}, {"deceasedDateTime": "2025-02-27T23:59:59+08:00"},
    )  # fmt: skip
    days = (
        "2024-12-31T15:59:59Z",
        "2024-12-31T16:00:00Z",
        "2025-02-28",
        "2025-12-31T16:00:00Z",
        "2025-06-01",
    )
    for number in range(40):
        born = draw.choice(("1960-02-29", "1960-12-31", "1961-01-01", "1950", "1959-12", "1960-02-28"))
        found.append(resident(f"e{number}", born, **draw.choice(gone)))
        for place in range(draw.randrange(3)):
            status = draw.choice(("final", "final", "amended", "preliminary"))
            how = draw.choice(("sheet", "advice", ""))
            found.append(identified(f"o{number}-{place}", f"e{number}", draw.choice(days), status, how))
    for number in range(60):
        born_on = date(2021, 10, 1) + timedelta(days=draw.randrange(1500))
        text = draw.choice(
            (born_on.isoformat(), "2024-02-29", "2022-01-31", "2021-11-30", f"{born_on:%Y-%m}")
        )
        found.append(resident(f"c{number}", text, **draw.choice(gone)))
        for place in range(draw.randrange(4)):
            status = draw.choice(("finished", "finished", "planned"))
            found.append(served(f"s{number}-{place}", f"c{number}", draw.choice(days), 6 * place + 6, status))
    return found


@pytest.mark.parametrize("seed", range(2))
def test_every_measure_agrees_with_its_check_query(tmp_path: Path, seed: int) -> None:
    resources = at_random(seed)
    snapshot = snapshot_of(tmp_path, resources, VIEWS)
    moved: set[str] = set()
    for end in (date(2025, 12, 31), date(2025, 2, 28)):
        for values in ({**VALUES, **other} for other in OTHER_VALUES):
            for measure in SERVICE.measures:
                start, _ = period_of(measure, end)
                result = snapshot.evaluate(EVERYTHING, measure, values, start, end)
                wanted = SERVICE.checks[measure.id](resources, start, end, values)
                assert (result.numerator, result.denominator) == wanted, (measure.id, end, values)
                moved |= {measure.id} if result.numerator else set()
    assert moved == {one.id for one in SERVICE.measures}
    snapshot.close()


def test_the_lists_name_who_still_waits(tmp_path: Path) -> None:
    snapshot = snapshot_of(
        tmp_path,
        [
            resident("done", "1950-01-01"), identified("o1", "done", "2026-03-01", "final", "sheet"),
            resident("silent", "1950-01-01"), identified("o2", "silent", "2026-03-01", "final", ""),
            resident("none", "1961-12-31"),
            resident("young", "1962-01-01"),
            resident("child", "2024-02-29"), served("s1", "child", "2026-03-05", 24),
            resident("behind", "2023-06-30"), served("s2", "behind", "2026-01-05", 30),
            resident("past", "2023-05-29"),
        ],
        VIEWS,
    )  # fmt: skip
    pages = {
        one.id: {
            str(row.subject): dict(row.values)
            for row in snapshot.listed(EVERYTHING, one, VALUES, date(2026, 6, 30), ListAsked(limit=100)).rows
        }
        for one in SERVICE.lists
    }
    assert {who: row["lacks"] for who, row in pages["elders-not-identified"].items()} == {
        "Patient/silent": "advice",
        "Patient/none": "constitution",
    }
    assert {who: row["month"] for who, row in pages["children-tcm-due"].items()} == {"Patient/behind": 36}
    snapshot.close()
