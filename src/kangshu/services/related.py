"""What must hold of registers that others name: shown together with a record, or listing what a choice offers first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from kangshu.sdk import CaseDeclaration, Field, ListDeclaration, RegisterDeclaration, RelatedRecords
from kangshu.services.findings import Finding
from kangshu.services.places import Places


def check_related(
    register: RegisterDeclaration, registers: Mapping[str, RegisterDeclaration], places: Places
) -> Iterator[Finding]:
    """Yield what is wrong with `related` of a register, given every declared register by code.

    A register of another service that is not there is a warning: a folder may be taken away.
    """
    for one in register.related:
        yield from _check(one, register, "related", register.service, registers, places)


def check_listed(
    case: CaseDeclaration, registers: Mapping[str, RegisterDeclaration], places: Places
) -> Iterator[Finding]:
    """Yield what is wrong with `listed_by` of a case's fields, given every declared register by code."""
    for field in (*case.form, *(field for move in case.moves for field in move.form)):
        if field.listed_by is not None:
            yield from _check(field.listed_by, field, "listed_by", case.service, registers, places)


def check_suggested(
    case: CaseDeclaration, lists: Mapping[str, ListDeclaration], places: Places
) -> Iterator[Finding]:
    """Yield what is wrong with `suggest` of a case's fields, given every declared list by code.

    A list of another service that is not there is a warning: the form does without.
    """
    for field in (*case.form, *(field for move in case.moves for field in move.form)):
        if field.suggest is None:
            continue
        listed = lists.get(field.suggest.list)
        if listed is None:
            name = field.suggest.list
            said = places.finding(field, f"'suggest': there is no list '{name}'", f"没有清单“{name}”")
            yield said if name.startswith(f"{case.service}/") else replace(said, severity="warning")
            continue
        columns = {one.id for one in listed.columns}
        for name in (
            {field.suggest.value, *field.suggest.reason, *field.suggest.where} - columns - {"subject"}
        ):
            text = f"'suggest': '{listed.code}' has no column '{name}'"
            yield places.finding(field, text, f"清单“{listed.code}”没有列“{name}”")


def _check(
    one: RelatedRecords,
    owner: RegisterDeclaration | Field,
    word: str,
    service: str,
    registers: Mapping[str, RegisterDeclaration],
    places: Places,
) -> Iterator[Finding]:
    other = registers.get(one.register)
    if other is None:
        own = one.register.startswith(f"{service}/")
        said = places.finding(
            owner, f"'{word}': there is no register '{one.register}'", f"没有台账“{one.register}”"
        )
        yield said if own else replace(said, severity="warning")
        return
    columns = {column.id: column for column in other.columns}
    if one.column not in columns or not columns[one.column].search:
        text = f"'{word}': column '{one.column}' of '{one.register}' is not searched by"
        yield places.finding(owner, text, f"台账“{one.register}”的列“{one.column}”不能检索")
    for name in one.columns:
        if name not in columns:
            text = f"'{word}': '{one.register}' has no column '{name}'"
            yield places.finding(owner, text, f"台账“{one.register}”没有列“{name}”")
