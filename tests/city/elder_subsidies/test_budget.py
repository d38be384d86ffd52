"""The forecast of what the subsidies will cost: each period as its claim would come to, beds up to the cap, unknown as unknown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from kangshu.access import system_grant
from kangshu.measures import ListAsked, ListRow, Snapshot
from kangshu.sdk import Resource, code_system, structure
from tests.city.elder_subsidies.test_forecast import OTHERS, SERVICE, alone, city, table_of
from tests.measures.city import snapshot_of

DAY = date(2025, 8, 20)
LIST = next(one for one in SERVICE.lists if one.id == "budget-forecast")
GRANT = system_grant("test")


def with_hardship(resources: list[Resource], seed: int) -> list[Resource]:
    rng = Random(seed)
    more: list[Resource] = []
    for one in resources:
        if one["resourceType"] != "Patient":
            continue
        one["birthDate"] = (date(1930, 1, 1) + timedelta(days=rng.randrange(9000))).isoformat()
        person = {"reference": f"Patient/{one['id']}"}
        if rng.random() < 0.5:
            more.append(
                {
                    "resourceType": "Flag",
                    "id": f"poor-{one['id']}",
                    "status": "active",
                    "subject": person,
                    "code": {
                        "coding": [{"system": code_system("hardship"), "code": "recognised"}],
                        "text": "低收入家庭",
                    },
                    "period": {
                        "start": "2024-01-01",
                        **({"end": "2025-05-15"} if rng.random() < 0.3 else {}),
                    },
                }
            )
        for number in range(rng.choice((0, 1, 2))):
            level = {"system": code_system("ability-level"), "code": str(rng.randrange(5))}
            more.append(
                {
                    "resourceType": "Observation",
                    "id": f"level-{one['id']}-{number}",
                    "status": "final",
                    "subject": person,
                    "code": {"coding": [{"system": code_system("assessment"), "code": "elder-ability"}]},
                    "effectiveDateTime": f"2025-0{1 + 3 * number}-1{rng.randrange(10)}",
                    "interpretation": [{"coding": [level]}],
                }
            )
    return [*resources, *more]


def rows_of(snapshot: Snapshot, **figures: Any) -> list[ListRow]:
    table = table_of(**figures)
    given = {name: table.value(name, "", DAY) for name in LIST.parameters}
    page = snapshot.listed(GRANT, LIST, given, DAY, ListAsked(limit=20_000))
    assert page.total == len(page.rows)
    return list(page.rows)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Resource], Snapshot]:
    resources = with_hardship(city(3), 3)
    views = [*SERVICE.views, *(view for one in OTHERS for view in one.views)]
    return resources, snapshot_of(tmp_path_factory.mktemp("views"), resources, views)


@pytest.mark.parametrize(
    "figures",
    [
        {},
        {"operating_subsidy_counting": "month-end", "difficult_subsidy_relation": "replaces"},
        {"difficult_subsidy_needs_both": True, "difficult_subsidy_cap": 3, "operating_subsidy_cap": 9},
        {"difficult_subsidy_counts": "all", "occupied_day_of_leaving": True},
    ],
    ids=["as it stands", "month-end, replaced", "both, capped", "all residents"],
)
def test_a_period_that_is_over_costs_what_its_claim_would(
    lived: tuple[list[Resource], Snapshot], figures: dict[str, Any]
) -> None:
    resources, snapshot = lived
    table, span = table_of(**figures), (date(2025, 4, 1), date(2025, 6, 30))
    found = {
        (row.subject, row.values["subsidy"]): Decimal(str(row.values["amount"])).quantize(Decimal("0.01"))
        for row in rows_of(snapshot, **figures)
        if row.values["period"] == "2025-04—2025-06" and row.values["amount"]
    }
    homes = [one for one in resources if one["resourceType"] == "Organization"]
    single = {
        (f"Organization/{one['id']}", subsidy): alone(resources, one, table, span, subsidy)
        for one in homes
        for subsidy in ("operating", "difficult")
    }
    assert found == {name: amount for name, amount in single.items() if amount}
    assert min(Counter(name[1] for name in found).values()) > 1


def test_whoever_has_not_filed_is_listed_without_an_amount(lived: tuple[list[Resource], Snapshot]) -> None:
    resources, snapshot = lived
    rows = rows_of(snapshot)
    unfiled = {
        f"Organization/{one['id']}"
        for one in resources
        if one["resourceType"] == "Organization"
        and not any(mark["url"] == structure("filing") for mark in one["extension"])
    }
    assert {row.subject for row in rows if row.values["unknown"] == "filing"} <= unfiled
    assert all((row.values["amount"] is None) == (row.subject in unfiled) for row in rows)


def test_residents_of_today_are_carried_through_the_next_year_and_grow_as_the_office_expects(
    lived: tuple[list[Resource], Snapshot],
) -> None:
    _, snapshot = lived
    ahead = [row for row in rows_of(snapshot) if row.values["basis"] == "residents"]
    # a quarter ends, then the procedure takes 55 working days: the last that is paid next year ends in September
    assert {row.values["period"][:7] for row in ahead} == {
        "2025-07",
        "2025-10",
        "2026-01",
        "2026-04",
        "2026-07",
    }
    assert max(row.values["month"] for row in ahead) == "2026-12"
    assert {row.values["unknown"] for row in ahead if row.values["period"] > "2026"} <= {"rate", "filing"}
    more = {
        (row.subject, row.values["subsidy"], row.values["period"]): row.values["amount"]
        for row in rows_of(snapshot, subsidy_forecast_change=10)
    }
    for row in ahead:
        grown = more[row.subject, row.values["subsidy"], row.values["period"]]
        if row.values["amount"] and row.values["period"] >= "2025-10":
            assert row.values["amount"] < grown < row.values["amount"] * 1.11


def bed(number: int, **marks: Any) -> Resource:
    named = {"built": ("bed-built", "valueCode"), "accepted": ("bed-accepted-on", "valueDate")}
    return {
        "resourceType": "Location", "id": f"bed-{number}", "status": marks.pop("status", "active"), "name": f"{number}床",
        "type": [{"coding": [{"system": code_system("bed-kind"), "code": "nursing"}]}],
        "physicalType": {"coding": [{"code": "bd"}]},
        "managingOrganization": {"reference": "Organization/home"},
        "extension": [{"url": structure(named[name][0]), named[name][1]: value} for name, value in marks.items()],
    }  # fmt: skip


def claim(id_: str, state: str, **fields: Any) -> Resource:
    kinds = {int: "valueInteger", Decimal: "valueDecimal", date: "valueDate"}
    given = [
        (name, {"valueCode": value} if name == "subsidy" else {kinds[type(value)]: str(value) if isinstance(value, date) else float(value) if isinstance(value, Decimal) else value})
        for name, value in fields.items()
    ]  # fmt: skip
    return {
        "resourceType": "Task", "id": id_, "status": "in-progress", "intent": "order", "authoredOn": "2025-02-01T08:00:00+08:00",
        "code": {"coding": [{"system": code_system("case-kind"), "code": "elder_subsidies/claim"}]},
        "businessStatus": {"coding": [{"system": code_system("case-state"), "code": state}]},
        "requester": {"reference": "Organization/home"},
        "input": [
            {"type": {"coding": [{"system": code_system("case-field"), "code": name}]}, **value} for name, value in given
        ],
    }  # fmt: skip


def building(filed: bool = True) -> Iterator[Resource]:
    marks = {"nature": "private-non-profit", **({"filing": "filed"} if filed else {})}
    yield {
        "resourceType": "Organization",
        "id": "home",
        "extension": [{"url": structure(name), "valueCode": value} for name, value in marks.items()],
    }
    for number in range(60):  # ten of no kind, twenty new, ten converted, twenty being built
        if number < 10:
            yield bed(number)
        elif number < 30:
            yield bed(number, built="new", accepted="2025-03-01")
        elif number < 40:
            yield bed(number, built="converted", accepted="2025-03-01")
        else:
            yield bed(number, built="new", accepted="2026-02-10", status="suspended")
    yield claim("gone", "paid", subsidy="construction", amount=Decimal(18000), beds_new=12)
    yield claim("now", "approved", subsidy="construction", amount=Decimal(5000), beds_converted=5)
    yield claim("denied", "denied", subsidy="construction", amount=Decimal(90000), beds_new=60)


def built(tmp_path: Path, resources: Iterator[Resource], **figures: Any) -> dict[str, tuple[Any, ...]]:
    views = [*SERVICE.views, *(view for one in OTHERS for view in one.views)]
    rows = rows_of(snapshot_of(tmp_path, resources, views), **figures)
    names = ("month", "beds", "amount", "unknown")
    found: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        found.setdefault(row.values["basis"], []).append(tuple(row.values[name] for name in names))
    return {name: tuple(sorted(values, key=repr)) for name, values in found.items()}


def test_beds_of_the_register_less_those_claimed_and_those_being_built(tmp_path: Path) -> None:
    found = built(tmp_path, building())
    assert found["claim"] == (("2025-09", None, 5000.0, None),)
    # eight new and five converted are left; of ten nobody knows what they are
    assert found["built"] == (
        ("2025-11", 5.0, 5000.0, None),
        ("2025-11", 8.0, 12000.0, None),
        (None, 10.0, None, "built"),
    )
    assert found["planned"] == (("2026-04", 20.0, 30000.0, "rate"),)


def test_beds_beyond_the_cap_are_not_forecast(tmp_path: Path) -> None:
    found = built(tmp_path, building(), bed_construction_cap=30)
    # 17 were claimed: 13 are left, the new first, then the converted; none for what is being built
    assert [row[1:3] for row in found["built"][:2]] == [(5.0, 5000.0), (8.0, 12000.0)]
    assert "planned" not in found


def test_beds_of_a_home_that_has_not_filed_have_no_amount(tmp_path: Path) -> None:
    found = built(tmp_path, building(filed=False))
    assert {row[2:] for row in (*found["built"], *found["planned"])} == {(None, "filing")}


def test_a_claim_that_nobody_has_checked_is_reckoned_and_its_period_not_twice(tmp_path: Path) -> None:
    def city_of() -> Iterator[Resource]:
        yield from building()
        yield {"resourceType": "Patient", "id": "one", "birthDate": "1940-01-01"}
        yield {
            "resourceType": "EpisodeOfCare", "id": "stay", "status": "active",
            "type": [{"coding": [{"system": code_system("episode-kind"), "code": "elder-residence"}]}],
            "patient": {"reference": "Patient/one"}, "managingOrganization": {"reference": "Organization/home"},
            "period": {"start": "2024-01-01"},
        }  # fmt: skip
        yield claim(
            "half",
            "submitted",
            subsidy="operating",
            period_start=date(2025, 1, 1),
            period_end=date(2025, 6, 30),
        )
        yield claim(
            "part",
            "checked",
            subsidy="operating",
            amount=Decimal(10),
            period_start=date(2025, 7, 1),
            period_end=date(2025, 7, 31),
        )

    found = built(tmp_path, city_of())
    assert ("2025-11", 1.0, 495.89, None) in found["claimed"]  # 1,000 yuan × 181 ÷ 365
    assert "accrued" not in found
    assert ("2025-12", 1.0, None, "partly") in found["residents"]


def test_sums_by_month_and_kind_tell_how_much_is_not_known(tmp_path: Path) -> None:
    views = [*SERVICE.views, *(view for one in OTHERS for view in one.views)]
    snapshot = snapshot_of(tmp_path, building(), views)
    table = table_of()
    given = {name: table.value(name, "", DAY) for name in LIST.parameters}
    sums = snapshot.totals(GRANT, LIST, given, DAY, ListAsked())
    assert [(one.down, one.across, one.total, one.unknown) for one in sums] == [
        ("", "construction", None, 1),
        ("2025-09", "construction", 5000.0, 0),
        ("2025-11", "construction", 17000.0, 0),
        ("2026-04", "construction", 30000.0, 0),
    ]
    by_home = snapshot.totals(GRANT, LIST, given, DAY, ListAsked(down="subject", cell={"month": "2025-11"}))
    assert [(one.down, one.total) for one in by_home] == [("Organization/home", 17000.0)]
