"""Calls to other systems: to listed origins alone, to the address that was checked, without redirects."""

from kangshu.outbound.addresses import Origin, parse_origin, refused_address
from kangshu.outbound.calling import Answer, Outbound, OutboundRefused

__all__ = ["Answer", "Origin", "Outbound", "OutboundRefused", "parse_origin", "refused_address"]
