"""One form declaration also gives a Questionnaire, for whoever works in FHIR."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from kangshu.base.canonical import BASE
from kangshu.base.text import Text
from kangshu.registers.forms import REFERENCE_TYPES
from kangshu.sdk import Field, Resource

_TRANSLATION: Final = "http://hl7.org/fhir/StructureDefinition/translation"
_REGEX: Final = "http://hl7.org/fhir/StructureDefinition/regex"
_RESOURCE: Final = "http://hl7.org/fhir/StructureDefinition/questionnaire-referenceResource"
_UNIT: Final = "http://hl7.org/fhir/StructureDefinition/questionnaire-unit"
_TYPES: Final = {
    "text": "string", "paragraph": "text", "integer": "integer", "decimal": "decimal", "date": "date",
    "datetime": "dateTime", "choice": "choice", "boolean": "boolean", "district": "string", "attachment": "attachment",
    "table": "group",
}  # fmt: skip


def questionnaire(name: str, title: Text, fields: Sequence[Field]) -> Resource:
    """Return an active Questionnaire of `fields`: Chinese text, English as translation extensions."""
    return {
        "resourceType": "Questionnaire",
        "id": name.replace("/", "-").replace("_", "-"),
        "url": f"{BASE}/Questionnaire/{name.replace('/', '-')}",
        "name": "".join(part.capitalize() for part in name.replace("/", "_").replace("-", "_").split("_")),
        "title": title.zh,
        "_title": _translated(title),
        "status": "active",
        "item": [_item(field) for field in fields],
    }


def _item(field: Field, within: str = "") -> dict[str, Any]:
    item: dict[str, Any] = {
        "linkId": within + field.id,
        "text": field.title.zh,
        "_text": _translated(field.title),
        "type": _TYPES.get(field.kind, "reference"),
        "required": field.required,
        "repeats": field.many or field.kind == "table",
    }
    if field.columns:
        item["item"] = [_item(column, f"{field.id}.") for column in field.columns]
    extensions: list[dict[str, Any]] = []
    if field.pattern:
        extensions.append({"url": _REGEX, "valueString": field.pattern})
    if item["type"] == "reference":
        extensions.append(
            {"url": _RESOURCE, "valueCode": REFERENCE_TYPES.get(field.kind, field.reference_type)}
        )
    if field.unit:
        extensions.append({"url": _UNIT, "valueCoding": {"display": field.unit}})
    if extensions:
        item["extension"] = extensions
    if field.options:
        item["answerOption"] = [_option(field, code.code, code.title) for code in field.options]
    return item


def _option(field: Field, code: str, title: Text) -> dict[str, Any]:
    coding: dict[str, Any] = {"code": code, "display": title.zh, "_display": _translated(title)}
    if field.system:
        coding["system"] = field.system
    return {"valueCoding": coding}


def _translated(text: Text) -> dict[str, Any]:
    english = [{"url": "lang", "valueCode": "en"}, {"url": "content", "valueString": text.en}]
    return {"extension": [{"url": _TRANSLATION, "extension": english}]}
