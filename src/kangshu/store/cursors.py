"""Page cursors: where a listing goes on, signed for one account and one query."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from kangshu.access import Grant
from kangshu.base.faults import NotFound
from kangshu.search import Query

_DIGEST = 16


class Cursors:
    """Makes and reads cursors with the secret of the installation."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def write(self, grant: Grant, listing: str, values: list[Any]) -> str:
        """Return a cursor that only this account can use, and only for `listing`."""
        body = msgspec.json.encode([_plain(value) for value in values])
        return base64.urlsafe_b64encode(self._sign(grant, listing, body) + body).decode().rstrip("=")

    def read(self, grant: Grant, listing: str, cursor: str) -> list[Any]:
        """Return the values of a cursor.

        Raises:
            NotFound: not a cursor of this account for this listing.
        """
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except (binascii.Error, ValueError):
            raise _unknown() from None
        signature, body = raw[:_DIGEST], raw[_DIGEST:]
        if not hmac.compare_digest(signature, self._sign(grant, listing, body)):
            raise _unknown()
        return [_typed(value) for value in msgspec.json.decode(body)]

    def _sign(self, grant: Grant, listing: str, body: bytes) -> bytes:
        text = f"{grant.account}\0{listing}\0".encode() + body
        return hmac.new(self._secret, text, hashlib.sha256).digest()[:_DIGEST]


def listing_of(query: Query) -> str:
    """Return what a cursor of `query` is bound to: its matches and their order, not how they are shown."""
    return repr(
        replace(query, count=0, total="none", elements=(), summary="", ignored=(), text="", includes=())
    )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"t": value.isoformat()}
    return {"n": str(value)} if isinstance(value, Decimal) else value


def _typed(value: Any) -> Any:
    if isinstance(value, dict):
        return datetime.fromisoformat(value["t"]) if "t" in value else Decimal(value["n"])
    return value


def _unknown() -> NotFound:
    return NotFound(
        "this page is not there; start the search again", zh="该分页不存在或不属于当前账号，请重新检索"
    )
