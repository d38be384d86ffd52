"""The command `kangshu`: languages, secrets and signals first; what a command needs is loaded by itself.

Worker processes that Python starts read this file again, so it imports little.
"""

import os
import signal
import sys
from pathlib import Path

from kangshu.app.speech import Speech, take_language
from kangshu.base.faults import Fault

DATABASE = "KANGSHU_DB"
"""The environment's name for `--db`."""


def main() -> None:
    """Run the command line; what goes wrong is one clear line and exit status 2."""
    _hide_password(sys.argv)
    arguments, chosen = take_language(sys.argv[1:])
    say = Speech(chosen)
    _end_alike()
    try:
        from kangshu.app.commandline import run

        status = run(arguments, say)
        sys.stdout.flush()
    except Fault as fault:
        say.fault(fault)
        status = 2
    except KeyboardInterrupt:
        status = 130
    except BrokenPipeError:  # `kangshu … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        say.error(f"{where}{error.strerror or error}", f"{where}{error.strerror or error}")
        status = 2
    except Exception as error:  # noqa: BLE001 - the edge: no traceback, whose values may be personal data
        say.error(*_unexpected(error))
        status = 2
    raise SystemExit(status)


def _hide_password(argv: list[str]) -> None:
    """Start anew without the database's URL when it stands on the command line with a password.

    Every user of the machine may read command lines; the environment is the owner's alone.
    """
    for number, word in enumerate(argv):
        if word.startswith("--db="):
            url, rest = word.removeprefix("--db="), argv[:number] + argv[number + 1 :]
        elif word == "--db" and number + 1 < len(argv):
            url, rest = argv[number + 1], argv[:number] + argv[number + 2 :]
        else:
            continue
        if "@" in url or "password" in url:
            os.execve(sys.executable, [sys.executable, *rest], dict(os.environ) | {DATABASE: url})  # noqa: S606 - ourselves


def _end_alike() -> None:
    """Let SIGTERM and a closed terminal end a command as Ctrl-C does: what was started is stopped first."""
    for one in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(one) is not signal.SIG_IGN:
            signal.signal(one, lambda _number, _frame: signal.raise_signal(signal.SIGINT))
    if (
        signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    ):  # a shell's background job: SIGTERM must still end it
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _unexpected(error: Exception) -> tuple[str, str]:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
    name = type(error).__name__
    return (
        f"unexpected {name} at {where}: this is a mistake of the program; please report it with this line",
        f"程序意外出错（{name}，{where}）：请将此行反馈给开发者",
    )
