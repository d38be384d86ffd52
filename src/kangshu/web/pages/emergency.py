"""应急调阅 (break-glass): asked for, seen while it lasts, ended, and reviewed by the data protection officer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.responses import Response

from kangshu.api import EMERGENCY_REASONS, IMPROPER, JUSTIFIED, Emergency
from kangshu.base.faults import Conflict, Fault, Forbidden, NotFound, Unprocessable
from kangshu.base.whole_numbers import whole_number
from kangshu.web.language import Words
from kangshu.web.pages.own_posts import names_of
from kangshu.web.parts import Tab
from kangshu.web.visit import Visit, texts, within


@dataclass(frozen=True, slots=True)
class Shown:
    """One emergency access as a line of a list."""

    id: int
    who: str
    account: str
    place: str
    patient: str
    cause: str
    words: str
    opened: str
    day: str
    over: str
    is_open: bool
    state: str
    tone: str
    due: str
    comment: str


def shown(words: Words, one: Emergency, names: Mapping[str, str]) -> Shown:
    """Return an emergency access in words."""
    if one.verdict == JUSTIFIED:
        state, tone = words("已复核：正当"), "green"
    elif one.verdict == IMPROPER:
        state, tone = words("已复核：不当"), "red"
    elif one.is_overdue:
        state, tone = words("超期未复核"), "red"
    else:
        state, tone = words("待复核"), "amber"
    cause = EMERGENCY_REASONS.get(one.reason_code)
    return Shown(
        id=one.id,
        who=one.display,
        account=one.account,
        place=names.get(one.organisation, one.organisation),
        patient=one.patient,
        cause=words.of(cause) if cause is not None else one.reason_code,
        words=one.reason,
        opened=words.moment(one.opened),
        day=words.day(one.opened),
        over=words.moment(one.over),
        is_open=one.is_open,
        state=state,
        tone=tone,
        due=one.review_due.isoformat(),
        comment=one.comment,
    )


async def form(visit: Visit) -> Response:
    """Show the form that asks for emergency access, with one's own accesses below."""
    return await _form(visit, {})


async def _form(visit: Visit, sent: Mapping[str, str], fault: Fault | None = None) -> Response:
    words, desk = visit.words, visit.platform.accounts.emergencies
    names, figures = await names_of(visit), desk.limits()
    return visit.render(
        "emergency.html",
        422 if fault else 200,
        error=(words.of(fault.text) if words.english else fault.zh) if fault else "",
        sent=sent,
        reasons=[(code, words.of(title)) for code, title in EMERGENCY_REASONS.items()],
        minutes=int(figures.lasts.total_seconds() // 60),
        least=figures.reason_length,
        days=figures.review_days,
        rows=[shown(words, one, names) for one in await desk.own(visit.grant)],
    )


async def open_records(visit: Visit) -> Response:
    """Open the records of the resident of exactly this number and name, and lead there."""
    sent = texts(await visit.form())
    try:
        if sent.get("sure") != "true":
            raise Unprocessable("confirm that it is an emergency", zh="请勾选确认")
        made = await visit.platform.accounts.emergencies.break_glass(
            visit.grant,
            sent.get("number", ""),
            sent.get("name", ""),
            sent.get("reason_code", ""),
            sent.get("reason", ""),
        )
    except (Unprocessable, NotFound, Conflict, Forbidden) as fault:
        return await _form(visit, sent, fault)
    return visit.go(f"/residents/{made.patient}", said="opened")


async def end(visit: Visit) -> Response:
    """End an access now."""
    form = texts(await visit.form())
    await visit.platform.accounts.emergencies.end(visit.grant, _number(visit))
    return visit.go(within(form.get("back") or "/emergency"), said="ended")


async def queue(visit: Visit) -> Response:
    """Show what is to be reviewed, the first due first, or what has been."""
    return await _queue(visit)


async def _queue(visit: Visit, fault: Fault | None = None, at: int = 0) -> Response:
    words, desk = visit.words, visit.platform.accounts.emergencies
    done = visit.query("box") == "done"
    names = await names_of(visit)
    found: Sequence[Emergency] = await desk.queue(visit.grant, reviewed=done)
    late = sum(one.is_overdue for one in found)
    return visit.render(
        "emergency_review.html",
        422 if fault else 200,
        rows=[shown(words, one, names) for one in found],
        done=done,
        late=late,
        least=desk.limits().reason_length,
        tabs=[
            Tab(words("待复核"), "/emergency/review", not done, "" if done else len(found), bool(late)),
            Tab(words("已复核"), "/emergency/review?box=done", done, len(found) if done else ""),
        ],
        error=(words.of(fault.text) if words.english else fault.zh) if fault else "",
        at=at,
        audit=visit.grant.may("audit.read"),
        resident=visit.grant.may("policy.resident"),
    )


async def review(visit: Visit) -> Response:
    """Say whether an access was justified."""
    sent, id_ = texts(await visit.form()), _number(visit)
    try:
        await visit.platform.accounts.emergencies.review(
            visit.grant, id_, sent.get("verdict", ""), sent.get("comment", "")
        )
    except (Unprocessable, Conflict, Forbidden) as fault:
        return await _queue(visit, fault, id_)
    return visit.go("/emergency/review", said="judged")


def _number(visit: Visit) -> int:
    number = whole_number(visit.path("id"), 18)
    if number is None:
        raise NotFound("there is no such emergency access", zh="没有这条应急调阅")
    return number
