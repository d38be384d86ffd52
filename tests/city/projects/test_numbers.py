"""The rules of projects (R27–R30) with their ambiguities, counted by hand, by the measures and by the check queries."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from kangshu.access import system_grant
from kangshu.base.faults import Invalid
from kangshu.measures import ListAsked, Snapshot
from kangshu.sdk import Resource, code_system, structure
from tests.measures.city import service_of, snapshot_of

SERVICE = service_of("projects")
EVERYTHING = system_grant("test")
START, DAY = date(2026, 1, 1), date(2026, 6, 30)
VALUES: dict[str, Any] = {one.id: one.value for one in SERVICE.parameters if one.jurisdiction in ("", "9901")}


def record(kind: str, id_: str, **held: Any) -> Resource:
    """Return a record with extensions, each given as `name=(type, value)`, underscores standing for hyphens."""
    extensions = [
        {"url": structure(name.replace("_", "-")), f"value{type_}": value}
        for name, (type_, value) in held.items()
    ]
    return {
        "resourceType": "Basic",
        "id": id_,
        "code": {"coding": [{"system": code_system("record-kind"), "code": kind}], "text": id_},
        "extension": extensions,
    }


def project(id_: str, state: str, district: str = "990102001", **held: Any) -> Resource:
    admitted = {"admitted_on": ("Date", "2025-01-01")}
    fixed = {"record_state": ("Code", state), "district": ("Code", district), **admitted}
    return record("project", id_, **{"record_class": ("Code", "tourism"), **fixed, **held})


def of(id_: str) -> tuple[str, Any]:
    return "Reference", {"reference": f"Basic/{id_}"}


def listing(
    id_: str, project_id: str, kind: str, state: str, day: str, level: str = "prefecture"
) -> Resource:
    return record(
        "project-listing", id_, record_of=of(project_id), record_class=("Code", kind), record_state=("Code", state),
        record_day=("Date", day), level=("Code", level),
    )  # fmt: skip


def tier(id_: str, project_id: str, name: str, day: str = "2025-01-01", hour: int = 9) -> Resource:
    at = f"{day}T{hour:02d}:00:00+08:00"
    return record(
        "project-tier", id_, record_of=of(project_id), record_class=("Code", name), record_day=("Date", day),
        recorded_at=("DateTime", at),
    )  # fmt: skip


def designation(id_: str, project_id: str, kind: str, **held: Any) -> Resource:
    fixed = {"record_class": ("Code", kind), "record_day": ("Date", "2026-03-01")}
    return record("designation", id_, record_about=of(project_id), **{**fixed, **held})


RECORDS = [
    # R28: 990102 has a quota of 3 and four key projects, 990103 of 3 and one, the others none
    project("k1", "admitted", total_investment=("Decimal", 10000), invested=("Decimal", 9000)),
    project("k2", "preparing", total_investment=("Decimal", 9999)),
    project("k3", "under-construction", started_on=("Date", "2025-05-01"), total_investment=("Decimal", 20000), invested=("Decimal", 12000)),
    project("k4", "in-operation", started_on=("Date", "2024-05-01"), operating_on=("Date", "2026-03-01"), plan_milestone=("String", "投运")),
    project("k5", "closed", "990103001", started_on=("Date", "2023-05-01"), operating_on=("Date", "2025-03-01")),
    project("o1", "under-construction", "990104001", started_on=("Date", "2026-06-30"), plan_milestone=("String", "投运")),
    project("o2", "under-construction", "990104001", started_on=("Date", "2026-07-01")),
    project("r1", "removed", started_on=("Date", "2025-01-01"), plan_milestone=("String", "移出")),
    project("n1", "registered", total_investment=("Decimal", 90000)),
    project("d1", "admitted", "990105001", record_class=("Code", "health-data")),
    project("d2", "admitted", "990105001", record_class=("Code", "health-data")),
    # removed after the day: on it, it was still in the library, and key
    project("r2", "removed", "990103001", removed_on=("Date", "2026-07-01")),
    # the tier of the day counts: k1 was raised in March, k2 twice on one day, k5 is lowered after the day
    tier("t1", "k1", "ordinary"), tier("t2", "k1", "key", "2026-03-01"),
    tier("t3", "k2", "ordinary", "2026-01-10", 9), tier("t4", "k2", "key", "2026-01-10", 15),
    tier("t5", "k3", "key"), tier("t6", "k4", "major"), tier("t7", "k5", "key"), tier("t8", "k5", "ordinary", "2026-07-05"),
    tier("t9", "o1", "ordinary"), tier("t10", "r1", "key"), tier("t11", "n1", "key", "2026-07-02"), tier("t12", "r2", "key"),
    # T142: designated in the register of designations; one ended, one of another kind, one of a removed project
    designation("z1", "d1", "health-data-project"), designation("z2", "d1", "health-data-project"),
    designation("z3", "d2", "health-data-project", valid_until=("Date", "2026-06-29")),
    designation("z4", "o1", "industry-town"), designation("z5", "r1", "health-data-project"),
    designation("z6", "k1", "health-data-project", record_ended=("Date", "2026-07-01")),
    # R29: three stand on the list, one has left it, one was on last year's
    listing("l1", "k1", "dispatch", "listed", "2026-01-01"),
    listing("l2", "k2", "dispatch", "listed", "2026-01-01"),
    listing("l3", "k3", "dispatch", "listed", "2026-01-01"),
    listing("l4", "o1", "dispatch", "left", "2026-01-01"),
    listing("l5", "k4", "dispatch", "listed", "2025-01-01"),
    listing("l6", "k3", "recommended", "proposed", "2026-02-01"),
    listing("l7", "k1", "recommended", "left", "2026-02-01"),
    listing("l8", "k5", "recommended", "accepted", "2025-02-01", "provincial"),
    listing("l9", "k5", "recommended", "accepted", "2025-03-01", "national"),
    listing("l10", "r1", "recommended", "accepted", "2025-03-01", "provincial"),
    listing("l11", "k4", "recommended", "accepted", "2026-07-01", "provincial"),
    # planned for the year: on both lists once with the greater plan; one that left and one of last year do not count
    record("project-listing", "y1", record_of=of("k3"), record_class=("Code", "rolling"), record_state=("Code", "listed"), record_day=("Date", "2026-01-01"), year_planned_investment=("Decimal", 400)),
    record("project-listing", "y2", record_of=of("k3"), record_class=("Code", "rolling"), record_state=("Code", "listed"), record_day=("Date", "2026-01-01"), year_planned_investment=("Decimal", 300)),
    record("project-listing", "y3", record_of=of("k1"), record_class=("Code", "rolling"), record_state=("Code", "left"), record_day=("Date", "2026-01-01"), year_planned_investment=("Decimal", 999)),
    record("project-listing", "y4", record_of=of("k2"), record_class=("Code", "rolling"), record_state=("Code", "listed"), record_day=("Date", "2025-01-01"), year_planned_investment=("Decimal", 999)),
    record("project-listing", "y5", record_of=of("k2"), record_class=("Code", "rolling"), record_state=("Code", "listed"), record_day=("Date", "2026-01-01"), year_planned_investment=("Decimal", 100)),
    record("project-milestone", "m1", record_of=of("k3"), record_day=("Date", "2026-02-01"), done_on=("Date", "2026-02-01")),
    record("project-milestone", "m2", record_of=of("k3"), record_day=("Date", "2026-03-01"), done_on=("Date", "2026-03-02")),
    record("project-milestone", "m3", record_of=of("k3"), record_day=("Date", "2026-06-29")),
    record("project-milestone", "m4", record_of=of("k3"), record_day=("Date", "2026-07-01")),
    record("project-milestone", "m5", record_of=of("r1"), record_day=("Date", "2026-02-01")),
    record("project-progress", "p1", record_of=of("k3"), record_day=("Date", "2026-01-01"), month_investment=("Decimal", 100.5)),
    record("project-progress", "p2", record_of=of("k3"), record_day=("Date", "2025-12-01"), month_investment=("Decimal", 50)),
]  # fmt: skip


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    listed = (*SERVICE.views, *service_of("designations").views)
    return snapshot_of(tmp_path_factory.mktemp("views"), RECORDS, listed)


@pytest.mark.parametrize(
    ("id_", "changed", "expected"),
    [
        ("projects-in-library", {}, (10, 10)),  # k1–k5 o1 o2 d1 d2 r2
        ("key-projects", {}, (6, 6)),
        ("key-project-quota-filled", {}, (5, 12)),  # three of four, two
        ("key-project-quota-filled", {"project-quota-surplus-fills": True}, (6, 12)),
        ("rolling-projects", {}, (3, 3)),  # k3 o1, and k4 which was completed within the year
        ("rolling-projects", {"project-rolling-completed-count": False}, (2, 2)),
        ("dispatched-projects", {}, (3, 3)),
        ("dispatched-projects", {"project-dispatch-exchanged-count": True}, (4, 4)),
        ("health-data-demonstrations", {}, (2, 2)),  # d1 once, k1 until the day after
        ("plan-milestone-projects", {}, (1, 2)),
        ("plan-hospital-in-operation", {"plan-hospital-milestone": "投运"}, (1, 2)),
        ("plan-hospital-in-operation", {"plan-hospital-milestone": "移出"}, (0, 0)),
        ("project-year-investment-rate", {}, (100.5, 500)),
        ("project-investment", {}, (100.5, 1)),
        ("project-investment-rate", {}, (21000, 39999)),  # k1 k2 k3
        ("projects-accepted-above", {}, (2, 2)),  # k5 on two levels; r1 was removed, k4 comes later
        ("projects-accepted-provincial", {}, (1, 1)),
        ("project-milestones-on-time", {}, (1, 3)),
        ("large-projects-recommended", {}, (1, 2)),  # k1 of exactly a hundred million, k3
        ("large-projects-recommended", {"project-recommend-basis": "completed"}, (1, 1)),  # k3 alone
    ],
)
def test_numbers(
    snapshot: Snapshot, id_: str, changed: dict[str, Any], expected: tuple[float, float]
) -> None:
    values = {**VALUES, **changed}
    measure = next(one for one in SERVICE.measures if one.id == id_)
    result = snapshot.evaluate(EVERYTHING, measure, values, START, DAY)
    assert (result.numerator, result.denominator) == expected
    assert SERVICE.checks[id_](RECORDS, START, DAY, values) == expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2024, 12, 31), 0),
        (date(2026, 1, 9), 4),  # k3 k4 k5 r2
        (date(2026, 2, 1), 5),  # k2 too: of two changes on one day the later holds
        (date(2026, 7, 4), 5),  # k1 to k5: r2 has been removed
        (date(2026, 7, 5), 4),  # k5 was lowered
    ],
)
def test_an_earlier_day_counts_the_tiers_of_that_day(snapshot: Snapshot, day: date, expected: int) -> None:
    measure = next(one for one in SERVICE.measures if one.id == "key-projects")
    assert snapshot.evaluate(EVERYTHING, measure, VALUES, day, day).numerator == expected
    assert SERVICE.checks["key-projects"](RECORDS, day, day, VALUES) == (expected, expected)


@pytest.mark.parametrize(
    ("id_", "expected"),
    [
        ("not-in-library", ["Basic/n1"]),
        ("late-milestones", ["Basic/m3"]),
        ("recommend-first", ["Basic/k1"]),
        ("year-investment", ["Basic/k2", "Basic/k3"]),
        ("reports-due", ["Basic/d1", "Basic/d2", "Basic/k1", "Basic/k2", "Basic/k3", "Basic/o1", "Basic/o2"]),
    ],
)
def test_lists(snapshot: Snapshot, id_: str, expected: list[str]) -> None:
    declared = next(one for one in SERVICE.lists if one.id == id_)
    page = snapshot.listed(EVERYTHING, declared, VALUES, DAY, ListAsked())
    assert sorted(row.subject for row in page.rows) == expected
    assert page.total == len(expected)


def test_quotas_say_what_is_short_and_what_is_over(snapshot: Snapshot) -> None:
    declared = next(one for one in SERVICE.lists if one.id == "county-quota")
    page = snapshot.listed(EVERYTHING, declared, VALUES, DAY, ListAsked())
    found = {
        row.subject[-6:]: (row.values["standing"], row.values["short"], row.values["surplus"])
        for row in page.rows
    }
    assert found == {
        "990102": ("surplus", 0, 1),
        "990103": ("short", 1, 0),
        "990104": ("short", 2, 0),
        "990105": ("short", 2, 0),
        "990106": ("short", 2, 0),
    }
    here = snapshot.listed(
        EVERYTHING, declared, VALUES, DAY, ListAsked(district="990103", cell={"standing": "short"})
    )
    assert [row.district for row in here.rows] == ["990103"]


def test_the_month_to_report_and_its_day_follow_the_parameter(snapshot: Snapshot) -> None:
    declared = next(one for one in SERVICE.lists if one.id == "reports-due")
    page = snapshot.listed(EVERYTHING, declared, VALUES, date(2026, 6, 2), ListAsked(limit=1))
    assert (page.rows[0].values["month"], page.rows[0].values["due"]) == ("2026-05-01", "2026-06-05")


def test_no_page_of_a_list_is_endless_or_ordered_by_what_there_is_not(snapshot: Snapshot) -> None:
    declared = next(one for one in SERVICE.lists if one.id == "late-milestones")
    for asked in (ListAsked(limit=0), ListAsked(order="nothing"), ListAsked(cell={"nothing": "x"})):
        with pytest.raises(Invalid):
            snapshot.listed(EVERYTHING, declared, VALUES, DAY, asked)
