"""The grammar of `grammar/*.yaml`: rules that a clerk can read, each with examples, compiled to patterns.

A rule says in Chinese and English what it is for and lists what it matches: `words` stand for themselves,
a `pattern` comes with an `example` that it matches, and where its border matters with a `counter_example`
that it does not. All of it is over *folded* text (half-width punctuation and digits, simplified characters,
[] for 〔〕【】, - for dashes). The passes have structure but no words of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to match a rule: its pattern, what it matches, and what it must not match."""

    pattern: str
    examples: tuple[str, ...]
    counter_examples: tuple[str, ...] = ()
    words: bool = False  # plain words, which are their own examples


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of the grammar: where it stands (`roles.lead_word`), what it is for, its alternatives."""

    path: str
    zh: str
    en: str
    alternatives: tuple[Alternative, ...]

    @property
    def source(self) -> str:
        """The alternation of all alternatives, without a group around it."""
        return "|".join(alternative.pattern for alternative in self.alternatives)


def _texts(value: Any) -> tuple[str, ...]:
    return () if value is None else tuple(value) if isinstance(value, list) else (str(value),)


def _alternative(entry: dict[str, Any]) -> Alternative:
    if "words" in entry:
        listed = tuple(str(word) for word in entry["words"])
        return Alternative("|".join(map(re.escape, listed)), listed, words=True)
    return Alternative(str(entry["pattern"]), _texts(entry["example"]), _texts(entry.get("counter_example")))


def _rule(path: str, entry: dict[str, Any]) -> Rule:
    if "any" not in entry:  # a single pattern with properties of its own, such as an outline label
        return Rule(path, str(entry.get("zh", "")), str(entry.get("en", "")), (_alternative(entry),))
    return Rule(path, str(entry["zh"]), str(entry["en"]), tuple(map(_alternative, entry["any"])))


def _is_rule(value: Any) -> bool:
    return isinstance(value, dict) and ("any" in value or "pattern" in value)


@cache
def _sources() -> dict[str, dict[str, Any]]:
    """Return the sections of all grammar files, by file and section."""
    folder = resources.files("kangshu.plans.reading").joinpath("grammar")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    return {name: yaml.safe_load(folder.joinpath(name).read_text(encoding="utf-8")) for name in names}


def rules() -> Iterator[tuple[str, Rule]]:
    """Yield every rule of the grammar with the name of its file, in reading order."""
    for name, sections in _sources().items():
        for section, content in sections.items():
            for path, entry in _walk(section, content):
                yield name, _rule(path, entry)


def _walk(path: str, value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if _is_rule(value):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _walk(f"{path}.{key}", inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value, start=1):
            name = inner.get("kind", number) if isinstance(inner, dict) else number
            yield from _walk(f"{path}.{name}", inner)


def _compact(path: str, value: Any) -> Any:
    """Return `value` with every rule replaced by its alternation."""
    if _is_rule(value):
        source = _rule(path, value).source
        rest = {
            key: inner for key, inner in value.items() if key not in ("any", "pattern", "example", "zh", "en")
        }
        rest.pop("counter_example", None)
        return {**rest, "pattern": source} if rest else source
    if isinstance(value, dict):
        return {key: _compact(f"{path}.{key}", inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_compact(path, inner) for inner in value]
    return value


@cache
def tables() -> dict[str, Any]:
    """Return the grammar as plain data: each rule is its alternation, by section and key."""
    return {
        section: _compact(section, content)
        for sections in _sources().values()
        for section, content in sections.items()
    }


def words(section: str, key: str) -> str:
    """Return one alternation of the grammar, e.g. `words("roles", "share_word")`, in a group."""
    return f"(?:{tables()[section][key]})"


@cache
def compiled(section: str, key: str) -> re.Pattern[str]:
    """Return the pattern of one rule, compiled once."""
    return re.compile(words(section, key))
