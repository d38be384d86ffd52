"""What `masked` says in a register: the value behind it is protected. Masking itself is the store's, by fields.yaml."""

from __future__ import annotations

from collections.abc import Iterator

from kangshu.access import protected_at
from kangshu.sdk import Column, Field, RegisterDeclaration
from kangshu.services.draft import Draft
from kangshu.services.findings import Finding


def check_masked(draft: Draft, register: RegisterDeclaration) -> Iterator[Finding]:
    """Yield a finding for every column and field that says it is masked while nothing masks what it shows."""
    kind = register.resource_type
    paths: list[tuple[Column | Field, str]] = [(one, one.value) for one in register.columns]
    paths += [(one, one.path) for one in register.form]
    for one, path in paths:
        if one.masked and (not path or protected_at(kind, path) is None):
            yield draft.places.finding(
                one,
                f"'{one.id}' says masked, but no protected field stands at '{path}': nothing would mask it",
                f"“{one.id}”声明了 masked，但“{path}”不是受保护字段，不会脱敏",
            )
