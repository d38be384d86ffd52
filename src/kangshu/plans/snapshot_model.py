"""A frozen snapshot and how it stands in the records: a DocumentReference over one Binary. Pure."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from kangshu.base.canonical import BASE, DISTRICT, structure
from kangshu.base.clock import CITY_ZONE, instant
from kangshu.base.faults import NotFound
from kangshu.plans import shape
from kangshu.plans.snapshot_content import Content, canonical_bytes, digest
from kangshu.plans.view import extension_value, is_demo
from kangshu.sdk import Resource
from kangshu.store import FROZEN_NUMBER, FROZEN_TAG, new_id

FROZEN_PERIOD: Final = f"{BASE}/sid/snapshot-period"
"""Identifier system: the month (2026-12) of a snapshot that the calendar made."""
_POSITION, _POSITION_AFTER = structure("feed-position"), structure("feed-position-after")
_FROZEN_BY, _PLAN = structure("frozen-by"), structure("frozen-plan")


@dataclass(frozen=True, slots=True)
class SnapshotRow:
    """One line of the list of snapshots. `day` is the city's day on which it was `taken`."""

    id: str
    number: str
    title: str
    day: date
    taken: datetime
    position: int
    """The feed's position when the room began to look; with `position_after` equal, nothing changed meanwhile."""
    position_after: int
    plans: tuple[str, ...]
    """Ids of the plans."""
    sha256: str
    """Digest of the content's bytes."""
    period: str
    """The month (2026-12) that the calendar froze it for, "" when a person did."""
    by: str
    demo: bool


@dataclass(frozen=True, slots=True)
class FrozenSnapshot(SnapshotRow):
    """A snapshot whole. `content` is plain JSON, see `plans.snapshot_content`."""

    content: Content

    @property
    def data(self) -> bytes:
        """Return the bytes that were frozen, whose digest is `sha256`."""
        return canonical_bytes(self.content)

    def plan(self, identifier: str) -> Content:
        """Return the content of one plan. Raises NotFound."""
        found = next((one for one in self.content["plans"] if one["id"] == identifier), None)
        if found is None:
            raise NotFound("the snapshot does not hold this plan", zh="快照中没有该规划")
        return dict(found)


@dataclass(frozen=True, slots=True)
class Freezing:
    """The circumstances of a snapshot: when, between which positions of the feed, by whom, for which month."""

    taken: datetime
    positions: tuple[int, int]
    title: str
    period: str
    by: str
    office: str
    """The name of the unit that freezes, "" for the calendar."""

    @property
    def day(self) -> date:
        """Return the city's day."""
        return self.taken.astimezone(CITY_ZONE).date()


def snapshot_of(content: Content, freezing: Freezing, sequence: int) -> FrozenSnapshot:
    """Return the snapshot number `sequence` of its year, with `content` and what is told of the freezing in it."""
    day = freezing.day
    number = f"快〔{day.year}〕{sequence:04d}号"
    title = freezing.title or f"{day.year}年{day.month}月{day.day}日规划进展快照"
    head = {
        "number": number,
        "title": title,
        "day": day.isoformat(),
        "taken": instant(freezing.taken),
        "position": list(freezing.positions),
        "period": freezing.period,
        "office": freezing.office,
    }
    whole = {**content, "snapshot": head}
    return FrozenSnapshot(
        id=new_id(),
        number=number,
        title=title,
        day=day,
        taken=freezing.taken,
        position=freezing.positions[0],
        position_after=freezing.positions[1],
        plans=tuple(one["id"] for one in content["plans"]),
        sha256=digest(canonical_bytes(whole)),
        period=freezing.period,
        by=freezing.by,
        demo=any(one["demo"] for one in content["plans"]),
        content=whole,
    )


def records_of(made: FrozenSnapshot, jurisdiction: str) -> tuple[Resource, Resource]:
    """Return the DocumentReference and the Binary of a snapshot."""
    data = canonical_bytes(made.content)
    binary: Resource = {
        "resourceType": "Binary",
        "id": made.id,
        "contentType": "application/json",
        "securityContext": {"reference": f"DocumentReference/{made.id}"},
        "data": base64.b64encode(data).decode("ascii"),
    }
    identifiers = [
        {"system": FROZEN_NUMBER, "value": made.number},
        {"system": shape.DOCUMENT_HASH, "value": made.sha256},
    ]
    if made.period:
        identifiers.append({"system": FROZEN_PERIOD, "value": made.period})
    extensions: list[Resource] = [{"url": DISTRICT, "valueCode": jurisdiction}] if jurisdiction else []
    extensions += [
        {"url": _POSITION, "valueString": str(made.position)},
        {"url": _POSITION_AFTER, "valueString": str(made.position_after)},
        {"url": _FROZEN_BY, "valueString": made.by},
    ]
    extensions += [
        {"url": _PLAN, "valueReference": {"reference": f"PlanDefinition/{one}"}} for one in made.plans
    ]
    reference: Resource = {
        "resourceType": "DocumentReference",
        "id": made.id,
        "extension": extensions,
        "identifier": identifiers,
        "status": "current",
        "docStatus": "final",
        "type": {"coding": [{"system": shape.PLAN_ITEM, "code": "frozen-snapshot", "display": "快照"}]},
        "date": instant(made.taken),
        "description": made.title,
        "content": [
            {
                "attachment": {
                    "contentType": "application/json",
                    "url": f"Binary/{made.id}",
                    "title": made.number,
                }
            }
        ],
    }
    return frozen_record(reference, made.demo), frozen_record(binary, made.demo)


def frozen_record(resource: Resource, demo: bool) -> Resource:
    """Return `resource` with the mark by which the store knows that it is never changed."""
    tags = shape.tagged({}, demo).get("meta", {}).get("tag", [])
    return {**resource, "meta": {"tag": [*tags, dict(FROZEN_TAG)]}}


def snapshot_row(reference: Resource) -> SnapshotRow:
    """Return a snapshot's line in a list from its DocumentReference."""
    said = {str(one.get("system")): str(one.get("value", "")) for one in reference.get("identifier", ())}
    taken = datetime.fromisoformat(str(reference["date"]))
    return SnapshotRow(
        id=str(reference["id"]),
        number=said.get(FROZEN_NUMBER, ""),
        title=str(reference.get("description", "")),
        day=taken.astimezone(CITY_ZONE).date(),
        taken=taken,
        position=int(extension_value(reference, _POSITION) or 0),
        position_after=int(extension_value(reference, _POSITION_AFTER) or 0),
        plans=tuple(
            str(one["valueReference"]["reference"]).removeprefix("PlanDefinition/")
            for one in reference.get("extension", ())
            if one.get("url") == _PLAN
        ),
        sha256=said.get(shape.DOCUMENT_HASH, ""),
        period=said.get(FROZEN_PERIOD, ""),
        by=str(extension_value(reference, _FROZEN_BY) or ""),
        demo=is_demo(reference),
    )
