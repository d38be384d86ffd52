"""Duty rosters (值班表): a week of shifts round the clock, who is on duty now, and the hours that nobody has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Protocol

from starlette.responses import Response

from kangshu.base.clock import CITY_ZONE, now
from kangshu.base.faults import NotFound
from kangshu.web.visit import Visit

_DAYS: Final = 7
_WEEKDAYS: Final = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
_DAY_SECONDS: Final = 86400
_LANE: Final = 26
_TOP: Final = 4


@dataclass(frozen=True, slots=True)
class Bar:
    """A shift, or a gap, on the day's strip; `x` and `width` are per cent of the day, `y` is in pixels."""

    x: float
    width: float
    y: int
    text: str
    title: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class DayStrip:
    """One day of the roster. `now` is the per cent of the day that has passed, -1 on other days."""

    title: str
    bars: Sequence[Bar]
    missing: Sequence[Bar]
    height: int
    now: float


async def roster(visit: Visit) -> Response:
    """Show seven days of a roster from the asked day, today's at first."""
    words, rosters = visit.words, visit.platform.cases.rosters
    declaration = rosters.declaration(f"{visit.path('service')}/{visit.path('roster')}")
    if not declaration.offered_to(visit.grant.roles):
        raise NotFound("there is no such roster", zh="没有此值班表")
    moment = now().astimezone(CITY_ZONE)
    asked = _day(visit.query("day")) or moment.date()
    first, last = _midnight(asked), _midnight(asked + timedelta(days=_DAYS))
    shifts = await rosters.shifts(visit.grant, declaration.code, first, last)
    open_spans = rosters.gaps(declaration.code, shifts, max(first, moment), last) if last > moment else ()
    strips = []
    for number in range(_DAYS):
        day = asked + timedelta(days=number)
        start, end = _midnight(day), _midnight(day + timedelta(days=1))
        today = [one for one in shifts if one.start < end and one.end > start]
        lanes = _lanes(today)
        bars = [
            _bar(
                start,
                end,
                one.start,
                one.end,
                lane,
                one.name or one.person,
                f"/registers/{declaration.service}/{declaration.register}/{one.id}",
            )
            for one, lane in zip(today, lanes, strict=True)
        ]
        depth = max(lanes, default=-1) + 1
        missing = [
            _bar(start, end, one.start, one.end, depth, words("缺岗"))
            for one in open_spans
            if one.start < end and one.end > start
        ]
        strips.append(
            DayStrip(
                f"{day:%m-%d} {words(_WEEKDAYS[day.weekday()])}",
                bars,
                missing,
                _TOP * 2 + _LANE * (depth + bool(missing) or 1),
                _share(start, moment) if start <= moment < end else -1,
            )
        )
    address = visit.request.url.path
    return visit.render(
        "roster.html",
        roster=declaration,
        strips=strips,
        gaps=[
            (
                words.moment(one.start),
                words.moment(one.end),
                one.count,
                rosters.least(declaration.code, one.start),
            )
            for one in open_spans
        ],
        on_duty=[one for one in shifts if one.start <= moment < one.end]
        if first <= moment < last
        else await rosters.on_duty(visit.grant, declaration.code, moment),
        least=rosters.least(declaration.code, moment),
        week=f"{asked.isoformat()} – {(asked + timedelta(days=_DAYS - 1)).isoformat()}",
        previous=f"{address}?day={(asked - timedelta(days=_DAYS)).isoformat()}",
        next=f"{address}?day={(asked + timedelta(days=_DAYS)).isoformat()}",
        this_week=address,
        may_write=visit.grant.may("register.write"),
    )


class Span(Protocol):
    """What this page reads of a shift of `cases`."""

    @property
    def start(self) -> datetime: ...
    @property
    def end(self) -> datetime: ...


def _lanes(shifts: Sequence[Span]) -> list[int]:
    """Return a lane for each shift, so that no two in one lane overlap; the shifts come by their start."""
    ends: list[datetime] = []
    found = []
    for one in shifts:
        lane = next((number for number, last in enumerate(ends) if last <= one.start), len(ends))
        ends[lane:] = [one.end, *ends[lane + 1 :]]
        found.append(lane)
    return found


def _bar(
    day: datetime, day_end: datetime, start: datetime, end: datetime, lane: int, text: str, address: str = ""
) -> Bar:
    first, last = max(start, day), min(end, day_end)
    span = f"{start.astimezone(CITY_ZONE):%m-%d %H:%M} – {end.astimezone(CITY_ZONE):%m-%d %H:%M}"
    x = _share(day, first)
    return Bar(x, max(0.1, _share(day, last) - x), _TOP + lane * _LANE, text, f"{text} {span}", address)


def _share(day: datetime, moment: datetime) -> float:
    """Return what of the day that begins at `day` has passed at `moment`, in per cent."""
    return round(100 * (moment - day).total_seconds() / _DAY_SECONDS, 2)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), CITY_ZONE)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
