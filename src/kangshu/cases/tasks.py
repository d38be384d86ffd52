"""How a case stands in a Task: pure reading and writing of the one resource that carries it.

code                      CASE_KIND | service/case
businessStatus            CASE_STATE | state; `status` is what that state shows to the world
identifier                case number (文号)
description               what it is about
for, focus, requester, owner, partOf, priority
restriction.period.end    deadline of the present state
input                     the last value of each form field, by CS(case-field) | field
note                      one Annotation per event: when, by whom, on whose behalf, from → to, comment, values
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from kangshu.base.canonical import BASE, CASE_KIND, CASE_STATE, code_system, structure
from kangshu.base.clock import CITY_ZONE
from kangshu.registers import into_element, points
from kangshu.sdk import CaseDeclaration, Field, Resource, State

CASE_NUMBER: Final = f"{BASE}/sid/case-number"
"""Identifier system of case numbers (文号)."""

CASE_KEY: Final = f"{BASE}/sid/case-key"
"""Identifier system of natural keys: of each there is one case, such as a unit's return for a month."""

CASE_FIELD: Final = code_system("case-field")
CASE_EVENT: Final = structure("case-event")
TABLE_ROW: Final = structure("table-row")
"""Extension of a Task.input that holds one row of a table: a `cell` per column with its `column` and `value`s."""
URGED: Final = structure("urged")
OWNED_ELEMENTS: Final = frozenset(
    {
        "resourceType", "id", "meta", "identifier", "code", "businessStatus", "status", "intent", "for", "focus",
        "requester", "owner", "partOf", "restriction", "input", "output", "note", "authoredOn", "lastModified",
    }
)  # fmt: skip
"""Elements of a Task that the engine alone writes; no form field may point into them."""

_VALUES: Mapping[str, str] = {
    "text": "valueString", "paragraph": "valueString", "integer": "valueInteger", "decimal": "valueDecimal",
    "date": "valueDate", "datetime": "valueDateTime", "boolean": "valueBoolean", "district": "valueCode",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """One thing that happened to a case. `values` are the form's, by field id."""

    move: str
    title: str
    account: str
    who: str
    organisation: str
    """Id of the Organization on whose behalf; "" for none."""
    organisation_name: str
    when: datetime
    source: str
    """State before; "" for the start."""
    target: str
    comment: str
    values: Mapping[str, Any]
    patient: str = ""
    """Id of the Patient who acted, "" for staff."""


def kind_of(task: Resource) -> str:
    """Return `service/case` of an engine-owned Task, "" for any other Task."""
    return _code(task.get("code"), CASE_KIND)


def state_of(task: Resource) -> str:
    """Return the id of the case's present state."""
    return _code(task.get("businessStatus"), CASE_STATE)


def deadline_of(task: Resource) -> datetime | None:
    """Return the deadline of the present state, aware; None where it has none."""
    end = task.get("restriction", {}).get("period", {}).get("end")
    return datetime.fromisoformat(end) if end else None


def reference_id(element: Any, resource_type: str) -> str:
    """Return the id that a Reference of that type points to, "" for none."""
    reference = str((element or {}).get("reference", ""))
    kind, _, id_ = reference.partition("/")
    return id_ if kind == resource_type else ""


def organisation_of(task: Resource, element: str) -> str:
    """Return the id of the Organization in `element` (`owner` or `requester`)."""
    return reference_id(task.get(element), "Organization")


def number_of(task: Resource) -> str:
    """Return the case number, "" for none."""
    return next(
        (str(one.get("value", "")) for one in task.get("identifier", ()) if one.get("system") == CASE_NUMBER),
        "",
    )


def marks_of(task: Resource) -> Resource:
    """Return the part of the case's meta that holds for what is made of it too: demonstration data, sensitivity labels."""
    meta = task.get("meta", {})
    return {name: list(meta[name]) for name in ("tag", "security") if meta.get(name)}


def urged_of(task: Resource) -> int:
    """Return how often the case was urged (催办)."""
    found = (one for one in task.get("extension", ()) if one.get("url") == URGED)
    return next((int(one.get("valueInteger", 0)) for one in found), 0)


def set_state(task: Resource, declaration: CaseDeclaration, state: State) -> None:
    """Put the case into `state`."""
    task["businessStatus"] = {"coding": [{"system": CASE_STATE, "code": state.id, "display": state.title.zh}]}
    task["status"] = state.status


def set_deadline(task: Resource, end: datetime | None) -> None:
    """Set or clear the deadline."""
    if end is None:
        task.pop("restriction", None)
    else:
        task["restriction"] = {"period": {"end": end.astimezone(CITY_ZONE).isoformat(timespec="seconds")}}


def new_task(declaration: CaseDeclaration, when: datetime) -> Resource:
    """Return a Task of this kind without state, parties or values."""
    code = {"system": CASE_KIND, "code": declaration.code, "display": declaration.title.zh}
    return {
        "resourceType": "Task",
        "status": "draft",
        # a proposal authorises nothing (FHIR RequestIntent): the store opens no record for it
        "intent": "order" if declaration.opens_record else "proposal",
        "priority": "routine",
        "code": {"coding": [code], "text": declaration.title.zh},
        "description": declaration.title.zh,
        "authoredOn": when.astimezone(CITY_ZONE).isoformat(timespec="seconds"),
    }


def finished_values(children: Iterable[Resource], code: str) -> list[dict[str, Any]]:
    """Return what the finished cases of kind `code` among `children` keep, a row each."""
    return [inputs(one) for one in children if kind_of(one) == code and one["status"] == "completed"]


def keep_values(task: Resource, fields: Sequence[Field], values: Mapping[str, Any]) -> None:
    """Put the cleaned values of fields without a path into Task.input; None removes."""
    for field in fields:
        if field.path or field.id not in values:
            continue
        kept = [one for one in task.get("input", []) if _code(one.get("type"), CASE_FIELD) != field.id]
        value = values[field.id]
        for item in value if isinstance(value, list) else [value]:
            if item is not None:
                kind = {
                    "coding": [{"system": CASE_FIELD, "code": field.id}],
                    "text": field.title.zh,
                }
                kept.append({"type": kind, **_valued(field, item)})
        if kept:
            task["input"] = kept
        else:
            task.pop("input", None)


def _valued(field: Field, value: Any) -> dict[str, Any]:
    """Return one value of Task.input; a row of a table is an extension, and its words are the value (1..1 in R4)."""
    if field.kind != "table":
        return typed(field, value)
    words = "；".join(str(value[one.id]) for one in field.columns if value.get(one.id) not in (None, []))
    return {"extension": [{"url": TABLE_ROW, "extension": _cells(field, value)}], "valueString": words or "—"}


def _cells(field: Field, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = []
    for column in field.columns:
        value = row.get(column.id)
        for item in value if isinstance(value, list) else [value]:
            if item not in (None, ""):
                parts = [{"url": "column", "valueCode": column.id}, {"url": "value", **typed(column, item)}]
                cells.append({"url": "cell", "extension": parts})
    return cells


def _row(cells: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for cell in cells:
        inner = {one["url"]: _value(one) for one in cell["extension"]}
        _gather(row, str(inner["column"]), inner["value"])
    return row


def _gather(found: dict[str, Any], name: str, value: Any) -> None:
    """Put `value` under `name`; what stands there already becomes a list with it."""
    if name in found:
        before = found[name]
        found[name] = [*before, value] if isinstance(before, list) else [before, value]
    else:
        found[name] = value


def typed(field: Field, value: Any) -> dict[str, Any]:
    """Return one cleaned value as `{value[x]: …}`."""
    if field.kind == "choice":
        return {"valueCoding": into_element(field, value)} if field.system else {"valueCode": value}
    if points(field):
        return {"valueReference": {"reference": value}}
    return {_VALUES[field.kind]: value}


def inputs(task: Resource) -> dict[str, Any]:
    """Return the values kept in Task.input by field id; a repeated field gives a list, a table a list of rows."""
    found: dict[str, Any] = {}
    for one in task.get("input", ()):
        field = _code(one.get("type"), CASE_FIELD)
        row = next((part for part in one.get("extension", ()) if part.get("url") == TABLE_ROW), None)
        if row is not None:
            found.setdefault(field, []).append(_row(row.get("extension", ())))
            continue
        value = next((item for key, item in one.items() if key.startswith("value")), None)
        if isinstance(value, dict):
            value = value.get("reference", value.get("code"))
        if field:
            _gather(found, field, value)
    return found


def keep_output(task: Resource, name: str, reference: str) -> None:
    """Keep what the case has made under `name` in Task.output; the latest stands."""
    kept = [one for one in task.get("output", []) if _code(one.get("type"), CASE_FIELD) != name]
    kind = {"coding": [{"system": CASE_FIELD, "code": name}]}
    task["output"] = [*kept, {"type": kind, "valueReference": {"reference": reference}}]


def outputs(task: Resource) -> dict[str, str]:
    """Return the references that the case has made, by name."""
    return {
        _code(one.get("type"), CASE_FIELD): str((one.get("valueReference") or {}).get("reference", ""))
        for one in task.get("output", ())
    }


def add_event(task: Resource, event: CaseEvent, fields: Sequence[Field]) -> None:
    """Append `event` to the Task."""
    parts: list[dict[str, Any]] = [
        {"url": "move", "valueCode": event.move},
        {"url": "title", "valueString": event.title},
        {"url": "to", "valueCode": event.target},
        {"url": "account", "valueString": event.account},
        {"url": "who", "valueString": event.who},
    ]
    if event.source:
        parts.append({"url": "from", "valueCode": event.source})
    for field in fields:
        value = event.values.get(field.id)
        for item in value if isinstance(value, list) else [value]:
            if item is not None:
                parts.append(
                    {
                        "url": "value",
                        "extension": [
                            {"url": "field", "valueCode": field.id},
                            {"url": "row", "extension": _cells(field, item)}
                            if field.kind == "table"
                            else {"url": "value", **typed(field, item)},
                        ],
                    }
                )
    note: dict[str, Any] = {
        "extension": [{"url": CASE_EVENT, "extension": parts}],
        "time": event.when.astimezone(CITY_ZONE).isoformat(timespec="seconds"),
        "text": event.comment or event.title,
    }
    if event.organisation:
        author = {"reference": f"Organization/{event.organisation}"}
        note["authorReference"] = (
            {**author, "display": event.organisation_name} if event.organisation_name else author
        )
    elif event.patient:
        note["authorReference"] = {"reference": f"Patient/{event.patient}"}
    else:
        note["authorString"] = event.who or event.account
    task.setdefault("note", []).append(note)


def events(task: Resource) -> tuple[CaseEvent, ...]:
    """Return what happened to the case, oldest first."""
    found = []
    for note in task.get("note", ()):
        holder = next((one for one in note.get("extension", ()) if one.get("url") == CASE_EVENT), None)
        if holder is not None:
            found.append(_event(note, holder["extension"]))
    return tuple(found)


def _event(note: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> CaseEvent:
    plain: dict[str, str] = {}
    values: dict[str, Any] = {}
    for part in parts:
        if part["url"] != "value":
            plain[part["url"]] = next(str(item) for key, item in part.items() if key.startswith("value"))
            continue
        inner = {one["url"]: one for one in part["extension"]}
        name = str(inner["field"]["valueCode"])
        if "row" in inner:
            values.setdefault(name, []).append(_row(inner["row"].get("extension", ())))
        else:
            _gather(values, name, _value(inner["value"]))
    author = note.get("authorReference") or {}
    return CaseEvent(
        move=plain.get("move", ""),
        title=plain.get("title", ""),
        account=plain.get("account", ""),
        who=plain.get("who", ""),
        organisation=reference_id(author, "Organization"),
        organisation_name=str(author.get("display", "")),
        when=datetime.fromisoformat(note["time"]),
        source=plain.get("from", ""),
        target=plain.get("to", ""),
        comment=str(note.get("text", "")),
        values=values,
        patient=reference_id(author, "Patient"),
    )


def _value(part: Mapping[str, Any]) -> Any:
    value = next((item for key, item in part.items() if key.startswith("value")), None)
    if isinstance(value, dict):
        return value.get("reference", value.get("code"))
    return value if isinstance(value, str | int | bool | Decimal) else None


def _code(concept: Any, system: str) -> str:
    for coding in (concept or {}).get("coding", ()):
        if coding.get("system") == system:
            return str(coding.get("code", ""))
    return ""
