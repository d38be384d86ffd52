"""The list of plans, and the import of a document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from kangshu.base.faults import Fault
from kangshu.base.text import Text
from kangshu.web.pages.standing import STATE_TONES
from kangshu.web.visit import Visit, texts, uploaded

LIGHTS: Final = ("red", "amber", "green", "grey")
LIGHT_WORDS: Final = {"red": "滞后", "amber": "预警", "green": "正常", "grey": "未知"}


@dataclass(frozen=True, slots=True)
class Line:
    """One plan."""

    title: str
    note: str
    address: str
    tasks: int
    targets: int
    lights: list[tuple[str, str]]
    foreign: bool
    state: str
    tone: str


async def plans(visit: Visit) -> Response:
    """Show every plan that the visitor sees, with the lights of its targets."""
    words = visit.words
    lines = []
    for row in await visit.platform.plans.plans(visit.grant):
        lights: list[tuple[str, str]] = []
        if not row.foreign and row.targets:
            try:
                board = await visit.platform.plans.board(visit.grant, row.id)
            except Fault:
                board = None
            if board is not None:
                counts = board.lights
                lights = [
                    (light, f"{words(LIGHT_WORDS[light])} {counts[light]}")
                    for light in ("red", "amber", "green", "grey")
                    if counts.get(light)
                ]
        unresolved = words("{count} 个单位名称待确认", count=row.unresolved) if row.unresolved else ""
        note = " · ".join(filter(None, (words("导入于 {day}", day=words.day(row.imported)), unresolved)))
        state = words.of(visit.platform.plans.state_title(row.state))
        tone = STATE_TONES[row.state]
        address = f"/plans/{row.id}"
        lines.append(
            Line(row.title, note, address, row.clauses, row.targets, lights, row.foreign, state, tone)
        )
    return visit.render("plans.html", plans=lines, may_import=visit.grant.may("plan.import"))


async def import_form(visit: Visit) -> Response:
    """Show the form that takes a document."""
    return visit.render("plan_import.html", error="")


async def import_plan(visit: Visit) -> Response:
    """Read a document into a plan and lead to it with its findings; one that holds several plans, to its parts."""
    form = await visit.form()
    file = await uploaded(form, "file")
    if file is None:
        return visit.render("plan_import.html", 422, error=visit.words("请选择要上传的文件"))
    name, data = file
    own = texts(form).get("own") == "true"
    place = visit.platform.settings.jurisdiction if own else ""
    plans = visit.platform.plans
    try:
        received = await plans.receive(visit.grant, data, name)
        if len(received.parts) > 1:
            return visit.go(f"/plans/import/{received.id}?own={'true' if own else 'false'}")
        made = await plans.import_plan(visit.grant, data, name, jurisdiction=place)
    except Fault as fault:
        if fault.code in ("forbidden", "exception", "transient"):
            raise
        text = Text(fault.zh, fault.text).in_language(visit.words.language)
        return visit.render("plan_import.html", 422, error=text)
    around = await visit.platform.lineage.relations(visit.grant, made.plan)
    page = "relations" if around.maybe_before and not made.already else "document"
    return visit.go(f"/plans/{made.plan}/{page}", said="imported")
