"""Where the pages of a test run are, and who can sign in."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from kangshu.api import Platform

T = TypeVar("T")
TOKEN = re.compile(r'name="_token" value="([0-9a-f]+)"')


@dataclass(frozen=True, slots=True)
class Site:
    """Where the pages are, who can sign in, and the ids that tests open."""

    address: str
    passwords: dict[str, str]
    loop: asyncio.AbstractEventLoop
    platform: Platform

    def visitor(self, name: str = "", **headers: str) -> httpx.Client:
        """Return a browser signed in as `name`; nobody where it is empty. Redirects are not followed."""
        client = httpx.Client(base_url=self.address, timeout=60, headers=headers)
        if name:
            token = token_of(client.get("/sign-in").text)
            form = {"name": name, "password": self.passwords[name], "_token": token, "next": "/"}
            answer = client.post("/sign-in", data=form)
            assert answer.status_code == 303, answer.text[:500]
        return client

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what `work` returns, run where the pages run."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)


def token_of(page: str) -> str:
    """Return the form token of a page."""
    found = TOKEN.search(page)
    assert found, page[:800]
    return found[1]
