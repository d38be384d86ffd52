"""The CapabilityStatement, made from what the server works by: the endpoints, R4's types, the search parameters.

Source: FHIR R4 capabilitystatement.html.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version
from typing import Any, Final

from kangshu.api.audit_events import PARAMETERS as AUDIT_PARAMETERS
from kangshu.api.platform import Settings
from kangshu.api.request import FHIR_JSON, JSON_PATCH, MERGE_PATCH
from kangshu.base.canonical import BASE
from kangshu.base.clock import instant, now
from kangshu.fhir import definitions
from kangshu.sdk import Resource
from kangshu.search import RECORD, parameters_of

_STARTED: Final = instant(now())
_INTERACTIONS: Final = (
    "read",
    "vread",
    "update",
    "patch",
    "delete",
    "history-instance",
    "history-type",
    "create",
)
_OPERATIONS: Final = {
    "Patient": (("everything", "http://hl7.org/fhir/OperationDefinition/Patient-everything"),),
    "Measure": tuple(
        (name, f"http://hl7.org/fhir/OperationDefinition/Measure-{name}")
        for name in ("evaluate-measure", "collect-data")
    ),
    **{
        kind: tuple((name, f"{BASE}/OperationDefinition/{kind}-{name}") for name in names)
        for kind, names in {
            "Task": ("start", "move", "moves"),
            "Slot": ("book",),
            "Schedule": ("wait",),
            "Appointment": ("move", "moves"),
            "HealthcareService": ("publish-slots",),
            "Organization": ("reconcile-bookings",),
        }.items()
    },
}
_SERVER_OPERATIONS: Final = (("signal", f"{BASE}/OperationDefinition/signal"),)
_VALIDATE: Final = ("validate", "http://hl7.org/fhir/OperationDefinition/Resource-validate")


@lru_cache(maxsize=8)
def _resources() -> tuple[dict[str, Any], ...]:
    return tuple(_resource(kind) for kind in definitions().resource_types)


def capability_statement(settings: Settings, base: str) -> Resource:
    """Return what this server offers below `base`."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": _STARTED,
        "publisher": "Kangshu",
        "kind": "instance",
        "software": {"name": "Kangshu 康枢", "version": version("kangshu")},
        "implementation": {"description": f"{settings.title.zh} {settings.title.en}".strip(), "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "patchFormat": [JSON_PATCH, MERGE_PATCH, FHIR_JSON],
        "rest": [
            {
                "mode": "server",
                "security": {
                    "cors": False,
                    "service": [{"text": "Bearer token (kangshu token create), or the session of the pages"}],
                    "description": "Every interaction but this one needs a sign-in; what it shows is what its grant admits.",
                },
                "resource": list(_resources()),
                "operation": [{"name": name, "definition": url} for name, url in _SERVER_OPERATIONS],
                "interaction": [{"code": "transaction"}, {"code": "batch"}, {"code": "history-system"}],
            }
        ],
    }


def _resource(kind: str) -> dict[str, Any]:
    if kind == "AuditEvent":
        return {
            "type": kind,
            "profile": f"http://hl7.org/fhir/StructureDefinition/{kind}",
            "documentation": "Written by the server alone.",
            "interaction": [{"code": "read"}, {"code": "search-type"}],
            "versioning": "no-version",
            "searchParam": [{"name": name, "type": type_} for name, type_ in AUDIT_PARAMETERS.items()],
        }
    searched = parameters_of(kind)
    parameters: list[dict[str, Any]] = [{"name": name, "type": type_} for name, type_ in RECORD.items()]
    parameters += [
        {"name": one.name, "definition": one.url, "type": one.kind}
        for one in sorted(searched.simple.values(), key=lambda one: one.name)
    ]
    parameters += [
        {"name": one.name, "definition": one.url, "type": "composite"}
        for one in sorted(searched.composite.values(), key=lambda one: one.name)
    ]
    interactions = [*_INTERACTIONS, "search-type"]
    described: dict[str, Any] = {
        "type": kind,
        "profile": f"http://hl7.org/fhir/StructureDefinition/{kind}",
        "interaction": [{"code": one} for one in interactions],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalDelete": "single",
    }
    includes = [f"{kind}:{one.name}" for one in searched.simple.values() if one.kind == "reference"]
    if includes:
        described["searchInclude"] = sorted(includes)
    reverse = _reverse().get(kind)
    if reverse:
        described["searchRevInclude"] = list(reverse)
    described["searchParam"] = parameters
    described["operation"] = [
        {"name": name, "definition": url} for name, url in (_VALIDATE, *_OPERATIONS.get(kind, ()))
    ]
    return described


@lru_cache(maxsize=1)
def _reverse() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for kind in definitions().resource_types:
        for one in parameters_of(kind).simple.values():
            if one.kind != "reference":
                continue
            for target in one.targets:
                found.setdefault(target, []).append(f"{kind}:{one.name}")
    return {kind: tuple(sorted(names)) for kind, names in found.items()}
