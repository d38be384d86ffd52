"""The pages as one ASGI app: routes, sign-in before all, faults as pages."""

from __future__ import annotations

import logging
import secrets
import time
import traceback
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from kangshu.access import Grant
from kangshu.api import Platform, status_of, tell_refused, title_of
from kangshu.base.faults import Fault, NotFound, TooLarge, Unauthenticated
from kangshu.base.origin import come_from
from kangshu.base.text import Language, Text
from kangshu.web.guard import BodyLimit, SecurityHeaders
from kangshu.web.language import LANGUAGES, Words
from kangshu.web.menu import menu
from kangshu.web.pages.own_posts import post_choices
from kangshu.web.render import template
from kangshu.web.routes import PAGES, Page
from kangshu.web.visit import DOOR_COOKIE, LANGUAGE_COOKIE, SESSION_COOKIE, SIZE_COOKIE, Visit, within
from kangshu.web.waiting import waiting

_log = logging.getLogger("kangshu.web")
_FIRST_STEPS = frozenset(
    {"/password", "/sign-out", "/me/second-factor", "/me/second-factor/confirm", "/me/second-factor/codes"}
)
"""What an account may open that has a password to change or a second factor to set up."""
_YEAR = 365 * 24 * 3600
NOBODY = Grant(account="", display="")


def web_app(platform: Platform) -> Starlette:
    """Return the pages of `platform` as an ASGI app, to be mounted at "/". Style sheets are served at /assets."""
    with as_file(files("kangshu.web") / "assets") as folder:
        assets = _Assets(directory=folder)
    routes: list[BaseRoute] = [Mount("/assets", assets, name="assets")]
    routes.extend(Route(page.path, _Door(platform, page), methods=list(page.methods)) for page in PAGES)
    handlers: dict[Any, Any] = {
        Fault: _Faults(platform),
        HTTPException: _Faults(platform),
        Exception: _Faults(platform),
    }
    return Starlette(
        routes=routes,
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(_SizeFault, platform),
            Middleware(BodyLimit, platform.settings.body_limit),
        ],
        exception_handlers=handlers,
    )


class _Assets(StaticFiles):
    """Style sheets and scripts; their addresses hold a digest, so browsers may keep them."""

    async def get_response(self, path: str, scope: Any) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable"
        return response


def language_of(request: Request, *, cookies: bool = True) -> Language:
    """Return the language of a visit: asked for in the address, else remembered (with `cookies`), else Chinese."""
    remembered = request.cookies.get(LANGUAGE_COOKIE) if cookies else ""
    asked = request.query_params.get("lang") or remembered or "zh"
    return next((one for one in LANGUAGES if one == asked), "zh")


def city_of(platform: Platform, words: Words) -> str:
    """Return the name that the installation gives itself."""
    return words.of(platform.settings.title)


@dataclass(frozen=True, slots=True)
class _Door:
    """One route: finds out who comes, asks for the right, makes the visit, keeps choices in cookies."""

    platform: Platform
    page: Page

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        come_from(scope)
        request = Request(scope, receive, send)
        try:
            response = await self._answer(request)
        except (Fault, HTTPException):
            raise
        except Exception as error:  # noqa: BLE001  # the edge: it goes to the log without its text
            response = await _Faults(self.platform)(request, self._unforeseen(error))
        if not self.page.public:
            self._keep_choices(request, response)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        words = Words(language_of(request, cookies=not self.page.public))
        if self.page.public:
            visit = Visit(request, self.platform, words, NOBODY, "")
            visit.shared.update(city=city_of(self.platform, words))
            return await self.page.show(visit)
        if self.page.open:
            secret = request.cookies.get(DOOR_COOKIE) or secrets.token_urlsafe(24)
            visit = Visit(request, self.platform, words, NOBODY, secret)
            visit.shared.update(city=city_of(self.platform, words))
            response = await self.page.show(visit)
            if DOOR_COOKIE not in request.cookies:
                self._cookie(response, DOOR_COOKIE, secret)
            return response
        token = request.cookies.get(SESSION_COOKIE, "")
        try:
            if not token:
                raise Unauthenticated("sign in first", zh="请先登录")
            grant = await self.platform.accounts.session(token)
        except Unauthenticated:
            return to_door(request)
        visit = Visit(request, self.platform, words, grant, token)
        fresh = self.page.counted or "said" in request.query_params
        visit.shared.update(await frame(self.platform, grant, words, request.url.path, fresh=fresh))
        acting = await self.platform.accounts.acting(token)
        visit.shared.update(posts=post_choices(self.platform, acting, words))
        visit.shared.update(emergencies=await self.platform.accounts.emergencies.open_of(grant))
        if not grant.roles and self.page.path not in _FIRST_STEPS:
            account = await self.platform.accounts.account(grant, grant.account)
            if account.must_change:
                return RedirectResponse("/password", status_code=303)
            if acting.must_enrol:
                return RedirectResponse("/me/second-factor", status_code=303)
        try:
            if self.page.operations and not any(grant.may(one) for one in self.page.operations):
                grant.require(self.page.operations[0])
            return await self.page.show(visit)
        except Fault as fault:
            act, place = ("open" if request.method == "GET" else "submit"), request.url.path[:200]
            await tell_refused(self.platform, grant, fault, act, detail=place)
            raise

    def _unforeseen(self, error: Exception) -> Fault:
        """Log where `error` came from, without its text: that may hold a resident's data."""
        number = f"{time.time_ns() // 1_000_000:x}"
        place = "".join(traceback.format_tb(error.__traceback__))
        _log.error("fault %s: %s in %s\n%s", number, type(error).__name__, self.page.path, place)
        return Fault(
            f"something failed inside; tell the administrator the number {number}",
            zh=f"系统内部出错，请将编号 {number} 告知管理员",
        )

    def _keep_choices(self, request: Request, response: Response) -> None:
        asked = request.query_params.get("lang")
        if asked in LANGUAGES:
            response.set_cookie(LANGUAGE_COOKIE, asked, max_age=_YEAR, httponly=True, samesite="lax")
        size = request.query_params.get("size")
        if size in ("large", "normal"):
            response.set_cookie(SIZE_COOKIE, size, max_age=_YEAR, httponly=True, samesite="lax")

    def _cookie(self, response: Response, name: str, value: str) -> None:
        secure = self.platform.settings.secure_cookies
        response.set_cookie(name, value, httponly=True, samesite="lax", secure=secure)


def to_door(request: Request) -> Response:
    """Return the way to the sign-in page, and back here afterwards for what can be opened again."""
    here = within(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
    back = {"next": here} if request.method == "GET" and here != "/" else {}
    response = RedirectResponse("/sign-in" + (f"?{urlencode(back)}" if back else ""), status_code=303)
    if SESSION_COOKIE in request.cookies:
        response.delete_cookie(SESSION_COOKIE)
    return response


async def frame(
    platform: Platform, grant: Grant, words: Words, path: str, *, fresh: bool = False
) -> dict[str, Any]:
    """Return what the frame of every page shows: menu with what waits, city, titles of the visitor's roles."""
    counts = await waiting(platform, grant, fresh=fresh)
    roles = platform.accounts.roles
    titles = [words.of(roles[one].title) for one in grant.roles if one in roles]
    return {
        "counts": counts,
        "menu": menu(platform, grant, words, path, counts),
        "city": city_of(platform, words),
        "role_titles": "、".join(titles) if words.language == "zh" else ", ".join(titles),
    }


class _Faults:
    """Turns a fault into a page that says what is wrong and what to do."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def __call__(self, request: Request, error: Exception) -> Response:
        if isinstance(error, Unauthenticated):
            return to_door(request)
        fault = _as_fault(error)
        if isinstance(error, HTTPException) and error.status_code not in (404, 413):
            return await self._page(request, fault, error.status_code, dict(error.headers or {}))
        return await self._page(request, fault, status_of(fault), {})

    async def _page(
        self, request: Request, fault: Fault, status: int, headers: dict[str, str]
    ) -> HTMLResponse:
        words = Words(language_of(request))
        token = request.cookies.get(SESSION_COOKIE, "")
        visit = Visit(request, self._platform, words, NOBODY, token or "none")
        name = "fault_outside.html"
        visit.shared.update(city=city_of(self._platform, words), menu=(), role_titles="")
        if token:
            try:
                visit.grant = await self._platform.accounts.session(token)
                visit.shared.update(await frame(self._platform, visit.grant, words, request.url.path))
                acting = await self._platform.accounts.acting(token)
                visit.shared.update(posts=post_choices(self._platform, acting, words))
                name = "fault.html"
            except Fault:
                _log.info("a fault page is shown without its frame: no session")
        shown = _shown(fault, words)
        back = request.headers.get("referer", "")
        context = {
            **visit.shared,
            **shown,
            "visit": visit,
            "_": words,
            "grant": visit.grant,
            "token": visit.token,
        }
        context.update(settings=self._platform.settings, status=status, back=_own_path(request, back))
        return HTMLResponse(template(name).render(context), status_code=status, headers=headers)


class _SizeFault:
    """Answers TooLarge from the body limit with a page: it is raised before any route is found."""

    def __init__(self, app: Any, platform: Platform) -> None:
        self._app = app
        self._faults = _Faults(platform)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await self._app(scope, receive, send)
        except TooLarge as fault:
            response = await self._faults(Request(scope), fault)
            response.headers["Connection"] = "close"
            await response(scope, receive, send)


def _as_fault(error: Exception) -> Fault:
    if isinstance(error, Fault):
        return error
    if isinstance(error, HTTPException):
        if error.status_code == 404:
            return NotFound("there is no such page", zh="没有这个页面，地址可能有误或页面已移走")
        return Fault(str(error.detail), zh="请求无法处理，请返回上一页重试")
    return Fault("something failed inside; the event is in the log", zh="系统内部出错，事件已写入运行日志")


_ADVICE = {
    400: "请检查地址或填写的内容后重试。",
    403: "如确需办理，请联系系统管理员分配相应角色。",
    404: "请核对地址；记录不存在和无权查看时，显示的都是本页。",
    409: "请刷新页面，按最新内容重新办理。",
    410: "该记录已被删除，可在变更记录中查看。",
    412: "请刷新页面，按最新内容重新提交。",
    413: "请拆分文件或减小文件后再试。",
    422: "请按提示修改后重新提交，原有数据没有改变。",
    429: "请稍等几分钟再试。",
    503: "请稍后重试；持续出现时请联系运行维护人员。",
    500: "请稍后重试；再次出现时，请把发生的时间和所做的操作告诉运行维护人员。原有数据没有改变。",
}


def _shown(fault: Fault, words: Words) -> dict[str, Any]:
    status = status_of(fault)
    text = Text(fault.zh, fault.text).in_language(words.language)
    findings = [Text(one.zh, one.text).in_language(words.language) for one in fault.issues]
    return {
        "title": words.of(title_of(fault)),
        "text": text,
        "findings": [one for one in findings if one != text],
        "advice": words(_ADVICE.get(status, _ADVICE[500])),
    }


def _own_path(request: Request, referer: str) -> str:
    base = str(request.base_url)
    return within("/" + referer.removeprefix(base)) if referer.startswith(base) else ""
