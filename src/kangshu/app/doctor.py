"""`kangshu doctor`: what is well with an installation, what is not, and what to do."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kangshu.api import Platform
from kangshu.app.installation import Identity, Installation
from kangshu.app.processes import children_of, kind_of, resident_megabytes
from kangshu.app.wiring import Place, open_platform, service_packages
from kangshu.base.clock import today
from kangshu.base.faults import Fault
from kangshu.base.text import Text
from kangshu.services import check, discover
from kangshu.store import AnchorPlaces

_LOW_DISK_GIGABYTES = 2.0
_MEGABYTES = 1000.0
"""Resident memory of a process beyond which something is amiss; a web worker's measures may take 300 MB."""


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
        Text(
            f"磁盘可用空间 {free:.1f} GB" + ("" if free > _LOW_DISK_GIGABYTES else "：请清理或扩容"),
            f"{free:.1f} GB of disk are free" + ("" if free > _LOW_DISK_GIGABYTES else ": make room"),
        ),
    )
    errors = [one for one in check(discover(*service_packages())) if one.severity == "error"]
    yield Finding(
        not errors,
        Text(
            f"服务目录：{len(errors)} 处错误" + ("，详见 kangshu services check" if errors else ""),
            f"service folders: {len(errors)} errors" + (", see 'kangshu services check'" if errors else ""),
        ),
    )
    try:
        installation = Installation(folder, database_url=database, existing=True)
        running = installation.running()
        where = running.address if running else ""
        yield Finding(
            True,
            Text(
                f"系统运行于 {where}" if where else "系统未运行",
                f"running at {where}" if where else "not running",
            ),
        )
        if running is not None:
            yield from _processes(running.pid)
        with installation.database() as url:
            place = Place(installation.folder, installation.views, installation.identity() or Identity(""))
            yield from asyncio.run(_database(url, place))
    except Fault as fault:
        yield Finding(False, Text(fault.zh, fault.text))


def _processes(supervisor: int) -> Iterator[Finding]:
    """Yield the memory of every process of a running installation but the database's."""
    for pid in (supervisor, *children_of(supervisor)):
        kind = kind_of(pid) if pid != supervisor else "supervisor"
        if kind:
            size = resident_megabytes(pid)
            yield Finding(
                size < _MEGABYTES,
                Text(
                    f"进程 {kind}（{pid}）占用内存 {size:.0f} MB",
                    f"process {kind} ({pid}): {size:.0f} MB of memory",
                ),
            )


async def _database(url: str, place: Place) -> list[Finding]:
    found = [Finding(True, Text("数据库可连接", "the database answers"))]
    async with open_platform(url, place, pool=2) as platform:
        position = await platform.store.feed_position()
        found.append(await _audit(platform, place.folder))
        try:
            behind = position - platform.snapshot().position
            text = Text(f"指标落后 {behind} 条变更", f"the measures are {behind} changes behind")
            found.append(Finding(behind < 100_000, text))
        except Fault:
            found.append(
                Finding(
                    False,
                    Text(
                        "指标尚未计算：请启动系统（kangshu serve），后台进程会自动计算",
                        "no measures yet: start the product (kangshu serve), its background worker makes them",
                    ),
                )
            )
        known = platform.calendar.known_until
        found.append(
            Finding(
                known >= today(),
                Text(
                    f"工作日历有效至 {known}" + ("" if known >= today() else "：请升级程序"),
                    f"the working-day calendar is known until {known}"
                    + ("" if known >= today() else ": upgrade the program"),
                ),
            )
        )
    return found


async def _audit(platform: Platform, folder: Path) -> Finding:
    """Return whether the audit's chain holds, by itself and against the anchors."""
    read = AnchorPlaces(folder).read()
    report = await platform.store.check_audit(read.anchors)
    if report.holds and not read.bad:
        return Finding(
            True,
            Text(
                f"审计链完整（{report.rows} 条，{report.anchors} 个锚点相符）",
                f"the audit chain holds ({report.rows} rows, {report.anchors} anchors agree)",
            ),
        )
    first = report.breaks[0].text if report.breaks else read.bad[0][1]
    return Finding(
        False,
        Text(
            f"审计链不完整：{first.zh}。请立即联系安全保密管理员，运行 kangshu audit verify 查看详情",
            f"the audit chain is broken: {first.en}. Tell the security administrator; 'kangshu audit verify' tells more",
        ),
    )
