"""The processes that the supervisor starts: `python -m kangshu.app.worker prepare|background|web`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Coroutine
from pathlib import Path

from kangshu.app.installation import Identity, Installation
from kangshu.app.processes import WorkerOrder, end_with_supervisor, message
from kangshu.base.faults import Fault

_LOG = logging.getLogger("kangshu.app")


def main() -> None:
    """Do one process's work until it is told to stop or its supervisor is gone."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("asyncpg").setLevel(logging.CRITICAL)  # what it tells, it also raises
    kind = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        order = WorkerOrder.received()
        end_with_supervisor(at_once=kind == "prepare")
        work = _work(kind, order)
        import uvloop

        uvloop.run(work)
    except Fault as fault:
        _told(kind, fault)
        raise SystemExit(2) from None
    except Exception as error:  # noqa: BLE001 - the edge: a traceback's values may be personal data
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
        _LOG.error("the %s process ends: %s at %s", kind, type(error).__name__, where)
        raise SystemExit(1) from None


def _work(kind: str, order: WorkerOrder) -> Coroutine[object, object, None]:
    """Return the work; each kind loads only what it needs."""
    installation = Installation(Path(order.data_dir))
    if kind == "prepare":
        from kangshu.app.preparing import prepare

        return prepare(installation, order)
    from kangshu.app.wiring import Place

    place = Place(
        installation.folder, installation.views, installation.identity() or Identity(""), order.public_url
    )
    if kind == "background":
        from kangshu.app import background_worker

        return background_worker.work(order, place)
    from kangshu.app import web_worker

    return web_worker.serve(order, place)


def _told(kind: str, fault: Fault) -> None:
    if kind == "prepare":
        sys.stdout.write(message("fault", {"text": fault.text, "zh": fault.zh}) + "\n")
        sys.stdout.flush()
    else:
        _LOG.error("the %s process ends: %s", kind, fault.text)


if __name__ == "__main__":
    main()
