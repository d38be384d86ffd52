"""调阅留痕: who saw a resident's record, from where, why; and the way to ask why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from starlette.responses import Response

from kangshu.api import EMERGENCY, Emergency, name_of
from kangshu.base.clock import CITY_ZONE
from kangshu.base.faults import Fault, NotFound
from kangshu.sdk import CaseDeclaration
from kangshu.web.actors import Actor, actors
from kangshu.web.lookup import kind_title
from kangshu.web.pages.starts import start_form
from kangshu.web.parts import Paging, Tab
from kangshu.web.visit import Visit

_ROWS: Final = 100
_CARRIED: Final = "rights"
"""What the kind of case carries by which a resident asks an institution about the own information."""
PURPOSES: Final = {
    "TREAT": "诊疗",
    "HOPERAT": "机构管理",
    "PUBHLTH": "公共卫生",
    "PATRQT": "本人申请",
    "COVERAGE": "热线服务",
    "HMARKT": "统计",
    "HPAYMT": "费用结算",
    "HRESCH": "科研",
    "SYSADMIN": "系统维护",
    "HSYSADMIN": "安全审计",
    EMERGENCY: "应急调阅",
}
_ACTS: Final = {
    "read": "查看",
    "vread": "查看历史版本",
    "history": "查看变更记录",
    "create": "新增",
    "update": "修改",
    "patch": "修改",
    "delete": "删除",
    "export": "导出含有您的名单",
    "reveal": "查看完整号码或住址",
    "find-resident": "凭证件号码查找",
    "search-type": "在列表或查询结果中看到",
    "measure-subjects": "在指标名单中看到",
    "emergency-request": "申请应急调阅",
    "emergency-open": "打开应急调阅",
    "emergency-end": "结束应急调阅",
    "emergency-justified": "复核应急调阅：正当",
    "emergency-improper": "复核应急调阅：不当",
}
_WHOLE: Final = frozenset(
    {
        "export", "reveal", "find-resident", "measure-subjects", "emergency-request", "emergency-open", "emergency-end",
        "emergency-justified", "emergency-improper",
    }
)  # fmt: skip
"""Acts whose words say all: the kind of record adds nothing."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """One act on the resident's record, or several alike of one day."""

    position: int
    at: datetime
    who: str
    place: str
    """Organisation and role."""
    act: str
    purpose: str
    reason: str
    refused: bool
    mine: bool
    emergency: bool
    by_person: bool
    organisation: str = ""
    """Id of the organisation of who acted."""
    deputy: str = ""
    """For whom a deputy acted."""
    app: str = ""
    times: int = 1
    since: datetime | None = None
    """The first of several."""


async def lookups(
    visit: Visit, count: int, before: int | None = None, *, resident: str = "", others: bool = False
) -> list[Lookup]:
    """Return who saw or changed a resident's record, the newest first: the visitor's own, or a ward's.

    Raises Forbidden for other accounts.
    """
    words = visit.words
    rows = await visit.platform.store.own_audit_rows(
        visit.grant, resident=resident, before=before, count=count, others=others
    )
    known = await actors(visit, {name for _, row in rows for name in (row.account, row.on_behalf_of) if name})
    nobody = Actor(words("系统自动处理"), "", "")
    # what an emergency opened is told with the words that opened it
    glass: Sequence[Emergency] = ()
    if any(row.purpose == EMERGENCY and not row.reason for _, row in rows):
        glass = await visit.platform.accounts.emergencies.of_patient(
            visit.grant, resident or visit.grant.patient
        )
    found = []
    for position, row in rows:
        who, act = known.get(row.account, nobody), row.action.partition(" ")[0]
        said = words(_ACTS.get(act, "其他操作"))
        if act in _ACTS and act not in _WHOLE and act != "search-type":
            said += words(
                "“{kind}”",
                kind=words("健康档案首页") if row.type == "Patient" else kind_title(visit, row.type),
            )
        found.append(
            Lookup(
                position,
                row.at,
                who.name,
                who.place,
                said,
                words(PURPOSES.get(row.purpose, "其他用途")),
                row.reason or _reason(glass, row.purpose, row.account, row.at),
                row.outcome != "ok",
                row.account == visit.grant.account,
                row.purpose == EMERGENCY,
                row.account in known,
                who.organisation,
                known.get(row.on_behalf_of, nobody).name if row.on_behalf_of else "",
                row.app,
            )
        )
    return found


def _reason(glass: Sequence[Emergency], purpose: str, account: str, at: datetime) -> str:
    if purpose != EMERGENCY:
        return ""
    return next((one.reason for one in glass if one.account == account and one.opened <= at <= one.over), "")


def _alike(rows: Sequence[Lookup]) -> list[Lookup]:
    """Return the rows with neighbours alike of one day as one: the newest, how many, and since when."""
    found: list[Lookup] = []
    for row in rows:
        last = found[-1] if found else None
        if last is not None and _key(last) == _key(row):
            found[-1] = replace(last, times=last.times + 1, since=row.at)
        else:
            found.append(row)
    return found


def _when(visit: Visit, row: Lookup) -> str:
    last = visit.words.moment(row.at)
    first = visit.words.moment(row.since) if row.since is not None else last
    return last if first == last else f"{first} – {last}"


def _key(row: Lookup) -> tuple[Any, ...]:
    return (
        row.at.astimezone(CITY_ZONE).date(), row.who, row.place, row.act, row.purpose, row.reason, row.refused, row.deputy,
        row.app,
    )  # fmt: skip


async def own_lookups(visit: Visit) -> Response:
    """Show who saw the visitor's own record, or that of somebody in the visitor's care."""
    words, before = visit.words, visit.number("before", 0, high=2**62)
    whose, every = visit.query("of"), visit.query("show") == "all"
    found = await lookups(visit, _ROWS + 1, before or None, resident=whose, others=not every)
    names = await _people(visit)
    subject = whose or visit.grant.patient
    return visit.render(
        "lookups.html",
        rows=[(one, _when(visit, one)) for one in _alike(found[:_ROWS])],
        people=[
            Tab(name, visit.with_query(of=id_, before=""), id_ == subject) for id_, name in names.items()
        ],
        tabs=[
            Tab(words("他人查看"), visit.with_query(show="", before=""), not every),
            Tab(words("全部（含本人和系统）"), visit.with_query(show="all", before=""), every),
        ],
        page=Paging(
            visit.with_query(before="") if before else "",
            visit.with_query(before=found[_ROWS - 1].position) if len(found) > _ROWS else "",
        ),
        ask=_rights(visit) is not None,
        of=whose,
    )


async def _people(visit: Visit) -> dict[str, str]:
    """Return the names of those whose lookups the visitor sees by id, where there is more than one."""
    found: dict[str, str] = {visit.grant.patient: visit.words("本人")} if visit.grant.patient else {}
    for id_ in sorted(visit.grant.wards - {visit.grant.patient}):
        try:
            found[id_] = name_of((await visit.platform.store.read(visit.grant, "Patient", id_)).resource)
        except Fault:
            continue
    return found if len(found) > 1 else {}


def _rights(visit: Visit) -> CaseDeclaration | None:
    declaration = visit.platform.cases.carrying(_CARRIED)
    return declaration if declaration in visit.platform.cases.startable(visit.grant) else None


async def ask(visit: Visit) -> Response:
    """Show the form by which a resident asks the institution of one lookup why it was made; it starts a case."""
    words, position, whose = visit.words, visit.path("id"), visit.query("of")
    declaration = _rights(visit)
    if declaration is None or not position.isascii() or not position.isdigit() or len(position) > 18:
        raise NotFound("there is no such lookup", zh="没有这条调阅记录")
    found = await lookups(visit, 1, int(position) + 1, resident=whose)
    if not found or found[0].position != int(position):
        raise NotFound("there is no such lookup", zh="没有这条调阅记录")
    (one,) = found
    detail = words(
        "{at}，{who}（{place}）{act}，用途：{purpose}。请说明查看的理由和依据。",
        at=words.moment(one.at), who=one.who, place=one.place or "—", act=one.act, purpose=one.purpose,
    )  # fmt: skip
    values: dict[str, Any] = {
        "_subject": f"Patient/{whose or visit.grant.patient}",
        "right": "explain",
        "as_relative": "guardian" if whose and whose != visit.grant.patient else "self",
        "detail": detail,
    }
    if one.organisation:
        values["receiver"] = f"Organization/{one.organisation}"
    return await start_form(visit, declaration, values)
