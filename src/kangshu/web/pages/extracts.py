"""数据提取件: what was made under which approval, its risk, and its copies; for the applicant and for the data office."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from kangshu.api import (
    Application,
    ExtractRecord,
    download_extract,
    extract_definitions,
    make_extract,
    oversees,
    risk_lines,
    trace_extract,
    usable_applications,
)
from kangshu.base.clock import today
from kangshu.base.faults import Invalid, NotFound
from kangshu.base.text import Text
from kangshu.web.lookup import divisions
from kangshu.web.parts import Fact
from kangshu.web.visit import Visit, texts, uploaded

_LEVELS: Final = {"aggregate": "汇总统计", "de-identified": "去标识化"}
_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One extract in the list."""

    id: str
    title: str
    number: str
    recipient: str
    level: str
    rows: str
    made: str
    expires: str
    state: str
    tone: str

    @property
    def address(self) -> str:
        """Return its page."""
        return f"/extracts/{self.id}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """An approved application under which an extract may be made."""

    task: str
    number: str
    title: str
    recipient: str
    level: str
    columns: str
    expires: str


@dataclass(frozen=True, slots=True)
class Suspect:
    """An extract that a leaked file agrees with."""

    line: Line
    certain: bool
    people: str
    values: str
    marks: str


def _concerned(visit: Visit) -> None:
    if not (visit.grant.organisation or oversees(visit.grant)):
        raise NotFound("there is no such page", zh="没有此页面")


async def extracts(visit: Visit) -> Response:
    """Show the extracts of the visitor's organisation, or all for the data office, and what can be made."""
    _concerned(visit)
    records = await visit.platform.store.extract_records(visit.grant)
    waiting = await usable_applications(visit.platform, visit.grant)
    return visit.render(
        "extracts.html",
        rows=[_line(visit, one) for one in records],
        waiting=[_waiting(visit, one) for one in waiting],
        oversees=oversees(visit.grant),
        suspects=None,
    )


async def make(visit: Visit) -> Response:
    """Make the extract of an approved application."""
    _concerned(visit)
    form = texts(await visit.form())
    record = await make_extract(visit.platform, visit.grant, form.get("application", ""))
    return visit.go(f"/extracts/{record.id}", said="extracted")


async def extract(visit: Visit) -> Response:
    """Show one extract: whose, what for, until when, and the report on its risk."""
    record = await _record(visit)
    words, facts = visit.words, record.facts
    line = _line(visit, record)
    group = (await divisions(visit)).get(facts["district"], facts["district"])
    names = {one[0]: words.of(Text(one[1], one[2])) for one in facts["columns"]}
    return visit.render(
        "extract.html",
        line=line,
        there=_there(record),
        facts=[
            Fact(words("申请文号"), facts["number"]),
            Fact(words("数据形式"), words(_LEVELS.get(record.level, record.level))),
            Fact(words("申请单位"), facts["organisation_name"]),
            Fact(words("接收单位"), facts["recipient"]),
            Fact(words("使用期限"), record.expires.isoformat()),
            Fact(words("制作"), f"{words.moment(record.made_at)} · {record.made_by}"),
            Fact(words("人群范围"), f"{group} · {facts['period'][0]} – {facts['period'][1]}"),
            Fact(words("字段"), "、".join(names.values())),
            Fact(words("使用目的"), facts["purpose"], wide=True),
        ],
        case=f"/cases/{record.application}",
        risk=[Fact(words.of(Text(zh, en)), figure) for zh, en, figure in risk_lines(record)],
        aggregate=record.level == "aggregate",
        threshold=facts["risk"]["threshold"],
    )


async def file(visit: Visit) -> Response:
    """Hand out a copy until the use ends; who took it stands on it and in the case."""
    _concerned(visit)
    form = visit.path("form")
    data, name, media = await download_extract(visit.platform, visit.grant, visit.path("id"), form)
    return visit.download(data, name, media)


async def trace(visit: Visit) -> Response:
    """Show whose copy a leaked file is."""
    _concerned(visit)
    form = await visit.form()
    sent = await uploaded(form, "file")
    if sent is None:
        raise Invalid("choose a file", zh="请选择要追查的文件")
    name, data = sent
    found = await trace_extract(visit.platform, visit.grant, data, name)
    records = await visit.platform.store.extract_records(visit.grant)
    return visit.render(
        "extracts.html",
        rows=[_line(visit, one) for one in records],
        waiting=[],
        oversees=True,
        suspects=[
            Suspect(
                _line(visit, one.record),
                one.certain,
                f"{one.evidence.people} / {one.evidence.rows}",
                f"{one.evidence.values} / {one.evidence.rows}",
                f"{one.evidence.marks} / {one.evidence.rows}",
            )
            for one in found[:_SHOWN]
        ],
    )


async def _record(visit: Visit) -> ExtractRecord:
    _concerned(visit)
    records = await visit.platform.store.extract_records(visit.grant, visit.path("id"))
    if not records:
        raise NotFound("there is no such extract", zh="没有此提取件")
    return records[0]


def _there(record: ExtractRecord) -> bool:
    return record.there and record.expires >= today()


def _line(visit: Visit, record: ExtractRecord) -> Line:
    words, facts = visit.words, record.facts
    return Line(
        record.id,
        words.of(Text(facts["title"]["zh"], facts["title"]["en"])),
        facts["number"],
        facts["recipient"],
        words(_LEVELS.get(record.level, record.level)),
        f"{facts['risk']['rows']:,}",
        words.moment(record.made_at),
        record.expires.isoformat(),
        words("可下载") if _there(record) else words("已到期，不能下载"),
        "green" if _there(record) else "",
    )


def _waiting(visit: Visit, asked: Application) -> Waiting:
    words = visit.words
    declared = extract_definitions(visit.platform).get(asked.definition)
    titles = {one.id: words.of(one.title) for one in declared.columns} if declared else {}
    return Waiting(
        asked.task,
        asked.number,
        words.of(declared.title) if declared else asked.definition,
        asked.recipient,
        words(_LEVELS.get(asked.level, asked.level)),
        "、".join(titles.get(one, one) for one in asked.columns),
        asked.expiry.isoformat(),
    )
