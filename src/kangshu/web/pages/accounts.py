"""系统管理: accounts and roles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from starlette.responses import Response

from kangshu.access import label_title
from kangshu.base.clock import now
from kangshu.base.faults import Conflict, Fault, Forbidden, NotFound, Unprocessable
from kangshu.base.text import Text
from kangshu.sdk import Field, Option
from kangshu.web.forms import form_fields, told
from kangshu.web.lookup import divisions, organisations
from kangshu.web.pages.listing import listing
from kangshu.web.parts import Cell
from kangshu.web.visit import Visit, texts


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
                Cell(one.name, f"/admin/accounts/{one.name}", sub=one.display),
                Cell(titles)
                if one.roles or one.name == "system"
                else Cell(words("未分配角色"), tone="amber"),
                Cell(names.get(one.organisation, one.organisation)),
                Cell(one.district),
                Cell(words.moment(one.last_sign_in)),
                state,
                acts,
            ]
        )
    return listing(
        visit,
        words("账号管理"),
        words("一人一账号；停用后立即失效，历史记录保留。"),
        [words("账号"), words("角色"), words("单位"), words("区域"), words("最近登录"), words("状态"), ""],
        rows,
        words("没有账号"),
        buttons=_buttons(visit),
    )


def _buttons(visit: Visit) -> list[tuple[str, str, bool]]:
    """Return the ways to make accounts and to assign roles, each for its own administrator."""
    words, found = visit.words, []
    if visit.grant.may("role.assign"):
        found.append((words("Excel 分配角色"), "/admin/import/roles", True))
    if visit.grant.may("account.manage"):
        found.append((words("Excel 导入"), "/admin/import/accounts", False))
        found.append((words("新增账号"), "/admin/accounts/new", True))
    return found


async def _organisations(visit: Visit) -> dict[str, str]:
    try:
        return await organisations(visit)
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
    fields.insert(
        2,
        Field(
            "kind",
            Text("类型", "Kind"),
            "choice",
            required=True,
            options=(
                Option("person", Text("个人", "Person")),
                Option("service", Text("系统间账号（用密钥，不设密码）", "Service (keys, no password)")),
            ),
        ),
    )
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
    return await _account_form(visit, {"kind": "person"})


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
        second_factor=False,
        kind=form.get("kind") or "person",
    )
    try:
        made = await visit.platform.accounts.create_account(visit.grant, account)
    except (Conflict, Unprocessable, Forbidden) as fault:
        return await _account_form(visit, form, fault)
    if made.account.kind == "service":
        return visit.go(f"/admin/accounts/{made.account.name}/keys", said="created")
    return _password_once(visit, made.account.name, made.password, words("账号已新增"))


def _password_once(visit: Visit, name: str, password: str, title: str) -> Response:
    words = visit.words
    return listing(
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
        case "factor":
            await doors.second_factors.reset(visit.grant, name)
        case _:
            raise NotFound("there is no such act", zh="没有这项操作")
    return visit.go("/admin/accounts", said="unlocked" if act == "unlock" else "changed")


async def roles(visit: Visit) -> Response:
    """Show what each role is for, which labels it sees and what it may do, in words."""
    words = visit.words
    between = "、" if words.language == "zh" else ", "
    rows = [
        [
            Cell(words.of(role.title), sub=id_),
            Cell(words.of(role.description)),
            Cell(between.join(words(POSTS.get(one, one)) for one in role.post)),
            Cell(between.join(words.of(label_title(code)) for code in sorted(role.labels)) or words("不看")),
            Cell(operations_told(visit, role.operations)),
        ]
        for id_, role in visit.platform.accounts.roles.items()
    ]
    heads = [words("角色"), words("做什么"), words("需要的岗位信息"), words("敏感标签"), words("操作权限")]
    lead = words("角色是数据：看什么、改什么、能做哪些操作。系统、安全、审计三员分设。")
    return listing(visit, words("角色权限"), lead, heads, rows, words("没有角色"))


def operations_told(visit: Visit, operations: Iterable[str]) -> str:
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
    "field.reveal": "说明理由后查看完整号码、住址",
    "resident.find": "按姓名加身份证号查找居民",
    "measure.read": "查看指标",
    "measure.subjects": "下钻到记录",
    "cockpit.arrange": "设置驾驶舱",
    "plan.read": "查看规划",
    "plan.import": "导入规划",
    "plan.assign": "交办任务",
    "plan.adopt": "采纳条款",
    "plan.link": "关联指标",
    "plan.report": "审核填报",
    "plan.statistics": "录入统计发布值",
    "plan.instruct": "批示",
    "plan.snapshot": "查看快照和报告",
    "plan.freeze": "冻结快照",
    "plan.publish": "提请或审定对外公开",
    "policy.read": "核查他人权限",
    "policy.resident": "查询谁能看某位居民的记录",
    "emergency.access": "应急调阅",
    "emergency.review": "复核应急调阅",
    "data-use.review": "受理数据使用申请",
    "data-use.approve": "批准数据使用",
    "data-use.countersign": "会签数据使用",
    "processing.read": "查看处理活动记录",
    "label.write": "设置敏感标签",
}
POSTS: Final = {"district": "区域", "organisation": "单位", "patient": "本人"}
