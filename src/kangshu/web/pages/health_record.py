"""What stands in a resident's record: results as charts and tables by kind, and all that happened, year by year."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from markupsafe import Markup

from kangshu.api import text_of
from kangshu.base.clock import today
from kangshu.base.faults import Fault
from kangshu.sdk import Resource
from kangshu.web import charts
from kangshu.web.clinical import day_of, loinc_of, number_of, result_of
from kangshu.web.language import Words
from kangshu.web.rows import WorkRow
from kangshu.web.visit import Visit

_MOST_POINTS: Final = 24
_OPEN: Final = 8
"""Rows of a table that stand open; the others are folded."""
YEARS: Final = 3
"""Of how many years visits and results are shown at first; all others are one click away."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of the timeline."""

    day: str
    title: str
    note: str
    tone: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Year:
    """What happened in one year; the newest stands open."""

    title: str
    events: list[Happening]
    open: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart with the names of its lines and the newest value."""

    title: str
    latest: str
    note: str
    svg: Markup
    first: str
    second: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of records: the first rows stand open, the others are folded. `tight` columns stand on one line."""

    id: str
    title: str
    heads: list[str]
    rows: list[list[str]]
    folded: list[list[str]]
    none: str
    tight: frozenset[int] = frozenset()

    @property
    def count(self) -> int:
        """Return how many rows there are."""
        return len(self.rows) + len(self.folded)


@dataclass(slots=True)
class Holdings:
    """What the visitor may see of one resident, by kind, the newest first."""

    records: dict[str, list[Resource]] = field(default_factory=dict)

    def of(self, kind: str) -> list[Resource]:
        """Return the records of one kind."""
        return self.records.get(kind, [])


_LASTING: Final = ("Condition", "Contract", "EpisodeOfCare")
_GROWING: Final = ("Encounter", "Observation")


async def held_by(visit: Visit, id_: str, *, whole: bool) -> Holdings:
    """Return a resident's records: what lasts, and visits and results of the last years (`whole`: of all)."""
    held, since = Holdings(), f"&date=ge{today().year - YEARS + 1}"
    for kind in (*_LASTING, *_GROWING):
        criteria = f"patient=Patient/{id_}" + (since if kind in _GROWING and not whole else "")
        try:
            found = await visit.platform.store.search_all(visit.grant, kind, criteria)
        except Fault:
            found = []
        held.records[kind] = sorted(found, key=day_of, reverse=True)
    return held


def organisation(reference: Any, names: Mapping[str, str]) -> str:
    """Return the name of the organisation that a reference points to."""
    if not isinstance(reference, dict):
        return ""
    id_ = str(reference.get("reference", "")).removeprefix("Organization/")
    return str(reference.get("display") or names.get(id_, id_))


def charts_of(words: Words, observations: Iterable[Resource]) -> list[Chart]:
    """Return the charts of what was measured at least twice."""
    by_code: dict[str, list[Resource]] = {}
    for one in observations:
        by_code.setdefault(loinc_of(one), []).append(one)
    found = []
    pressure = sorted(by_code.get("85354-9", []), key=day_of)[-_MOST_POINTS:]
    if len(pressure) >= 2:
        upper = [charts.Point(day_of(one), _component(one, "8480-6")) for one in pressure]
        lower = [charts.Point(day_of(one), _component(one, "8462-4")) for one in pressure]
        title = words("血压")
        svg = charts.trend(upper, second=lower, title=title, unit="mmHg")
        latest = result_of(pressure[-1])
        found.append(Chart(title, latest, _span(words, pressure), svg, words("收缩压"), words("舒张压")))
    for code, title, unit in (("2339-0", words("血糖"), "mmol/L"), ("29463-7", words("体重"), "kg")):
        results = sorted(by_code.get(code, []), key=day_of)[-_MOST_POINTS:]
        if len(results) >= 2:
            shown = str(results[0].get("valueQuantity", {}).get("unit") or unit)
            points = [charts.Point(day_of(one), number_of(one)) for one in results]
            svg = charts.trend(points, title=title, unit=shown)
            found.append(Chart(title, result_of(results[-1]), _span(words, results), svg, title))
    return found


def _component(resource: Resource, code: str) -> float | None:
    return next((number_of(part) for part in resource.get("component", ()) if loinc_of(part) == code), None)


def _span(words: Words, records: list[Resource]) -> str:
    return words(
        "{count} 次，{first} 至 {last}",
        count=len(records),
        first=day_of(records[0]),
        last=day_of(records[-1]),
    )


def tables_of(words: Words, held: Holdings, names: Mapping[str, str]) -> list[Table]:
    """Return the record by kind, the newest first."""
    states = {
        "active": words("进行中"), "finished": words("已结束"), "executed": words("有效"), "planned": words("计划中"),
        "cancelled": words("已取消"), "terminated": words("已终止"), "resolved": words("已缓解"),
    }  # fmt: skip

    day = today().isoformat()

    def state(one: Resource) -> str:
        ended = str((one.get("applies") or {}).get("end") or day)[:10] < day
        if one.get("status") == "executed" and ended:
            return words("已到期")
        status = str(one.get("status") or text_of(one.get("clinicalStatus")))
        return states.get(status, status)

    def period(one: Resource) -> str:
        held_for = one.get("period") or one.get("applies") or {}
        ends = (str(held_for.get("start", ""))[:10], str(held_for.get("end", ""))[:10])
        return " – ".join(filter(None, ends))

    def first(parties: Any) -> str:
        return organisation(next(iter(parties or ()), None), names)

    conditions = [[text_of(one.get("code")), day_of(one), state(one)] for one in held.of("Condition")]
    contracts = [
        [text_of(one.get("type")), first(one.get("authority")), period(one), state(one)]
        for one in held.of("Contract")
    ]
    stays = [
        [
            text_of(one.get("type")),
            organisation(one.get("managingOrganization"), names),
            period(one),
            state(one),
        ]
        for one in held.of("EpisodeOfCare")
    ]
    visits = [
        [
            day_of(one),
            text_of(one.get("type")) or words("就诊"),
            text_of(one.get("reasonCode")),
            organisation(one.get("serviceProvider"), names),
        ]
        for one in held.of("Encounter")
    ]
    kind, place, span, status = words("类型"), words("机构"), words("有效期"), words("状态")
    tables = [
        _table("conditions", words("诊断与慢病"), [words("诊断"), words("开始时间"), status], conditions,
               words("没有诊断记录"), {1, 2}),
        _table("results", words("检查与评估结果"),
               [words("项目"), words("最近结果"), words("日期"), words("次数"), place],
               _by_item(held.of("Observation"), names), words("没有检查或评估结果"), {1, 2, 3}),
        _table("contracts", words("签约与协议"), [kind, place, span, status], contracts, words("没有签约记录"), {2, 3}),
        _table("visits", words("就诊与服务"), [words("日期"), kind, words("原因"), place], visits,
               words("没有就诊记录"), {0}),
    ]  # fmt: skip
    if stays:
        tables.insert(3, _table("stays", words("入住与照护"), [kind, place, span, status], stays, "", {2, 3}))
    return tables


def _table(
    id_: str, title: str, heads: list[str], rows: list[list[str]], none: str, tight: set[int]
) -> Table:
    return Table(id_, title, heads, rows[:_OPEN], rows[_OPEN:], none, frozenset(tight))


def _by_item(observations: Sequence[Resource], names: Mapping[str, str]) -> list[list[str]]:
    """Return each item with its newest result, on which day, how often and where it was measured."""
    items: dict[str, list[Resource]] = {}
    for one in observations:
        items.setdefault(text_of(one.get("code")), []).append(one)
    return [
        [
            item,
            result_of(found[0]),
            day_of(found[0]),
            str(len(found)),
            organisation(next(iter(found[0].get("performer", ())), None), names),
        ]
        for item, found in items.items()
    ]


def timeline_of(
    words: Words, held: Holdings, names: Mapping[str, str], cases: Iterable[WorkRow]
) -> list[Year]:
    """Return what happened, year by year, the newest first; single measurements are left to the charts."""
    found = [
        Happening(
            day_of(one),
            text_of(one.get("type")) or words("就诊"),
            _joined(text_of(one.get("reasonCode")), organisation(one.get("serviceProvider"), names)),
        )
        for one in held.of("Encounter")
    ]
    for one in held.of("Condition"):
        found.append(
            Happening(day_of(one), words("诊断：{name}", name=text_of(one.get("code"))), "", "amber")
        )
    for one in held.of("Contract"):
        end = str(one.get("applies", {}).get("end", ""))[:10]
        place = organisation(next(iter(one.get("authority", ())), None), names)
        note = _joined(place, end and words("至 {day}", day=end))
        found.append(Happening(day_of(one), text_of(one.get("type")) or words("签约"), note))
    for one in held.of("EpisodeOfCare"):
        title = text_of(one.get("type")) or words("入住")
        found.append(Happening(day_of(one), title, organisation(one.get("managingOrganization"), names)))
    for one in held.of("Observation"):
        if not loinc_of(one):
            found.append(Happening(day_of(one), text_of(one.get("code")), result_of(one)))
    for row in cases:
        day = row.started.date().isoformat() if row.started else ""
        note = _joined(row.state, row.owner)
        found.append(Happening(day, row.title, note, "red" if row.late else "", row.address))
    found.sort(key=lambda one: one.day, reverse=True)
    years: dict[str, list[Happening]] = {}
    for event in found:
        years.setdefault(event.day[:4], []).append(event)
    return [
        Year(words("{year} 年", year=year) if year else words("日期不详"), events, place == 0)
        for place, (year, events) in enumerate(years.items())
    ]


def _joined(*parts: str) -> str:
    return " · ".join(filter(None, parts))
