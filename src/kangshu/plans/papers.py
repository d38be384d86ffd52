"""公文: the official documents that cases give, filled in from the case, its parts and what it cites.

A draft is made anew whenever somebody asks. What a move makes (effect `document`) is kept: its bytes never change, and
what it cites is kept beside it, as it stood on that day.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from hashlib import sha256
from typing import Final, Literal

from kangshu.access import Grant
from kangshu.base.canonical import BASE, structure
from kangshu.base.clock import CITY_ZONE, instant, now
from kangshu.base.faults import Conflict, NotFound
from kangshu.base.text import Text
from kangshu.cases import DOCUMENT_OUTLET, Cases, Outlet, inputs, kind_of, marks_of, state_of
from kangshu.documents import (
    OfficialDocument,
    Report,
    official_document,
    portable_data,
    set_apart,
    write_report_docx,
)
from kangshu.plans import shape
from kangshu.plans.citing import Cited, citable, cited
from kangshu.plans.paper_text import composed, gathered, names_of, sheet
from kangshu.plans.plans import Plans
from kangshu.registers import details_of, filled
from kangshu.sdk import CITED_FIELD, CaseDeclaration, DocumentDeclaration, Resource
from kangshu.store import OFFICIAL, Store, Transaction, new_id

CITED_FACT: Final = structure("cited-fact")
DOCUMENT_NUMBER: Final = f"{BASE}/sid/document-number"
"""Identifier system of 发文字号."""
_RESPONSIBLE: Final = structure("responsible-organisation")
_SETTING: Final = "application/json"
PaperForm = Literal["docx", "pdf"]
_DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@dataclass(frozen=True, slots=True)
class Paper:
    """A document of a case: one that was made and kept (`reference`), or one of which a draft may be taken."""

    document: str
    """Id of the declaration within its service."""
    title: Text
    reference: str = ""
    number: str = ""
    made: str = ""
    sha256: str = ""
    facts: tuple[Mapping[str, str], ...] = ()
    """What it cites, as kept on the day."""
    intact: bool = True
    """Whether the kept bytes still have the digest of the day."""

    @property
    def file(self) -> str:
        """Return the id under which the kept file is fetched."""
        return self.reference.removeprefix("DocumentReference/")


class Papers:
    """The official documents of an installation's cases."""

    def __init__(
        self,
        store: Store,
        plans: Plans,
        cases: Cases,
        documents: Iterable[DocumentDeclaration],
        *,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._store, self._plans, self._cases, self._clock = store, plans, cases, clock
        self._documents = tuple(documents)

    def outlets(self) -> dict[str, Outlet]:
        """Return what the case engine calls when a move makes a document."""
        return {f"{DOCUMENT_OUTLET}{one.code}": partial(self._keep, one) for one in self._documents}

    async def papers(self, grant: Grant, task_id: str) -> tuple[Paper, ...]:
        """Return the documents of a case that the grant sees: those kept, the newest first, then drafts to take."""
        task = (await self._store.read(grant, "Task", task_id)).resource
        declared = {one.code: one for one in self._declared(task)}
        if not declared:
            return ()
        found = await self._store.search_all(
            grant, "DocumentReference", f"related=Task/{task_id}&_sort=-date"
        )
        kept = [paper for one in found if (paper := _kept_paper(one, declared)) is not None]
        return (*kept, *(Paper(one.id, one.title) for one in declared.values() if self._open(one, task)))

    async def draft(
        self, grant: Grant, task_id: str, document: str, form: PaperForm = "docx"
    ) -> tuple[str, bytes]:
        """Return (file name, docx or pdf) of a draft as the case stands now; what is not filled in yet says so.

        Raises:
            NotFound: no such case or document, or something cited that the grant does not see.
            Conflict: the case is in no state for a draft.
        """
        task = (await self._store.read(grant, "Task", task_id)).resource
        declared = next((one for one in self._declared(task) if one.id == document), None)
        if declared is None:
            raise NotFound("this case gives no such document", zh="该办件没有此公文")
        if not self._open(declared, task):
            raise Conflict("the case is in no state for a draft", zh="办件当前状态不能导出草稿")
        children = await self._store.search_all(grant, "Task", f"part-of=Task/{task_id}")
        made, _ = await self._filled(grant, declared, task, children, None, "")
        data = (
            await asyncio.to_thread(_docx, made) if form == "docx" else await set_apart(portable_data(made))
        )
        note = "" if declared.form == "sheet" else "（草稿）"
        return f"{declared.title.zh}{note}.{form}", data

    async def kept_pdf(self, grant: Grant, file: str) -> tuple[str, bytes]:
        """Return (file name, pdf) of a kept document, set from what was kept with it on the day of its signature.

        Raises:
            NotFound: no such document, or one kept before pdf could be made of it.
        """
        resource = (await self._store.read(grant, "DocumentReference", file)).resource
        held = [one["attachment"] for one in resource.get("content", ()) if "attachment" in one]
        data = next((one.get("data") for one in held if one.get("contentType") == _SETTING), None)
        if data is None or not any(one.get("url") == OFFICIAL for one in resource.get("extension", ())):
            raise NotFound("there is no pdf of this document", zh="该文书没有 PDF 版本，请下载 Word 版本")
        name = str(held[0].get("title", "")).removesuffix(".docx")
        return f"{name}.pdf", await set_apart(base64.b64decode(str(data)))

    async def citable(self, grant: Grant, text: str = "") -> tuple[Cited, ...]:
        """Return the duties and targets that a document may cite, with their state and value now."""
        return await citable(self._plans, grant, self._today(), text)

    def keys(self, task: Resource) -> list[str]:
        """Return the keys of what a case cites."""
        return keys_of(task)

    def cites(self, task: Resource) -> bool:
        """Return whether cases of this kind cite duties and targets."""
        moves = self._cases.declaration(kind_of(task)).moves
        return any(field.id == CITED_FIELD for move in moves for field in move.form)

    async def cited(self, grant: Grant, task_id: str) -> tuple[Cited, ...]:
        """Return what a case cites, as it stands now; what is gone or not the grant's to see is left out."""
        task = (await self._store.read(grant, "Task", task_id)).resource
        wanted = set(keys_of(task))
        return tuple(one for one in await self.citable(grant) if one.key in wanted) if wanted else ()

    # ------------------------------------------------------------------ inside

    def _today(self) -> date:
        return self._clock().astimezone(CITY_ZONE).date()

    def _declared(self, task: Resource) -> list[DocumentDeclaration]:
        service, _, kind = kind_of(task).partition("/")
        return [one for one in self._documents if (one.service, one.case) == (service, kind)]

    def _open(self, document: DocumentDeclaration, task: Resource) -> bool:
        if document.states:
            return state_of(task) in document.states
        kind = self._cases.declaration(kind_of(task))
        return any(one.id == state_of(task) and not one.final for one in kind.states)

    async def _keep(
        self,
        document: DocumentDeclaration,
        transaction: Transaction,
        grant: Grant,
        task: Resource,
        when: datetime,
    ) -> Mapping[str, str]:
        """Make the document from the case as the move leaves it, and keep it."""
        children = await transaction.search_all("Task", f"part-of=Task/{task['id']}")
        day = when.astimezone(CITY_ZONE).date()
        number = await self._next_number(transaction, document, task, day)
        made, facts = await self._filled(grant, document, task, children, day, number)
        data = _docx(made)
        identifier = new_id()
        record = _record(identifier, document, task, number, data, portable_data(made), facts, when)
        await transaction.create_as(identifier, record)
        return {document.id: f"DocumentReference/{identifier}"}

    async def _next_number(
        self,
        transaction: Transaction,
        document: DocumentDeclaration,
        task: Resource,
        day: date,
    ) -> str:
        """Return the next 文号: counted within what stands before the sequence, without leading zeros."""
        if not document.numbering:
            return ""
        kind = self._cases.declaration(kind_of(task))
        names = await names_of(self._store, kind, task, day)
        before, _, after = document.numbering.partition("{sequence}")
        head = filled(before, names)
        sequence = await transaction.next_number(f"document/{head}")
        return f"{head}{sequence}{filled(after, names)}"

    async def _filled(
        self,
        grant: Grant,
        document: DocumentDeclaration,
        task: Resource,
        children: Sequence[Resource],
        day: date | None,
        number: str,
    ) -> tuple[OfficialDocument | Report, tuple[Cited, ...]]:
        kind = self._cases.declaration(kind_of(task))
        facts = await cited(self._plans, grant, keys_of(task), day or self._today())
        kinds: dict[str, CaseDeclaration] = {one.code: one for one in self._cases.declarations}
        names, rows = await gathered(
            self._store, document, kind, kinds, task, children, facts, day or self._today()
        )
        if document.form == "sheet":
            names |= await self._subject(grant, task)
            return sheet(document, {**names, "document_number": number}, rows, task, self._clock()), facts
        return composed(document, names, rows, task, facts, day, number), facts

    async def _subject(self, grant: Grant, task: Resource) -> dict[str, str]:
        """Return what a print form may say of the resident whom a case is about, as the grant sees it."""
        kind, _, id_ = str((task.get("for") or {}).get("reference", "")).partition("/")
        if kind not in ("Patient", "Organization"):
            return {}
        try:
            resource = (await self._store.read(grant, kind, id_)).resource
        except NotFound:
            return {}  # whoever does not see the record yet writes the name by hand
        return {f"subject.{name}": text for name, text in details_of(resource, self._today()).items()}


def _docx(made: OfficialDocument | Report) -> bytes:
    return write_report_docx(made) if isinstance(made, Report) else official_document(made)


def keys_of(task: Resource) -> list[str]:
    """Return the keys of what a case cites, in their order."""
    held = inputs(task).get(CITED_FIELD, [])
    return [held] if isinstance(held, str) else list(held)


def _record(
    identifier: str,
    document: DocumentDeclaration,
    task: Resource,
    number: str,
    data: bytes,
    setting: bytes,
    facts: Sequence[Cited],
    when: datetime,
) -> Resource:
    marks = marks_of(task)
    meta = {"meta": marks} if marks else {}
    parties = dict.fromkeys(
        str(task[element]["reference"]) for element in ("owner", "requester") if element in task
    )
    extensions: list[Resource] = [{"url": OFFICIAL, "valueString": document.code}]
    extensions += [
        {"url": _RESPONSIBLE, "valueReference": {"reference": one}}
        for one in parties
        if one.startswith("Organization/")
    ]
    for fact in facts:
        parts = [{"url": name, "valueString": text} for name, text in fact.row().items() if text]
        extensions.append({"url": CITED_FACT, "extension": [{"url": "key", "valueString": fact.key}, *parts]})
    title = f"{document.title.zh}{number}.docx" if number else f"{document.title.zh}.docx"
    reference: Resource = {
        "resourceType": "DocumentReference",
        "id": identifier,
        **meta,
        "extension": extensions,
        "identifier": [
            {"system": shape.DOCUMENT_HASH, "value": sha256(data).hexdigest()},
            *([{"system": DOCUMENT_NUMBER, "value": number}] if number else []),
        ],
        "status": "current",
        "docStatus": "final",
        "date": instant(when),
        "description": document.title.zh,
        "content": [
            {
                "attachment": {
                    "contentType": _DOCX,
                    "title": title,
                    "data": base64.b64encode(data).decode("ascii"),
                }
            },
            # what a pdf of the same document is set from, whenever somebody asks for one
            {"attachment": {"contentType": _SETTING, "data": base64.b64encode(setting).decode("ascii")}},
        ],
        "context": {"related": [{"reference": f"Task/{task['id']}"}]},
    }
    return reference


def _kept_paper(resource: Resource, declared: Mapping[str, DocumentDeclaration]) -> Paper | None:
    """Return a kept document of the case, None for another paper."""
    said = {str(one.get("url")): one for one in resource.get("extension", ())}
    document = declared.get(str(said.get(OFFICIAL, {}).get("valueString", "")))
    if document is None:
        return None
    numbers = {str(one.get("system")): str(one.get("value", "")) for one in resource.get("identifier", ())}
    facts = [
        {str(part["url"]): str(part.get("valueString", "")) for part in one.get("extension", ())}
        for one in resource.get("extension", ())
        if one.get("url") == CITED_FACT
    ]
    return Paper(
        document.id,
        document.title,
        f"DocumentReference/{resource['id']}",
        numbers.get(DOCUMENT_NUMBER, ""),
        str(resource.get("date", "")),
        numbers.get(shape.DOCUMENT_HASH, ""),
        tuple(facts),
        sha256(_bytes_of(resource)).hexdigest() == numbers.get(shape.DOCUMENT_HASH, ""),
    )


def _bytes_of(resource: Resource) -> bytes:
    return base64.b64decode(str(resource["content"][0]["attachment"].get("data", "")))
