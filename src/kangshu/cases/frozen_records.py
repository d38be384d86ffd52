"""Records of a case that stay for good: written by the engine, never changed, read by whoever handles the case."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from kangshu.base.canonical import structure
from kangshu.base.clock import instant
from kangshu.base.text import Text
from kangshu.cases.inside import RESPONSIBLE
from kangshu.cases.tasks import marks_of, organisation_of
from kangshu.fhir import render
from kangshu.sdk import Resource
from kangshu.store import FROZEN_TAG, LABELLING, Transaction, new_id


def writing(transaction: Transaction) -> Transaction:
    """Return the transaction with what records that stay for good, and a sealed one, take."""
    own = transaction.grant
    return transaction.under(replace(own, operations=own.operations | {"plan.engine", LABELLING}))


async def keep_record(
    transaction: Transaction,
    task: Resource,
    content: Mapping[str, Any],
    kind: str,
    stage: str,
    title: Text,
    when: datetime,
) -> str:
    """Write a record of `kind` (in `stage`) that whoever handles the case may read, and return its id."""
    identifier = new_id()
    parties = dict.fromkeys(
        one for one in (organisation_of(task, "owner"), organisation_of(task, "requester")) if one
    )
    subject = str((task.get("for") or {}).get("reference", ""))
    marks = marks_of(task)
    reference: Resource = {
        "resourceType": "DocumentReference",
        "id": identifier,
        "meta": {
            **marks,
            "tag": [*marks.get("tag", ()), {**FROZEN_TAG, "code": kind, "display": title.zh}],
        },
        "extension": [
            {"url": structure(kind), "valueCode": stage},
            *(
                {"url": RESPONSIBLE, "valueReference": {"reference": f"Organization/{one}"}}
                for one in parties
            ),
        ],
        "status": "current",
        "docStatus": "final",
        "date": instant(when),
        "description": title.zh,
        **({"subject": {"reference": subject}} if subject.startswith("Patient/") else {}),
        "content": [
            {
                "attachment": {
                    "contentType": "application/json",
                    "data": base64.b64encode(render(dict(content))).decode("ascii"),
                    "title": f"{kind}-{stage}.json",
                }
            }
        ],
        "context": {"related": [{"reference": f"Task/{task['id']}"}]},
    }
    await writing(transaction).create_as(identifier, reference)
    return identifier


def record_bytes(record: Resource) -> bytes:
    """Return the bytes that a kept record holds."""
    return base64.b64decode(str(record["content"][0]["attachment"]["data"]))


def record_content(record: Resource) -> dict[str, Any]:
    """Return the content of a kept record; numbers with a point are decimals."""
    return dict(json.loads(record_bytes(record), parse_float=Decimal))
