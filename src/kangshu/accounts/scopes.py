"""Scopes of SMART (`system/Patient.rs`): what a token of an application may do of what its account may do.

A grant knows reading and writing of a type, so `rs` (read and search) and `cud` (create, update, delete) come
together; a scope with fewer letters would promise a narrower right than is kept, and is refused.
Source: SMART App Launch 2.2.0, "Scopes for requesting FHIR Resources".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from kangshu.access import Grant, narrowed
from kangshu.base.faults import Invalid

_SCOPE: Final = re.compile(r"system/(\*|[A-Z][A-Za-z]{0,63})\.(c?r?u?d?s?)")
_READ: Final = frozenset("rs")
_WRITE: Final = frozenset("cud")
_OPERATION: Final = re.compile(
    r"system/\$([a-z][a-z.\-]{1,63}(?::[a-z][a-z0-9_]{0,40}/[a-z][a-z0-9_\-]{0,40})?)"
)
"""Our own: a named operation of the account's roles, such as `system/$measure.read` or, of one signal,
`system/$signal.send:service/signal`."""
OFFERED: Final = ("system/*.rs", "system/*.cud", "system/*.cruds")


def parse_scopes(text: str) -> tuple[str, ...]:
    """Return the scopes written in `text`, each once. Raises Invalid when one cannot be kept to the letter."""
    found = tuple(dict.fromkeys(text.split()))
    for one in found:
        match = _SCOPE.fullmatch(one)
        if match is not None:
            letters = frozenset(match[2])
            if letters and letters in (_READ, _WRITE, _READ | _WRITE):
                continue
        elif _OPERATION.fullmatch(one):
            continue
        raise Invalid(
            f"scope '{one[:80]}' is not offered: write system/Type.rs, .cud or .cruds",
            zh=f"不支持的授权范围“{one[:80]}”：请写作 system/类型.rs、.cud 或 .cruds",
        )
    return found


def allowed(asked: Sequence[str], registered: Iterable[str]) -> tuple[str, ...]:
    """Return those of the scopes `asked` that the scopes `registered` cover."""
    held = tuple(registered)
    return tuple(one for one in asked if any(_covers(wide, one) for wide in held))


def narrow(grant: Grant, scopes: Iterable[str]) -> Grant:
    """Return `grant` with no more than `scopes` say. Without a scope nothing is left."""
    read, write, operations = set[str](), set[str](), set[str]()
    for one in scopes:
        if match := _SCOPE.fullmatch(one):
            letters = frozenset(match[2])
            if letters >= _READ:
                read.add(match[1])
            if letters >= _WRITE:
                write.add(match[1])
        elif match := _OPERATION.fullmatch(one):
            operations.add(match[1])
    return narrowed(grant, read=read, write=write, operations=operations, app=grant.app)


def _covers(wide: str, narrow: str) -> bool:
    if wide == narrow:
        return True
    one, other = _SCOPE.fullmatch(wide), _SCOPE.fullmatch(narrow)
    if one is None or other is None:
        return False
    return one[1] in ("*", other[1]) and frozenset(one[2]) >= frozenset(other[2])
