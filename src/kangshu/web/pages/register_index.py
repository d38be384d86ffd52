"""全部台账: every register that the account may read, by service; the menu holds those of its daily work alone."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from kangshu.web.menu import open_registers, register_icon, registers_of
from kangshu.web.visit import Visit


@dataclass(frozen=True, slots=True)
class ShownRegister:
    """One line: a register, and what it is for."""

    title: str
    address: str
    icon: str
    help: str


@dataclass(frozen=True, slots=True)
class ShownService:
    """One card: a service with its registers."""

    title: str
    help: str
    registers: tuple[ShownRegister, ...]


async def index(visit: Visit) -> Response:
    """全部台账."""
    words = visit.words
    services = [
        ShownService(
            words.of(service.title),
            words.of(service.help),
            tuple(
                ShownRegister(
                    words.of(one.title), f"/registers/{one.code}", register_icon(one), words.of(one.help)
                )
                for one in registers_of(service, visit.grant)
            ),
        )
        for service in open_registers(visit.platform.services, visit.grant)
    ]
    return visit.render("register_index.html", services=services)
