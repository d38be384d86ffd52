"""`kangshu load`, `token create` and `second-factor reset`."""

import re
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from kangshu.access import Grant
from kangshu.api import Platform
from kangshu.app.commands.opened import DEFAULT, database_option, folder_option, run_with_platform
from kangshu.app.groups import group
from kangshu.app.speech import Speech
from kangshu.base.faults import Invalid
from kangshu.store import LoadReport


def add(application: typer.Typer, say: Speech) -> None:
    """Add the commands to `application`."""

    @application.command(
        help=say("Load Bundles and NDJSON, also .gz and .bz2.", "装载 Bundle、NDJSON 文件（可为 .gz/.bz2）。")
    )
    def load(
        files: Annotated[list[Path], typer.Argument(help=say("files or folders", "文件或目录"))],
        data_dir: Annotated[Path, folder_option(say)] = DEFAULT,
        database: Annotated[str, database_option(say)] = "",
    ) -> None:
        paths = _expanded(files)

        async def work(platform: Platform, system: Grant) -> LoadReport:
            return await platform.store.load_files(system, paths, _counter(say))

        report = run_with_platform(data_dir, database, work)
        for problem in report.problems:
            sys.stderr.write(f"{say('error', '错误')}: {problem}\n")
        seconds, rate = report.seconds, report.per_second
        sys.stdout.write(
            say(
                f"{report.resources} resources in {seconds:.1f} s: {rate:.0f} resources/s",
                f"共 {report.resources} 条资源，{seconds:.1f} 秒，每秒 {rate:.0f} 条",
            )
            + "\n"
        )
        if report.problems:
            raise typer.Exit(2)

    token = group(say, say("Bearer tokens.", "访问令牌。"))

    @token.command(help=say("Make a bearer token; it is the last line.", "生成访问令牌（最后一行）。"))
    def create(
        account: Annotated[str, typer.Option(help=say("account name", "账号"))],
        ttl: Annotated[
            str, typer.Option(help=say("how long, as 30m, 1h, 7d", "有效期，如 30m、1h、7d"))
        ] = "1h",
        data_dir: Annotated[Path, folder_option(say)] = DEFAULT,
        database: Annotated[str, database_option(say)] = "",
    ) -> None:
        lasting = _lasting(ttl)

        async def work(platform: Platform, system: Grant) -> str:
            return await platform.accounts.create_token(account, lasting, "command line")

        sys.stdout.write(run_with_platform(data_dir, database, work) + "\n")

    application.add_typer(token, name="token")

    factor = group(say, say("Second factors (one-time codes).", "动态口令。"))

    @factor.callback()
    def several() -> None:
        """Keep the command's name, though it is the only one of its group."""

    @factor.command(
        help=say(
            "Take the second factor of an account away, when no security administrator can sign in.",
            "清除某账号的动态口令（安全保密管理员均无法登录时使用）。",
        )
    )
    def reset(
        account: Annotated[str, typer.Option(help=say("account name", "账号"))],
        data_dir: Annotated[Path, folder_option(say)] = DEFAULT,
        database: Annotated[str, database_option(say)] = "",
    ) -> None:
        async def work(platform: Platform, system: Grant) -> None:
            await platform.accounts.second_factors.reset(system, account)

        run_with_platform(data_dir, database, work)
        sys.stdout.write(
            say(
                "done: it is set up anew at the next sign-in",
                "已清除，下次登录时重新设置",
            )
            + "\n"
        )

    application.add_typer(factor, name="second-factor")


def _expanded(files: list[Path]) -> list[Path]:
    """Return the files, folders opened: those whose names begin with 0- (hospitals, practitioners) first."""
    found: list[Path] = []
    for file in files:
        if not file.exists():
            raise Invalid(f"there is no {file}", zh=f"文件不存在：{file}")
        found += sorted(one for one in file.iterdir() if _loadable(one)) if file.is_dir() else [file]
    return sorted(found, key=lambda one: _rank(one.name))


def _rank(name: str) -> int:
    if not name.startswith("0-"):
        return 2
    return 0 if "hospital" in name else 1


def _loadable(file: Path) -> bool:
    return any(word in {".json", ".ndjson"} for word in file.suffixes)


def _lasting(text: str) -> timedelta:
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if not found:
        raise Invalid(
            f"'{text}' is no time like 30m, 1h or 7d", zh=f"“{text}”不是有效期，请写作 30m、1h 或 7d"
        )
    unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[found[2]]
    return timedelta(**{unit: int(found[1])})


def _counter(say: Speech) -> Callable[[int], None]:
    last = [0.0]

    def count(done: int) -> None:
        if time.monotonic() - last[0] > 1 and sys.stderr.isatty():
            last[0] = time.monotonic()
            sys.stderr.write(say(f"\r{done} loaded", f"\r已装载 {done} 条"))

    return count
