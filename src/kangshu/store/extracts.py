"""The register of extracts: what was made for whom, its rows until the use ends, and how a leaked copy is recognised."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import msgspec

from kangshu.access import Grant
from kangshu.base.clock import today
from kangshu.base.faults import Conflict, Gone, NotFound
from kangshu.store.connections import Connection

OVERSEE: Final = ("data-use.review", "data-use.approve", "data-use.countersign")
"""Operations with which an account sees every extract in the register, not only its own organisation's."""
_COLUMNS: Final = "id, application, organisation, definition, level, made_by, made_at, expires, facts, body is not null as there"


@dataclass(frozen=True, slots=True)
class ExtractRecord:
    """One extract in the register. `facts` are those of its making; `there` says whether its rows still are."""

    id: str
    application: str
    organisation: str
    definition: str
    level: str
    made_by: str
    made_at: datetime
    expires: date
    facts: dict[str, Any]
    there: bool


@dataclass(frozen=True, slots=True)
class NewExtract:
    """An extract to be kept. `rows` are its table with the column ids first; `fingerprint` is plain data."""

    id: str
    application: str
    organisation: str
    definition: str
    level: str
    expires: date
    facts: dict[str, Any]
    rows: list[list[str]]
    fingerprint: dict[str, Any]


def oversees(grant: Grant) -> bool:
    """Return whether an account sees every extract."""
    return any(grant.may(one) for one in OVERSEE)


def _packed(value: Any) -> bytes:
    return zlib.compress(msgspec.json.encode(value), 6)


def _unpacked(data: bytes) -> Any:
    return msgspec.json.decode(zlib.decompress(data))


async def add(connection: Connection, grant: Grant, new: NewExtract) -> None:
    """Keep an extract.

    Raises:
        Conflict: the application has one already.
    """
    body = msgspec.json.encode(new.rows)
    made = await connection.fetchval(
        """insert into data_extract
        (id, application, organisation, definition, level, made_by, expires, facts, fingerprint, body, digest)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (application) do nothing returning id""",
        new.id, new.application, new.organisation, new.definition, new.level, grant.account, new.expires,
        msgspec.json.encode(new.facts).decode(), _packed(new.fingerprint), zlib.compress(body, 6),
        hashlib.sha256(body).digest(),
    )  # fmt: skip
    if made is None:
        raise Conflict(
            "the extract of this application is made already; take a copy of it",
            zh="该申请的提取件已制作，请直接下载；需要新的数据请另行申请",
        )


async def found(connection: Connection, grant: Grant, id_: str = "") -> list[ExtractRecord]:
    """Return the extracts that the account sees, newest first: its organisations' own, or all for the overseers."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from data_extract where ($1 or organisation = any($2::text[])) "  # noqa: S608 - columns of this file
        "and ($3 = '' or id = $3) order by made_at desc, id limit 1000",
        oversees(grant),
        sorted({grant.organisation, *grant.organisations} - {""}),
        id_,
    )
    return [ExtractRecord(**{**dict(row), "facts": msgspec.json.decode(row["facts"])}) for row in rows]


async def body(connection: Connection, grant: Grant, id_: str) -> tuple[ExtractRecord, list[list[str]]]:
    """Return an extract and its rows.

    Raises:
        NotFound: the account sees no such extract.
        Gone: its use has ended.
    """
    records = await found(connection, grant, id_) if id_ else []
    if not records:
        raise NotFound("there is no such extract", zh="没有此提取件")
    record = records[0]
    data = await connection.fetchval("select body from data_extract where id = $1", id_)
    if data is None or record.expires < today():
        raise Gone("the use of this extract has ended", zh="该提取件的使用期限已到，不能再下载")
    return record, _unpacked(data)


async def fingerprints(connection: Connection) -> list[tuple[ExtractRecord, dict[str, Any]]]:
    """Return every extract with what it is recognised by, newest first."""
    rows = await connection.fetch(
        f"select {_COLUMNS}, fingerprint from data_extract order by made_at desc, id"  # noqa: S608 - columns of this file
    )
    found_: list[tuple[ExtractRecord, dict[str, Any]]] = []
    for row in rows:
        values = {**dict(row), "facts": msgspec.json.decode(row["facts"])}
        print_ = _unpacked(values.pop("fingerprint"))
        found_.append((ExtractRecord(**values), print_))
    return found_


async def forget(connection: Connection, application: str = "") -> int:
    """Take the rows of extracts whose use has ended, and of `application`, away; return of how many."""
    done: str = await connection.execute(
        "update data_extract set body = null where body is not null and (expires < $1 or application = $2)",
        today(),
        application,
    )
    return int(done.rpartition(" ")[2])


async def dissenters(connection: Connection, purpose: str) -> frozenset[str]:
    """Return the ids of residents who refuse now that anybody uses their data for `purpose`."""
    rows = await connection.fetch(
        """select distinct patient from dissent where since <= now() and until > now()
        and purpose in ('', $1) and organisation = ''""",
        purpose,
    )
    return frozenset(row["patient"] for row in rows)
