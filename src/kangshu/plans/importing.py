"""A document becomes a plan: read, checked, resolved and written in one transaction, or not at all."""

from __future__ import annotations

import asyncio
import base64
import re
from datetime import date

from kangshu.access import Grant, division_prefix
from kangshu.base.clock import instant, now
from kangshu.base.faults import Gone, Issue, NotFound, Unprocessable
from kangshu.documents import Document, read_document
from kangshu.plans import shape, states
from kangshu.plans.model import PlanImport
from kangshu.plans.reading import Reading, read_plan
from kangshu.plans.units import ResolvedUnit, UnitDirectory
from kangshu.plans.view import clauses_of, extensions, is_foreign, jurisdiction_of, units_of
from kangshu.sdk import Resource
from kangshu.store import Store

DIVISION = shape.JURISDICTION
_GENRE = re.compile(r"计划|规划|方案|意见|办法|纲要|措施|通知|答复|清单|规定")
_QUOTED = re.compile(r"《([^》]{4,80}(?:计划|规划|方案|意见|纲要|措施|办法)[^》]{0,20})》")
_HEADING = re.compile(
    r"[一二三四五六七八九十]+、|[(（][一二三四五六七八九十]+[)）]|第[一二三四五六七八九十]+[章条]"
)
_HEAD = 2000


async def directory(store: Store, grant: Grant, jurisdiction: str) -> tuple[UnitDirectory, dict[str, str]]:
    """Return the city's organisations as printed names resolve to them, and its division names by code."""
    places = await store.search_all(grant, "Location", f"identifier={DIVISION}|")
    names = {
        str(identifier["value"]): str(place.get("name", ""))
        for place in places
        for identifier in place.get("identifier", ())
        if identifier.get("system") == DIVISION and place.get("name")
    }
    organisations = await store.search_all(grant, "Organization", "")
    return UnitDirectory(organisations, jurisdiction, names), names


def title_of(text: str, name: str) -> str:
    """Return the document's title: what it is called at its beginning, else the name of the file."""
    lines = [line.strip() for line in text[:_HEAD].splitlines() if line.strip()][:12]
    head = ""
    for line in lines:  # a title may run over two lines
        if _HEADING.match(line):
            break
        head = (head + line) if head else line
        if len(head) > 100:
            head = line
        if _GENRE.search(head) and len(head) <= 100 and "。" not in head:
            quoted = _QUOTED.search(head)
            return (quoted.group(1) if quoted else re.sub(r"^关于印发|的通知$", "", head)).strip("《》 ")
    return name.rsplit("/", 1)[-1].rsplit(".", 1)[0] or "未命名文件"


async def import_plan(
    store: Store,
    grant: Grant,
    data: bytes,
    name: str,
    own: str,
    jurisdiction: str | None,
    foreign: bool | None,
    demo: bool,
    today: date,
) -> PlanImport:
    """Read, check and write a plan; see `Plans.import_plan`."""
    document = await asyncio.to_thread(read_document, data, name)
    reading = await asyncio.to_thread(read_plan, document)
    known = await _known(store, grant, document.sha256)
    if known is not None:
        return _report(known, already=True, findings=())
    findings = _check(document, reading)
    units, places = await directory(store, grant, own)
    place = _jurisdiction(document.text, jurisdiction, own, places)
    if foreign is None:
        foreign = not (own and division_prefix(place) == division_prefix(own))
    if not foreign and place and places.get(own, "") and places[own] not in document.text:
        findings += (
            Issue(
                "warning",
                "business-rule",
                f"the document does not mention {places[own]}; is it this city's own plan?",
                zh=f"文件中未出现“{places[own]}”，请确认是否为本市文件",
            ),
        )
    source = shape.Source(
        name, document.media_type, document.sha256, title_of(document.text, name), place, foreign, demo
    )
    resolve = (lambda written: ResolvedUnit(written, ())) if foreign else units.resolve
    plan = shape.plan_definition(reading, document.text, source, resolve, today.isoformat())
    states.write_period(plan, states.written_period(source.title, document.text))
    parts = shape.documents(
        source,
        base64.b64encode(data).decode("ascii"),
        base64.b64encode(document.text.encode("utf-8", "surrogatepass")).decode("ascii"),
        instant(now()),
    )
    async with store.transaction(grant) as transaction:
        for resource in (*parts, plan):
            await transaction.update(resource)
    return _report(plan, already=False, findings=findings)


async def _known(store: Store, grant: Grant, sha256: str) -> Resource | None:
    try:
        return (await store.read(grant, "PlanDefinition", f"plan-{sha256[:16]}")).resource
    except (NotFound, Gone):
        return None


def _check(document: Document, reading: Reading) -> tuple[Issue, ...]:
    if not reading.tasks and not reading.targets:
        raise Unprocessable(
            "no task with a responsible unit and no figure to be reached was found; "
            "is this a plan, and was its text read whole?",
            zh="未识别到任何带责任单位的任务或量化目标，请确认上传的是规划类文件且文字完整",
        )
    found = [Issue("information", "informational", note, zh=note) for note in document.notes]
    if not reading.tasks:
        found.append(
            Issue(
                "warning",
                "incomplete",
                "no clause names a responsible unit: nothing can be assigned from this document",
                zh="文件中没有注明责任单位的条款，无法据此交办",
            )
        )
    if not reading.targets:
        found.append(
            Issue(
                "warning",
                "incomplete",
                "no figure to be reached was found: the document has no targets to follow",
                zh="文件中没有可跟踪的量化目标",
            )
        )
    if reading.doubts:
        found.append(
            Issue(
                "warning",
                "informational",
                f"{len(reading.doubts)} places need a person's eye",
                zh=f"有{len(reading.doubts)}处内容需要人工核对",
            )
        )
    return tuple(found)


def _jurisdiction(text: str, given: str | None, own: str, places: dict[str, str]) -> str:
    """Return the plan's place: what was given, else our own when the document's beginning names our city."""
    if given is not None:
        return given
    city = places.get(own, "")
    return own if own and city and city in text[:_HEAD] else ""


def _report(plan: Resource, *, already: bool, findings: tuple[Issue, ...]) -> PlanImport:
    units = [unit for action, _, _ in clauses_of(plan) for unit in units_of(action)]
    foreign = is_foreign(plan)
    unresolved = () if foreign else tuple(dict.fromkeys(one.written for one in units if not one.resolved))
    if already:
        findings = (
            Issue(
                "information",
                "duplicate",
                "this very document had been imported before; nothing was changed",
                zh="该文件此前已导入，未作任何更改",
            ),
        )
    elif unresolved:
        findings += (
            Issue(
                "warning",
                "incomplete",
                f"of {len(unresolved)} units it is not known which organisation is meant",
                zh=f"有{len(unresolved)}个责任单位未能对应到机构，请人工确认：{'、'.join(unresolved[:10])}",
            ),
        )
    return PlanImport(
        plan=str(plan["id"]),
        title=str(plan.get("title", "")),
        jurisdiction=jurisdiction_of(plan),
        foreign=foreign,
        already=already,
        clauses=sum(1 for _ in clauses_of(plan)),
        targets=len(plan.get("goal", ())),
        money=sum(1 for _ in extensions(plan, shape.MONEY)),
        units=len({one.written for one in units}),
        unresolved=unresolved,
        findings=findings,
    )
