"""What an address on the network is: its origin, compared whole, and the machines that are never called. No I/O."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from kangshu.base.faults import Invalid

_PRINTED: Final = re.compile(r"[!-~]{1,2000}")
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_PORTS: Final = {"https": 443, "http": 80}
_TRANSLATED: Final = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
"""NAT64: an address of the old network within one of the new; where it leads is another's decision."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port: what an allow list holds, compared whole and never by a part."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}" + ("" if self.port == _PORTS[self.scheme] else f":{self.port}")


def parse_origin(url: str) -> tuple[Origin, str]:
    """Return the origin of `url`, and the path with the query that is asked for there.

    Raises Invalid for what is read one way here and another elsewhere: user names, fragments, signs beyond
    printable ASCII, a backslash, a dot at the host's end, capital letters in the host, an odd port.
    """
    if not _PRINTED.fullmatch(url) or "\\" in url:
        raise _odd("signs that no address has")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _odd("an odd port or host") from error
    if parts.scheme not in _PORTS or not url.startswith(f"{parts.scheme}://"):
        raise _odd("a scheme other than https")
    if "@" in parts.netloc or parts.fragment or "#" in url or "%" in parts.netloc:
        raise _odd("a user name, a fragment or an encoded host")
    host = parts.hostname or ""
    written = f"[{host}]" if ":" in host else host
    if parts.netloc not in (written, f"{written}:{port}"):
        raise _odd("a host that is not in small letters, or an odd port")
    if ":" not in host and not all(_LABEL.fullmatch(label) for label in host.split(".")):
        raise _odd("a host that is no name")
    if port is not None and not 0 < port < 65536:
        raise _odd("an odd port")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Origin(parts.scheme, host, port or _PORTS[parts.scheme]), path


def numeric(host: str) -> bool:
    """Return whether `host` is an address in any notation that some resolver reads: 127.1, 0x7f.1, 2130706433, ::1."""
    return ":" in host or all(re.fullmatch(r"0x[0-9a-f]*|[0-9]+", label) for label in host.split("."))


def refused_address(address: str) -> bool:
    """Return whether a machine at `address` is never called unasked: loopback, private, link-local, reserved."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inner is not None or any(found in one for one in _TRANSLATED):
            return True
    return not found.is_global or found.is_multicast or found.is_reserved or found.is_unspecified


def _odd(what: str) -> Invalid:
    return Invalid(f"this address is not called: it has {what}", zh="外部地址写法不合规，拒绝访问")
