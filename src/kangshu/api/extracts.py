"""Extracts of data under an approved application (数据使用申请): made, listed, handed out, and traced when they leak."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from kangshu import measures
from kangshu.access import Grant, system_grant
from kangshu.api.extract_files import csv_copy, mark_of, tables_of, workbook_copy
from kangshu.api.platform import Platform
from kangshu.base.canonical import CASE_KIND, CASE_STATE
from kangshu.base.clock import today
from kangshu.base.divisions import division_prefix
from kangshu.base.faults import Conflict, Forbidden, Gone, NotFound, Unprocessable, Unsupported
from kangshu.measures import Demand, Extract, Terms
from kangshu.sdk import CaseDeclaration, ExtractDeclaration, Resource
from kangshu.store import ExtractRecord, NewExtract, new_id, oversees

CARRIED: Final = "data-use"
"""What the kind of case declares in `carries` whose approval authorises extracts."""
RECORD: Final = "record-extract"
"""The system's move that such a case must have: from the states in which extracts may be made."""
DOWNLOADED: Final = "record-download"
RESEARCH: Final = "HRESCH"
_REASON: Final = "data extracts"
_ABROAD: Final = ("consent_basis", "transfer_basis", "transfer_file")


@dataclass(frozen=True, slots=True)
class Application:
    """What an approved application allows."""

    task: str
    number: str
    organisation: str
    organisation_name: str
    recipient: str
    purpose: str
    place: str
    level: str
    definition: str
    columns: tuple[str, ...]
    district: str
    period_start: date
    period_end: date
    expiry: date
    usable: bool
    """Whether its state allows extracts."""
    safeguards: frozenset[str]
    """Which grounds of a transfer abroad it holds."""


@dataclass(frozen=True, slots=True)
class Trace:
    """An extract whose copy a leaked file may be. `certain`: its pseudonyms are in the file."""

    record: ExtractRecord
    evidence: measures.Evidence
    certain: bool


def extract_definitions(platform: Platform) -> dict[str, ExtractDeclaration]:
    """Return every declared extract by id."""
    return {one.id: one for service in platform.services for one in service.extracts}


async def extract_application(platform: Platform, grant: Grant, task_id: str) -> Application:
    """Return what an application says.

    Raises:
        NotFound: the account sees no such application.
        Unsupported: no service carries applications.
    """
    kind = _kind(platform)
    task = (await platform.store.read(grant, "Task", task_id)).resource
    if kind.code not in [one.get("code") for one in task["code"]["coding"] if one.get("system") == CASE_KIND]:
        raise NotFound("there is no such application", zh="没有此数据使用申请")
    return _application(task, kind)


async def usable_applications(platform: Platform, grant: Grant) -> list[Application]:
    """Return the applications whose extract may be made now by the account and is not yet, as far as it sees them."""
    kind = platform.cases.carrying(CARRIED)
    if kind is None:
        return []
    tasks = await platform.store.search_all(
        grant, "Task", f"code={CASE_KIND}|{kind.code}&_sort=-_lastUpdated"
    )
    found = [_application(one, kind) for one in tasks]
    made = {one.application for one in await platform.store.extract_records(system_grant(_REASON))}
    return [
        one
        for one in found
        if one.usable and one.expiry >= today() and _concerned(grant, one) and one.task not in made
    ]


async def make_extract(platform: Platform, grant: Grant, application_task_id: str) -> ExtractRecord:
    """Make the extract that an application allows, keep it in the register and note it in the case.

    Raises:
        NotFound: the account sees no such application, or its definition is not declared.
        Forbidden: the account acts neither for the applicant nor for the data office, or the transfer has no ground.
        Gone: the use has ended.
        Conflict: it is made already.
        Unprocessable: it is not approved, or the check of disclosure fails.
    """
    asked = await extract_application(platform, grant, application_task_id)
    _check(grant, asked)
    declaration = extract_definitions(platform).get(asked.definition)
    if declaration is None:
        raise NotFound(
            f"no extract '{asked.definition[:60]}' is declared",
            zh=f"没有名为“{asked.definition[:60]}”的提取定义",
        )
    place, table = platform.settings.jurisdiction, platform.parameters
    terms = _terms(platform, asked)
    register = await platform.store.extract_records(system_grant(_REASON))
    if any(one.application == asked.task for one in register):
        raise Conflict(
            "the extract of this application is made already; take a copy of it",
            zh="该申请的提取件已制作，请直接下载；需要新的数据请另行申请",
        )
    earlier = [
        one.facts.get("levels", {})
        for one in register
        if one.organisation == asked.organisation
        and one.definition == declaration.id
        and one.expires >= today()
    ]
    values = {one: table.value(one, place, asked.period_end) for one in declaration.parameters}
    refused = await platform.store.dissenters(RESEARCH)
    most = int(measures.figure(table, measures.MOST_ROWS, place))
    secret = secrets.token_bytes(32)  # it is never written down: nobody can find out who a pseudonym is

    def compute() -> tuple[Extract, int]:
        snapshot = platform.snapshot()
        rows = snapshot.people(
            measures.extract_grant(grant, asked.district), declaration, values, asked.period_start,
            asked.period_end, district=asked.district, without=refused, limit=most,
        )  # fmt: skip
        if asked.level == "aggregate":
            return measures.aggregated(declaration, rows, terms), snapshot.position
        return measures.deidentified(declaration, rows, terms, secret, earlier), snapshot.position

    made, position = await asyncio.to_thread(compute)
    id_ = new_id()
    facts = {
        "number": asked.number,
        "organisation_name": asked.organisation_name,
        "recipient": asked.recipient,
        "purpose": asked.purpose,
        "title": {"zh": declaration.title.zh, "en": declaration.title.en},
        "columns": [[one.id, one.title.zh, one.title.en, one.role] for one in made.columns],
        "district": asked.district,
        "period": [asked.period_start.isoformat(), asked.period_end.isoformat()],
        "levels": dict(made.risk.levels),
        "risk": _risk(made, terms),
        "position": position,
    }
    new = NewExtract(
        id_, asked.task, asked.organisation, declaration.id, asked.level, asked.expiry, facts,
        [[one.id for one in made.columns], *(list(row) for row in made.rows)],
        measures.fingerprint(made, mark_of(asked.number, asked.recipient)),
    )  # fmt: skip
    await platform.store.add_extract(grant, new)
    await platform.cases.move(
        system_grant(_REASON),
        asked.task,
        RECORD,
        {"extract_reference": id_, "extract_rows": len(made.rows), "comment": grant.display},
    )
    return (await platform.store.extract_records(system_grant(_REASON), id_))[0]


async def download_extract(
    platform: Platform, grant: Grant, id_: str, form: str = "xlsx"
) -> tuple[bytes, str, str]:
    """Return a copy (xlsx or csv), its name and media type; who took it and when stands on it.

    Raises:
        NotFound: the account sees no such extract.
        Gone: the use has ended, or the approval was revoked.
        Unsupported: another form.
    """
    if form not in ("xlsx", "csv"):
        raise Unsupported("an extract is handed out as xlsx or csv", zh="提取件只能下载为xlsx或csv")
    record, rows = await platform.store.extract_rows(grant, id_)
    asked = await extract_application(platform, system_grant(_REASON), record.application)
    if not asked.usable:
        raise Gone("the approval of this extract no longer holds", zh="该提取件的批准已失效，不能下载")
    await platform.cases.move(
        system_grant(_REASON),
        record.application,
        DOWNLOADED,
        {"extract_reference": record.id, "downloaded_by": grant.display},
    )
    name = f"{record.facts['title']['zh']}_{record.facts['number']}"
    if form == "csv":
        return csv_copy(record, rows), f"{name}.csv", "text/csv; charset=utf-8"
    media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return workbook_copy(platform, grant, record, rows), f"{name}.xlsx", media


async def trace_extract(platform: Platform, grant: Grant, data: bytes, name: str) -> list[Trace]:
    """Return whose copy a leaked file (xlsx or csv) may be, the likeliest first; none where nothing agrees.

    Raises:
        Forbidden: the account does not oversee extracts.
        Malformed: no such file.
    """
    tables = await asyncio.to_thread(tables_of, data, name)
    known = await platform.store.extract_fingerprints(grant)

    def compare() -> list[Trace]:
        found = []
        for record, print_ in known:
            best = max((measures.compared(one, print_) for one in tables), key=lambda one: one.score)
            if any(best.score):
                found.append(Trace(record, best, best.people > 0))
        return sorted(found, key=lambda one: one.evidence.score, reverse=True)

    return await asyncio.to_thread(compare)


# ---------------------------------------------------------------------- what an application allows


def _kind(platform: Platform) -> CaseDeclaration:
    kind = platform.cases.carrying(CARRIED)
    if kind is None:
        raise Unsupported(
            f"no service carries applications to use data (carries: {CARRIED})", zh="未启用数据使用申请服务"
        )
    return kind


def _application(task: Resource, kind: CaseDeclaration) -> Application:
    values: dict[str, list[Any]] = {}
    for one in task.get("input", []):
        code = next((coding.get("code", "") for coding in one["type"].get("coding", [])), "")
        value = next((held for name, held in one.items() if name.startswith("value")), "")
        values.setdefault(code, []).append(value)

    def said(name: str) -> str:
        found = values.get(name, [""])[0]
        return (
            str(found.get("code", "") or found.get("display", ""))
            if isinstance(found, Mapping)
            else str(found)
        )

    def listed(name: str) -> tuple[str, ...]:
        texts = [str(one) for one in values.get(name, [])]
        return tuple(
            part.strip() for text in texts for part in text.replace("，", ",").split(",") if part.strip()
        )

    state = next(
        (
            one.get("code", "")
            for one in task.get("businessStatus", {}).get("coding", [])
            if one.get("system") == CASE_STATE
        ),
        "",
    )
    sources = next((one.sources for one in kind.moves if one.id == RECORD), ())
    requester = task.get("requester", {})
    return Application(
        task=str(task["id"]),
        number=next((str(one.get("value", "")) for one in task.get("identifier", [])), str(task["id"])),
        organisation=str(requester.get("reference", "")).removeprefix("Organization/"),
        organisation_name=str(requester.get("display", "")),
        recipient=said("recipient") or str(requester.get("display", "")),
        purpose=said("purpose"),
        place=said("place"),
        level=said("level"),
        definition=said("extract"),
        columns=listed("granted_columns"),
        district=said("granted_district"),
        period_start=_day(said("granted_start")),
        period_end=_day(said("granted_end")),
        expiry=_day(said("expiry")),
        usable=state in sources,
        safeguards=frozenset(one for one in _ABROAD if values.get(one)),
    )


def _day(text: str) -> date:
    """Return a day; what is no day lies before all days, so that nothing is allowed by it."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return date.min


def _concerned(grant: Grant, asked: Application) -> bool:
    return grant.acts_for(asked.organisation) or oversees(grant)


def _check(grant: Grant, asked: Application) -> None:
    if not _concerned(grant, asked):
        raise Forbidden(
            "only the applicant and the data office make this extract",
            zh="只有申请单位和数据主管部门可以制作该提取件",
        )
    if not asked.usable:
        raise Unprocessable(
            "the application is not approved, or no longer", zh="该申请尚未批准或批准已失效，不能制作提取件"
        )
    if asked.expiry < today():
        raise Gone("the use that was approved has ended", zh="批准的使用期限已到，不能再制作提取件")
    if asked.level not in ("aggregate", "de-identified") or not asked.columns or not asked.district:
        raise Unprocessable(
            "the approval does not say level, columns and division",
            zh="批准内容不完整：须有数据形式、准予字段和区划",
        )
    if date.min in (asked.period_start, asked.period_end):
        raise Unprocessable("the approval does not say the period", zh="批准内容不完整：须有准予的时段")
    if asked.place != "mainland" and asked.safeguards != frozenset(_ABROAD):
        raise Forbidden(
            "a recipient outside the mainland needs separate consent, a ground of transfer and its paper (PIPL 38-40)",
            zh="接收单位在境外（含港澳台），须先取得单独同意、具备出境合规路径及文件（个人信息保护法第三十八条至第四十条）",
        )


def _terms(platform: Platform, asked: Application) -> Terms:
    place, table = platform.settings.jurisdiction, platform.parameters

    def figure(declared: Any) -> float:
        return float(measures.figure(table, declared, place))

    return Terms(
        asked.columns,
        division_prefix(asked.district),
        Demand(
            int(figure(measures.LEAST_CLASS)),
            int(figure(measures.LEAST_VALUES)),
            figure(measures.MOST_DISTANCE) / 100,
            figure(measures.MOST_LEFT_OUT) / 100,
        ),
        threshold=int(figure(measures.SMALL_CELL)),
        shift_days=int(figure(measures.DATE_SHIFT)),
        mark_share=figure(measures.MARK_SHARE) / 100,
    )


def _risk(made: Extract, terms: Terms) -> dict[str, Any]:
    risk = made.risk
    return {
        "rows": risk.rows, "left_out": risk.left_out, "sampled_out": risk.sampled_out, "classes": risk.classes,
        "k": risk.k, "diversity": risk.diversity, "distance": round(risk.distance, 4),
        "prosecutor_most": round(risk.prosecutor_most, 4), "prosecutor_mean": round(risk.prosecutor_mean, 4),
        "journalist_most": round(risk.journalist_most, 4), "asked_k": terms.demand.k, "asked_l": terms.demand.l,
        "asked_t": terms.demand.t, "asked_left_out": terms.demand.left_out, "threshold": terms.threshold,
    }  # fmt: skip
