"""Where a validator is and what it has found."""

from __future__ import annotations

from typing import Final

from kangshu.base.faults import Issue, Severity
from kangshu.fhir import definitions
from kangshu.fhirpath import Node

FINDINGS_LIMIT: Final = 500


def segment(owner: str, key: str) -> str:
    """Return how FHIRPath names the JSON property `key` of type `owner`."""
    child = definitions().child(owner, key.removeprefix("_"))
    if child is not None and child.element.choice:
        return f"{child.element.name}.ofType({child.type})"
    return key.removeprefix("_")


def location(node: Node) -> str:
    """Return the FHIRPath of a node, from its outermost resource."""
    parts: list[str] = []
    while node.parent is not None:
        index = f"[{node.index}]" if node.index >= 0 else ""
        parts.append(segment(node.parent.type, node.key) + index)
        node = node.parent
    return ".".join([node.type or "Resource", *reversed(parts)])


class Findings:
    """The issues of one validation; past the limit only the count grows."""

    def __init__(self) -> None:
        self.issues: list[Issue] = []
        self.dropped = 0

    def add(self, severity: Severity, code: str, where: str, text: str, zh: str) -> None:
        """Take down one issue at the FHIRPath `where`."""
        if len(self.issues) >= FINDINGS_LIMIT:
            self.dropped += 1
            return
        issue = Issue(severity, code, text, (where,) if where else (), zh)
        if issue not in self.issues[-20:]:
            self.issues.append(issue)

    def at(self, node: Node, key: str, index: int, severity: Severity, code: str, text: str, zh: str) -> None:
        """Take down one issue at a child of `node` (the node itself for an empty key)."""
        where = location(node)
        if key:
            where += "." + segment(node.type, key) + (f"[{index}]" if index >= 0 else "")
        self.add(severity, code, where, text, zh)

    def closed(self) -> tuple[Issue, ...]:
        """Return all issues, one more telling of those dropped."""
        if self.dropped:
            self.issues.append(
                Issue(
                    "information",
                    "too-costly",
                    f"{self.dropped} more findings",
                    (),
                    f"另有 {self.dropped} 条未列出",
                )
            )
        return tuple(self.issues)
