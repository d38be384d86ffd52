"""预警中心: what is open by urgency, who was told and who acted; one warning with its numbers; the rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.responses import Response

from kangshu.api import (
    Numbers,
    RuleLine,
    WarningLine,
    cell_of,
    name_of,
    numbers_of,
    rows_of,
    rules_seen,
    told_of,
    warning_kind,
    warning_seen,
    warnings_counted,
    warnings_seen,
)
from kangshu.web import charts, figures
from kangshu.web.blocks import Block, Figure, Screen
from kangshu.web.figures import counting
from kangshu.web.lookup import divisions, organisations, record_address
from kangshu.web.pages.cases import case_view
from kangshu.web.pages.notices import said
from kangshu.web.pages.parameters import version_text
from kangshu.web.parts import Cell, Fact, Filter, Link, Tab
from kangshu.web.rows import WorkRow, work_row
from kangshu.web.visit import Visit

_FEW: Final = 5
_PEOPLE: Final = 10
_LEVELS: Final = {"urgent": ("紧急", "red"), "important": ("重要", "amber"), "attention": ("关注", "blue")}
_VIEWS: Final = (("", "待处置"), ("watched", "处置后观察中"), ("over", "已解除和核销"))
_ORGANISATION: Final = "Organization/"
_MOST_BARS: Final = 12


@dataclass(frozen=True, slots=True)
class Line:
    """One warning in the list."""

    row: WorkRow
    address: str
    level: str
    tone: str
    reason: str
    where: str
    told: str
    last: str
    mine: bool


@dataclass(frozen=True, slots=True)
class Place:
    """One place or institution with its open warnings by urgency."""

    name: str
    address: str
    counts: Counter[str]


@dataclass(frozen=True, slots=True)
class Bar:
    """One place beside the others."""

    title: str
    value: str
    bar: Markup
    here: bool


async def centre(visit: Visit) -> Response:
    """Show the warnings that the visitor sees, filtered."""
    words = visit.words
    view = visit.query("view")
    view = view if view in dict(_VIEWS) else ""
    opened = await warnings_seen(visit.platform, visit.grant)
    over = await warnings_seen(visit.platform, visit.grant, over=True) if view == "over" else ()
    names, states = await _names(visit), await visit.platform.warnings.states()
    held = [one for rule in visit.platform.warnings.rules if (one := states.get(rule.code)) and not one.fault]
    of_view = {
        "": [one for one in opened if one.row.state != "acted"],
        "watched": [one for one in opened if one.row.state == "acted"],
        "over": list(over),
    }
    chosen = {name: visit.query(name) for name in ("level", "rule", "district", "unit", "mine")}
    shown = [one for one in of_view[view] if _fits(one, chosen)]
    waiting = of_view[""]
    levels = Counter(one.level for one in waiting)
    counts: dict[str, int | str] = {"": len(waiting), "watched": len(of_view["watched"]), "over": ""}
    return visit.render(
        "warnings.html",
        tabs=[
            Tab(
                words(title),
                visit.with_query(view=name),
                name == view,
                counts[name],
                name == "" and levels["urgent"] > 0,
            )
            for name, title in _VIEWS
        ],
        view=view,
        levels=levels,
        own=sum(one.mine for one in waiting),
        escalated=sum(one.row.state == "escalated" for one in waiting),
        late=sum(one.row.urgency == "overdue" for one in waiting),
        filters=_filters(visit, of_view[view], chosen, names),
        filtered=any(chosen.values()),
        lines=[_line(visit, one, names) for one in shown],
        places=_places(visit, waiting, names),
        looked=words.moment(min(one.at for one in held)) if held else "",
        unheld=len(visit.platform.warnings.rules) - len(held),
    )


def _fits(one: WarningLine, chosen: Mapping[str, str]) -> bool:
    return (
        chosen["level"] in ("", one.level)
        and chosen["rule"] in ("", one.rule.code if one.rule else "-")
        and one.place.startswith(chosen["district"])
        and chosen["unit"] in ("", one.row.owner)
        and (not chosen["mine"] or one.mine)
    )


def _filters(
    visit: Visit, lines: Sequence[WarningLine], chosen: Mapping[str, str], names: Mapping[str, str]
) -> list[Filter]:
    words = visit.words
    rules = {one.rule.code: words.of(one.rule.title) for one in lines if one.rule}
    places = {one.place: names.get(one.place, one.place) for one in lines if one.place}
    owners = {one.row.owner: one.row.owner_name for one in lines if one.row.owner}
    return [
        Filter(
            "level",
            words("紧急程度"),
            chosen["level"],
            tuple((id_, words(zh)) for id_, (zh, _) in _LEVELS.items()),
        ),
        Filter("rule", words("预警规则"), chosen["rule"], tuple(sorted(rules.items(), key=_second))),
        Filter("district", words("区域"), chosen["district"], tuple(sorted(places.items()))),
        Filter("unit", words("处置单位"), chosen["unit"], tuple(sorted(owners.items(), key=_second))),
    ]


def _second(pair: tuple[str, str]) -> str:
    return pair[1]


def _line(visit: Visit, one: WarningLine, names: Mapping[str, str]) -> Line:
    words = visit.words
    level, tone = _LEVELS.get(one.level, _LEVELS["attention"])
    where = names.get(one.unit or one.place, "")
    last = "" if one.last is one.told or one.last.move == "start" else words.moment(one.last.when.isoformat())
    return Line(
        work_row(words, one.row),
        f"/warnings/{one.row.id}",
        words(level),
        tone,
        words.of(one.reason),
        where,
        words.moment(one.told.when.isoformat()),
        last,
        one.mine,
    )


def _places(visit: Visit, lines: Sequence[WarningLine], names: Mapping[str, str]) -> list[Place]:
    """Return who has to act on how many, those with the most pressing first."""
    by_owner: dict[str, Counter[str]] = {}
    for one in lines:
        by_owner.setdefault(one.row.owner, Counter())[one.level] += 1
    called = {one.row.owner: one.row.owner_name for one in lines}
    found = [
        Place(
            called[owner] or names.get(f"{_ORGANISATION}{owner}", owner), visit.with_query(unit=owner), counts
        )
        for owner, counts in by_owner.items()
    ]
    return sorted(found, key=lambda one: (-one.counts["urgent"], -one.counts.total(), one.name))


async def warning(visit: Visit) -> Response:
    """Show one warning: why, since when, the numbers, who is behind it, who was told, who acted, and what may be done."""
    words, id_ = visit.words, visit.path("id")
    line = await warning_seen(visit.platform, visit.grant, id_)
    names = await _names(visit)
    grant = await counting(visit)
    numbers = await numbers_of(visit.platform, grant, line)
    listed = await rows_of(visit.platform, grant, line, _PEOPLE)
    case = await case_view(visit, id_)
    told = await told_of(visit.platform, visit.grant, id_)
    rule = line.rule
    level, tone = _LEVELS.get(line.level, _LEVELS["attention"])
    address = f"/lists/{listed[0].code}?{urlencode(cell_of(line))}" if listed else ""
    return visit.render(
        "warning.html",
        **{
            name: case[name]
            for name in ("row", "steps", "events", "moves", "related", "version", "issues", "closed_text")
        },
        address=f"/cases/{id_}",
        back=f"/warnings/{id_}",
        level=words(level),
        tone=tone,
        reason=words.of(line.reason),
        rule=rule,
        rule_title=words.of(rule.title) if rule else words("规则已停用"),
        rule_help=words.of(rule.help) if rule else "",
        act=words.of(rule.act) if rule else str(line.values.get("act", "")),
        facts=_facts(visit, line, names),
        trend=_trend(visit, numbers, line),
        bars=_bars(visit, numbers, names),
        measure=numbers and Link(words.of(numbers.measure.title), f"/measures/{numbers.measure.id}"),
        target=_target(line),
        listed=listed and words.of(listed[0].title),
        list_address=address,
        people=[
            Link(name_of(one.resource), _record(visit, listed[0].open, one.row.subject))
            for one in listed[1].rows
        ]
        if listed
        else [],
        people_total=listed[1].total if listed else 0,
        closed_list=bool(rule and rule.list and not listed),
        told=[
            (
                names.get(one.recipient, one.recipient),
                words.moment(one.sent),
                words.moment(one.read) if one.read else "",
                said(visit, one.text),
            )
            for one in told
        ],
    )


def _record(visit: Visit, register: str, subject: str) -> str:
    kind, _, id_ = subject.partition("/")
    return f"/registers/{register}/{id_}" if register else record_address(visit, kind, id_)


def _target(line: WarningLine) -> Link | None:
    plan, _, target = str(line.values.get("target", "")).partition("/")
    return Link("规划目标", f"/plans/{plan}/targets/{target}") if target else None


def _facts(visit: Visit, line: WarningLine, names: Mapping[str, str]) -> list[Fact]:
    words, values = visit.words, line.values
    found = [
        Fact(words("首次预警"), words.moment(line.told.when.isoformat())),
        Fact(words("数据截至"), words.moment(str(values.get("as_of", "")))),
        Fact(words("处置单位"), line.row.owner_name),
        Fact(words("主管单位"), line.row.requester_name),
    ]
    where = names.get(line.unit or line.place, "")
    if where:
        found.insert(0, Fact(words("涉及"), where))
    if values.get("count") is not None:
        found.append(Fact(words("涉及数量"), words.figure(values["count"], 0)))
    if values.get("parameters"):
        found.append(Fact(words("所用参数及版本"), str(values["parameters"]), wide=True))
    return found


def _trend(visit: Visit, numbers: Numbers | None, line: WarningLine) -> Markup:
    if numbers is None or sum(value is not None for _, value in numbers.past) < 2:
        return Markup()
    words, measure = visit.words, numbers.measure
    points = [charts.Point(day.strftime("%Y-%m"), value) for day, value in numbers.past]
    rule, limit = line.rule, line.values.get("limit")
    held = rule is not None and rule.test in ("above", "below") and limit is not None
    return charts.trend(
        points,
        title=words.of(measure.title),
        unit=figures.unit_text(words, measure.unit),
        target=float(limit) if held and limit is not None else None,
        target_text=words("限值") if held else "",
    )


def _bars(visit: Visit, numbers: Numbers | None, names: Mapping[str, str]) -> list[Bar]:
    """Return the places side by side, the worst first; where they are many, those around the one concerned."""
    if numbers is None or not numbers.by:
        return []
    words, measure = visit.words, numbers.measure
    rows = [one for one in numbers.rows if one.keys[0] and one.value is not None]
    rows.sort(key=lambda one: one.value or 0.0, reverse=measure.direction == "decrease")
    here = next((place for place, one in enumerate(rows) if str(one.keys[0]) == numbers.key), 0)
    first = max(0, min(here - _MOST_BARS // 2, len(rows) - _MOST_BARS))
    shown = rows[first : first + _MOST_BARS]
    top = max((one.value or 0.0 for one in rows), default=1.0)
    found = []
    for one in shown:
        key = str(one.keys[0])
        text = figures.shown_text(words, measure, one)
        title = names.get(key, names.get(key.ljust(6, "0"), key))
        mine = key == numbers.key
        found.append(Bar(title, text, charts.bar(one.value, top, "red" if mine else "", title=text), mine))
    return found


async def rules(visit: Visit) -> Response:
    """Show every rule with the parameters that it asks now, each leading to its page, and how it stood at the last look."""
    warning_kind(visit.platform)
    words = visit.words
    opened = await warnings_seen(visit.platform, visit.grant)
    lines = await rules_seen(visit.platform, opened)
    names = await organisations(visit)
    titles = {one.id: words.of(one.title) for one in visit.platform.services}
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in lines:
        groups.setdefault(one.rule.service, []).append(_rule(visit, one, names))
    return visit.render("warning_rules.html", groups=[(titles[id_], found) for id_, found in groups.items()])


def _rule(visit: Visit, one: RuleLine, names: Mapping[str, str]) -> dict[str, Any]:
    words, rule = visit.words, one.rule
    level, tone = _LEVELS[rule.level]
    settles = visit.grant.may("parameter.read") or visit.grant.may("parameter.write")
    said_of = [
        Cell(
            f"{words.of(version.title)}：{names.get(str(version.value), version_text(words, version))}",
            f"/admin/parameters/{version.id}" if settles else "",
            sub=version.source if version.verified else words("{source}（待核实）", source=version.source),
        )
        for version in one.figures
    ]
    state = one.state
    return {
        "title": words.of(rule.title),
        "help": words.of(rule.help),
        "level": words(level),
        "tone": tone,
        "on": words.of(one.stands_on),
        "figures": said_of,
        "open": one.open,
        "address": f"/warnings?rule={rule.code}",
        "fault": (state.fault if words.english else state.fault_zh) if state else "",
        "looked": words.moment(state.at) if state else "",
    }


async def add_warnings(visit: Visit, screen: Screen) -> None:
    """Put the visitor's own open warnings on a first screen; nothing where there are none."""
    if not visit.grant.may("measure.read") or visit.platform.warnings.kind is None:
        return
    words, grant = visit.words, visit.grant
    own = await warnings_seen(visit.platform, grant, own=True) if grant.organisation else ()
    own = tuple(one for one in own if one.row.state != "acted")
    waiting, urgent = len(own), sum(one.level == "urgent" for one in own)
    note, address = words("由本单位处置"), "/warnings?mine=1"
    if grant.may("plan.assign") or grant.may("plan.instruct"):
        waiting, urgent = await warnings_counted(visit.platform, grant)
        note, address = words("看得到的待处置"), "/warnings"
    if waiting:
        tone = "red" if urgent else "amber"
        screen.figures.append(Figure(words("预警事项"), str(waiting), words("条"), note, tone, address))
    if own:
        heads = (words("预警和原因"), words("紧急程度"))
        rows = [_brief(visit, one) for one in own[:_FEW]]
        screen.wide.append(
            Block(words("待处置预警"), "table", rows, "", icon="warn", heads=heads, more="/warnings?mine=1")
        )


def _brief(visit: Visit, one: WarningLine) -> list[Cell]:
    level, tone = _LEVELS.get(one.level, _LEVELS["attention"])
    return [
        Cell(visit.words.of(one.reason), f"/warnings/{one.row.id}"),
        Cell(visit.words(level), tone=tone),
    ]


async def _names(visit: Visit) -> dict[str, str]:
    """Return the names of divisions by code and of organisations by reference."""
    units = await organisations(visit)
    return {**await divisions(visit), **{f"{_ORGANISATION}{id_}": name for id_, name in units.items()}}
