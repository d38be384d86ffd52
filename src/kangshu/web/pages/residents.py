"""档案调阅: one resident's record, masked as it comes. What stands in it is drawn in `health_record`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from starlette.responses import Response

from kangshu.access import is_masked
from kangshu.api import name_of, text_of
from kangshu.base.canonical import RESIDENT_ID, structure
from kangshu.base.clock import today
from kangshu.base.faults import Fault, Invalid
from kangshu.base.parameters import ParameterMissing
from kangshu.base.text import Text
from kangshu.sdk import Resource
from kangshu.web.lookup import divisions, organisations
from kangshu.web.pages.health_record import (
    YEARS,
    Holdings,
    charts_of,
    held_by,
    organisation,
    tables_of,
    timeline_of,
)
from kangshu.web.parts import Cell, Fact, Link
from kangshu.web.rows import work_rows
from kangshu.web.visit import Visit, texts

_REASONS: Final = ("电话回访", "预约与随访联系", "核对身份", "上门服务", "费用结算", "家属联系")
"""Offered as reasons; any other may be written."""


async def resident(visit: Visit) -> Response:
    """Show one resident's record. What the grant does not admit is not there."""
    return await _page(visit, {})


async def reveal(visit: Visit) -> Response:
    """Show the record once with one masked field in clear, for the reason that was given; the audit keeps it."""
    sent, id_ = texts(await visit.form()), visit.path("id")
    field, reason = sent.get("field", ""), sent.get("reason", "")
    try:
        values = await visit.platform.store.reveal(visit.grant, "Patient", id_, field, reason)
    except Invalid as fault:
        return await _page(visit, {}, visit.words.of(Text(fault.zh, fault.text)), 422)
    return await _page(visit, {field: "、".join(values)})


async def _page(visit: Visit, revealed: Mapping[str, str], error: str = "", status: int = 200) -> Response:
    words, id_ = visit.words, visit.path("id")
    patient = (await visit.platform.store.read(visit.grant, "Patient", id_)).resource
    whole = visit.query("years") == "all"
    held = await held_by(visit, id_, whole=whole)
    names = await organisations(visit)
    try:
        cases = work_rows(
            words, await visit.platform.cases.worklist(visit.grant, "all", subject=f"Patient/{id_}")
        )
    except Fault:
        cases = []
    facts = await _facts(visit, patient, names, revealed)
    hidden = [(one.field, one.title) for one in facts if one.field and is_masked(one.value)]
    born = str(patient.get("birthDate", ""))
    return visit.render(
        "resident.html",
        status,
        name=name_of(patient),
        gender={"male": words("男"), "female": words("女")}.get(
            str(patient.get("gender")), words("性别未知")
        ),
        age=words("{age} 岁", age=age_of(born)) if len(born) >= 4 else words("年龄未知"),
        marks=_marks(visit, held, born, len(cases)),
        facts=facts,
        masked=bool(hidden),
        hidden=hidden if visit.grant.may("field.reveal") else [],
        reveal=f"/residents/{id_}/reveal",
        reasons=[words(one) for one in _REASONS],
        revealed=bool(revealed),
        error=error,
        own=visit.grant.patient == id_,
        starts=_starts(visit, id_),
        history=_history(visit, id_),
        charts=charts_of(words, held.of("Observation")),
        tables=tables_of(words, held, names),
        cases=cases,
        years=timeline_of(words, held, names, cases),
        whole=whole,
        wider=visit.with_query(years="" if whole else "all"),
        span=YEARS,
    )


def age_of(born: str, on: date | None = None) -> int:
    """Return full years since a birth date; of a partial date, since its first day."""
    parts = [int(part) for part in born.split("-")]
    year, month, day = [*parts, 1, 1][:3]
    now = on or today()
    return now.year - year - ((now.month, now.day) < (month, day))


async def _facts(
    visit: Visit, patient: Resource, names: Mapping[str, str], revealed: Mapping[str, str]
) -> list[Fact]:
    words = visit.words
    number = next(
        (
            str(one.get("value", ""))
            for one in patient.get("identifier", ())
            if one.get("system") == RESIDENT_ID
        ),
        "",
    )
    phone = next((str(one.get("value", "")) for one in patient.get("telecom", ())), "")
    address = next((str(one.get("text", "")) for one in patient.get("address", ())), "")
    places = await divisions(visit)
    district = extension(patient, "district")
    return [
        Fact(words("身份证号"), revealed.get("identity-number", number), field="identity-number"),
        Fact(words("出生日期"), str(patient.get("birthDate", ""))),
        Fact(words("电话"), revealed.get("telephone", phone), field="telephone"),
        Fact(words("住址"), revealed.get("address", address), field="address"),
        Fact(words("所属区域"), " · ".join(filter(None, (places.get(district[:6]), places.get(district))))),
        Fact(words("管理机构"), organisation(patient.get("managingOrganization"), names)),
        Fact(words("户号"), extension(patient, "household")),
    ]


def extension(resource: Resource, name: str) -> str:
    """Return the value of one of our extensions as text, "" for none."""
    for one in resource.get("extension", ()):
        if one.get("url") == structure(name):
            return next((str(value) for key, value in one.items() if key.startswith("value")), "")
    return ""


def _marks(visit: Visit, held: Holdings, born: str, cases: int) -> list[Cell]:
    """Return what one should know at a glance: age, diagnoses, contracts, where the resident lives, open cases."""
    words, marks = visit.words, []
    if len(born) >= 4:
        reached = [age for age in _older_ages(visit) if age_of(born) >= age]
        if reached:
            marks.append(Cell(words("{age} 岁及以上", age=max(reached)), tone="accent"))
    codes = dict.fromkeys(text_of(one.get("code")) for one in held.of("Condition"))
    marks.extend(Cell(text, tone="amber") for text in list(filter(None, codes))[:4])
    day, seen = today().isoformat(), set()
    for one in sorted(held.of("Contract"), key=_end, reverse=True):
        kind = text_of(one.get("type"))
        if kind and kind not in seen:
            seen.add(kind)
            valid = one.get("status") == "executed" and _end(one) >= day
            text = words("{what}：有效", what=kind) if valid else words("{what}：已到期", what=kind)
            marks.append(Cell(text, tone="green" if valid else "red"))
    for one in held.of("EpisodeOfCare"):
        if one.get("status") == "active" and text_of(one.get("type")):
            marks.append(Cell(text_of(one.get("type")), tone="blue"))
    if cases:
        marks.append(Cell(words("在办 {count} 件", count=cases), tone="blue"))
    return marks


def _end(contract: Resource) -> str:
    return str((contract.get("applies") or {}).get("end") or "9999")[:10]


def _older_ages(visit: Visit) -> list[int]:
    """Return the ages from which a record says so: the values today of every parameter of that purpose."""
    found: list[int] = []
    declared: dict[str, Any] = {
        one.id: one
        for service in visit.platform.services
        for one in service.parameters
        if one.purpose == "older-age"
    }
    for id_ in declared:
        try:
            value = visit.platform.parameters.value(id_, visit.platform.settings.jurisdiction, today())
        except ParameterMissing:
            continue
        found.append(int(value))
    return found


def _history(visit: Visit, id_: str) -> str:
    """Return the page of what was changed in the resident's entry of the register, "" for who keeps no register."""
    if not visit.grant.may("register.read"):
        return ""
    declared = visit.platform.registers.declarations
    code = next((one.code for one in declared if one.resource_type == "Patient"), "")
    return f"/registers/{code}/{id_}/history" if code else ""


def _starts(visit: Visit, id_: str) -> list[Link]:
    return [
        Link(visit.words.of(one.title), f"/cases/start/{one.code}?subject=Patient/{id_}")
        for one in visit.platform.cases.startable(visit.grant)
        if one.subject_type == "Patient"
    ][:3]
