"""The targets on the board: cards of those with a value, a list of those without, and the filters above both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kangshu.web.pages.clauses import clause_address
from kangshu.web.pages.figures_text import due_text, reckoned_text, target_text, unit_text, value_text
from kangshu.web.pages.target_work import may_report
from kangshu.web.visit import Visit

_ORDER: Final = {"red": 0, "amber": 1, "green": 2, "grey": 3}
_LIGHTS: Final = {"red": "滞后", "amber": "预警", "green": "正常", "grey": "未知"}
_STATES: Final = {
    "live": "已有数值",
    "silent": "指标暂无数值",
    "awaiting-report": "待填报",
    "awaiting-statistics": "待统计发布",
    "register-missing": "台账尚未建设",
}
_TONES: Final = {
    "silent": "grey",
    "awaiting-report": "blue",
    "awaiting-statistics": "blue",
    "register-missing": "amber",
}


@dataclass(frozen=True, slots=True)
class TargetCard:
    """One target on the board."""

    title: str
    address: str
    tone: str
    light: str
    value: str
    unit: str
    target: str
    due: str
    why: str
    forecast: str
    trend: Sequence[float | None]
    clause: str
    clause_address: str
    units: str
    state: str
    state_tone: str
    act: str
    """Where the visitor's own unit reports it, "" where it does not."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One filter above the targets."""

    id: str
    title: str
    options: Sequence[tuple[str, str]]
    value: str


def worst_first(targets: Iterable[Any]) -> list[Any]:
    """Return targets by light, the worst first and those without one last."""
    return sorted(targets, key=lambda one: _ORDER.get(one.light.light, 4))


def card(
    visit: Visit, plan: Any, target: Any, titles: Mapping[str, str], trend: Sequence[float | None]
) -> TargetCard:
    """Return one target as its card shows it."""
    words, light = visit.words, target.light
    clause = plan.clause(target.clause) if target.clause else None
    leads = [unit.written for unit in clause.of("lead")] if clause else []
    address = f"/plans/{plan.id}/targets/{target.id}"
    asked = target.state == "awaiting-report" and may_report(visit, plan, target)
    ahead = ""
    if light.forecast is not None and light.forecast.value is not None:
        ahead = words(
            "期末预计 {value}", value=f"{reckoned_text(light.forecast.value)}{light.unit or target.unit}"
        )
    return TargetCard(
        target.indicator,
        address,
        light.light,
        words.of(light.title),
        value_text(light.value),
        unit_text(target),
        target_text(target),
        due_text(visit, target),
        words.of(light.headline),
        ahead,
        trend or [float(one.value) for one in light.history],
        titles.get(target.section, "") or words("原文"),
        clause_address(plan.id, target.id),
        "、".join(leads),
        words.of(target.state_title),
        _TONES.get(target.state, "grey"),
        f"{address}?act=report#work" if asked else "",
    )


def filters(visit: Visit, plan: Any, chapters: Sequence[tuple[str, str]]) -> list[Choice]:
    """Return the filters above the targets with what the address has chosen."""
    words = visit.words
    years = sorted({one.due for one in plan.targets if one.due.isdigit()})
    led = {
        one
        for clause in plan.clauses
        if clause.targets
        for unit in clause.of("lead")
        for one in unit.organisations
    }
    listed: list[tuple[str, str, list[tuple[str, str]]]] = [
        ("light", words("亮灯"), [(code, words(title)) for code, title in _LIGHTS.items()]),
        ("shows", words("数值状态"), [(code, words(title)) for code, title in _STATES.items()]),
        (
            "unit",
            words("牵头单位"),
            sorted(((one, plan.unit_names.get(one, one)) for one in led), key=lambda x: x[1]),
        ),
        ("chapter", words("篇章"), list(chapters)),
        ("year", words("年份"), [*((one, one) for one in years), ("none", words("未写明"))]),
    ]
    return [Choice(id_, title, options, visit.query(id_)) for id_, title, options in listed]


def chosen(plan: Any, filters: Sequence[Choice]) -> list[Any]:
    """Return the targets that every chosen filter lets through."""
    asked = {one.id: one.value for one in filters if one.value}

    def fits(target: Any) -> bool:
        clause = plan.clause(target.clause) if target.clause else None
        leads = [one for unit in (clause.of("lead") if clause else ()) for one in unit.organisations]
        held = {
            "light": target.light.light,
            "shows": target.state,
            "chapter": target.chapter,
            "year": target.due if target.due.isdigit() else "none",
        }
        return ("unit" not in asked or asked["unit"] in leads) and all(
            asked[name] == value for name, value in held.items() if name in asked
        )

    return [one for one in plan.targets if fits(one)]
