"""A real server for tests and measurements: python serve.py DATABASE_URL FOLDER; prints its port and a token."""

from __future__ import annotations

import socket
import sys
from datetime import timedelta
from pathlib import Path

import uvicorn

sys.path.insert(0, str(Path(__file__).parent))

from conftest import open_platform

from kangshu.api import fhir_app


async def serve(url: str, folder: Path) -> None:
    """Serve /fhir on a free port until the process is ended."""
    platform = await open_platform(url, folder)
    token = await platform.accounts.create_token("system", timedelta(hours=1))
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    print(listener.getsockname()[1], token, flush=True)
    config = uvicorn.Config(fhir_app(platform), log_level="warning", access_log=False, lifespan="off")
    await uvicorn.Server(config).serve(sockets=[listener])
    await platform.store.close()


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve(sys.argv[1], Path(sys.argv[2])))
