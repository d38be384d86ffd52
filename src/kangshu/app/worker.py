"""The processes that the supervisor starts: `python -m kangshu.app.worker prepare|web|background`."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import uvicorn
import uvloop

from kangshu.api import Platform, fhir_app, refresh_parameters
from kangshu.app.installation import Identity, Installation
from kangshu.app.preparing import prepare
from kangshu.app.processes import WorkerOrder, end_with_supervisor, message
from kangshu.app.wiring import Place, all_views, open_platform
from kangshu.base.faults import Conflict, Fault
from kangshu.measures import ViewKeeper
from kangshu.web import web_app

_LOG = logging.getLogger("kangshu.app")
_BEAT_SECONDS = 0.5
_PARAMETER_SECONDS = 2.0
_CASE_SECONDS = 60.0


def main() -> None:
    """Do one process's work until it is told to stop or its supervisor is gone."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("asyncpg").setLevel(logging.CRITICAL)  # what it tells, it also raises
    order = WorkerOrder.received()
    kind = sys.argv[1] if len(sys.argv) > 1 else ""
    end_with_supervisor(at_once=kind == "prepare")
    installation = Installation(Path(order.data_dir))
    place = Place(installation.folder, installation.views, installation.identity() or Identity(""))
    try:
        if kind == "prepare":
            asyncio.run(prepare(installation, order))
        else:
            uvloop.run({"web": _web, "background": _background}[kind](order, place))
    except Fault as fault:
        _told(kind, fault)
        raise SystemExit(2) from None
    except Exception as error:  # noqa: BLE001 - the edge: a traceback's values may be personal data
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
        _LOG.error("the %s worker ends: %s at %s", kind, type(error).__name__, where)
        raise SystemExit(1) from None


def _told(kind: str, fault: Fault) -> None:
    if kind == "prepare":
        sys.stdout.write(message("fault", {"text": fault.text, "zh": fault.zh}) + "\n")
        sys.stdout.flush()
    else:
        _LOG.error("the %s worker ends: %s", kind, fault.text)


async def _web(order: WorkerOrder, place: Place) -> None:
    listening = socket.socket(fileno=order.socket)
    async with open_platform(order.database, place, pool=order.pool) as platform:
        config = uvicorn.Config(
            _application(platform),
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=5,
            h11_max_incomplete_event_size=64 * 1024,
        )
        server = uvicorn.Server(config)
        beat = asyncio.create_task(_follow(platform))
        signal.signal(signal.SIGTERM, lambda _number, _frame: None)  # uvicorn passes it on; we tidy up first
        try:
            await server.serve(sockets=[listening])
        finally:
            beat.cancel()


def _application(platform: Platform) -> Any:
    """Return one ASGI app: /fhir is the FHIR face, /health the supervisor's question, all else pages."""
    fhir, pages = fhir_app(platform), web_app(platform)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if path == "/fhir" or path.startswith("/fhir/"):
            await fhir(scope, receive, send)
        elif path == "/health":
            await _health(send)
        else:
            await pages(scope, receive, send)

    return application


async def _health(send: Any) -> None:
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"3")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok\n"})


async def _follow(platform: Platform) -> None:
    """Take up parameters that other processes entered."""
    while True:
        await asyncio.sleep(_PARAMETER_SECONDS)
        try:
            await refresh_parameters(platform)
        except Fault as fault:
            _LOG.warning("parameters could not be read again: %s", fault.text)


async def _background(order: WorkerOrder, place: Place) -> None:
    """Number the feed, keep the views, seal the audit, until told to stop."""
    stopping = asyncio.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(one, stopping.set)
    async with open_platform(order.database, place, pool=order.pool) as platform:
        keeper = ViewKeeper(platform.store, place.views, all_views(platform.services))
        published = -1
        ticked = float("-inf")
        while not stopping.is_set():
            published = await _beat(platform, keeper, published)
            if time.monotonic() - ticked >= _CASE_SECONDS:
                ticked = time.monotonic()
                await _tick(platform)
            try:
                await asyncio.wait_for(stopping.wait(), _BEAT_SECONDS)
            except TimeoutError:
                continue


async def _beat(platform: Platform, keeper: ViewKeeper, published: int) -> int:
    """Do what is due once; a fault is logged and the next beat tries again."""
    try:
        await platform.store.seal_audit()
        position = await platform.store.feed_position()
        if position != published:
            return (await keeper.refresh()).position
    except Conflict:
        _LOG.info("another keeper is at work on the views")
    except Fault as fault:
        _LOG.warning("background work will be tried again: %s", fault.text)
    return published


async def _tick(platform: Platform) -> None:
    """Make the cases' moves that are due by themselves and tell of passed deadlines."""
    try:
        await refresh_parameters(platform)
        await platform.cases.tick()
    except Fault as fault:
        _LOG.warning("deadlines will be looked at again: %s", fault.text)


if __name__ == "__main__":
    main()
