"""Records that a case looks up, for its guards, checklists, effects and the first rows of its tables.

They are looked up with the product's own reach: what a guard finds is told as true or false. The rows of a table are
looked up by whoever fills it in, under their own grant.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

from kangshu.base.clock import today
from kangshu.cases.substitution import names_in, substitute
from kangshu.cases.tasks import inputs, outputs
from kangshu.fhirpath import compile as compile_expression
from kangshu.sdk import CaseRecords, Resource

RECORDS: Final = "records:"
"""Begin of what names the records that fill a table (`prefill`)."""
Search = Callable[[str, str], Awaitable[list[Resource]]]


def names_of(
    task: Resource, form: Mapping[str, Any], more: Mapping[str, str] = MappingProxyType({})
) -> dict[str, str]:
    """Return what search criteria may name, written for a query: the case and its parties, `today`, fields of its forms, what
    it has made, and `more`. Of a reference `Type/id` the id stands under `<name>.id`."""
    names: dict[str, Any] = {
        **{
            name: (task.get(element) or {}).get("reference")
            for name, element in (("subject", "for"), ("focus", "focus"))
        },
        "task": f"Task/{task['id']}" if "id" in task else None,
        "owner": (task.get("owner") or {}).get("reference"),
        "requester": (task.get("requester") or {}).get("reference"),
        "today": today().isoformat(),
        **outputs(task),
        **inputs(task),
        **{name: value for name, value in form.items() if value is not None},
        **more,
    }
    names |= {
        f"{name}.id": value.partition("/")[2]
        for name, value in names.items()
        if isinstance(value, str) and value.count("/") == 1
    }
    return {name: quote(str(value), safe="/:|,") for name, value in names.items() if value is not None}


async def records_found(
    declared: CaseRecords, task: Resource, form: Mapping[str, Any], search: Search
) -> list[Resource]:
    """Return the records of a declared look-up; none while its criteria lack a value. Raises TooLarge."""
    names = names_of(task, form)
    if not all(name in names for name in names_in(declared.criteria)):
        return []
    return await search(declared.resource_type, str(substitute(declared.criteria, names) or ""))


async def looked_up(
    declared: Iterable[CaseRecords],
    expressions: Iterable[str],
    task: Resource,
    form: Mapping[str, Any],
    search: Search,
) -> dict[str, list[Resource]]:
    """Return the records that `expressions` name, by name. Raises TooLarge."""
    text = " ".join(expressions)
    return {one.id: await records_found(one, task, form, search) for one in declared if f"%{one.id}" in text}


def rows_of(declared: CaseRecords, records: Iterable[Resource]) -> list[dict[str, Any]]:
    """Return a row per record: column id → what its expression finds first."""
    columns = {name: compile_expression(expression) for name, expression in declared.columns.items()}
    return [{name: value.first(one) for name, value in columns.items()} for one in records]
