"""What a document cites: duties and targets as they stand on the day, each in words with its day and source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from kangshu.access import Grant
from kangshu.base.faults import NotFound
from kangshu.documents import written_day
from kangshu.plans.model import DutyView, Figure, PlanView, TargetView
from kangshu.plans.plans import Plans

_DUTY: Final = "Task/"
_TARGET: Final = "PlanDefinition/"
_ASKED: Final[Mapping[str, str]] = {
    ">=": "不低于", "<=": "不超过", ">": "超过", "<": "低于", "=": "为", "about": "约",
    "increase_to": "提高到", "decrease_to": "降至", "increase_by": "提高", "decrease_by": "降低",
}  # fmt: skip
_SOURCES: Final[Mapping[str, str]] = {
    "measure": "业务系统实时数据",
    "reported": "责任单位填报",
    "statistics": "统计数据",
}
UNKNOWN: Final = "暂无数据"


@dataclass(frozen=True, slots=True)
class Cited:
    """One duty or target that may be cited. `key` is `Task/<id>` or `PlanDefinition/<plan>#<target>`."""

    key: str
    what: Literal["duty", "target"]
    plan: str
    title: str
    unit: str
    state: str
    value: str
    """The number on the day with its unit; 暂无数据 where it is unknown, "" for a duty."""
    as_of: str
    source: str
    sentence: str

    def row(self) -> dict[str, str]:
        """Return the columns of a document's rows `cited`."""
        kinds = {"duty": "任务", "target": "指标"}
        return {
            "what": kinds[self.what],
            "title": self.title,
            "unit": self.unit,
            "state": self.state,
            "value": self.value,
            "as_of": self.as_of,
            "source": self.source,
            "sentence": self.sentence,
        }


async def citable(plans: Plans, grant: Grant, today: date, text: str = "") -> tuple[Cited, ...]:
    """Return the duties and targets of our own plans that the grant sees and whose words hold `text`, plan by plan."""
    found: list[Cited] = []
    for row in await plans.plans(grant):
        if not row.foreign:
            found += _of_plan(await plans.plan(grant, row.id), today)
    wanted = text.strip().casefold()
    return tuple(one for one in found if wanted in f"{one.title}{one.unit}{one.plan}".casefold())


async def cited(plans: Plans, grant: Grant, keys: Iterable[str], today: date) -> tuple[Cited, ...]:
    """Return what `keys` name as it stands on `today`, in their order.

    Raises:
        NotFound: one of them is none of our plans' that the grant sees: a document says nothing that cannot be shown.
    """
    asked = tuple(dict.fromkeys(keys))
    if not asked:
        return ()
    known = {one.key: one for one in await citable(plans, grant, today)}
    missing = [one for one in asked if one not in known]
    if missing:
        raise NotFound(
            f"{len(missing)} of the cited duties or targets are not to be seen",
            zh=f"有 {len(missing)} 项引用的任务或指标不存在或无权查看，请重新选择",
        )
    return tuple(known[one] for one in asked)


def _of_plan(plan: PlanView, today: date) -> list[Cited]:
    found = [_target(plan, one, today) for one in plan.targets]
    titles = {one.id: one.title or one.text[:40] for one in plan.clauses}
    for clause in plan.clauses:
        found += [
            _duty(plan, one, titles.get(one.clause, ""), today) for one in clause.duties if not one.parent
        ]
    return found


def _duty(plan: PlanView, duty: DutyView, title: str, today: date) -> Cited:
    state = duty.state.zh + (f"（超期{duty.overdue_days}天）" if duty.overdue_days else "")
    day = written_day(today)
    sentence = f"“{title}”由{duty.unit_name}牵头办理，截至{day}{state}"
    if duty.deadline and not duty.final:
        sentence += f"，完成时限为{written_day(duty.deadline)}"
    return Cited(
        f"{_DUTY}{duty.task}", "duty", plan.title, title, duty.unit_name, state, "", day, "督办台账", sentence
    )


def _target(plan: PlanView, target: TargetView, today: date) -> Cited:
    light = target.light
    clause = plan.clause(target.clause) if target.clause else None
    leads = (one for unit in clause.of("lead") for one in unit.organisations) if clause else ()
    unit = "、".join(dict.fromkeys(plan.unit_names.get(one, one) for one in leads))
    asked = f"{_ASKED.get(target.comparator, '')}{_figure(target.value)}{target.unit}"
    due = f"到{target.due}年" if target.due.isdigit() else ""
    value = UNKNOWN if light.value is None else f"{_number(light.value)}{light.unit or target.unit}"
    as_of = _day_of(light.as_of, today) if light.value is not None else ""
    said = f"截至{as_of}为{value}" if as_of else UNKNOWN
    return Cited(
        f"{_TARGET}{plan.id}#{target.id}",
        "target",
        plan.title,
        target.indicator,
        unit,
        light.title.zh,
        value,
        as_of,
        _SOURCES.get(light.source, ""),
        f"“{target.indicator}”{due}的目标{asked}，{said}",
    )


def _day_of(instant: str, today: date) -> str:
    try:
        return written_day(date.fromisoformat(instant[:10]))
    except ValueError:
        return written_day(today)


def _figure(value: Figure) -> str:
    if isinstance(value, tuple):
        return "至".join(_number(one) for one in value)
    return value if isinstance(value, str) else _number(value)


def _number(value: Decimal) -> str:
    """Return a number to two places without needless zeros."""
    text = format(round(value, 2), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
