"""What a record of somebody's health says, in few words: results, diagnoses, medicines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kangshu.api import text_of
from kangshu.sdk import Resource

_LOINC: Final = "http://loinc.org"


def day_of(resource: Resource) -> str:
    """Return when a record happened, as its date lexeme; "" where it does not say."""
    for element in ("effectiveDateTime", "onsetDateTime", "recordedDate", "issued", "date"):
        if resource.get(element):
            return str(resource[element])[:10]
    for element in ("period", "applies", "effectivePeriod"):
        if isinstance(resource.get(element), dict) and resource[element].get("start"):
            return str(resource[element]["start"])[:10]
    return ""


def loinc_of(resource: Resource) -> str:
    """Return the LOINC code of a result or of a part of one, "" without one."""
    codings = (resource.get("code") or {}).get("coding", ())
    return next((str(one.get("code", "")) for one in codings if one.get("system") == _LOINC), "")


def number_of(part: Mapping[str, Any]) -> float | None:
    """Return the figure of a result or of a part of one, None where it is no figure."""
    quantity = part.get("valueQuantity")
    if isinstance(quantity, dict) and quantity.get("value") is not None:
        return float(quantity["value"])
    return float(part["valueInteger"]) if "valueInteger" in part else None


def result_of(resource: Resource) -> str:
    """Return an observation's result as text."""
    if resource.get("component"):
        parts = [number_of(part) for part in resource["component"]]
        unit = str((resource["component"][0].get("valueQuantity") or {}).get("unit", ""))
        return f"{'/'.join(f'{one:g}' for one in parts if one is not None)} {unit}".strip()
    level = text_of(resource.get("interpretation"))
    value = number_of(resource)
    unit = str((resource.get("valueQuantity") or {}).get("unit", ""))
    text = f"{value:g} {unit}".strip() if value is not None else text_of(resource.get("valueCodeableConcept"))
    return f"{text}（{level}）" if level and text else text or level


def said_in(resource: Resource) -> str:
    """Return a result, a diagnosis or a medicine with its day, as one chooses it from a list; "" for other records."""
    match resource.get("resourceType"):
        case "Observation":
            said = f"{text_of(resource.get('code'))} {result_of(resource)}".strip()
        case "Condition":
            said = text_of(resource.get("code"))
        case "MedicationStatement" | "MedicationRequest":
            doses = resource.get("dosage") or resource.get("dosageInstruction") or ()
            dose = next((str(one["text"]) for one in doses if one.get("text")), "")
            said = f"{text_of(resource.get('medicationCodeableConcept'))} {dose}".strip()
        case _:
            return ""
    return " · ".join(filter(None, (said, day_of(resource))))
