"""What happens in the played year, as data: 41 duties of 20 units, their returns and their assessments. No engine here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, Literal

YEAR: Final = 2026
FREEZE: Final = date(2026, 12, 31)
NAMES: Final = (
    "卫生健康委员会", "发展和改革委员会", "民政局", "财政局", "人力资源和社会保障局", "医疗保障局", "自然资源和规划局",
    "住房和城乡建设局", "教育局", "科学技术局", "工业和信息化局", "农业农村局", "商务局", "文化和旅游局", "体育局",
    "市场监督管理局", "统计局", "数据局", "交通运输局", "生态环境局",
)  # fmt: skip
UNITS: Final = len(NAMES)
DUTIES: Final = 41
MONTHLY_FROM: Final = date(2026, 10, 31)
"""From here on the city asks for monthly returns; before for quarterly ones alone."""

Way = Literal["early", "exact", "late", "extended", "never", "returned"]
WAYS: Final[tuple[Way, ...]] = ("early", "exact", "late", "extended", "never", "returned")


@dataclass(frozen=True, slots=True)
class Duty:
    """One duty: who leads it, who countersigns, until when, and how it goes."""

    number: int
    unit: int
    co_unit: int | None
    due: date
    way: Way

    @property
    def target(self) -> bool:
        """Whether its clause holds a target whose value the unit reports."""
        return self.number % 8 == 0

    @property
    def last_due(self) -> date:
        """Return the day by which it is due in the end."""
        return self.due + timedelta(days=30) if self.way == "extended" else self.due

    def steps(self) -> Iterator[tuple[date, str]]:
        """Yield the days and moves after it was begun."""

        def on(days: int, move: str) -> tuple[date, str]:
            return self.due + timedelta(days=days), move

        match self.way:
            case "early":
                yield from (on(-10, "report"), on(-9, "approve"), on(-8, "complete"))
            case "exact":
                yield from (on(-2, "report"), on(-1, "approve"), on(0, "complete"))
            case "late":
                yield from (on(2, "urge"), on(4, "urge"), on(11, "slips"), on(12, "report"))
                yield from (on(12, "approve"), on(13, "complete"))
            case "extended":
                yield from (on(-5, "ask-extension"), on(-4, "grant-extension"), on(24, "report"))
                yield from (on(24, "approve"), on(25, "complete"))
            case "never":
                yield from (on(5, "urge"), on(6, "urge"), on(7, "urge"))
            case "returned":
                yield from (on(-10, "report"), on(-9, "return"), on(-8, "resume"), on(-7, "report"))
                yield from (on(-6, "approve"), on(-5, "complete"))


def duties() -> tuple[Duty, ...]:
    """Return the 41 duties."""
    made = []
    for number in range(DUTIES):
        co_unit = (number + 7) % UNITS if number % 4 == 0 else None
        due = date(YEAR, 2 + number * 5 % 11, 28)
        made.append(Duty(number, number % UNITS, co_unit, due, WAYS[number % 6]))
    return tuple(made)


def document() -> str:
    """Return the plan as a document of our own writing: one clause for each duty."""
    lines = ["云汐市全民健康促进年度实施方案（2026年）", "", "一、重点任务", ""]
    for duty in duties():
        goal = f"到2026年，建成健康驿站{10 + duty.number}个。" if duty.target else ""
        helping = f"；配合单位：市{NAMES[duty.co_unit]}" if duty.co_unit is not None else ""
        lines.append(
            f"{duty.number + 1}．完善第{duty.number + 1}项健康促进工作机制，落实年度工作安排。{goal}"
            f"（牵头单位：市{NAMES[duty.unit]}{helping}）"
        )
    return "\n".join(lines)


Habit = Literal["on-time", "late", "zero", "missing", "sent-back"]


def habit(unit: int, place: int) -> Habit:
    """Return how a unit sends the `place`-th return of the year."""
    ways: tuple[Habit, ...] = (
        "on-time",
        "on-time",
        "late",
        "zero",
        "missing" if unit % 4 == 1 else "sent-back",
    )
    return ways[(unit * 3 + place) % 5]


def judged(unit: int) -> Decimal:
    """Return what the reviewer gives of 30 points."""
    return Decimal(18 + unit * 7 % 11)


def appeals(unit: int) -> bool:
    """Return whether the unit appeals against the reviewer's score."""
    return unit % 5 == 0


def decided(unit: int) -> Decimal:
    """Return what the appeal comes to."""
    return judged(unit) + (unit // 5) % 3


def adjustments(unit: int) -> list[dict[str, object]]:
    """Return the additions and deductions of a unit."""
    found: list[dict[str, object]] = []
    if unit % 6 == 1:
        found.append({"kind": "addition", "points": "8", "ground": "获省级通报表扬"})
    if unit % 7 == 2:
        found.append({"kind": "deduction", "points": "3", "ground": "数据核查发现差错"})
    return found


def waived(unit: int) -> Decimal | None:
    """Return what a leader waives."""
    return Decimal(2) if unit % 7 == 2 and unit > 5 else None
