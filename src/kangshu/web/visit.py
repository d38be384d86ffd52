"""One visit to one page: who comes, in which language, and how the page is answered."""

from __future__ import annotations

import hashlib
import hmac
from asyncio import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from kangshu.access import Grant
from kangshu.api import Platform
from kangshu.base.clock import now
from kangshu.base.faults import Forbidden
from kangshu.base.whole_numbers import whole_number
from kangshu.web.language import Words
from kangshu.web.render import template

SESSION_COOKIE: Final = "kangshu_session"
LANGUAGE_COOKIE: Final = "kangshu_language"
DOOR_COOKIE: Final = "kangshu_door"
"""A random value of the browser before sign-in; the sign-in form's token is made from it."""
STEP_COOKIE: Final = "kangshu_step"
"""The token of a sign-in that waits for its one-time code."""
SIZE_COOKIE: Final = "kangshu_size"
TOKEN_FIELD: Final = "_token"  # noqa: S105 - the name of a form field
SAID: Final = {
    "opened": "应急调阅已打开，请在结束后及时关闭",
    "judged": "已复核，居民本人和发起单位会收到结论",
    "saved": "已保存",
    "confirmed": "已确认",
    "undone": "已撤销上一步",
    "restored": "已恢复，原内容仍在修订记录中",
    "told": "已保存，承办单位已收到调整通知",
    "untold": "已保存；有承办单位的办件未能自动调整，请另行告知",
    "code-sent": "验证码已发出，请在下方填写",
    "trial-sent": "测试通知已发出，请查收",
    "drafted": "草稿已保存，可以随时继续填写",
    "signed": "已完成并签名",
    "countersigned": "已签名，结果生效",
    "withdrawn": "已作废，原内容保留在记录中",
    "called": "已发出，工作人员会尽快联系您",
    "started": "已发起，下一步操作见“我可以办理”",
    "moved": "已办理，去向见办理过程",
    "assigned": "已交办，责任单位的待办中已出现",
    "adopted": "已采纳到本市，可以交办和关联指标",
    "linked": "已关联指标，数值随数据更新",
    "imported": "规划已导入，请核对读出的内容",
    "succeeded": "已关联为新版本，变化如下",
    "related": "已关联上级规划，请逐条确认落实条款",
    "created": "已新增",
    "changed": "已修改",
    "unlocked": "已解锁",
    "read": "已标为已阅",
    "decided": "已按您的决定办理，即刻生效",
    "reported": "已填报，等待审核；审核通过后用于亮灯",
    "reviewed": "已审核",
    "extracted": "提取件已制作，披露检查通过",
    "switched": "已切换岗位",
    "deputised": "已委托代办，代办人可在右上角切换",
    "ended": "已结束",
    "keyed": "密钥已登记",
    "frozen": "快照已冻结，内容不再更改",
    "asked-public": "已提请公开，请另一位有权限的人员审定",
    "decided-public": "公开事项已办理",
    "urged": "已催报，未报送的单位会收到通知",
    "circulated": "通报已发布，各单位会收到通知",
    "imported-scheme": "方案已存为草稿，请另一人批准",
    "approved": "已批准",
    "assessing": "考核已开始，各单位的待办中已出现",
    "instructed": "批示已发出，承办单位的待办中已出现",
}
"""What a page may say after a redirect: a fixed list, so that no link can put words into our pages."""

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def form_token(secret: str) -> str:
    """Return the token that a form must send back, made from a secret only this browser holds."""
    return hmac.new(secret.encode(), b"kangshu-form", hashlib.sha256).hexdigest()


@dataclass(slots=True)
class Visit:
    """What a page is handed. `grant` is the visitor's; every call to data takes it."""

    request: Request
    platform: Platform
    words: Words
    grant: Grant
    secret: str
    """The session's token, or the door cookie before sign-in."""
    shared: dict[str, Any] = field(default_factory=dict)
    """What the frame of the page needs: menu, city, titles of the roles."""
    opened: datetime = field(default_factory=now)
    boxes: dict[str, Future[Any]] = field(default_factory=dict)
    """Boxes of the worklist that this page has asked for; see `boxes`."""
    counting: Grant | None = None
    """The grant with the residents in care now by their ids, once a figure of this page has asked; see `figures`."""

    @property
    def token(self) -> str:
        """Return the token for this visitor's forms."""
        return form_token(self.secret)

    def query(self, name: str, default: str = "") -> str:
        """Return one parameter of the address, stripped."""
        return (self.request.query_params.get(name) or default).strip()

    def path(self, name: str) -> str:
        """Return one part of the address."""
        return str(self.request.path_params[name])

    def number(self, name: str, default: int, low: int = 0, high: int = 1_000_000) -> int:
        """Return a whole number of the address, within bounds; anything else is the default."""
        text = self.query(name)
        number = whole_number(text, 18)
        return default if number is None else min(high, max(low, number))

    @property
    def large(self) -> bool:
        """Return whether the pages are shown in large type, for older users."""
        asked = self.request.query_params.get("size")
        return asked == "large" if asked is not None else self.request.cookies.get(SIZE_COOKIE) == "large"

    def said(self) -> str:
        """Return the word that the page before left for this one; an unknown word says nothing."""
        known = SAID.get(self.query("said"))
        return self.words(known) if known else ""

    def with_language(self, language: str) -> str:
        """Return this page's address in the other language."""
        query = {**dict(self.request.query_params), "lang": language}
        return f"{self.request.url.path}?{urlencode(query)}"

    def localised(self, address: str) -> str:
        """Return `address` in the language that this address asks for; for pages that keep no cookie."""
        return f"{address}?lang={self.words.language}" if "lang" in self.request.query_params else address

    def with_query(self, **changes: object) -> str:
        """Return this page's address with some parameters changed; an empty value takes one away."""
        values = {
            name: value for name, value in self.request.query_params.items() if name not in ("lang", "said")
        }
        for name, value in changes.items():
            if value in ("", None):
                values.pop(name, None)
            else:
                values[name] = str(value)
        return f"{self.request.url.path}?{urlencode(values)}" if values else self.request.url.path

    async def form(self) -> FormData:
        """Return the form that was sent. Raises Forbidden when its token is not this visitor's."""
        form = await self.request.form(max_files=10, max_fields=500)
        sent = form.get(TOKEN_FIELD)
        # bytes: text beyond ASCII is not compared
        if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), self.token.encode()):
            raise Forbidden(
                "this form is from another sign-in; open the page again and send it once more",
                zh="该表单已失效（可能已重新登录），请刷新页面后重新提交",
            )
        return form

    def render(self, name: str, status: int = 200, /, **values: Any) -> HTMLResponse:
        """Return the page made from the template `name`."""
        context: dict[str, Any] = {**self.shared, **values, "visit": self, "_": self.words}
        context.update(grant=self.grant, settings=self.platform.settings, token=self.token)
        return HTMLResponse(template(name).render(context), status_code=status)

    def go(self, address: str, *, said: str = "") -> RedirectResponse:
        """Return a redirect to a page of ours (303), with a word that the next page shows."""
        if said:
            address += ("&" if "?" in address else "?") + urlencode({"said": said})
        return RedirectResponse(address, status_code=303)

    def download(self, data: bytes, name: str, media: str = XLSX) -> Response:
        """Return a file under a Chinese name."""
        mark = "_演示数据" if self.platform.settings.demo and "演示数据" not in name else ""
        stem, dot, ending = name.rpartition(".")
        disposition = f"attachment; filename*=UTF-8''{quote(f'{stem}{mark}{dot}{ending}')}"
        return Response(data, media_type=media, headers={"Content-Disposition": disposition})


def texts(form: FormData, skip: frozenset[str] = frozenset({TOKEN_FIELD})) -> dict[str, str]:
    """Return a form's text fields, stripped; what is sent more than once (check boxes) is joined by commas."""
    found: dict[str, str] = {}
    for name, value in form.multi_items():
        if isinstance(value, str) and name not in skip:
            found[name] = f"{found[name]},{value.strip()}" if name in found else value.strip()
    return found


async def uploaded(form: FormData, name: str) -> tuple[str, bytes] | None:
    """Return the name and bytes of an uploaded file; None when none was chosen."""
    return next(iter(await all_uploaded(form, name)), None)


async def all_uploaded(form: FormData, name: str) -> list[tuple[str, bytes]]:
    """Return the name and bytes of every file uploaded under `name`."""
    parts = [part for part in form.getlist(name) if isinstance(part, UploadFile) and part.filename]
    return [(part.filename or "", await part.read()) for part in parts]


def within(address: str) -> str:
    """Return `address` when it is a page of ours, else the first screen: no redirect leads away."""
    return address if address.startswith("/") and not address.startswith(("//", "/\\")) else "/"
