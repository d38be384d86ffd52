"""The record of processing (个人信息处理活动记录, PIPL Art. 55 and 56), made from what is declared and from the roles.

Nothing is typed twice: the grounds stand with the services and the care relations, the kinds of records with the
registers, cases, measures and extracts, and who may see them with the roles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from kangshu.access import Role, care_rules
from kangshu.api.platform import Platform
from kangshu.base.clock import today
from kangshu.base.text import Text
from kangshu.fhir import definitions
from kangshu.sdk import Service

Kind = Literal["exchange", "register", "case", "measure", "extract"]
_PERSONAL = frozenset({"Patient", "Task", "Contract", "RelatedPerson"})
_NOBODY = frozenset({"none", "no-patient"})


@dataclass(frozen=True, slots=True)
class Activity:
    """One way in which personal information is handled. `basis` "" is a gap: no ground has been declared."""

    kind: Kind
    title: Text
    service: Text
    data: tuple[str, ...]
    """Resource types; for numbers and extracts the views they are made of."""
    purpose: Text
    basis: str
    clause: str
    retention: str
    """Years with their unit, "" where none is fixed."""
    verified: bool
    """Whether the retention was checked against its source."""
    recipients: tuple[Text, ...]
    """Roles that may see it."""


def processing_activities(platform: Platform) -> tuple[Activity, ...]:
    """Return every activity of this installation: exchanges first, then service by service."""
    roles = tuple(platform.accounts.roles.values())
    return (
        *_exchanges(roles),
        *(one for service in platform.services for one in _of(platform, service, roles)),
    )


def _exchanges(roles: Iterable[Role]) -> Iterator[Activity]:
    held = tuple(roles)
    for rule in care_rules().values():
        yield Activity(
            kind="exchange",
            title=rule.title,
            service=Text("向机构开放居民档案", "Opening a resident's record"),
            data=(rule.type,),
            purpose=Text("按岗位职责提供服务", "what the post is for"),
            basis=rule.basis,
            clause=rule.clause,
            retention="",
            verified=False,
            recipients=tuple(one.title for one in held if rule.word in one.words()),
        )


def _of(platform: Platform, service: Service, roles: tuple[Role, ...]) -> Iterator[Activity]:
    personal = _PERSONAL | definitions().compartment("Patient").keys()
    said = service.processing
    retention, verified = _retention(platform, said.retention if said else "")

    def made(kind: Kind, title: Text, data: tuple[str, ...], recipients: tuple[Text, ...]) -> Activity:
        return Activity(
            kind,
            title,
            service.title,
            data,
            said.purpose if said else Text("", ""),
            said.basis if said else "",
            said.clause if said else "",
            retention,
            verified,
            recipients,
        )

    for register in service.registers:
        if register.resource_type in personal:
            who = _readers(roles, register.resource_type)
            yield made("register", register.title, (register.resource_type,), who)
    for case in service.cases:
        if case.subject_type == "Patient":
            yield made("case", case.title, ("Task",), _readers(roles, "Task"))
    for measure in service.measures:
        counting = tuple(one.title for one in roles if one.aggregate and "measure.read" in one.operations)
        yield made("measure", measure.title, measure.views, counting)
    for extract in service.extracts:
        yield made("extract", extract.title, extract.views, ())


def _readers(roles: Iterable[Role], resource_type: str) -> tuple[Text, ...]:
    """Return the roles that see somebody's records of the type."""
    found = []
    for role in roles:
        words: Any = role.read.get(resource_type, role.read.get("*", ()))
        if any(not _NOBODY & set(word.split(" and ")) for word in words):
            found.append(role.title)
    return tuple(found)


def _retention(platform: Platform, parameter: str) -> tuple[str, bool]:
    found = (
        platform.parameters.find(parameter, platform.settings.jurisdiction, today()) if parameter else None
    )
    return (f"{found.value}", found.verified) if found is not None else ("", False)
