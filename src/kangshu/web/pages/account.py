"""系统管理: one account, its post (系统管理员) and its roles (安全保密管理员)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from kangshu.base.clock import now
from kangshu.base.faults import Fault, Forbidden, Unprocessable
from kangshu.web.forms import FormField, told
from kangshu.web.lookup import divisions, organisations
from kangshu.web.parts import Fact
from kangshu.web.visit import Visit, texts


async def account(visit: Visit) -> Response:
    """Show one account with what this administrator may change."""
    return await _page(visit)


async def set_roles(visit: Visit) -> Response:
    """Give the account exactly the chosen roles."""
    name, form = visit.path("name"), texts(await visit.form())
    try:
        await visit.platform.accounts.assign_roles(
            visit.grant, name, [one for one in form.get("roles", "").split(",") if one]
        )
    except (Unprocessable, Forbidden) as fault:
        return await _page(visit, form, fault)
    return visit.go(f"/admin/accounts/{name}", said="changed")


async def set_post(visit: Visit) -> Response:
    """Move the account to another organisation or division."""
    name, form = visit.path("name"), texts(await visit.form())
    held = await visit.platform.accounts.account(visit.grant, name)
    await visit.platform.accounts.set_post(
        visit.grant,
        name,
        organisation=form.get("organisation", "").removeprefix("Organization/"),
        practitioner=held.practitioner,
        district=form.get("district", ""),
    )
    return visit.go(f"/admin/accounts/{name}", said="changed")


async def _page(visit: Visit, sent: Mapping[str, str] | None = None, fault: Fault | None = None) -> Response:
    words, grant, name = visit.words, visit.grant, visit.path("name")
    accounts = visit.platform.accounts
    held = await accounts.account(grant, name)
    names, places = await _organisations(visit), await divisions(visit)
    locked = held.locked_until is not None and held.locked_until > now()
    other = name not in ("system", grant.account)
    return visit.render(
        "admin_account.html",
        422 if fault else 200,
        name=name,
        display=held.display,
        address=f"/admin/accounts/{name}",
        state=words("停用") if not held.active else words("锁定") if locked else words("正常"),
        tone="grey" if not held.active else "red" if locked else "green",
        facts=[
            Fact(words("单位"), names.get(held.organisation, held.organisation)),
            Fact(words("区域"), places.get(held.district, held.district)),
            Fact(words("建立时间"), words.moment(held.created)),
            Fact(words("最近登录"), words.moment(held.last_sign_in)),
            Fact(words("密码"), words("待本人修改初始密码") if held.must_change else words("本人已设置")),
        ],
        roles=[
            (
                id_,
                words.of(role.title),
                "、".join(words(_POSTS.get(one, one)) for one in role.post),
                id_ in (sent.get("roles", "").split(",") if sent is not None else held.roles),
            )
            for id_, role in accounts.roles.items()
        ],
        held=[words.of(accounts.roles[one].title) for one in held.roles if one in accounts.roles],
        issues=told(words, fault) if fault else [],
        may_roles=grant.may("role.assign") and other,
        may_manage=grant.may("account.manage") and other,
        may_unlock=grant.may("account.unlock") and locked,
        active=held.active,
        post=_post(visit, held, names, places),
    )


_POSTS = {"district": "区域", "organisation": "单位", "patient": "本人"}


def _post(visit: Visit, held: Any, names: Mapping[str, str], places: Mapping[str, str]) -> list[FormField]:
    words = visit.words
    towns = tuple((code, f"{name} {code}") for code, name in places.items() if len(code) <= 9)
    return [
        FormField(
            "organisation", words("所属单位"), "choice", held.organisation, options=tuple(names.items())
        ),
        FormField("district", words("所辖区域"), "choice", held.district, options=towns),
    ]


async def _organisations(visit: Visit) -> dict[str, str]:
    try:
        return await organisations(visit)
    except Fault:
        return {}
