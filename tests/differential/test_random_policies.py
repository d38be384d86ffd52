"""Random roles over random records: every way to the data shows what the policy's meaning says, record by record.

For each random account: search (pages of random size, random order) = count = total = history = reads = includes = REST
= register list = Excel export = drill-down, and the number counts whom it may count. What it should be is told in Python
by `access.admits` from each record's scope. KANGSHU_DIFFERENTIAL is how many seconds it goes on (30); KANGSHU_SEED
repeats a run. With KANGSHU_PROVE=1 the counts are kept for docs/attacks.md.
"""

from __future__ import annotations

import io
import json
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from types import MappingProxyType

import httpx
import openpyxl
import pytest_asyncio

from kangshu.access import SCOPE_WORDS, Grant, Nothing, Role, Scope, admits, system_grant
from kangshu.accounts import Account, Accounts
from kangshu.api import ROOT, Platform, fhir_app
from kangshu.app.demo_accounts import demo_identity
from kangshu.app.wiring import Place, all_measures, all_views, city_services, open_platform
from kangshu.base.clock import today
from kangshu.base.faults import Fault, Forbidden, Gone, NotFound
from kangshu.base.text import Text
from kangshu.measures import ViewKeeper
from kangshu.sdk import Resource
from kangshu.search import parse_query
from kangshu.services.city import make_city

SYSTEM = system_grant("test")
SECONDS = float(os.environ.get("KANGSHU_DIFFERENTIAL", "30"))
SEED = int(os.environ.get("KANGSHU_SEED", str(today().toordinal())))
COUNTED = Path(__file__).parent.parent / "attacks" / "counted.json"
KINDS = (
    "Patient",
    "Encounter",
    "Observation",
    "Condition",
    "Contract",
    "EpisodeOfCare",
    "Task",
    "Communication",
    "Organization",
)
LABELS = ("R", "V", "HIV", "PSY")
FIELDS = ("identity-number", "telephone", "address")
ACCOUNT = "anybody"
MEASURE = "family-doctor-coverage-60"
INCLUDES = (
    "Encounter?_include=Encounter:subject", "Observation?_include=Observation:*", "Organization?_revinclude=Patient:organization",
    "Patient?_revinclude=Observation:subject&_revinclude=Contract:subject", "Task?_include=Task:*&_include:iterate=Patient:organization",
    "Contract?_include=Contract:subject&_revinclude:iterate=Encounter:subject",
)  # fmt: skip


@dataclass
class City:
    """The platform on a small city with records strewn in, whose roles are made up as the test goes on."""

    platform: Platform
    roles: dict[str, Role]
    organisations: list[str]
    residents: list[str]
    standing: dict[str, dict[str, Scope]] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)


def strewn(chance: Random, residents: list[str], organisations: list[str]) -> list[Resource]:
    """Return records about anybody for anybody, with and without labels, and what opens and closes."""
    made: list[Resource] = []
    for n in range(260):
        patient = {"reference": f"Patient/{chance.choice(residents)}"}
        keeper, other = ({"reference": f"Organization/{chance.choice(organisations)}"} for _ in "ab")
        marks = chance.sample(LABELS, chance.choice((0, 0, 0, 1, 2)))
        meta = {"meta": {"security": [{"code": one} for one in marks]}} if marks else {}
        shapes: list[Resource] = [
            {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": patient, "performer": [keeper, other]},
            {"resourceType": "Condition", "subject": patient, "code": {"text": "x"}},
            {"resourceType": "Encounter", "status": chance.choice(("in-progress", "finished")), "class": {"code": "AMB"}, "subject": patient, "serviceProvider": keeper},
            {"resourceType": "Communication", "status": "completed", "sender": keeper, "recipient": [other], **({"subject": patient} if n % 3 else {})},
            {"resourceType": "Task", "status": chance.choice(("accepted", "completed")), "intent": "order", "for": patient, "owner": keeper, "requester": other,
             "code": {"coding": [{"system": "http://kangshu.org/fhir/CodeSystem/case-kind", "code": "referral/referral"}]}},
            {"resourceType": "Consent", "status": "active", "patient": patient, "scope": {"coding": [{"code": "patient-privacy"}]},
             "category": [{"text": "x"}], "provision": {"type": "deny", **({"actor": [{"role": {"text": "x"}, "reference": keeper}]} if n % 2 else {})}},
        ]  # fmt: skip
        made.append({**shapes[n % len(shapes)], "id": f"strewn-{n}", **meta})
    return made


@pytest_asyncio.fixture
async def city(database_url: str, tmp_path: Path) -> AsyncIterator[City]:
    place = Place(tmp_path, tmp_path / "views", demo_identity())
    async with open_platform(database_url, place) as platform:
        made = list(make_city(200, 1, 7, city_services(), today()))
        residents = [one["id"] for one in made if one["resourceType"] == "Patient"]
        organisations = [one["id"] for one in made if one["resourceType"] == "Organization"]
        store = platform.store
        await store.bulk_load(SYSTEM, [*made, *strewn(Random(SEED), residents, organisations)])
        await ViewKeeper(store, place.views, all_views(platform.services)).refresh()
        roles = {"anything": a_role(Random(0))}
        accounts = Accounts(store, platform.parameters, platform.settings.jurisdiction, roles=roles)
        await accounts.create_account(
            SYSTEM, Account(ACCOUNT, ACCOUNT, ("anything",), organisation=organisations[0], district="990100")
        )
        found = City(replace(platform, accounts=accounts), roles, organisations, residents)
        for kind in KINDS:
            every = await store.find_all(SYSTEM, kind, "")
            found.standing[kind] = {one.id: one.scope for one in every}
            if kind == "Patient":
                found.numbers = {
                    str(identifier["value"]): one.id
                    for one in every
                    for identifier in one.resource["identifier"]
                }
        yield found


def rules(chance: Random) -> Mapping[str, tuple[str, ...]]:
    """Return random rules for some types and the others."""

    def words() -> tuple[str, ...]:
        return tuple(
            " and ".join(chance.sample(SCOPE_WORDS, chance.choice((1, 1, 1, 2))))
            for _ in range(chance.choice((1, 1, 2, 3)))
        )

    kinds = [*chance.sample(KINDS, chance.randint(0, 5)), *(["*"] if chance.random() < 0.8 else [])]
    return MappingProxyType({kind: words() for kind in kinds})


def a_role(chance: Random) -> Role:
    """Return a random role that may do what is asked here."""
    words = ("everything", "district", "organisation", "own-patients", "shared-patients", "self", "none")
    return Role(
        id="anything", title=Text("x", "x"), purposes=(chance.choice(("TREAT", "HMARKT", "PUBHLTH")),), home="worklist", post=(),
        read=rules(chance), write=MappingProxyType({}), aggregate=rules(chance),
        operations=("register.read", "export", "measure.read", "measure.subjects"),
        labels=frozenset(chance.sample(("*", *LABELS), chance.choice((0, 0, 1, 2)))),
        clear=MappingProxyType({one: (chance.choice(words),) for one in FIELDS if chance.random() < 0.6}),
    )  # fmt: skip


async def become(city: City, chance: Random) -> tuple[Grant, Grant]:
    """Give the account a random role, post and resident; return its grant, and the same with residents in care by id."""
    city.roles["anything"] = a_role(chance)
    platform = city.platform
    async with platform.store.connection() as connection:
        await connection.execute(
            "update account set patient = $2, wards = $3 where name = $1", ACCOUNT,
            chance.choice(("", chance.choice(city.residents))), chance.sample(city.residents, chance.choice((0, 1))),
        )  # fmt: skip
        await connection.execute(
            "update post set organisation = $2, district = $3 where account = $1", ACCOUNT,
            chance.choice(("", *city.organisations)), chance.choice(("", "990100", "990102", "990102001")),
        )  # fmt: skip
    platform.accounts.forget()
    grant = await platform.accounts.open_grant(ACCOUNT)
    clear = {}
    for name, predicate in grant.clear.items():
        clear[name] = (
            await platform.store.resolve_care(replace(grant, read={"Patient": predicate}))
        ).may_read("Patient")
    return grant, replace(await platform.store.resolve_care(grant), clear=clear)


class Differing(AssertionError):
    """Two ways show different records."""


async def test_every_way_shows_what_the_policy_says(city: City) -> None:
    chance, counts = Random(SEED), Counter[str]()
    token = await city.platform.accounts.create_token(ACCOUNT, timedelta(hours=2))
    headers = {"Authorization": f"Bearer {token}"}
    transport = httpx.ASGITransport(fhir_app(city.platform))
    end = time.monotonic() + SECONDS
    async with httpx.AsyncClient(
        transport=transport, base_url=f"http://test{ROOT}", headers=headers
    ) as client:
        while time.monotonic() < end or counts["policies"] < 3:
            grant, told = await become(city, chance)
            counts["policies"] += 1
            try:
                for kind in chance.sample(KINDS, 3):
                    await kinds_agree(city, chance, grant, told, kind, client, counts)
                await includes_agree(city, chance, told, client, counts)
                await residents_agree(city, chance, grant, told, counts)
            except AssertionError as error:
                raise Differing(
                    f"seed {SEED}, policy {counts['policies']}: {city.roles['anything']}\n{grant}"
                ) from error
    print(dict(counts))
    assert counts["records compared"] > 1000
    if os.environ.get("KANGSHU_PROVE") == "1":
        COUNTED.write_text(json.dumps(dict(counts), indent=1) + "\n", "utf-8")


async def test_a_union_may_be_everything(city: City) -> None:
    """Words of which one admits all leave nothing to ask of the others: no statement is refused for that."""
    every = MappingProxyType({"*": ("everything", "own-patients", "no-patient and self")})
    city.roles["anything"] = replace(a_role(Random(1)), read=every, labels=frozenset({"*"}))
    city.platform.accounts.forget()
    grant = await city.platform.accounts.open_grant(ACCOUNT)
    for kind in KINDS:
        assert await city.platform.store.count(grant, parse_query(kind, [])) == len(city.standing[kind])


async def kinds_agree(
    city: City,
    chance: Random,
    grant: Grant,
    told: Grant,
    kind: str,
    client: httpx.AsyncClient,
    counts: Counter[str],
) -> None:
    """Search, count, total, history, reads and REST of one type."""
    store, standing = city.platform.store, city.standing[kind]
    shown = {id_ for id_, scope in standing.items() if admits(told.may_read(kind), scope)}
    counts["comparisons"] += 6
    counts["records compared"] += 6 * len(standing)
    sort = chance.choice(("", "_lastUpdated", "-_id", "_id"))
    pairs = [("_count", str(chance.choice((7, 50, 1000)))), *([("_sort", sort)] if sort else [])]
    query, found, cursor = parse_query(kind, pairs), list[str](), None
    while True:
        page = await store.search(grant, query, cursor)
        found += [one.id for one in page.entries]
        cursor = page.next
        if cursor is None:
            break
    assert len(found) == len(set(found)), "a record stands on two pages"
    assert set(found) == shown, ("search", kind, set(found) ^ shown)
    assert await store.count(grant, parse_query(kind, [])) == len(shown), ("count", kind)
    versions, cursor = set[str](), None
    while True:
        page = await store.history(grant, kind, count=chance.choice((40, 1000)), cursor=cursor)
        versions |= {one.id for one in page.entries}
        cursor = page.next
        if cursor is None:
            break
    assert versions == shown, ("history", kind, versions ^ shown)
    for id_ in chance.sample(sorted(standing), min(12, len(standing))):
        try:
            await store.read(grant, kind, id_)
            seen = True
        except (NotFound, Gone):
            seen = False
        assert seen == (id_ in shown), ("read", kind, id_)
    rest, address = set[str](), f"/{kind}?_count=500&_total=accurate"
    while address:
        answer = await client.get(address)
        assert answer.status_code == 200, answer.text[:300]
        bundle = answer.json()
        assert bundle["total"] == len(shown), ("REST total", kind)
        rest |= {one["resource"]["id"] for one in bundle.get("entry", ())}
        address = next((one["url"] for one in bundle["link"] if one["relation"] == "next"), "")
    assert rest == shown, ("REST", kind, rest ^ shown)
    some = chance.sample(sorted(standing), min(40, len(standing)))
    asked = await store.search(grant, parse_query(kind, [("_id", ",".join(some)), ("_count", "100")]))
    assert {one.id for one in asked.entries} == shown & set(some), ("_id", kind)


async def includes_agree(
    city: City, chance: Random, told: Grant, client: httpx.AsyncClient, counts: Counter[str]
) -> None:
    """What a search draws in is shown by its own type's policy."""
    address = chance.choice(INCLUDES)
    answer = await client.get(f"/{address}&_count=60")
    assert answer.status_code in (200, 413), answer.text[:300]
    for entry in answer.json().get("entry", ()) if answer.status_code == 200 else ():
        kind, id_ = entry["resource"]["resourceType"], entry["resource"].get("id", "")
        counts["records compared"] += 1
        if kind in city.standing and kind != "OperationOutcome":
            assert admits(told.may_read(kind), city.standing[kind][id_]), ("include", address, kind, id_)
    counts["comparisons"] += 1


async def residents_agree(
    city: City, chance: Random, grant: Grant, told: Grant, counts: Counter[str]
) -> None:
    """Register list, Excel export and drill-down of residents; the number over whom the account may count."""
    platform, standing = city.platform, city.standing["Patient"]
    shown = {id_ for id_, scope in standing.items() if admits(told.may_read("Patient"), scope)}
    listed, cursor = set[str](), None
    while True:
        page = await platform.registers.list(grant, "residents/residents", cursor=cursor, count=100)
        listed |= {row.id for row in page.rows}
        cursor = page.next
        if cursor is None:
            break
    assert listed == shown, ("register", listed ^ shown)
    counts["comparisons"] += 1
    counts["records compared"] += len(standing)
    if chance.random() < 0.25:
        await exports_agree(city, grant, told, shown, counts)
    await numbers_agree(city, grant, told, shown, counts)


async def exports_agree(city: City, grant: Grant, told: Grant, shown: set[str], counts: Counter[str]) -> None:
    """The workbook has a row per record that is shown, and a number in clear where the number is clear."""
    data = await city.platform.registers.export_xlsx(grant, "residents/residents")
    sheet = openpyxl.load_workbook(io.BytesIO(data), read_only=True).worksheets[0]
    rows = [row for row in sheet.iter_rows(values_only=True, min_row=3) if any(row)]
    assert len(rows) == len(shown), ("export", len(rows), len(shown))
    plain = {
        city.numbers[str(cell)]
        for row in rows
        for cell in row
        if str(cell) in city.numbers and len(str(cell)) == 18
    }
    clear = {id_ for id_ in shown if admits(told.may_see("identity-number"), city.standing["Patient"][id_])}
    assert plain == clear, ("export in clear", plain ^ clear)
    counts["comparisons"] += 2
    counts["records compared"] += 2 * len(city.standing["Patient"])


async def numbers_agree(city: City, grant: Grant, told: Grant, shown: set[str], counts: Counter[str]) -> None:
    """The drill-down names the residents that are shown, of those behind the number; the number counts what it may."""
    platform = city.platform
    measure = next(one for one in all_measures(platform.services) if one.id == MEASURE)
    given = {
        one: platform.parameters.value(one, platform.settings.jurisdiction, today())
        for one in measure.parameters
    }
    snapshot, day, standing = platform.snapshot(), today(), city.standing["Patient"]

    def behind(who: Grant) -> set[str]:
        page = snapshot.subjects(who, measure, given, day, day, part="denominator", limit=1000)
        return {one.rpartition("/")[2] for one in page.subjects}

    every = behind(await platform.store.resolve_care(SYSTEM))
    resolved = await platform.store.resolve_care(grant)
    try:
        named = behind(resolved)
    except Forbidden:
        named = set()
        behind_it = {one.view.resource for one in all_views(platform.services) if one.name in measure.views}
        assert any(isinstance(grant.may_read(kind), Nothing) for kind in behind_it)
    else:
        assert named == every & shown, ("drill-down", named ^ (every & shown))
    counted = sum(1 for id_ in every if admits(told.may_count("Patient"), standing[id_]))
    try:
        result = snapshot.evaluate(resolved, measure, given, day, day)
    except Fault:
        return
    if isinstance(result.denominator, int | float) and result.denominator != counted:
        # what is small, or would tell what is small, is not shown
        assert getattr(result, "suppressed", None) or result.denominator in (0, None), (
            "number",
            result.denominator,
            counted,
        )
    counts["comparisons"] += 2
    counts["records compared"] += 2 * len(standing)
