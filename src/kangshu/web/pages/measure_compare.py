"""Institutions compared: which of them differ from the whole by more than chance explains, in a plot and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from starlette.responses import Response

from kangshu.api import CONTROL_INNER, CONTROL_OUTER, dispersion, funnel, place_in_funnel
from kangshu.base.clock import today
from kangshu.base.faults import NotFound
from kangshu.sdk import ParameterDeclaration
from kangshu.web import charts, figures
from kangshu.web.funnel_chart import Curves, Unit, funnel_plot
from kangshu.web.language import Words
from kangshu.web.pages.measure import limits_text, spread_text
from kangshu.web.pages.measure_frame import Frame, frame_of, ranked, shell, unit_dimensions
from kangshu.web.parts import Link
from kangshu.web.visit import Visit

_FEWEST = 3
"""Units that a comparison needs."""
_TOLD = 6
"""Units that a sentence names."""
_WIDE_APART = 2.0
"""From this dispersion on the sentence says that chance is not what the units differ by."""


@dataclass(frozen=True, slots=True)
class UnitLine:
    """One unit in the table beside the plot."""

    title: str
    rank: str
    value: str
    limits: str
    bar: Markup
    numerator: str
    denominator: str
    verdict: str
    tone: str
    subjects: str


@dataclass(frozen=True, slots=True)
class Judged:
    """One unit with its numbers, and where it lies: 0 within, ±1, ±2 beyond the limits; None where that is not told."""

    row: figures.Row
    title: str
    place: int | None


@dataclass(frozen=True, slots=True)
class Standard:
    """What units are held against: the share of them all, and the two levels in percent."""

    share: float
    inner: float
    outer: float


async def compare(visit: Visit) -> Response:
    """Show the units of a measure: funnel plot, words that explain it, table."""
    frame = await frame_of(visit)
    offered = unit_dimensions(frame.measure)
    if not offered:
        raise NotFound("this measure has no institutions to compare", zh="该指标没有机构维度，无法比较")
    words, measured = visit.words, frame.measure
    by = next((one for one in offered if one.id == visit.query("by")), offered[0])
    result = await figures.evaluated(visit, measured, by.id, frame.place)
    standard = standard_of(frame, result)
    judged = [
        Judged(row, frame.key_title(by.id, str(row.keys[0])), _place_of(standard, row)) for row in result.rows
    ]
    found = [one for one in judged if one.place is not None]
    enough = standard is not None and len(found) >= _FEWEST
    return visit.render(
        "measure_compare.html",
        dimension=words.of(by.title),
        dimensions=[
            Link(words.of(one.title), frame.address("/compare", by=one.id), current=one.id == by.id)
            for one in offered
        ],
        plot=_plot(frame, by.id, found, standard) if enough and standard else Markup(""),
        said=said_of(frame, found, standard) if enough and standard else [],
        why="" if enough else _why_not(words, frame, result),
        lines=_lines(frame, by.id, judged, result, enough=enough),
        spread=spread_text_of(frame, judged),
        inner=f"{standard.inner:g}" if standard else "",
        outer=f"{standard.outer:g}" if standard else "",
        sheet=frame.address("/export.xlsx", by=by.id),
        csv=frame.address("/export.csv", by=by.id),
        **shell(frame, result, "/compare"),
    )


def level_of(visit: Visit, declared: ParameterDeclaration) -> float:
    """Return the level of control limits in force today, in percent."""
    return float(visit.platform.parameters.figure(declared, visit.platform.settings.jurisdiction, today()))


def standard_of(frame: Frame, result: figures.Result) -> Standard | None:
    """Return what the units are held against; None where chance cannot be reckoned: no proportion of counted things."""
    rows = [row for row in result.rows if row.numerator is not None and row.denominator is not None]
    counted = all((row.numerator or 0) <= (row.denominator or 0) for row in rows)
    if frame.measure.kind != "proportion" or not counted or not result.numerator or not result.denominator:
        return None
    share = result.numerator / result.denominator
    if not 0 < share < 1:
        return None
    return Standard(share, level_of(frame.visit, CONTROL_INNER), level_of(frame.visit, CONTROL_OUTER))


def _place_of(standard: Standard | None, row: figures.Row) -> int | None:
    # a suppressed unit has no value, so it has no place in the plot either
    if standard is None or row.suppressed or row.numerator is None or not row.denominator or not row.keys[0]:
        return None
    return place_in_funnel(standard.share, row.numerator, row.denominator, standard.inner, standard.outer)


def _plot(frame: Frame, by: str, found: Sequence[Judged], standard: Standard) -> Markup:
    words, measured = frame.visit.words, frame.measure
    scale = measured.scale
    largest = max(one.row.denominator or 0.0 for one in found)
    curves = funnel(standard.share, largest * 1.04, standard.inner, standard.outer)
    unit = figures.unit_text(words, measured.unit)
    return funnel_plot(
        [
            Unit(
                one.title,
                one.row.denominator or 0.0,
                one.row.value or 0.0,
                one.place or 0,
                f"{figures.value_text(words, measured, one.row.value)}{unit}"
                f" ({figures.count_text(words, one.row.numerator)}/{figures.count_text(words, one.row.denominator)})",
                frame.subjects(**{by: str(one.row.keys[0])}),
            )
            for one in found
        ],
        Curves(
            standard.share * scale,
            curves.sizes,
            [(low * scale, high * scale) for low, high in curves.inner],
            [(low * scale, high * scale) for low, high in curves.outer],
            words("合计 {value}", value=figures.value_text(words, measured, standard.share * scale)),
            words("{level}% 控制限", level=f"{standard.inner:g}"),
            words("{level}% 控制限", level=f"{standard.outer:g}"),
        ),
        title=words("{title}：机构比较漏斗图", title=words.of(measured.title)),
        unit=unit,
        across=words("分母（人数或件数）"),
    )


def said_of(frame: Frame, found: Sequence[Judged], standard: Standard) -> list[str]:
    """Return what the plot says, in sentences for who has never seen one."""
    words, measured = frame.visit.words, frame.measure
    whole = figures.value_text(words, measured, standard.share * measured.scale)
    beyond = [one for one in found if one.place]
    inner = f"{standard.inner:g}"
    said = [
        words(
            "所列 {count} 家中，{within} 家的数值落在 {inner}% 控制限以内：它们与合计 {whole}{unit} 的差别可以用偶然解释，不宜据此排名先后。",
            count=len(found),
            within=len(found) - len(beyond),
            inner=inner,
            whole=whole,
            unit=figures.unit_text(words, measured.unit),
        )
    ]
    if not beyond:
        said.append(words("没有一家的偏离超出偶然所能解释的范围。"))
    up = measured.direction == "increase"
    for worse, zh in (
        (True, "{count} 家较差，难以用偶然解释，建议先核对数据，再了解原因：{names}。"),
        (False, "{count} 家更好，难以用偶然解释，可以总结做法：{names}。"),
    ):
        side = [one for one in beyond if ((one.place or 0) < 0) == (up if worse else not up)]
        if side:
            side.sort(key=lambda one: (-abs(one.place or 0), -(one.row.denominator or 0)))
            names = [_named(frame, one, standard) for one in side[:_TOLD]]
            more = words("等") if len(side) > _TOLD else ""
            said.append(words(zh, count=len(side), names=words("、").join(names) + more))
    expected = len(found) * (1 - standard.inner / 100)
    said.append(
        words(
            "只凭偶然，{count} 家中也会有约 {expected} 家落在 {inner}% 控制限之外，落在 {outer}% 控制限之外的则几乎没有。",
            count=len(found),
            expected=words.figure(expected, 1),
            inner=inner,
            outer=f"{standard.outer:g}",
        )
    )
    apart = dispersion(
        standard.share, [(one.row.numerator or 0.0, one.row.denominator or 0.0) for one in found]
    )
    if apart is not None and apart >= _WIDE_APART:
        said.append(
            words(
                "各家之间的差异普遍大于偶然（离散系数 {apart}，偶然为 1），说明还有服务对象构成、登记习惯等共同原因，单个机构的标记要谨慎解读。",
                apart=words.figure(apart, 1),
            )
        )
    return said


def _named(frame: Frame, one: Judged, standard: Standard) -> str:
    words = frame.visit.words
    level = standard.outer if abs(one.place or 0) == 2 else standard.inner
    value = figures.value_text(words, frame.measure, one.row.value)
    unit = figures.unit_text(words, frame.measure.unit)
    return words(
        "{name}（{value}{unit}，{level}%）", name=one.title, value=value, unit=unit, level=f"{level:g}"
    )


def _why_not(words: Words, frame: Frame, result: figures.Result) -> str:
    if result.withheld:
        return words("人数过少，不再细分展示")
    if frame.measure.kind != "proportion":
        return words("该指标不是“多少人中的多少人”，偶然波动无法由人数推算，因此只列数值，不判断偏离。")
    return words("能够比较的机构不足 {count} 家，或全部为 0% 或 100%，只列数值。", count=_FEWEST)


def _lines(
    frame: Frame, by: str, judged: Sequence[Judged], result: figures.Result, *, enough: bool
) -> list[UnitLine]:
    words, measured = frame.visit.words, frame.measure
    ranks = ranked(measured, [one.row.value for one in judged])
    top = max([one.row.value or 0.0 for one in judged], default=1.0) or 1.0
    top = max(top, 100.0) if measured.unit == "%" and top > 50 else top
    lines = []
    for one, rank in zip(judged, ranks, strict=True):
        text = figures.shown_text(words, measured, one.row)
        verdict, tone = _verdict(words, measured.direction, one.place if enough else None)
        lines.append(
            UnitLine(
                one.title,
                "" if rank is None else str(rank),
                text,
                limits_text(frame, one.row),
                charts.bar(one.row.value, top, target=result.value, title=text),
                figures.count_text(words, one.row.numerator),
                figures.count_text(words, one.row.denominator),
                verdict,
                tone,
                frame.subjects(**{by: str(one.row.keys[0])}) if one.row.keys[0] else "",
            )
        )
    return sorted(lines, key=lambda one: (not one.rank, int(one.rank or 0), one.title))


def _verdict(words: Words, direction: str, place: int | None) -> tuple[str, str]:
    if place is None:
        return "—", ""
    if not place:
        return words("偶然范围内"), ""
    better = (place > 0) == (direction == "increase")
    if abs(place) == 2:
        return (words("明显更好"), "green") if better else (words("明显较差"), "red")
    return (words("可能更好"), "blue") if better else (words("可能较差"), "amber")


def spread_text_of(frame: Frame, judged: Sequence[Judged]) -> str:
    """Return how far the best and the worst unit are apart."""
    return spread_text(frame, [(one.title, one.row.value) for one in judged if one.row.keys[0]])
