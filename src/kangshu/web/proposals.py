"""What a form proposes for its fields: rows of a declared list, best first, each with the reason; and what it draws from the
health record of whom the case is about. Both are looked up with the visitor's own grant and told to the audit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from kangshu.api import WorkRow, cell_text, name_of, proposed
from kangshu.sdk import Field, ListColumn, Resource, Suggestion
from kangshu.web.figures import counting
from kangshu.web.forms import FormField, Proposal
from kangshu.web.visit import Visit

_NAME: Final = re.compile(r"\$\{([A-Za-z0-9_.\-]+)\}")
_MOST: Final = 3
"""More would be a list to read, not a proposal."""


async def proposals_of(
    visit: Visit, fields: Iterable[Field], names: Mapping[str, Any]
) -> dict[str, tuple[Proposal, ...]]:
    """Return what is proposed for each field that a list speaks for, by the field's id; `names` are those of `where`."""
    found: dict[str, tuple[Proposal, ...]] = {}
    for field in fields:
        if field.suggest is not None and (rows := await _rows(visit, field.suggest, names)):
            found[field.id] = rows
    return found


def names_for(visit: Visit, task: Resource | None = None, **more: Any) -> dict[str, Any]:
    """Return the names that `where` may hold: who fills the form in, the parties of the case, and `more`."""
    own = f"Organization/{visit.grant.organisation}" if visit.grant.organisation else ""
    found: dict[str, Any] = {"organisation": own, "requester": own, **more}
    for name, element in (("subject", "for"), ("requester", "requester"), ("owner", "owner")):
        if task is not None and (party := task.get(element)):
            found[name] = party.get("reference", "")
    return found


async def _rows(visit: Visit, one: Suggestion, names: Mapping[str, Any]) -> tuple[Proposal, ...]:
    cell = {column: _filled(template, names) for column, template in one.where.items()}
    if not all(cell.values()):
        return ()
    page = await proposed(visit.platform, await counting(visit), one.list, cell, _MOST)
    if page is None:
        return ()
    columns = {each.id: each for service in visit.platform.services for listed in service.lists
               if listed.code == one.list for each in listed.columns}  # fmt: skip
    found: dict[str, Proposal] = {}
    for row in page.rows:
        value = row.row.subject if one.value == "subject" else str(row.row.values.get(one.value) or "")
        title = name_of(row.resource) if one.value == "subject" else _cell(visit, columns[one.value], row)
        told = (_told(visit, columns[name], row) for name in one.reason)
        if value and value not in found:
            found[value] = Proposal(value, title, " · ".join(filter(None, told)))
    return tuple(found.values())


def _filled(template: str, names: Mapping[str, Any]) -> str:
    """Return a template with its names in place, "" while one of them has no value."""
    asked = _NAME.findall(template)
    if not all(isinstance(names.get(name), str) and names[name] for name in asked):
        return ""
    return _NAME.sub(lambda match: str(names[match[1]]), template)


def _cell(visit: Visit, column: ListColumn, row: WorkRow) -> str:
    value = row.row.values.get(column.id)
    if column.kind == "name":
        return name_of(row.names[str(value)]) if str(value) in row.names else ""
    return cell_text(column.kind, column.labels, value, visit.words.language)


def _told(visit: Visit, column: ListColumn, row: WorkRow) -> str:
    """Return one reason: a choice says itself, anything else with what it is called; nothing where there is none of it."""
    text = _cell(visit, column, row)
    if text in ("", "0") or column.kind in ("choice", "name"):
        return text if text != "0" else ""
    return f"{visit.words.of(column.title)} {text}"


def with_proposals(
    shown: Sequence[FormField], proposals: Mapping[str, tuple[Proposal, ...]]
) -> list[FormField]:
    """Return a form's fields, each with what is proposed for it; of what may be chosen that stands first."""
    made = []
    for one in shown:
        best = proposals.get(one.name, ())
        if best and one.options:
            titles = dict(one.options)
            first = [each.value for each in best if each.value in titles]
            order = (*first, *(code for code, _ in one.options if code not in first))
            one = replace(one, options=tuple((code, titles[code]) for code in order))
        elif best and one.kind == "text" and not one.find:
            one = replace(one, options=tuple((each.value, each.reason) for each in best))
        made.append(replace(one, proposed=best) if best else one)
    return made
