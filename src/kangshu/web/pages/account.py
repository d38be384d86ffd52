"""系统管理: one account, its posts (系统管理员) and their roles (安全保密管理员)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from starlette.responses import Response

from kangshu.api import Post
from kangshu.base.clock import now
from kangshu.base.faults import Conflict, Fault, Forbidden, NotFound, Unprocessable
from kangshu.base.whole_numbers import whole_number
from kangshu.web.forms import FormField, told
from kangshu.web.lookup import divisions
from kangshu.web.pages.own_posts import names_of, roles_of, row_of
from kangshu.web.parts import Fact
from kangshu.web.visit import Visit, texts

_REFUSED = (Unprocessable, Forbidden, Conflict)


@dataclass(frozen=True, slots=True)
class PostCard:
    """One post with what this administrator may change of it."""

    id: int
    title: str
    place: str
    held: str
    roles: list[tuple[str, str, str, bool]]
    fields: list[FormField]


async def account(visit: Visit) -> Response:
    """Show one account with what this administrator may change."""
    return await _page(visit)


async def set_roles(visit: Visit) -> Response:
    """Give one post of the account exactly the chosen roles."""
    name, form = visit.path("name"), texts(await visit.form())
    chosen = [one for one in form.get("roles", "").split(",") if one]
    try:
        if form.get("id"):
            post = await _post_of(visit, name, form["id"])
            await visit.platform.accounts.posts.assign(visit.grant, post.id, chosen)
        else:
            await visit.platform.accounts.assign_roles(visit.grant, name, chosen)
    except _REFUSED as fault:
        return await _page(visit, form, fault)
    return visit.go(f"/admin/accounts/{name}", said="changed")


async def set_post(visit: Visit) -> Response:
    """Move a post to another organisation or division, or name its B 岗; without a number, open one more."""
    name, form = visit.path("name"), texts(await visit.form())
    doors = visit.platform.accounts
    wanted = Post(
        0,
        name,
        title=form.get("title", ""),
        organisation=form.get("organisation", "").removeprefix("Organization/"),
        district=form.get("district", ""),
        stand_in=form.get("stand_in", ""),
    )
    try:
        if form.get("id") == "new":
            await doors.posts.open_post(visit.grant, wanted)
        elif form.get("id"):
            held = await _post_of(visit, name, form["id"])
            if form.get("close") == "true":
                await doors.posts.close_post(visit.grant, held.id)
            else:
                await doors.posts.change_post(
                    visit.grant, replace(wanted, id=held.id, practitioner=held.practitioner)
                )
        else:
            mine = await doors.account(visit.grant, name)
            await doors.set_post(
                visit.grant,
                name,
                organisation=wanted.organisation,
                practitioner=mine.practitioner,
                district=wanted.district,
            )
    except NotFound:
        raise
    except _REFUSED as fault:
        return await _page(visit, form, fault)
    return visit.go(f"/admin/accounts/{name}", said="changed")


async def _post_of(visit: Visit, name: str, number: str) -> Post:
    id_ = whole_number(number, 18)
    for one in await visit.platform.accounts.posts.posts(visit.grant, name):
        if one.id == id_:
            return one
    raise NotFound("there is no such post", zh="没有此岗位")


async def end_tokens(visit: Visit) -> Response:
    """End every open sign-in and token of the account."""
    await visit.form()
    name = visit.path("name")
    await visit.platform.accounts.account(visit.grant, name)
    await visit.platform.accounts.revoke_tokens(visit.grant, name)
    return visit.go(f"/admin/accounts/{name}", said="ended")


async def identities(visit: Visit) -> Response:
    """Invite the owner to link an identity, link one, or part one."""
    name, form = visit.path("name"), texts(await visit.form())
    doors = visit.platform.accounts.identities
    try:
        match form.get("act"):
            case "invite":
                code = await doors.invite(visit.grant, name)
                return await _page(visit, invitation=code)
            case "link":
                await doors.link(visit.grant, name, form.get("provider", ""), form.get("subject", ""))
            case _:
                await doors.unlink(visit.grant, name, whole_number(form.get("id", ""), 18) or 0)
    except _REFUSED as fault:
        return await _page(visit, form, fault)
    return visit.go(f"/admin/accounts/{name}", said="changed")


async def _page(
    visit: Visit, sent: Mapping[str, str] | None = None, fault: Fault | None = None, invitation: str = ""
) -> Response:
    words, grant, name = visit.words, visit.grant, visit.path("name")
    accounts = visit.platform.accounts
    held = await accounts.account(grant, name)
    names, places = await names_of(visit), await divisions(visit)
    locked = held.locked_until is not None and held.locked_until > now()
    other = name not in ("system", grant.account)
    person = held.kind == "person"
    posts = await accounts.posts.posts(grant, name)
    colleagues = (
        tuple(
            (one.name, one.display)
            for one in await accounts.accounts(grant)
            if one.kind == "person" and one.active and one.roles and one.name not in (name, "system")
        )
        if grant.may("account.manage")
        else ()
    )
    facts = [
        Fact(words("类型"), words("个人") if person else words("系统间账号")),
        Fact(words("建立时间"), words.moment(held.created)),
    ]
    if person:
        facts += [
            Fact(words("最近登录"), words.moment(held.last_sign_in)),
            Fact(words("密码"), words("待本人修改初始密码") if held.must_change else words("本人已设置")),
            Fact(words("动态口令"), words("已启用") if held.second_factor else words("未启用")),
        ]
    return visit.render(
        "admin_account.html",
        422 if fault else 200,
        name=name,
        display=held.display,
        address=f"/admin/accounts/{name}",
        state=words("停用") if not held.active else words("锁定") if locked else words("正常"),
        tone="grey" if not held.active else "red" if locked else "green",
        facts=facts,
        person=person,
        posts=[_card(visit, one, names, places, colleagues, sent) for one in posts],
        blank=_fields(Post(0, name), visit, names, places, colleagues),
        deputies=[row_of(visit, one, names) for one in await accounts.deputies.of(grant, name)],
        open=await accounts.open_tokens(grant, name),
        identities=await accounts.identities.of(grant, name),
        providers=[(one.id, words.of(one.title)) for one in accounts.identities.providers],
        invitation=invitation,
        held=[words.of(accounts.roles[one].title) for one in held.roles if one in accounts.roles],
        issues=told(words, fault) if fault else [],
        may_roles=grant.may("role.assign") and other,
        may_manage=grant.may("account.manage") and other,
        may_unlock=grant.may("account.unlock") and locked and other,
        may_reset_factor=grant.may("account.unlock") and other and held.second_factor,
        active=held.active,
    )


def _card(
    visit: Visit,
    post: Post,
    names: Mapping[str, str],
    places: Mapping[str, str],
    colleagues: tuple[tuple[str, str], ...],
    sent: Mapping[str, str] | None,
) -> PostCard:
    words, accounts = visit.words, visit.platform.accounts
    mine = sent is not None and sent.get("id", str(post.id)) == str(post.id) and "roles" in sent
    chosen = sent.get("roles", "").split(",") if mine and sent is not None else post.roles
    return PostCard(
        post.id,
        post.title or names.get(post.organisation, post.organisation) or words("岗位"),
        " · ".join(
            filter(
                None,
                (
                    names.get(post.organisation, post.organisation),
                    places.get(post.district, post.district),
                    words("B 岗：{name}", name=dict(colleagues).get(post.stand_in, post.stand_in))
                    if post.stand_in
                    else "",
                ),
            )
        ),
        roles_of(visit.platform, words, post.roles),
        [
            (
                id_,
                words.of(role.title),
                "、".join(words(_POSTS.get(one, one)) for one in role.post),
                id_ in chosen,
            )
            for id_, role in accounts.roles.items()
        ],
        _fields(post, visit, names, places, colleagues),
    )


_POSTS = {"district": "区域", "organisation": "单位", "patient": "本人"}


def _fields(
    post: Post,
    visit: Visit,
    names: Mapping[str, str],
    places: Mapping[str, str],
    colleagues: tuple[tuple[str, str], ...],
) -> list[FormField]:
    words = visit.words
    towns = tuple((code, f"{name} {code}") for code, name in places.items() if len(code) <= 9)
    return [
        FormField("title", words("岗位名称"), "text", post.title, help=words("如：老龄科经办；可不填")),
        FormField(
            "organisation", words("所属单位"), "choice", post.organisation, options=tuple(names.items())
        ),
        FormField("district", words("所辖区域"), "choice", post.district, options=towns),
        FormField(
            "stand_in",
            words("B 岗"),
            "choice",
            post.stand_in,
            options=colleagues,
            help=words("本人外出时优先委托其代办"),
        ),
    ]
