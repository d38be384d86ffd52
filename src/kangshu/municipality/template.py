"""A FHIR template with columns in it → resources: the one form from which the JSON and, traced, the view rows come."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from kangshu.base.faults import Invalid
from kangshu.sdk import Resource

_COLUMN: Final = re.compile(r"\{([a-z_]+)(\??)\}")
_ABSENT: Final = object()
Row = Mapping[str, Any]
_Part = tuple[Callable[[Row], Any], bool]
"""What makes an element of a row, and whether columns stand in it."""


class Template:
    """A compiled template. `columns` are those it names, `optional` those that may be NULL."""

    def __init__(self, template: Resource) -> None:
        """Compile `template`. Raises Invalid where a column is optional in one place and not in another."""
        self.columns: tuple[str, ...] = ()
        self.optional: frozenset[str] = frozenset()
        found: dict[str, bool] = {}
        _collect(template, found)
        self.columns = tuple(found)
        self.optional = frozenset(name for name, optional in found.items() if optional)
        self._make, _ = _mapping(template)

    def fill(self, row: Row) -> Resource:
        """Return the resource of one row.

        An optional column that is None takes its element away, and every mapping all of whose columns are away.
        """
        made: Resource = self._make(row)
        return made


def _collect(value: Any, found: dict[str, bool]) -> None:
    if isinstance(value, str):
        for name, mark in _COLUMN.findall(value):
            if found.setdefault(name, bool(mark)) is not bool(mark):
                raise Invalid(f"the column '{name}' is optional in one place and not in another")
    elif isinstance(value, dict):
        for one in value.values():
            _collect(one, found)
    elif isinstance(value, list):
        for one in value:
            _collect(one, found)


def _part(value: Any) -> _Part:
    if isinstance(value, dict):
        return _mapping(value)
    if isinstance(value, list):
        return _list(value)
    if isinstance(value, str) and _COLUMN.search(value):
        return _text(value), True
    return (lambda _row: value), False


def _mapping(template: Mapping[str, Any]) -> _Part:
    parts = [(key, *_part(value)) for key, value in template.items()]
    varies = any(has for _, _, has in parts)

    def make(row: Row) -> Any:
        made, told = {}, not varies
        for key, part, has in parts:
            value = part(row)
            if value is not _ABSENT:
                made[key] = value
                told = told or has
        return made if told else _ABSENT

    return make, varies


def _list(template: list[Any]) -> _Part:
    parts = [_part(value) for value in template]

    def make(row: Row) -> Any:
        made = [value for part, _ in parts if (value := part(row)) is not _ABSENT]
        return made or _ABSENT

    return make, any(has for _, has in parts)


def _text(template: str) -> Callable[[Row], Any]:
    whole = _COLUMN.fullmatch(template)
    if whole:
        name, optional = whole[1], bool(whole[2])
        return lambda row: _plain(row[name], name, optional)
    pieces = _COLUMN.split(template)
    texts, names, marks = pieces[::3], pieces[1::3], pieces[2::3]

    def make(row: Row) -> Any:
        made = [texts[0]]
        for name, mark, text in zip(names, marks, texts[1:], strict=True):
            value = _plain(row[name], name, bool(mark))
            if value is _ABSENT:
                return _ABSENT
            made += (str(value), text)
        return "".join(made)

    return make


def _plain(value: Any, name: str, optional: bool) -> Any:
    if value is None:
        if not optional:
            raise Invalid(f"the column '{name}' is NULL in a record; write '{{{name}?}}' where it may be")
        return _ABSENT
    return value.isoformat() if isinstance(value, date) else value
