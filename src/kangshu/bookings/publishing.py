"""Slots from templates (放号): what a department offers each week, published for weeks ahead, with the shares guarded.

A template is a Basic record about a HealthcareService: weekday, from, to, minutes, places, pool. A slot's id follows from
its schedule, beginning and pool, so that publishing a week again changes nothing that stands.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from kangshu.access import Grant, system_grant
from kangshu.base.canonical import ORGANISATION_KIND, code_system, structure
from kangshu.base.clock import CITY_ZONE
from kangshu.base.faults import Forbidden, Issue, Unprocessable
from kangshu.bookings.clinicians import name_of
from kangshu.bookings.rules import Figures
from kangshu.bookings.shapes import (
    CAPACITY,
    CLINICIAN,
    EXPERT,
    POOL,
    PUBLIC,
    RELEASED,
    RESPONSIBLE,
    begins,
    category,
    clinician_of,
    ends,
    extension,
    kind_code,
    places_of,
    schedule_of,
)
from kangshu.sdk import BookingDeclaration, Resource
from kangshu.store import Transaction

if TYPE_CHECKING:
    from kangshu.bookings.bookings import Bookings

RECORD_KIND: Final = code_system("record-kind")
TEMPLATE: Final = "slot-template"
LONGEST: Final = 92
"""Days that are published at once."""
_SYSTEM = system_grant("booking templates")
_BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class ShareFinding:
    """What share of its places an institution (or department) keeps in a pool over a period; `short` places are missing."""

    pool: str
    scope: str
    period: str
    offered: int
    kept: int
    at_least: float
    short: int

    @property
    def share(self) -> float:
        """Return the share in per cent."""
        return 100 * self.kept / self.offered if self.offered else 0.0


@dataclass(frozen=True, slots=True)
class Proposal:
    """What publishing makes: slots that are `new`, those that `stand` already, places, and what is against it."""

    new: int
    stand: int
    places: int
    days: int
    shares: tuple[ShareFinding, ...]
    too_long: int
    longest: int

    @property
    def allowed(self) -> bool:
        """Return whether nothing is against it."""
        return not self.too_long and not any(one.short for one in self.shares)


async def publish(
    bookings: Bookings, grant: Grant, service_id: str, first: str, last: str, *, holidays: bool, dry: bool
) -> Proposal:
    """Publish the slots of the templates of a HealthcareService from `first` to `last` (ISO days), or with `dry` only tell.

    Raises:
        NotFound: no such service.
        Forbidden: another institution's.
        Unprocessable: no templates, too many days, slots too long (R15), or too few places kept (R14).
    """
    service = (await bookings.store.read(grant, "HealthcareService", service_id)).resource
    owner = str((service.get("providedBy") or {}).get("reference", "")).removeprefix("Organization/")
    if not grant.acts_for(owner) and "system" not in grant.roles:
        raise Forbidden("an institution publishes its own slots", zh="只能发布本机构的号源")
    days = list(_days(first, last))
    templates = await bookings.store.search_all(
        _SYSTEM, "Basic", f"code={RECORD_KIND}|{TEMPLATE}&subject=HealthcareService/{service_id}"
    )
    if not templates:
        raise Unprocessable(
            "this department has no templates",
            zh="该科室没有放号模板，请先在“放号模板”中登记",
            expression="service",
        )
    names = {id: await name_of(bookings, id) for id in sorted(set(map(_clinician, templates)) - {""})}
    wanted = [
        slot
        for day in days
        if holidays or day.isoweekday() > 5 or bookings.calendar.is_working_day(day)
        for template in templates
        for slot in _slots(bookings, service, owner, template, day, names)
    ]
    standing = await _standing(bookings, owner, days[0], days[-1])
    known = {one["id"] for one in standing}
    new = [one for one in wanted if one["id"] not in known]
    proposal = await _judged(bookings, owner, standing, new, len(wanted) - len(new))
    if not dry:
        _refuse(proposal)
        await _write(bookings, grant, service, owner, new, days)
    return proposal


def _days(first: str, last: str) -> Iterator[date]:
    try:
        day, end = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError as error:
        raise Unprocessable("days are such as 2026-01-31", zh="请填写起止日期", expression="first") from error
    if not day <= end < day + timedelta(days=LONGEST):
        raise Unprocessable(
            f"publish at most {LONGEST} days at once",
            zh=f"一次最多发布 {LONGEST} 天的号源",
            expression="last",
        )
    while day <= end:
        yield day
        day += timedelta(days=1)


def _clinician(template: Resource) -> str:
    """Return the id of the clinician whose clinic a template is, "" where it is the department's."""
    return str(extension(template, CLINICIAN) or "").removeprefix("Practitioner/")


def _slots(
    bookings: Bookings,
    service: Resource,
    owner: str,
    template: Resource,
    day: date,
    names: Mapping[str, str],
) -> Iterator[Resource]:
    """Yield the slots of one template on one day, each of so many minutes, the last one whole; `names` of clinicians by id."""
    if int(extension(template, structure("weekday")) or 0) != day.isoweekday():
        return
    minutes = int(extension(template, structure("minutes")) or 60)
    places = int(extension(template, CAPACITY) or 1)
    pool = str(extension(template, POOL) or PUBLIC)
    expert = bool(extension(template, EXPERT))
    declaration = bookings.kind_of(service)
    clinician = _clinician(template)
    schedule = schedule_id(service["id"], expert=expert, clinician=clinician)
    start = _moment(day, extension(template, structure("from")))
    end = _moment(day, extension(template, structure("until")))
    length = timedelta(minutes=minutes)
    while start + length <= end:
        key = hashlib.sha256(f"{schedule}|{start.isoformat()}|{pool}".encode()).hexdigest()[:24]
        made: Resource = {
            "resourceType": "Slot",
            "id": f"slot-{key}",
            "serviceCategory": category(declaration),
            "specialty": service.get("specialty", []),
            "extension": [
                {"url": RESPONSIBLE, "valueReference": {"reference": f"Organization/{owner}"}},
                {"url": CAPACITY, "valuePositiveInt": places},
            ],
            "schedule": {"reference": f"Schedule/{schedule}", "display": str(service.get("name", ""))},
            "status": "free",
            "start": start.isoformat(),
            "end": (start + length).isoformat(),
        }
        if pool != PUBLIC:
            made["extension"].append({"url": POOL, "valueCode": pool})
        if expert:
            made["extension"].append({"url": EXPERT, "valueBoolean": True})
        if clinician:
            person = {"reference": f"Practitioner/{clinician}", "display": names[clinician]}
            made["extension"].append({"url": CLINICIAN, "valueReference": person})
        confirmed = extension(service, structure("confirmation"))
        if confirmed:
            made["extension"].append({"url": structure("confirmation"), "valueCode": confirmed})
        tags = service.get("meta", {}).get("tag")
        if tags:
            made["meta"] = {"tag": tags}
        yield made
        start += length


def schedule_id(service: str, *, expert: bool, clinician: str = "") -> str:
    """Return the id of the Schedule of a department, of its experts, or of one clinician's clinic there."""
    key = hashlib.sha256(clinician.encode()).hexdigest()[:12] if clinician else ""
    end = f"{'-expert' if expert else ''}{'-' + key if key else ''}"
    return f"schedule-{service.removeprefix('service-')}"[: 64 - len(end)] + end


def _moment(day: date, time: Any) -> datetime:
    hour, _, minute = str(time or "08:00").partition(":")
    return datetime(day.year, day.month, day.day, int(hour), int(minute[:2] or 0), tzinfo=CITY_ZONE)


async def _standing(bookings: Bookings, owner: str, first: date, last: date) -> list[Resource]:
    """Return the slots that stand in the months of these days: a month is the longest period of a share."""
    begin = min(first.replace(day=1), first - timedelta(days=6))
    end = max((last.replace(day=28) + timedelta(days=4)).replace(day=1), last + timedelta(days=7))
    return await bookings.store.search_all(
        _SYSTEM,
        "Slot",
        f"organization=Organization/{owner}&start=ge{begin.isoformat()}&start=lt{end.isoformat()}&_count=1000",
    )


async def _judged(
    bookings: Bookings, owner: str, standing: Sequence[Resource], new: Sequence[Resource], stand: int
) -> Proposal:
    organisation = (await bookings.store.read(_SYSTEM, "Organization", owner)).resource
    kinds = {
        str(coding.get("code"))
        for concept in organisation.get("type", ())
        for coding in concept.get("coding", ())
        if coding.get("system") == ORGANISATION_KIND
    }
    figures = bookings.figures()
    declaration = bookings.kind_of(new[0]) if new else None
    touched = {day_of(one) for one in new}
    shares: list[ShareFinding] = []
    too_long, longest = 0, 0
    if declaration is not None:
        same = [one for one in standing if bookings.kind_of(one).code == declaration.code]
        shares = list(share_findings(declaration, kinds, [*same, *new], figures, touched))
        for rule in declaration.lengths:
            if rule.kind in kinds:
                longest = figures.number(rule.minutes) or 0
                too_long = sum(minutes_of(one) > longest for one in new)
    return Proposal(len(new), stand, sum(map(places_of, new)), len(touched), tuple(shares), too_long, longest)


def share_findings(
    declaration: BookingDeclaration,
    kinds: Iterable[str],
    slots: Iterable[Resource],
    figures: Figures,
    touched: Iterable[date],
) -> Iterator[ShareFinding]:
    """Yield the share of each pool that a rule guards, for each period that holds one of the days `touched` (R14).

    share = places kept / places offered; short = ceil(least * offered) - kept. What a period is, whether it is reckoned
    for each department, whether experts' and released slots count are parameters.
    """
    asked = declaration.parameters
    period = figures.word(asked.share_period, "week")
    by_department = figures.word(asked.share_scope, "institution") == "department"
    experts = figures.word(asked.share_experts, "in") == "in"
    released = figures.word(asked.share_released, "yes") == "yes"
    wanted = {period_of(day, period) for day in touched}
    offered: dict[tuple[str, str], int] = defaultdict(int)
    kept: dict[tuple[str, str, str], int] = defaultdict(int)
    for slot in slots:
        if slot["status"] in ("busy-unavailable", "entered-in-error"):
            continue
        if not experts and extension(slot, EXPERT):
            continue
        when = period_of(day_of(slot), period)
        if when not in wanted:
            continue
        scope = department_of(slot) if by_department else ""
        places = places_of(slot)
        offered[scope, when] += places
        pool = extension(slot, POOL)
        if pool and (released or extension(slot, RELEASED) is None):
            kept[str(pool), scope, when] += places
    for rule in declaration.shares:
        if rule.kind in kinds:
            least = figures.share(rule.at_least) or 0.0
            for (scope, when), whole in sorted(offered.items()):
                have = kept[rule.pool, scope, when]
                short = max(0, ceil(least * whole / 100) - have)
                yield ShareFinding(rule.pool, scope, when, whole, have, least, short)


def period_of(day: date, period: str) -> str:
    """Return the period that `day` lies in: itself, its week (by its Monday) or its month."""
    if period == "day":
        return day.isoformat()
    if period == "month":
        return day.isoformat()[:7]
    return (day - timedelta(days=day.weekday())).isoformat()


def day_of(slot: Resource) -> date:
    """Return the civil day on which a slot begins."""
    start = begins(slot)
    return start.astimezone(CITY_ZONE).date() if start else date.min


def minutes_of(slot: Resource) -> float:
    """Return how long a slot is, in minutes."""
    start, end = begins(slot), ends(slot)
    return (end - start).total_seconds() / 60 if start and end else 0.0


def department_of(slot: Resource) -> str:
    """Return the department of a slot, by name."""
    found = [str(one.get("text", "")) for one in slot.get("specialty", ())]
    return found[0] if found else ""


def _refuse(proposal: Proposal) -> None:
    issues = []
    if proposal.too_long:
        issues.append(
            Issue(
                "error",
                "business-rule",
                f"{proposal.too_long} slots are longer than {proposal.longest} minutes",
                ("minutes",),
                f"有 {proposal.too_long} 个时段超过 {proposal.longest} 分钟，三级医院预约时段须精确到 {proposal.longest} 分钟以内",
            )
        )
    for one in proposal.shares:
        if one.short:
            where = f"{one.scope} " if one.scope else ""
            issues.append(
                Issue(
                    "error",
                    "business-rule",
                    f"{where}{one.period}: {one.kept} of {one.offered} places are kept, {one.short} are missing",
                    ("pool",),
                    f"{where}{one.period} 起：共 {one.offered} 个号，预留 {one.kept} 个，"
                    f"不足 {one.at_least:g}%，还缺 {one.short} 个",
                )
            )
    if issues:
        raise Unprocessable(
            "these slots cannot be published as they are",
            zh="不能按此发布：" + "；".join(one.zh for one in issues),
            issues=tuple(issues),
        )


async def _write(
    bookings: Bookings,
    grant: Grant,
    service: Resource,
    owner: str,
    slots: Sequence[Resource],
    days: Sequence[date],
) -> None:
    schedules = {schedule_of(one): clinician_of(one) for one in slots}

    async def keep_schedules(transaction: Transaction) -> None:
        for id, (clinician, name) in sorted(schedules.items()):
            current = await transaction.reader.current("Schedule", id)
            held = {} if current is None or current.deleted else current.resource
            begin = min(
                days[0].isoformat(), str((held.get("planningHorizon") or {}).get("start", "9999"))[:10]
            )
            end = max(days[-1].isoformat(), str((held.get("planningHorizon") or {}).get("end", ""))[:10])
            made = held or {
                "resourceType": "Schedule",
                "id": id,
                "active": True,
                "serviceCategory": category(bookings.kind_of(service)),
                "specialty": service.get("specialty", []),
                "actor": [
                    {
                        "reference": f"HealthcareService/{service['id']}",
                        "display": str(service.get("name", "")),
                    }
                ],
                "extension": [{"url": RESPONSIBLE, "valueReference": {"reference": f"Organization/{owner}"}}],
            }
            if clinician and not held:
                made["actor"].append({"reference": f"Practitioner/{clinician}", "display": name})
            await transaction.update({**made, "planningHorizon": {"start": begin, "end": end}})

    await bookings.store.run(grant, keep_schedules)
    for at in range(0, len(slots), _BATCH):

        async def keep(transaction: Transaction, part: Sequence[Resource] = slots[at : at + _BATCH]) -> None:
            for slot in part:
                if await transaction.reader.current("Slot", slot["id"]) is None:
                    await transaction.update(slot)

        await bookings.store.run(grant, keep)


__all__ = ["LONGEST", "Proposal", "ShareFinding", "kind_code", "publish", "schedule_id", "share_findings"]
