"""What auditors ask besides rows: whether the chain holds, and what is worth a look."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal
from urllib.parse import urlencode

from kangshu.access import Grant, system_grant
from kangshu.api.platform import Platform
from kangshu.api.telling import tell
from kangshu.base.text import Text
from kangshu.sdk import Resource
from kangshu.store import (
    EMERGENCY,
    MANY_EXPORTS,
    MANY_RESIDENTS,
    NIGHT_BEGIN,
    NIGHT_END,
    REFUSED_SERIES,
    AnchorPlaces,
    AuditQuery,
    AuditRow,
    Burst,
    Bursts,
    ChainReport,
    audit_limit,
)

_MOST_EXPORTED: Final = 20_000


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """A check of the audit. `line` is the newest anchor, to be printed or kept elsewhere; "" where there is none."""

    report: ChainReport
    bad_anchors: tuple[tuple[str, Text], ...]
    line: str

    @property
    def holds(self) -> bool:
        """Whether chain and anchors hold."""
        return self.report.holds and not self.bad_anchors


async def check_audit(platform: Platform, grant: Grant) -> AuditCheck:
    """Return the check of the whole audit against the anchors of every place. Raises Forbidden without `audit.read`."""
    grant.require("audit.read")
    await tell(platform, grant, "audit-check")
    folder = platform.settings.data_dir
    if folder is None:
        return AuditCheck(await platform.store.check_audit(), (), "")
    places = AnchorPlaces(folder)
    read = places.read()
    report = await platform.store.check_audit(read.anchors)
    return AuditCheck(report, tuple((path.name, why) for path, why in read.bad), places.newest())


@dataclass(frozen=True, slots=True)
class Watch:
    """One ready question of what is worth a look. A burst counts by the hour; the others are filters of rows."""

    id: str
    title: Text
    help: Text
    parameters: tuple[str, ...] = ()


WATCHES: Final = (
    Watch(
        "residents",
        Text("短时间查阅多人", "Many residents in an hour"),
        Text("一小时内看到的居民人数达到阈值的账号", "accounts that saw as many residents within an hour"),
        (MANY_RESIDENTS,),
    ),
    Watch(
        "refused",
        Text("连续被拒绝", "Series of refusals"),
        Text("一小时内被拒绝的次数达到阈值的账号", "accounts that were refused as often within an hour"),
        (REFUSED_SERIES,),
    ),
    Watch(
        "export",
        Text("频繁导出", "Many exports"),
        Text("一小时内导出次数达到阈值的账号", "accounts that exported as often within an hour"),
        (MANY_EXPORTS,),
    ),
    Watch(
        "night",
        Text("夜间操作", "Acts by night"),
        Text("夜间时段内的操作，不含系统自动处理", "what people did at night"),
        (NIGHT_BEGIN, NIGHT_END),
    ),
    Watch(
        "emergency",
        Text("应急调阅", "Emergencies"),
        Text("以应急理由打开的档案", "records that an emergency has opened"),
    ),
    Watch(
        "acquainted",
        Text("查阅熟人", "Acquaintances"),
        Text(
            "看到的居民与账号本人或同单位同事同名（只比对姓名，须人工核实）",
            "the resident has the name of the account or of a colleague (names alone: to be looked into)",
        ),
    ),
)
"""In the order of their buttons."""
BURSTS: Final = ("residents", "refused", "export")
_MOST_NAMES: Final = 50
"""How many names one search asks for."""
_MOST_ACCOUNTS: Final = 2000
_MOST_NAMESAKES: Final = 2000


def watch_figures(platform: Platform, watch: Watch) -> tuple[int, ...]:
    """Return the figures in force of a question, in the order of its parameters."""
    return tuple(
        audit_limit(platform.parameters, one, platform.settings.jurisdiction) for one in watch.parameters
    )


async def audit_bursts(
    platform: Platform, grant: Grant, watch: Watch, since: datetime, until: datetime
) -> list[Burst]:
    """Return the hours that `watch`, one of BURSTS, calls for a look. Raises Forbidden without `audit.read`."""
    (least,) = watch_figures(platform, watch)
    kind: Literal["residents", "refused", "export"] = (
        "residents" if watch.id == "residents" else "refused" if watch.id == "refused" else "export"
    )
    return await platform.store.audit_bursts(grant, Bursts(kind, least, since, until))


async def audit_watched(platform: Platform, grant: Grant, asked: AuditQuery, watch: Watch) -> AuditQuery:
    """Return `asked` narrowed to the rows that `watch`, none of BURSTS, calls for a look.

    Raises Forbidden without `audit.read`: an acquaintance is found by names, which the product itself compares.
    """
    grant.require("audit.read")
    if watch.id == "night":
        begin, end = watch_figures(platform, watch)
        return replace(asked, night=(begin, end), people=True)
    if watch.id == "emergency":
        return replace(asked, purpose=EMERGENCY)
    return replace(asked, people=True, pairs=await _namesakes(platform))


async def _namesakes(platform: Platform) -> tuple[tuple[str, str], ...]:
    """Return (account, resident) where the resident has the name of the account or of one of its organisation."""
    system = system_grant("audit: residents who have the name of an account")
    accounts = [one for one in await platform.accounts.accounts(system) if one.display][:_MOST_ACCOUNTS]
    names = sorted({_own_name(one.display) for one in accounts})
    residents: dict[str, set[str]] = {}
    for start in range(0, len(names), _MOST_NAMES):
        chunk = [one for one in names[start : start + _MOST_NAMES] if len(one) > 1]
        if not chunk:
            continue
        asked = urlencode({"name:exact": ",".join(chunk), "_count": str(_MOST_NAMESAKES)})
        for found in await platform.store.search_all(system, "Patient", asked):
            for name in _names(found):
                residents.setdefault(name, set()).add(str(found["id"]))
    offices: dict[str, set[str]] = {}
    for one in accounts:
        offices.setdefault(one.organisation or one.name, set()).update(
            residents.get(_own_name(one.display), ())
        )
    pairs = [
        (one.name, resident)
        for one in accounts
        for resident in sorted(offices[one.organisation or one.name])
        if resident != one.patient
    ]
    return tuple(pairs[: 10 * _MOST_NAMESAKES])


def _own_name(display: str) -> str:
    """Return the name of an account without the office that stands in brackets behind it."""
    return display.partition("（")[0].partition("(")[0].strip()


def _names(resident: Resource) -> set[str]:
    found: set[str] = set()
    for name in resident.get("name") or ():
        if isinstance(name, dict):
            whole = f"{name.get('family', '')}{''.join(name.get('given') or ())}"
            found.update(filter(None, (str(name.get("text", "")), whole)))
    return found


async def audit_sheet(platform: Platform, grant: Grant, asked: AuditQuery) -> list[tuple[int, AuditRow]]:
    """Return the rows that `asked` describes for a file, at most 20,000, the newest first; the export has its own row.

    Raises Forbidden without `audit.read` and `export`.
    """
    grant.require("audit.read")
    grant.require("export")
    rows: list[tuple[int, AuditRow]] = []
    before: int | None = None
    while len(rows) < _MOST_EXPORTED:
        found = await platform.store.audit_rows(grant, asked, before=before, count=1000)
        rows.extend(found)
        if len(found) < 1000:
            break
        before = found[-1][0]
    await tell(platform, grant, "export", "AuditEvent", detail=f"{len(rows)} rows {asked.text()}")
    return rows
