"""系统管理: accounts, roles, organisations, dated parameters, services and the audit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from starlette.responses import Response

from kangshu.api import enter_parameter as enter_parameter_value
from kangshu.base.clock import now, today
from kangshu.base.faults import Conflict, Fault, Forbidden, Invalid, NotFound, Unprocessable
from kangshu.base.parameters import ParameterVersion
from kangshu.base.text import Text
from kangshu.sdk import Field, Option
from kangshu.web.forms import form_fields, told
from kangshu.web.language import Words
from kangshu.web.lookup import divisions, text_of
from kangshu.web.lookup import organisations as organisation_names
from kangshu.web.parts import Cell, Paging
from kangshu.web.visit import Visit, texts

_ROWS: Final = 50


def _list(
    visit: Visit,
    title: str,
    lead: str,
    heads: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    none: str,
    **more: Any,
) -> Response:
    values: dict[str, Any] = {"buttons": (), "page": None, "total_text": "", **more}
    return visit.render(
        "admin_list.html", title=title, lead=lead, heads=heads, rows=rows, none=none, **values
    )


async def accounts(visit: Visit) -> Response:
    """Show every account with its roles, post and state."""
    words, grant = visit.words, visit.grant
    roles, names = visit.platform.accounts.roles, await _organisations(visit)
    rows = []
    for one in await visit.platform.accounts.accounts(grant):
        locked = one.locked_until is not None and one.locked_until > now()
        state = (
            Cell(words("停用"), tone="grey")
            if not one.active
            else Cell(words("锁定"), tone="red")
            if locked
            else Cell(words("正常"), tone="green")
        )
        acts = Cell()
        if one.name not in ("system", grant.account):
            if locked and grant.may("account.unlock"):
                acts = Cell(words("解锁"), post=f"/admin/accounts/{one.name}/unlock")
            elif grant.may("account.manage"):
                acts = Cell(
                    words("停用") if one.active else words("启用"),
                    post=f"/admin/accounts/{one.name}/{'stop' if one.active else 'open'}",
                    confirm=words("确定停用账号 {name} 吗？其登录会立即失效。", name=one.name)
                    if one.active
                    else "",
                    danger=one.active,
                )
        titles = "、".join(words.of(roles[role].title) if role in roles else role for role in one.roles)
        rows.append(
            [
                Cell(one.name, sub=one.display),
                Cell(titles),
                Cell(names.get(one.organisation, one.organisation)),
                Cell(one.district),
                Cell(words.moment(one.last_sign_in)),
                state,
                acts,
            ]
        )
    return _list(
        visit,
        words("账号管理"),
        words("一人一账号；停用后立即失效，历史记录保留。"),
        [words("账号"), words("角色"), words("单位"), words("区域"), words("最近登录"), words("状态"), ""],
        rows,
        words("没有账号"),
        buttons=[(words("新增账号"), "/admin/accounts/new", True)] if grant.may("account.manage") else (),
    )


async def _organisations(visit: Visit) -> dict[str, str]:
    try:
        return await organisation_names(visit)
    except Fault:
        return {}


async def _account_fields(visit: Visit) -> tuple[Field, ...]:
    roles = visit.platform.accounts.roles
    fields = [
        Field(
            "name",
            Text("账号名", "Account name"),
            required=True,
            pattern="[A-Za-z0-9._\\-]{2,64}",
            help=Text("2–64 个字母、数字、点或短横", "2–64 letters, digits, dots or dashes"),
        ),
        Field("display", Text("姓名或岗位", "Name or post"), required=True),
    ]
    if visit.grant.may("role.assign"):
        fields.append(
            Field(
                "role",
                Text("角色", "Role"),
                "choice",
                options=tuple(Option(id_, role.title) for id_, role in roles.items()),
            )
        )
    fields += [
        Field("organisation", Text("所属单位", "Organisation"), "organisation"),
        Field(
            "district",
            Text("所辖区域", "District"),
            "district",
            help=Text("按区域授权的角色必填", "needed by roles that work by district"),
        ),
    ]
    return tuple(fields)


async def new_account(visit: Visit) -> Response:
    """Show the form of a new account."""
    return await _account_form(visit, {})


async def _account_form(visit: Visit, values: Mapping[str, Any], fault: Fault | None = None) -> Response:
    words, fields = visit.words, await _account_fields(visit)
    choices = {
        "organisation": tuple((await _organisations(visit)).items()),
        "district": tuple((code, name) for code, name in (await divisions(visit)).items() if len(code) <= 9),
    }
    lead = words("密码随机生成，只显示一次；本人首次登录时须修改。")
    if not visit.grant.may("role.assign"):
        lead += words("角色由安全保密管理员分配。")
    return visit.render(
        "form.html",
        422 if fault else 200,
        title=words("新增账号"),
        lead=lead,
        trail=[(words("系统管理"), ""), (words("账号管理"), "/admin/accounts"), (words("新增账号"), "")],
        issues=told(words, fault) if fault else [],
        action="/admin/accounts/new",
        hidden=(),
        fields=form_fields(words, fields, values, (), choices),
        files=False,
        submit=words("新增账号"),
        cancel="/admin/accounts",
    )


async def create_account(visit: Visit) -> Response:
    """Make the account and show its password once."""
    form, words = texts(await visit.form()), visit.words
    mine = await visit.platform.accounts.account(visit.grant, visit.grant.account)
    account = replace(
        mine,
        name=form.get("name", ""),
        display=form.get("display", ""),
        roles=(form["role"],) if form.get("role") else (),
        organisation=form.get("organisation", "").removeprefix("Organization/"),
        practitioner="",
        patient="",
        wards=(),
        district=form.get("district", ""),
        must_change=True,
        active=True,
        locked_until=None,
        created=None,
        last_sign_in=None,
    )
    try:
        made = await visit.platform.accounts.create_account(visit.grant, account)
    except (Conflict, Unprocessable, Forbidden) as fault:
        return await _account_form(visit, form, fault)
    return _password_once(visit, made.account.name, made.password, words("账号已新增"))


def _password_once(visit: Visit, name: str, password: str, title: str) -> Response:
    words = visit.words
    return _list(
        visit,
        title,
        words("请把初始密码当面交给本人。离开本页后无法再次查看，只能重置。"),
        [words("账号"), words("初始密码")],
        [[Cell(name), Cell(password)]],
        "",
        buttons=[(words("返回账号管理"), "/admin/accounts", True)],
    )


async def change_account(visit: Visit) -> Response:
    """Stop, reopen or unlock an account, or reset its password."""
    await visit.form()
    name, act, doors = visit.path("name"), visit.path("act"), visit.platform.accounts
    match act:
        case "stop" | "open":
            await doors.set_active(visit.grant, name, act == "open")
        case "unlock":
            await doors.unlock(visit.grant, name)
        case "reset":
            return _password_once(
                visit, name, await doors.reset_password(visit.grant, name), visit.words("密码已重置")
            )
        case _:
            raise NotFound("there is no such act", zh="没有这项操作")
    return visit.go("/admin/accounts", said="unlocked" if act == "unlock" else "changed")


async def roles(visit: Visit) -> Response:
    """Show what each role may do, in words."""
    words = visit.words
    rows = [
        [
            Cell(words.of(role.title), sub=id_),
            Cell("、".join(words(POSTS.get(one, one)) for one in role.post)),
            Cell(_operations(visit, role.operations)),
        ]
        for id_, role in visit.platform.accounts.roles.items()
    ]
    return _list(visit, words("角色权限"), words("角色是数据：看什么、改什么、能做哪些操作。系统、安全、审计三员分设。"),
                 [words("角色"), words("需要的岗位信息"), words("操作权限")], rows, words("没有角色"))  # fmt: skip


def _operations(visit: Visit, operations: Iterable[str]) -> str:
    """Return operations in words; a kind of case by its service."""
    words = visit.words
    services = {one.id: words.of(one.title) for one in visit.platform.services}
    said = []
    for one in sorted(operations):
        if one.startswith("case.start:"):
            service = one.removeprefix("case.start:").partition("/")[0]
            said.append(
                words(
                    "发起办件：{kind}",
                    kind=services.get(service, words("全部") if service == "*" else service),
                )
            )
        else:
            said.append(words(OPERATIONS.get(one, one)))
    return "；".join(dict.fromkeys(said)) if words.language == "zh" else "; ".join(dict.fromkeys(said))


OPERATIONS: Final = {
    "account.manage": "管理账号",
    "account.read": "查看账号",
    "account.unlock": "解锁账号",
    "role.assign": "分配角色",
    "organisation.manage": "管理机构",
    "parameter.read": "查看参数",
    "parameter.write": "录入参数",
    "register.read": "查看台账",
    "register.write": "维护台账",
    "register.import": "批量导入",
    "export": "导出",
    "system.status": "查看运行状态",
    "audit.read": "查看审计日志",
    "identity.read": "查看完整身份信息",
    "measure.read": "查看指标",
    "measure.subjects": "下钻到记录",
    "plan.read": "查看规划",
    "plan.import": "导入规划",
    "plan.assign": "交办任务",
    "plan.adopt": "采纳条款",
    "plan.link": "关联指标",
    "plan.report": "审核填报",
    "plan.instruct": "批示",
}
POSTS: Final = {"district": "区域", "organisation": "单位", "patient": "本人"}


async def organisations(visit: Visit) -> Response:
    """Show the organisations that the visitor sees."""
    words, places = visit.words, await divisions(visit)
    found = await visit.platform.store.search_all(visit.grant, "Organization", "")
    rows = []
    for one in sorted(found, key=lambda item: str(item.get("name", ""))):
        district = next(
            (
                str(ext.get("valueCode", ""))
                for ext in one.get("extension", ())
                if str(ext.get("url", "")).endswith("/district")
            ),
            "",
        )
        code = next((str(identifier.get("value", "")) for identifier in one.get("identifier", ())), "")
        rows.append(
            [
                Cell(str(one.get("name", "")), sub="、".join(one.get("alias", ())[:3])),
                Cell(text_of(one.get("type"))),
                Cell(places.get(district, district)),
                Cell(code),
            ]
        )
    link = next(
        (
            f"/registers/{one.code}"
            for one in visit.platform.registers.declarations
            if one.resource_type == "Organization"
        ),
        "",
    )
    return _list(visit, words("机构管理"), words("单位别名用于识别规划文件中的简称；新增与批量导入在机构台账中进行。"),
                 [words("名称"), words("类型"), words("区域"), words("统一社会信用代码")], rows, words("没有机构"),
                 buttons=[(words("机构台账"), link, True)] if link else ())  # fmt: skip


UNITS: Final = {
    "1": "",
    "min": "分钟",
    "h": "小时",
    "d": "天",
    "day": "天",
    "hour": "小时",
    "working day": "个工作日",
    "working-day": "个工作日",
    "%": "%",
}


def _value_text(words: Words, version: ParameterVersion) -> str:
    return f"{version.value} {words(UNITS.get(version.unit, version.unit))}".strip()


async def parameters(visit: Visit) -> Response:
    """Show every dated parameter with the value in force today."""
    words, table, place = visit.words, visit.platform.parameters, visit.platform.settings.jurisdiction
    rows = []
    for id_ in table.ids():
        version = table.find(id_, place, today())
        if version is None:
            first = table.versions(id_)[0]
            rows.append(
                [
                    Cell(words.of(first.title), f"/admin/parameters/{id_}"),
                    Cell(words("今日无有效值"), tone="red"),
                    Cell(),
                    Cell(),
                    Cell(),
                ]
            )
            continue
        check = (
            Cell(words("已核对"), tone="green") if version.verified else Cell(words("待核对"), tone="amber")
        )
        rows.append(
            [
                Cell(words.of(version.title), f"/admin/parameters/{id_}"),
                Cell(_value_text(words, version)),
                Cell(version.valid_from.isoformat(), nowrap=True),
                Cell(version.source),
                check,
            ]
        )
    return _list(visit, words("政策参数"), words("比例、限额、时限等都是带日期和来源条款的参数；改动只增不改，历史计算可复现。"),
                 [words("参数"), words("今日有效值"), words("生效日期"), words("来源"), words("核对")], rows, words("没有参数"))  # fmt: skip


_VERSION = (
    Field("value", Text("新值", "New value"), required=True),
    Field("valid_from", Text("生效日期", "Valid from"), "date", required=True),
    Field("valid_to", Text("失效日期", "Valid to"), "date", help=Text("留空表示长期有效", "empty: open")),
    Field(
        "source",
        Text("来源条款", "Source clause"),
        "paragraph",
        required=True,
        help=Text("文件名、文号与条款，如 ××〔2026〕1号 第三条", "document, number and clause"),
    ),
)


async def parameter(visit: Visit) -> Response:
    """Show the versions of one parameter and the form that adds one."""
    return await _parameter(visit, {"valid_from": today().isoformat()})


async def _parameter(visit: Visit, values: Mapping[str, Any], fault: Fault | None = None) -> Response:
    words, id_ = visit.words, visit.path("id")
    versions = visit.platform.parameters.versions(id_)
    if not versions:
        raise NotFound("there is no such parameter", zh="没有这个参数")
    places = await divisions(visit)
    rows = [
        [
            Cell(_value_text(words, one)),
            Cell(places.get(one.jurisdiction.ljust(6, "0"), one.jurisdiction) or words("全国")),
            Cell(one.valid_from.isoformat()),
            Cell(one.valid_to.isoformat() if one.valid_to else words("长期")),
            Cell(one.source),
            Cell(one.entered_by or words("随服务发布")),
        ]
        for one in versions
    ]
    return visit.render(
        "parameter.html",
        422 if fault else 200,
        title=words.of(versions[0].title),
        id=id_,
        heads=[
            words("值"),
            words("适用地区"),
            words("生效日期"),
            words("失效日期"),
            words("来源条款"),
            words("录入"),
        ],
        rows=rows,
        may_enter=visit.grant.may("parameter.write"),
        issues=told(words, fault) if fault else [],
        fields=form_fields(words, _VERSION, values),
    )


async def enter_parameter(visit: Visit) -> Response:
    """Add a dated value with its source; nothing is overwritten."""
    form, id_ = texts(await visit.form()), visit.path("id")
    versions = visit.platform.parameters.versions(id_)
    if not versions:
        raise NotFound("there is no such parameter", zh="没有这个参数")
    try:
        version = ParameterVersion(
            id=id_,
            title=versions[0].title,
            value=like(versions[0].value, form.get("value", "")),
            unit=versions[0].unit,
            jurisdiction=visit.platform.settings.jurisdiction,
            valid_from=_day(form.get("valid_from", "")),
            valid_to=_day(form["valid_to"]) if form.get("valid_to") else None,
            source=form.get("source", ""),
            verified=True,
        )
        await enter_parameter_value(visit.platform, visit.grant, version)
    except (Invalid, Unprocessable) as fault:
        return await _parameter(visit, form, fault)
    return visit.go(f"/admin/parameters/{id_}", said="saved")


def like(before: Any, text: str) -> Any:
    """Return `text` in the form of the value before it: a number stays a number. Raises Invalid."""
    if isinstance(before, bool):
        return text.strip().lower() in ("true", "是", "1")
    if isinstance(before, int | float):
        try:
            number = float(text)
        except ValueError as error:
            raise Invalid("the value must be a number", zh="该参数的值应为数字") from error
        return int(number) if number == int(number) and isinstance(before, int) else number
    if not text:
        raise Invalid("the value is missing", zh="请填写新值")
    return text


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Invalid("a date is written as 2026-03-01", zh="日期格式应为 2026-03-01") from error


async def services(visit: Visit) -> Response:
    """Show the services that are installed and what each brings."""
    words = visit.words
    rows = [
        [
            Cell(words.of(one.title), sub=one.id),
            Cell("、".join(one.systems)),
            Cell(str(len(one.registers))),
            Cell(str(len(one.cases))),
            Cell(str(len(one.measures))),
            Cell(str(len(one.parameters))),
            Cell(words.of(one.help)),
        ]
        for one in visit.platform.services
    ]
    return _list(visit, words("服务目录"), words("每项城市服务是一个目录：台账、办件、指标、参数都由声明生成。"),
                 [words("服务"), words("对应系统"), words("台账"), words("办件"), words("指标"), words("参数"), words("说明")],
                 rows, words("没有安装服务"))  # fmt: skip


async def audit(visit: Visit) -> Response:
    """Show who did what, the newest first."""
    words, before = visit.words, visit.number("before", 0, high=2**62)
    found = await visit.platform.store.audit_rows(visit.grant, before=before or None, count=_ROWS + 1)
    rows = [
        [
            Cell(words.moment(one.at)),
            Cell(one.account),
            Cell(words(_ACTS.get(one.action, one.action))),
            Cell(one.type),
            Cell(one.id),
            Cell(words("成功"), tone="green") if one.outcome == "ok" else Cell(one.outcome, tone="red"),
        ]
        for _, one in found[:_ROWS]
    ]
    page = Paging(
        visit.with_query(before="") if before else "",
        visit.with_query(before=found[_ROWS - 1][0]) if len(found) > _ROWS else "",
    )
    return _list(
        visit,
        words("日志审计"),
        words("每次查看、修改、导出都留痕，记录只增不改。"),
        [words("时间"), words("账号"), words("操作"), words("类型"), words("对象"), words("结果")],
        rows,
        words("没有审计记录"),
        page=page,
        total_text="",
    )


_ACTS: Final = {
    "read": "查看",
    "vread": "查看历史版本",
    "search-type": "查询",
    "search": "查询",
    "history": "查看变更记录",
    "create": "新增",
    "update": "修改",
    "patch": "修改",
    "delete": "删除",
}
