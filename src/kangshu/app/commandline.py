"""The commands by their first word, so that each loads only what it needs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Final, Protocol

import typer

from kangshu import __version__
from kangshu.app.groups import group
from kangshu.app.speech import Speech

PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "serving": ("demo", "serve"),
    "installing": ("init", "doctor"),
    "records": ("load", "token"),
    "auditing": ("audit",),
    "plans": ("plan",),
    "measured": ("measure",),
    "extracting": ("extract",),
    "language": ("fhirpath", "validate", "view"),
    "cities": ("city", "services"),
    "simulating": ("simulate",),
}
"""Module of `kangshu.app.commands` → the commands that it adds."""


class Part(Protocol):
    """A module of `kangshu.app.commands`."""

    def add(self, application: typer.Typer, say: Speech) -> None:
        """Add the commands to `application`."""


def run(arguments: list[str], say: Speech) -> int:
    """Run one command and return its exit status. Raises what the command raises."""
    try:
        status = application(say, arguments)(arguments, prog_name="kangshu", standalone_mode=False)
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        if not error.format_message():
            return 2  # a group without a command: its help has been shown
        say.usage(error.format_message(), context.command_path if context is not None else "kangshu")
        return 2
    except typer.Abort:
        return 130
    return status if isinstance(status, int) else 0


def application(say: Speech, arguments: Sequence[str] = ()) -> typer.Typer:
    """Return the command line in the language of `say`; with only the part that `arguments` name, else whole."""
    about = say(
        "Kangshu: a city runs its whole-health plan. Add --lang zh for Chinese.",
        "康枢：城市大健康规划推进平台。加 --lang en 显示英文。",
    )
    made = group(say, about)

    @made.callback(help=about)
    def whole() -> None:
        """Keep every command a command of its own, also when one alone is loaded."""

    @made.command(help=say("The version.", "版本号。"))
    def version() -> None:
        sys.stdout.write(f"kangshu {__version__}\n")

    word = next((one for one in arguments if not one.startswith("-")), "")
    wanted = [name for name, commands in PARTS.items() if word in commands]
    if word != "version":
        for name in wanted or PARTS:
            part: Part = import_module(f"kangshu.app.commands.{name}")
            part.add(made, say)
    return made
