"""What is kept of an exchange: the batch as it was sent, and each returned file as it was read in. Both stay for good."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from kangshu.access import Grant
from kangshu.base.canonical import BASE, code_system, structure
from kangshu.base.clock import instant
from kangshu.fhir import render
from kangshu.sdk import ExchangeDeclaration, Resource
from kangshu.store import FROZEN_TAG, Store, Transaction, new_id

EXCHANGE: Final = code_system("exchange")
"""DocumentReference.type: which exchange (`service/exchange`) the record belongs to."""
BATCH_NUMBER: Final = f"{BASE}/sid/exchange-batch"
DIGEST: Final = f"{BASE}/sid/sha256"
"""Identifier system of a file's SHA-256: the same file is the same record."""
_RESPONSIBLE: Final = structure("responsible-organisation")
_PART: Final = structure("exchange-part")


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One row as it was sent: which case, its key in the file, the amount."""

    task: str
    key: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of one row of a returned file.

    `outcome`: `settled` (the money arrived), `returned` (it did not), `again` (told before, nothing changed), `wrong`.
    """

    line: int
    key: str
    amount: Decimal | None
    outcome: str
    said: str
    """What the other side said of the row."""
    fault: str = ""
    """Why nothing was done, or why the money came back, in Chinese."""
    task: str = ""
    batch: str = ""


@dataclass(frozen=True, slots=True)
class ReadIn:
    """A returned file as it was read in: `again` when it had been before and nothing was done."""

    name: str
    sha256: str
    when: str
    by: str
    rows: tuple[Answered, ...]
    again: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it was sent, and what came back of it."""

    id: str
    """Id of the kept record."""
    number: str
    name: str
    sha256: str
    when: str
    by: str
    rows: tuple[BatchRow, ...]
    outcomes: Mapping[str, Answered]
    """The last answer by key."""

    @property
    def total(self) -> Decimal:
        """Return the control total: the sum of the amounts sent."""
        return sum((one.amount for one in self.rows), Decimal(0))

    def part(self, outcome: str) -> tuple[int, Decimal]:
        """Return (how many, sum) of the rows with this outcome; `waiting` are those without an answer."""
        chosen = [
            one
            for one in self.rows
            if (self.outcomes[one.key].outcome if one.key in self.outcomes else "waiting") == outcome
        ]
        return len(chosen), sum((one.amount for one in chosen), Decimal(0))

    @property
    def balanced(self) -> bool:
        """Return whether every row that was sent has been answered."""
        return all(one.key in self.outcomes for one in self.rows)


async def keep(
    transaction: Transaction,
    exchange: ExchangeDeclaration,
    grant: Grant,
    part: str,
    name: str,
    data: bytes,
    media: str,
    content: Mapping[str, Any],
    when: datetime,
    number: str = "",
    tags: Sequence[Mapping[str, str]] = (),
) -> None:
    """Write a file of an exchange with what was made of it; nobody changes it afterwards."""
    digest = sha256(data).hexdigest()
    identifiers = [{"system": DIGEST, "value": f"{exchange.code}/{part}/{digest}"}]
    if number:
        identifiers.append({"system": BATCH_NUMBER, "value": number})
    identifier = new_id()
    unit = [{"url": _RESPONSIBLE, "valueReference": {"reference": f"Organization/{grant.organisation}"}}]
    record: Resource = {
        "resourceType": "DocumentReference",
        "id": identifier,
        "meta": {"tag": [*tags, {**FROZEN_TAG, "code": "exchange", "display": "交换文件"}]},
        "extension": [{"url": _PART, "valueCode": part}, *(unit if grant.organisation else [])],
        "identifier": identifiers,
        "status": "current",
        "docStatus": "final",
        "type": {"coding": [{"system": EXCHANGE, "code": exchange.code, "display": exchange.title.zh}]},
        "date": instant(when),
        "description": name,
        "content": [
            _attached(name, media, data),
            _attached(
                "rows.json", "application/json", render({**content, "by": grant.display or grant.account})
            ),
        ],
    }
    own = transaction.grant
    engine = replace(own, operations=own.operations | {"plan.engine"})
    await transaction.under(engine).create_as(identifier, record)


async def batches_of(store: Store, grant: Grant, exchange: ExchangeDeclaration) -> tuple[Batch, ...]:
    """Return the batches that the grant sees, the newest first, each with the last answer to its rows."""
    outcomes: dict[str, dict[str, Answered]] = {}
    for read in reversed(await read_ins_of(store, grant, exchange)):
        for row in read.rows:
            if row.outcome in ("settled", "returned"):
                outcomes.setdefault(row.batch, {})[row.key] = row
    found = []
    for record in await _records(store, grant, exchange, "out"):
        number = next(str(one["value"]) for one in record["identifier"] if one.get("system") == BATCH_NUMBER)
        content = _content(record)
        rows = tuple(
            BatchRow(one["task"], one["key"], Decimal(str(one["amount"]))) for one in content["rows"]
        )
        found.append(
            Batch(
                record["id"],
                number,
                str(record["description"]),
                sha256(file_of(record)).hexdigest(),
                str(record["date"]),
                str(content["by"]),
                rows,
                outcomes.get(number, {}),
            )
        )
    return tuple(found)


async def read_ins_of(
    store: Store, grant: Grant, exchange: ExchangeDeclaration, part: str = "back"
) -> tuple[ReadIn, ...]:
    """Return the files that were read in and that the grant sees, the newest first: `back`, or those that `start` cases."""
    return tuple(_read_in(one) for one in await _records(store, grant, exchange, part))


async def read_before(
    store: Store, grant: Grant, exchange: ExchangeDeclaration, data: bytes
) -> ReadIn | None:
    """Return what was made of this very file when it was read in before; None for a new one."""
    digest = f"{exchange.code}/back/{sha256(data).hexdigest()}"
    found = await store.search_all(grant, "DocumentReference", f"identifier={DIGEST}|{digest}")
    return replace(_read_in(found[0]), again=True) if found else None


def file_of(record: Resource) -> bytes:
    """Return the bytes of the kept file."""
    return base64.b64decode(str(record["content"][0]["attachment"]["data"]))


def read_content(rows: Iterable[Answered]) -> dict[str, Any]:
    """Return what is kept of a returned file."""
    return {
        "rows": [
            {
                "line": one.line,
                "key": one.key,
                "amount": one.amount,
                "outcome": one.outcome,
                "said": one.said,
                "fault": one.fault,
                "task": one.task,
                "batch": one.batch,
            }
            for one in rows
        ]
    }


async def _records(store: Store, grant: Grant, exchange: ExchangeDeclaration, part: str) -> list[Resource]:
    criteria = f"type={EXCHANGE}|{exchange.code}&_sort=-date"
    found = await store.search_all(grant, "DocumentReference", criteria)
    return [
        one
        for one in found
        if any(each.get("url") == _PART and each.get("valueCode") == part for each in one["extension"])
    ]


def _read_in(record: Resource) -> ReadIn:
    content = _content(record)
    rows = tuple(
        Answered(**{**one, "amount": None if one["amount"] is None else Decimal(str(one["amount"]))})
        for one in content["rows"]
    )
    digest = sha256(file_of(record)).hexdigest()
    return ReadIn(str(record["description"]), digest, str(record["date"]), str(content["by"]), rows)


def _content(record: Resource) -> dict[str, Any]:
    data = base64.b64decode(str(record["content"][1]["attachment"]["data"]))
    return dict(json.loads(data, parse_float=Decimal))


def _attached(name: str, media: str, data: bytes) -> dict[str, Any]:
    return {
        "attachment": {
            "contentType": media,
            "title": name,
            "data": base64.b64encode(data).decode("ascii"),
        }
    }
