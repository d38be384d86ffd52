"""Who may act for whom: guardians and near relatives, derived from records and from ages on the day of the act.

A RelatedPerson of the resident says so: its extension `representative` points to the Patient who acts, its
relationship is one of the codes below, its extension `proof` to the paper that was seen. Nothing has to be ended by
hand: of age, dead, outside the period or struck out, and the account no longer acts.

    guardian        parent or other guardian of a minor; ends when the resident is of age (《民法典》第十七条、第二十七条)
    court-guardian  guardian of an adult without full capacity (《民法典》第二十八条、第三十三条)
    near-relative   of a resident who has died (《个人信息保护法》第四十九条)
    mandate         whom of the family an adult has charged in writing with seeing to their affairs
    agent-mandate   the same, to the agent of a community (a Practitioner). A mandate ends with its period, which it
                    must have, and with death (《民法典》第一百六十五条、第一百七十三条). It opens less than
                    guardianship: see `mandated`
"""

from __future__ import annotations

from calendar import isleap
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from kangshu.access import system_grant
from kangshu.accounts.records import Account
from kangshu.base.canonical import code_system, structure
from kangshu.base.clock import CITY_ZONE
from kangshu.base.faults import Gone, NotFound
from kangshu.sdk import Resource, extension_value
from kangshu.store import Store

RELATION: Final = code_system("representation")
REPRESENTATIVE: Final = structure("representative")
GUARDIAN: Final = "guardian"
COURT_GUARDIAN: Final = "court-guardian"
NEAR_RELATIVE: Final = "near-relative"
MANDATES: Final = frozenset({"mandate", "agent-mandate"})

_GRANT: Final = system_grant("who acts for whom")


async def represented(store: Store, account: Account, day: date, adult_age: int) -> frozenset[str]:
    """Return the ids of the residents for whom `account` acts on `day`.

    Besides the records counts what the administrator entered with the account (`Account.wards`): a minor until of
    age, whoever was an adult then as entered; nobody after death.
    """
    found = set()
    for ward in account.wards:
        resident = await _resident(store, ward)
        if resident is not None and not _dead(resident) and not _grown_up(resident, account, day, adult_age):
            found.add(ward)
    if account.patient:
        criteria = f"representative=Patient/{account.patient}&active=true"
        for related in await store.search_all(_GRANT, "RelatedPerson", criteria):
            ward = str((related.get("patient") or {}).get("reference", "")).removeprefix("Patient/")
            if ward and ward != account.patient and _stands(related, day):
                resident = await _resident(store, ward)
                if resident is not None and _holds(related, resident, day, adult_age):
                    found.add(ward)
    return frozenset(found)


async def mandated(store: Store, account: Account, practitioner: str, day: date) -> frozenset[str]:
    """Return the ids of the residents who have charged `account`, or the Practitioner that it is, with their affairs."""
    persons = [f"Patient/{account.patient}"] if account.patient else []
    persons += [f"Practitioner/{practitioner}"] if practitioner else []
    found = set()
    for person in persons:
        criteria = f"representative={person}&active=true"
        for related in await store.search_all(_GRANT, "RelatedPerson", criteria):
            giver = str((related.get("patient") or {}).get("reference", "")).removeprefix("Patient/")
            ends = (related.get("period") or {}).get("end")
            if giver and ends and MANDATES & _codes(related) and _stands(related, day):
                resident = await _resident(store, giver)
                if resident is not None and not _dead(resident):
                    found.add(giver)
    return frozenset(found - {account.patient})


def _stands(related: Resource, day: date) -> bool:
    """Return whether the relation is proved and `day` lies within its period."""
    period: Mapping[str, Any] = related.get("period") or {}
    since, until = str(period.get("start", ""))[:10], str(period.get("end", ""))[:10]
    proved = isinstance(extension_value(related, "proof"), dict)
    return proved and (not since or since <= day.isoformat()) and (not until or until >= day.isoformat())


def _holds(related: Resource, resident: Resource, day: date, adult_age: int) -> bool:
    codes = _codes(related)
    if _dead(resident):
        return NEAR_RELATIVE in codes
    age = age_on(resident, day)
    return (GUARDIAN in codes and age is not None and age < adult_age) or COURT_GUARDIAN in codes


def _codes(related: Resource) -> frozenset[str]:
    return frozenset(
        str(coding.get("code"))
        for one in related.get("relationship", ())
        for coding in one.get("coding", ())
        if coding.get("system") == RELATION
    )


def age_on(resident: Resource, day: date) -> int | None:
    """Return completed years on `day`; None where the birth is not known.

    Of a birth known by year or month alone, the greatest age that it can mean: no guardian acts for an adult.
    """
    born = str(resident.get("birthDate", ""))
    if not born:
        return None
    first = date.fromisoformat(f"{born}-01-01"[:10] if len(born) == 4 else f"{born}-01"[:10])
    birthday = (first.month, first.day)
    if birthday == (2, 29) and not isleap(day.year):
        birthday = (2, 28)
    return day.year - first.year - ((day.month, day.day) < birthday)


def _grown_up(resident: Resource, account: Account, day: date, adult_age: int) -> bool:
    """Return whether a ward who was a minor when the account was made is of age now."""
    now_age = age_on(resident, day)
    made: datetime | None = account.created
    if now_age is None or now_age < adult_age or made is None:
        return False
    then = age_on(resident, made.astimezone(CITY_ZONE).date())
    return then is not None and then < adult_age


def _dead(resident: Resource) -> bool:
    return bool(resident.get("deceasedBoolean")) or "deceasedDateTime" in resident


async def _resident(store: Store, id_: str) -> Resource | None:
    try:
        return (await store.read(_GRANT, "Patient", id_)).resource
    except (NotFound, Gone):
        return None
