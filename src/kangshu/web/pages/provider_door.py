"""Sign-in at a provider of identities: the way there, the way back, and the invitation code that links an identity."""

from __future__ import annotations

from typing import Final

from starlette.responses import RedirectResponse, Response

from kangshu.api import UnknownIdentity, own_address, status_of
from kangshu.base.faults import Fault, Forbidden, NotFound, Throttled, Unauthenticated, Unavailable
from kangshu.base.text import Text
from kangshu.web.pages import door
from kangshu.web.visit import Visit, texts, within

JOURNEY_COOKIE: Final = "kangshu_journey"
"""A value of the browser that went to a provider: nobody else's browser can come back in its place."""
_SECONDS: Final = 600


async def depart(visit: Visit) -> Response:
    """Send the browser to the provider."""
    provider = visit.path("kind")
    try:
        way = await visit.platform.accounts.identities.depart(
            provider, _back(visit, provider), within(visit.query("next"))
        )
    except (NotFound, Unavailable, Forbidden) as fault:
        return await _refused(visit, fault)
    response = RedirectResponse(way.address, status_code=303)
    response.set_cookie(
        JOURNEY_COOKIE,
        way.browser,
        max_age=_SECONDS,
        httponly=True,
        samesite="lax",
        secure=visit.platform.settings.secure_cookies,
    )
    return response


async def arrive(visit: Visit) -> Response:
    """Take the browser back from the provider: into its session, or to the question for an invitation code."""
    provider = visit.path("kind")
    if visit.query("error"):
        return await _refused(
            visit, Unauthenticated("the provider refused", zh="统一身份认证未完成，请重新登录")
        )
    try:
        session, wanted = await visit.platform.accounts.identities.arrive(
            provider,
            visit.query("state"),
            visit.query("code"),
            visit.query("iss"),
            visit.request.cookies.get(JOURNEY_COOKIE, ""),
            _back(visit, provider),
            door.agent_of(visit.request.headers.get("user-agent", "")),
        )
    except UnknownIdentity:
        return _code_form(visit, "", 403)
    except (NotFound, Unauthenticated, Unavailable, Forbidden, Throttled) as fault:
        return await _refused(visit, fault)
    return _entered(visit, door.opened(visit, session, within(wanted)))


async def accept(visit: Visit) -> Response:
    """Link the identity that came back to the account of an invitation code."""
    try:
        form = texts(await visit.form())
        session, wanted = await visit.platform.accounts.identities.accept(
            visit.request.cookies.get(JOURNEY_COOKIE, ""),
            form.get("code", ""),
            door.agent_of(visit.request.headers.get("user-agent", "")),
        )
    except (Unauthenticated, Throttled, Forbidden) as fault:
        text = Text(fault.zh, fault.text).in_language(visit.words.language)
        return _code_form(visit, text, 403 if isinstance(fault, Forbidden) else status_of(fault))
    return _entered(visit, door.opened(visit, session, within(wanted)))


def _entered(visit: Visit, response: Response) -> Response:
    response.delete_cookie(JOURNEY_COOKIE)
    return response


def _back(visit: Visit, provider: str) -> str:
    """Return the address to which the provider sends the browser back. Raises Unavailable where it is not known."""
    own = own_address(visit.platform, visit.request.headers.get("host", ""))
    return f"{own}/sign-in/back/{provider}"


def _code_form(visit: Visit, error: str, status: int = 200) -> Response:
    return visit.render("sign_in_unknown.html", status, error=error)


async def _refused(visit: Visit, fault: Fault) -> Response:
    text = Text(fault.zh, fault.text).in_language(visit.words.language)
    return await door.shown(visit, text, 403)
