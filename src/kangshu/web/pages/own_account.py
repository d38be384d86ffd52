"""我的账号与安全: one's own password, second factor, open sign-ins, tokens, and what was signed in lately."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from kangshu.base.faults import Conflict, Fault, NotFound, Unauthenticated
from kangshu.base.text import Text
from kangshu.base.whole_numbers import whole_number
from kangshu.web.pages.own_posts import names_of, roles_of
from kangshu.web.parts import Fact
from kangshu.web.visit import Visit, texts

ACTS = {
    "sign-in": "登录",
    "sign-in-code": "登录（动态口令）",
    "sign-in-provider": "登录（统一身份认证）",
    "sign-out": "退出",
    "password-change": "修改密码",
    "second-factor-enrol": "启用动态口令",
    "recovery-code-used": "使用恢复码",
    "recovery-codes": "更换恢复码",
    "post-choose": "切换岗位",
}


async def account(visit: Visit) -> Response:
    """Show one's own account."""
    words, grant, doors = visit.words, visit.grant, visit.platform.accounts
    held = await doors.account(grant, grant.account)
    names = await names_of(visit)
    acting = await doors.acting(visit.secret)
    return visit.render(
        "own_account.html",
        facts=[
            Fact(words("账号"), held.name),
            Fact(words("姓名"), held.display),
            *(
                Fact(
                    words("岗位"),
                    " · ".join(
                        filter(
                            None,
                            (
                                one.title,
                                names.get(one.organisation, one.organisation),
                                roles_of(visit.platform, words, one.roles),
                            ),
                        )
                    ),
                )
                for one in acting.posts
            ),
        ],
        second_factor=held.second_factor,
        codes_left=await doors.second_factors.codes_left(held.name),
        identities=await doors.identities.of(grant, grant.account),
        tokens=await doors.open_tokens(grant, grant.account, visit.secret),
        recent=[
            (words.moment(one.at), words(ACTS.get(one.act, "其他操作")), one.address, one.done)
            for one in await doors.recent_sign_ins(grant)
        ],
    )


async def end_token(visit: Visit) -> Response:
    """End one of one's own sign-ins or tokens."""
    await visit.form()
    await visit.platform.accounts.end_token(visit.grant, visit.grant.account, visit.path("id"))
    return visit.go("/me/account", said="ended")


async def end_identity(visit: Visit) -> Response:
    """Part one of one's own identities from the account."""
    await visit.form()
    id_ = whole_number(visit.path("id"), 18)
    if id_ is None:
        raise NotFound("there is no such identity", zh="没有此身份绑定")
    await visit.platform.accounts.identities.unlink(visit.grant, visit.grant.account, id_)
    return visit.go("/me/account", said="ended")


async def end_others(visit: Visit) -> Response:
    """End all of one's own sign-ins and tokens but this one."""
    await visit.form()
    await visit.platform.accounts.end_other_tokens(visit.grant, visit.secret)
    return visit.go("/me/account", said="ended")


async def second_factor(visit: Visit) -> Response:
    """Show how to set up the second factor, or that it stands."""
    held = await visit.platform.accounts.account(visit.grant, visit.grant.account)
    if held.second_factor:
        return visit.render(
            "second_factor.html",
            stands=True,
            enrolment=None,
            error="",
            codes=(),
            left=await visit.platform.accounts.second_factors.codes_left(held.name),
            forced=False,
        )
    return await _enrolment(visit)


async def begin(visit: Visit) -> Response:
    """Make a new seed and show it."""
    await visit.form()
    try:
        await visit.platform.accounts.second_factors.begin(visit.grant, _issuer(visit))
    except Conflict:
        return visit.go("/me/second-factor")
    return visit.go("/me/second-factor")


async def confirm(visit: Visit) -> Response:
    """Set the second factor in force when its first code is right; show the recovery codes once."""
    form = texts(await visit.form())
    try:
        codes = await visit.platform.accounts.second_factors.confirm(visit.grant, form.get("code", ""))
    except Unauthenticated as fault:
        return await _enrolment(visit, fault)
    except NotFound:
        return visit.go("/me/second-factor")
    return _codes(visit, codes)


async def new_codes(visit: Visit) -> Response:
    """Replace the recovery codes, for a right one-time code."""
    form = texts(await visit.form())
    doors = visit.platform.accounts.second_factors
    try:
        codes = await doors.renew_codes(visit.grant, form.get("code", ""))
    except Unauthenticated as fault:
        return visit.render(
            "second_factor.html",
            422,
            stands=True,
            enrolment=None,
            error=Text(fault.zh, fault.text).in_language(visit.words.language),
            codes=(),
            left=await doors.codes_left(visit.grant.account),
            forced=False,
        )
    return _codes(visit, codes)


def _codes(visit: Visit, codes: Sequence[str]) -> Response:
    return visit.render(
        "second_factor.html",
        stands=True,
        enrolment=None,
        error="",
        codes=codes,
        left=len(codes),
        forced=False,
    )


async def _enrolment(visit: Visit, fault: Fault | None = None) -> Response:
    doors = visit.platform.accounts
    acting = await doors.acting(visit.secret)
    return visit.render(
        "second_factor.html",
        422 if fault else 200,
        stands=False,
        enrolment=await doors.second_factors.pending(visit.grant, _issuer(visit)),
        error=Text(fault.zh, fault.text).in_language(visit.words.language) if fault else "",
        codes=(),
        left=0,
        forced=acting.must_enrol,
    )


def _issuer(visit: Visit) -> str:
    """Return what the telephone shows beside the code: latin letters, for every app reads those."""
    return visit.platform.settings.title.en or "Kangshu"
