"""Where the present call comes from: the network address of the client, known at the edge and told in the audit."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from ipaddress import ip_address
from typing import Any, Final

_ADDRESS: Final[ContextVar[str]] = ContextVar("address", default="")


def address() -> str:
    """Return the network address of the client whose call is being answered, "" where there is none."""
    return _ADDRESS.get()


def come_from(scope: Mapping[str, Any]) -> None:
    """Take up the client's address of an ASGI scope, for what is done on its behalf from here on.

    Behind a proxy on this machine the server has put there what the proxy forwards.
    """
    client = scope.get("client")
    try:
        _ADDRESS.set(str(ip_address(client[0])) if client else "")
    except ValueError:  # a proxy may forward anything
        _ADDRESS.set("")
