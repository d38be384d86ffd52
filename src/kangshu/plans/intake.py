"""Documents in: received, shown with the plans that they hold, and imported as a person has said."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from kangshu.access import Grant
from kangshu.base.faults import NotFound
from kangshu.documents import Document, read_apart
from kangshu.plans import shape
from kangshu.plans.importing import ImportSetting, document_resources, import_document, known_plans, read_part
from kangshu.plans.outcomes import PlanImport
from kangshu.plans.splitting import PlanPart, parts_of
from kangshu.plans.titles import title_of
from kangshu.sdk import Resource
from kangshu.store import Store

_OPENING = 90


@dataclass(frozen=True, slots=True)
class PartPreview:
    """One plan of a document before it is imported: what it holds, by what words it is known."""

    part: PlanPart
    opening: str
    """The first words of its text."""
    clauses: int
    targets: int
    plan: str
    """Id of the plan that has been made of it, "" for none yet."""


@dataclass(frozen=True, slots=True)
class ReceivedDocument:
    """A document that has been read, perhaps not imported yet. `id` is that of its DocumentReference."""

    id: str
    title: str
    name: str
    parts: tuple[PartPreview, ...]
    whole_plan: str = ""
    """Id of the plan that the whole document was imported as, "" for none."""


class Intake:
    """The part of `Plans` that takes documents in. Every call asks for the operation `plan.import`."""

    _store: Store
    _jurisdiction: str

    def _today(self) -> date:
        raise NotImplementedError

    async def receive(self, grant: Grant, data: bytes, name: str) -> ReceivedDocument:
        """Read a document and tell which plans it holds; one that holds several is kept until a person has chosen.

        Raises:
            Forbidden: the account may not import plans.
            Malformed, Unprocessable, TooLarge: the document cannot be read.
        """
        grant.require("plan.import")
        document = await read_apart(data, name)
        found = await self._look(grant, document)
        if len(found.parts) < 2 or found.whole_plan or any(one.plan for one in found.parts):
            return found
        source = shape.Source(name, document.media_type, document.sha256, found.title, "", True, False)
        async with self._store.transaction(grant) as transaction:
            for resource in document_resources(document, data, source, kept=True):
                await transaction.update(resource)
        return found

    async def received(self, grant: Grant, document_id: str) -> ReceivedDocument:
        """Return a document that was received, with its plans. Raises NotFound."""
        grant.require("plan.import")
        data, name = await self._kept(grant, document_id)
        return await self._look(grant, await read_apart(data, name))

    async def import_received(
        self,
        grant: Grant,
        document_id: str,
        jurisdiction: str | None,
        *,
        whole: bool = False,
        chosen: Mapping[int, str] | None = None,
    ) -> tuple[PlanImport, ...]:
        """Import a received document: as one plan (`whole`), or the plans `chosen` by number with their titles.

        Raises:
            NotFound: no such document.
            Invalid: nothing is chosen.
            Unprocessable: there is nothing in it to follow.
        """
        grant.require("plan.import")
        data, name = await self._kept(grant, document_id)
        setting = ImportSetting(self._jurisdiction, jurisdiction, None, False, self._today())
        return await import_document(self._store, grant, data, name, setting, whole=whole, chosen=chosen)

    async def import_document(
        self,
        grant: Grant,
        data: bytes,
        name: str,
        jurisdiction: str | None = None,
        foreign: bool | None = None,
        *,
        demo: bool = False,
    ) -> tuple[PlanImport, ...]:
        """Import every plan that a document holds, each by itself; see `import_plan`, which takes it as one."""
        grant.require("plan.import")
        setting = ImportSetting(self._jurisdiction, jurisdiction, foreign, demo, self._today())
        return await import_document(self._store, grant, data, name, setting)

    async def import_plan(
        self,
        grant: Grant,
        data: bytes,
        name: str,
        jurisdiction: str | None = None,
        foreign: bool | None = None,
        *,
        demo: bool = False,
    ) -> PlanImport:
        """Import a document (txt, docx, pdf, html, xlsx) as one plan and return what was found.

        `jurisdiction` is the division code of the plan's city, "" for another city that has none here, None to look
        whether the document's beginning names our city. A plan of another place is `foreign`: it is shown without
        values. The same document (by its bytes) is recognised and changes nothing.

        Raises:
            Forbidden: the account may not import plans.
            Malformed, Unprocessable, TooLarge: the document cannot be read, or holds neither task nor target.
        """
        grant.require("plan.import")
        setting = ImportSetting(self._jurisdiction, jurisdiction, foreign, demo, self._today())
        return (await import_document(self._store, grant, data, name, setting, whole=True))[0]

    async def _look(self, grant: Grant, document: Document) -> ReceivedDocument:
        known = await known_plans(self._store, grant, document.sha256)
        found = await asyncio.to_thread(_previews, document, known)
        whole = shape.plan_id(document.sha256)
        return ReceivedDocument(
            f"document-{document.sha256[:16]}",
            title_of(document.text, document.name),
            document.name,
            found,
            whole if whole in known else "",
        )

    async def _kept(self, grant: Grant, document_id: str) -> tuple[bytes, str]:
        reference = (await self._store.read(grant, "DocumentReference", document_id)).resource
        if not any(one.get("system") == shape.DOCUMENT_HASH for one in reference.get("identifier", ())):
            raise NotFound("there is no such document", zh="没有此文件")
        attachment = reference["content"][0]["attachment"]
        binary = str(attachment["url"]).removeprefix("Binary/")
        stored = (await self._store.read(grant, "Binary", binary)).resource
        return base64.b64decode(stored["data"]), str(attachment.get("title", ""))


def _previews(document: Document, known: Mapping[str, Resource]) -> tuple[PartPreview, ...]:
    found = []
    for part in parts_of(document):
        piece = part.document(document)
        reading = read_part(piece, part.kind)
        plan = shape.plan_id(document.sha256, part.number)
        found.append(
            PartPreview(
                part,
                _opening(piece.text),
                len(reading.tasks),
                len(reading.targets) + len(reading.worded),
                plan if plan in known else "",
            )
        )
    return tuple(found)


def _opening(text: str) -> str:
    """Return the beginning of the first sentence that stands under the title."""
    lines = (line.strip() for line in text.splitlines())
    first = next((line for line in lines if len(line) > 30), text.strip())
    return first if len(first) <= _OPENING else first[: _OPENING - 1] + "…"
