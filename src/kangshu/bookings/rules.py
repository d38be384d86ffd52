"""Who may take a place: pools, the window of time, what a resident may hold at once, and those who did not come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from kangshu.access import Grant
from kangshu.base.canonical import code_system
from kangshu.base.clock import CITY_ZONE
from kangshu.base.faults import Forbidden, Unprocessable
from kangshu.base.parameters import ParameterTable
from kangshu.bookings.shapes import BOOKED_BY, begins, extension, kind_code
from kangshu.sdk import TAKING, BookingDeclaration, Resource, latest_day

AFFILIATION: Final = f"{code_system('affiliation-kind')}|medical-alliance"
"""Token of the OrganizationAffiliations that make an institution a member of a hospital's alliance (医联体)."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The dated parameters of one place on one day; an empty name has no figure."""

    table: ParameterTable
    jurisdiction: str
    day: date

    def number(self, name: str) -> int | None:
        """Return the whole number in force, None for no name. Raises ParameterMissing."""
        return int(self.table.value(name, self.jurisdiction, self.day)) if name else None

    def share(self, name: str) -> float | None:
        """Return a per cent in force, None for no name. Raises ParameterMissing."""
        return float(self.table.value(name, self.jurisdiction, self.day)) if name else None

    def word(self, name: str, default: str) -> str:
        """Return a word in force, `default` for no name. Raises ParameterMissing."""
        return str(self.table.value(name, self.jurisdiction, self.day)) if name else default


def check_window(declaration: BookingDeclaration, slot: Resource, figures: Figures, now: datetime) -> None:
    """Raise Unprocessable unless the slot lies in the time in which it may be booked."""
    start = begins(slot)
    asked = declaration.parameters
    if start is None:
        raise Unprocessable("this slot has no time", zh="该号源没有就诊时间", expression="slot")
    latest = figures.number(asked.latest_minutes) or 0
    if start - timedelta(minutes=latest) <= now:
        raise Unprocessable(
            "this slot has begun, or is about to", zh="该号源已开始或即将开始，不能再预约", expression="slot"
        )
    ahead = figures.number(asked.ahead_days)
    if ahead is not None and start.astimezone(CITY_ZONE).date() > figures.day + timedelta(days=ahead):
        raise Unprocessable(
            f"slots can be booked {ahead} days ahead", zh=f"只能预约 {ahead} 天以内的号源", expression="slot"
        )


def age_on(resident: Resource, day: date) -> int | None:
    """Return the completed years that a resident has for certain on `day`, None where the birth is not known."""
    if not resident.get("birthDate"):
        return None
    born = latest_day(str(resident["birthDate"]))
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def check_pool(
    declaration: BookingDeclaration,
    pool: str,
    grant: Grant,
    owner: str,
    resident: Resource,
    members: Iterable[str],
    figures: Figures,
) -> None:
    """Raise Forbidden unless this account may take a place of `pool` for this resident.

    `members` are the ids of the institutions of the alliance of `owner`, whose slot it is.
    """
    declared = declaration.pool(pool)
    if declared is None or declared.by == "anyone" or "system" in grant.roles:
        return
    if declared.by == "alliance":
        # the hospital's own referral centre takes them for those referred to it
        if not grant.acts_for(owner) and not any(grant.acts_for(one) for one in members):
            raise Forbidden(
                "this slot is kept for the institutions of the hospital's alliance",
                zh=f"该号源属于“{declared.title.zh}”，只能由本院医联体成员机构预约",
            )
        return
    least = figures.number(declared.age) or 0
    age = age_on(resident, figures.day)
    if age is None or age < least:
        raise Forbidden(
            f"this slot is kept for residents of {least} and above",
            zh=f"该号源属于“{declared.title.zh}”，只供 {least} 周岁及以上老年人预约",
        )


def priority_of(declaration: BookingDeclaration, pool: str, resident: Resource, figures: Figures) -> str:
    """Return the id of the first priority that this resident has in a place of `pool`, "" without one."""
    age = age_on(resident, figures.day)
    for one in declaration.priority:
        least = figures.number(one.age)
        if (one.pool and one.pool == pool) or (least is not None and age is not None and age >= least):
            return one.id
    return ""


def check_resident(
    declaration: BookingDeclaration,
    slot: Resource,
    held: Iterable[Resource],
    figures: Figures,
    *,
    leaving: str = "",
) -> None:
    """Raise Unprocessable where a resident holds too much already, or did not come too often.

    `held` are the resident's appointments; `leaving` is the id of the one given up for this.
    """
    start = begins(slot)
    day = start.astimezone(CITY_ZONE).date() if start else None
    others = [one for one in held if one.get("id") != leaving]
    # a visit that ended today may be followed by another; what counts is what lies ahead
    ahead = [one for one in others if one["status"] in ("pending", "booked") and _counts(one, declaration)]
    for one in ahead:
        other = begins(one)
        same = one.get("specialty") == slot.get("specialty") or one.get("slot") == [_reference(slot)]
        if other is not None and other.astimezone(CITY_ZONE).date() == day and same:
            raise Unprocessable(
                "the resident has an appointment of the same department on that day already",
                zh="该居民当日在同一科室已有预约，不能重复预约",
                expression="slot",
            )
        if start is not None and other == start and one["status"] in TAKING:
            raise Unprocessable(
                "the resident has another appointment at that time",
                zh="该居民在同一时段已有其他预约",
                expression="slot",
            )
    most = figures.number(declaration.parameters.open_most)
    if most is not None and len(ahead) >= most:
        raise Unprocessable(
            f"a resident may have {most} open bookings",
            zh=f"每名居民最多同时有 {most} 个未就诊预约",
            expression="slot",
        )
    until = blocked_until(declaration, others, figures)
    if until is not None:
        raise Unprocessable(
            f"after no-shows the resident cannot book until {until.isoformat()}",
            zh=f"该居民多次爽约，{until.isoformat()} 前暂停预约，请到窗口办理",
            expression="subject",
        )


def blocked_until(declaration: BookingDeclaration, held: Iterable[Resource], figures: Figures) -> date | None:
    """Return the day until which a resident is on the no-show list (爽约名单), None when not on it."""
    asked = declaration.parameters
    most, months, days = (
        figures.number(asked.no_shows),
        figures.number(asked.no_show_months),
        figures.number(asked.no_show_days),
    )
    if most is None or months is None or days is None:
        return None
    since = figures.day - timedelta(days=30 * months)
    missed = sorted(
        day
        for one in held
        if one["status"] == "noshow"
        and (at := begins(one)) is not None
        and (day := at.astimezone(CITY_ZONE).date()) >= since
    )
    if len(missed) < most:
        return None
    until = missed[-1] + timedelta(days=days)
    return until if until > figures.day else None


def may_move(grant: Grant, appointment: Resource, words: Iterable[str], owner: str, patient: str) -> bool:
    """Return whether one of `words` lets this account make a move of `appointment`."""
    booker = str(extension(appointment, BOOKED_BY) or "")
    for word in words:
        if word == "system" and "system" in grant.roles:
            return True
        if word == "owner" and grant.acts_for(owner):
            return True
        if word == "patient" and grant.acts_as(patient):
            return True
        if word == "booker" and (
            grant.acts_for(booker.removeprefix("Organization/"))
            or grant.acts_as(booker.removeprefix("Patient/"))
        ):
            return True
        if word.startswith("role:") and word.removeprefix("role:") in grant.roles:
            return True
    return False


def _counts(appointment: Resource, declaration: BookingDeclaration) -> bool:
    code = kind_code(appointment)
    return code == declaration.code or (not code and declaration.usual)


def _reference(slot: Resource) -> Resource:
    return {"reference": f"Slot/{slot['id']}"}
