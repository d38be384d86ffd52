"""Code systems and value sets: those that R4 binds, and those that a service brings along."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from kangshu.base.faults import NotFound, TooLarge
from kangshu.fhir import Resource, definitions

EXPANSION_LIMIT: Final = 10_000
_DEPTH_LIMIT: Final = 20


@dataclass(frozen=True, slots=True)
class Concept:
    """One code with its system and display (in the language of its source)."""

    system: str
    code: str
    display: str = ""


_MIME: Final = re.compile(r"(?:[\w!#$&^.+-]+/[\w!#$&^.+*-]+(?:\s*;[^;]*)*|xml|json|ttl|none)", re.ASCII)
"""A media type; also the short names by which REST and TestScript ask for FHIR's own formats."""
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", re.ASCII)

_GRAMMARS: Final[Mapping[str, Callable[[str], bool]]] = {
    "http://hl7.org/fhir/ValueSet/mimetypes": lambda code: _MIME.fullmatch(code) is not None,
    "http://www.rfc-editor.org/bcp/bcp13.txt": lambda code: _MIME.fullmatch(code) is not None,
    "http://hl7.org/fhir/ValueSet/all-languages": lambda code: _LANGUAGE.fullmatch(code) is not None,
}
"""Value sets that are a grammar (BCP 13, BCP 47), not a list."""


class Terminology:
    """Lookup over the R4 value sets and any CodeSystem and ValueSet given to `add`."""

    def __init__(self) -> None:
        self._systems: dict[str, Resource] = {}
        self._value_sets: dict[str, Resource] = {}
        self._concepts: dict[str, dict[str, str]] = {}
        self._expanded: dict[str, Mapping[str, Mapping[str, str]] | None] = {}

    def add(self, resource: Resource) -> None:
        """Take up a CodeSystem or ValueSet; a later one of the same url replaces the earlier."""
        url = str(resource.get("url", ""))
        self._expanded.clear()
        if resource.get("resourceType") == "CodeSystem":
            self._systems[url] = resource
            self._concepts[url] = dict(_flatten(resource.get("concept") or []))
        elif resource.get("resourceType") == "ValueSet":
            self._value_sets[url] = resource

    def knows_value_set(self, url: str) -> bool:
        """Return whether membership in `url` can be decided."""
        plain = url.partition("|")[0]
        return plain in _GRAMMARS or self._codes(plain) is not None

    def validate_code(self, value_set: str, code: str, system: str | None = None) -> bool | None:
        """Return whether `code` (of `system`, any when None) is in the value set; None where that cannot be known."""
        url = value_set.partition("|")[0]
        if url in _GRAMMARS:
            return _GRAMMARS[url](code)
        systems = self._codes(url)
        if systems is None:
            return None
        if system is None:
            return any(code in codes for codes in systems.values())
        return code in systems.get(system, {})

    def systems_of(self, value_set: str) -> frozenset[str]:
        """Return the code systems that a known value set draws from."""
        return frozenset(self._codes(value_set.partition("|")[0]) or ())

    def expand(
        self, value_set: str, *, filter: str = "", count: int = EXPANSION_LIMIT
    ) -> tuple[Concept, ...]:
        """Return the concepts of a value set, at most `count`, whose code or display holds `filter`.

        Raises:
            NotFound: the value set is not known, or is a grammar without end.
            TooLarge: it has more than the limit.
        """
        systems = self._codes(value_set.partition("|")[0])
        if systems is None:
            raise NotFound("the value set is not known", zh="未知的值集")
        if sum(map(len, systems.values())) > EXPANSION_LIMIT:
            raise TooLarge(
                f"the value set has more than {EXPANSION_LIMIT} codes",
                zh=f"值集超过 {EXPANSION_LIMIT} 个编码",
            )
        wanted = filter.casefold()
        found = (
            Concept(system, code, display)
            for system, codes in systems.items()
            for code, display in codes.items()
            if wanted in code.casefold() or wanted in display.casefold()
        )
        return tuple(concept for concept, _ in zip(found, range(count), strict=False))

    def display(self, system: str, code: str) -> str:
        """Return the display of a code; "" where it is not known."""
        if system in self._concepts:
            return self._concepts[system].get(code, "")
        return _r4_displays().get(system, {}).get(code, "")

    def knows_code(self, system: str, code: str) -> bool | None:
        """Return whether a code system has the code; None where the system is not known in full."""
        if system in self._systems and self._systems[system].get("content") == "complete":
            return code in self._concepts[system]
        return None

    def _codes(self, url: str) -> Mapping[str, Mapping[str, str]] | None:
        if url not in self._expanded:
            own = self._value_sets.get(url)
            self._expanded[url] = definitions().value_set(url) if own is None else self._compose(own, 0)
        return self._expanded[url]

    def _compose(self, value_set: Resource, depth: int) -> Mapping[str, Mapping[str, str]] | None:
        if depth > _DEPTH_LIMIT:
            return None
        expansion = value_set.get("expansion", {}).get("contains")
        if expansion:
            systems: dict[str, dict[str, str]] = {}
            for system, code, display in _contains(expansion):
                systems.setdefault(system, {})[code] = display
            return systems
        compose = value_set.get("compose") or {}
        included: dict[str, dict[str, str]] = {}
        for include in compose.get("include") or ():
            part = self._include(include, depth)
            if part is None:
                return None
            for system, codes in part.items():
                included.setdefault(system, {}).update(codes)
        for exclude in compose.get("exclude") or ():
            part = self._include(exclude, depth)
            if part is None:
                return None
            for system, codes in part.items():
                for code in codes:
                    included.get(system, {}).pop(code, None)
        return included

    def _include(self, include: Mapping[str, Any], depth: int) -> Mapping[str, Mapping[str, str]] | None:
        found: Mapping[str, Mapping[str, str]] | None = None
        system = include.get("system")
        if system:
            found = self._of_system(str(system), include)
            if found is None:
                return None
        for url in include.get("valueSet") or ():
            plain = str(url).partition("|")[0]
            own = self._value_sets.get(plain)
            other = self._compose(own, depth + 1) if own is not None else definitions().value_set(plain)
            if other is None:
                return None
            found = other if found is None else {
                name: {code: text for code, text in codes.items() if code in other.get(name, {})}
                for name, codes in found.items()
            }  # fmt: skip
        return found or {}

    def _of_system(self, system: str, include: Mapping[str, Any]) -> Mapping[str, Mapping[str, str]] | None:
        listed = include.get("concept")
        if listed:
            return {
                system: {
                    str(c["code"]): str(c.get("display") or self.display(system, c["code"])) for c in listed
                }
            }
        codes = self._concepts.get(system)
        if codes is None or self._systems[system].get("content") != "complete":
            return None
        for rule in include.get("filter") or ():
            kept = _filtered(self._systems[system], rule)
            if kept is None:
                return None
            codes = {code: text for code, text in codes.items() if code in kept}
        return {system: codes}


def _flatten(concepts: list[Any]) -> Iterator[tuple[str, str]]:
    for concept in concepts:
        yield str(concept.get("code")), str(concept.get("display", ""))
        yield from _flatten(concept.get("concept") or [])


def _contains(rows: list[Any]) -> Iterator[tuple[str, str, str]]:
    for row in rows:
        if row.get("code") and not row.get("abstract"):
            yield str(row.get("system", "")), str(row["code"]), str(row.get("display", ""))
        yield from _contains(row.get("contains") or [])


def _filtered(system: Resource, rule: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the codes that a filter keeps; None for a filter that is not understood."""
    if rule.get("property") != "concept" or rule.get("op") not in ("is-a", "descendent-of"):
        return None
    waiting = list(system.get("concept") or [])
    while waiting:
        concept = waiting.pop()
        if concept.get("code") == rule.get("value"):
            below = frozenset(code for code, _ in _flatten(concept.get("concept") or []))
            return below | {concept["code"]} if rule["op"] == "is-a" else below
        waiting.extend(concept.get("concept") or [])
    return frozenset()


@cache
def _r4_displays() -> Mapping[str, Mapping[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for url in definitions().value_sets:
        for system, codes in (definitions().value_set(url) or {}).items():
            found.setdefault(system, {}).update(codes)
    return found


@cache
def terminology() -> Terminology:
    """Return the installation's terminology; services add to it when they are loaded."""
    return Terminology()
