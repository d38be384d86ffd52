"""What must hold of the records that a register's page shows together with each record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from kangshu.sdk import RegisterDeclaration
from kangshu.services.findings import Finding
from kangshu.services.places import Places


def check_related(
    register: RegisterDeclaration, registers: Mapping[str, RegisterDeclaration], places: Places
) -> Iterator[Finding]:
    """Yield what is wrong with `related` of a register, given every declared register by code.

    A register of another service that is not there is a warning: a folder may be taken away.
    """
    for one in register.related:
        other = registers.get(one.register)
        if other is None:
            own = one.register.startswith(f"{register.service}/")
            said = places.finding(
                register, f"'related': there is no register '{one.register}'", f"没有台账“{one.register}”"
            )
            yield said if own else replace(said, severity="warning")
            continue
        columns = {column.id: column for column in other.columns}
        if one.column not in columns or not columns[one.column].search:
            text = f"'related': column '{one.column}' of '{one.register}' is not searched by"
            yield places.finding(register, text, f"台账“{one.register}”的列“{one.column}”不能检索")
        for name in one.columns:
            if name not in columns:
                text = f"'related': '{one.register}' has no column '{name}'"
                yield places.finding(register, text, f"台账“{one.register}”没有列“{name}”")
