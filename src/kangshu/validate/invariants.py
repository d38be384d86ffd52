"""The specification's invariants, compiled; some are checked by code of ours, some are in error themselves."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from kangshu.base.faults import Issue
from kangshu.fhir import Invariant
from kangshu.fhirpath import Expression, FhirPathFault, Node, compile
from kangshu.terminology import terminology
from kangshu.validate.findings import Findings, location

ELSEWHERE: Final = frozenset(
    {"ele-1", "ext-1", "dom-2", "dom-3", "dom-4", "dom-5", "ref-1", "txt-1", "txt-2"}
)
"""Checked by the structural walk, which sees them at no cost."""

ERRATA: Final[dict[str, str]] = {
    "dom-6": "advice that every resource should have a narrative: it would bury the warnings that matter",
}
"""Invariants of R4 that are not applied as written, each with its reason."""

REWRITTEN: Final[dict[str, str]] = {
    # finds nothing, instead of true, where there is no fullUrl
    "bdl-8": "fullUrl.empty() or fullUrl.contains('/_history/').not()",
    # finds nothing, instead of true, where there is no probability
    "ras-2": "probability.ofType(decimal).all($this <= 100)",
    # asks for System.Boolean, which no element of FHIR has as its type
    "que-7": "operator = 'exists' implies (answer is boolean)",
}
"""Invariants whose expression is put right."""


@cache
def compiled(expression: str) -> Expression:
    """Return an invariant's expression; `as()` over many elements, as R4 writes it, filters."""
    return compile(expression.replace(".as(", ".ofType("))


def check_invariants(rules: tuple[Invariant, ...], node: Node, resource: Node, findings: Findings) -> None:
    """Evaluate each rule on `node`; what does not hold is found, and so is a rule that cannot be evaluated."""
    for rule in rules:
        if rule.key in ELSEWHERE or rule.key in ERRATA or not rule.expression:
            continue
        try:
            expression = compiled(REWRITTEN.get(rule.key, rule.expression))
            variables = {"resource": [resource], "rootResource": [_outermost(resource)], "context": [node]}
            answer = expression.holds(node, variables, member_of=_member_of)
        except FhirPathFault as fault:
            findings.add(
                "warning", "invariant", location(node), f"{rule.key} could not be checked: {fault.text}",
                f"约束 {rule.key} 无法检查: {fault.zh}",
            )  # fmt: skip
            continue
        if not answer:
            findings.add(
                rule.severity,
                "invariant",
                location(node),
                f"{rule.key}: {rule.human}",
                f"违反约束 {rule.key}: {rule.human}",
            )


def _member_of(value: Any, url: str) -> bool | None:
    """Answer FHIRPath's memberOf() from the installation's terminology; None where the value set is not known."""
    known = terminology()
    if isinstance(value, str):
        return known.validate_code(url, value)
    codings = value.get("coding", [value]) if isinstance(value, dict) else []
    answers = [
        known.validate_code(url, str(c.get("code")), c.get("system")) for c in codings if isinstance(c, dict)
    ]
    return True if True in answers else (None if None in answers else False)


def _outermost(resource: Node) -> Node:
    """Return the resource that contains this one; entries of a bundle stand on their own."""
    if resource.key == "contained" and resource.parent is not None:
        return resource.parent
    return resource


def faults_of(issues: tuple[Issue, ...]) -> tuple[Issue, ...]:
    """Return the issues that make a resource unacceptable."""
    return tuple(issue for issue in issues if issue.severity in ("error", "fatal"))
