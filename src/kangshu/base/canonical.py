"""Canonical URLs of what this project defines. Services use the same base."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

BASE: Final = "http://kangshu.org/fhir"

DISTRICT: Final = f"{BASE}/StructureDefinition/district"
"""Extension (valueCode): GB/T 2260 division code, 6, 9 or 12 digits, of the place a resource belongs to."""

OUTLINE: Final = f"{BASE}/StructureDefinition/outline"
"""Extension (valueString) of a division: its border as a WKT polygon, longitude before latitude, CGCS2000."""

GEOLOCATION: Final = "http://hl7.org/fhir/StructureDefinition/geolocation"
"""R4's own extension of an Address: where it is, with the parts latitude and longitude."""

ORGANISATION_KIND: Final = f"{BASE}/CodeSystem/organisation-kind"
"""Organization.type codes, see the services' code lists."""

RESIDENT_ID: Final = "urn:oid:2.16.156.10011.1.3"
"""Identifier system: resident identity card number (GB 11643)."""

ORGANISATION_CODE: Final = f"{BASE}/sid/uscc"
"""Identifier system: 统一社会信用代码 (GB 32100)."""

CASE_KIND: Final = f"{BASE}/CodeSystem/case-kind"
"""Task.code: which declared state machine drives the Task (`service/case`)."""

CASE_STATE: Final = f"{BASE}/CodeSystem/case-state"
"""Task.businessStatus: the fine state of a case."""

SENSITIVE: Final = frozenset({"HIV", "STD", "PSY", "SUD", "SDV"})
"""Codes of v3-ActCode that mark what a record tells as sensitive; roles say whose records of each they see."""

INTERNAL: Final = {"system": f"{BASE}/CodeSystem/handling", "code": "INTERNAL", "display": "单位内部"}
"""meta.security of what a unit keeps to itself: a case that it works on inside, and the papers of that case."""

STATISTICAL: Final = {"system": f"{BASE}/CodeSystem/handling", "code": "STATISTICS", "display": "统计资料"}
"""meta.security of what a unit has told the statistics office about itself: for the two of them alone."""

DEMO_TAG: Final = f"{BASE}/CodeSystem/tag"
"""meta.tag system; code `demo` marks demonstration data (演示数据)."""


def structure(name: str) -> str:
    """Return the canonical of the extension or profile `name`."""
    return f"{BASE}/StructureDefinition/{name}"


def geolocation(position: Mapping[str, Decimal]) -> dict[str, Any]:
    """Return the extension of an Address that says where it is; `position` is as in Location.position."""
    parts = [{"url": part, "valueDecimal": position[part]} for part in ("latitude", "longitude")]
    return {"url": GEOLOCATION, "extension": parts}


def code_system(name: str) -> str:
    """Return the canonical of the code system `name`."""
    return f"{BASE}/CodeSystem/{name}"


def sensitivity(code: str) -> dict[str, str]:
    """Return the coding of a meta.security that marks a record as sensitive; `code` is one of `SENSITIVE`."""
    return {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": code}
