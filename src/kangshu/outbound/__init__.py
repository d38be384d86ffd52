"""Calls to other systems: to listed origins alone, to the address that was checked, without redirects."""

from kangshu.outbound.addresses import Origin, parse_origin, refused_address
from kangshu.outbound.calling import Answer, Outbound, OutboundRefused
from kangshu.outbound.scanning import NO_SCANNER, Clamd, Scanner, ScanningProgram

__all__ = [
    "NO_SCANNER",
    "Answer",
    "Clamd",
    "Origin",
    "Outbound",
    "OutboundRefused",
    "Scanner",
    "ScanningProgram",
    "parse_origin",
    "refused_address",
]
