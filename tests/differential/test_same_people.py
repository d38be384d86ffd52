"""REST = page = drill-down = Excel: for each account the four ways show the same residents, and those are the right ones.

A small city is made, loaded and materialised; the residents of sixty and over are asked for in four ways.
"""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest
import pytest_asyncio

from kangshu.access import Care, Coded, Scope, admits, care_rules, system_grant
from kangshu.accounts import Account
from kangshu.api import ROOT, SESSION_COOKIE, Platform, fhir_app
from kangshu.app.demo import demo_identity
from kangshu.app.wiring import Place, all_views, city_services, open_platform
from kangshu.base.canonical import RESIDENT_ID
from kangshu.base.clock import today
from kangshu.fhir import definitions
from kangshu.measures import ViewKeeper
from kangshu.sdk import Resource
from kangshu.services.city import make_city
from kangshu.store import Store
from kangshu.web import web_app

SYSTEM = system_grant("test")
MEASURE = "family-doctor-coverage-60"
REGISTER = "/registers/residents/residents"
DISTRICT = "990102"


def born_by(age: int) -> str:
    """Return the last birthday of those who have completed `age` years today."""
    day = today()
    leap = (day.month, day.day) == (2, 29)
    return date(day.year - age, day.month, 28 if leap else day.day).isoformat()


@dataclass(frozen=True)
class City:
    """The platform on the small city, and every resident as made."""

    platform: Platform
    residents: dict[str, Resource]

    def older(self) -> Iterator[Resource]:
        """Yield the living residents of sixty and over."""
        for one in self.residents.values():
            gone = one.get("deceasedBoolean") or one.get("deceasedDateTime") or one.get("active") is False
            if one["birthDate"] <= born_by(60) and not gone:
                yield one


@pytest_asyncio.fixture
async def city(database_url: str, tmp_path: Path) -> AsyncIterator[City]:
    place = Place(tmp_path, tmp_path / "views", demo_identity())
    async with open_platform(database_url, place) as platform:
        made = list(make_city(400, 1, 7, city_services(), today()))
        await platform.store.bulk_load(SYSTEM, made)
        await ViewKeeper(platform.store, place.views, all_views(platform.services)).refresh()
        yield City(platform, {one["id"]: one for one in made if one["resourceType"] == "Patient"})


def centre(city: City) -> str:
    """Return the health centre with the most residents."""
    managed = [one["managingOrganization"]["reference"] for one in city.residents.values()]
    return max(set(managed), key=managed.count).removeprefix("Organization/")


ACCOUNTS = {
    "doctor": ("community-doctor",),
    "clerk": ("section-clerk",),
    "plan": ("plan-office",),
}


def account(city: City, name: str) -> Account:
    posts = {
        "doctor": {"organisation": centre(city)},
        "clerk": {"organisation": "unit-health-commission", "district": DISTRICT},
        "plan": {"organisation": "unit-development-reform", "district": "990100"},
    }
    return Account(name, name, ACCOUNTS[name], **posts[name])


def is_own(city: City, name: str, resident: Resource) -> bool:
    """Return whether the account should see this resident: told from the raw record alone."""
    if name == "plan":
        return False
    if name == "clerk":
        codes = [one["valueCode"] for one in resident["extension"] if one["url"].endswith("/district")]
        return codes[0].startswith(DISTRICT)
    return bool(resident["managingOrganization"]["reference"] == f"Organization/{centre(city)}")


async def by_rest(client: httpx.AsyncClient, token: str) -> set[str]:
    found: set[str] = set()
    url = f"http://test{ROOT}/Patient?birthdate=le{born_by(60)}&_count=37&_total=accurate"
    total = None
    while url:
        page = (await client.get(url, headers={"Authorization": f"Bearer {token}"})).json()
        total = page["total"] if total is None else total
        found |= {one["resource"]["id"] for one in page.get("entry", ())}
        url = next((one["url"] for one in page["link"] if one["relation"] == "next"), "")
    assert total == len(found)
    return found


async def by_page(client: httpx.AsyncClient, address: str) -> set[str]:
    """Walk a list page by page, as a reader would, and return the residents that it links to."""
    found: set[str] = set()
    for _ in range(200):
        answer = await client.get(f"http://test{address}")
        assert answer.status_code == 200, answer.text[:500]
        found |= set(re.findall(r'href="/residents/([^"/?]+)"', answer.text))
        onward = re.search(
            r'<a[^>]*href="([^"]+)"[^>]*rel="next"|<a[^>]*rel="next"[^>]*href="([^"]+)"', answer.text
        )
        if onward is None:
            return found
        address = unescape(onward[1] or onward[2])
    raise AssertionError("the list has no end")


async def by_excel(client: httpx.AsyncClient, city: City) -> set[str]:
    answer = await client.get(f"http://test{REGISTER}/export.xlsx", params={"birth_date": f"le{born_by(60)}"})
    assert answer.status_code == 200
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content), read_only=True).worksheets[0]
    numbers = {
        identifier["value"]: id_
        for id_, one in city.residents.items()
        for identifier in one["identifier"]
        if identifier["system"] == RESIDENT_ID
    }
    cells = [str(cell) for row in sheet.iter_rows(values_only=True) for cell in row if cell is not None]
    return {numbers[cell] for cell in cells if cell in numbers}


@pytest.mark.parametrize("name", list(ACCOUNTS))
async def test_the_four_ways_show_the_same_residents(city: City, name: str) -> None:
    platform = city.platform
    made = await platform.accounts.create_account(SYSTEM, account(city, name))
    token = await platform.accounts.create_token(name, timedelta(hours=1))
    session = await platform.accounts.sign_in(name, made.password)
    expected = {one["id"] for one in city.older() if is_own(city, name, one)}
    if name != "plan":
        assert 0 < len(expected) < sum(1 for _ in city.older())

    async with httpx.AsyncClient(transport=httpx.ASGITransport(fhir_app(platform))) as client:
        rest = await by_rest(client, token)
    living = {one["id"] for one in city.older()}
    transport = httpx.ASGITransport(web_app(platform))
    async with httpx.AsyncClient(transport=transport, cookies={SESSION_COOKIE: session.token}) as browser:
        page = await by_page(browser, f"{REGISTER}?birth_date=le{born_by(60)}")
        drill = await by_page(browser, f"/measures/{MEASURE}/subjects?part=denominator")
        excel = await by_excel(browser, city)

    assert rest & living == expected
    assert page == rest
    assert excel == rest
    assert drill == expected


async def test_the_number_counts_whom_the_account_may_count(city: City) -> None:
    """The plan office reads nobody and counts the city; the clerk counts the district: numbers by the raw records."""
    platform = city.platform
    for name, counted in (("plan", lambda one: True), ("clerk", lambda one: is_own(city, "clerk", one))):
        await platform.accounts.create_account(SYSTEM, account(city, name))
        token = await platform.accounts.create_token(name, timedelta(hours=1))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(fhir_app(platform))) as client:
            address = f"http://test{ROOT}/Measure/{MEASURE}/$evaluate-measure?by=district&district=990100"
            answer = await client.get(address, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text
        (group,) = answer.json()["group"]
        sizes = {one["code"]["coding"][0]["code"]: one["count"] for one in group["population"]}
        assert sizes["denominator"] == sum(1 for one in city.older() if counted(one))


async def test_sql_and_predicate_agree_on_every_record_of_every_type(city: City) -> None:
    """What SQL admits is what `admits` says in Python."""
    for name in ACCOUNTS:
        await _agree(city, name)


def _coded(concepts: Any, wanted: Coded) -> bool:
    each = concepts if isinstance(concepts, list) else [concepts or {}]
    found = [
        one for concept in each for one in concept.get("coding", ()) if one.get("system") == wanted.system
    ]
    return bool(found) and (not wanted.codes or any(one.get("code") in wanted.codes for one in found))


async def _cared_for(store: Store) -> Callable[[Scope], Scope]:
    """Return what puts the care of its resident into a scope, told from the raw records by the rules alone."""
    found: dict[str, list[Care]] = {}
    for rule in care_rules().values():
        for one in await store.find_all(SYSTEM, rule.type, ""):
            body = one.resource
            period = body.get(rule.period) or {}
            over = str(period.get("end", "9"))[:10] < today().isoformat()
            if (
                over
                or (rule.status and body.get("status") not in rule.status)
                or (rule.coded is not None and not _coded(body.get(rule.coded.element), rule.coded))
                or rule.type in ("Task", "Consent")
            ):
                continue
            for name in rule.organisation:
                for reference in body[name] if isinstance(body.get(name), list) else [body.get(name) or {}]:
                    id_ = reference.get("reference", "").removeprefix("Organization/")
                    found.setdefault(one.scope.patient, []).append(Care(rule.relation, id_))
    return lambda scope: replace(scope, care=tuple(found.get(scope.patient, ())))


async def _agree(city: City, name: str) -> None:
    store = city.platform.store
    await city.platform.accounts.create_account(SYSTEM, account(city, name))
    grant = await city.platform.accounts.open_grant(name)
    care = await _cared_for(store)
    hidden = 0
    for kind in definitions().resource_types:
        every = await store.find_all(SYSTEM, kind, "")
        seen = {one.id for one in await store.find_all(grant, kind, "")} if every else set()
        assert seen == {one.id for one in every if admits(grant.may_read(kind), care(one.scope))}, kind
        hidden += len(every) - len(seen)
    assert hidden > 0


SIDE_DOORS = (
    "Organization?_revinclude=Patient:organization&_count=1000",
    "Organization?_has:Patient:organization:gender=female",
    "Organization?_has:Patient:organization:name=王,李,张,刘,陈",
    "Encounter?patient.gender=female",
    "Encounter?_include=Encounter:patient",
    "Patient/_history",
    "_history?_count=500",
    "Location?_include=*",
    "Condition?_summary=count",
    "Contract?patient:Patient.name=王",
)


async def test_the_plan_office_finds_no_side_door_to_residents(city: City) -> None:
    """Includes, chains, reverse chains, histories and counts tell nothing about records one may not read."""
    await city.platform.accounts.create_account(SYSTEM, account(city, "plan"))
    token = await city.platform.accounts.create_token("plan", timedelta(hours=1))
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(fhir_app(city.platform)), headers=headers
    ) as client:
        every = await client.get(f"http://test{ROOT}/Organization")
        assert len(every.json()["entry"]) > 5
        for door in SIDE_DOORS:
            answer = await client.get(f"http://test{ROOT}/{door}")
            assert answer.status_code in (200, 400, 404), door
            if answer.status_code == 200:
                _tells_nothing(city, door, answer.json())


def _tells_nothing(city: City, door: str, page: Resource) -> None:
    if "_has:" in door or "patient" in door or "_summary" in door:
        assert page.get("total", 0) == 0, door
        assert page.get("entry", []) == [], door
    for entry in page.get("entry", ()):
        resource = entry.get("resource", {})
        assert resource.get("resourceType") != "Patient", door
        pointed = set(re.findall(r'"Patient/([^"/]+)"', str(resource).replace("'", '"')))
        assert not pointed & city.residents.keys(), door
