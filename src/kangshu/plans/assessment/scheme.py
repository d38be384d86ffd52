"""考核方案 as data: classes of units, and for each a tree of indicators with points, standard and data source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal, cast

from kangshu.base.faults import Invalid, Issue
from kangshu.base.text import Text
from kangshu.plans.assessment.formulas import FORMULAS

Source = Literal["computed", "judged"]
SchemeState = Literal["draft", "active", "retired"]


@dataclass(frozen=True, slots=True)
class SchemeItem:
    """One indicator. `group` is the indicator of the first level that it stands under."""

    clause: str
    group: str
    indicator: str
    points: Decimal
    standard: str
    source: Source
    formula: str = ""
    figures: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def reckoning(self) -> Text:
        """Return the formula and its figures in words; nothing for what is judged."""
        formula = FORMULAS.get(self.formula)
        if formula is None:
            return Text(self.formula, self.formula)
        said = [
            (formula.figures[name], self.figures[name]) for name in formula.figures if name in self.figures
        ]
        zh = "，".join(f"{meaning.zh} {value}" for meaning, value in said)
        en = ", ".join(f"{meaning.en} {value}" for meaning, value in said)
        return Text(
            f"{formula.title.zh}（{zh}）" if zh else formula.title.zh,
            f"{formula.title.en} ({en})" if en else formula.title.en,
        )


@dataclass(frozen=True, slots=True)
class UnitClass:
    """A class of units that are assessed alike, such as 产业主管部门. `units` are (organisation id, name)."""

    title: str
    total: Decimal
    units: tuple[tuple[str, str], ...]
    items: tuple[SchemeItem, ...]


@dataclass(frozen=True, slots=True)
class Scheme:
    """A scheme of one year. `first_day` to `last_day` is when the snapshot that it scores is frozen.

    `source` is the document that sets it; an unverified one says that nobody has confirmed its figures.
    """

    title: str
    year: int
    first_day: date
    last_day: date
    source: str
    verified: bool
    classes: tuple[UnitClass, ...]
    id: str = ""
    version: int = 1
    state: SchemeState = "draft"
    made_by: str = ""
    approved_by: str = ""
    approved_on: str = ""
    demo: bool = False

    def class_of(self, unit: str) -> UnitClass | None:
        """Return the class of an organisation."""
        return next((one for one in self.classes if unit in dict(one.units)), None)


def lint(scheme: Scheme) -> tuple[Issue, ...]:
    """Return all that is wrong with a scheme; one with findings is not kept."""
    return tuple(_findings(scheme))


def _findings(scheme: Scheme) -> Iterator[Issue]:
    if not scheme.title.strip():
        yield _issue("the scheme has no title", "方案没有名称")
    if not scheme.source.strip():
        yield _issue("the scheme names no document that sets it", "方案没有注明依据文件")
    if scheme.last_day < scheme.first_day:
        yield _issue("the days of the snapshot end before they start", "快照日期的结束早于开始")
    if not scheme.classes:
        yield _issue("the scheme has no class of units", "方案没有被考核单位的类别")
    seen: dict[str, str] = {}
    for one in scheme.classes:
        yield from _class_findings(one)
        for unit, name in one.units:
            if not unit:
                yield _issue(f"there is no organisation '{name}'", f"“{one.title}”：没有机构“{name}”")
            elif unit in seen:
                yield _issue(
                    f"'{name}' stands in two classes", f"单位“{name}”同时列入“{seen[unit]}”和“{one.title}”"
                )
            seen[unit] = one.title


def _class_findings(one: UnitClass) -> Iterator[Issue]:
    place = f"“{one.title}”"
    if not one.units:
        yield _issue(f"class '{one.title}' has no units", f"{place}没有被考核单位")
    if len({item.clause for item in one.items}) < len(one.items):
        yield _issue(f"class '{one.title}' has a clause number twice", f"{place}的条款编号有重复")
    added = sum((item.points for item in one.items), Decimal(0))
    if added != one.total:
        yield _issue(
            f"the points of class '{one.title}' add up to {added}, not {one.total}",
            f"{place}各项分值合计 {added} 分，与总分 {one.total} 分不符",
        )
    for item in one.items:
        yield from _item_findings(one.title, item)


def _item_findings(title: str, item: SchemeItem) -> Iterator[Issue]:
    place, en = f"“{title}”第 {item.clause} 项", f"item {item.clause} of '{title}'"
    if item.points <= 0:
        yield _issue(f"{en}: points must be more than nothing", f"{place}：分值应大于 0")
    if not item.standard.strip():
        yield _issue(f"{en} has no standard", f"{place}没有评分标准")
    if item.source == "judged":
        if item.formula:
            yield _issue(f"{en} is judged and names a formula", f"{place}为评审打分，不能再写计算公式")
        return
    formula = FORMULAS.get(item.formula)
    if formula is None:
        known = "、".join(one.title.zh for one in FORMULAS.values())
        yield _issue(
            f"{en}: there is no formula '{item.formula}'", f"{place}：没有公式“{item.formula}”，可用：{known}"
        )
        return
    for name in formula.figures.keys() ^ item.figures.keys():
        missing = name in formula.figures
        meaning = formula.figures[name].zh if missing else name
        yield _issue(
            f"{en}: figure '{name}' {'is missing' if missing else 'means nothing'}",
            f"{place}：{'缺少' if missing else '公式不需要'}“{meaning}”",
        )
    for name, figure in item.figures.items():
        if figure < 0:
            yield _issue(f"{en}: figure '{name}' is below nothing", f"{place}：“{name}”不能为负数")


def _issue(en: str, zh: str) -> Issue:
    return Issue("error", "value", en, (), zh)


def as_data(scheme: Scheme) -> dict[str, Any]:
    """Return a scheme as plain JSON, decimals as lexemes, for keeping; what its record says itself is left out."""
    return {
        "title": scheme.title,
        "year": scheme.year,
        "first_day": scheme.first_day.isoformat(),
        "last_day": scheme.last_day.isoformat(),
        "source": scheme.source,
        "verified": scheme.verified,
        "classes": [
            {
                "title": one.title,
                "total": str(one.total),
                "units": [{"id": unit, "name": name} for unit, name in one.units],
                "items": [
                    {
                        "clause": item.clause,
                        "group": item.group,
                        "indicator": item.indicator,
                        "points": str(item.points),
                        "standard": item.standard,
                        "source": item.source,
                        "formula": item.formula,
                        "figures": {name: str(figure) for name, figure in sorted(item.figures.items())},
                    }
                    for item in one.items
                ],
            }
            for one in scheme.classes
        ],
    }


def from_data(data: Mapping[str, Any]) -> Scheme:
    """Return the scheme that `as_data` wrote. Raises Invalid when a part is missing or of a wrong form."""
    try:
        return Scheme(
            title=str(data["title"]),
            year=int(data["year"]),
            first_day=date.fromisoformat(str(data["first_day"])),
            last_day=date.fromisoformat(str(data["last_day"])),
            source=str(data["source"]),
            verified=bool(data["verified"]),
            classes=tuple(_class(one) for one in data["classes"]),
        )
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise Invalid("this is no assessment scheme", zh="考核方案数据缺项或格式不正确") from error


def _class(data: Mapping[str, Any]) -> UnitClass:
    return UnitClass(
        title=str(data["title"]),
        total=Decimal(str(data["total"])),
        units=tuple((str(one["id"]), str(one["name"])) for one in data["units"]),
        items=tuple(
            SchemeItem(
                clause=str(one["clause"]),
                group=str(one["group"]),
                indicator=str(one["indicator"]),
                points=Decimal(str(one["points"])),
                standard=str(one["standard"]),
                source=cast("Source", one["source"]),
                formula=str(one.get("formula") or ""),
                figures={
                    str(name): Decimal(str(value)) for name, value in (one.get("figures") or {}).items()
                },
            )
            for one in data["items"]
        ),
    )
