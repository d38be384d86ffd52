"""The declared formulas of an assessment: pure functions of what a frozen snapshot says of one unit.

A scheme names a formula and gives its figures; no scheme holds code. What cannot be known (nothing was due, every light is
grey) gives no score: a reviewer judges it, and it is never full marks by silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from kangshu.base.text import Text
from kangshu.plans.snapshot_content import Content

_CENT: Final = Decimal("0.01")
_NONE: Final = Decimal(0)
_SENT: Final = frozenset({"submitted", "accepted", "returned"})


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """What a snapshot of `day` says of one unit: the duties that it leads, the targets and the returns that it owes."""

    day: date
    duties: tuple[Content, ...]
    targets: tuple[Content, ...]
    returns: tuple[Content, ...]

    @property
    def due(self) -> tuple[Content, ...]:
        """Return the duties that were to be done by the day of the snapshot; withdrawn ones count for nobody."""
        return tuple(
            one
            for one in self.duties
            if one["status"] != "cancelled" and one["due"] and date.fromisoformat(one["due"]) <= self.day
        )


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What a formula gives: points (None: not to be known), and its inputs in words."""

    points: Decimal | None
    inputs: Text


Figures = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Formula:
    """A declared formula. `figures` are the names of the figures that a scheme gives, with what each means."""

    id: str
    title: Text
    figures: Mapping[str, Text]
    reckon: Callable[[UnitFacts, Figures, Decimal], Reckoned]


def facts_of(content: Content, unit: str) -> UnitFacts:
    """Return what a snapshot's content says of `unit` (an organisation's id)."""
    return UnitFacts(
        date.fromisoformat(content["snapshot"]["day"]),
        tuple(
            one
            for plan in content["plans"]
            for one in plan["duties"]
            if one["unit"] == unit and one["role"] == "lead"
        ),
        tuple(one for plan in content["plans"] for one in plan["targets"] if unit in one["units"]),
        tuple(one for one in content["returns"] if one["unit"] == unit and one["state"] != "cancelled"),
    )


def rounded(points: Decimal) -> Decimal:
    """Return points to two places, halves up."""
    return points.quantize(_CENT, ROUND_HALF_UP)


def _share(done: int, whole: int, points: Decimal, zh: str, en: str) -> Reckoned:
    """Return points by the share `done` of `whole`."""
    if not whole:
        return Reckoned(
            None, Text(f"{zh}：没有应计的事项，由评审人评定", f"{en}: nothing to count, judged by a reviewer")
        )
    gained = rounded(points * done / whole)
    return Reckoned(
        gained,
        Text(f"{zh} {done}/{whole}，{points}×{done}/{whole}＝{gained}", f"{en} {done}/{whole}: {gained}"),
    )


def _deducted(parts: Iterable[tuple[Text, int, Decimal]], points: Decimal) -> Reckoned:
    """Return points less `each` per count, never below nothing."""
    listed = list(parts)
    lost = sum((count * each for _, count, each in listed), _NONE)
    gained = rounded(max(_NONE, points - lost))
    zh = "，".join(f"{title.zh}{count}×{each}" for title, count, each in listed)
    en = ", ".join(f"{title.en} {count} × {each}" for title, count, each in listed)
    return Reckoned(gained, Text(f"{zh}，{points}－{lost}＝{gained}（最低0）", f"{en}: {gained}"))


def _completion(facts: UnitFacts, figures: Figures, points: Decimal) -> Reckoned:
    done = sum(one["status"] == "completed" for one in facts.due)
    return _share(done, len(facts.due), points, "到期任务办结", "duties due and completed")


def _on_time(facts: UnitFacts, figures: Figures, points: Decimal) -> Reckoned:
    done = sum(bool(one["completed"]) and one["completed"] <= one["due"] for one in facts.due)
    return _share(done, len(facts.due), points, "到期任务按期办结", "duties completed in time")


def late_days(duty: Content, day: date) -> int:
    """Return by how many days a duty is late on `day`, or was when it was completed."""
    if not duty["due"] or duty["status"] == "cancelled":
        return 0
    end = date.fromisoformat(duty["completed"]) if duty["completed"] else day
    return max(0, (end - date.fromisoformat(duty["due"])).days)


def _overdue(facts: UnitFacts, figures: Figures, points: Decimal) -> Reckoned:
    days = sum(late_days(one, facts.day) for one in facts.duties)
    return _deducted([(Text("超期天数", "days late"), days, figures["each"])], points)


def _lights(facts: UnitFacts, figures: Figures, points: Decimal) -> Reckoned:
    counted = {
        name: sum(one["light"] == name for one in facts.targets) for name in ("green", "amber", "red", "grey")
    }
    known = counted["green"] + counted["amber"] + counted["red"]
    zh = f"绿{counted['green']}、黄{counted['amber']}、红{counted['red']}、未知{counted['grey']}（不计）"
    en = ", ".join(f"{name} {count}" for name, count in counted.items())
    if not known:
        return Reckoned(None, Text(f"目标亮灯：{zh}，由评审人评定", f"lights: {en}, judged by a reviewer"))
    gained = rounded(points * (counted["green"] + counted["amber"] * figures["amber"]) / known)
    return Reckoned(
        gained, Text(f"目标亮灯：{zh}，黄灯按{figures['amber']}计，得{gained}", f"lights: {en}: {gained}")
    )


def _returns_on_time(facts: UnitFacts, figures: Figures, points: Decimal) -> Reckoned:
    done = sum(one["on_time"] is True for one in facts.returns)
    return _share(done, len(facts.returns), points, "按期报送", "returns in time")


def _returns_sent(facts: UnitFacts, figures: Figures, points: Decimal) -> Reckoned:
    done = sum(one["state"] in _SENT for one in facts.returns)
    return _share(done, len(facts.returns), points, "已报送", "returns sent")


def _slips(facts: UnitFacts, figures: Figures, points: Decimal) -> Reckoned:
    titles = {
        "blue": Text("蓝色督办单", "blue slips"),
        "yellow": Text("黄色督办单", "yellow slips"),
        "red": Text("红色督办单", "red slips"),
    }
    return _deducted(
        [
            (title, sum(one["slips"][name] for one in facts.duties), figures[name])
            for name, title in titles.items()
        ],
        points,
    )


def _counted(name: str, zh: str, en: str) -> Callable[[UnitFacts, Figures, Decimal], Reckoned]:
    def reckon(facts: UnitFacts, figures: Figures, points: Decimal) -> Reckoned:
        return _deducted([(Text(zh, en), sum(one[name] for one in facts.duties), figures["each"])], points)

    return reckon


_EACH: Final = {"each": Text("每次（天）扣分", "points lost each")}
FORMULAS: Final[Mapping[str, Formula]] = {
    one.id: one
    for one in (
        Formula("duties-completed", Text("到期任务办结率", "Share of due duties completed"), {}, _completion),
        Formula(
            "duties-on-time",
            Text("到期任务按期办结率", "Share of due duties completed in time"),
            {},
            _on_time,
        ),
        Formula("overdue-days", Text("任务超期天数扣分", "Points lost by days late"), _EACH, _overdue),
        Formula(
            "targets-light",
            Text("目标亮灯", "Lights of targets"),
            {"amber": Text("黄灯按几成计分", "share counted for an amber light")},
            _lights,
        ),
        Formula("returns-on-time", Text("进展报送按期率", "Share of returns in time"), {}, _returns_on_time),
        Formula("returns-sent", Text("进展报送率", "Share of returns sent"), {}, _returns_sent),
        Formula(
            "slips",
            Text("督办单扣分", "Points lost by supervision slips"),
            {
                "blue": Text("蓝色每张扣分", "per blue slip"),
                "yellow": Text("黄色每张扣分", "per yellow slip"),
                "red": Text("红色每张扣分", "per red slip"),
            },
            _slips,
        ),
        Formula(
            "urged", Text("被催办扣分", "Points lost by urging"), _EACH, _counted("urged", "被催办", "urged")
        ),
        Formula(
            "returned",
            Text("被退回扣分", "Points lost by returns"),
            _EACH,
            _counted("returned", "被退回", "sent back"),
        ),
        Formula(
            "extensions",
            Text("申请延期扣分", "Points lost by extensions"),
            _EACH,
            _counted("extensions", "延期", "extensions"),
        ),
    )
}
"""Every formula that a scheme may name, by id."""
