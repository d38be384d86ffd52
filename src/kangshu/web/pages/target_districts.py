"""The districts beside a target: what each has, what part of the target it has to bring, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from kangshu.base.faults import Fault
from kangshu.sdk import MeasureDeclaration
from kangshu.web import charts, figures
from kangshu.web.lookup import divisions
from kangshu.web.pages.figures_text import value_text
from kangshu.web.visit import Visit


@dataclass(frozen=True, slots=True)
class DistrictLine:
    """One district's value beside its quota, or beside the city's target."""

    code: str
    title: str
    value: str
    bar: Markup
    tone: str
    light: str
    quota: str
    missing: str


@dataclass(frozen=True, slots=True)
class Districts:
    """The districts of a target; `total` is the sum of the quotas where there are any."""

    lines: Sequence[DistrictLine]
    quotas: bool
    total: str
    source: str


async def districts_of(visit: Visit, measured: MeasureDeclaration | None, target: Any) -> Districts:
    """Return the districts' values and quotas; nothing where neither is known."""
    names = await _own_districts(visit)
    values: dict[str, Decimal | None] = {}
    if measured is not None:
        try:
            result = await figures.evaluated(visit, measured)
        except Fault:
            result = None
        for code, name, row in figures.by_district(result.rows, await divisions(visit)) if result else ():
            values[code] = None if row.value is None else Decimal(str(row.value))
            names.setdefault(code, name)
    lines = visit.platform.plans.targets.districts(target, values)
    if not target.quotas and not values:
        return Districts([], False, "", "")
    quotas = [one.quota for one in lines if one.quota is not None]
    unit = target.light.unit or target.unit
    return Districts(
        [_line(visit, one, names, target, lines) for one in lines],
        bool(quotas),
        f"{value_text(sum(quotas, Decimal(0)))}{unit}" if quotas and unit != "%" else "",
        target.quotas[0].source if target.quotas else "",
    )


def _line(
    visit: Visit, one: Any, names: Mapping[str, str], target: Any, lines: Sequence[Any]
) -> DistrictLine:
    words = visit.words
    lower = target.comparator in ("<=", "<", "decrease_to", "decrease_by")
    everywhere = visit.platform.plans.targets.holds_for_each(target)
    asked = one.quota if one.quota is not None else target.light.final
    tone, light = "grey", words("未知")
    if one.value is not None and asked is not None and (one.quota is not None or everywhere):
        met = one.value <= asked if lower else one.value >= asked
        tone, light = ("green", words("达到")) if met else ("red", words("未达到"))
    unit = target.light.unit or target.unit
    known = [float(x) for row in lines for x in (row.value, row.quota) if x is not None]
    value = f"{value_text(one.value)}{unit}" if one.value is not None else words("未知")
    return DistrictLine(
        one.district,
        names.get(one.district, names.get(one.district.ljust(6, "0"), one.district)),
        value,
        charts.bar(
            None if one.value is None else float(one.value),
            max([*known, float(asked)] if asked is not None and everywhere else known, default=1.0) * 1.05,
            tone,
            float(asked) if asked is not None and (one.quota is not None or everywhere) else None,
            title=value,
        ),
        tone,
        light,
        f"{value_text(one.quota)}{unit}" if one.quota is not None else "—",
        f"{value_text(one.missing)}{unit}" if one.missing is not None else "—",
    )


async def quota_fields(visit: Visit, target: Any) -> list[tuple[str, str, str]]:
    """Return every district of the city with its quota, for the form: code, name, value."""
    held = {one.district: one.value for one in target.quotas}
    names = await _own_districts(visit)
    return [
        (code, name, value_text(held[code]) if code in held else "") for code, name in sorted(names.items())
    ]


async def _own_districts(visit: Visit) -> dict[str, str]:
    """Return the districts right below the city, by code."""
    own = visit.platform.settings.jurisdiction
    prefix = own.rstrip("0")
    return {
        code: name
        for code, name in (await divisions(visit)).items()
        if code != own and code.startswith(prefix) and len(code) == 6 and code[4:] != "00"
    }
