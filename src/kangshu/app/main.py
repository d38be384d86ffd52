"""The command `kangshu`."""

import sys

import typer

from kangshu import __version__
from kangshu.app.commands import cities, language, measured, plans, records, serving
from kangshu.app.speech import Speech, take_language
from kangshu.base.faults import Fault


def application(say: Speech) -> typer.Typer:
    """Return the command line, its help in the language of `say`."""
    made = typer.Typer(
        name="kangshu",
        help=say(
            "Kangshu: a city runs its whole-health plan. Add --lang zh for Chinese.",
            "康枢：城市大健康规划推进平台。加 --lang en 显示英文。",
        ),
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )

    @made.command(help=say("The version.", "版本号。"))
    def version() -> None:
        sys.stdout.write(f"kangshu {__version__}\n")

    for part in (serving, records, plans, measured, language, cities):
        part.add(made, say)
    return made


def main() -> None:
    """Run the command line; a fault is one clear line and exit status 2."""
    arguments, chosen = take_language(sys.argv[1:])
    say = Speech(chosen)
    try:
        application(say)(arguments)
    except Fault as fault:
        say.fault(fault)
        raise SystemExit(2) from fault
    except KeyboardInterrupt:
        raise SystemExit(130) from None
