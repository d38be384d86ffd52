"""Bound elements: is the code in the value set, as strictly as the binding asks?"""

from __future__ import annotations

from typing import Any, Final

from kangshu.fhir import Binding
from kangshu.fhirpath import Node
from kangshu.terminology import terminology
from kangshu.validate.findings import Findings

_PLAIN: Final = frozenset({"code", "string", "uri", "url", "canonical", "markdown", "id", "oid"})


def check_binding(
    binding: Binding, type: str, value: Any, node: Node, key: str, index: int, findings: Findings
) -> None:
    """Report a value that its binding does not admit: an error for required ones, a warning for extensible."""
    if binding.strength == "required":
        _check(binding.value_set, type, value, node, key, index, findings, required=True)
        return
    if binding.maximal:
        _check(binding.maximal, type, value, node, key, index, findings, required=True)
    if binding.strength == "extensible":
        _check(binding.value_set, type, value, node, key, index, findings, required=False)


def _check(
    url: str, type: str, value: Any, node: Node, key: str, index: int, findings: Findings, *, required: bool
) -> None:
    known = terminology()
    if not known.knows_value_set(url):
        return
    if type in _PLAIN:
        if isinstance(value, str) and known.validate_code(url, value) is False:
            _report(url, value, node, key, index, findings, required=required)
        return
    if not isinstance(value, dict):
        return
    codings = value.get("coding") if type == "CodeableConcept" else [value]
    codings = [c for c in codings or () if isinstance(c, dict) and isinstance(c.get("code"), str)]
    if not codings:
        if required and type == "CodeableConcept" and "extension" not in value:
            findings.at(
                node, key, index, "error", "code-invalid", f"a code of the value set {url} is required",
                f"须有值集 {url} 中的编码",
            )  # fmt: skip
        return
    answers = [known.validate_code(url, c["code"], c.get("system")) for c in codings]
    if any(answer is not False for answer in answers):
        return
    if required:
        _report(url, codings[0]["code"], node, key, index, findings, required=True)
    elif any(c.get("system") in known.systems_of(url) for c in codings):
        _report(url, codings[0]["code"], node, key, index, findings, required=False)


def _report(
    url: str, code: str, node: Node, key: str, index: int, findings: Findings, *, required: bool
) -> None:
    findings.at(
        node,
        key,
        index,
        "error" if required else "warning",
        "code-invalid",
        f"the code {code[:60]!r} is not in the value set {url}" + ("" if required else " (extensible)"),
        f"编码 {code[:60]!r} 不在值集 {url} 中" + ("" if required else "(可扩展)"),
    )
