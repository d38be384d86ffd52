"""What every page of one measure shows: its number, the place it is of, the way down to smaller places, its tabs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from kangshu.access import AnyOf, DistrictUnder, Everything, Predicate, division_prefix
from kangshu.sdk import Dimension, MeasureDeclaration
from kangshu.web import figures
from kangshu.web.language import Words
from kangshu.web.lookup import divisions, organisations
from kangshu.web.parts import Link, Tab
from kangshu.web.visit import Visit

_LEVELS: Final = (6, 9, 12)
_OWN_NUMBERS: Final = re.compile(r"[（(](?:[A-Z]\d{2,3}[、,，\s]*)+[）)]")
"""Numbers by which the product's makers call a target: no words of an office."""
AGE_BANDS: Final = ("age-band", "age-group")
SEX: Final = "gender"


@dataclass(frozen=True, slots=True)
class Frame:
    """A measure asked about for a place by one visitor."""

    visit: Visit
    measure: MeasureDeclaration
    place: str
    """Code of the division; the city's for the whole."""
    home: str
    """The division that the visitor begins with: the own one, where the account counts no more than that."""
    places: Mapping[str, str]
    """Names of the divisions by code."""
    units: Mapping[str, str]
    """Names of organisations by reference."""

    @property
    def city(self) -> str:
        """Return the city's code."""
        return str(self.visit.platform.settings.jurisdiction)

    @property
    def whole(self) -> bool:
        """Return whether it is asked for the whole city."""
        return self.place == self.city

    @property
    def limited(self) -> bool:
        """Return whether the visitor counts less than the city, so that the number is of a part."""
        return self.home != self.city or not counts_divisions(self.visit)

    def place_name(self, code: str = "") -> str:
        """Return the name of a division, of the asked one by default."""
        return name_of_place(self.places, code or self.place)

    def address(self, tail: str = "", **query: str) -> str:
        """Return an address of this measure for the same place."""
        asked = {**({} if self.place == self.home else {"district": self.place}), **query}
        asked = {name: value for name, value in asked.items() if value}
        return f"/measures/{self.measure.id}{tail}{'?' + urlencode(asked) if asked else ''}"

    def subjects(self, **cell: str) -> str:
        """Return the address of the records behind a cell of this place; "" where the visitor opens none."""
        if not self.visit.grant.may("measure.subjects"):
            return ""
        return f"/measures/{self.measure.id}/subjects?{urlencode({'district': self.place, **cell})}"

    def key_title(self, dimension: str, key: str) -> str:
        """Return what people call a value of a dimension."""
        words = self.visit.words
        if not key:
            return words("未知")
        if dimension in ("district", "county", "town", "village"):
            return self.place_name(key)
        declared = next((one for one in self.measure.dimensions if one.id == dimension), None)
        label = declared.labels.get(key) if declared else None
        if label:
            return words.of(label)
        return self.units.get(key, words("未登记名称") if key.startswith("Organization/") else key)


def name_of_place(places: Mapping[str, str], code: str) -> str:
    """Return the name of a division, by its code or by its prefix."""
    return places.get(code, places.get(code.ljust(6, "0"), code))


async def frame_of(visit: Visit) -> Frame:
    """Return what is asked. Raises NotFound for an unknown measure; a place that is none of the city's is the own one."""
    measure = figures.measure_of(visit, visit.path("id"))
    places = await divisions(visit)
    units = {f"Organization/{id_}": name for id_, name in (await organisations(visit)).items()}
    city, home = visit.platform.settings.jurisdiction, home_of(visit, places)
    asked = visit.query("district")
    place = asked if asked in places or asked == city else home
    return Frame(visit, measure, place, home, places, units)


def home_of(visit: Visit, places: Mapping[str, str]) -> str:
    """Return the division that a visitor begins with: the post's where it counts by divisions and lies below the city."""
    city, own = visit.platform.settings.jurisdiction, visit.grant.district
    below = own in places and own != city and own.startswith(division_prefix(city))
    return own if below and counts_divisions(visit) and not _everything(visit) else city


def counts_divisions(visit: Visit) -> bool:
    """Return whether the account counts all residents of a division: an office, and no single unit."""
    return _covers(visit.grant.may_count("Patient"))


def _covers(predicate: Predicate) -> bool:
    if isinstance(predicate, AnyOf):
        return any(_covers(part) for part in predicate.parts)
    return isinstance(predicate, DistrictUnder | Everything)


def _everything(visit: Visit) -> bool:
    return visit.grant.may_count("Patient") == Everything()


def source_text(source: str) -> str:
    """Return where a measure comes from without the numbers that only its makers know."""
    return _OWN_NUMBERS.sub("", source).strip()


def unit_dimensions(measure: MeasureDeclaration) -> list[Dimension]:
    """Return the dimensions whose values are no fixed list: institutions, teams."""
    return [one for one in measure.dimensions if not one.labels]


def sex_and_age(measure: MeasureDeclaration) -> tuple[str, str] | None:
    """Return the dimensions of a pyramid; None where the measure does not have both."""
    ids = {one.id for one in measure.dimensions}
    band = next((one for one in AGE_BANDS if one in ids), "")
    return (SEX, band) if SEX in ids and band else None


def levels_of(code: str) -> list[int]:
    """Return how many digits the divisions below `code` have, level by level."""
    return [one for one in _LEVELS if one > len(division_prefix(code))]


def crumbs_of(frame: Frame, tail: str = "") -> list[Link]:
    """Return the way from the visitor's own division down to the asked one; the last is where one is."""
    prefix, codes = division_prefix(frame.place), [frame.city]
    codes += [prefix[:digits] for digits in _LEVELS if digits <= len(prefix)]
    address = f"/measures/{frame.measure.id}{tail}"
    return [
        Link(
            frame.place_name(code),
            address if code == frame.home else f"{address}?district={code}",
            current=code == frame.place,
        )
        for code in codes
        if code in frame.places or code == frame.city
    ]


def tabs_of(frame: Frame, current: str) -> list[Tab]:
    """Return the tabs of the measure's pages, those that it has numbers for."""
    words, measure = frame.visit.words, frame.measure
    others = [one for one in measure.dimensions if one.labels]
    found = [("", words("总览")), *([("/compare", words("机构比较"))] if unit_dimensions(measure) else [])]
    if sex_and_age(measure):
        found.append(("/people", words("人群结构")))
    if others:
        found.append(("/splits", words("其他分组")))
    found.append(("/definition", words("口径与算例")))
    tabs = [Tab(title, frame.address(tail), tail == current) for tail, title in found]
    if frame.visit.grant.may("measure.subjects"):
        tabs.append(Tab(words("构成记录"), frame.subjects(), current == "/subjects"))
    return tabs


def shell(frame: Frame, result: figures.Result, current: str) -> dict[str, Any]:
    """Return what the template of every page of a measure needs."""
    visit, measure = frame.visit, frame.measure
    words = visit.words
    start, end = figures.period(measure)
    return {
        "title": words.of(measure.title),
        "definition": words.of(measure.definition),
        "address": f"/measures/{measure.id}",
        "tabs": tabs_of(frame, current),
        "places": crumbs_of(frame, current),
        "place": frame.place_name(),
        "limited": frame.limited and not visit.grant.patient,
        "counts_divisions": counts_divisions(visit),
        "may_export": visit.grant.may("export"),
        "may_subjects": visit.grant.may("measure.subjects"),
        "value": figures.shown_text(words, measure, result),
        "unit": "" if result.suppressed or result.value is None else figures.unit_text(words, measure.unit),
        "numerator": figures.count_text(words, result.numerator),
        "denominator": figures.count_text(words, result.denominator) if measure.kind != "count" else "",
        "period": figures.period_text(words, measure, start, end),
        "as_of": words.moment(result.instant),
        "position": result.position,
        "demo": visit.platform.settings.demo,
        "suppressed": figures.rule_of_hiding(visit, measure)
        if result.suppressed or any(row.suppressed for row in result.rows)
        else "",
        "withheld": figures.why_not_split(visit, measure) if result.withheld else (),
    }


def change_text(
    words: Words, measure: MeasureDeclaration, now: float | None, before: float | None
) -> tuple[str, str]:
    """Return how a value has changed, with its sign, and its tone: green for the wanted way; ("—", "") where unknown."""
    if now is None or before is None:
        return "—", ""
    step = round(now - before, measure.decimals)
    if not step:
        return words("持平"), ""
    sign = "▲" if step > 0 else "▼"
    tone = "green" if (step > 0) == (measure.direction == "increase") else "red"
    return f"{sign} {words.figure(abs(step), measure.decimals)}", tone


def change_unit(words: Words, measure: MeasureDeclaration) -> str:
    """Return the unit of a change: of shares it is the point, of which a percent would be something else."""
    return words("个百分点") if measure.unit == "%" else figures.unit_text(words, measure.unit)


def ranked(measure: MeasureDeclaration, values: Sequence[float | None]) -> list[int | None]:
    """Return the rank of each value, the best first; equal values share one, what is not known has none."""
    up = measure.direction == "increase"
    known = [one for one in values if one is not None]
    return [
        None if one is None else 1 + sum(1 for other in known if (other > one if up else other < one))
        for one in values
    ]
