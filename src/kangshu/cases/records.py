"""Records that a case looks up, for its guards, checklists, effects and the first rows of its tables.

They are looked up with the product's own reach: what a guard finds is told as true or false. The rows of a table are
looked up by whoever fills it in, under their own grant.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qsl, quote

from kangshu.base.clock import today
from kangshu.cases.deadlines import Terms
from kangshu.cases.substitution import names_in, substitute
from kangshu.cases.tasks import inputs, outputs
from kangshu.fhirpath import compile as compile_expression
from kangshu.sdk import CaseRecords, Monthly, Resource
from kangshu.search import Query, parse_query

RECORDS: Final = "records:"
"""Begin of what names the records that fill a table (`prefill`)."""
Search = Callable[[str, str], Awaitable[list[Resource]]]
Count = Callable[[str, str], Awaitable[int]]
_MOST_MONTHS: Final = 60


def names_of(
    task: Resource, form: Mapping[str, Any], more: Mapping[str, str] = MappingProxyType({})
) -> dict[str, str]:
    """Return what search criteria may name, written for a query: the case and its parties, `today`, fields of its forms, what
    it has made, and `more`. Of a reference `Type/id` the id stands under `<name>.id`, of several all of them."""
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
    names |= {f"{name}.id": ids for name, value in names.items() if (ids := _ids(value))}
    return {name: quote(str(value), safe="/:|,") for name, value in names.items() if value is not None}


def _ids(value: Any) -> str:
    """Return the ids of a reference `Type/id` or of a list of them, with commas; "" for other values."""
    listed = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str) and one.count("/") == 1 for one in listed):
        return ""
    return ",".join(one.partition("/")[2] for one in listed)


def counting(count: Callable[[Query], Awaitable[int]]) -> Count:
    """Return what counts the records of a type that meet criteria."""
    return lambda kind, criteria: count(parse_query(kind, parse_qsl(criteria)))


@dataclass(frozen=True, slots=True)
class Reach:
    """By whom records are looked up, and what their criteria take from the dated parameters of `day`."""

    search: Search
    count: Count
    terms: Terms
    jurisdiction: str
    day: date

    def figure(self, parameter: str) -> int:
        """Return a whole number in force. Raises ParameterMissing."""
        return int(self.terms.parameters.value(parameter, self.jurisdiction, self.day))

    def since(self, parameter: str) -> str:
        """Return the day that lies a parameter of days back."""
        return (self.day - timedelta(days=self.figure(parameter))).isoformat()


async def records_found(
    declared: CaseRecords, task: Resource, form: Mapping[str, Any], reach: Reach
) -> list[Resource]:
    """Return the records of a declared look-up; none while its criteria lack a value. Raises TooLarge."""
    names = names_of(task, form, {"since": reach.since(declared.since)} if declared.since else {})
    if declared.monthly is not None:
        return await _counted(declared, declared.monthly, names, reach)
    if not all(name in names for name in names_in(declared.criteria)):
        return []
    found = await reach.search(declared.resource_type, str(substitute(declared.criteria, names) or ""))
    return list(_newest(declared.newest, found)) if declared.newest else found


async def _counted(
    declared: CaseRecords, monthly: Monthly, names: Mapping[str, str], reach: Reach
) -> list[Resource]:
    """Return how many records there are on a day of each month of the period, {month, number}."""
    first, last = names.get(monthly.first), names.get(monthly.last)
    if not first or not last:
        return []
    found: list[Resource] = []
    day = date.fromisoformat(first).replace(day=1)
    while day <= date.fromisoformat(last) and len(found) < _MOST_MONTHS:
        days = monthrange(day.year, day.month)[1]
        on = day.replace(day=min(reach.figure(monthly.day), days)).isoformat()
        known = {**names, "day": on}
        if first <= on <= last and all(name in known for name in names_in(declared.criteria)):
            criteria = str(substitute(declared.criteria, known) or "")
            number = await reach.count(declared.resource_type, criteria)
            found.append({"month": on[:7], "number": number})
        day = day.replace(day=days) + timedelta(days=1)
    return found


def _newest(expression: str, records: Iterable[Resource]) -> Iterator[Resource]:
    """Yield the first record of each text that `expression` gives; all for which it gives none."""
    key, seen = compile_expression(expression), set()
    for one in records:
        said = key.first(one)
        if said is None or said not in seen:
            seen.add(said)
            yield one


async def looked_up(
    declared: Iterable[CaseRecords],
    expressions: Iterable[str],
    task: Resource,
    form: Mapping[str, Any],
    reach: Reach,
) -> dict[str, list[Resource]]:
    """Return the records that `expressions` name, by name. Raises TooLarge."""
    text = " ".join(expressions)
    return {one.id: await records_found(one, task, form, reach) for one in declared if f"%{one.id}" in text}


def rows_of(declared: CaseRecords, records: Iterable[Resource]) -> list[dict[str, Any]]:
    """Return a row per record: column id → what its expression finds first."""
    columns = {name: compile_expression(expression) for name, expression in declared.columns.items()}
    return [{name: value.first(one) for name, value in columns.items()} for one in records]
