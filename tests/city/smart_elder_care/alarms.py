"""A storm of alarms against a served product while its processes are killed; also run at full size by bench/alarms_bench.py."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from kangshu.access import system_grant
from kangshu.app.installation import Identity, Installation
from kangshu.app.simulating import Sent, events, send
from kangshu.app.wiring import Place, city_services, open_platform
from kangshu.base.canonical import CASE_KIND
from kangshu.cases import SIGNAL_EVENT, DeskRow
from kangshu.sdk import Resource
from tests.app.product import Product, kangshu, kill

SYSTEM = system_grant("alarms")
DESK = "smart_elder_care/calls"
RANKS = ("stat", "asap", "urgent", "routine")


@dataclass(frozen=True)
class Storm:
    """What was sent, what stands, and the desk as somebody on duty would see it. `killed` counts processes."""

    sent: Sent
    tasks: list[Resource]
    rows: tuple[DeskRow, ...]
    killed: int
    seconds: float

    def times_taken(self) -> Counter[str]:
        """Return how often the id of each event stands in a case."""
        return Counter(
            mark["value"].rpartition("/")[2]
            for task in self.tasks
            for mark in task["identifier"]
            if mark["system"] == SIGNAL_EVENT
        )


def storm(folder: Path, count: int) -> Storm:
    """Serve an empty installation with two web workers, send it `count` alarms at once, kill with -9 what works."""
    product = Product(folder, "serve", workers=2)
    try:
        product.serving()
        made = kangshu("token", "create", "--account", "system", "--ttl", "1h", "--data-dir", folder)
        assert made.returncode == 0, made.stderr
        token = made.stdout.strip().splitlines()[-1]
        sent, killed, seconds = _under_fire(product, token, count)
        tasks, rows = asyncio.run(_stand(folder, count))
        return Storm(sent, tasks, rows, killed, seconds)
    finally:
        product.clean()


def _under_fire(product: Product, token: str, count: int) -> tuple[Sent, int, float]:
    (signal,) = (
        one for each in city_services() for one in each.signals if one.code == "smart_elder_care/alarm"
    )
    kinds = {one.id: one for one in signal.examples}
    mixed = [
        event
        for name, share in (
            ("living", count // 4),
            ("one-touch", count // 2),
            ("fall", count - 3 * count // 4),
        )
        for event in events(signal, kinds[name], share, {"device.number": f"X-{name}-{{n}}"}, name)
    ]
    heard = threading.Semaphore(0)
    address, found = f"http://127.0.0.1:{product.port}", list[Sent]()

    def fire() -> None:
        found.append(send(address, token, signal, mixed, parallel=32, answered=lambda _: heard.release()))

    begun = time.monotonic()
    sending = threading.Thread(target=fire)
    sending.start()
    killed = 0
    for kind in ("web", "background", "web"):
        for _ in range(len(mixed) // 8):
            heard.acquire(timeout=120)
        workers = product.workers(kind)
        if workers:
            kill(workers[0])
            killed += 1
    sending.join()
    return found[0], killed, time.monotonic() - begun


async def _stand(folder: Path, count: int) -> tuple[list[Resource], tuple[DeskRow, ...]]:
    installation = Installation(folder)
    running = installation.running()
    assert running is not None
    place = Place(folder, installation.views, Identity(""))
    async with open_platform(running.database, place, pool=2) as platform:
        criteria = f"code={CASE_KIND}|smart_elder_care/call"
        tasks = await platform.store.search_all(SYSTEM, "Task", criteria)
        return tasks, await platform.cases.desks.rows(SYSTEM, DESK, count)
