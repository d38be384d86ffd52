"""快照与报告: the list of snapshots, freezing, what one holds, its reports, what changed between two, what is public."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from starlette.responses import Response

from kangshu.api import tell
from kangshu.base.faults import Fault, Invalid, NotFound
from kangshu.base.text import Text
from kangshu.web.pages.figures_text import value_text
from kangshu.web.pages.plans import LIGHT_WORDS, LIGHTS
from kangshu.web.parts import Fact
from kangshu.web.visit import Visit, texts

PUBLICATION_WORDS: Final = {
    "asked": "待审定",
    "published": "已公开",
    "refused": "未通过",
    "withdrawn": "已撤回",
}
PUBLICATION_TONES: Final = {"asked": "amber", "published": "green", "refused": "", "withdrawn": "red"}
FORMS: Final = (("docx", "Word"), ("xlsx", "Excel"), ("pdf", "PDF"))
_MOST_ATTENTION: Final = 30


@dataclass(frozen=True, slots=True)
class Line:
    """One snapshot in the list."""

    id: str
    number: str
    title: str
    taken: str
    by: str
    plans: int
    state: str
    tone: str


@dataclass(frozen=True, slots=True)
class PlanPart:
    """One plan within a snapshot, counted."""

    id: str
    title: str
    clauses: int
    targets: int
    duties: int
    done: int
    late: int
    lights: list[tuple[str, str, int]]
    """(colour, word, how many)."""


@dataclass(frozen=True, slots=True)
class TargetLine:
    """One target: what is asked, what is, its light, and why."""

    indicator: str
    asked: str
    actual: str
    tone: str
    light: str
    why: str


async def snapshots(visit: Visit) -> Response:
    """Show every snapshot, the newest first, and whether it is public."""
    platform, words = visit.platform, visit.words
    states = {
        one.snapshot: one.state for one in reversed(await platform.publications.publications(visit.grant))
    }
    rows = [
        Line(
            one.id,
            one.number,
            one.title,
            words.moment(one.taken),
            words("按月自动") if one.period else one.by,
            len(one.plans),
            words(PUBLICATION_WORDS[states[one.id]]) if one.id in states else words("内部"),
            PUBLICATION_TONES[states[one.id]] if one.id in states else "",
        )
        for one in await platform.snapshots.snapshots(visit.grant)
    ]
    return visit.render("snapshots.html", rows=rows, may_freeze=visit.grant.may("plan.freeze"))


async def new(visit: Visit) -> Response:
    """Show what would be frozen now."""
    return await _form(visit)


async def freeze(visit: Visit) -> Response:
    """Freeze the chosen plans and lead to the snapshot."""
    form = await visit.form()
    sent = texts(form)
    plans = [one for one in form.getlist("plan") if isinstance(one, str)]
    if not plans:
        return await _form(visit, Invalid("choose at least one plan", zh="请至少选择一个规划"), sent)
    try:
        made = await visit.platform.snapshots.freeze(visit.grant, plans, sent.get("title", ""))
    except (Invalid, NotFound) as fault:
        return await _form(visit, fault, sent)
    return visit.go(f"/snapshots/{made.id}", said="frozen")


async def _form(visit: Visit, fault: Fault | None = None, sent: Mapping[str, str] | None = None) -> Response:
    held = await visit.platform.snapshots.preview(visit.grant)
    chosen = (sent or {}).get("plan")
    parts = [_part(visit, one) for one in held["plans"]]
    return visit.render(
        "snapshot_new.html",
        422 if fault else 200,
        plans=parts,
        chosen=chosen.split(",") if chosen is not None else [one.id for one in parts],
        title=(sent or {}).get("title", ""),
        returns=len(held["returns"]),
        issues=[Text(fault.zh, fault.text).in_language(visit.words.language)] if fault else [],
    )


async def snapshot(visit: Visit) -> Response:
    """Show what a snapshot holds, that it is what was frozen, its reports, and what of it is public."""
    platform, words = visit.platform, visit.words
    found = await platform.snapshots.frozen(visit.grant, visit.path("id"))
    plans = found.content["plans"]
    units = {one["id"]: one["name"] for one in found.content["units"]}
    taking = {
        unit for plan in plans for clause in plan["clauses"] for one in clause["units"] for unit in one["ids"]
    }
    head = found.content["snapshot"]
    others = [one for one in await platform.snapshots.snapshots(visit.grant) if one.id != found.id]
    return visit.render(
        "snapshot.html",
        id=found.id,
        number=found.number,
        title=found.title,
        facts=[
            Fact(words("数据截至"), words.moment(found.taken)),
            Fact(
                words("冻结"),
                words("按月自动") if found.period else f"{found.by} {head.get('office', '')}".strip(),
            ),
            Fact(words("数据位置"), _positions(visit, found.position, found.position_after)),
            Fact(words("校验值（SHA-256）"), found.sha256, wide=True),
        ],
        plans=[_part(visit, one) for one in plans],
        attention=[
            _target(visit, one)
            for light in ("red", "amber")
            for plan in plans
            for one in plan["targets"]
            if one["light"] == light
        ][:_MOST_ATTENTION],
        kinds=[
            (one.id, words.of(one.title), words.of(one.help))
            for one in platform.snapshots.report_kinds()
            if not one.by_unit
        ],
        forms=FORMS,
        units=sorted(((one, units.get(one, one)) for one in taking), key=lambda pair: pair[1]),
        others=[(one.id, f"{one.number} {one.title}") for one in others],
        **await _public(visit, found.id),
    )


def _positions(visit: Visit, before: int, after: int) -> str:
    if before == after:
        return visit.words("第 {position} 条变更，冻结期间数据没有变动", position=before)
    return visit.words("第 {position} 至 {after} 条变更之间", position=before, after=after)


async def _public(visit: Visit, id_: str) -> dict[str, Any]:
    """Return what is said and may be done about the snapshot's being public."""
    words = visit.words
    found = await visit.platform.publications.publications(visit.grant, id_)
    newest = found[0] if found else None
    may = visit.grant.may("plan.publish")
    state = newest.state if newest else ""
    log = [
        (
            words(PUBLICATION_WORDS[one.state]),
            PUBLICATION_TONES[one.state],
            words("{who} 提请于 {moment}", who=one.asked_name, moment=words.moment(one.asked_at)),
            words("{who} 办理于 {moment}", who=one.decided_by, moment=words.moment(one.decided_at))
            if one.decided_by
            else "",
            one.reason,
        )
        for one in found
    ]
    return {
        "publication": newest,
        "publication_log": log,
        "may_ask": may and state in ("", "refused", "withdrawn"),
        "may_decide": may
        and newest is not None
        and state == "asked"
        and newest.asked_by != visit.grant.account,
        "waits_for_other": may
        and newest is not None
        and state == "asked"
        and newest.asked_by == visit.grant.account,
        "may_withdraw": may and state == "published",
        "public_pages": [(title, f"/public/plans/{plan}/{newest.slug}") for plan, title in newest.plans]
        if newest is not None and state == "published"
        else [],
    }


async def report(visit: Visit) -> Response:
    """Hand out one report."""
    return await _handed_out(visit, visit.path("kind"), visit.path("form"), visit.query("unit"))


async def unit_sheet(visit: Visit) -> Response:
    """Hand out the sheet of the unit that was chosen."""
    return await _handed_out(visit, "unit", visit.query("form", "pdf"), visit.query("unit"))


async def _handed_out(visit: Visit, kind: str, form: str, unit: str) -> Response:
    """Return a report as a file; that it was taken is in the audit."""
    id_ = visit.path("id")
    data, name, media = await visit.platform.snapshots.report(visit.grant, id_, kind, form, unit)
    await tell(visit.platform, visit.grant, "export", "DocumentReference", id_, f"{kind}.{form}")
    return visit.download(data, name, media)


async def content(visit: Visit) -> Response:
    """Hand out the very bytes that were frozen, so that anybody can reckon the digest again."""
    found = await visit.platform.snapshots.frozen(visit.grant, visit.path("id"))
    await tell(visit.platform, visit.grant, "export", "DocumentReference", found.id, "content.json")
    return visit.download(found.data, f"{found.number}.json", "application/json")


async def compare(visit: Visit) -> Response:
    """Show what changed between two snapshots."""
    earlier, later, changes = await visit.platform.snapshots.compare(
        visit.grant, visit.query("a"), visit.query("b")
    )
    words = visit.words
    targets = [
        (
            one.indicator,
            (one.before, words.of(one.before_word)),
            (one.after, words.of(one.after_word)),
            _value(one.before_value, one.unit),
            _value(one.after_value, one.unit),
            one.direction,
        )
        for one in changes.targets
    ]
    return visit.render(
        "snapshot_compare.html",
        earlier=earlier,
        later=later,
        targets=targets,
        duties=changes.duties,
        come=changes.clauses_come,
        gone=changes.clauses_gone,
        worse=changes.worse,
        better=changes.better,
    )


async def publish(visit: Visit) -> Response:
    """Ask for, approve, refuse or withdraw what is public of a snapshot."""
    id_, act = visit.path("id"), visit.path("act")
    reason = texts(await visit.form()).get("reason", "")
    platform, grant = visit.platform, visit.grant
    if act == "ask":
        await platform.publications.ask(grant, id_)
        return visit.go(f"/snapshots/{id_}#public", said="asked-public")
    found = await platform.publications.publications(grant, id_)
    if not found or act not in ("approve", "refuse", "withdraw"):
        raise NotFound("there is nothing to decide on", zh="没有待办理的公开申请")
    if act == "withdraw":
        await platform.publications.withdraw(grant, found[0].id, reason)
    else:
        await platform.publications.decide(grant, found[0].id, act == "approve", reason)
    return visit.go(f"/snapshots/{id_}", said="decided-public")


def _part(visit: Visit, plan: Mapping[str, Any]) -> PlanPart:
    lights = Counter(one["light"] for one in plan["targets"])
    led = [one for one in plan["duties"] if one["role"] == "lead"]
    return PlanPart(
        plan["id"],
        plan["title"],
        len(plan["clauses"]),
        len(plan["targets"]),
        len(led),
        sum(1 for one in led if one["status"] == "completed"),
        sum(1 for one in led if one["overdue_days"]),
        [(light, visit.words(LIGHT_WORDS[light]), lights.get(light, 0)) for light in LIGHTS],
    )


def _target(visit: Visit, one: Mapping[str, Any]) -> TargetLine:
    words = visit.words
    return TargetLine(
        one["indicator"],
        one["asked"],
        _value(one["actual"], one["actual_unit"]),
        one["light"],
        words.of(Text(one["word"]["zh"], one["word"]["en"])),
        words.of(Text(one["why"]["zh"], one["why"]["en"])),
    )


def _value(lexeme: str | None, unit: str) -> str:
    return "—" if lexeme is None else f"{value_text(Decimal(lexeme))}{unit}"
