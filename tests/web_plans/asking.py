"""How the tests ask: forms sent with the page's token, text without tags."""

from __future__ import annotations

import html
import re

import httpx

from tests.web.site import token_of


def send(client: httpx.Client, page: str, address: str, /, **form: str) -> httpx.Response:
    """Return the answer to a form of `page` that goes to `address`."""
    return client.post(address, data={"_token": token_of(client.get(page).text), **form})


def plain(page: str) -> str:
    """Return the words of a page."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def between(page: str, start: str, end: str) -> str:
    """Return the words of a page from `start` to the next `end`, both of them HTML."""
    found = re.search(f"{re.escape(start)}(.*?){re.escape(end)}", page, re.S)
    assert found, f"no {start} … {end}"
    return plain(found[1])
