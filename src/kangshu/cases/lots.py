"""The records of a draw: what is sealed before it, what came of it. Frozen once they stand, like a snapshot."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from kangshu.base.canonical import structure
from kangshu.base.clock import instant
from kangshu.base.faults import Conflict, Gone, NotFound, Unprocessable
from kangshu.base.text import Text
from kangshu.cases.drawing import METHOD, SEED_BYTES, commitment, lots, pool_digest
from kangshu.cases.frozen_records import keep_record, record_content, writing
from kangshu.cases.tasks import number_of
from kangshu.sdk import Resource
from kangshu.store import Transaction

DRAW: Final = structure("draw")
"""Extension of a DocumentReference that is a draw's record: `sealed` or `drawn`."""
SEALED: Final = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "V"}
"""The secret seed is a sealed record until the draw: no role sees it."""
_SEAL: Final = Text("抽取封存记录", "Seal of a draw")
_DRAWN: Final = Text("抽取记录", "Record of a draw")

Holds = Callable[[str, Resource], bool]


async def seal(
    transaction: Transaction,
    task: Resource,
    effect: Mapping[str, Any],
    pool: Iterable[Resource],
    number: int,
    holds: Holds,
    when: datetime,
    by: str,
) -> str:
    """Seal the candidates of `pool` and a secret seed; return the record's reference.

    Raises:
        Unprocessable: fewer candidates than are to be drawn.
    """
    candidates, excluded = _sorted_out(pool, effect.get("exclude", ()), holds)
    if not 0 < number <= len(candidates):
        raise Unprocessable(
            f"{number} are to be drawn of {len(candidates)} candidates ({len(excluded)} are left out)",
            zh=f"拟抽取 {number} 个，符合条件的候选只有 {len(candidates)} 个（另有 {len(excluded)} 个回避或不可用）",
        )
    seed = secrets.token_hex(SEED_BYTES)
    content = {
        "method": METHOD,
        "case": f"Task/{task['id']}",
        "case_number": number_of(task),
        "title": str(task.get("description", "")),
        "number": number,
        "candidates": candidates,
        "excluded": excluded,
        "pool": pool_digest(one["reference"] for one in candidates),
        "commitment": commitment(seed),
        "sealed": instant(when),
        "sealed_by": by,
    }
    identifier = await keep_record(transaction, task, content, "draw", "sealed", _SEAL, when)
    secret: Resource = {
        "resourceType": "Basic",
        "id": identifier,
        "meta": {"security": [dict(SEALED)]},
        "code": {"text": "draw seed"},
        "extension": [{"url": DRAW, "valueString": seed}],
    }
    await writing(transaction).create_as(identifier, secret)
    return f"DocumentReference/{identifier}"


async def draw(
    transaction: Transaction, task: Resource, sealed: str, witness: str, when: datetime, by: str
) -> tuple[str, dict[str, Any]]:
    """Draw from what was sealed; return the reference of the record and its content.

    Raises:
        Unprocessable: nothing was sealed for this case.
        Conflict: it has been drawn from already.
    """
    content = await read_draw(transaction, sealed)
    identifier = sealed.removeprefix("DocumentReference/")
    if content.get("case") != f"Task/{task['id']}":
        raise Unprocessable("nothing was sealed for this case", zh="本事项尚未封存候选名单")
    try:
        secret = await transaction.read("Basic", identifier)
    except (NotFound, Gone):
        raise Conflict("this seal has been drawn from", zh="该封存名单已经抽取，不能重复抽取") from None
    seed = str(secret.resource["extension"][0]["valueString"])
    order = [
        lot.reference for lot in lots(seed, witness, [one["reference"] for one in content["candidates"]])
    ]
    record = {
        **content,
        "seed": seed,
        "witness": witness,
        "order": order,
        "drawn": order[: content["number"]],
        "drawn_at": instant(when),
        "drawn_by": by,
    }
    await transaction.delete("Basic", identifier)
    made = await keep_record(transaction, task, record, "draw", "drawn", _DRAWN, when)
    return f"DocumentReference/{made}", record


async def read_draw(transaction: Transaction, reference: str) -> dict[str, Any]:
    """Return the content of a draw's record. Raises Unprocessable where it is none."""
    identifier = reference.removeprefix("DocumentReference/")
    try:
        stored = await transaction.read("DocumentReference", identifier)
    except (NotFound, Gone):
        raise Unprocessable("there is no draw to go by", zh="没有可用的抽取记录") from None
    if not any(one.get("url") == DRAW for one in stored.resource.get("extension", ())):
        raise Unprocessable("this is no record of a draw", zh="该文件不是抽取记录")
    return record_content(stored.resource)


def _sorted_out(
    pool: Iterable[Resource], rules: Iterable[Mapping[str, Any]], holds: Holds
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the candidates, and those whom a rule leaves out with all its reasons; both by reference."""
    candidates, excluded = [], []
    for one in sorted(pool, key=lambda resource: str(resource["id"])):
        row = {"reference": f"{one['resourceType']}/{one['id']}", "name": _name(one)}
        reasons = [dict(rule["text"]) for rule in rules if holds(str(rule["when"]), one)]
        if reasons:
            excluded.append({**row, "reasons": reasons})
        else:
            candidates.append(row)
    return candidates, excluded


def _name(resource: Resource) -> str:
    name = resource.get("name")
    if isinstance(name, list) and name:
        return str(name[0].get("text", ""))
    day = str((resource.get("period") or {}).get("start", ""))[:10]
    return str(name or number_of(resource) or f"{day} {resource['id']}".strip())
