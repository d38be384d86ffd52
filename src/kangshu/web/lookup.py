"""What forms let one choose from, and names for what records point to: organisations, divisions, people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

from kangshu.base.canonical import BASE, RESIDENT_ID
from kangshu.base.faults import Fault, Issue, Unprocessable
from kangshu.sdk import Field, Resource
from kangshu.web.visit import Visit

DIVISION: Final = f"{BASE}/sid/division"
_MOST: Final = 400
"""More choices than this are typed, not picked."""


async def organisations(visit: Visit) -> dict[str, str]:
    """Return the names of the organisations that the visitor sees, by id, sorted by name."""
    found = await visit.platform.store.search_all(visit.grant, "Organization", "")
    return dict(
        sorted(((one["id"], str(one.get("name", one["id"]))) for one in found), key=lambda pair: pair[1])
    )


async def divisions(visit: Visit) -> dict[str, str]:
    """Return the names of the city's divisions by code (6, 9 and 12 digits), in order of code."""
    found = await visit.platform.store.search_all(visit.grant, "Location", f"identifier={DIVISION}|")
    named: dict[str, str] = {}
    for one in found:
        for identifier in one.get("identifier", ()):
            if identifier.get("system") == DIVISION and identifier.get("value"):
                named[str(identifier["value"])] = str(one.get("name", identifier["value"]))
    return dict(sorted(named.items()))


async def choices_of(
    visit: Visit, fields: Iterable[Field], values: Mapping[str, Any] | None = None
) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return what may be chosen for the fields that point to organisations, divisions, staff or other records.

    A resident is typed, not picked; one that stands in `values` already is offered by name.
    """
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    listed: dict[str, tuple[tuple[str, str], ...]] = {}
    for field in fields:
        held = str((values or {}).get(field.id) or "")
        if field.kind == "resident" and held.startswith("Patient/"):
            patient = await visit.platform.store.read(visit.grant, "Patient", held.removeprefix("Patient/"))
            found[field.id] = ((held, name_of(patient.resource)),)
        if field.options or field.kind not in ("organisation", "district", "practitioner", "reference"):
            continue
        key = f"{field.kind} {field.reference_type} {field.criteria}"
        if key not in listed:
            listed[key] = await _listed(visit, field)
        if len(listed[key]) <= _MOST:
            found[field.id] = listed[key]
    return found


async def _listed(visit: Visit, field: Field) -> tuple[tuple[str, str], ...]:
    match field.kind:
        case "organisation" if not field.criteria:
            return tuple((f"Organization/{id_}", name) for id_, name in (await organisations(visit)).items())
        case "district":
            return tuple((await divisions(visit)).items())
        case _:
            kinds = {"organisation": "Organization", "practitioner": "Practitioner"}
            kind = kinds.get(field.kind, field.reference_type)
            if not kind or "${" in field.criteria:
                return ()
            records = await visit.platform.store.search_all(visit.grant, kind, field.criteria)
            return tuple((f"{kind}/{one['id']}", name_of(one)) for one in records)


def name_of(resource: Resource) -> str:
    """Return how people call a record: its name, title or text, else its kind and id."""
    name = resource.get("name")
    if isinstance(name, str) and name:
        return name
    if isinstance(name, list) and name:
        first = name[0]
        return str(first.get("text") or f"{first.get('family', '')}{''.join(first.get('given', ()))}")
    if resource.get("resourceType") == "DocumentReference":
        titles = [str(one.get("attachment", {}).get("title", "")) for one in resource.get("content", ())]
        return next(filter(None, titles), str(resource.get("description", "")) or str(resource.get("id", "")))
    for element in ("title", "description"):
        if isinstance(resource.get(element), str):
            return str(resource[element])
    if resource.get("resourceType") == "Slot" and resource.get("start"):
        return f"{resource['start'][:16].replace('T', ' ')}"
    code = resource.get("code") or (resource.get("type") if isinstance(resource.get("type"), dict) else None)
    return text_of(code) or f"{resource.get('resourceType', '')} {resource.get('id', '')}"


def text_of(concept: Any) -> str:
    """Return the words of a CodeableConcept or a list of them: text, display, else code."""
    if isinstance(concept, list):
        return "、".join(filter(None, (text_of(one) for one in concept)))
    if not isinstance(concept, dict):
        return ""
    if concept.get("text"):
        return str(concept["text"])
    codings = concept.get("coding") or ([concept] if concept.get("code") else [])
    return next((str(one.get("display") or one.get("code") or "") for one in codings), "")


async def with_residents(visit: Visit, fields: Iterable[Field], values: dict[str, Any]) -> dict[str, Any]:
    """Return `values` with residents typed by name or identity number turned into references.

    Raises Unprocessable, at the field, when none or more than one is found among those the visitor sees.
    """
    issues: list[Issue] = []
    for field in fields:
        typed = str(values.get(field.id) or "").strip()
        if field.kind != "resident" or not typed or typed.startswith("Patient/"):
            continue
        try:
            values[field.id] = await find_resident(visit, typed)
        except Unprocessable as fault:
            issues.append(Issue("error", "not-found", fault.text, (field.id,), fault.zh))
    if issues:
        raise Unprocessable("a resident was not found", zh="居民信息有误", issues=tuple(issues))
    return values


async def find_resident(visit: Visit, typed: str) -> str:
    """Return `Patient/id` of the one resident with this identity number, id or exact name."""
    store = visit.platform.store
    number = typed.upper()
    found = (
        await store.search_all(visit.grant, "Patient", f"identifier={RESIDENT_ID}|{quote(number)}")
        if number.isalnum()
        else []
    )
    if not found:
        try:
            found = [(await store.read(visit.grant, "Patient", typed)).resource] if typed.isascii() else []
        except Fault:
            found = []
    if not found:
        found = await store.search_all(visit.grant, "Patient", f"name:exact={quote(typed)}")
    if len(found) == 1:
        return f"Patient/{found[0]['id']}"
    if found:
        raise Unprocessable(
            "more than one resident has this name: enter the identity number",
            zh="有多位同名居民，请填写身份证号",
        )
    raise Unprocessable(
        "there is no such resident among those you may see", zh="在可查看的居民中没有找到此人"
    )


def kind_title(visit: Visit, kind: str) -> str:
    """Return what people call a kind of record."""
    titles = {
        "Patient": "居民", "Organization": "机构", "Location": "床位或场所", "Slot": "号源", "Contract": "协议",
        "Encounter": "服务记录", "Observation": "评估与检查", "PractitionerRole": "执业岗位", "Task": "办件",
        "EpisodeOfCare": "入住记录", "Practitioner": "人员", "Condition": "诊断", "HealthcareService": "服务项目",
        "Communication": "通知", "PlanDefinition": "规划", "Binary": "文件", "DocumentReference": "附件",
        "MeasureReport": "填报", "ServiceRequest": "申请", "Schedule": "排班",
    }  # fmt: skip
    return visit.words(titles.get(kind, "记录"))
