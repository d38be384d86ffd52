"""`kangshu doctor`: what is well with an installation, what is not, and what to do."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kangshu.app.installation import Identity, Installation
from kangshu.app.wiring import Place, open_platform, service_packages
from kangshu.base.clock import today
from kangshu.base.faults import Fault
from kangshu.base.text import Text
from kangshu.services import check, discover

_LOW_DISK_GIGABYTES = 2.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `text` says what to do where it is not good."""

    good: bool
    text: Text


def examine(folder: Path, database: str) -> Iterator[Finding]:
    """Yield a finding for each thing looked at."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    yield Finding(sys.version_info >= (3, 11), Text(f"Python {version}", f"Python {version}"))
    free = shutil.disk_usage(folder if folder.exists() else Path.cwd()).free / 1e9
    yield Finding(
        free > _LOW_DISK_GIGABYTES,
        Text(f"磁盘可用空间 {free:.1f} GB", f"{free:.1f} GB of disk are free"),
    )
    errors = [one for one in check(discover(*service_packages())) if one.severity == "error"]
    yield Finding(
        not errors, Text(f"服务目录：{len(errors)} 处错误", f"service folders: {len(errors)} errors")
    )
    if not folder.exists() and not database:
        yield Finding(
            False,
            Text(
                f"没有实例 {folder}：请先运行 make demo 或 kangshu init",
                f"no installation in {folder}: make demo or kangshu init",
            ),
        )
        return
    try:
        installation = Installation(folder, database_url=database)
        running = installation.running()
        where = running.address if running else ""
        yield Finding(
            True,
            Text(
                f"系统运行于 {where}" if where else "系统未运行",
                f"running at {where}" if where else "not running",
            ),
        )
        with installation.database() as url:
            place = Place(installation.folder, installation.views, installation.identity() or Identity(""))
            yield from asyncio.run(_database(url, place))
    except Fault as fault:
        yield Finding(False, Text(fault.zh, fault.text))


async def _database(url: str, place: Place) -> list[Finding]:
    found = [Finding(True, Text("数据库可连接", "the database answers"))]
    async with open_platform(url, place, pool=2) as platform:
        position = await platform.store.feed_position()
        broken = await platform.store.verify_audit()
        found.append(
            Finding(
                broken is None,
                Text("审计链完整", "the audit chain holds")
                if broken is None
                else Text(
                    f"审计链自第 {broken} 批起不完整：请立即联系安全管理员",
                    f"the audit chain breaks at batch {broken}",
                ),
            )
        )
        try:
            behind = position - platform.snapshot().position
            text = Text(f"指标落后 {behind} 条变更", f"the measures are {behind} changes behind")
            found.append(Finding(behind < 100_000, text))
        except Fault:
            found.append(
                Finding(False, Text("尚未计算指标：请启动系统", "no measures yet: start the product"))
            )
        known = platform.calendar.known_until
        found.append(
            Finding(
                known >= today(),
                Text(f"工作日历有效至 {known}", f"the working-day calendar is known until {known}"),
            )
        )
    return found
