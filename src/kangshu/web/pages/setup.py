"""初始化导入: the steps that make a city of an empty installation, and the Excel imports that 系统管理 has."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as BinasciiError
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from kangshu.api import (
    ImportReport,
    NewAccount,
    accounts_template,
    division_names,
    divisions_template,
    import_account_sheet,
    import_divisions,
    import_parameters,
    import_roles,
    import_staff,
    parameters_template,
    plan_staff,
    roles_template,
    staff_template,
    tell,
)
from kangshu.base.clock import today
from kangshu.base.faults import Fault, Forbidden, NotFound
from kangshu.base.text import Text
from kangshu.documents import write_xlsx
from kangshu.web.pages.register_import import ShownError, ShownReport
from kangshu.web.visit import Visit, texts, uploaded

OPERATIONS: Final = ("organisation.manage", "account.manage", "role.assign", "parameter.write")
_RIGHTS: Final = {
    "divisions": "organisation.manage",
    "accounts": "account.manage",
    "staff": "account.manage",
    "roles": "role.assign",
    "parameters": "parameter.write",
}
_TITLES: Final = {
    "divisions": "行政区划",
    "accounts": "账号",
    "staff": "单位、人员、岗位和账号",
    "roles": "角色分配",
    "parameters": "政策参数",
}
_LEADS: Final = {
    "divisions": "区县、乡镇街道、村居的代码和名称。已有的代码再次导入即改名。",
    "accounts": "一人一账号，本表不含角色。初始密码随机生成，只在导入后显示一次，本人首次登录时须修改。",
    "staff": "一个工作簿四张表：单位、人员、账号、岗位。上传后先预览，确认后一次全部写入；任何一行有误则全部不写入。",
    "roles": "模板里已列出全部账号，填写“角色”列后上传。建账号的人和分配角色的人不能是同一人。",
    "parameters": "模板里已列出全部参数和今日有效值，待确认的在最前。填写“新值、生效日期、来源条款”后上传；历史取值保留。",
}
_BACK: Final = {
    "divisions": "/admin/divisions",
    "accounts": "/admin/accounts",
    "staff": "/admin/accounts",
    "roles": "/admin/accounts",
    "parameters": "/admin/parameters",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step: how far it is, who does it, and the pages where it is done."""

    title: str
    state: str
    ready: bool
    who: str
    links: Sequence[tuple[str, str]]


async def overview(visit: Visit) -> Response:
    """Show the steps with what stands already."""
    words, grant, platform = visit.words, visit.grant, visit.platform
    places = await division_names(platform, grant)
    organisations = await platform.store.search_all(grant, "Organization", "")
    accounts = (
        await platform.accounts.accounts(grant) if _may(visit, "account.manage", "account.read") else ()
    )
    people = [one for one in accounts if one.name != "system" and one.active]
    without = sum(not one.roles for one in people)
    table, place = platform.parameters, platform.settings.jurisdiction
    found = [table.find(id_, place, today()) for id_ in table.ids()]
    unverified = sum(one is None or not one.verified for one in found)
    register = next(
        (
            one
            for one in platform.registers.declarations
            if one.resource_type == "Organization" and not one.criteria
        ),
        None,
    )
    steps = [
        Step(
            words("行政区划"),
            words("已有 {count} 个", count=len(places)),
            len(places) > 1,
            _who(visit, "organisation.manage"),
            _links(
                visit,
                "organisation.manage",
                (words("导入"), "/admin/import/divisions"),
                (words("查看"), "/admin/divisions"),
            ),
        ),
        Step(
            words("机构"),
            words("已有 {count} 个", count=len(organisations)),
            bool(organisations),
            _who(visit, "organisation.manage"),
            _links(
                visit,
                "register.import",
                (words("导入"), f"/registers/{register.code}/import"),
                (words("查看"), "/admin/organisations"),
            )
            if register
            else (),
        ),
        Step(
            words("账号"),
            words("已有 {count} 个", count=len(people)),
            len(people) > 3,
            _who(visit, "account.manage"),
            _links(
                visit,
                "account.manage",
                (words("按单位成套导入"), "/admin/import/staff"),
                (words("只导入账号"), "/admin/import/accounts"),
                (words("查看"), "/admin/accounts"),
            ),
        ),
        Step(
            words("角色分配"),
            words("{count} 个账号还没有角色", count=without) if without else words("账号都已有角色"),
            bool(people) and not without and len(people) > 3,
            _who(visit, "role.assign"),
            _links(
                visit,
                "role.assign",
                (words("导入"), "/admin/import/roles"),
                (words("查看"), "/admin/accounts"),
            ),
        ),
        Step(
            words("政策参数"),
            words("共 {total} 项，{count} 项待主管部门确认", total=len(found), count=unverified),
            not unverified,
            _who(visit, "parameter.write"),
            _links(
                visit,
                "parameter.write",
                (words("导入"), "/admin/import/parameters"),
                (words("查看"), "/admin/parameters"),
            ),
        ),
        Step(
            words("规划文件与台账数据"),
            words(
                "由规划推进办导入规划文件，各业务单位在台账中录入或导入数据；没有数据的目标为灰灯，目标页会说明缺什么。"
            ),
            False,
            _who(visit, "plan.import"),
            _links(visit, "plan.import", (words("导入规划文件"), "/plans/import")),
        ),
    ]
    return visit.render("admin_setup.html", steps=steps, jurisdiction=place)


def _may(visit: Visit, *operations: str) -> bool:
    return any(visit.grant.may(one) for one in operations)


def _links(visit: Visit, operation: str, *links: tuple[str, str]) -> Sequence[tuple[str, str]]:
    return links if visit.grant.may(operation) else ()


def _who(visit: Visit, operation: str) -> str:
    """Return the titles of the roles that may do it."""
    roles = visit.platform.accounts.roles.values()
    return "、".join(visit.words.of(role.title) for role in roles if operation in role.operations)


def _chosen(visit: Visit) -> str:
    """Return which import the address names. Raises NotFound, Forbidden."""
    act = visit.path("act")
    if act not in _RIGHTS:
        raise NotFound("there is no such import", zh="没有这项导入")
    if not visit.grant.may(_RIGHTS[act]):
        raise Forbidden(
            f"this import is for {_who(visit, _RIGHTS[act])}", zh=f"该导入由{_who(visit, _RIGHTS[act])}办理"
        )
    return act


async def form(visit: Visit) -> Response:
    """Show the two steps of an import."""
    return _page(visit, _chosen(visit))


async def template(visit: Visit) -> Response:
    """Return the workbook to fill in."""
    act, language = _chosen(visit), visit.words.language
    match act:
        case "divisions":
            data = divisions_template(language)
        case "accounts":
            data = accounts_template(language)
        case "staff":
            data = staff_template(language)
        case "roles":
            data = await roles_template(visit.platform, visit.grant, language)
        case _:
            data = parameters_template(visit.platform, language)
    return visit.download(data, f"{visit.words(_TITLES[act])}{visit.words('（导入模板）')}.xlsx")


_IMPORTS: Final[dict[str, Callable[..., Awaitable[ImportReport]]]] = {
    "divisions": import_divisions,
    "roles": import_roles,
    "parameters": import_parameters,
}


async def take(visit: Visit) -> Response:
    """Import a filled-in workbook and show what happened row by row."""
    act, words = _chosen(visit), visit.words
    form = await visit.form()
    file = await uploaded(form, "file")
    if act == "staff":
        return await _take_staff(visit, file[1] if file else None, texts(form).get("data", ""))
    if file is None:
        return _page(visit, act, error=words("请选择要上传的文件"), status=422)
    made: Sequence[tuple[str, str, str]] = ()
    try:
        if act == "accounts":
            outcome = await import_account_sheet(visit.platform, visit.grant, file[1])
            report = outcome.report
            made = [(one.account.name, one.account.display, one.password) for one in outcome.made]
        else:
            report = await _IMPORTS[act](visit.platform, visit.grant, file[1])
    except Fault as fault:
        if fault.code in ("forbidden", "exception", "transient"):
            raise
        return _page(visit, act, error=Text(fault.zh, fault.text).in_language(words.language), status=422)
    errors = [ShownError(one.row, one.column, words.of(one.text)) for one in report.errors]
    shown = ShownReport(report.created, report.updated, len({one.row for one in report.errors}), errors)
    return _page(visit, act, shown, made, status=422 if errors else 200)


async def _take_staff(visit: Visit, uploaded_file: bytes | None, confirmed: str) -> Response:
    """Show what the workbook would make; when that has been confirmed, make it all."""
    words, act = visit.words, "staff"
    try:
        data = uploaded_file if uploaded_file is not None else b64decode(confirmed, validate=True)
        if not data:
            return _page(visit, act, error=words("请选择要上传的文件"), status=422)
        made: tuple[NewAccount, ...] = ()
        if confirmed and uploaded_file is None:
            plan, made = await import_staff(visit.platform, visit.grant, data)
        else:
            plan = await plan_staff(visit.platform, visit.grant, data)
    except BinasciiError:
        return _page(visit, act, error=words("请选择要上传的文件"), status=422)
    except Fault as fault:
        if fault.code in ("forbidden", "exception", "transient"):
            raise
        return _page(visit, act, error=Text(fault.zh, fault.text).in_language(words.language), status=422)
    errors = [ShownError(one.row, one.column, words.of(one.text)) for one in plan.errors]
    total = sum(number for _, number in plan.counts())
    done = bool(made) or bool(confirmed and not errors)
    report = ShownReport(total, 0, len({(one.row, one.column) for one in plan.errors}), errors)
    return _page(
        visit,
        act,
        report if errors or done else None,
        [(one.account.name, one.account.display, one.password) for one in made],
        status=422 if errors else 200,
        preview=() if errors or done else tuple((words.of(title), number) for title, number in plan.counts()),
        data="" if errors or done else b64encode(data).decode(),
    )


async def passwords(visit: Visit) -> Response:
    """Return the first passwords that the page before shows as a workbook; they are kept nowhere."""
    words, form = visit.words, texts(await visit.form())
    rows = [line.split("\t") for line in form.get("lines", "").splitlines() if line.count("\t") == 2]
    table = [[words("账号"), words("姓名"), words("初始密码")], *rows]
    await tell(visit.platform, visit.grant, "export", "Account", detail=f"first passwords of {len(rows)}")
    return visit.download(write_xlsx({words("初始密码"): table}), f"{words('初始密码')}.xlsx")


def _page(
    visit: Visit,
    act: str,
    report: ShownReport | None = None,
    made: Sequence[tuple[str, str, str]] = (),
    error: str = "",
    status: int = 200,
    preview: Sequence[tuple[str, int]] = (),
    data: str = "",
) -> Response:
    words = visit.words
    return visit.render(
        "admin_import.html",
        status,
        title=words(_TITLES[act]),
        lead=words(_LEADS[act]),
        address=f"/admin/import/{act}",
        back=_BACK[act],
        report=report,
        made=made,
        preview=preview,
        data=data,
        lines="\n".join("\t".join(one) for one in made),
        error=error,
    )
