"""A process that books for many residents at once and prints each booking that it was told: it is killed in the middle."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from kangshu.access import system_grant
from kangshu.app.installation import Identity, Installation
from kangshu.app.wiring import Place, open_platform


async def main(url: str, many: int) -> None:
    """Book a place for each of `many` residents, in two slots by turns, again and again until there is none left."""
    folder = Path(tempfile.mkdtemp())
    place = Place(folder, Installation(folder).views, Identity("killed", jurisdiction="990100", demo=False))
    async with open_platform(url, place) as platform:

        async def one(number: int) -> None:
            booked = await platform.bookings.book(
                system_grant("killed"), f"kill-{number % 2}", f"kill-{number}"
            )
            print(booked.id, flush=True)

        for start in range(0, many, 6):
            await asyncio.gather(*(one(number) for number in range(start, start + 6)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
