"""Sign-in in one step or two, sign-out, and the change of one's own password."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import Response

from kangshu.access import system_grant
from kangshu.api import Session, StepOver, status_of
from kangshu.base.faults import Fault, Forbidden, Throttled, Unauthenticated, Unprocessable
from kangshu.base.text import Text
from kangshu.sdk import Field
from kangshu.web.forms import form_fields
from kangshu.web.visit import SESSION_COOKIE, STEP_COOKIE, Visit, texts, within


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """One line of the demo accounts on the sign-in page. Passwords are never shown here."""

    name: str
    title: str
    place: str


async def sign_in(visit: Visit) -> Response:
    """Show the sign-in page."""
    return await _door(visit, next=visit.query("next"), signed_out=visit.query("out") == "1")


async def enter(visit: Visit) -> Response:
    """Sign in, and lead to the page that was asked for. The session's token goes into a cookie scripts cannot read."""
    try:
        form = texts(await visit.form())
    except Forbidden as fault:
        return await _door(
            visit, error=Text(fault.zh, fault.text).in_language(visit.words.language), status=403
        )
    name, wanted = form.get("name", ""), within(form.get("next", "/"))
    try:
        session = await visit.platform.accounts.sign_in(
            name, form.get("password", ""), agent=agent_of(visit.request.headers.get("user-agent", ""))
        )
    except (Unauthenticated, Throttled) as fault:
        text = Text(fault.zh, fault.text).in_language(visit.words.language)
        return await _door(visit, next=wanted, name=name, error=text, status=status_of(fault))
    return opened(visit, session, wanted)


async def code(visit: Visit) -> Response:
    """Show the second step of a sign-in: the one-time code."""
    if not visit.request.cookies.get(STEP_COOKIE):
        return await _door(visit, next=visit.query("next"))
    return _code_form(visit, visit.query("next"))


async def enter_code(visit: Visit) -> Response:
    """Open the session when the one-time code is right."""
    step = visit.request.cookies.get(STEP_COOKIE, "")
    try:
        form = texts(await visit.form())
    except Forbidden as fault:
        return await _door(
            visit, error=Text(fault.zh, fault.text).in_language(visit.words.language), status=403
        )
    wanted = within(form.get("next", "/"))
    try:
        session = await visit.platform.accounts.sign_in_code(
            step, form.get("code", ""), agent=agent_of(visit.request.headers.get("user-agent", ""))
        )
    except (Unauthenticated, Throttled) as fault:
        text = Text(fault.zh, fault.text).in_language(visit.words.language)
        if isinstance(fault, StepOver | Throttled):
            response = await _door(visit, next=wanted, error=text, status=status_of(fault))
            response.delete_cookie(STEP_COOKIE)
            return response
        return _code_form(visit, wanted, text, status_of(fault))
    response = _entered(visit, session, wanted)
    response.delete_cookie(STEP_COOKIE)
    return response


def agent_of(said: str) -> str:
    """Return browser and system in short, as their owner knows them: `Chrome · Windows`."""
    browsers = (
        ("MicroMessenger", "WeChat"),
        ("Edg/", "Edge"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    )
    systems = (
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    )
    found = [next((name for sign, name in kinds if sign in said), "") for kinds in (browsers, systems)]
    return " · ".join(filter(None, found)) or said[:60]


def opened(visit: Visit, session: Session, wanted: str) -> Response:
    """Return the way into a session, or to the second step of its sign-in."""
    if not session.needs_code:
        return _entered(visit, session, wanted)
    response = visit.go("/sign-in/code" + (f"?{urlencode({'next': wanted})}" if wanted != "/" else ""))
    _keep(visit, response, STEP_COOKIE, session)
    return response


async def shown(visit: Visit, error: str, status: int) -> Response:
    """Return the sign-in page with what went wrong."""
    return await _door(visit, error=error, status=status)


def _entered(visit: Visit, session: Session, wanted: str) -> Response:
    response = visit.go("/password" if session.account.must_change else wanted)
    _keep(visit, response, SESSION_COOKIE, session)
    return response


def _keep(visit: Visit, response: Response, name: str, session: Session) -> None:
    """Keep the token of a session or of a step before it where scripts cannot read it."""
    response.set_cookie(
        name,
        session.token,
        httponly=True,
        samesite="lax",
        secure=visit.platform.settings.secure_cookies,
        expires=session.expires,
    )


def _code_form(visit: Visit, wanted: str, error: str = "", status: int = 200) -> Response:
    return visit.render("sign_in_code.html", status, next=within(wanted), error=error)


async def sign_out(visit: Visit) -> Response:
    """End the session."""
    await visit.form()
    await visit.platform.accounts.sign_out(visit.secret)
    response = visit.go("/sign-in?out=1")
    response.delete_cookie(SESSION_COOKIE)
    return response


_PASSWORD = (
    Field("old", Text("原密码", "Present password"), required=True),
    Field(
        "new",
        Text("新密码", "New password"),
        required=True,
        help=Text("不要使用姓名、生日或账号名", "No name, birthday or account name"),
    ),
    Field("again", Text("再次输入新密码", "New password again"), required=True),
)


async def password(visit: Visit) -> Response:
    """Show the form to change one's own password."""
    return _password_form(visit, [])


async def change_password(visit: Visit) -> Response:
    """Change one's own password."""
    form = texts(await visit.form())
    if form.get("new") != form.get("again"):
        return _password_form(visit, [visit.words("两次输入的新密码不一致")], 422)
    try:
        await visit.platform.accounts.change_password(
            visit.grant, form.get("old", ""), form.get("new", ""), current=visit.secret
        )
    except (Unauthenticated, Unprocessable) as fault:
        return _password_form(visit, [Text(fault.zh, fault.text).in_language(visit.words.language)], 422)
    return visit.go("/", said="changed")


def _password_form(visit: Visit, issues: list[str], status: int = 200) -> Response:
    words = visit.words
    fields = [field.as_password() for field in form_fields(words, _PASSWORD, {})]
    return visit.render(
        "form.html",
        status,
        title=words("修改密码"),
        lead=words("首次登录或密码重置后，请先设置自己的密码。"),
        trail=[(words("首页"), "/"), (words("修改密码"), "")],
        issues=issues,
        action="/password",
        hidden=(),
        fields=fields,
        files=False,
        submit=words("修改密码"),
        cancel="/",
    )


async def _door(
    visit: Visit,
    *,
    next: str = "",
    name: str = "",
    error: str = "",
    signed_out: bool = False,
    status: int = 200,
) -> Response:
    """Return the sign-in page. `next` is the page to open afterwards."""
    accounts = await demo_accounts(visit) if visit.platform.settings.demo else []
    return visit.render(
        "sign_in.html",
        status,
        next=within(next),
        name=name,
        error=error,
        signed_out=signed_out,
        accounts=accounts,
        ways=[
            (visit.words.of(one.title), f"/sign-in/with/{one.id}?{urlencode({'next': within(next)})}")
            for one in visit.platform.accounts.identities.providers
        ],
    )


async def demo_accounts(visit: Visit) -> list[DemoAccount]:
    """Return who can sign in to the demo; empty when the accounts do not answer, for the form works without."""
    try:
        accounts = await visit.platform.accounts.accounts(system_grant("sign-in page of the demo"))
    except Fault:
        return []
    roles, words = visit.platform.accounts.roles, visit.words
    return [
        DemoAccount(
            one.name,
            words.of(roles[one.roles[0]].title) if one.roles[0] in roles else one.roles[0],
            one.display,
        )
        for one in accounts
        if one.active and one.roles and one.name != "system"
    ]
