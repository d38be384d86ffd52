"""通报: a circular in the form of an official document, kept with its file, and told to every unit it names."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kangshu.access import Grant
from kangshu.base.canonical import BASE, DEMO_TAG, DISTRICT
from kangshu.base.clock import CITY_ZONE, instant
from kangshu.base.faults import Conflict, Unprocessable
from kangshu.base.text import Text
from kangshu.documents import OfficialBlock, OfficialDocument, document_number, official_document
from kangshu.plans.writing import writing
from kangshu.sdk import Resource
from kangshu.store import Store, Transaction, new_id

CIRCULAR: Final = f"{BASE}/sid/circular"
"""Identifier system of circulars: what each is about, of which there is one."""
DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@dataclass(frozen=True, slots=True)
class Circular:
    """A circular before it is published: what it is about (`key`), its words, and whom it tells."""

    key: str
    title: str
    body: tuple[OfficialBlock, ...]
    units: tuple[tuple[str, str], ...]
    """(id, name) of the organisations it is for."""
    notice: Text
    demo: bool


@dataclass(frozen=True, slots=True)
class PublishedCircular:
    """A circular that was published; `document` is the id of its DocumentReference."""

    document: str
    number: str
    title: str
    sent: datetime


async def publish(
    store: Store, grant: Grant, circular: Circular, jurisdiction: str, when: datetime
) -> PublishedCircular:
    """Write the circular, number it, and tell every unit; all of it or nothing.

    Raises:
        Unprocessable: the account acts for no organisation: nobody could sign.
        Conflict: there is one about this already.
    """
    if not grant.organisation:
        raise Unprocessable(
            "a circular is signed by an organisation", zh="当前账号没有所属机构，不能发布通报"
        )
    sender = str((await store.read(grant, "Organization", grant.organisation)).resource.get("name", ""))

    async def work(transaction: Transaction) -> PublishedCircular:
        if await transaction.match("DocumentReference", f"identifier={CIRCULAR}|{circular.key}") is not None:
            raise Conflict("this circular has been published already", zh="该通报已发布，不能重复发布")
        year = when.astimezone(CITY_ZONE).year
        number = document_number("督通", year, await transaction.next_number(f"circular/{year}"))
        data = written(circular, sender, number, when)
        document = _document(circular, number, data, grant.organisation, jurisdiction, when)
        await transaction.create_as(str(document["id"]), document)
        for unit, _ in circular.units:
            await transaction.create(_notice(circular, number, unit, grant.organisation, document, when))
        return PublishedCircular(str(document["id"]), number, circular.title, when)

    return await store.run(writing(grant), work)


async def draft(store: Store, grant: Grant, circular: Circular, when: datetime) -> bytes:
    """Return a circular as docx before it is published: without a number, signed by the account's organisation."""
    sender = ""
    if grant.organisation:
        sender = str((await store.read(grant, "Organization", grant.organisation)).resource.get("name", ""))
    return written(circular, sender or "—", "", when)


async def published(store: Store, grant: Grant, keys: Iterable[str]) -> dict[str, PublishedCircular]:
    """Return the circulars of these keys that stand and that the grant sees, by key."""
    listed = sorted(set(keys))
    if not listed:
        return {}
    criteria = "identifier=" + ",".join(f"{CIRCULAR}|{key}" for key in listed)
    found: dict[str, PublishedCircular] = {}
    for one in await store.search_all(grant, "DocumentReference", criteria):
        values = {part.get("system"): str(part.get("value", "")) for part in one.get("identifier", ())}
        title, _, number = str(one.get("description", "")).rpartition("　")
        found[values[CIRCULAR]] = PublishedCircular(
            str(one["id"]), number, title, datetime.fromisoformat(str(one["date"]))
        )
    return found


def written(circular: Circular, sender: str, number: str, when: datetime) -> bytes:
    """Return the circular as docx in the form of GB/T 9704."""
    day = when.astimezone(CITY_ZONE).date()
    names = tuple(name for _, name in circular.units)
    return official_document(
        OfficialDocument(
            agency=sender,
            title=circular.title,
            body=circular.body,
            number=number,
            receivers=names,
            mark="演示数据" if circular.demo else "",
            day=day,
            issuer=sender,
        )
    )


def lines_of(names: Sequence[str]) -> str:
    """Return names in one sentence part; 无 for none."""
    return "、".join(names) if names else "无"


def _document(
    circular: Circular, number: str, data: bytes, sender: str, jurisdiction: str, when: datetime
) -> Resource:
    document: Resource = {
        "resourceType": "DocumentReference",
        "id": new_id(),
        "identifier": [{"system": CIRCULAR, "value": circular.key}],
        "status": "current",
        "date": instant(when),
        "description": f"{circular.title}　{number}",
        "custodian": {"reference": f"Organization/{sender}"},
        "content": [
            {
                "attachment": {
                    "contentType": DOCX,
                    "title": f"{circular.title}.docx",
                    "size": len(data),
                    "data": base64.b64encode(data).decode(),
                }
            }
        ],
    }
    if jurisdiction:
        document["extension"] = [{"url": DISTRICT, "valueCode": jurisdiction}]
    return _marked(document, circular.demo)


def _notice(
    circular: Circular, number: str, unit: str, sender: str, document: Resource, when: datetime
) -> Resource:
    return _marked(
        {
            "resourceType": "Communication",
            "status": "completed",
            "about": [{"reference": f"DocumentReference/{document['id']}"}],
            "sender": {"reference": f"Organization/{sender}"},
            "recipient": [{"reference": f"Organization/{unit}"}],
            "sent": instant(when),
            "payload": [
                {"contentString": f"{number} {circular.notice.zh}"},
                {"contentString": f"{number} {circular.notice.en}"},
            ],
        },
        circular.demo,
    )


def _marked(resource: Resource, demo: bool) -> Resource:
    if demo:
        resource["meta"] = {"tag": [{"system": DEMO_TAG, "code": "demo", "display": "演示数据"}]}
    return resource
