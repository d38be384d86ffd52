"""A small city on a real database: a commission, a plan office, units, a centre, two hospitals, one resident."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kangshu.access import Grant, Subject, open_grant, system_grant
from kangshu.accounts import PARAMETERS
from kangshu.app.wiring import city_roles, city_services
from kangshu.base.canonical import DISTRICT, ORGANISATION_KIND, structure
from kangshu.base.clock import CITY_ZONE, now
from kangshu.base.parameters import ParameterTable
from kangshu.bookings import Bookings
from kangshu.cases import Cases
from kangshu.plans import OUTLETS, Papers, Plans
from kangshu.plans import PARAMETERS as PLAN_PARAMETERS
from kangshu.registers import Registers
from kangshu.sdk import Resource
from kangshu.store import Store

SYSTEM = system_grant("tests")
MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""Monday 2 March 2026, 9 o'clock in the city."""


@dataclass
class Clock:
    """A clock that a test sets."""

    at: datetime = MONDAY

    def __call__(self) -> datetime:
        return self.at


@dataclass
class City:
    """The wired engine and the accounts of the small city."""

    store: Store
    cases: Cases
    clock: Clock
    parameters: ParameterTable
    account: Callable[..., Grant]
    plans: Plans
    papers: Papers

    async def start_referral(self, **values: Any) -> str:
        """Start a draft referral of the resident by the centre; return its id."""
        filled = {**REFERRAL, **values}
        doctor = self.account("community-doctor", "centre")
        return (await self.cases.start(doctor, "referral/referral", filled, subject="Patient/zhang")).id


REFERRAL: dict[str, Any] = {
    "direction": "up",
    "receiver": "hospital",
    "urgency": "urgent",
    "indication": ["poor-response"],
    "criterion": "admit-treatment",
    "diagnosis": "高血压3级",
    "summary": "血压控制不佳两周",
    "consent": True,
}


def organisation(id_: str, name: str, kind: str, district: str = "990102") -> Resource:
    """Return an Organization of the small city."""
    return {
        "resourceType": "Organization",
        "id": id_,
        "active": True,
        "name": name,
        "type": [{"coding": [{"system": ORGANISATION_KIND, "code": kind}]}],
        "extension": [{"url": DISTRICT, "valueCode": district}],
    }


def resident() -> Resource:
    """Return the one resident."""
    return {
        "resourceType": "Patient",
        "id": "zhang",
        "name": [{"text": "张三"}],
        "gender": "male",
        "birthDate": "1950-01-01",
        "managingOrganization": {"reference": "Organization/centre"},
        "extension": [{"url": DISTRICT, "valueCode": "990102001"}],
    }


VISIT = (now().astimezone(CITY_ZONE) + timedelta(days=5)).replace(hour=9, minute=0, second=0, microsecond=0)
"""When the slots of the small city begin: bookings are made by the day that it really is."""


def slot(id_: str, hospital: str = "hospital", status: str = "free") -> Resource:
    """Return a slot some days ahead."""
    return {
        "resourceType": "Slot",
        "id": id_,
        "schedule": {"reference": "Schedule/one"},
        "status": status,
        "start": VISIT.isoformat(),
        "end": (VISIT + timedelta(minutes=30)).isoformat(),
        "extension": [
            {
                "url": structure("responsible-organisation"),
                "valueReference": {"reference": f"Organization/{hospital}"},
            }
        ],
    }


@pytest.fixture
async def city(store: Store) -> City:
    """The small city, with the services of the product."""
    records = [
        organisation("office", "云汐市政府督查室", "government", "990100"),
        organisation("health", "云汐市卫生健康委员会", "commission", "990100"),
        organisation("civil", "云汐市民政局", "government", "990100"),
        organisation("finance", "云汐市财政局", "government", "990100"),
        organisation("centre", "西江社区卫生服务中心", "community-health-centre"),
        organisation("hospital", "云汐市第一人民医院", "tertiary-hospital"),
        organisation("other", "西江区中心医院", "secondary-hospital"),
        resident(),
        {"resourceType": "Schedule", "id": "one", "actor": [{"reference": "Organization/hospital"}]},
        slot("slot-1"),
        slot("slot-2"),
        slot("slot-taken", status="busy"),
        slot("slot-elsewhere", hospital="other"),
    ]
    for record in records:
        await store.update(SYSTEM, record)
    services = city_services()
    Registers(
        store, [one for service in services for one in service.registers]
    )  # the store counts their places
    parameters = ParameterTable(
        [*PARAMETERS, *PLAN_PARAMETERS, *(one for service in services for one in service.parameters)]
    )
    clock = Clock()
    declared = [case for service in services for case in service.cases]
    outlets = dict(OUTLETS)
    cases = Cases(store, declared, parameters, jurisdiction="990100", clock=clock, outlets=outlets)
    booked = [one for service in services for one in service.bookings]
    cases.book_with(Bookings(store, booked, parameters, jurisdiction="990100"))
    plans = Plans(store, cases, parameters, jurisdiction="990100", clock=clock)
    documents = [one for service in services for one in service.documents]
    papers = Papers(store, plans, cases, documents, clock=clock)
    outlets.update(papers.outlets())
    roles = city_roles()

    def account(
        role: str, organisation: str = "", *, name: str = "", below: Collection[str] = (), **more: Any
    ) -> Grant:
        subject = Subject(
            account=name or f"{role}@{organisation or 'city'}",
            display=name or f"{roles[role].title.zh}·{organisation}",
            organisation=organisation,
            organisations=frozenset({organisation, *below} - {""}),
            district=more.pop("district", "990100"),
            **more,
        )
        return open_grant(subject, [roles[role]])

    return City(store, cases, clock, parameters, account, plans, papers)
