"""`kangshu simulate`: plays an outside system that sends events (a telephony or device platform)."""

import secrets
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from kangshu.access import Grant
from kangshu.api import Platform
from kangshu.app.commands.opened import DEFAULT, database_option, folder_option, run_with_platform
from kangshu.app.installation import Installation
from kangshu.app.simulating import Sent, events, send
from kangshu.app.speech import Speech
from kangshu.app.wiring import city_services
from kangshu.base.faults import Invalid, NotFound
from kangshu.sdk import SignalDeclaration, SignalExample


def add(application: typer.Typer, say: Speech) -> None:
    """Add the command to `application`."""

    @application.command(
        help=say(
            "Send the example events of a signal to the running product, as the outside system would.",
            "按外部系统的方式，向运行中的系统发送信号接口的示例事件。",
        )
    )
    def simulate(
        signal: Annotated[
            str,
            typer.Argument(
                help=say("service/signal; without it they are listed", "服务/信号；不填则列出全部")
            ),
        ] = "",
        example: Annotated[
            str, typer.Option(help=say("id of the example; the first", "示例编号，默认第一个"))
        ] = "",
        count: Annotated[int, typer.Option(min=1, max=100_000, help=say("how many events", "事件数"))] = 1,
        parallel: Annotated[int, typer.Option(min=1, max=200, help=say("senders at once", "并发数"))] = 1,
        every: Annotated[
            float, typer.Option(min=0.0, help=say("seconds between two of a sender", "每次间隔秒数"))
        ] = 0.0,
        change: Annotated[
            list[str] | None,
            typer.Option(
                "--set",
                help=say("path=value put into the event; {n} is its number", "路径=值，写入事件；{n} 为序号"),
            ),
        ] = None,
        account: Annotated[
            str,
            typer.Option(help=say("account that sends; a token is made for it", "发送账号（自动生成令牌）")),
        ] = "telephony",
        data_dir: Annotated[Path, folder_option(say)] = DEFAULT,
        database: Annotated[str, database_option(say)] = "",
    ) -> None:
        if not signal:
            _list(say)
            return
        declared = _declared(signal)
        chosen = _example(declared, example)
        running = Installation(data_dir, database_url=database, existing=True).running()
        if running is None or not running.address:
            raise NotFound(
                "the product is not running: kangshu serve", zh="系统未运行，请先执行 kangshu serve"
            )

        async def token(platform: Platform, system: Grant) -> str:
            return await platform.accounts.create_token(account, timedelta(hours=1), "simulator")

        made = list(events(declared, chosen, count, _changes(change or []), secrets.token_hex(4)))
        key = run_with_platform(data_dir, database, token)
        _told(send(running.address, key, declared, made, parallel=parallel, every=every), say)


def _list(say: Speech) -> None:
    for service in city_services():
        for one in service.signals:
            sys.stdout.write(f"{one.code}  {say(one.title.en, one.title.zh)}\n")
            for each in one.examples:
                sys.stdout.write(f"    {each.id}  {say(each.title.en, each.title.zh)}\n")


def _declared(code: str) -> SignalDeclaration:
    found = next((one for service in city_services() for one in service.signals if one.code == code), None)
    if found is None:
        raise NotFound(f"there is no signal '{code[:80]}'", zh=f"没有信号接口“{code[:80]}”")
    return found


def _example(signal: SignalDeclaration, name: str) -> SignalExample:
    found = next((one for one in signal.examples if not name or one.id == name), None)
    if found is None:
        known = ", ".join(one.id for one in signal.examples)
        raise NotFound(
            f"there is no example '{name[:40]}'; known are {known}",
            zh=f"没有示例“{name[:40]}”，可选：{known}",
        )
    return found


def _changes(given: list[str]) -> dict[str, str]:
    found = {}
    for one in given:
        path, equals, value = one.partition("=")
        if not equals or not path:
            raise Invalid(f"'{one[:80]}' is not path=value", zh=f"“{one[:80]}”应写作 路径=值")
        found[path] = value
    return found


def _told(sent: Sent, say: Speech) -> None:
    for outcome, count in sent.outcomes.most_common():
        sys.stdout.write(f"{outcome}: {count}\n")
    for text in sorted(set(sent.refused))[:5]:
        sys.stderr.write(f"{text}\n")
    if sent.again:
        sys.stdout.write(say(f"sent again: {sent.again}", f"重发：{sent.again}") + "\n")
    if sent.seconds:
        ranked = sorted(sent.seconds)
        middle, late = ranked[len(ranked) // 2], ranked[int(len(ranked) * 0.99)]
        text = f"answered in {middle:.3f} s (half), {late:.3f} s (99 %)"
        sys.stdout.write(say(text, f"应答用时：中位 {middle:.3f} 秒，99% {late:.3f} 秒") + "\n")
    if sent.refused or sent.outcomes["unanswered"]:
        raise typer.Exit(1)
