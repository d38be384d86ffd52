"""Bodies of records: their ids and types, the stamp of a version, patches. No database here."""

from __future__ import annotations

import re
import secrets
import time
from datetime import datetime
from typing import Any, Final

from kangshu.base.clock import instant
from kangshu.base.faults import Malformed, Unsupported
from kangshu.fhir import definitions, json_patch
from kangshu.fhirpath import fhirpath_patch
from kangshu.sdk import Resource

_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)


def new_id() -> str:
    """Return a fresh id: 26 signs that begin with the time, so that neighbours are stored together."""
    stamp = time.time_ns() // 1_000_000
    return f"{stamp:012x}{secrets.token_hex(7)}"


def stamped(body: Resource, version: int, moment: datetime) -> Resource:
    """Return `body` with the version and time of change in its meta."""
    meta = body.get("meta")
    kept = meta if isinstance(meta, dict) else {}
    return {**body, "meta": {**kept, "versionId": str(version), "lastUpdated": instant(moment)}}


def patched(resource: Resource, patch: Any) -> Resource:
    """Return `resource` after a JSON Patch (a list) or a FHIRPath Patch (a Parameters)."""
    if isinstance(patch, list):
        return json_patch(resource, patch)
    if isinstance(patch, dict) and patch.get("resourceType") == "Parameters":
        return fhirpath_patch(resource, patch)
    raise Unsupported(
        "send a JSON Patch (a list of operations) or a FHIRPath Patch (a Parameters)",
        zh="请使用 JSON Patch（操作列表）或 FHIRPath Patch（Parameters）",
    )


def valid_id(id: Any) -> bool:
    """Return whether `id` is a FHIR id."""
    return isinstance(id, str) and _ID.fullmatch(id) is not None


def type_of(resource: Resource) -> str:
    """Return the type of `resource`.

    Raises:
        Malformed: it has none.
        Unsupported: R4 has no such type.
    """
    type = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(type, str):
        raise Malformed("this is no resource: it has no resourceType", zh="不是 FHIR 资源：缺少 resourceType")
    if not definitions().is_resource(type):
        raise Unsupported(f"there is no resource type {type[:60]!r}", zh=f"没有资源类型 {type[:60]!r}")
    return type
