"""A small city served over HTTP on a database of its own: hospitals of two tiers, a centre, a home, some residents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from kangshu.access import system_grant
from kangshu.accounts import Account
from kangshu.app.installation import Identity, Installation
from kangshu.app.wiring import Place
from kangshu.base.canonical import DISTRICT, ORGANISATION_KIND, code_system, structure
from kangshu.base.clock import CITY_ZONE, now
from kangshu.sdk import Resource
from tests.databases import database
from tests.web.site import Site, served

SYSTEM = system_grant("tests")


def at(days: int, hour: int, minute: int = 0) -> datetime:
    """Return a moment of the city `days` from today."""
    day = now().astimezone(CITY_ZONE).date() + timedelta(days=days)
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=CITY_ZONE)


def organisation(id_: str, name: str, kind: str) -> Resource:
    """Return an Organization."""
    return {
        "resourceType": "Organization", "id": id_, "active": True, "name": name,
        "type": [{"coding": [{"system": ORGANISATION_KIND, "code": kind}]}],
        "extension": [{"url": DISTRICT, "valueCode": "990102"}],
    }  # fmt: skip


def resident(id_: str, birth: str = "1990-01-01") -> Resource:
    """Return a resident of the centre."""
    return {
        "resourceType": "Patient", "id": id_, "name": [{"text": f"居民{id_}"}], "birthDate": birth, "gender": "female",
        "managingOrganization": {"reference": "Organization/centre"},
        "extension": [{"url": DISTRICT, "valueCode": "990102001"}],
    }  # fmt: skip


def slot(
    id_: str,
    start: datetime,
    *,
    places: int = 1,
    pool: str = "",
    hospital: str = "hospital",
    department: str = "心血管内科",
    minutes: int = 60,
    **more: Any,
) -> Resource:
    """Return a free slot."""
    extensions: list[Resource] = [
        {
            "url": structure("responsible-organisation"),
            "valueReference": {"reference": f"Organization/{hospital}"},
        },
        {"url": structure("capacity"), "valuePositiveInt": places},
    ]
    if pool:
        extensions.append({"url": structure("reserved-for"), "valueCode": pool})
    return {
        "resourceType": "Slot", "id": id_, "status": "free", "start": start.isoformat(),
        "end": (start + timedelta(minutes=minutes)).isoformat(), "specialty": [{"text": department}],
        "schedule": {"reference": f"Schedule/schedule-{hospital}"}, "extension": extensions, **more,
    }  # fmt: skip


def department(id_: str, hospital: str = "hospital", kind: str = "outpatient") -> Resource:
    """Return a department that can be booked."""
    coding = {"system": code_system("booking-kind"), "code": f"appointments/{kind}"}
    return {
        "resourceType": "HealthcareService", "id": id_, "active": True, "name": f"心血管内科门诊 {id_}",
        "providedBy": {"reference": f"Organization/{hospital}"}, "category": [{"coding": [coding]}],
        "specialty": [{"text": "心血管内科"}],
    }  # fmt: skip


def given() -> Iterator[Resource]:
    """Yield what the city has."""
    yield organisation("hospital", "云汐市第一人民医院", "tertiary-hospital")
    yield organisation("county", "青岚县人民医院", "secondary-hospital")
    yield organisation("centre", "柳溪社区卫生服务中心", "community-health-centre")
    yield organisation("stranger", "远山社区卫生服务中心", "community-health-centre")
    yield organisation("home", "暮云养老院", "elder-institution")
    for number in range(1, 6):
        yield resident(f"r{number}")
    yield resident("elder", "1940-05-01")
    for hospital in ("hospital", "county"):
        yield department(f"service-{hospital}", hospital)
        yield {
            "resourceType": "Schedule", "id": f"schedule-{hospital}", "active": True,
            "actor": [{"reference": f"HealthcareService/service-{hospital}"}],
            "specialty": [{"text": "心血管内科"}],
            "extension": [
                {"url": structure("responsible-organisation"), "valueReference": {"reference": f"Organization/{hospital}"}}
            ],
        }  # fmt: skip
        yield {
            "resourceType": "OrganizationAffiliation", "id": f"alliance-{hospital}", "active": True,
            "organization": {"reference": f"Organization/{hospital}"},
            "participatingOrganization": {"reference": "Organization/centre"},
            "code": [{"coding": [{"system": code_system("affiliation-kind"), "code": "medical-alliance"}]}],
        }  # fmt: skip


@dataclass
class Town:
    """The served city: clients by role and organisation, and the rooms behind them."""

    site: Site
    database: str
    _clients: dict[tuple[str, str, str], httpx.Client] = field(default_factory=dict)

    def client(self, role: str, organisation_: str = "", patient: str = "") -> httpx.Client:
        """Return a client with a bearer token of an account in that post."""
        key = (role, organisation_, patient)
        if key not in self._clients:
            name = f"{role}-{organisation_ or patient}"
            accounts = self.site.platform.accounts
            account = Account(
                name=name,
                display=name,
                roles=(role,),
                organisation=organisation_,
                patient=patient,
                district="990102",
            )
            self.site.run(accounts.create_account(SYSTEM, account))
            token = self.site.run(accounts.create_token(name, timedelta(hours=1)))
            headers = {"Authorization": f"Bearer {token}"}
            self._clients[key] = httpx.Client(
                base_url=f"{self.site.address}/fhir", headers=headers, timeout=60
            )
        return self._clients[key]

    def put(self, *resources: Resource) -> None:
        """Write records as the system."""
        for one in resources:
            self.site.run(self.site.platform.store.update(SYSTEM, one))

    def record(self, kind: str, id_: str) -> Resource:
        """Return a record as it stands."""
        return self.site.run(self.site.platform.store.read(SYSTEM, kind, id_)).resource

    def found(self, kind: str, criteria: str) -> list[Resource]:
        """Return what criteria find."""
        return self.site.run(self.site.platform.store.search_all(SYSTEM, kind, criteria))


def notices(town: Town, id_: str) -> list[str]:
    """Return what residents were told about an appointment."""
    found = town.found("Communication", "subject:missing=false&_count=500")
    return [
        one["payload"][0]["contentString"]
        for one in found
        if one["about"][0]["reference"] == f"Appointment/{id_}"
    ]


def inputs(**values: Any) -> Resource:
    """Return a Parameters resource."""
    kinds = {bool: "valueBoolean", int: "valueInteger", str: "valueString"}
    parts = [{"name": name, kinds[type(value)]: value} for name, value in values.items()]
    return {"resourceType": "Parameters", "parameter": parts}


@pytest.fixture(scope="module")
def town(
    postgres_url: str,
    template_database: str,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Town]:
    """The served city of a module."""
    name = f"kangshu_{request.module.__name__.rpartition('.')[2]}_{template_database[-20:]}"
    folder: Path = tmp_path_factory.mktemp("town")
    identity = Identity("town", jurisdiction="990100", demo=False, city_zh="云汐市", city_en="Yunxi")
    place = Place(folder, Installation(folder).views, identity)
    with database(postgres_url, name, template_database) as url, served(url, place, {}) as site:
        made = Town(site, url)
        made.put(*given())
        yield made
