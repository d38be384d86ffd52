"""The ready-made roles hold their tests (accounts/roles_tests.yaml): as predicates, in the store, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from kangshu.access import (
    Care,
    DataKind,
    Grant,
    Nothing,
    Scope,
    Subject,
    admits,
    data_kinds,
    open_grant,
    system_grant,
)
from kangshu.accounts import Account, Accounts
from kangshu.api import fhir_app
from kangshu.app.demo_accounts import demo_identity
from kangshu.app.wiring import Place, city_roles, open_platform, service_packages
from kangshu.base.canonical import CASE_KIND, DISTRICT, code_system, structure
from kangshu.base.faults import Conflict, Forbidden, NotFound
from kangshu.sdk import Resource
from kangshu.services import discover
from kangshu.store import Store

SYSTEM = system_grant("test")


def whole_table() -> dict[str, Any]:
    """Return the tests of the ready-made roles with those that service folders keep beside their roles.yaml."""
    text = (files("kangshu.accounts") / "roles_tests.yaml").read_text("utf-8")
    table: dict[str, Any] = yaml.safe_load(text)
    for draft in discover(*service_packages()):
        said = draft.roles.tests
        for part in ("organisations", "residents", "posts", "roles"):
            more = said.get(part, {})
            assert not table[part].keys() & more.keys(), f"{draft.id}: {part} that there are already"
            table[part] |= more
        for role, more in said.get("extend", {}).items():
            held = table["roles"][role]
            for kind, letters in more.get("covers", {}).items():
                held["covers"][kind] = "".join(sorted({*held["covers"].get(kind, ""), *letters}))
            held["tests"] += more["tests"]
    return table


TABLE = whole_table()
ORGANISATIONS: dict[str, dict[str, str]] = TABLE["organisations"]
RESIDENTS: dict[str, dict[str, Any]] = TABLE["residents"]
RESPONSIBLE = structure("responsible-organisation")
PURPOSES = frozenset(
    [
        "CAREMGT",
        "COC",
        "COVERAGE",
        "ELIGDTRM",
        "ETREAT",
        "FAMRQT",
        "HCOMPL",
        "HOPERAT",
        "HPAYMT",
        "HRESCH",
        "HSYSADMIN",
        "PATADMIN",
        "PATRQT",
        "PERFMSR",
        "PUBHLTH",
        "RECORDMGT",
        "SYSADMIN",
        "TREAT",
    ]
)
"""The codes of v3-PurposeOfUse (2018-08-12) that the roles serve; HMARKT is not among them and shall not be."""
LABELS = frozenset({"R", "V", "HIV", "STD", "PSY", "SUD", "SDV", "STATISTICS"})
"""v3-Confidentiality and v3-ActCode (information sensitivity)."""

SUBJECTS = {
    "Appointment": "participant", "AllergyIntolerance": "patient", "Claim": "patient", "ClaimResponse": "patient",
    "Consent": "patient", "EpisodeOfCare": "patient", "Immunization": "patient", "Task": "for",
}  # fmt: skip
"""Where a record names its resident; `subject` in all others."""


@dataclass(frozen=True)
class Record:
    """A record that a test is about: `treated@hospital+HIV`."""

    resident: str
    organisation: str
    labels: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Record:
        place, *labels = text.split("+")
        resident, _, organisation = place.partition("@")
        assert resident == "nobody" or resident in RESIDENTS, text
        assert not organisation or "/" in organisation or organisation in ORGANISATIONS, text
        return cls("" if resident == "nobody" else resident, organisation, tuple(labels))

    def scope(self, kind: str) -> Scope:
        """Return where a record of this `kind` belongs."""
        held = RESIDENTS.get(self.resident, {})
        organisations = {self.organisation} if self.organisation else set()
        if kind == "Patient":
            organisations.add(held["by"])
        place = held.get("district") or ORGANISATIONS.get(self.organisation, {}).get("district", "")
        care = [Care("managed", held["by"])] if self.resident else []
        care += [Care(relation, who) for relation, who in held.get("care", ())]
        return Scope(place, tuple(sorted(organisations)), self.resident, self.labels, tuple(care))


def below(root: str) -> frozenset[str]:
    """Return the organisation and those below it."""
    return frozenset(
        {root, *(name for name, one in ORGANISATIONS.items() if one.get("part_of") == root)} - {""}
    )


def subject(role: str) -> Subject:
    """Return the holder of `role` in the post of its tests."""
    post = TABLE["posts"][TABLE["roles"][role]["post"]]
    organisation = post.get("organisation", "")
    return Subject(
        account="holder",
        display="",
        organisation=organisation,
        organisations=below(organisation),
        patient=post.get("patient", ""),
        practitioner=post.get("practitioner", ""),
        wards=frozenset(post.get("wards", ())),
        mandates=frozenset(post.get("mandates", ())),
        district=post.get("district", ""),
    )


def grant_of(role: str, purpose: str = "") -> Grant:
    return open_grant(subject(role), [city_roles()[role]], purpose)


def holds(grant: Grant, role: str, action: str, what: str, where: str) -> bool:
    """Return what `grant` says to one test."""
    match action:
        case "may":
            return grant.may(what)
        case "purpose":
            other = grant_of(role, what)
            return bool(other.roles) and other.operations == grant.operations
        case "fixed":
            return where in grant.fixed_in(what)
        case "clear":
            return admits(grant.may_see(what), Record.parse(where).scope("Patient"))
    asked: dict[str, Callable[[str], Any]] = {
        "read": grant.may_read, "write": grant.may_write, "count": grant.may_count
    }  # fmt: skip
    return admits(asked[action](what), Record.parse(where).scope(what))


def cases_of(role: str) -> list[tuple[str, str, str, bool, str]]:
    """Return the tests of `role`: action, what, where, whether, why."""
    found = []
    for action, what, *rest in TABLE["roles"][role]["tests"]:
        where = rest[0] if len(rest) == 3 else ""
        found.append((action, what, where, rest[-2], rest[-1]))
    return found


CASES = [(role, *one) for role in TABLE["roles"] for one in cases_of(role)]


def test_every_role_has_its_tests_and_no_test_is_of_none() -> None:
    assert TABLE["roles"].keys() == city_roles().keys()


@pytest.mark.parametrize("role", sorted(TABLE["roles"]))
def test_the_tests_of_a_role_say_both_yes_and_no(role: str) -> None:
    asked = {(action, whether) for action, _what, _where, whether, _why in cases_of(role)}
    assert asked >= {("read", True), ("read", False), ("write", False), ("may", True), ("may", False),
                     ("purpose", True), ("purpose", False)}  # fmt: skip
    assert {"count", "clear"} <= {action for action, _ in asked}
    assert any("+" in where for _action, _what, where, _whether, _why in cases_of(role)), "no label is tried"
    if city_roles()[role].fixed:
        assert ("fixed", True) in asked or role == "community-doctor"
    assert all(why for *_, why in cases_of(role))


@pytest.mark.parametrize(("role", "action", "what", "where", "whether", "why"), CASES)
def test_a_role_allows_and_refuses_what_its_tests_say(
    role: str, action: str, what: str, where: str, whether: bool, why: str
) -> None:
    assert holds(grant_of(role), role, action, what, where) is whether, why


@pytest.mark.parametrize("role", sorted(TABLE["roles"]))
@pytest.mark.parametrize("kind", data_kinds(), ids=lambda one: one.id)
def test_the_matrix_of_roles_and_kinds_is_whole(role: str, kind: DataKind) -> None:
    """What is not written down in `covers` is closed: a role that comes to open a kind of data fails here."""
    grant = grant_of(role)
    asked = {"r": grant.may_read, "w": grant.may_write, "c": grant.may_count}
    opened = {letter for letter, may in asked.items() if any(may(name) != Nothing() for name in kind.types)}
    assert opened == set(TABLE["roles"][role]["covers"].get(kind.id, ""))


@pytest.mark.parametrize("role", sorted(TABLE["roles"]))
def test_a_role_says_what_it_is_for(role: str) -> None:
    held = city_roles()[role]
    assert held.description.zh
    assert held.description.en
    assert set(held.purposes) <= PURPOSES
    assert held.labels <= LABELS
    assert "V" not in held.labels, "very restricted records open to residents and in an emergency alone"


def test_only_who_treats_may_break_the_glass_and_who_reviews_may_not() -> None:
    roles = city_roles().values()
    breaking = {one.id for one in roles if "emergency.access" in one.operations}
    assert breaking == {"hospital-physician", "hospital-nurse", "community-doctor", "village-doctor"}
    reviewing = {one.id for one in roles if "emergency.review" in one.operations}
    assert reviewing == {"data-protection-officer"}


def test_nobody_but_the_resident_or_guardian_writes_a_consent() -> None:
    for role in city_roles():
        writes = grant_of(role).may_write("Consent") != Nothing()
        assert writes == (role in ("resident", "guardian")), role


# In the store


def extensions(organisation: str, district: str = "") -> list[Resource]:
    found: list[Resource] = []
    if organisation:
        reference = organisation if "/" in organisation else f"Organization/{organisation}"
        found.append({"url": RESPONSIBLE, "valueReference": {"reference": reference}})
    if district:
        found.append({"url": DISTRICT, "valueCode": district})
    return found


async def build_world(store: Store) -> None:
    """Write the organisations and residents of the table, and what opened or closed their care."""
    for name, one in ORGANISATIONS.items():
        made: Resource = {"resourceType": "Organization", "id": name, "name": name,
                          "extension": extensions("", one["district"])}  # fmt: skip
        if "part_of" in one:
            made["partOf"] = {"reference": f"Organization/{one['part_of']}"}
        await store.update(SYSTEM, made)
    for name, held in RESIDENTS.items():
        await store.update(
            SYSTEM,
            {"resourceType": "Patient", "id": name, "extension": extensions("", held["district"]),
             "managingOrganization": {"reference": f"Organization/{held['by']}"}},
        )  # fmt: skip
        if "made_by" in held:
            await store.update(SYSTEM, relation(name, **held["made_by"]))


def relation(resident: str, type: str, status: str, organisation: str) -> Resource:
    """Return the record that opens, or has closed, an organisation's care for a resident."""
    who, where = {"reference": f"Patient/{resident}"}, {"reference": f"Organization/{organisation}"}
    made: Resource = {"resourceType": type, "id": f"opens-{resident}", "status": status}
    match type:
        case "Contract":
            made |= {"subject": [who], "authority": [where]}
        case "Encounter":
            made |= {"subject": who, "serviceProvider": where, "class": {"code": "AMB"}}
        case "EpisodeOfCare":
            stay = {"system": code_system("episode-kind"), "code": "elder-residence"}
            made |= {"patient": who, "managingOrganization": where, "type": [{"coding": [stay]}]}
        case _:
            made |= {"for": who, "owner": where, "intent": "order",
                     "code": {"coding": [{"system": CASE_KIND, "code": "referral/referral"}]}}  # fmt: skip
    return made


def resource(kind: str, where: str, id_: str) -> Resource:
    """Return a record of `kind` that lies where the test says."""
    record = Record.parse(where)
    if kind == "Patient":
        held = RESIDENTS[record.resident]
        made: Resource = {"resourceType": kind, "id": record.resident,
                          "extension": extensions(record.organisation, held["district"]),
                          "managingOrganization": {"reference": f"Organization/{held['by']}"}}  # fmt: skip
    else:
        made = {"resourceType": kind, "id": id_, "extension": extensions(record.organisation)}
        if record.resident:
            named: Any = {"reference": f"Patient/{record.resident}"}
            element = SUBJECTS.get(kind, "subject")
            if element == "participant":
                named = [{"actor": named, "status": "accepted"}]
            made[element] = [named] if kind == "Contract" else named
    made["meta"] = {
        "security": [{"code": label, "system": "http://kangshu.org/test"} for label in record.labels]
    }
    return made


STORED = frozenset({"Patient", "Condition", "Observation", "CarePlan", "Immunization", "Encounter", "EpisodeOfCare",
                    "DiagnosticReport", "Composition", "ServiceRequest", "Task", "Communication", "Appointment",
                    "Consent", "Claim", "Contract"})  # fmt: skip


def mandate(giver: str, person: str) -> Resource:
    """Return what says that `giver` has charged `person` (a reference) with their affairs."""
    return {
        "resourceType": "RelatedPerson",
        "id": f"mandate-{giver}",
        "active": True,
        "patient": {"reference": f"Patient/{giver}"},
        "relationship": [{"coding": [{"system": code_system("representation"), "code": "mandate"}]}],
        "period": {"start": "2020-01-01", "end": "2999-12-31"},
        "extension": [
            {"url": structure("representative"), "valueReference": {"reference": person}},
            {"url": structure("proof"), "valueReference": {"reference": "DocumentReference/paper"}},
        ],
    }


async def holder(store: Store, accounts: Accounts, role: str) -> Grant:
    """Make an account with `role` in the post of its tests and return its grant."""
    post = {"organisation": "", **TABLE["posts"][TABLE["roles"][role]["post"]]}
    wards, mandates = tuple(post.pop("wards", ())), post.pop("mandates", ())
    for giver in mandates:
        person = f"Patient/{post['patient']}" if "patient" in post else f"Practitioner/{post['practitioner']}"
        await store.update(SYSTEM, mandate(giver, person))
    await accounts.create_account(SYSTEM, Account(role, "", (role,), wards=wards, **post))
    accounts.forget()
    return await accounts.open_grant(role)


@pytest.mark.parametrize("role", sorted(TABLE["roles"]))
async def test_the_store_keeps_to_what_the_tests_of_a_role_say(database_url: str, role: str) -> None:
    """Each read and write of the table, tried on records in PostgreSQL with a grant that accounts have opened."""
    store = await Store.open(database_url)
    try:
        accounts = Accounts(store, roles=city_roles())
        await build_world(store)
        grant = await holder(store, accounts, role)
        wrong, tried = [], 0
        for number, (action, what, where, whether, why) in enumerate(cases_of(role)):
            if action not in ("read", "write") or what not in STORED:
                continue
            body = resource(what, where, f"x{number}")
            if what == "Patient" and action == "write":
                body.pop("meta")
            await store.update(SYSTEM, body)
            try:
                if action == "read":
                    await store.read(grant, what, body["id"])
                else:
                    await store.update(grant, {**body, "language": "zh"})
                found = True
            except (NotFound, Forbidden, Conflict):
                found = False
            tried += 1
            if found is not whether:
                wrong.append(f"{action} {what} {where}: {found}; {why}")
            if what == "Patient":
                await store.update(SYSTEM, resource("Patient", Record.parse(where).resident, ""))
        assert not wrong, "\n".join(wrong)
        assert tried >= 2, "the table has nothing that the store could be asked"
    finally:
        await store.close()


@pytest.mark.parametrize("role", ["hospital-nurse", "village-doctor", "public-health-worker", "resident"])
async def test_reads_and_searches_over_http_agree_with_the_tests(
    database_url: str, tmp_path: Path, role: str
) -> None:
    place = Place(tmp_path, tmp_path / "views", demo_identity())
    async with open_platform(database_url, place) as platform:
        await build_world(platform.store)
        await holder(platform.store, platform.accounts, role)
        token = await platform.accounts.create_token(role, timedelta(hours=1))
        transport = httpx.ASGITransport(fhir_app(platform))
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://test/fhir", headers=headers
        ) as client:
            for number, (action, what, where, whether, why) in enumerate(cases_of(role)):
                if action != "read" or what not in STORED:
                    continue
                body = resource(what, where, f"x{number}")
                await platform.store.update(SYSTEM, body)
                platform.accounts.forget()
                read = await client.get(f"/{what}/{body['id']}")
                assert read.status_code == (200 if whether else 404), (what, where, why)
                found = (await client.get(f"/{what}?_id={body['id']}&_total=accurate")).json()
                assert found["total"] == int(whether), (what, where, why)
