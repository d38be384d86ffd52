"""卷宗 (一件一档): all papers of one case in order, with an index, as far as the reader sees them.

A dossier is the case's own sheet, those of the cases that belong with it (its parts, the case it is about, the cases
about it) and every file that their forms have gathered. It is made when asked for and kept nowhere.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kangshu.access import Grant
from kangshu.api.platform import Platform
from kangshu.base.clock import CITY_ZONE
from kangshu.base.faults import Fault, NotFound
from kangshu.cases import CaseEvent, CaseRow, all_fields, events, kind_of
from kangshu.documents import HeadingBlock, ParagraphBlock, TableBlock, TitleBlock, WriteBlock, write_docx
from kangshu.sdk import CaseDeclaration, Field, Resource

_DAY: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest moment that a zip directory can hold: a dossier's bytes do not depend on when it is made."""
_UNSAFE: Final = re.compile(r'[\\/:*?"<>|\x00-\x1f]+')


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper of a dossier: its number, name and day, the case it belongs to, and its bytes once asked for."""

    number: int
    title: str
    kind: str
    day: str
    case: str
    """Id of the Task that it stands in."""
    file: str
    """Id of the DocumentReference, "" for a case's own sheet."""
    name: str
    """Name in the zip."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """The papers of a case in order."""

    title: str
    number: str
    papers: tuple[Paper, ...]


async def dossier(platform: Platform, grant: Grant, task_id: str) -> Dossier:
    """Return the index of a case's dossier. Raises NotFound."""
    cases = await _cases(platform, grant, task_id)
    row = await platform.cases.row(grant, task_id)
    papers: list[Paper] = []
    for task in cases:
        one = await platform.cases.row(grant, str(task["id"]))
        title = f"{one.kind.zh}{one.number or ''}"
        day = _day(task.get("authoredOn"))
        papers.append(_paper(papers, f"{title} 办理单", "办理单", day, one.id, "", ".docx"))
        for event, file in _files(platform, task):
            try:
                found = await platform.attachments.file(grant, file)
            except Fault:
                continue
            when = event.when.astimezone(CITY_ZONE).date().isoformat()
            papers.append(_paper(papers, found.name, f"附件（{event.title}）", when, one.id, file, ""))
    return Dossier(row.title, row.number, tuple(papers))


async def dossier_zip(platform: Platform, grant: Grant, task_id: str) -> bytes:
    """Return the dossier as a zip: an index (docx), a sheet per case (docx), and the files. Raises NotFound."""
    found = await dossier(platform, grant, task_id)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        _add(target, "00-卷内目录.docx", write_docx(_index(found)))
        for paper in found.papers:
            if paper.file:
                data = (await platform.attachments.file(grant, paper.file)).data
            else:
                data = write_docx(await _sheet(platform, grant, paper.case))
            _add(target, paper.name, data)
    return stream.getvalue()


async def _cases(platform: Platform, grant: Grant, task_id: str) -> list[Resource]:
    """Return the case, the one it is about, its parts and those about it, each once, in order of their beginning."""
    store = platform.store
    own = (await store.read(grant, "Task", task_id)).resource
    if not kind_of(own):
        raise NotFound("this task is no case", zh="这不是办件")
    listed = [own]
    focus = str((own.get("focus") or {}).get("reference", ""))
    if focus.startswith("Task/"):
        try:
            listed.append((await store.read(grant, "Task", focus.removeprefix("Task/"))).resource)
        except Fault:
            listed = [own]
    roots = [str(one["id"]) for one in listed]
    for root in roots:
        for criteria in (f"part-of=Task/{root}", f"focus=Task/{root}"):
            listed += await store.search_all(grant, "Task", criteria)
    known = {str(one["id"]): one for one in listed if kind_of(one)}
    rest = sorted(
        (one for id_, one in known.items() if id_ != task_id),
        key=lambda one: (str(one.get("authoredOn", "")), str(one["id"])),
    )
    return [own, *rest]


def _files(platform: Platform, task: Resource) -> Iterable[tuple[CaseEvent, str]]:
    """Yield each file that a form of the case has gathered once, with the event that brought it."""
    seen: set[str] = set()
    for event in events(task):
        for value in event.values.values():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, str) and one.startswith("DocumentReference/") and one not in seen:
                    seen.add(one)
                    yield event, one.removeprefix("DocumentReference/")


def _paper(
    before: Sequence[Paper], title: str, kind: str, day: str, case: str, file: str, ending: str
) -> Paper:
    number = len(before) + 1
    name = f"{number:02d}-{_UNSAFE.sub('_', title)[:80]}{ending}"
    return Paper(number, title, kind, day, case, file, name)


def _index(found: Dossier) -> list[WriteBlock]:
    rows = [["序号", "材料名称", "类别", "日期"]]
    rows += [[str(one.number), one.title, one.kind, one.day] for one in found.papers]
    return [
        TitleBlock("卷内目录"),
        ParagraphBlock(f"{found.title}　{found.number}".strip()),
        TableBlock(rows),
    ]


async def _sheet(platform: Platform, grant: Grant, task_id: str) -> list[WriteBlock]:
    """Return a case as a document: its parties, what its forms say, and what happened."""
    task = (await platform.store.read(grant, "Task", task_id)).resource
    declaration = platform.cases.declaration(kind_of(task))
    row = await platform.cases.row(grant, task_id)
    history = events(task)
    happened = [["时间", "单位和人员", "事项", "意见"]]
    happened += [
        [
            event.when.astimezone(CITY_ZONE).strftime("%Y-%m-%d %H:%M"),
            " ".join(filter(None, (event.organisation_name, event.who))),
            event.title,
            event.comment if event.comment != event.title else "",
        ]
        for event in history
    ]
    return [
        TitleBlock(f"{declaration.title.zh}办理单"),
        TableBlock(_facts(row, declaration, history)),
        HeadingBlock("办理过程"),
        TableBlock(happened),
    ]


def _facts(row: CaseRow, declaration: CaseDeclaration, history: Sequence[CaseEvent]) -> list[list[str]]:
    known = [
        ["项目", "内容"],
        ["编号", row.number],
        ["事项", row.title],
        ["发起单位", row.requester_name],
        ["承办单位", row.owner_name],
        ["状态", row.state_title.zh],
    ]
    said: dict[str, Any] = {}
    for event in history:
        said.update({name: value for name, value in event.values.items() if value is not None})
    fields = all_fields(declaration)
    known += [
        [field.title.zh, text]
        for name, field in fields.items()
        if name in said and name != "comment" and (text := _text(field, said[name]))
    ]
    return [line for line in known if line[1]]


def _text(field: Field, value: Any) -> str:
    """Return a plain value as people read it; what points to a record or stands in a table is not repeated here."""
    if field.kind in ("attachment", "reference", "organisation", "resident", "practitioner", "table"):
        return ""
    if field.kind == "boolean":
        return "是" if value else "否"
    titles = {one.code: one.title.zh for one in field.options}
    listed = value if isinstance(value, list) else [value]
    return "、".join(titles.get(str(one), str(one)) for one in listed)


def _day(lexeme: object) -> str:
    return str(lexeme or "")[:10]


def _add(target: zipfile.ZipFile, name: str, data: bytes) -> None:
    member = zipfile.ZipInfo(name, _DAY)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o600 << 16
    target.writestr(member, data)
