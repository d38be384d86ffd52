"""Protected fields in forms: what arrived masked goes back as it stands, and nothing else is taken in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kangshu.access import is_masked, protected_at
from kangshu.base.faults import Issue
from kangshu.registers.forms import is_empty, read_values
from kangshu.sdk import Field, RegisterDeclaration, Resource


def masked_fields(register: RegisterDeclaration, values: Mapping[str, Any]) -> frozenset[str]:
    """Return the ids of the form's fields whose value in `values` is masked."""
    return frozenset(
        field.id
        for field in register.form
        if field.path
        and is_masked(values.get(field.id))
        and protected_at(register.resource_type, field.path) is not None
    )


def kept_values(
    register: RegisterDeclaration, values: Mapping[str, Any], seen: Resource, *, partial: bool = False
) -> tuple[Mapping[str, Any], Sequence[Field], Sequence[Issue]]:
    """Return the values and the fields to be checked and written, without those that are masked in `seen`.

    `seen` is the record as the account sees it. A masked field that came back otherwise is an issue; with `partial`
    (a sheet that leaves the cell empty) one that came back empty is not.
    """
    stands = read_values(register.form, seen)
    hidden = masked_fields(register, stands)
    refused = [
        Issue(
            "error",
            "forbidden",
            f"'{field.title.en}' is protected: this account does not see it and may not change it",
            (field.id,),
            f"“{field.title.zh}”受保护，当前账号不能修改，请保持原样",
        )
        for field in register.form
        if field.id in hidden
        and field.id in values
        and values[field.id] != stands[field.id]
        and not (partial and is_empty(values[field.id]))
    ]
    kept = {name: value for name, value in values.items() if name not in hidden}
    return kept, [field for field in register.form if field.id not in hidden], refused
