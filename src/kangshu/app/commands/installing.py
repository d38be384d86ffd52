"""`kangshu init` and `doctor`."""

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from kangshu.access import Grant
from kangshu.accounts import Account
from kangshu.api import Platform
from kangshu.app.commands.opened import DEFAULT, database_option, folder_option, run_with_platform
from kangshu.app.doctor import examine
from kangshu.app.installation import Identity, Installation
from kangshu.app.speech import Speech
from kangshu.base.faults import Conflict, Invalid
from kangshu.services import division

_FIRST_ACCOUNTS = (
    ("admin", "系统管理员", "system-administrator"),
    ("security", "安全保密管理员", "security-administrator"),
    ("audit", "安全审计员", "auditor"),
)


def add(application: typer.Typer, say: Speech) -> None:
    """Add the commands to `application`."""

    @application.command(
        help=say(
            "Make an empty city, to be filled from the pages and by Excel.",
            "建立空白城市，随后用网页和 Excel 录入。",
        )
    )
    def init(
        city: Annotated[str, typer.Option(help=say("the city's name in Chinese", "城市名称"))] = "",
        jurisdiction: Annotated[
            str, typer.Option(help=say("division code, 6 digits", "行政区划代码（6 位）"))
        ] = "",
        city_en: Annotated[str, typer.Option(help=say("the city's name in English", "英文名称"))] = "",
        data_dir: Annotated[Path, folder_option(say)] = DEFAULT,
        database: Annotated[str, database_option(say)] = "",
    ) -> None:
        identity = _identity(Installation(data_dir, database_url=database), city, jurisdiction, city_en)

        async def work(platform: Platform, system: Grant) -> list[tuple[str, str]]:
            if jurisdiction:
                await platform.store.update(system, division(jurisdiction, city or jurisdiction))
            there = {one.name for one in await platform.accounts.accounts(system)}
            made = []
            for name, display, role in _FIRST_ACCOUNTS:
                if name not in there:
                    new = await platform.accounts.create_account(
                        system, Account(name, display, (role,), must_change=True)
                    )
                    made.append((name, new.password))
            return made

        for name, password in run_with_platform(data_dir, database, work, identity=identity):
            sys.stdout.write(f"{name}\t{password}\n")
        sys.stdout.write(_next_step(say, data_dir, jurisdiction))

    @application.command(help=say("Check the installation and say what to do.", "检查实例并给出处理建议。"))
    def doctor(
        data_dir: Annotated[Path, folder_option(say)] = DEFAULT,
        database: Annotated[str, database_option(say)] = "",
    ) -> None:
        failed = 0
        for finding in examine(data_dir, database):
            failed += not finding.good
            mark = "ok " if finding.good else "!! "
            sys.stdout.write(f"{mark}{finding.text.in_language(say.language)}\n")
        if failed:
            raise typer.Exit(1)


def _identity(installation: Installation, city: str, jurisdiction: str, city_en: str) -> Identity:
    """Return what the installation is to be. Raises Conflict where it is a city already."""
    if jurisdiction and not re.fullmatch(r"\d{6}", jurisdiction):
        raise Invalid("a division code has six digits, as 120100", zh="行政区划代码应为 6 位数字")
    before = installation.identity() or Identity("")
    if before.jurisdiction or before.demo or (before.city_zh and not jurisdiction):
        raise Conflict(
            f"{installation.folder} holds {before.city_en or before.city_zh} already: give another --data-dir",
            zh=f"{installation.folder} 已是“{before.city_zh}”的实例：请用 --data-dir 另选目录",
        )
    return Identity(before.id, city or before.city_zh, city_en or city or before.city_en, jurisdiction)


def _next_step(say: Speech, folder: Path, jurisdiction: str) -> str:
    named = (
        ""
        if jurisdiction
        else say(
            "The city has no division code yet: run init again with --city and --jurisdiction.\n",
            "城市尚无区划代码：请带 --city 和 --jurisdiction 再运行一次 init。\n",
        )
    )
    return named + say(
        f"Next: kangshu serve --data-dir {folder}; sign in as admin, change the password, "
        "then fill 系统管理 and the registers\n",
        f"下一步：kangshu serve --data-dir {folder}，用 admin 登录并修改密码，然后在“系统管理”和各台账中录入\n",
    )
