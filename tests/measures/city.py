"""A small city written by hand, and what the tests of measures share: the declared services and a feed of changes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import kangshu_services
from kangshu.access import Grant, Scope
from kangshu.base.canonical import DISTRICT, code_system, structure
from kangshu.measures import Snapshot, ViewKeeper, Views
from kangshu.sdk import (
    AwaitedMeasure,
    MeasureDeclaration,
    ParameterDeclaration,
    Resource,
    Service,
    ViewDeclaration,
)
from kangshu.services import Draft, discover, freeze, read_folder

BED = "http://terminology.hl7.org/CodeSystem/location-physical-type"


# ---------------------------------------------------------------------- declarations


@cache
def _drafts() -> tuple[Draft, ...]:
    return discover("kangshu_services")


@cache
def views() -> tuple[ViewDeclaration, ...]:
    """Return the views that the service folders declare."""
    return tuple(view for draft in _drafts() for view in draft.views)


@cache
def measures() -> dict[str, MeasureDeclaration]:
    """Return the measures that the service folders declare, by id."""
    return {measure.id: measure for draft in _drafts() for measure in draft.measures}


@cache
def awaited() -> tuple[AwaitedMeasure, ...]:
    """Return the measures without a number that the service folders declare."""
    return tuple(one for draft in _drafts() for one in draft.awaited)


@cache
def parameters() -> tuple[ParameterDeclaration, ...]:
    """Return the dated parameters that the service folders declare."""
    return tuple(parameter for draft in _drafts() for parameter in draft.parameters)


def service_of(id_: str) -> Service:
    """Return a service folder of the product as it is installed."""
    return freeze(read_folder(Path(kangshu_services.__path__[0]) / id_, f"kangshu_services.{id_}"))


def values() -> dict[str, Any]:
    """Return the value of every parameter by id."""
    return {one.id: one.value for one in parameters()}


# ---------------------------------------------------------------------- a feed in memory


@dataclass(frozen=True)
class Change:
    """What the store's feed says of one change."""

    position: int
    type: str
    id: str
    kind: str
    resource: Resource | None
    scope: Scope
    version: int = 1


@dataclass
class Feed:
    """A feed of changes, as the store keeps it; the Protocol that the keeper reads."""

    changes: list[Change] = field(default_factory=list)
    identity: str = "test"

    def write(self, *resources: Resource, kind: str = "create") -> None:
        for resource in resources:
            change = Change(
                len(self.changes) + 1,
                resource["resourceType"],
                resource["id"],
                kind,
                None if kind == "delete" else resource,
                scope_of(resource, [one.resource for one in self.changes if one.resource] + list(resources)),
                1 + sum(self._is(one, resource) for one in self.changes),
            )
            self.changes.append(change)

    @staticmethod
    def _is(change: Change, resource: Resource) -> bool:
        return (change.type, change.id) == (resource["resourceType"], resource["id"])

    async def feed(self, grant: Grant, after: int, limit: int = 1000) -> Sequence[Change]:
        return self.changes[after : after + limit]

    async def feed_position(self) -> int:
        return len(self.changes)


def snapshot_of(folder: Path, resources: Iterable[Resource], views: Iterable[ViewDeclaration]) -> Snapshot:
    """Return a snapshot, kept in `folder`, of `views` over these resources alone."""
    feed = Feed()
    feed.write(*resources)
    asyncio.run(ViewKeeper(feed, folder, Views(views)).refresh())
    return Snapshot.open(folder)


def scope_of(resource: Resource, others: Iterable[Resource]) -> Scope:
    """Return the scope that the store derives: the own division, else the resident's, else the organisation's."""
    known = {f"{one['resourceType']}/{one['id']}": one for one in others}
    references = [one for one in _references(resource) if one]
    patient = resource["id"] if resource["resourceType"] == "Patient" else ""
    patient = patient or next((one[8:] for one in references if one.startswith("Patient/")), "")
    organisations = [one[13:] for one in references if one.startswith("Organization/")]
    if resource["resourceType"] == "Organization":
        organisations.insert(0, resource["id"])
    district = _district(resource) or _district(known.get(f"Patient/{patient}", {}))
    for one in organisations:
        district = district or _district(known.get(f"Organization/{one}", {}))
    labels = sorted(one["code"] for one in resource.get("meta", {}).get("security", ()))
    return Scope(district, tuple(dict.fromkeys(organisations)), patient, tuple(labels))


def _district(resource: Mapping[str, Any]) -> str:
    found = [one["valueCode"] for one in resource.get("extension", []) if one["url"] == DISTRICT]
    return found[0] if found else ""


def _references(value: Any) -> Iterable[str]:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


# ---------------------------------------------------------------------- resources


def resident(
    id_: str, born: str, district: str = "990102001", *, insurance: str = "", **more: Any
) -> Resource:
    insured = [{"url": structure("insurance"), "valueCode": insurance}] if insurance else []
    made: Resource = {
        "resourceType": "Patient",
        "id": id_,
        "active": True,
        "gender": "female",
        "birthDate": born,
        "extension": [{"url": DISTRICT, "valueCode": district}, *insured],
        "managingOrganization": {"reference": "Organization/chc-1"},
    }
    return made | more


def organisation(
    id_: str,
    kind: str,
    district: str = "990102",
    *,
    unit: bool | None = None,
    owner: str = "public",
    **more: Any,
) -> Resource:
    extensions: list[Any] = [
        {"url": DISTRICT, "valueCode": district},
        {"url": structure("ownership"), "valueCode": owner},
    ]
    if unit is not None:
        extensions.append({"url": structure("internal-medical-unit"), "valueBoolean": unit})
    made: Resource = {
        "resourceType": "Organization",
        "id": id_,
        "active": True,
        "type": [{"coding": [{"system": code_system("organisation-kind"), "code": kind}]}],
        "name": id_,
        "extension": extensions,
    }
    return made | more


def bed(id_: str, home: str, kind: str = "general", **more: Any) -> Resource:
    made: Resource = {
        "resourceType": "Location",
        "id": id_,
        "status": "active",
        "physicalType": {"coding": [{"system": BED, "code": "bd"}]},
        "type": [{"coding": [{"system": code_system("bed-kind"), "code": kind}]}],
        "managingOrganization": {"reference": f"Organization/{home}"},
    }
    return made | more


def contract(
    id_: str, kind: str, subject: str, start: str, end: str | None, provider: str = "chc-1", **more: Any
) -> Resource:
    applies = {"start": start} | ({"end": end} if end else {})
    made: Resource = {
        "resourceType": "Contract",
        "id": id_,
        "status": "executed",
        "type": {"coding": [{"system": code_system("contract-kind"), "code": kind}]},
        "subject": [{"reference": subject}],
        "authority": [{"reference": f"Organization/{provider}"}],
        "applies": applies,
    }
    return made | more


def management(id_: str, resident_id: str, start: str, status: str = "finished") -> Resource:
    return {
        "resourceType": "Encounter",
        "id": id_,
        "status": status,
        "extension": [{"url": structure("complete-form"), "valueBoolean": True}],
        "class": {"code": "AMB"},
        "type": [{"coding": [{"system": code_system("encounter-kind"), "code": "elder-health-management"}]}],
        "subject": {"reference": f"Patient/{resident_id}"},
        "period": {"start": start},
        "serviceProvider": {"reference": "Organization/chc-1"},
    }


def assessment(id_: str, resident_id: str, day: str, status: str = "final") -> Resource:
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": status,
        "code": {"coding": [{"system": code_system("assessment"), "code": "elder-ability"}]},
        "subject": {"reference": f"Patient/{resident_id}"},
        "effectiveDateTime": day,
        "valueInteger": 80,
        "interpretation": [{"coding": [{"system": code_system("ability-level"), "code": "1"}]}],
    }


def slot(
    id_: str, hospital: str, start: str, end: str, *, reserved: bool = False, status: str = "free"
) -> Resource:
    extensions: list[Any] = [
        {
            "url": structure("responsible-organisation"),
            "valueReference": {"reference": f"Organization/{hospital}"},
        }
    ]
    if reserved:
        extensions.append({"url": structure("reserved-for"), "valueCode": "referral"})
    return {
        "resourceType": "Slot",
        "id": id_,
        "status": status,
        "start": start,
        "end": end,
        "schedule": {"reference": "Schedule/s"},
        "extension": extensions,
    }


def post(
    id_: str,
    doctor: str,
    centre: str,
    role: str = "general-practitioner",
    start: str = "2015-01-01",
    **more: Any,
) -> Resource:
    made: Resource = {
        "resourceType": "PractitionerRole",
        "id": id_,
        "active": True,
        "practitioner": {"reference": f"Practitioner/{doctor}"},
        "organization": {"reference": f"Organization/{centre}"},
        "code": [{"coding": [{"system": code_system("staff-role"), "code": role}]}],
        "period": {"start": start},
    }
    return made | more
