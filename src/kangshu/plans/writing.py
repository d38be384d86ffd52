"""The reach with which this room writes what it alone keeps, once it has asked whether the account may."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Final

from kangshu.access import ANY_TYPE, Everything, Grant

_EVERY: Final = MappingProxyType({ANY_TYPE: Everything()})


def writing(grant: Grant) -> Grant:
    """Return `grant` with leave to read and write what the act needs; the account stays, for the audit."""
    return replace(grant, read=_EVERY, write=_EVERY, operations=grant.operations | {"plan.engine"})
