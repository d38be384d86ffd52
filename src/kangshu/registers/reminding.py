"""到期提醒: a notice to whom a record concerns, once, so many days before a day that stands in it.

The words of a notice come from the declaration and the day: nobody is named in them. What it is about is a reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl

from kangshu.access import system_grant
from kangshu.base.canonical import BASE, code_system
from kangshu.base.clock import CITY_ZONE, instant, now
from kangshu.base.parameters import ParameterTable
from kangshu.fhirpath import compile as compile_expression
from kangshu.registers.rows import value_of
from kangshu.sdk import Column, RegisterDeclaration, Reminder, Resource
from kangshu.search import parse_query
from kangshu.store import Store, Stored

REMINDED: Final = f"{BASE}/sid/record-reminder"
"""Identifier system of these notices: one per register, column, record and day."""
OF_REGISTER: Final = code_system("register")
"""Code system of Communication.category: the register `service/register` of the record that a notice is about."""
_GRANT = system_grant("reminders")
_PAGE: Final = 500


class Reminders:
    """Looks for what is near. What it has told of it does not tell again, however often it looks."""

    def __init__(
        self,
        store: Store,
        registers: Iterable[RegisterDeclaration],
        parameters: ParameterTable,
        jurisdiction: str,
        *,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._store, self._parameters, self._jurisdiction = store, parameters, jurisdiction
        self._registers = tuple(one for one in registers if one.remind)
        self._clock = clock
        self._looked: tuple[date, datetime] | None = None

    async def tick(self) -> int:
        """Return how many notices were written: once a day all records are looked at, between those that changed."""
        at = self._clock()
        day = at.astimezone(CITY_ZONE).date()
        since = self._looked[1] if self._looked is not None and self._looked[0] == day else None
        told = 0
        for register in self._registers:
            for reminder in register.remind:
                told += await self._look(register, reminder, day, since)
        self._looked = (day, at)
        return told

    async def _look(
        self, register: RegisterDeclaration, reminder: Reminder, day: date, since: datetime | None
    ) -> int:
        column = next(one for one in register.columns if one.id == reminder.column)
        days = int(self._parameters.value(reminder.before, self._jurisdiction, day))
        last = day + timedelta(days=days)
        # `eb` bounds the end of a period too; what the column itself says is compared below
        pairs = [
            *parse_qsl(register.criteria),
            (column.search, f"ge{day.isoformat()}"),
            (column.search, f"eb{(last + timedelta(days=1)).isoformat()}"),
            ("_count", str(_PAGE)),
        ]
        if since is not None:
            pairs.append(("_lastUpdated", f"ge{instant(since)}"))
        told, cursor = 0, None
        while True:
            page = await self._store.search(_GRANT, parse_query(register.resource_type, pairs), cursor)
            for stored in page.entries:
                due = _day(column, stored.resource)
                if due is not None and day <= due <= last and _concerns(reminder, stored.resource):
                    told += await self._tell(register, reminder, stored, due, (due - day).days)
            cursor = page.next
            if cursor is None:
                return told

    async def _tell(
        self, register: RegisterDeclaration, reminder: Reminder, stored: Stored, due: date, days: int
    ) -> int:
        recipient = recipient_of(register, reminder, stored.resource)
        if not recipient:
            return 0
        key = f"{register.code}/{reminder.column}/{stored.id}/{due.isoformat()}/{recipient}"
        said = {"date": due.isoformat(), "days": days}
        notice: Resource = {
            "resourceType": "Communication",
            "identifier": [{"system": REMINDED, "value": key}],
            "status": "completed",
            "category": [{"coding": [{"system": OF_REGISTER, "code": register.code}]}],
            "about": [{"reference": stored.reference}],
            "recipient": [{"reference": recipient}],
            "sent": instant(self._clock()),
            "payload": [
                {"contentString": reminder.text.zh.format(**said)},
                {"contentString": reminder.text.en.format(**said)},
            ],
        }
        if stored.scope.patient:
            notice["subject"] = {"reference": f"Patient/{stored.scope.patient}"}
        meta = stored.resource.get("meta", {})
        kept = {name: meta[name] for name in ("tag", "security") if meta.get(name)}
        if kept:
            notice["meta"] = kept
        written = await self._store.create(_GRANT, notice, if_none_exist=f"identifier={REMINDED}|{key}")
        return int(written.created)


def recipient_of(register: RegisterDeclaration, reminder: Reminder, resource: Resource) -> str:
    """Return `Type/id` of whom a reminder goes to: the named column's, or the first of that kind; "" for nobody."""
    kinds = {"organisation": ("organisation",), "person": ("resident", "practitioner")}
    wanted = kinds.get(reminder.to)
    for column in register.columns:
        if column.id == reminder.to or (wanted is not None and column.kind in wanted):
            value: Any = value_of(column, resource)
            return str(value) if value else ""
    return ""


def _concerns(reminder: Reminder, resource: Resource) -> bool:
    return not reminder.condition or compile_expression(reminder.condition).evaluate(resource) == [True]


def _day(column: Column, resource: Resource) -> date | None:
    """Return the day in a date column; None where there is none, or less than a day is known."""
    text = str(value_of(column, resource) or "")[:10]
    return date.fromisoformat(text) if len(text) == 10 else None
