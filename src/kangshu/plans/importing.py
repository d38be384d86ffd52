"""A document becomes a plan: read, checked, resolved and written in one transaction, or not at all."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from kangshu.access import Grant, division_prefix
from kangshu.base.clock import instant, now
from kangshu.base.faults import Invalid, Issue, Unprocessable
from kangshu.documents import Document, read_apart
from kangshu.plans import shape, states
from kangshu.plans.aliases import remembered
from kangshu.plans.mentions import write_mentions
from kangshu.plans.outcomes import PlanImport
from kangshu.plans.reading import Reading, read_mentions, read_plan, read_reply
from kangshu.plans.splitting import PlanKind, parts_of, whole_of
from kangshu.plans.titles import title_of
from kangshu.plans.units import ResolvedUnit, UnitDirectory
from kangshu.plans.view import clauses_of, extensions, is_foreign, jurisdiction_of, units_of
from kangshu.sdk import Resource
from kangshu.store import Store

DIVISION = shape.JURISDICTION
_HEAD = 2000


@dataclass(frozen=True, slots=True)
class ImportSetting:
    """For whom a document is imported: `own` is our division code, the others are as `Plans.import_plan` takes them."""

    own: str
    jurisdiction: str | None
    foreign: bool | None
    demo: bool
    today: date


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
    return UnitDirectory(organisations, jurisdiction, names, await remembered(store, grant)), names


async def import_document(
    store: Store,
    grant: Grant,
    data: bytes,
    name: str,
    setting: ImportSetting,
    *,
    whole: bool = False,
    chosen: Mapping[int, str] | None = None,
) -> tuple[PlanImport, ...]:
    """Read, check and write the plans of a document in one transaction; see `Plans.import_document`."""
    document = await read_apart(data, name)
    known = await known_plans(store, grant, document.sha256)
    if shape.plan_id(document.sha256) in known or (whole and known):
        return tuple(_report(plan, already=True, findings=()) for plan in known.values())
    parts = (whole_of(document),) if whole else parts_of(document)
    parts = tuple(one for one in parts if chosen is None or one.number in chosen)
    if not parts:
        raise Invalid("choose at least one plan of the document", zh="请至少选择文件中的一个规划")
    several = not whole and (len(parts) > 1 or parts[0].end - parts[0].start < len(document.text))
    units, places = await directory(store, grant, setting.own)
    made: list[PlanImport] = []
    written: list[Resource] = []
    for part in parts:
        number = part.number if several else 0
        before = known.get(shape.plan_id(document.sha256, number))
        if before is not None:
            made.append(_report(before, already=True, findings=()))
            continue
        title = ((chosen or {}).get(part.number, "") or part.title).strip()
        piece = part.document(document)
        reading = await asyncio.to_thread(read_part, piece, part.kind)
        if not several:
            _refuse_empty(reading, part.kind)
        findings = (*_check(document, reading), *_whose(piece.text, setting, places))
        place = _jurisdiction(piece.text, setting, places)
        foreign = _is_foreign(place, setting)
        source = shape.Source(
            name,
            document.media_type,
            document.sha256,
            title,
            place,
            foreign,
            setting.demo,
            shape.Part(number, part.start, part.end, part.kind),
        )
        resolve = (lambda written: ResolvedUnit(written, ())) if foreign else units.resolve
        plan = shape.plan_definition(reading, piece.text, source, resolve, setting.today.isoformat())
        write_mentions(plan, await asyncio.to_thread(read_mentions, piece), part.start if several else 0)
        states.write_period(plan, states.written_period(title, piece.text))
        if not written:
            written.extend(
                document_resources(document, data, replace(source, title=title_of(document.text, name)))
            )
        written.append(plan)
        made.append(_report(plan, already=False, findings=findings))
    async with store.transaction(grant) as transaction:
        for resource in written:
            await transaction.update(resource)
    return tuple(made)


def document_resources(
    document: Document, data: bytes, source: shape.Source, *, kept: bool = False
) -> tuple[Resource, Resource, Resource]:
    """Return the source, its text and the DocumentReference over both; `kept` is true of what no plan is made of yet."""
    return shape.documents(
        source,
        base64.b64encode(data).decode("ascii"),
        base64.b64encode(document.text.encode("utf-8", "surrogatepass")).decode("ascii"),
        instant(now()),
        preliminary=kept,
    )


def read_part(piece: Document, kind: PlanKind) -> Reading:
    """Return what a plan, or the reply to a proposal, says."""
    return read_reply(piece) if kind == "reply" else read_plan(piece)


async def known_plans(store: Store, grant: Grant, sha256: str) -> dict[str, Resource]:
    """Return the plans that were made of the document with this hash, by id."""
    found = await store.search_all(grant, "PlanDefinition", f"identifier={shape.DOCUMENT_HASH}|{sha256}")
    return {str(one["id"]): one for one in sorted(found, key=lambda one: str(one["id"]))}


def _is_foreign(place: str, setting: ImportSetting) -> bool:
    if setting.foreign is not None:
        return setting.foreign
    return not (setting.own and division_prefix(place) == division_prefix(setting.own))


def _whose(text: str, setting: ImportSetting, places: dict[str, str]) -> tuple[Issue, ...]:
    """Return a warning where what shall be our own plan does not name our city."""
    place = _jurisdiction(text, setting, places)
    city = places.get(setting.own, "")
    if _is_foreign(place, setting) or not place or not city or city in text:
        return ()
    return (
        Issue(
            "warning",
            "business-rule",
            f"the document does not mention {city}; is it this city's own plan?",
            zh=f"文件中未出现“{city}”，请确认是否为本市文件",
        ),
    )


def _refuse_empty(reading: Reading, kind: PlanKind) -> None:
    """Raise Unprocessable for a text in which there is nothing to follow; a reply is taken in whatever it holds."""
    if kind == "plan" and not (reading.tasks or reading.targets or reading.worded):
        raise Unprocessable(
            "no task with a responsible unit and no figure to be reached was found; "
            "is this a plan, and was its text read whole?",
            zh="未识别到任何带责任单位的任务或量化目标，请确认上传的是规划类文件且文字完整",
        )


def _check(document: Document, reading: Reading) -> tuple[Issue, ...]:
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


def _jurisdiction(text: str, setting: ImportSetting, places: dict[str, str]) -> str:
    """Return the plan's place: what was given, else our own when the document's beginning names our city."""
    if setting.jurisdiction is not None:
        return setting.jurisdiction
    city = places.get(setting.own, "")
    return setting.own if setting.own and city and city in text[:_HEAD] else ""


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
