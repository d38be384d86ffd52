"""A patch applied to a resource: JSON Patch (RFC 6902), JSON Merge Patch (RFC 7396), or FHIRPath Patch.

Source: FHIR R4 http.html#patch, fhirpatch.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kangshu.base.faults import Malformed
from kangshu.fhir import check_depth, json_patch
from kangshu.fhirpath import fhirpath_patch
from kangshu.sdk import Resource


def apply_patch(resource: Resource, change: Any) -> Resource:
    """Return `resource` changed by a JSON Patch (a list), a FHIRPath Patch (Parameters) or a part to merge in.

    Raises Malformed for what is no patch, Unprocessable where an operation does not fit the resource.
    """
    changed = _changed(resource, change)
    check_depth(changed)
    return changed


def _changed(resource: Resource, change: Any) -> Resource:
    if isinstance(change, list):
        return json_patch(resource, change)
    if isinstance(change, Mapping):
        kind = change.get("resourceType", resource["resourceType"])
        if kind == "Parameters" != resource["resourceType"]:
            return fhirpath_patch(resource, change)
        if kind == resource["resourceType"]:
            merged: Resource = _merged(resource, change)
            return merged
    raise Malformed(
        "a patch is a list of operations, Parameters, or a part of the resource to merge in",
        zh="补丁须为操作列表、Parameters资源或要合并的内容",
    )


def _merged(value: Any, change: Any) -> Any:
    if not isinstance(change, Mapping):
        return change
    kept = dict(value) if isinstance(value, dict) else {}
    for name, part in change.items():
        if part is None:
            kept.pop(name, None)
        else:
            kept[name] = _merged(kept.get(name), part)
    return kept
