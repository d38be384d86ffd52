"""对外公开: a snapshot's public part is asked for by one person, approved by another, and can be withdrawn.

What is asked for is made at once (`public_content`), frozen, and is what the second person sees and everybody gets: no
page for everybody reads the snapshot itself. A publication is a DocumentReference over that Binary.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, cast

from kangshu.access import Grant, system_grant
from kangshu.base.canonical import DISTRICT, structure
from kangshu.base.clock import instant, now
from kangshu.base.faults import Conflict, Forbidden, Gone, Invalid, NotFound
from kangshu.base.parameters import ParameterTable
from kangshu.base.text import Text
from kangshu.measures import SMALL_CELL, figure
from kangshu.plans import shape
from kangshu.plans.public_content import public_content
from kangshu.plans.snapshot_content import Content, canonical_bytes, digest
from kangshu.plans.snapshot_model import frozen_record
from kangshu.plans.snapshots import READ, reach, read_snapshot, writing
from kangshu.plans.view import extension_value, is_demo
from kangshu.sdk import Resource
from kangshu.store import PUBLICATION_NUMBER, Store, Stored, new_id

PUBLISH: Final = "plan.publish"
PublicationState = Literal["asked", "published", "refused", "withdrawn"]
PUBLICATION_TITLES: Final[Mapping[PublicationState, Text]] = {
    "asked": Text("待审定", "Waits for approval"),
    "published": Text("已公开", "Published"),
    "refused": Text("未通过", "Refused"),
    "withdrawn": Text("已撤回", "Withdrawn"),
}
_STATE, _REASON = structure("publication-state"), structure("publication-reason")
_ASKED_BY, _ASKED_NAME = structure("submitted-by"), structure("asked-by-name")
_DECIDED_BY, _DECIDED_AT = structure("decided-by"), structure("decided-at")
_PUBLIC_PLAN: Final = structure("frozen-plan")
_MOST_KEPT: Final = 16
_OPEN: Final = system_grant("公开页 public page")


@dataclass(frozen=True, slots=True)
class Publication:
    """A publication. `reason` says why it was refused or withdrawn; the reason of a withdrawal is for everybody."""

    id: str
    version: int
    number: str
    snapshot: str
    state: PublicationState
    plans: tuple[tuple[str, str], ...]
    """(id, title)."""
    asked_by: str
    """The account that asked."""
    asked_name: str
    asked_at: datetime
    decided_by: str
    decided_at: datetime | None
    reason: str
    sha256: str
    demo: bool

    @property
    def slug(self) -> str:
        """Return the snapshot's number as it stands in an address: 2026-0001."""
        return slug_of(self.number)


def slug_of(number: str) -> str:
    """Return 快〔2026〕0001号 as 2026-0001."""
    return number.removeprefix("快〔").removesuffix("号").replace("〕", "-")


class Publications:
    """What of the snapshots is for everybody."""

    def __init__(
        self,
        store: Store,
        parameters: ParameterTable,
        *,
        jurisdiction: str,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._store = store
        self._parameters = parameters
        self._jurisdiction = jurisdiction
        self._clock = clock
        self._kept: dict[str, Content] = {}

    async def preview(self, grant: Grant, snapshot: str) -> Content:
        """Return what everybody would see of a snapshot. Raises Forbidden, NotFound."""
        grant.require(PUBLISH)
        return await self._public_part(grant, snapshot)

    async def ask(self, grant: Grant, snapshot: str) -> Publication:
        """提请公开: freeze the public part of a snapshot for somebody else to approve.

        Raises:
            Forbidden: the account may not ask.
            NotFound: no such snapshot.
            Conflict: the snapshot is public already, or waits for approval.
        """
        grant.require(PUBLISH)
        content = await self._public_part(grant, snapshot)
        for one in await self._all():
            if one.snapshot == snapshot and one.state in ("asked", "published"):
                raise Conflict(
                    f"{one.number}: {PUBLICATION_TITLES[one.state].en.lower()} already",
                    zh=f"{one.number}{PUBLICATION_TITLES[one.state].zh}，无需重复提请",
                )
        id_ = new_id()
        reference, binary = self._records(grant, id_, snapshot, content)

        async with self._store.transaction(writing(grant)) as transaction:
            written = await transaction.create_as(id_, reference)
            await transaction.create_as(id_, binary)
        return _publication(written.stored)

    async def decide(self, grant: Grant, id: str, approve: bool, reason: str = "") -> Publication:
        """审定: publish what was asked for, or refuse it with a reason. Nobody decides on what they asked for.

        Raises:
            Forbidden: the account asked itself, or may not decide.
            Conflict: it has been decided already.
            Invalid: a refusal without a reason.
        """
        grant.require(PUBLISH)
        stored = await self._read(grant, id)
        found = _publication(stored)
        if found.state != "asked":
            raise Conflict("this has been decided already", zh="该公开申请已审定")
        if found.asked_by == grant.account:
            raise Forbidden("nobody approves what they asked for", zh="提请人不能审定本人提请的公开")
        if not approve and not reason.strip():
            raise Invalid("a refusal needs a reason", zh="不通过须写明理由", expression="reason")
        return await self._change(grant, stored, "published" if approve else "refused", reason)

    async def withdraw(self, grant: Grant, id: str, reason: str) -> Publication:
        """撤回: take a publication back at once; its address then tells the reason.

        Raises:
            Conflict: it is not public.
            Invalid: no reason.
        """
        grant.require(PUBLISH)
        stored = await self._read(grant, id)
        if _publication(stored).state != "published":
            raise Conflict("this is not public", zh="该快照未公开，无需撤回")
        if not reason.strip():
            raise Invalid(
                "a withdrawal needs a reason", zh="撤回须写明理由，理由将对外公布", expression="reason"
            )
        return await self._change(grant, stored, "withdrawn", reason)

    async def publications(self, grant: Grant, snapshot: str = "") -> tuple[Publication, ...]:
        """Return the publications, of one snapshot or of all, the newest first."""
        grant.require(READ)
        return tuple(one for one in await self._all() if snapshot in ("", one.snapshot))

    async def content(self, grant: Grant, id: str) -> Content:
        """Return what was asked to be public, for who decides. Raises NotFound."""
        grant.require(READ)
        return await self._content(_publication(await self._read(grant, id)))

    # what everybody may ask: no grant

    async def published(self) -> tuple[Publication, ...]:
        """Return what is public now, the newest snapshot first."""
        return tuple(one for one in await self._all() if one.state == "published")

    async def public_plan(self, plan: str, slug: str = "") -> tuple[Publication, Content, Content]:
        """Return a plan's publication (of `slug`, else the newest), the publication's content and the plan's part of it.

        Raises:
            NotFound: never public.
            Gone: withdrawn; the fault tells the reason.
        """
        for one in await self._all():
            if plan not in dict(one.plans) or slug not in ("", one.slug):
                continue
            if one.state == "withdrawn" and slug:
                raise Gone(
                    f"this page was withdrawn by who had published it: {one.reason}",
                    zh=f"本页内容已由发布单位撤回，理由：{one.reason}",
                )
            if one.state == "published":
                content = await self._content(one)
                return one, content, next(part for part in content["plans"] if part["id"] == plan)
        raise NotFound("there is no such public page", zh="没有此公开页面")

    # ------------------------------------------------------------------ inside

    async def _public_part(self, grant: Grant, snapshot: str) -> dict[str, Any]:
        frozen = await read_snapshot(self._store, reach(grant), snapshot)
        threshold = int(figure(self._parameters, SMALL_CELL, self._jurisdiction))
        return public_content(frozen.content, threshold)

    async def _all(self) -> list[Publication]:
        found = await self._store.find_all(_OPEN, "DocumentReference", f"identifier={PUBLICATION_NUMBER}|")
        listed = map(_publication, found)
        return sorted(listed, key=lambda one: (one.number, one.asked_at, one.id), reverse=True)

    async def _read(self, grant: Grant, id: str) -> Stored:
        stored = await self._store.read(reach(grant), "DocumentReference", id)
        if not extension_value(stored.resource, _STATE):
            raise NotFound("there is no such publication", zh="没有此公开记录")
        return stored

    async def _content(self, publication: Publication) -> Content:
        kept = self._kept.get(publication.sha256)
        if kept is None:
            binary = await self._store.read(_OPEN, "Binary", publication.id)
            data = base64.b64decode(binary.resource["data"])
            if digest(data) != publication.sha256:
                raise Conflict("what is public is not what was approved", zh="公开内容与审定内容不一致")
            kept = cast("Content", json.loads(data))
            while len(self._kept) >= _MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[publication.sha256] = kept
        return kept

    async def _change(
        self, grant: Grant, stored: Stored, state: PublicationState, reason: str
    ) -> Publication:
        changed = (_STATE, _REASON, _DECIDED_BY, _DECIDED_AT)
        extensions = [one for one in stored.resource["extension"] if one["url"] not in changed]
        extensions += [
            {"url": _STATE, "valueCode": state},
            {"url": _DECIDED_BY, "valueString": grant.display or grant.account},
            {"url": _DECIDED_AT, "valueInstant": instant(self._clock())},
        ]
        if reason.strip():
            extensions.append({"url": _REASON, "valueString": reason.strip()[:500]})
        after = {
            **stored.resource,
            "extension": extensions,
            "status": "current" if state == "published" else "superseded",
            "docStatus": "final",
        }
        written = await self._store.update(writing(grant), after, if_match=stored.version)
        return _publication(written.stored)

    def _records(
        self, grant: Grant, id: str, snapshot: str, content: Mapping[str, Any]
    ) -> tuple[Resource, Resource]:
        data = canonical_bytes(content)
        plans = content["plans"]
        demo = any(one["demo"] for one in plans)
        extensions: list[Resource] = [
            {"url": _STATE, "valueCode": "asked"},
            {"url": _ASKED_BY, "valueString": grant.account},
            {"url": _ASKED_NAME, "valueString": grant.display or grant.account},
        ]
        if self._jurisdiction:
            extensions.insert(0, {"url": DISTRICT, "valueCode": self._jurisdiction})
        extensions += [
            {
                "url": _PUBLIC_PLAN,
                "valueReference": {"reference": f"PlanDefinition/{one['id']}", "display": one["title"]},
            }
            for one in plans
        ]
        reference: Resource = {
            "resourceType": "DocumentReference",
            "extension": extensions,
            "identifier": [
                {"system": PUBLICATION_NUMBER, "value": content["snapshot"]["number"]},
                {"system": shape.DOCUMENT_HASH, "value": digest(data)},
            ],
            "status": "current",
            "docStatus": "preliminary",
            "type": {"coding": [{"system": shape.PLAN_ITEM, "code": "publication", "display": "对外公开"}]},
            "date": instant(self._clock()),
            "relatesTo": [{"code": "transforms", "target": {"reference": f"DocumentReference/{snapshot}"}}],
            "content": [{"attachment": {"contentType": "application/json", "url": f"Binary/{id}"}}],
        }
        binary: Resource = {
            "resourceType": "Binary",
            "contentType": "application/json",
            "securityContext": {"reference": f"DocumentReference/{id}"},
            "data": base64.b64encode(data).decode("ascii"),
        }
        return shape.tagged(reference, demo), frozen_record(binary, demo)


def _publication(stored: Stored) -> Publication:
    reference = stored.resource
    said = {str(one.get("system")): str(one.get("value", "")) for one in reference.get("identifier", ())}
    decided = str(extension_value(reference, _DECIDED_AT) or "")
    plans = [one["valueReference"] for one in reference["extension"] if one["url"] == _PUBLIC_PLAN]
    return Publication(
        id=stored.id,
        version=stored.version,
        number=said.get(PUBLICATION_NUMBER, ""),
        snapshot=str(reference["relatesTo"][0]["target"]["reference"]).removeprefix("DocumentReference/"),
        state=cast("PublicationState", extension_value(reference, _STATE)),
        plans=tuple(
            (str(one["reference"]).removeprefix("PlanDefinition/"), str(one.get("display", "")))
            for one in plans
        ),
        asked_by=str(extension_value(reference, _ASKED_BY) or ""),
        asked_name=str(extension_value(reference, _ASKED_NAME) or ""),
        asked_at=datetime.fromisoformat(str(reference["date"])),
        decided_by=str(extension_value(reference, _DECIDED_BY) or ""),
        decided_at=datetime.fromisoformat(decided) if decided else None,
        reason=str(extension_value(reference, _REASON) or ""),
        sha256=said.get(shape.DOCUMENT_HASH, ""),
        demo=is_demo(reference),
    )
