"""The reminders that a register declares: read and checked."""

from __future__ import annotations

import string
from collections.abc import Collection, Iterator

from kangshu.base.faults import Fault
from kangshu.fhirpath import compile as compile_expression
from kangshu.sdk import RegisterDeclaration, Reminder
from kangshu.services.entry import Entry
from kangshu.services.findings import Finding
from kangshu.services.places import Places

_SAID = frozenset({"date", "days"})
_TO = {"organisation": ("organisation",), "person": ("resident", "practitioner")}


def read_reminder(entry: Entry) -> Reminder:
    """Return one entry of `remind`."""
    reminder = Reminder(
        column=entry.string("column", required=True),
        before=entry.string("before", required=True),
        to=entry.string("to", required=True),
        text=entry.text("text"),
        condition=entry.string("while"),
    )
    entry.close()
    return reminder


def check_reminders(
    register: RegisterDeclaration, parameters: Collection[str], places: Places
) -> Iterator[Finding]:
    """Yield what is wrong with a register's reminders."""

    def found(en: str, zh: str) -> Finding:
        return places.finding(register, en, zh)

    columns = {one.id: one for one in register.columns}
    for one in register.remind:
        column = columns.get(one.column)
        if column is None or column.kind not in ("date", "datetime") or not column.search:
            yield found(
                f"'remind': '{one.column}' is no column with a day to search by",
                f"“remind”：“{one.column}”不是可检索的日期列",
            )
        if one.before not in parameters:
            yield found(f"no rule declares the parameter '{one.before}'", f"没有声明参数“{one.before}”")
        kinds = {column.kind for column in register.columns}
        if one.to not in columns and not kinds.intersection(_TO.get(one.to, ())):
            yield found(f"'remind': nobody is found by '{one.to}'", f"“remind”：没有可通知的“{one.to}”")
        for text in (one.text.zh, one.text.en):
            asked = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
            if asked - _SAID:
                yield found(
                    "the text of a reminder holds {date} and {days} alone", "提醒文字只能含 {date} 和 {days}"
                )
        if one.condition:
            try:
                compile_expression(one.condition)
            except Fault as fault:
                yield found(f"'while': {fault.text}", f"“while”：{fault.zh}")
