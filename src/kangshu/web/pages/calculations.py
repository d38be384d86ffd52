"""测算: how an amount of a case came about, step by step, with the clause and the version of each parameter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from starlette.responses import Response

from kangshu.api import written
from kangshu.base.faults import NotFound
from kangshu.web.visit import Visit


@dataclass(frozen=True, slots=True)
class ShownCalculation:
    """One line of the case page: a kept calculation, or a trial as the case stands now."""

    title: str
    address: str
    amount: str
    kept: bool
    made: str
    tone: str
    said: str


async def calculations_of(visit: Visit, id_: str) -> list[ShownCalculation]:
    """Return the newest calculation of each kind that a case has, kept or as a trial."""
    shown: dict[str, ShownCalculation] = {}
    for one in await visit.platform.cases.calculations(visit.grant, id_):
        if one.id not in shown:
            shown[one.id] = _line(visit, id_, one)
    return list(shown.values())


def _line(visit: Visit, id_: str, one: Any) -> ShownCalculation:
    words, calculation = visit.words, one.calculation
    tone, said = "green", words("已留存，复核一致")
    if one.wrong:
        tone, said = "red", words("复核不一致")
    elif calculation.refused:
        tone, said = "red", words("低于下限或不合规定，不能办理")
    elif calculation.missing and not calculation.unmet:
        tone, said = "amber", words("还缺 {count} 项", count=len(calculation.missing))
    elif calculation.unmet:
        tone, said = "grey", words("不符合条件")
    elif not one.reference:
        tone, said = "blue", words("试算，尚未留存")
    return ShownCalculation(
        words.of(calculation.title),
        f"/cases/{id_}/calculations/{one.id}",
        figure(calculation.result, calculation.unit),
        bool(one.reference),
        one.made,
        tone,
        said,
    )


async def trace(visit: Visit) -> Response:
    """Show a calculation of a case: the one kept last, an earlier one (`at`), or the trial (`trial=1`)."""
    id_, name = visit.path("id"), visit.path("calculation")
    found = [one for one in await visit.platform.cases.calculations(visit.grant, id_) if one.id == name]
    kept = [one for one in found if one.reference]
    trials = [one for one in found if not one.reference]
    ordered = trials if visit.query("trial") and trials else kept or trials
    if at := visit.query("at"):
        ordered = [one for one in kept if one.reference.endswith(f"/{at}")]
    if not ordered:
        raise NotFound("this case has no such calculation", zh="该办件没有这项测算")
    shown = ordered[0]
    row = await visit.platform.cases.row(visit.grant, id_)
    return visit.render(
        "calculation.html",
        row=row,
        address=f"/cases/{id_}",
        here=f"/cases/{id_}/calculations/{name}",
        shown=shown,
        one=shown.calculation,
        figure=told_figure(visit, shown.calculation.titles),
        line=_line(visit, id_, shown),
        earlier=_earlier(kept, shown),
        trial=bool(trials) and bool(kept),
        unverified=[each for each in shown.calculation.parameters if not each.verified],
    )


def _earlier(kept: Sequence[Any], shown: Any) -> list[tuple[str, str, str, str]]:
    """Return (id, moment, by, result) of the other kept calculations."""
    return [
        (
            one.reference.rpartition("/")[2],
            one.made,
            one.by,
            figure(one.calculation.result, one.calculation.unit),
        )
        for one in kept
        if one is not shown
    ]


def figure(value: Any, unit: str = "") -> str:
    """Return a figure as accountants write it: thousands apart, money to the cent, its unit; — where there is none."""
    if value is None or value == "":
        return "—"
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        text = (
            f"{value:,.2f}" if unit == "元" else f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"
        )
    else:
        text = str(value)
    return f"{text} {unit}" if unit else text


def told_figure(visit: Visit, titles: Mapping[str, Any]) -> Callable[[Any, str], str]:
    """Return what writes a value of a trace: codes by their titles, yes and no as words."""

    def write(value: Any, unit: str = "") -> str:
        if isinstance(value, Decimal | int) and not isinstance(value, bool):
            return figure(value, unit)
        text = visit.words.of(written(value, titles))
        return f"{text} {unit}" if unit and value is not None else text

    return write
