"""A unit's return is for the unit and the statistics office alone; everybody else sees sums that tell of no single unit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from types import MappingProxyType
from typing import Any

import pytest

from kangshu.access import Everything, Grant, OrganisationIn, Predicate, system_grant
from kangshu.api import Platform
from kangshu.base.faults import Forbidden
from kangshu.measures import Snapshot
from kangshu.sdk import Resource, code_system, structure
from tests.demo_city import DemoCities
from tests.measures.city import service_of, snapshot_of
from tests.web.conftest import serving
from tests.web.site import Site

SERVICE = service_of("industry_statistics")

_KIND = "http://kangshu.org/fhir/CodeSystem/case-kind|industry_statistics/statistical-return"
_OTHERS = (
    "industry",
    "county-industry",
    "clerk",
    "leader",
    "plan",
    "government",
    "statistics",
    "reporter-lingxi",
    "enterprise",
    "admin",
)
"""Industry office (city and county), health commission, leader, plan office, city government (above the statistics office),
the counting statistician, another enterprise's reporter, another account of the same enterprise, the administrator."""


async def _found(platform: Platform, kind: str, criteria: str) -> list[Resource]:
    return list(await platform.store.search_all(system_grant("test"), kind, criteria))


@pytest.fixture(scope="module")
def site(demo_cities: DemoCities) -> Iterator[Site]:
    """A served city of its own."""
    with serving(demo_cities, "statistics") as made:
        yield made


@pytest.fixture(scope="module")
def chenghu(site: Site) -> Resource:
    """The yearly return of one enterprise, as the demo city has it."""
    found = site.run(_found(site.platform, "Task", f"code={_KIND}&owner=Organization/enterprise-chenghu"))
    return next(one for one in found if one["businessStatus"]["coding"][0]["code"] == "published")


def _papers(site: Site, chenghu: Resource) -> list[str]:
    """Return where a return, its notices and its unit's entry stand in the FHIR face."""
    task = f"Task/{chenghu['id']}"
    told = site.run(_found(site.platform, "Communication", "recipient=Organization/enterprise-chenghu"))
    notices = [one for one in told if {"reference": task} in one["about"]]
    entries = "code=http://kangshu.org/fhir/CodeSystem/record-kind|statistical-unit&subject=Organization/enterprise-chenghu"
    (entry,) = site.run(_found(site.platform, "Basic", entries))
    assert notices
    return [task, *(f"Communication/{one['id']}" for one in notices), f"Basic/{entry['id']}"]


@pytest.mark.parametrize("name", _OTHERS)
def test_nobody_else_opens_a_return(site: Site, chenghu: Resource, name: str) -> None:
    visitor = site.visitor(name)
    assert visitor.get(f"/cases/{chenghu['id']}").status_code in (403, 404)
    for paper in _papers(site, chenghu):
        assert visitor.get(f"/fhir/{paper}").status_code in (403, 404), paper
    listed = visitor.get("/fhir/Task", params={"code": _KIND})
    owners = {one["resource"]["owner"]["reference"] for one in listed.json().get("entry", ())}
    assert owners <= ({"Organization/enterprise-lingxi"} if name == "reporter-lingxi" else set())


def test_the_unit_and_the_statistics_office_open_it(site: Site, chenghu: Resource) -> None:
    for name in ("reporter", "industry-statistics"):
        visitor = site.visitor(name)
        assert visitor.get(f"/cases/{chenghu['id']}").status_code == 200, name
        for paper in _papers(site, chenghu):
            assert visitor.get(f"/fhir/{paper}").status_code == 200, paper


def test_what_is_kept_of_an_account_of_a_group_is_for_the_statistics_office(site: Site) -> None:
    kind = "http://kangshu.org/fhir/CodeSystem/case-kind|industry_statistics/group-account"
    accounts = site.run(_found(site.platform, "Task", f"code={kind}"))
    assert accounts
    for one in accounts:
        kept = [str(each["valueReference"]["reference"]) for each in one.get("output", ())]
        assert any(each.startswith("DocumentReference/") for each in kept)
        for reference in (f"Task/{one['id']}", *kept):
            assert site.visitor("plan").get(f"/fhir/{reference}").status_code in (403, 404), reference
        break


def _return(number: int, code: str, revenue: int, district: str) -> Resource:
    def value(name: str, **held: Any) -> Resource:
        return {"type": {"coding": [{"system": code_system("case-field"), "code": name}]}, **held}

    return {
        "resourceType": "Task",
        "id": f"return-{number}",
        "meta": {"security": [{"system": code_system("handling"), "code": "STATISTICS"}]},
        "extension": [{"url": structure("district"), "valueCode": district}],
        "status": "completed",
        "intent": "order",
        "code": {
            "coding": [{"system": code_system("case-kind"), "code": "industry_statistics/statistical-return"}]
        },
        "businessStatus": {"coding": [{"system": code_system("case-state"), "code": "accepted"}]},
        "owner": {"reference": f"Organization/firm-{number}"},
        "requester": {"reference": "Organization/bureau"},
        "input": [
            value("report_year", valueInteger=2025),
            value("report_period", valueCode="year"),
            value("unit_class", valueReference={"reference": f"ActivityDefinition/{code}"}),
            value("coefficient", valueDecimal=1),
            value("revenue", valueDecimal=revenue),
        ],
    }


def _class(code: str, group: str) -> Resource:
    return {
        "resourceType": "ActivityDefinition",
        "id": code,
        "status": "active",
        "name": code,
        "topic": [{"coding": [{"system": code_system("definition-kind"), "code": "health-industry-class"}]}],
        "extension": [{"url": structure("industry-group"), "valueCode": group}],
    }


def _grant(*, reads: Predicate | None = None) -> Grant:
    everything = MappingProxyType({"*": Everything()})
    read = {"ActivityDefinition": Everything(), **({"Task": reads} if reads else {})}
    return replace(system_grant("test"), read=MappingProxyType(read), aggregate=everything)


COUNTS = _grant()
OFFICE = _grant(reads=OrganisationIn(frozenset({"bureau"})))
RIVAL = _grant(reads=OrganisationIn(frozenset({"firm-5"})))
"""Of an enterprise that may count, which the role does not allow: what the rule must hold against."""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    """Four makers of medicines, two of devices, four traders."""
    amounts = (9000, 8000, 7000, 6000, 500, 400, 3000, 2000, 2500, 2600)
    codes = ("C2720",) * 4 + ("C3586",) * 2 + ("F5152",) * 4
    districts = ("990102", "990102", "990102", "990103")
    returns = [
        _return(number, code, amount, districts[number % 4])
        for number, (code, amount) in enumerate(zip(codes, amounts, strict=True))
    ]
    classes = [_class("C2720", "09"), _class("C3586", "10"), _class("F5152", "07")]
    snapshot = snapshot_of(tmp_path_factory.mktemp("secrecy"), [*returns, *classes], SERVICE.views)
    yield snapshot
    snapshot.close()


def _sums(city: Snapshot, grant: Grant, by: tuple[str, ...]) -> tuple[float | None, dict[Any, float | None]]:
    measure = next(one for one in SERVICE.measures if one.id == "returned-revenue")
    result = city.evaluate(grant, measure, {}, date(2026, 1, 1), date(2026, 6, 30), by)
    return result.numerator, {row.keys: row.numerator for row in result.rows}


def test_the_statistics_office_sees_every_sum(city: Snapshot) -> None:
    assert _sums(city, OFFICE, ("group",)) == (
        pytest.approx(4.1),
        {("07",): pytest.approx(1.01), ("09",): pytest.approx(3.0), ("10",): pytest.approx(0.09)},
    )


@pytest.mark.parametrize("grant", [COUNTS, RIVAL], ids=["another office", "one of the two"])
def test_the_group_of_two_is_hidden_and_another_with_it(city: Snapshot, grant: Grant) -> None:
    total, groups = _sums(city, grant, ("group",))
    assert total == pytest.approx(4.1)
    assert groups["10",] is None
    # the total less two groups would be the third
    assert sorted(one is None for one in groups.values()) == [False, True, True]


def test_a_district_of_two_units_is_hidden(city: Snapshot) -> None:
    _, districts = _sums(city, COUNTS, ("district",))
    assert districts == {} or None in districts.values()


def test_behind_a_number_nobody_else_finds_a_unit(city: Snapshot) -> None:
    measure = next(one for one in SERVICE.measures if one.id == "returned-revenue")
    period = (date(2026, 1, 1), date(2026, 6, 30))
    assert city.subjects(OFFICE, measure, {}, *period).total == 10
    assert city.subjects(RIVAL, measure, {}, *period).subjects == ("Task/return-5",)
    with pytest.raises(Forbidden):
        city.subjects(COUNTS, measure, {}, *period)
