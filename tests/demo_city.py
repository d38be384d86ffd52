"""The demonstration city, made once for a worker of the run; whoever needs one gets a copy of its database and folder."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvloop

from kangshu.app.demo import demo_identity, make_demo
from kangshu.app.installation import Installation
from kangshu.app.wiring import Place
from tests.databases import beside, database, execute

YEARS = 2


@dataclass(frozen=True, slots=True)
class DemoCopy:
    """A demo city of one's own: the name and the address of its database, where its files are, who can sign in."""

    database: str
    url: str
    place: Place
    passwords: dict[str, str]


@dataclass
class DemoCities:
    """Makes demo cities on one database server, each size once."""

    postgres_url: str
    places: pytest.TempPathFactory
    _made: dict[int, tuple[str, Path]] = field(default_factory=dict)
    _copies: int = 0

    @contextmanager
    def copy(self, word: str, residents: int) -> Iterator[DemoCopy]:
        """Give a copy of the city of so many residents for a while; `word` is part of its names."""
        original, folder = self._original(residents)
        self._copies += 1
        name = f"kangshu_{word}_{os.getpid()}_{self._copies}"
        with database(self.postgres_url, name, original) as url:
            own = self.places.mktemp(word)
            shutil.copytree(folder, own, dirs_exist_ok=True)
            kept = json.loads((own / "secrets" / "demo-accounts.json").read_text("utf-8"))
            passwords = {one["name"]: one["password"] for one in kept}
            place = Place(own, Installation(own).views, demo_identity())
            yield DemoCopy(name, url, place, passwords)

    def _original(self, residents: int) -> tuple[str, Path]:
        if residents not in self._made:
            name, folder = f"kangshu_demo_{os.getpid()}_{residents}", self.places.mktemp("demo")
            asyncio.run(execute(self.postgres_url, f"create database {name}"))
            installation, url = Installation(folder), beside(self.postgres_url, name)
            installation.found(demo_identity())
            # in the loop that the product runs in
            uvloop.run(
                make_demo(installation, url, residents=residents, years=YEARS, progress=lambda *_: None)
            )
            self._made[residents] = (name, folder)
        return self._made[residents]

    def close(self) -> None:
        """Take the originals away."""
        for name, _ in self._made.values():
            asyncio.run(execute(self.postgres_url, f"drop database if exists {name} with (force)"))
