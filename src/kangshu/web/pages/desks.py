"""Desks (接警台): the open cases of one kind as they come in, and the card of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from starlette.responses import Response

from kangshu.api import name_of
from kangshu.base.clock import CITY_ZONE, now
from kangshu.base.faults import NotFound
from kangshu.sdk import DeskDeclaration, Resource
from kangshu.web.pages.cases import case_kind, case_view
from kangshu.web.parts import Fact
from kangshu.web.rows import WorkRow, work_row
from kangshu.web.visit import Visit

_SHOWN: Final = 60
_URGENCIES: Final = (
    ("stat", "特急", "red"),
    ("asap", "紧急", "red"),
    ("urgent", "较急", "amber"),
    ("routine", "一般", ""),
)


@dataclass(frozen=True, slots=True)
class Call:
    """One line of a desk."""

    row: WorkRow
    urgency: str
    tone: str
    waits: bool
    waited: str
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class SectionView:
    """One section of a card as its template takes it."""

    title: str
    tone: str
    heads: Sequence[str]
    lines: Sequence[Sequence[str]]
    none: str
    nearest: bool


async def desk(visit: Visit) -> Response:
    """Show a desk; the list renews itself, and without scripts the page does."""
    declaration = _desk(visit)
    return visit.render(
        "desk.html", desk=declaration, address=_address(declaration), **await _list(visit, declaration)
    )


async def rows(visit: Visit) -> Response:
    """Give the list of a desk alone, for the page that renews it."""
    declaration = _desk(visit)
    return visit.render("desk_rows.html", desk=declaration, **await _list(visit, declaration))


async def card(visit: Visit) -> Response:
    """Show the card of one case: who, where, whom to call, what is known, who is near; and what can be done."""
    words, id_ = visit.words, visit.path("id")
    task = (await visit.platform.store.read(visit.grant, "Task", id_)).resource
    code = case_kind(task)
    declaration = next(
        (one for one in visit.platform.cases.desks.declarations if f"{one.service}/{one.case}" == code), None
    )
    if declaration is None:
        raise NotFound("cases of this kind have no desk", zh="该类办件没有接警台")
    found = await visit.platform.cases.desks.card(visit.grant, declaration.code, id_)
    sections = [
        SectionView(
            words.of(one.section.title),
            one.section.tone,
            [words.of(column.title) for column in one.section.columns]
            + ([words("距离")] if one.section.nearest else []),
            [
                [words.of(cell) for cell in line.cells]
                + ([_far(visit, line.distance)] if one.section.nearest else [])
                for line in one.lines
            ],
            words("当前权限不显示") if one.closed else words.of(one.section.none),
            bool(one.section.nearest),
        )
        for one in found.sections
    ]
    view = await case_view(visit, id_)
    counts = await visit.platform.cases.desks.waiting(visit.grant, declaration.code)
    return visit.render(
        "card.html",
        **view,
        desk=declaration,
        desk_address=_address(declaration),
        waiting=sum(count for name, count in counts.items() if name != "at-work"),
        person=_person(visit, found.person),
        person_address=f"/residents/{found.person['id']}" if found.person else "",
        position=found.position,
        precise=found.precise,
        place=found.place,
        urgency=_urgency(found.row.priority),
        waited=_span(visit, found.row.started),
        sections=sections,
    )


async def _list(visit: Visit, declaration: DeskDeclaration) -> dict[str, Any]:
    """Return what the list of a desk shows."""
    words, desks = visit.words, visit.platform.cases.desks
    found = await desks.rows(visit.grant, declaration.code, _SHOWN)
    counts = await desks.waiting(visit.grant, declaration.code)
    at_work = counts.pop("at-work", 0)
    return {
        "calls": [
            Call(
                work_row(words, one.case),
                words(_urgency(one.case.priority)[1]),
                _urgency(one.case.priority)[2],
                one.waits,
                _span(visit, one.case.started),
                [words.of(cell) for cell in one.cells],
            )
            for one in found
        ],
        "counts": [(words(title), counts.get(code, 0), tone) for code, title, tone in _URGENCIES],
        "waiting": sum(counts.values()),
        "at_work": at_work,
        "more": sum(counts.values()) + at_work - len(found),
        "on_duty": await _on_duty(visit, declaration),
        "renewed": now().astimezone(CITY_ZONE).strftime("%H:%M:%S"),
    }


async def _on_duty(visit: Visit, declaration: DeskDeclaration) -> str | None:
    """Return the names of those on duty now: "" for nobody, None for a desk without a roster."""
    if not declaration.roster:
        return None
    code = f"{declaration.service}/{declaration.roster}"
    shifts = await visit.platform.cases.rosters.on_duty(visit.grant, code, now())
    return "、".join(dict.fromkeys(one.name or one.person for one in shifts))


def _desk(visit: Visit) -> DeskDeclaration:
    found = visit.platform.cases.desks.declaration(f"{visit.path('service')}/{visit.path('desk')}")
    if not found.offered_to(visit.grant.roles):
        raise NotFound("there is no such desk", zh="没有此接警台")
    return found


def _address(declaration: DeskDeclaration) -> str:
    return f"/desks/{declaration.service}/{declaration.id}"


def _urgency(priority: str) -> tuple[str, str, str]:
    return next((one for one in _URGENCIES if one[0] == priority), _URGENCIES[-1])


def _person(visit: Visit, person: Resource | None) -> list[Fact]:
    """Return who the case is about, as the grant shows it."""
    if person is None:
        return []
    words = visit.words
    phones = "、".join(str(one.get("value", "")) for one in person.get("telecom", ()))
    address = next((str(one.get("text", "")) for one in person.get("address", ())), "")
    sex = {"male": words("男"), "female": words("女")}.get(str(person.get("gender", "")), "—")
    return [
        Fact(words("姓名"), name_of(person)),
        Fact(words("性别"), sex),
        Fact(words("年龄"), _age(visit, str(person.get("birthDate", "")))),
        Fact(words("联系电话"), phones or "—"),
        Fact(words("住址"), address or "—", wide=True),
    ]


def _age(visit: Visit, born: str) -> str:
    if len(born) < 10:
        return "—"
    day = now().astimezone(CITY_ZONE).date()
    had = (day.month, day.day) >= (int(born[5:7]), int(born[8:10]))
    return visit.words("{years} 岁", years=day.year - int(born[:4]) - (not had))


def _far(visit: Visit, kilometres: float | None) -> str:
    if kilometres is None:
        return visit.words("位置未知")
    if kilometres < 1:
        return visit.words("{metres} 米", metres=int(round(kilometres * 1000, -1)))
    return visit.words("{kilometres} 公里", kilometres=f"{kilometres:.1f}")


def _span(visit: Visit, since: datetime | None) -> str:
    """Return how long ago `since` was, to the second below ten minutes."""
    if since is None:
        return "—"
    left = max(timedelta(0), now() - since)
    seconds = int(left.total_seconds())
    words = visit.words
    if seconds < 600:
        return words("{minutes} 分 {seconds} 秒", minutes=seconds // 60, seconds=seconds % 60)
    if seconds < 3600:
        return words("{minutes} 分", minutes=seconds // 60)
    if seconds < 86400:
        return words("{hours} 小时 {minutes} 分", hours=seconds // 3600, minutes=seconds % 3600 // 60)
    return words("{days} 天", days=seconds // 86400)
