"""Groups of commands, Typer's own words in the language of the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer
from typer import rich_utils
from typer.core import TyperCommand, TyperGroup

from kangshu.app.speech import Speech


def group(say: Speech, help: str) -> typer.Typer:
    """Return a group of commands, its own words in the language of `say`."""
    if say.language == "zh":
        _speak_chinese()
        return _ChineseTyper(
            help=help, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
            cls=_ChineseGroup, options_metavar="[选项]", subcommand_metavar="命令 [参数]...",
        )  # fmt: skip
    return typer.Typer(help=help, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


class _ChineseWords:
    """Says in Chinese what Typer says in English of every command."""

    def get_usage(self, ctx: Any) -> str:
        usage: str = super().get_usage(ctx)  # type: ignore[misc] # the command that this is mixed into
        return usage.replace("Usage:", "用法：", 1)

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)  # type: ignore[misc] # the command that this is mixed into
        if option is not None:
            option.help = "显示本说明并退出。"
        return option


class _ChineseCommand(_ChineseWords, TyperCommand):
    pass


class _ChineseGroup(_ChineseWords, TyperGroup):
    pass


class _ChineseTyper(typer.Typer):
    def command(self, name: str | None = None, **options: Any) -> Callable[[Any], Any]:
        chosen: dict[str, Any] = {"cls": _ChineseCommand, "options_metavar": "[选项]"}
        return super().command(name, **(chosen | options))


def _speak_chinese() -> None:
    rich_utils.ARGUMENTS_PANEL_TITLE = "参数"
    rich_utils.OPTIONS_PANEL_TITLE = "选项"
    rich_utils.COMMANDS_PANEL_TITLE = "命令"
    rich_utils.DEFAULT_STRING = "[默认：{}]"
    rich_utils.ENVVAR_STRING = "[环境变量：{}]"
    rich_utils.REQUIRED_LONG_STRING = "[必填]"
