"""The records behind a number: each is read again under the visitor's grant, and from there the work on it begins."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from kangshu.api import name_of, offered_lists, text_of
from kangshu.base.faults import Fault, Forbidden
from kangshu.sdk import MeasureDeclaration
from kangshu.web import figures
from kangshu.web.lookup import kind_title, record_address
from kangshu.web.menu import may_start
from kangshu.web.pages.measure_frame import Frame, crumbs_of, frame_of, tabs_of
from kangshu.web.parts import Filter, Link, Paging, Tab
from kangshu.web.visit import Visit

_PAGE = 25
_MOST_CHOICES = 400


@dataclass(frozen=True, slots=True)
class Subject:
    """One record behind a number, as the visitor may see it; `start` is where a case about it may be started."""

    title: str
    address: str
    kind: str
    note: str
    place: str
    start: str


async def subjects(visit: Visit) -> Response:
    """Show the records behind a number; each is read again under the visitor's grant before it is shown."""
    words = visit.words
    frame = await frame_of(visit)
    measured = frame.measure
    parts = _parts(frame)
    part = visit.query("part", "gap" if "gap" in parts else "numerator")
    part = part if part in parts else "numerator"
    offset = visit.number("offset", 0)
    dimensions = [one.id for one in measured.dimensions]
    cell = {one: visit.query(one) for one in dimensions if visit.query(one)}
    denied, total = "", 0
    found: Sequence[str] = ()
    # the city itself is no cell: whose division is not known belongs to it as well
    asked = {**cell, **({} if frame.whole else {"district": frame.place})}
    try:
        found, total = await figures.behind(visit, measured, part, asked, offset, _PAGE)
    except Forbidden as fault:
        denied = figures.refused(words, fault).text
    whole = await _whole(visit, measured, part) if not asked else total
    rows = await asyncio.gather(*(_subject(frame, one) for one in found))
    return visit.render(
        "subjects.html",
        title=words.of(measured.title),
        address=f"/measures/{measured.id}",
        back=frame.address(),
        tabs=tabs_of(frame, "/subjects"),
        places=crumbs_of(frame, "/subjects"),
        part=part,
        denied=denied,
        hidden=whole > total,
        whole=f"{whole:,}",
        seen=f"{total:,}",
        district="" if frame.place == frame.home else frame.place,
        parts=[
            Tab(
                title, visit.with_query(part=one, offset=""), one == part, f"{total:,}" if one == part else ""
            )
            for one, title in parts.items()
        ],
        filters=_filters(frame, cell),
        work=_work(frame) if part in ("gap", "numerator") else [],
        rows=[row for row in rows if row is not None],
        first=offset + 1 if found else 0,
        last=offset + len(found),
        total=total,
        page=Paging(
            visit.with_query(offset=max(offset - _PAGE, 0) or "") if offset else "",
            visit.with_query(offset=offset + _PAGE) if offset + len(found) < total else "",
        ),
    )


def _parts(frame: Frame) -> dict[str, str]:
    """Return the parts of the number whose records can be listed, and what they are called."""
    words, measured = frame.visit.words, frame.measure
    parts = {"numerator": words("达到（分子）")}
    if measured.kind != "count":
        parts["denominator"] = words("全部（分母）")
    if measured.kind == "proportion":
        parts["gap"] = words("尚未达到（差距）")
    if measured.exclusions:
        parts["exclusion"] = words("不计入（排除）")
    return parts


async def _whole(visit: Visit, measured: MeasureDeclaration, part: str) -> int:
    """Return of how many records the number says it is made, seen or not; 0 where that is not shown."""
    result = await figures.evaluated(visit, measured)
    if measured.kind != "proportion" or result.numerator is None or result.denominator is None:
        return 0
    counts = {
        "numerator": result.numerator,
        "denominator": result.denominator,
        "gap": result.denominator - result.numerator,
    }
    return round(counts.get(part, 0))


async def _subject(frame: Frame, reference: str) -> Subject | None:
    visit = frame.visit
    kind, _, id_ = reference.partition("/")
    try:
        resource = (await visit.platform.store.read(visit.grant, kind, id_)).resource
    except Fault:
        return None
    if kind == "Patient":
        genders = {"male": visit.words("男"), "female": visit.words("女")}
        note = " · ".join(
            filter(None, (genders.get(str(resource.get("gender"))), str(resource.get("birthDate", ""))))
        )
    else:
        note = text_of(resource.get("type")) or text_of(resource.get("code"))
    owner = (
        resource.get("managingOrganization")
        or resource.get("providedBy")
        or resource.get("organization")
        or {}
    )
    if isinstance(owner, list):  # a CareTeam may have several
        owner = owner[0]
    startable = kind == "Patient" and may_start(visit.platform, visit.grant)
    return Subject(
        name_of(resource),
        record_address(visit, kind, id_),
        kind_title(visit, kind),
        note,
        _organisation(owner, frame.units),
        f"/cases/start?subject={reference}" if startable else "",
    )


def _organisation(reference: Mapping[str, Any], units: Mapping[str, str]) -> str:
    return str(reference.get("display") or units.get(str(reference.get("reference", "")), ""))


def _work(frame: Frame) -> list[Link]:
    """Return the lists of work that bring the number up, for the same place."""
    visit = frame.visit
    query = "" if frame.whole else f"?district={frame.place}"
    return [
        Link(visit.words.of(one.title), f"/lists/{one.code}{query}", "list")
        for one in offered_lists(visit.platform, visit.grant)
        if {frame.measure.id, frame.measure.family} & set(one.measures)
    ]


def _filters(frame: Frame, cell: Mapping[str, str]) -> list[Filter]:
    """Return the dimensions that the records may be narrowed by; one of units offers those that the visitor sees."""
    words = frame.visit.words
    found = []
    for one in frame.measure.dimensions:
        held = cell.get(one.id, "")
        options = tuple((code, words.of(text)) for code, text in one.labels.items())
        if not options and held:
            options = ((held, frame.key_title(one.id, held)),)
        if options and len(options) <= _MOST_CHOICES:
            found.append(Filter(one.id, words.of(one.title), held, options))
    return found
