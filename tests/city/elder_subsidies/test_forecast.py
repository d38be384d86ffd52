"""All institutions at once reckon to the same cent as each claim by itself, on random stays, deaths and hospital stays."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

import kangshu_services
from kangshu.access import system_grant
from kangshu.base.parameters import ParameterTable, ParameterVersion
from kangshu.base.text import Text
from kangshu.cases.calculating import Calculator
from kangshu.cases.gathering import gathered_rows
from kangshu.measures import Snapshot
from kangshu.sdk import Resource, code_system, structure
from kangshu.services import read_folder
from tests.measures.city import service_of, snapshot_of

ROOT = Path(kangshu_services.__path__[0])
SERVICE = service_of("elder_subsidies")
OTHERS = [read_folder(ROOT / name) for name in ("institutions", "residents")]
START, END = date(2025, 1, 1), date(2025, 12, 31)
CLAIM = next(one for one in SERVICE.cases if one.id == "claim")
NATURES = ("private-non-profit", "private-for-profit", "public")


def home(rng: Random, number: int) -> Resource:
    marks = {"nature": rng.choice(NATURES), "institution-form": rng.choice(("general", "family", "medical"))}
    if rng.random() < 0.9:
        marks["filing"] = "filed"
    return {
        "resourceType": "Organization",
        "id": f"home-{number}",
        "type": [{"coding": [{"system": code_system("organisation-kind"), "code": "elder-institution"}]}],
        "extension": [{"url": structure(name), "valueCode": value} for name, value in marks.items()],
    }


def period(rng: Random) -> dict[str, str]:
    start = date(2024, 6, 1) + timedelta(days=rng.randrange(700))
    end = start + timedelta(days=rng.randrange(1, 500))
    return {"start": start.isoformat(), **({"end": end.isoformat()} if rng.random() < 0.6 else {})}


def city(seed: int) -> list[Resource]:
    rng = Random(seed)
    made = [home(rng, number) for number in range(8)]
    for person in range(120):
        patient: Resource = {
            "resourceType": "Patient",
            "id": f"p{person}",
            "birthDate": "1940-01-01",
            "gender": "male",
        }
        if rng.random() < 0.15:
            patient["deceasedDateTime"] = (date(2024, 10, 1) + timedelta(days=rng.randrange(460))).isoformat()
        made.append(patient)
        for stay in range(rng.choice((1, 1, 1, 2, 3))):
            made.append(
                {
                    "resourceType": "EpisodeOfCare",
                    "id": f"stay-{person}-{stay}",
                    "status": "active",
                    "type": [
                        {"coding": [{"system": code_system("episode-kind"), "code": "elder-residence"}]}
                    ],
                    "patient": {"reference": f"Patient/p{person}"},
                    "managingOrganization": {"reference": f"Organization/home-{rng.randrange(8)}"},
                    "period": period(rng),
                }
            )
        for number in range(rng.choice((0, 0, 1, 2))):
            made.append(
                {
                    "resourceType": "Encounter",
                    "id": f"ward-{person}-{number}",
                    "status": "finished",
                    "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
                    "subject": {"reference": f"Patient/p{person}"},
                    "period": period(rng),
                }
            )
    return made


def table_of(**figures: Any) -> ParameterTable:
    table = ParameterTable(SERVICE.parameters)
    for name, value in figures.items():
        id_ = name.replace("_", "-")
        table.enter(
            ParameterVersion(id_, Text(id_, id_), value, "", "", date(2021, 1, 1), None, "文件", True)
        )
    return table


def alone(
    resources: list[Resource],
    place: Resource,
    table: ParameterTable,
    span: tuple[date, date] = (START, END),
    subsidy: str = "operating",
) -> Decimal:
    """Return what a claim of one institution comes to: its roster gathered, then the calculator's steps."""
    start, end = (day.isoformat() for day in span)
    me = f"Organization/{place['id']}"
    stays = [one for one in resources if one["resourceType"] == "EpisodeOfCare"]
    mine = {one["patient"]["reference"] for one in stays if one["managingOrganization"]["reference"] == me}
    records = {
        "stays": [
            one
            for one in stays
            if one["managingOrganization"]["reference"] == me
            and one["period"]["start"] <= end
            and one["period"].get("end", "9999") >= start
        ],
        "persons": [one for one in resources if f"Patient/{one['id']}" in mine],
        "elsewhere": [one for one in stays if one["patient"]["reference"] in mine],
        "hospital": [
            one
            for one in resources
            if one["resourceType"] == "Encounter" and one["subject"]["reference"] in mine
        ],
        "abilities": sorted(
            (
                one
                for one in resources
                if one["resourceType"] == "Observation" and one["subject"]["reference"] in mine
            ),
            key=lambda one: str(one["effectiveDateTime"]),
        ),
        "hardships": [
            one for one in resources if one["resourceType"] == "Flag" and one["subject"]["reference"] in mine
        ],
    }
    values: dict[str, Any] = {"period_start": start, "period_end": end}
    ids = {one.id for one in SERVICE.parameters}
    figures = {one.replace("-", "_"): table.value(one, "", span[1]) for one in ids}
    names = {
        "values": values,
        "requester": me,
        "parameters": figures,
        "today": end,
        "home": [place],
    }
    declared = next(one for one in CLAIM.records if one.id == "stays")
    values["roster"] = gathered_rows(declared, records, names)
    calculation = next(one for one in SERVICE.calculations if one.id == subsidy)
    found = Calculator(SERVICE.calculations, table).work_out(
        calculation, {"resourceType": "Task"}, names, span[1], ""
    )
    assert found.result is not None, found.missing
    return found.result


@pytest.fixture(scope="module", params=[1, 2])
def published(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[Resource], Snapshot]:
    resources = city(request.param)
    views = [*SERVICE.views, *(view for one in OTHERS for view in one.views)]
    return resources, snapshot_of(tmp_path_factory.mktemp("views"), resources, views)


@pytest.mark.parametrize(
    "figures",
    [
        {},
        {"operating_subsidy_counting": "month-end"},
        {"operating_subsidy_counting": "period-end", "operating_subsidy_rate": Decimal("1234.56")},
        {"occupied_day_of_leaving": True, "occupied_day_in_hospital": True, "operating_subsidy_cap": 9},
    ],
    ids=["average", "month-end", "period-end", "other days and a cap"],
)
def test_all_at_once_is_each_alone(
    published: tuple[list[Resource], Snapshot], figures: dict[str, Any]
) -> None:
    resources, snapshot = published
    table = table_of(**figures)
    measure = next(one for one in SERVICE.measures if one.id == "operating-subsidy-forecast")
    values = {one.id: table.value(one.id, "", END) for one in SERVICE.parameters}
    result = snapshot.evaluate(system_grant("test"), measure, values, START, END, by=("institution",))
    together = {row.keys[0]: Decimal(str(row.numerator)) for row in result.rows if row.numerator}
    homes = [one for one in resources if one["resourceType"] == "Organization"]
    single = {f"Organization/{one['id']}": alone(resources, one, table) for one in homes}
    assert together == {name: amount for name, amount in single.items() if amount}
    assert len(together) > 2
    again = SERVICE.checks[measure.id](resources, START, END, values)
    assert Decimal(str(again[0])).quantize(Decimal("0.01")) == sum(together.values())


def claim(id_: str, state: str, amount: float | None) -> Resource:
    fields: list[tuple[str, dict[str, Any]]] = [("subsidy", {"valueCode": "operating"})]
    if amount is not None:
        fields.append(("amount", {"valueDecimal": amount}))
    return {
        "resourceType": "Task", "id": id_, "status": "in-progress", "intent": "order", "authoredOn": "2025-02-01T08:00:00+08:00",
        "code": {"coding": [{"system": code_system("case-kind"), "code": "elder_subsidies/claim"}]},
        "businessStatus": {"coding": [{"system": code_system("case-state"), "code": state}]},
        "input": [
            {"type": {"coding": [{"system": code_system("case-field"), "code": name}]}, **value}
            for name, value in fields
        ],
    }  # fmt: skip


def test_what_is_still_to_be_paid_is_what_was_checked_and_neither_paid_nor_refused(tmp_path: Path) -> None:
    records = [
        claim("new", "submitted", None), claim("seen", "checked", 100.5), claim("bank", "paying", 200),
        claim("back", "bounced", 300), claim("done", "paid", 1000), claim("no", "refused", 1000),
    ]  # fmt: skip
    measure = next(one for one in SERVICE.measures if one.id == "subsidies-to-pay")
    result = snapshot_of(tmp_path, records, SERVICE.views).evaluate(
        system_grant("test"), measure, {}, START, END
    )
    assert (result.numerator, result.denominator) == (600.5, 3)
    assert SERVICE.checks[measure.id](records, START, END, {}) == (600.5, 3)
