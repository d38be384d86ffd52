"""What forms let one choose from, and names for what records point to: organisations, divisions, people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from kangshu.api import name_of, text_of
from kangshu.base.canonical import BASE, RESIDENT_ID
from kangshu.base.faults import Fault, Issue, Unprocessable
from kangshu.sdk import Field, Resource
from kangshu.web.clinical import said_in
from kangshu.web.visit import Visit

DIVISION: Final = f"{BASE}/sid/division"
_MOST: Final = 400
"""More choices than this are found by name, not listed."""
_FITTING: Final = 20
_FOUND: Final = {"resident": "Patient", "practitioner": "Practitioner", "organisation": "Organization"}


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

    A resident is found, not listed: one that stands in `values` already is offered by name, and those that fit what
    was typed are offered instead of it.
    """
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    listed: dict[str, tuple[tuple[str, str], ...]] = {}
    for field in fields:
        held = str((values or {}).get(field.id) or "")
        if field.kind == "resident" and held:
            found[field.id] = await _fitting(visit, field, held)
        if field.options or field.kind not in ("organisation", "district", "practitioner", "reference"):
            continue
        key = f"{field.kind} {field.reference_type} {field.criteria} {field.listed_by}"
        if key not in listed:
            listed[key] = await _listed(visit, field)
        if len(listed[key]) <= _MOST:
            found[field.id] = listed[key]
        elif held:
            found[field.id] = await _fitting(visit, field, held)
    return found


def with_columns(fields: Iterable[Field]) -> list[Field]:
    """Return the fields and the columns of the tables among them, these by `<table>.<column>`."""
    listed = list(fields)
    return [
        *listed, *(replace(one, id=f"{field.id}.{one.id}") for field in listed for one in field.columns)
    ]  # fmt: skip


async def _fitting(visit: Visit, field: Field, held: str) -> tuple[tuple[str, str], ...]:
    """Return the record that stands in a field, or those that fit what was typed into it."""
    kind, _, id_ = held.partition("/")
    if id_:
        try:
            resource = (await visit.platform.store.read(visit.grant, kind, id_)).resource
        except Fault:
            return ()
        return ((held, name_of(resource)),)
    records = await visit.platform.registers.choosable(visit.grant, field, text=held[:60], limit=_FITTING)
    names = await organisations(visit) if records else {}
    return tuple(
        (
            f"{one['resourceType']}/{one['id']}",
            " · ".join(filter(None, (name_of(one), candidate_note(visit, one, names)))),
        )
        for one in records
    )


def candidate_note(visit: Visit, resource: Resource, names: Mapping[str, str]) -> str:
    """Return what tells a record from others of the same name; an identity number as the visitor may see it."""
    parts = []
    if resource.get("resourceType") == "Patient":
        genders = {"male": visit.words("男"), "female": visit.words("女")}
        number = next(
            (
                str(one.get("value", ""))
                for one in resource.get("identifier", ())
                if one.get("system") == RESIDENT_ID
            ),
            "",
        )
        parts = [
            genders.get(str(resource.get("gender")), ""),
            str(resource.get("birthDate", "")),
            number,
        ]
    else:
        parts = [text_of(resource.get("type"))]
    owner = str((resource.get("managingOrganization") or {}).get("reference", "")).removeprefix(
        "Organization/"
    )
    return " · ".join(filter(None, (*parts, names.get(owner, ""))))


async def _listed(visit: Visit, field: Field) -> tuple[tuple[str, str], ...]:
    match field.kind:
        case "organisation" if not field.criteria:
            listed = {f"Organization/{id_}": name for id_, name in (await organisations(visit)).items()}
            return await _registered_first(visit, field, listed)
        case "district":
            return tuple((await divisions(visit)).items())
        case _:
            kinds = {"organisation": "Organization", "practitioner": "Practitioner"}
            kind = kinds.get(field.kind, field.reference_type)
            if not kind or "${" in field.criteria or field.draws:
                return ()
            records = await visit.platform.store.search_all(visit.grant, kind, field.criteria)
            return await named(visit, records)


async def named(visit: Visit, records: Sequence[Resource]) -> tuple[tuple[str, str], ...]:
    """Return (reference, what people call it) of records to choose from; of a post who holds it, then the post."""
    posts = [one for one in records if one.get("resourceType") == "PractitionerRole"]
    ids = ",".join(dict.fromkeys(_holder(one).removeprefix("Practitioner/") for one in posts))
    people = await visit.platform.store.search_all(visit.grant, "Practitioner", f"_id={ids}") if ids else ()
    names = {f"Practitioner/{one['id']}": name_of(one) for one in people}
    return tuple(
        (
            f"{one['resourceType']}/{one['id']}",
            " · ".join(filter(None, (names.get(_holder(one), ""), _post(one), _note(visit, one)))),
        )
        for one in records
    )


def _note(visit: Visit, record: Resource) -> str:
    return _slot_note(visit, record) if record.get("resourceType") == "Slot" else ""


def _slot_note(visit: Visit, slot: Resource) -> str:
    """Return what tells a slot from others of its hour: department, clinician, and for whom it is kept."""
    try:
        kind = visit.platform.bookings.kind_of(slot)
    except Fault:
        return ""
    kept = {str(one.get("url", "")).rpartition("/")[2]: one for one in slot.get("extension", ())}
    reserved = "" if "released" in kept else str(kept.get("reserved-for", {}).get("valueCode", ""))
    pool = kind.pool(reserved) if reserved else None
    clinician = str((kept.get("clinician", {}).get("valueReference") or {}).get("display", ""))
    parts = (visit.words.of(kind.title), text_of(slot.get("specialty")), clinician)
    return " · ".join(filter(None, (*parts, visit.words.of(pool.title) if pool else "")))


def _holder(post: Resource) -> str:
    """Return the reference of who holds a post; "" for other records."""
    return str((post.get("practitioner") or {}).get("reference", ""))


def _post(record: Resource) -> str:
    """Return what a post is, what a record of somebody's health says; of others what people call them."""
    if record.get("resourceType") == "PractitionerRole":
        return text_of(record.get("code"))
    return said_in(record) or name_of(record)


async def _registered_first(
    visit: Visit, field: Field, listed: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """Return the choices with those first that the field's register names, each with what the register tells of it."""
    one = field.listed_by
    known = {register.code for register in visit.platform.registers.declarations}
    if one is None or one.register not in known or not visit.grant.may("register.read"):
        return tuple(listed.items())
    page = await visit.platform.registers.list(visit.grant, one.register, count=_MOST, total=False)
    first: dict[str, str] = {}
    for row in page.rows:
        chosen = str(row.values.get(one.column) or "")
        if chosen in listed and chosen not in first and row.values.get("active") is not False:
            notes = (visit.words.of(row.texts[name]) for name in one.columns)
            first[chosen] = " · ".join(filter(None, (listed[chosen], *notes)))
    rest = ((reference, name) for reference, name in listed.items() if reference not in first)
    return (*sorted(first.items(), key=lambda pair: pair[1]), *rest)


async def with_residents(visit: Visit, fields: Iterable[Field], values: dict[str, Any]) -> dict[str, Any]:
    """Return `values` with people and organisations typed by name or number turned into references.

    Raises Unprocessable, at the field, when none or more than one is found among those the visitor sees.
    """
    issues: list[Issue] = []
    for field in fields:
        for number, row in enumerate(values.get(field.id) or () if field.columns else ()):
            places = {one.id: f"{field.id}.{number}.{one.id}" for one in field.columns}
            try:
                row.update(await with_residents(visit, field.columns, row))
            except Unprocessable as fault:
                issues += [
                    replace(one, expression=tuple(places[at] for at in one.expression))
                    for one in fault.issues
                ]
        typed = values.get(field.id)
        if field.kind not in _FOUND or not isinstance(typed, str) or not typed.strip() or "/" in typed:
            continue
        try:
            values[field.id] = await _found(visit, field, typed.strip())
        except Unprocessable as fault:
            issues.append(Issue("error", "not-found", fault.text, (field.id,), fault.zh))
    if issues:
        raise Unprocessable("somebody was not found", zh="所填人员或机构有误", issues=tuple(issues))
    return values


async def _found(visit: Visit, field: Field, typed: str) -> str:
    """Return the reference of the one record with this number, id or exact name."""
    records = await visit.platform.registers.choosable(visit.grant, field, text=typed[:60], limit=_FITTING)
    named = [one for one in records if name_of(one) == typed]
    found = named or (list(records) if typed[:6].isdigit() else [])
    if not found and typed.isascii():
        try:
            found = [(await visit.platform.store.read(visit.grant, _FOUND[field.kind], typed)).resource]
        except Fault:
            found = []
    if len(found) == 1:
        return f"{found[0]['resourceType']}/{found[0]['id']}"
    if found or records:
        raise Unprocessable("more than one fits: choose from the list", zh="有多个符合的，请在列表中选择一个")
    raise Unprocessable("there is nobody of this name among those you may see", zh="在可查看的范围内没有找到")


def record_address(visit: Visit, kind: str, id_: str) -> str:
    """Return the page of a record: a resident's, a case's, else its register's; "" where it has none."""
    if kind == "Patient":
        return f"/residents/{id_}"
    if kind == "Task":
        return f"/cases/{id_}"
    for declared in visit.platform.registers.declarations:
        if declared.resource_type == kind and visit.grant.may("register.read"):
            return f"/registers/{declared.code}/{id_}"
    return ""


def kind_title(visit: Visit, kind: str) -> str:
    """Return what people call a kind of record."""
    titles = {
        "Patient": "居民", "Organization": "机构", "Location": "床位或场所", "Slot": "号源", "Contract": "协议",
        "Encounter": "服务记录", "Observation": "评估与检查", "PractitionerRole": "执业岗位", "Task": "办件",
        "EpisodeOfCare": "入住记录", "Practitioner": "人员", "Condition": "诊断", "HealthcareService": "服务项目",
        "Communication": "通知", "PlanDefinition": "规划", "Binary": "文件", "DocumentReference": "附件",
        "MeasureReport": "填报", "ServiceRequest": "申请", "Schedule": "排班", "Consent": "授权",
        "AuditEvent": "审计日志", "Measure": "指标", "Account": "账号", "Immunization": "接种记录",
        "MedicationStatement": "用药", "MedicationRequest": "处方", "AllergyIntolerance": "过敏史",
        "CarePlan": "健康计划", "QuestionnaireResponse": "问卷", "RelatedPerson": "亲属", "Appointment": "预约",
    }  # fmt: skip
    return visit.words(titles.get(kind, "记录"))
