"""驾驶舱: a wall display that is read in ten seconds and leads to what is behind it. It renews and turns by itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from kangshu.base.clock import CITY_ZONE
from kangshu.base.faults import Fault
from kangshu.sdk import MeasureDeclaration
from kangshu.web import figures, wall
from kangshu.web.linked import LIGHT_NAMES, boards
from kangshu.web.visit import Visit

_SECONDS: Final = 2.0
"""How long a page computes what does not stand ready."""
_THEMES: Final = ("dark", "light")
_WEEKDAYS: Final = ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日")
_REFRESH: Final = 30
"""Seconds between two renewals of the wall."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One measure that may be put on the wall; `place` is its number there, "" for none."""

    id: str
    title: str
    service: str
    place: str
    declared: bool


async def cockpit(visit: Visit) -> Response:
    """Show the wall."""
    words = visit.words
    measures = await wall.chosen(visit)
    mapped = visit.query("map")
    shown = await boards(visit)
    results, past, work = await asyncio.gather(
        figures.ready(visit, measures, _SECONDS),
        figures.all_past(visit, measures, _SECONDS),
        wall.work(visit),
    )
    if mapped not in {one.id for one in measures}:
        mapped = _first_split(measures, results)
    lights = Counter(one.light for one in shown.targets)
    lines = await wall.district_lines(visit, measures, results, shown)
    tiles = wall.tiles(visit, measures, results, past, shown, mapped)
    instants = [one.instant for one in results.values() if not isinstance(one, Fault)]
    theme, here = visit.query("theme"), visit.opened.astimezone(CITY_ZONE)
    return visit.render(
        "cockpit.html",
        lights=[(light, words(name), lights.get(light, 0)) for light, name in LIGHT_NAMES.items()],
        total=len(shown.targets),
        light_bar=wall.light_bar(lights, words("规划目标按亮灯")),
        tiles=tiles[: wall.ON_FIRST],
        more_tiles=tiles[wall.ON_FIRST :],
        map=await wall.wall_map(visit, measures, results, mapped),
        districts=lines,
        heads=[words.of(one.title) for one in measures],
        off=wall.off_course(visit, shown),
        work=work,
        plans=visit.grant.may("plan.read"),
        as_of=words.moment(min(instants)) if instants else "—",
        day=words("{day} {weekday}", day=here.date().isoformat(), weekday=words(_WEEKDAYS[here.weekday()])),
        time=here.strftime("%H:%M"),
        theme=theme if theme in _THEMES else "auto",
        rotate=visit.number("rotate", 0, 0, 600),
        refresh=_REFRESH,
        may_arrange=visit.grant.may(wall.OPERATION),
        warnings=await wall.warnings(visit),
    )


def _first_split(measures: list[MeasureDeclaration], results: wall.Results) -> str:
    """Return the first measure of the wall that has several districts."""
    for one in measures:
        result = results.get(one.id)
        if result is not None and not isinstance(result, Fault):
            known = [row for row in result.rows if row.keys[0] and row.value is not None]
            if len(known) > 1:
                return one.id
    return ""


async def arrangement(visit: Visit) -> Response:
    """Show which measures stand on the wall, and every other that may."""
    return await _arrangement(visit, "")


async def arrange(visit: Visit) -> Response:
    """Choose what stands on the wall for everybody: numbers beside measures are their places."""
    form = await visit.form()
    words, known = visit.words, figures.countable(visit)
    choices = visit.platform.accounts.choices
    if form.get("act") == "declared":
        await choices.choose_for_all(visit.grant, wall.OPERATION, wall.KIND, wall.MEASURES, "")
        return visit.go("/cockpit/arrange", said="saved")
    places: list[tuple[int, str]] = []
    for id_ in known:
        text = str(form.get(f"place-{id_}") or "").strip()
        if not text:
            continue
        if not (text.isascii() and text.isdigit() and 0 < int(text[:4]) < 1000):
            return await _arrangement(visit, words("位置须为1到999的整数"), 422)
        places.append((int(text), id_))
    if not places:
        return await _arrangement(visit, words("至少选一项指标；要回到默认，请点“恢复默认”"), 422)
    if len(places) > wall.MOST:
        return await _arrangement(visit, words("最多选{most}项指标", most=wall.MOST), 422)
    value = " ".join(id_ for _, id_ in sorted(places))
    await choices.choose_for_all(visit.grant, wall.OPERATION, wall.KIND, wall.MEASURES, value)
    return visit.go("/cockpit/arrange", said="saved")


async def _arrangement(visit: Visit, error: str, status: int = 200) -> Response:
    words = visit.words
    standing = {one.id: str(at + 1) for at, one in enumerate(await wall.chosen(visit))}
    services = {one.id: words.of(one.title) for one in visit.platform.services}
    choices = [
        Choice(one.id, words.of(one.title), services[one.service], standing.get(one.id, ""), one.cockpit > 0)
        for one in figures.countable(visit).values()
    ]
    choices.sort(key=lambda one: int(one.place) if one.place else wall.MOST + 1)
    return visit.render(
        "cockpit_arrange.html",
        status,
        choices=choices,
        error=error,
        most=wall.MOST,
        first=wall.ON_FIRST,
    )
