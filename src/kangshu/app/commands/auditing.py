"""`kangshu audit`: anchors of the audit outside the database, and the check of its chain against them."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from kangshu.access import Grant
from kangshu.api import Platform
from kangshu.app.commands.opened import DEFAULT, database_option, folder_option, run_with_platform
from kangshu.app.groups import group
from kangshu.app.speech import Speech
from kangshu.base.clock import CITY_ZONE
from kangshu.base.faults import NotFound
from kangshu.store import AnchorPlaces, AnchorsRead, Break, ChainReport

_BROKEN = 1


def add(application: typer.Typer, say: Speech) -> None:
    """Add the commands to `application`."""
    audit = group(say, say("The audit: its chain and its anchors.", "审计日志：校验与锚点。"))
    _add_anchor(audit, say)
    _add_verify(audit, say)
    _add_places(audit, say)
    application.add_typer(audit, name="audit")


def _add_anchor(audit: typer.Typer, say: Speech) -> None:
    @audit.command(
        help=say(
            "Write where the chain ends now, signed, to every place; the line goes to standard output.",
            "立即将审计链当前末端签名写出到各处，并打印该行文本（可打印、邮寄、转为二维码）。",
        )
    )
    def anchor(
        data_dir: Annotated[Path, folder_option(say)] = DEFAULT,
        database: Annotated[str, database_option(say)] = "",
    ) -> None:
        async def work(platform: Platform, _: Grant) -> int:
            head = await platform.store.audit_head()
            if head is None:
                raise NotFound("the audit holds no row yet", zh="审计日志尚无记录")
            written = AnchorPlaces(data_dir.expanduser().absolute()).write(head)
            sys.stdout.write(f"{written.line}\n")
            for path in written.files:
                sys.stderr.write(say(f"written: {path}\n", f"已写出：{path}\n"))
            for place, why in written.failed:
                say.error(f"{place} cannot be written: {why}", f"{place} 无法写入：{why}")
            return len(written.failed)

        if run_with_platform(data_dir, database, work, existing=True):
            raise typer.Exit(2)


def _add_verify(audit: typer.Typer, say: Speech) -> None:
    @audit.command(
        help=say(
            "Check the chain, then the anchors against it. Exit status: 0 holds, 1 broken, 2 not checked.",
            "校验审计链，再与锚点比对。返回码：0 完整，1 不符，2 未能校验。",
        )
    )
    def verify(
        anchor: Annotated[
            list[Path] | None,
            typer.Option(
                "--anchor",
                help=say(
                    "file or folder with anchors; without it those of every place",
                    "锚点文件或目录；不给则取各处已写出的锚点",
                ),
            ),
        ] = None,
        public_key: Annotated[
            Path | None,
            typer.Option(
                "--public-key",
                help=say(
                    "the installation's public key, kept elsewhere; without it the one in the data folder",
                    "另行保管的实例公钥；不给则取数据目录中的公钥",
                ),
            ),
        ] = None,
        data_dir: Annotated[Path, folder_option(say)] = DEFAULT,
        database: Annotated[str, database_option(say)] = "",
    ) -> None:
        async def work(platform: Platform, _: Grant) -> tuple[ChainReport, AnchorsRead]:
            read = AnchorPlaces(data_dir.expanduser().absolute()).read(anchor or (), public_key)
            return await platform.store.check_audit(read.anchors), read

        report, read = run_with_platform(data_dir, database, work, existing=True)
        sys.stdout.write(_told(report, read, say))
        if not report.holds or read.bad:
            raise typer.Exit(_BROKEN)


def _add_places(audit: typer.Typer, say: Speech) -> None:
    @audit.command(
        help=say(
            "Show or set the folders outside the data folder to which anchors are written.",
            "查看或设置锚点写出的外部目录（只写一次的存储、他机共享等）。",
        )
    )
    def places(
        folders: Annotated[
            list[Path] | None,
            typer.Argument(
                help=say("the folders, in place of those named before", "目录，替换原有设置"),
                metavar="FOLDER",
            ),
        ] = None,
        none: Annotated[
            bool, typer.Option("--none", help=say("no further folder", "不写出到外部目录"))
        ] = False,
        data_dir: Annotated[Path, folder_option(say)] = DEFAULT,
    ) -> None:
        kept = AnchorPlaces(data_dir.expanduser().absolute())
        if folders or none:
            kept.name(folders or ())
        for place in (kept.own, *kept.named()):
            sys.stdout.write(f"{place}\n")


def _told(report: ChainReport, read: AnchorsRead, say: Speech) -> str:
    """Return the report as people read it."""
    lines = [
        say(
            f"{report.rows} rows in {report.batches} batches read, the last is row {report.position}",
            f"已校验 {report.rows} 条、{report.batches} 批，末条为第 {report.position} 条",
        )
    ]
    for one in report.breaks:
        lines.append(f"!! {one.text.in_language(say.language)}{_between(one, say)}")
    if report.broken > len(report.breaks):
        more = report.broken - len(report.breaks)
        lines.append(say(f"!! and {more} more", f"!! 另有 {more} 处"))
    for path, why in read.bad:
        lines.append(f"!! {path.name}: {why.in_language(say.language)}")
    if read.anchors:
        lines.append(
            say(
                f"{report.anchors} of {len(read.anchors)} anchors agree, up to row {report.anchored}",
                f"{len(read.anchors)} 个锚点中 {report.anchors} 个相符，至第 {report.anchored} 条",
            )
        )
    else:
        lines.append(
            say(
                "no anchor to compare with: a history chained anew as a whole would not be seen",
                "没有可比对的锚点：整体改写并重新成链的情形无法发现",
            )
        )
    holds = report.holds and not read.bad
    lines.append(
        say("the audit holds", "校验通过：审计日志完整")
        if holds
        else say("the audit does not hold", "校验未通过：审计日志不完整，请保留现场并报告安全保密管理员")
    )
    return "\n".join(lines) + "\n"


def _between(one: Break, say: Speech) -> str:
    after = f"{one.after.astimezone(CITY_ZONE):%Y-%m-%d %H:%M:%S}" if one.after else ""
    before = f"{one.before.astimezone(CITY_ZONE):%Y-%m-%d %H:%M:%S}" if one.before else ""
    if after and before:
        return say(f" (between {after} and {before})", f"（{after} 至 {before} 之间）")
    if after or before:
        return say(
            f" ({'after ' + after if after else 'before ' + before})",
            f"（{after + ' 之后' if after else before + ' 之前'}）",
        )
    return ""
