"""First-screen sections: what is counted, what runs out, and who is due, each as the account may see it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from kangshu.app.wiring import city_services
from kangshu.base.canonical import code_system
from kangshu.base.faults import Forbidden
from kangshu.registers import Registers
from kangshu.sdk import HomeSection, Resource
from kangshu.store import Store
from tests.cases.conftest import SYSTEM, organisation
from tests.registers.test_registers import account, patient

DAY = date(2026, 3, 1)
SERVICES = city_services()
SECTIONS = {section.id: section for service in SERVICES for section in service.home}


def kind(system: str, code: str) -> Resource:
    """Return a CodeableConcept of ours."""
    return {"coding": [{"system": code_system(system), "code": code}]}


def agreement(id_: str, home: str, partner: str, end: str, status: str = "executed") -> Resource:
    """Return an agreement of a home with a partner."""
    return {
        "resourceType": "Contract",
        "id": id_,
        "status": status,
        "type": kind("contract-kind", "medical-elder"),
        "subject": [{"reference": f"Organization/{home}"}],
        "authority": [{"reference": f"Organization/{partner}"}],
        "applies": {"start": "2024-01-01", "end": end},
    }


@pytest.fixture
async def registers(store: Store) -> Registers:
    """Two homes with beds, residents, assessments and agreements."""
    found = Registers(store, (one for service in SERVICES for one in service.registers))
    for name in ("home", "other"):
        await store.update(SYSTEM, organisation(name, name, "elder-institution"))
    for name in ("clinic", "hospital"):
        await store.update(SYSTEM, organisation(name, name, "secondary-hospital"))
    physical = {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/location-physical-type", "code": "bd"}]
    }
    for order, state in enumerate("OOU", 1):
        bed = {"resourceType": "Location", "id": f"bed{order}", "name": f"{order}床", "status": "active"}
        bed |= {"physicalType": physical, "type": [kind("bed-kind", "nursing")]}
        bed["operationalStatus"] = {"system": "http://terminology.hl7.org/CodeSystem/v2-0116", "code": state}
        await store.update(SYSTEM, {**bed, "managingOrganization": {"reference": "Organization/home"}})
    for order, home in enumerate(("home", "home", "home", "other"), 1):
        await store.update(SYSTEM, patient(order, home))
        stay: dict[str, Any] = {"resourceType": "EpisodeOfCare", "id": f"stay{order}", "status": "active"}
        stay |= {"type": [kind("episode-kind", "elder-residence")], "period": {"start": f"2025-01-0{order}"}}
        stay |= {"patient": {"reference": f"Patient/p{order}"}}
        await store.update(SYSTEM, {**stay, "managingOrganization": {"reference": f"Organization/{home}"}})
    for order, day in ((1, "2024-05-01"), (1, "2025-03-01"), (2, "2025-02-28"), (4, "2020-01-01")):
        seen: dict[str, Any] = {"resourceType": "Observation", "id": f"seen{order}-{day}", "status": "final"}
        seen |= {"code": kind("assessment", "elder-ability"), "subject": {"reference": f"Patient/p{order}"}}
        await store.update(SYSTEM, {**seen, "effectiveDateTime": day, "valueInteger": 40})
    for one in (
        agreement("a-old", "home", "clinic", "2026-01-01"),
        agreement("a-renewed", "home", "clinic", "2027-01-01"),
        agreement("b-soon", "home", "hospital", "2026-05-30"),
        agreement("c-others", "other", "hospital", "2026-02-01"),
        agreement("d-offered", "home", "other", "2026-03-02", "offered"),
    ):
        await store.update(SYSTEM, one)
    return found


DIRECTOR = account("elder-care-director", "home")


async def shown(registers: Registers, section: HomeSection, within: int = 0) -> tuple[int, int, list[str]]:
    """Return count, whole and the ids of what a section shows the director."""
    found = await registers.section(DIRECTOR, section, within, DAY)
    return found.count, found.whole, [one.id for one in found.rows] or [one.id for one in found.due]


async def test_what_is_counted(registers: Registers) -> None:
    assert await shown(registers, SECTIONS["living-here"]) == (3, 3, ["stay3", "stay2", "stay1"])
    assert await shown(registers, SECTIONS["free-beds"]) == (1, 3, ["bed3"])
    free = await registers.section(DIRECTOR, SECTIONS["free-beds"], 0, DAY)
    assert [text.zh for text in free.rows[0].texts.values()] == ["3床", "护理型"]


async def test_only_the_last_of_a_series_ends(registers: Registers) -> None:
    ending = SECTIONS["agreements-ending"]
    assert await shown(registers, ending, 89) == (0, 2, [])
    assert await shown(registers, ending, 90) == (1, 2, ["b-soon"])
    found = await registers.section(DIRECTOR, ending, 400, DAY)
    assert [(one.id, one.day, one.past) for one in found.due] == [
        ("b-soon", date(2026, 5, 30), False),
        ("a-renewed", date(2027, 1, 1), False),
    ]
    late = await registers.section(DIRECTOR, ending, 0, date(2027, 1, 2))
    assert [one.past for one in late.due] == [True, True]


async def test_who_is_due(registers: Registers) -> None:
    found = await registers.section(DIRECTOR, SECTIONS["assessments-due"], 12, DAY)
    assert (found.count, found.whole) == (2, 3)
    assert [(found.names[one.id], one.day, one.past) for one in found.due] == [
        ("居民03", None, False),
        ("居民02", date(2025, 2, 28), True),
    ]
    assert (await registers.section(DIRECTOR, SECTIONS["assessments-due"], 24, DAY)).count == 1


async def test_a_section_needs_the_register_and_an_organisation(registers: Registers) -> None:
    with pytest.raises(Forbidden):
        await registers.section(account("resident"), SECTIONS["free-beds"], 0, DAY)
    nobody = await registers.section(account("elder-care-director", ""), SECTIONS["free-beds"], 0, DAY)
    assert (nobody.count, nobody.whole) == (0, 0)
