"""What a unit's return asks: a line per duty and per target that it owes, filled in beforehand. Pure, over a plan's content
as a snapshot would freeze it now (`plans.snapshot_content`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from kangshu.plans.snapshot_content import Content

Line = Mapping[str, Any]
_OPEN: Final = frozenset({"requested", "received", "accepted", "in-progress", "on-hold"})
_STATUS_WORDS: Final = {"normal": "按计划推进", "slow": "进度滞后", "done": "已完成", "none": "本期无进展"}


def begun_by(plan: Content, start: date, day: date) -> Content:
    """Return of a plan what stood on `day`, the last of a period: nobody reports on what came later.

    `start` is the day since which the plan is there.
    """
    return {
        **plan,
        "duties": [
            one for one in plan["duties"] if one["opened"] and date.fromisoformat(one["opened"]) <= day
        ],
        "targets": plan["targets"] if start <= day else [],
    }


def units_that_owe(plan: Content) -> tuple[str, ...]:
    """Return the ids of the units that have anything to report of a plan, sorted."""
    found = {duty["unit"] for duty in plan["duties"] if _owed_duty(duty)}
    found |= {unit for target in plan["targets"] if _owed_target(target) for unit in target["units"]}
    return tuple(sorted(found - {""}))


def lines_of(plan: Content, unit: str, last: Sequence[Line]) -> list[dict[str, Any]]:
    """Return the lines of a unit's return; `last` are those of its return before, for what stands there at first."""
    before = {_key(line): line for line in last}
    titles = {clause["id"]: clause["title"] for clause in plan["clauses"]}
    lines = [
        _duty_line(duty, titles.get(duty["clause"], ""))
        for duty in plan["duties"]
        if duty["unit"] == unit and _owed_duty(duty)
    ]
    lines += [
        _target_line(target) for target in plan["targets"] if unit in target["units"] and _owed_target(target)
    ]
    return [_with_last(line, before.get(_key(line))) for line in lines]


def _owed_duty(duty: Content) -> bool:
    return duty["role"] == "lead" and duty["status"] in _OPEN


def _owed_target(target: Content) -> bool:
    return bool(target["units"]) and isinstance(target["value"], str)


def _key(line: Line) -> str:
    return str(line.get("duty") or line.get("target") or "")


def _duty_line(duty: Content, title: str) -> dict[str, Any]:
    asked = f"{duty['due']} 前完成" if duty["due"] else "未写明时限"
    late = f"，超期 {duty['overdue_days']} 天" if duty["overdue_days"] else ""
    return {
        "matter": title or duty["number"],
        "kind": "duty",
        "asked": asked,
        "live": f"{duty['state']['zh']}{late}",
        "duty": f"Task/{duty['task']}",
    }


def _target_line(target: Content) -> dict[str, Any]:
    due = f"（{target['due']}年）" if str(target["due"]).isdigit() else ""
    line: dict[str, Any] = {
        "matter": target["indicator"],
        "kind": "target",
        "asked": f"{target['comparator']}{target['value']}{target['unit']}{due}",
        "target": target["id"],
    }
    if target["actual"] is not None and target["measure"]:
        line |= {
            "live": f"{target['actual']}{target['unit']}（系统计算）",
            "value": target["actual"],
            "status": "normal",
            "origin": "live",
        }
    return line


def _with_last(line: dict[str, Any], last: Line | None) -> dict[str, Any]:
    """Return a line with what the return before said; figures that may have moved are proposed, not words."""
    if last is None:
        return line
    said = [_STATUS_WORDS.get(str(last.get("status")), "")]
    if last.get("percent") is not None:
        said.append(f"{last['percent']}%")
    if last.get("value") is not None:
        said.append(str(last["value"]))
    said.append(str(last.get("progress") or ""))
    filled = {name: last[name] for name in ("percent", "value") if last.get(name) is not None}
    origin = {"origin": "last"} if filled and "origin" not in line else {}
    return {**filled, **origin, **line, "last": "；".join(filter(None, said))}
