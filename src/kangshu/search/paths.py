"""The part of FHIRPath that search parameters are written in, taken apart to paths over JSON properties.

Of R4's 1390 parameters all but a handful are unions of element paths with a cast, an equality filter or
a `resolve() is`. Those run here as one walk per resource; `residue` goes to the FHIRPath engine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from kangshu.fhir import definitions

_STEP: Final = re.compile(
    r"""\s*(?:
    \.?(?:as|ofType)\(\s*(?P<cast>[\w.]+)\s*\)
  | \.?where\(\s*resolve\(\)\s+is\s+(?P<resolve>\w+)\s*\)
  | \.?where\(\s*(?P<key>\w+)\s*=\s*'(?P<equal>[^']*)'\s*\)
  | \.?extension\(\s*'(?P<extension>[^']+)'\s*\)
  | (?<=\s)as\s+(?P<infix>\w+)
  | \.?(?P<name>[A-Za-z_]\w*)
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step down: the JSON property, and what its value must say (`where(system='phone')`)."""

    name: str
    key: str = ""
    equal: str = ""


@dataclass(frozen=True, slots=True)
class Leaf:
    """Where a parameter's values stand: the steps, the FHIR type found there, the wanted reference target."""

    steps: tuple[Step, ...]
    type: str
    target: str = ""


def leaves(root: str, expression: str) -> tuple[Leaf, ...] | None:
    """Return the leaves of one alternative, starting on a node of type `root`; None when it is beyond this form.

    A choice element without a cast gives one leaf per type. An unknown element gives no leaf.
    """
    text = _unwrap(expression)
    fronts = [Leaf((), root)]
    at = 0
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None or step.end() == at:
            return None
        at = step.end()
        name = step["name"]
        if name is not None:
            if name in (root, "Resource", "DomainResource") and fronts[0].steps == ():
                continue
            if at < len(text) and text[at] in "([":
                return None
            fronts = [child for front in fronts for child in _down(front, name)]
        elif step["extension"] is not None:
            fronts = _extension(fronts, step["extension"])
        elif step["resolve"] is not None:
            fronts = [Leaf(front.steps, front.type, step["resolve"]) for front in fronts]
        elif step["key"] is not None:
            fronts = [
                Leaf((*front.steps[:-1], Step(front.steps[-1].name, step["key"], step["equal"])), front.type)
                for front in fronts
                if front.steps
            ]
        else:
            cast = (step["cast"] or step["infix"]).removeprefix("FHIR.").lower()
            fronts = [front for front in fronts if front.type.lower() == cast]
    return tuple(fronts)


def _unwrap(expression: str) -> str:
    """Return `(A.b as T).c` as `A.b.as(T).c`."""
    text = expression.strip()
    match = re.match(r"\(([\w.]+)\s+as\s+(\w+)\)", text)
    if match:
        return f"{match[1]}.as({match[2]}){text[match.end() :]}"
    return text


def _down(front: Leaf, name: str) -> list[Leaf]:
    found = definitions().choices(front.type, name)
    if not found and name == "value" and front.type == "Extension":
        return []
    return [Leaf((*front.steps, Step(json)), kind) for json, kind in found]


def _extension(fronts: list[Leaf], url: str) -> list[Leaf]:
    """Return the values of an extension: a parameter on the extension itself means its value."""
    found: list[Leaf] = []
    for front in fronts:
        here = (*front.steps, Step("extension", "url", url))
        found.extend(
            Leaf((*here, Step(json)), kind) for json, kind in definitions().choices("Extension", "value")
        )
    return found
