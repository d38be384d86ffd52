"""The posts in which one may act, one's deputies, and the switch between them in the top bar."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import Response

from kangshu.api import Acting, Deputy, Platform, Post
from kangshu.base.clock import CITY_ZONE, now
from kangshu.base.faults import Conflict, Fault, Forbidden, Invalid, NotFound, Unprocessable
from kangshu.base.text import Text
from kangshu.base.whole_numbers import whole_number
from kangshu.sdk import Field, Option
from kangshu.web.forms import form_fields, told
from kangshu.web.language import Words
from kangshu.web.lookup import organisations
from kangshu.web.visit import Visit, texts


@dataclass(frozen=True, slots=True)
class PostChoice:
    """One line of the switch: `key` is what the form sends."""

    key: str
    title: str
    sub: str
    current: bool


def post_choices(platform: Platform, acting: Acting, words: Words) -> list[PostChoice]:
    """Return the posts that a visitor may choose, the present one marked."""
    found = [
        PostChoice(
            f"post-{one.id}",
            one.title or roles_of(platform, words, one.roles),
            "" if not one.title else roles_of(platform, words, one.roles),
            acting.deputy is None and acting.post is not None and acting.post.id == one.id,
        )
        for one in acting.posts
    ]
    for deputy in acting.deputies:
        found.append(
            PostChoice(
                f"deputy-{deputy.id}",
                words("代办：{name}", name=deputy.holder),
                words(
                    "{roles}，至 {until}",
                    roles=roles_of(platform, words, deputy.post.roles),
                    until=words.moment(deputy.ends),
                ),
                acting.deputy is not None and acting.deputy.id == deputy.id,
            )
        )
    return found


def roles_of(platform: Platform, words: Words, ids: Iterable[str]) -> str:
    """Return the titles of roles in one line."""
    roles = platform.accounts.roles
    titles = [words.of(roles[one].title) if one in roles else one for one in ids]
    return ("、" if words.language == "zh" else ", ").join(titles) or words("未分配角色")


async def choose(visit: Visit) -> Response:
    """Act in another post from now on; the first screen is that post's."""
    chosen = texts(await visit.form()).get("post", "")
    kind, _, number = chosen.partition("-")
    id_ = whole_number(number, 18)
    if id_ is None or kind not in ("post", "deputy"):
        raise NotFound("there is no such post of yours", zh="没有此岗位，或代办已结束")
    doors = visit.platform.accounts
    if kind == "post":
        await doors.choose_post(visit.secret, post=id_)
    else:
        await doors.choose_post(visit.secret, deputy=id_)
    return visit.go("/", said="switched")


async def deputies(visit: Visit) -> Response:
    """Show the own posts, who deputises in them, and the form to appoint a deputy."""
    return await _page(visit, {})


async def appoint(visit: Visit) -> Response:
    """Appoint a deputy for one of the own posts."""
    form = texts(await visit.form())
    try:
        post = whole_number(form.get("post", ""), 18)
        if post is None:
            raise Invalid("choose the post", zh="请选择岗位", expression="post")
        await visit.platform.accounts.deputies.appoint(
            visit.grant,
            post,
            form.get("deputy", ""),
            moment(form, "starts"),
            moment(form, "ends"),
            form.get("reason", ""),
        )
    except (Invalid, Unprocessable, Conflict, Forbidden, NotFound) as fault:
        return await _page(visit, form, fault)
    return visit.go("/me/deputies", said="deputised")


async def end(visit: Visit) -> Response:
    """End a deputising at once, as its holder or as the deputy."""
    await visit.form()
    id_ = whole_number(visit.path("id"), 18)
    if id_ is None:
        raise NotFound("there is no such appointment", zh="没有此代办")
    mine = await visit.platform.accounts.deputies.of(visit.grant, visit.grant.account)
    if all(one.id != id_ for one in mine):
        raise NotFound("there is no such appointment", zh="没有此代办")
    await visit.platform.accounts.deputies.revoke(visit.grant, id_)
    return visit.go("/me/deputies", said="ended")


def moment(form: Mapping[str, str], name: str) -> datetime:
    """Return a time of the city as it was typed: a day alone is its first minute, as an end its last. Raises Invalid."""
    text = form.get(name, "").replace("T", " ").strip()
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid(
            "a time is written as 2026-03-01 08:30", zh="时间格式应为 2026-03-01 08:30", expression=name
        ) from error
    if len(text) <= 10 and name == "ends":
        found += timedelta(days=1)
    return found.replace(tzinfo=CITY_ZONE) if found.tzinfo is None else found


async def _page(visit: Visit, sent: Mapping[str, str], fault: Fault | None = None) -> Response:
    words, grant, doors = visit.words, visit.grant, visit.platform.accounts
    own = [one for one in await doors.posts.posts(grant, grant.account) if one.roles]
    may = not grant.on_behalf_of and not any(
        doors.roles[role].apart for one in own for role in one.roles if role in doors.roles
    )
    candidates: dict[str, str] = {}
    for one in own if may else ():
        for name, display in await doors.deputies.candidates(grant, one.id):
            candidates.setdefault(name, display)
    today = now().astimezone(CITY_ZONE)
    values: dict[str, Any] = {
        "post": str(own[0].id) if len(own) == 1 else "",
        "starts": f"{today:%Y-%m-%d %H:%M}",
        "ends": f"{today + timedelta(days=1):%Y-%m-%d} 18:00",
        **sent,
    }
    names = await names_of(visit)
    fields = (
        Field("post", Text("岗位", "Post"), "choice", required=True,
              options=tuple(Option(str(one.id), _both(_title(visit, one, names))) for one in own)),
        Field("deputy", Text("代办人", "Deputy"), "choice", required=True,
              options=tuple(Option(name, _both(display)) for name, display in candidates.items()),
              help=Text("B 岗在最前，其次为本单位同事", "the stand-in first, then colleagues of the unit")),
        Field("starts", Text("开始", "From"), "datetime", required=True),
        Field("ends", Text("结束（到时自动终止）", "Until (it ends by itself)"), "datetime", required=True),
        Field("reason", Text("原因", "Reason"), required=True),
    )  # fmt: skip
    found = await doors.deputies.of(grant, grant.account)
    return visit.render(
        "deputies.html",
        422 if fault else 200,
        fields=form_fields(words, fields, values, fault.issues if fault else ()) if own and may else (),
        issues=told(words, fault) if fault else [],
        may=may,
        rows=[row_of(visit, one, names) for one in found],
        choices=candidates,
    )


@dataclass(frozen=True, slots=True)
class DeputyRow:
    """One appointment as the page shows it."""

    id: int
    holder: str
    deputy: str
    post: str
    span: str
    reason: str
    state: str
    tone: str
    open: bool


def row_of(visit: Visit, one: Deputy, names: Mapping[str, str]) -> DeputyRow:
    """Return an appointment with its state in words."""
    words, moment_now = visit.words, now()
    if one.revoked is not None:
        state, tone = words("已提前终止"), "grey"
    elif one.ends <= moment_now:
        state, tone = words("已到期"), "grey"
    elif one.starts > moment_now:
        state, tone = words("未开始"), "amber"
    else:
        state, tone = words("代办中"), "green"
    return DeputyRow(
        one.id,
        one.holder,
        one.display,
        _title(visit, one.post, names),
        f"{words.moment(one.starts)} – {words.moment(one.ends)}",
        one.reason,
        state,
        tone,
        one.revoked is None and one.ends > moment_now,
    )


async def names_of(visit: Visit) -> dict[str, str]:
    """Return the names of the organisations by id: whatever the visitor's own post may read."""
    try:
        return await organisations(visit)
    except Fault:
        return {}


def _title(visit: Visit, post: Post, names: Mapping[str, str]) -> str:
    place = names.get(post.organisation, post.organisation)
    return " · ".join(filter(None, (post.title, place, roles_of(visit.platform, visit.words, post.roles))))


def _both(text: str) -> Text:
    return Text(text, text)
