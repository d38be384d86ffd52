"""What a guard may ask besides its Task: the resident, who acts, the figures in force and the consents that hold.

    %age         completed years of the resident on the civil day of the act; nothing where the birth is not known
    %age_this_year  the age that the resident reaches in the civil year of the act
    %deceased    whether the resident has died
    %consents    the resident's Consents that are active
    %acting      `self`, `representative` (guardian, near relative), `agent` (who has a mandate), `organisation`
                 or `system`
    %account     name of the account that acts
    %today       the civil day of the act
    %requester   reference of the party that asked; %owner of the one that has the case
    %values      the last value of each field of the case's forms, by id
    %overdue     civil days since the deadline of the present state; 0 before it
    %about       the cases about this one (their `focus`): 督办单, findings, look-backs
    %target      of a duty: `light` (green, grey, amber, red; "none" without targets) and `reasons` of its clause's
                 targets, from the plan
    %parameters  the dated parameters in force, hyphens written as underscores: %parameters.consent_own_age

What costs a look at the records is looked up only for the expressions that ask for it.
"""

from __future__ import annotations

import re
from calendar import isleap
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final

from kangshu.access import Grant
from kangshu.base.clock import CITY_ZONE, now
from kangshu.base.faults import Gone, NotFound
from kangshu.cases.deadlines import Terms
from kangshu.cases.tasks import deadline_of, inputs, reference_id
from kangshu.sdk import Resource, latest_day
from kangshu.store import Stored

Read = Callable[[str, str], Awaitable[Stored]]
Search = Callable[[str, str], Awaitable[list[Resource]]]

NAMES: Final = (
    "age", "age_this_year", "deceased", "consents", "acting", "account", "today", "parameters", "values", "requester", "owner", "overdue", "about", "target",
)  # fmt: skip
Facts = Callable[[Resource], Awaitable[Mapping[str, Any]]]
"""What a room above knows of a case: the Task → plain values."""
_PARAMETER: Final = re.compile(r"%parameters\.([a-z][a-z0-9_]*)")


def parameters_in(expression: str) -> Iterator[str]:
    """Yield the ids of the dated parameters that a guard asks for."""
    for name in _PARAMETER.findall(expression):
        yield str(name).replace("_", "-")


async def surroundings(
    expressions: Iterable[str],
    task: Resource,
    grant: Grant,
    terms: Terms,
    jurisdiction: str,
    read: Read,
    search: Search,
    day: date | None = None,
) -> Mapping[str, Any]:
    """Return the values of the names above that `expressions` ask for; `read` and `search` see all records.

    Raises:
        ParameterMissing: a guard asks for a parameter that has no value here and today.
    """
    text = " ".join(expressions)
    when = day or now().astimezone(CITY_ZONE).date()
    patient = reference_id(task.get("for"), "Patient")
    end = deadline_of(task)
    found: dict[str, Any] = {
        "values": inputs(task) if "%values" in text else {},
        "requester": (task.get("requester") or {}).get("reference", ""),
        "owner": (task.get("owner") or {}).get("reference", ""),
        "overdue": max(0, (when - end.astimezone(CITY_ZONE).date()).days) if end else 0,
        "acting": acting(grant, patient),
        "account": grant.account,
        "today": when.isoformat(),
        "parameters": {
            name.replace("-", "_"): terms.parameters.value(name, jurisdiction, when)
            for name in parameters_in(text)
        },
    }
    if "%about" in text and task.get("id"):
        found["about"] = await search("Task", f"focus=Task/{task['id']}")
    if patient and ("%age" in text or "%deceased" in text):
        try:
            found.update(_of_resident((await read("Patient", patient)).resource, when))
        except (NotFound, Gone):
            return found
    if patient and "%consents" in text:
        found["consents"] = await search("Consent", f"patient=Patient/{patient}&status=active")
    return found


def acting(grant: Grant, patient: str) -> str:
    """Return in what part the account acts towards the resident `patient` (an id)."""
    if patient and patient == grant.patient:
        return "self"
    if patient in grant.wards:
        return "representative"
    if patient in grant.mandates:
        return "agent"
    if grant.organisation:
        return "organisation"
    return "system" if "system" in grant.roles else ""


def _of_resident(resident: Resource, day: date) -> dict[str, Any]:
    dead = bool(resident.get("deceasedBoolean")) or "deceasedDateTime" in resident
    found: dict[str, Any] = {"deceased": dead}
    if resident.get("birthDate"):
        # of a birth that is known by its year or month alone, the age that the resident has for certain
        born = latest_day(str(resident["birthDate"]))
        birthday = (
            (2, 28) if (born.month, born.day) == (2, 29) and not isleap(day.year) else (born.month, born.day)
        )
        found["age_this_year"] = day.year - born.year
        found["age"] = day.year - born.year - ((day.month, day.day) < birthday)
    return found
