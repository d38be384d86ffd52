"""A web worker: pages and the FHIR face on the socket that all web workers share."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from typing import Any

import uvicorn

from kangshu.api import OAUTH_ROOT, Platform, fhir_app, oauth_app, refresh_parameters
from kangshu.app.processes import WorkerOrder
from kangshu.app.wiring import Place, open_platform
from kangshu.base.faults import Fault
from kangshu.web import web_app

_LOG = logging.getLogger("kangshu.app")
_PARAMETER_SECONDS = 2.0


async def serve(order: WorkerOrder, place: Place) -> None:
    """Serve until told to stop; then finish what is being answered."""
    listening = socket.socket(fileno=order.socket)
    async with open_platform(order.database, place, pool=order.pool) as platform:
        config = uvicorn.Config(
            application(platform),
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=5,
            h11_max_incomplete_event_size=64 * 1024,
        )
        server = uvicorn.Server(config)
        beat = asyncio.create_task(_follow(platform))
        ears = asyncio.create_task(platform.accounts.follow())
        signal.signal(signal.SIGTERM, lambda _number, _frame: None)  # uvicorn passes it on; we tidy up first
        try:
            await server.serve(sockets=[listening])
        finally:
            beat.cancel()
            ears.cancel()


def application(platform: Platform) -> Any:
    """Return one ASGI app: /fhir is the FHIR face, /oauth gives tokens to services, /health the supervisor's question, all else pages."""
    fhir, oauth, pages = fhir_app(platform), oauth_app(platform), web_app(platform)

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if path == "/fhir" or path.startswith("/fhir/"):
            await fhir(scope, receive, send)
        elif path.startswith(f"{OAUTH_ROOT}/"):
            await oauth(scope, receive, send)
        elif path == "/health":
            await _health(send)
        else:
            await pages(scope, receive, send)

    return answer


async def _health(send: Any) -> None:
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"3")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok\n"})


async def _follow(platform: Platform) -> None:
    """Take up parameters that other processes entered; tell once when that begins to fail."""
    failing = False
    while True:
        await asyncio.sleep(_PARAMETER_SECONDS)
        try:
            await refresh_parameters(platform)
            failing = False
        except Fault as fault:
            if not failing:
                _LOG.warning("parameters could not be read again: %s", fault.text)
            failing = True
