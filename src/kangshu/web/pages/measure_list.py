"""指标监测: every measure with its light, value, target, gap, trend and districts; what is off course stands first."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from markupsafe import Markup
from starlette.responses import Response

from kangshu.api import names_heard
from kangshu.base.faults import Fault
from kangshu.sdk import MeasureDeclaration
from kangshu.web import charts, figures
from kangshu.web.linked import LIGHT_NAMES as LIGHTS
from kangshu.web.linked import ORDER, Linked, boards
from kangshu.web.lookup import divisions
from kangshu.web.pages.awaited import AwaitedGroup, awaited_groups
from kangshu.web.pages.figures_text import due_text, target_text, value_text
from kangshu.web.parts import Filter
from kangshu.web.visit import Visit

_SECONDS: Final = 2.5
"""How long a page computes what does not stand ready; the rest is computed as it is asked for by itself."""
_SHARES: Final = frozenset({"%", "百分点"})


@dataclass(frozen=True, slots=True)
class Standing:
    """A measure against the target that it proves, the worst where there are several."""

    light: str
    word: str
    target: str
    due: str
    gap: str
    met: bool
    title: str
    address: str
    more: int


@dataclass(frozen=True, slots=True)
class Line:
    """One measure in the list; `members` are those of its family that have no target of their own."""

    title: str
    definition: str
    address: str
    service: str
    value: str
    unit: str
    note: str
    trend: Markup
    chart: Markup
    direction: str
    standing: Standing | None = None
    members: list[Line] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Group:
    """Measures under one title; `folded` is shown on request."""

    title: str
    tone: str
    rows: Sequence[Line]
    folded: bool = False

    @property
    def count(self) -> int:
        """Return how many measures there are, members of families too."""
        return sum(1 + len(one.members) for one in self.rows)


async def measures(visit: Visit) -> Response:
    """Show the measures that fit what is asked for: by importance, or by service."""
    words, asked = visit.words, _asked(visit)
    declared = figures.countable(visit)
    linked = (await boards(visit)).by_measure()
    counts = dict.fromkeys(ORDER, 0) | {"none": 0}
    for id_ in declared:
        counts[linked[id_][0].light if id_ in linked else "none"] += 1
    fitting = [one for one in declared.values() if _fits(visit, one, asked, linked)]
    # what has a target is computed before what has none, where not all stands ready
    fitting.sort(key=lambda one: one.id not in linked)
    results, past, names = await asyncio.gather(
        figures.ready(visit, fitting, _SECONDS),
        figures.all_past(visit, list(declared.values())),
        divisions(visit),
    )
    lines = {
        one.id: _line(visit, one, results.get(one.id), past[one.id], linked.get(one.id, ()), names)
        for one in fitting
    }
    narrowed = any(value for name, value in asked.items() if name != "order")
    instants = [one.instant for one in results.values() if not isinstance(one, Fault)]
    return visit.render(
        "measures.html",
        groups=_groups(visit, fitting, lines, asked["order"], narrowed=narrowed),
        as_of=words.moment(min(instants)) if instants else "",
        counts=counts,
        lights=[(light, words(word), words(_HINTS[light])) for light, word in LIGHTS.items()],
        awaited=_awaited(visit, asked),
        total=len(declared),
        shown=len(fitting),
        filters=_filters(visit, asked),
        text=asked["q"],
        order=asked["order"],
        filtered=narrowed,
        targets=visit.grant.may("plan.read"),
    )


_HINTS: Final = {"red": "偏离目标", "amber": "有风险", "green": "按计划", "grey": "暂无数值"}
_FOLDED: Final = "没有对应规划目标的指标"


def _awaited(visit: Visit, asked: Mapping[str, str]) -> list[AwaitedGroup]:
    """Return the measures without a number yet whose names fit; none where something is asked that they cannot have."""
    if asked["service"] or asked["light"] or asked["target"]:
        return []
    found = [
        replace(group, rows=[one for one in group.rows if names_heard(one.title, asked["q"])])
        for group in awaited_groups(visit)
    ]
    return [one for one in found if one.rows]


def _asked(visit: Visit) -> dict[str, str]:
    """Return what the address asks for; what is unknown asks for nothing."""
    light, target = visit.query("light"), visit.query("target")
    return {
        "q": visit.query("q")[:60],
        "service": visit.query("service"),
        "light": light if light in LIGHTS else "",
        "target": target if target in ("with", "without") else "",
        "order": "service" if visit.query("order") == "service" else "",
    }


def _filters(visit: Visit, asked: Mapping[str, str]) -> list[Filter]:
    words = visit.words
    services = tuple(
        (one.id, words.of(one.title))
        for one in sorted(visit.platform.services, key=lambda one: (one.order, one.id))
        if one.measures
    )
    return [
        Filter("service", words("服务"), asked["service"], services),
        Filter("light", words("亮灯"), asked["light"], tuple((id_, words(one)) for id_, one in LIGHTS.items())),
        Filter(
            "target", words("规划目标"), asked["target"],
            (("with", words("有对应目标")), ("without", words("没有对应目标"))),
        ),
    ]  # fmt: skip


def _fits(
    visit: Visit, one: MeasureDeclaration, asked: Mapping[str, str], linked: Mapping[str, Sequence[Linked]]
) -> bool:
    held = linked.get(one.id, ())
    if asked["service"] and one.service != asked["service"]:
        return False
    if asked["light"] and (not held or held[0].light != asked["light"]):
        return False
    if asked["target"] and bool(held) != (asked["target"] == "with"):
        return False
    return any(names_heard(text, asked["q"]) for text in (one.title.zh, one.title.en))


def _groups(
    visit: Visit,
    shown: Iterable[MeasureDeclaration],
    lines: Mapping[str, Line],
    order: str,
    *,
    narrowed: bool,
) -> list[Group]:
    """Return the groups: by light and then, folded, by service; or all by service, the worst light first."""
    words = visit.words
    by_light: dict[str, list[Line]] = {light: [] for light in LIGHTS}
    by_service: dict[str, list[Line]] = {}
    for one in shown:
        line = lines[one.id]
        if line.standing is not None and not order:
            by_light[line.standing.light].append(line)
        elif line.standing is None and not narrowed and one.family in lines and one.family != one.id:
            lines[one.family].members.append(line)
        else:
            by_service.setdefault(one.service, []).append(line)
    titles = {one.id: words.of(one.title) for one in visit.platform.services}
    groups = [
        Group(f"{words(LIGHTS[light])} · {words(_HINTS[light])}", light, rows)
        for light, rows in by_light.items()
        if rows
    ]
    for service in sorted(visit.platform.services, key=lambda one: (one.order, one.id)):
        rows = by_service.get(service.id, [])
        rows.sort(key=lambda one: ORDER[one.standing.light] if one.standing else len(ORDER))
        if rows:
            groups.append(Group(titles[service.id], "", rows, folded=not order and not narrowed))
    return groups


def _line(
    visit: Visit,
    measure: MeasureDeclaration,
    result: figures.Result | Fault | None,
    past: figures.Past,
    linked: Sequence[Linked],
    names: Mapping[str, str],
) -> Line:
    words = visit.words
    standing = _standing(visit, linked) if linked else None
    address, title = f"/measures/{measure.id}", words.of(measure.title)
    services = {one.id: words.of(one.title) for one in visit.platform.services}
    common = (title, words.of(measure.definition), address, services[measure.service])
    direction = figures.direction_text(words, measure)
    if result is None or isinstance(result, Fault):
        why = figures.refused(words, result).text if result else words("尚在计算，可点开查看")
        return Line(*common, words("未知"), "", why, Markup(), Markup(), direction, standing)
    districts = [(name, row.value) for _, name, row in figures.by_district(result.rows, names)]
    return Line(
        *common,
        figures.shown_text(words, measure, result),
        figures.unit_text(words, measure.unit) if result.value is not None else "",
        _note(visit, measure, result),
        trend_of(visit, measure, past, linked),
        charts.columns(districts, title=words("{title}：各区对比", title=title)),
        direction,
        standing,
    )


def trend_of(
    visit: Visit,
    measure: MeasureDeclaration,
    past: figures.Past,
    linked: Sequence[Linked] = (),
    size: tuple[int, int] = (120, 32),
) -> Markup:
    """Return the small trend of a measure over the quarter ends, with its target; a yearly one begins anew each year."""
    points = [
        charts.Point(f"{day:%Y-%m}", None if value is None else round(value, measure.decimals))
        for day, value in past
    ]
    anew = {
        at
        for at in range(1, len(past))
        if measure.period == "year" and past[at][0].year != past[at - 1][0].year
    }
    final = next((one.target.light.final for one in linked if one.target.light.value is not None), None)
    return charts.sparkline(
        points,
        title=visit.words.of(measure.title),
        target=None if final is None else float(final),
        anew=anew,
        size=size,
    )


def _note(visit: Visit, measure: MeasureDeclaration, result: figures.Result) -> str:
    if result.suppressed:
        return figures.why_hidden(visit, measure)
    return "" if result.value is not None else visit.words("分母为零，无法计算")


def _standing(visit: Visit, linked: Sequence[Linked]) -> Standing:
    """Return how a measure stands against the first, the worst, of its targets."""
    words, one = visit.words, linked[0]
    target, gap, met = one.target, "—", False
    if target.light.value is not None and target.light.final is not None:
        gap, met = gap_of(visit, target)
    return Standing(
        one.light,
        words.of(target.light.title),
        target_text(target),
        due_text(visit, target),
        gap,
        met,
        target.indicator,
        one.address,
        len(linked) - 1,
    )


def gap_of(visit: Visit, target: object) -> tuple[str, bool]:
    """Return what is missing to the final value of a target whose value is known, and whether it is met."""
    words, light = visit.words, target.light  # type: ignore[attr-defined]
    lower = target.comparator in ("<=", "<", "decrease_to", "decrease_by")  # type: ignore[attr-defined]
    missing = light.value - light.final if lower else light.final - light.value
    if missing <= 0:
        return words("已达到"), True
    unit = light.unit or target.unit  # type: ignore[attr-defined]
    figure = value_text(round(missing, 1) if missing >= 1 else missing)
    return words(
        "差 {figure}{unit}", figure=figure, unit=words("个百分点") if unit in _SHARES else words(unit)
    ), False
