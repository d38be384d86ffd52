"""Where a record belongs: its resident, the organisations that answer for it, its division, its labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from kangshu.access import Scope, person_key
from kangshu.base.canonical import DISTRICT, RESIDENT_ID, structure
from kangshu.search import shorten

RESPONSIBLE: Final = structure("responsible-organisation")

_PATIENT: Final = (
    "subject", "patient", "for", "beneficiary", "individual", "participant", "target", "focus", "source", "member",
    "securityContext",
)  # fmt: skip
"""Elements that may lead to the resident, in the order in which they are asked."""

_ORGANISATIONS: Final = (
    "managingOrganization", "custodian", "serviceProvider", "performer", "owner", "requester", "author", "organization",
    "providedBy", "authority", "subject", "for", "partOf", "provider", "insurer", "recipient", "sender", "source",
    "participatingOrganization", "actor", "participant", "payor", "manufacturer", "securityContext",
)  # fmt: skip
_IMPERSONAL: Final = frozenset(
    {
        "Organization", "Location", "Practitioner", "PractitionerRole", "HealthcareService", "Slot", "PlanDefinition",
        "Measure", "Medication", "Questionnaire", "CodeSystem", "ValueSet", "StructureDefinition", "SearchParameter",
    }
)  # fmt: skip
"""Types in which R4 has no place for a resident: they are not looked through."""

SOMEBODY: Final = "~"
"""The compartment of a record that speaks of a resident whom it does not name as its own: no grant names it."""

_PERSONAL: Final = {"Task": "owner", "Communication": "recipient"}
"""Elements in which a Practitioner answers for a record alone: a case that is one person's, a notice to one."""

_INNER: Final = ("actor", "member", "party", "individual", "onBehalfOf")

CONFIDENTIALITY: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
_UNRESTRICTED: Final = frozenset({"N", "L", "M", "U"})
"""Codes of v3-Confidentiality that restrict nothing beyond what holds for every health record."""
UNREADABLE: Final = "~"
"""The label of a record whose meta.security has something without a code: no role names it."""


def scope_of(resource: dict[str, Any]) -> tuple[Scope, bool]:
    """Return the scope that `resource` itself tells, and whether its district is its own.

    The district of one without the extension is the resident's, else the first organisation's: the store fills it in.
    A reference to a resident that is not local makes a compartment that no grant names; so does one anywhere else in
    the resource, a contained resident, and one told by an identifier: such a record is not one of nobody's.
    """
    kind = resource["resourceType"]
    own = _district(resource)
    organisations = tuple(dict.fromkeys(_organisations(resource, kind)))
    patient = resource.get("id", "") if kind == "Patient" else _patient(resource)
    if not patient and kind not in _IMPERSONAL and _speaks_of_somebody(resource):
        patient = SOMEBODY
    return Scope(own, organisations, patient, labels_of(resource)), bool(own)


def labels_of(resource: dict[str, Any]) -> tuple[str, ...]:
    """Return the sensitivity labels of `resource`, sorted: the codes of its meta.security that restrict."""
    meta = resource.get("meta")
    security = meta.get("security") if type(meta) is dict else None
    return tuple(sorted({code for _, code in restricting(security)})) if security else ()


def restricting(security: Any) -> frozenset[tuple[str, str]]:
    """Return (system, code) of the codings of a meta.security that restrict."""
    found: set[tuple[str, str]] = set()
    for coding in security if type(security) is list else (security,) if security is not None else ():
        code = coding.get("code") if type(coding) is dict else None
        system = coding.get("system", "") if type(coding) is dict else ""
        if type(code) is not str or not code or type(system) is not str:
            found.add(("", UNREADABLE))
        elif code not in _UNRESTRICTED or system not in ("", CONFIDENTIALITY):
            found.add((system, shorten(code)))
    return frozenset(found)


def _extensions(resource: dict[str, Any], url: str) -> Iterator[dict[str, Any]]:
    for extension in resource.get("extension") or ():
        if type(extension) is dict and extension.get("url") == url:
            yield extension


def _district(resource: dict[str, Any]) -> str:
    for extension in _extensions(resource, DISTRICT):
        code = extension.get("valueCode")
        if type(code) is str:
            return shorten(code)
    return ""


def _references(value: Any) -> Iterator[str]:
    """Yield the reference texts of an element: of itself, and of the actor or member it wraps."""
    for one in value if type(value) is list else (value,):
        if type(one) is not dict:
            continue
        text = one.get("reference")
        if type(text) is str:
            yield text
        else:
            for name in _INNER:
                inner = one.get(name)
                if type(inner) is dict and type(inner.get("reference")) is str:
                    yield inner["reference"]


def _patient(resource: dict[str, Any]) -> str:
    for name in _PATIENT:
        if name in resource:
            for text in _references(resource[name]):
                if text.startswith("Patient/"):
                    return shorten(text[8:].partition("/")[0])
                if "/Patient/" in text or (text.startswith("urn:") and name in ("subject", "patient", "for")):
                    return shorten(text)
    return ""


def _speaks_of_somebody(resource: dict[str, Any]) -> bool:
    """Return whether a resident stands anywhere in `resource`."""
    nodes: list[Any] = list(resource.values())
    while nodes:
        node = nodes.pop()
        if type(node) is list:
            nodes.extend(node)
        elif type(node) is dict:
            text = node.get("reference")
            if type(text) is str and (text.startswith("Patient/") or "/Patient/" in text):
                return True
            if "Patient" in (node.get("resourceType"), node.get("type")) or node.get("system") == RESIDENT_ID:
                return True
            nodes.extend(node.values())
    return False


def _answering(text: str) -> Iterator[str]:
    kind, _, id_ = text.partition("/")
    id_ = shorten(id_.partition("/")[0])
    if kind == "Organization":
        yield id_
    elif kind == "Practitioner":
        yield person_key(id_)


def _organisations(resource: dict[str, Any], kind: str) -> Iterator[str]:
    if kind == "Organization" and "id" in resource:
        yield resource["id"]
    for extension in _extensions(resource, RESPONSIBLE):
        for text in _references(extension.get("valueReference")):
            yield from _answering(text)
    for name in _ORGANISATIONS:
        if name in resource:
            for text in _references(resource[name]):
                if text.startswith("Organization/"):
                    yield shorten(text[13:].partition("/")[0])
    if kind in _PERSONAL:
        for text in _references(resource.get(_PERSONAL[kind])):
            if text.startswith("Practitioner/"):
                yield from _answering(text)
