"""The scores of the played year reckoned a second time, from the script alone: days and shares, no engine, no records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from kangshu.base.working_days import china
from tests.plans_year import script
from tests.plans_year.script import FREEZE, Duty

TICKS = tuple(day for day in (date(2026, 1, 5) + timedelta(days=n) for n in range(361)) if day.weekday() == 0)
"""The mornings on which the background worker looks."""
SLIP_DAYS = {1: 3, 2: 10, 3: 20}
SLIP_URGES, SLIP_RETURNS = 3, 2


@dataclass(frozen=True)
class Course:
    """How a duty stands at the freeze."""

    completed: date | None
    late_days: int
    urged: int
    slips: tuple[int, int, int]


def course(duty: Duty) -> Course:
    """Return how a duty stands at the end of the day of the freeze."""
    steps = [(day, move) for day, move in duty.steps() if day <= FREEZE]
    completed = next((day for day, move in steps if move == "complete"), None)
    due = duty.last_due if any(move == "grant-extension" for _, move in steps) else duty.due
    end = completed or FREEZE
    return Course(
        completed,
        max(0, (end - due).days),
        sum(move == "urge" for _, move in steps),
        _slips(duty, steps),
    )


def _slips(duty: Duty, steps: list[tuple[date, str]]) -> tuple[int, int, int]:
    """Return the blue, yellow and red slips that the rule issues on the mornings on which somebody looks."""
    counts, level = [0, 0, 0], 0
    for morning in TICKS:
        before = [move for day, move in steps if day < morning]
        if morning <= date(2026, 1, 8) or (before and before[-1] in _ELSEWHERE):
            continue
        extended = "grant-extension" in before
        overdue = (morning - (duty.last_due if extended else duty.due)).days
        for rank, reached in (
            (3, overdue >= SLIP_DAYS[3]),
            (2, overdue >= SLIP_DAYS[2] or before.count("return") >= SLIP_RETURNS),
            (1, overdue >= SLIP_DAYS[1] or before.count("urge") >= SLIP_URGES),
        ):
            if reached and level < rank:
                counts[rank - 1] += 1
                level = rank
                break
    return counts[0], counts[1], counts[2]


_ELSEWHERE = frozenset({"report", "approve", "complete", "ask-extension"})
"""After these moves a duty is not in the unit's hands."""


def periods() -> list[tuple[str, date]]:
    """Return the returns that are opened before the freeze: how each is written, and the last day of its period."""
    found = [("2026Q1", date(2026, 3, 31)), ("2026Q2", date(2026, 6, 30)), ("2026Q3", date(2026, 9, 30))]
    return [*found, ("2026-10", date(2026, 10, 31)), ("2026-11", date(2026, 11, 30))]


def due_day(period: str, last: date) -> date:
    """Return by when a return is due: the eighth working day after a quarter, the fifth after a month."""
    return china().add(last, 8 if "Q" in period else 5)


def owes(unit: int, opening: date) -> bool:
    """Return whether a unit has anything to report on the morning on which a return opens."""
    for duty in script.duties():
        if duty.unit == unit:
            done = next((day for day, move in duty.steps() if move == "complete"), None)
            if duty.target or done is None or done >= opening:
                return True
    return False


def returns_of(unit: int) -> list[tuple[str, bool]]:
    """Return a unit's returns: (period, whether it came in time)."""
    found = []
    for place, (period, last) in enumerate(periods()):
        if owes(unit, last + timedelta(days=1)):
            found.append((period, script.habit(unit, place) in ("on-time", "zero", "sent-back")))
    return found


def two(points: Decimal) -> Decimal:
    """Return points to two places."""
    return points.quantize(Decimal("0.01"), ROUND_HALF_UP)


def share(points: int, done: int, whole: int) -> Decimal | None:
    """Return points by a share, None where there is nothing to count."""
    return two(Decimal(points) * done / whole) if whole else None


def items(unit: int) -> list[Decimal | None]:
    """Return what the snapshot gives a unit for each item of the scheme, None where somebody judges."""
    mine = [(duty, course(duty)) for duty in script.duties() if duty.unit == unit]
    over = [(duty, one) for duty, one in mine if _due_at_freeze(duty) <= FREEZE]
    sent = returns_of(unit)
    late = sum(one.late_days for _, one in mine)
    blue, yellow, red = (sum(one.slips[rank] for _, one in mine) for rank in range(3))
    return [
        share(20, sum(one.completed is not None for _, one in over), len(over)),
        share(
            15,
            sum(one.completed is not None and one.completed <= _due_at_freeze(duty) for duty, one in over),
            len(over),
        ),
        two(max(Decimal(0), 10 - Decimal("0.1") * late)),
        share(10, sum(on_time for _, on_time in sent), len(sent)),
        two(max(Decimal(0), 10 - Decimal("0.5") * blue - yellow - 2 * red)),
        two(max(Decimal(0), 5 - Decimal("0.5") * sum(one.urged for _, one in mine))),
        None,
    ]


def _due_at_freeze(duty: Duty) -> date:
    granted = any(move == "grant-extension" and day <= FREEZE for day, move in duty.steps())
    return duty.last_due if granted else duty.due


def scores() -> dict[str, str]:
    """Return every unit's points in the end, by name."""
    table: dict[str, str] = {}
    for unit, name in enumerate(script.NAMES):
        rows = items(unit)
        judged = script.decided(unit) if script.appeals(unit) else script.judged(unit)
        # what could not be reckoned is judged at half its points, see `play`
        points = [
            row if row is not None else Decimal(whole) / 2
            for row, whole in zip(rows[:-1], WHOLE, strict=False)
        ]
        total = sum(points, judged)
        lost = sum(WHOLE) - total
        said = script.adjustments(unit)
        added = min(
            Decimal(5),
            sum((Decimal(str(one["points"])) for one in said if one["kind"] == "addition"), Decimal(0)),
        )
        taken = min(
            Decimal(10),
            sum((Decimal(str(one["points"])) for one in said if one["kind"] == "deduction"), Decimal(0)),
        )
        waived = min(script.waived(unit) or Decimal(0), taken + lost)
        table[name] = str(two(total + added - taken + waived))
    return table


WHOLE = (20, 15, 10, 10, 10, 5, 30)
"""The points of the scheme's items."""
