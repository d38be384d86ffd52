"""Unique rules: values that no two records of a kind may share, declared by registers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kangshu.base.text import Text
from kangshu.fhirpath import compile as compile_fhirpath
from kangshu.sdk import Resource
from kangshu.search import shorten


@dataclass(frozen=True, slots=True)
class UniqueRule:
    """Among records of `type` that meet `condition`, no two share the values of all `paths`.

    Both are FHIRPath; an empty condition means every record of the type. A record that lacks one of the values is
    not compared. `text` is what the second writer reads.
    """

    id: str
    type: str
    paths: tuple[str, ...]
    text: Text
    condition: str = ""

    def value(self, resource: Resource) -> str | None:
        """Return what `resource` claims under this rule; None when it claims nothing."""
        if self.condition and _values(self.condition, resource) != [True]:
            return None
        parts: list[str] = []
        for path in self.paths:
            found = _values(path, resource)
            if not found:
                return None
            parts.append("\x1e".join(sorted(str(one) for one in found)))
        return shorten("\x1f".join(parts))


def _values(expression: str, resource: Resource) -> list[Any]:
    evaluate: Callable[..., list[Any]] = compile_fhirpath(expression).evaluate
    return evaluate(resource)
