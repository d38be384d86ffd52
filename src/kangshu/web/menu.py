"""The side menu: what the services declare and the grant allows, in the words that users know."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from kangshu.access import Grant, Nothing
from kangshu.api import Platform, offered_lists, oversees
from kangshu.sdk import RegisterDeclaration, Service
from kangshu.web import list_counts
from kangshu.web.language import Words


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the menu."""

    title: str
    address: str
    icon: str
    current: bool = False
    count: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """Lines under one title."""

    title: str
    entries: tuple[Entry, ...]


_ICONS = {
    "Patient": "people",
    "Organization": "building",
    "Location": "bed",
    "EpisodeOfCare": "home",
    "Slot": "calendar",
    "Contract": "paper",
    "Encounter": "heart",
    "Observation": "log",
    "PractitionerRole": "people",
    "Task": "swap",
}


def menu(
    platform: Platform, grant: Grant, words: Words, path: str, counts: Mapping[str, int] | None = None
) -> tuple[Group, ...]:
    """Return the groups of the side menu for this visitor; the entry that leads to `path` is current.

    `counts` say how many to-dos and notices wait.
    """
    waits = counts or {}

    def entry(title: str, address: str, icon: str, *, exact: bool = False, count: int = 0) -> Entry:
        here = path == address or (not exact and path.startswith(address + "/"))
        return Entry(title, address, icon, here, count)

    groups = [
        Group(
            words("工作台"),
            (
                entry(words("首页"), "/", "home", exact=True),
                entry(words("待办中心"), "/worklist", "list", count=waits.get("todo", 0)),
                *(
                    [entry(words("待阅通知"), "/notices", "info", count=waits.get("notices", 0))]
                    if grant.organisation or grant.patient
                    else []
                ),
                *([entry(words("发起办件"), "/cases/start", "send")] if may_start(platform, grant) else []),
                *(
                    [entry(words("评估量表"), "/questionnaires", "paper")]
                    if platform.questionnaires.offered(grant)
                    else []
                ),
                *(
                    [entry(words("数据交换"), "/exchanges", "swap")]
                    if platform.exchanges.open_to(grant) or platform.exchanges.starts.open_to(grant)
                    else []
                ),
                *([entry(words("档案调阅"), "/find/resident", "search")] if _looks_up(grant) else []),
                *([entry(words("应急调阅"), "/emergency", "warn")] if grant.may("emergency.access") else []),
            ),
        )
    ]
    watching = []
    if grant.may("plan.read"):
        watching.append(entry(words("规划与挂图作战"), "/plans", "board"))
        watching.append(entry(words("督查督办"), "/supervision", "flag"))
    if grant.may("plan.report") or (
        grant.may("plan.read") and grant.organisation and grant.may("register.write")
    ):
        watching.append(entry(words("填报与审核"), "/reports", "paper"))
    if grant.may("plan.link"):
        watching.append(entry(words("补录"), "/gaps", "list"))
    if grant.may("plan.statistics"):
        watching.append(entry(words("统计发布值"), "/statistics", "chart"))
    if grant.may("plan.snapshot"):
        watching.append(entry(words("快照与报告"), "/snapshots", "clock"))
    if grant.may("plan.read") and platform.cases.carrying("progress-return"):
        watching.append(entry(words("进展报送"), "/returns", "calendar"))
    if grant.may("plan.read") and platform.cases.carrying("assessment"):
        watching.append(entry(words("考核评价"), "/assessments", "flag"))
    if grant.may("measure.read"):
        watching.append(entry(words("驾驶舱"), "/cockpit", "board"))
        watching.append(entry(words("指标监测"), "/measures", "chart"))
        watching.append(entry(words("自助分析"), "/analysis", "table"))
    if grant.may("measure.read") and platform.warnings.kind is not None:
        watching.append(entry(words("预警中心"), "/warnings", "warn"))
    if _asks_for_data(platform, grant) or oversees(grant):
        watching.append(entry(words("数据提取件"), "/extracts", "download"))
    if watching:
        groups.append(Group(words("规划督办"), tuple(watching)))
    lists = offered_lists(platform, grant)
    if lists:
        line = entry(words("待办清单"), "/lists", "list", count=list_counts.known(platform, grant))
        groups[0] = Group(groups[0].title, (*groups[0].entries, line))
    if grant.may("register.read"):
        if open_registers(platform.services, grant):
            line = entry(words("全部台账"), "/registers", "table", exact=True)
            groups[0] = Group(groups[0].title, (*groups[0].entries, line))
        for service in platform.services:
            if not service.is_used_by(grant.roles):
                continue
            lines = tuple(
                entry(words.of(register.title), f"/registers/{register.code}", register_icon(register))
                for register in registers_of(service, grant)
            )
            # a list with totals is a table to look at
            tables = (
                entry(words.of(one.title), f"/lists/{one.code}", "chart")
                for one in lists
                if one.service == service.id and one.totals is not None
            )
            lines = (*_live(service, grant, words, entry), *lines, *tables)
            if lines:
                title = words.of(service.menu) or words.of(service.title)
                groups.append(Group(title, lines))
    if grant.may("processing.read"):
        line = entry(words("处理活动记录"), "/processing", "paper")
        groups.append(Group(words("信息保护"), (line,)))
    if grant.patient or grant.wards or grant.mandates:
        own = [entry(words("办事入口"), "/my", "home")]
        if grant.patient or grant.wards:
            own.append(entry(words("我的授权"), "/me/consents", "key"))
        if grant.patient:
            own.insert(1, entry(words("我的档案"), f"/residents/{grant.patient}", "heart"))
            own.append(entry(words("谁看过我的档案"), "/me/lookups", "log"))
        groups.append(Group(words("我的健康"), tuple(own)))
    if system := administration(grant, words):
        groups.append(Group(words("系统管理"), tuple(entry(*line) for line in system)))
    return _merged(groups)


def registers_of(service: Service, grant: Grant) -> tuple[RegisterDeclaration, ...]:
    """Return the registers of a service that the grant may read at all."""
    return tuple(
        one for one in service.registers if not isinstance(grant.may_read(one.resource_type), Nothing)
    )


def open_registers(services: Iterable[Service], grant: Grant) -> tuple[Service, ...]:
    """Return the services of which the grant may read a register, whether or not they are its daily work."""
    return tuple(one for one in services if registers_of(one, grant))


def register_icon(register: RegisterDeclaration) -> str:
    """Return the name of the icon of a register."""
    return _ICONS.get(register.resource_type, "table")


def _live(
    service: Service, grant: Grant, words: Words, entry: Callable[[str, str, str], Entry]
) -> Iterator[Entry]:
    """Yield the desks and rosters of a service that are offered to these roles."""
    if service.bookings and not isinstance(grant.may_read("Slot"), Nothing):
        yield entry(words("号源总览"), "/bookings", "calendar")
    for desk in service.desks:
        if desk.offered_to(grant.roles):
            yield entry(words.of(desk.title), f"/desks/{desk.code}", "warn")
    for roster in service.rosters:
        if roster.offered_to(grant.roles):
            yield entry(words.of(roster.title), f"/rosters/{roster.code}", "calendar")


def administration(grant: Grant, words: Words) -> list[tuple[str, str, str]]:
    """Return title, address and icon of the 系统管理 pages that the grant opens."""
    pages = (
        (("account.manage", "account.read"), words("账号管理"), "/admin/accounts", "key"),
        (("account.manage", "role.assign", "account.read"), words("角色权限"), "/admin/roles", "people"),
        (("emergency.review",), words("应急调阅复核"), "/emergency/review", "warn"),
        (("policy.read",), words("权限核查"), "/admin/policy", "search"),
        (
            ("organisation.manage", "account.manage", "role.assign", "parameter.write"),
            words("初始化导入"),
            "/admin/import",
            "upload",
        ),
        (("organisation.manage",), words("行政区划"), "/admin/divisions", "home"),
        (("organisation.manage",), words("机构管理"), "/admin/organisations", "building"),
        (("parameter.read", "parameter.write"), words("政策参数"), "/admin/parameters", "gear"),
        (("system.status",), words("服务目录"), "/admin/services", "table"),
        (("system.status",), words("外发通知"), "/admin/deliveries", "send"),
        (("audit.read",), words("日志审计"), "/admin/audit", "log"),
    )
    return [
        (title, address, icon)
        for operations, title, address, icon in pages
        if any(grant.may(operation) for operation in operations)
    ]


def _asks_for_data(platform: Platform, grant: Grant) -> bool:
    kind = platform.cases.carrying("data-use")
    return kind is not None and bool(grant.organisation) and grant.may(f"case.start:{kind.code}")


def may_start(platform: Platform, grant: Grant) -> bool:
    """Return whether the account may start a case of any kind."""
    return any(
        grant.may(f"case.start:{case.code}") for service in platform.services for case in service.cases
    )


def _looks_up(grant: Grant) -> bool:
    """Return whether the account sees residents other than itself."""
    return not grant.patient and not isinstance(grant.may_read("Patient"), Nothing)


def _merged(groups: list[Group]) -> tuple[Group, ...]:
    """Return the groups with those of one title joined, in order of first appearance."""
    joined: dict[str, tuple[Entry, ...]] = {}
    for group in groups:
        joined[group.title] = joined.get(group.title, ()) + group.entries
    return tuple(Group(title, entries) for title, entries in joined.items())
