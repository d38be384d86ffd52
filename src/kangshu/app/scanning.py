"""Who looks at the files that people send, as the installation's configuration has it.

scan:
  clamd: /run/clamav/clamd.ctl          a socket, or host:port of the inner network
scan:
  command: [/usr/bin/clamscan, --no-summary, "-"]     reads the file from its input; ends with 1 when it found something
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from kangshu.base.faults import Fault
from kangshu.outbound import NO_SCANNER, Clamd, Scanner, ScanningProgram


def scanner(said: Any, wrong: Callable[[str], Fault]) -> Scanner:
    """Return the scanner; nothing said is nobody. Raises what `wrong` makes of a text."""
    if said is None:
        return NO_SCANNER
    if not isinstance(said, Mapping) or len(said) != 1 or said.keys() - {"clamd", "command"}:
        raise wrong("scan has clamd or command")
    if "clamd" in said:
        address = str(said["clamd"])
        if not re.fullmatch(r"/.{1,100}|[A-Za-z0-9.\-]{1,253}:[0-9]{1,5}", address):
            raise wrong("scan: clamd is a socket's path, or host:port")
        return Clamd(address)
    command = said["command"]
    if not isinstance(command, list) or not command or not str(command[0]).startswith("/"):
        raise wrong("scan: command is a list that begins with a program's full path")
    return ScanningProgram(tuple(map(str, command)))
