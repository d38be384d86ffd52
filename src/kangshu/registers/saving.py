"""One record of a register is written: the form's values checked, put into the resource, held against R4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from kangshu.access import Grant, protected_at
from kangshu.base.faults import Forbidden, Issue, Unprocessable
from kangshu.registers.asking import unique_rules
from kangshu.registers.forms import check_values, pointed, write_values
from kangshu.registers.paths import fhirpath_of, parse_path
from kangshu.registers.protected import kept_values
from kangshu.sdk import Field, RegisterDeclaration, Resource
from kangshu.search import parse_query
from kangshu.store import Stored, Transaction, new_id
from kangshu.validate import validate


@dataclass(frozen=True, slots=True)
class Saved:
    """What was saved: the record before (None for a new one) and as it stands now."""

    before: Stored | None
    after: Stored

    @property
    def changed(self) -> bool:
        """Return whether a version was written."""
        return self.before is None or self.before.version != self.after.version


def require_form(register: RegisterDeclaration) -> None:
    """Raise Forbidden for a register whose records are made elsewhere."""
    if register.read_only:
        raise Forbidden(
            f"'{register.title.en}' is read only: its records are made by their cases",
            zh=f"“{register.title.zh}”只能查看，请通过相应办件办理",
        )


async def save_record(
    transaction: Transaction,
    register: RegisterDeclaration,
    values: Mapping[str, Any],
    id: str | None,
    if_match: int | None = None,
    *,
    partial: bool = False,
    skip_same: bool = False,
) -> Saved:
    """Write the form's values into a record, a new one where `id` is None.

    With `partial`, fields that `values` does not name stay; with `skip_same` a record that would not change is left
    at its version. Raises Unprocessable, Conflict, PreconditionFailed, Forbidden, NotFound.
    """
    version: int | None = None
    before: Stored | None = None
    fields: Sequence[Field] = register.form
    refused: Sequence[Issue] = ()
    if id is None:
        resource: Resource = {
            "resourceType": register.resource_type,
            "id": new_id(),
            **deepcopy(register.template),
        }
    else:
        before = await transaction.read(register.resource_type, id)
        version = if_match if if_match is not None else before.version
        resource = deepcopy(before.resource)
        values, fields, refused = kept_values(register, values, resource, partial=partial)
    cleaned, issues = check_values(fields, values, partial=partial and id is not None)
    found = [*refused, *issues, *(await _unseen(transaction, register, cleaned))]
    if found:
        raise Unprocessable(
            "the form is not complete or not right", zh="表单填写不完整或有误", issues=tuple(found)
        )
    known = set(_against_r4(resource, register)) if id is not None else set()
    write_values(register.form, cleaned, resource)
    # what was wrong before is not this form's doing and does not keep it from being saved
    wrong = tuple(issue for issue in _against_r4(resource, register) if issue not in known)
    if wrong:
        raise Unprocessable("the record is not valid", zh="记录不符合数据标准", issues=wrong)
    if skip_same and before is not None and version == before.version and resource == before.resource:
        return Saved(before, before)
    written = await transaction.update(resource, if_match=version)
    return Saved(before, written.stored)


async def same_record(
    transaction: Transaction, grant: Grant, register: RegisterDeclaration, values: Mapping[str, Any]
) -> str | None:
    """Return the id of the register's record with the same unique values, None when there is none to be seen."""
    cleaned, _ = check_values(register.form, values)
    paths = {field.id: parse_path(field.path)[0] for field in register.form}
    for names, rule in zip(register.unique, unique_rules(register), strict=True):
        if not all(cleaned.get(name) for name in names):
            continue
        pairs = parse_qsl(register.criteria)
        first = paths[names[0]]
        if len(names) == 1 and first.name == "identifier" and first.match:
            pairs.append(("identifier", f"{first.match}|{cleaned[names[0]]}"))
        elif any(protected_at(register.resource_type, path) is not None for path in rule.paths):
            continue  # who may not see a protected value does not learn by an import whose it is
        else:
            resource: Resource = {"resourceType": register.resource_type, **deepcopy(register.template)}
            write_values(register.form, cleaned, resource)
            holder = await transaction.holder(rule, resource)
            if holder is None:
                continue
            pairs.append(("_id", holder))
        page = await transaction.search(parse_query(register.resource_type, [*pairs, ("_count", "1")]))
        if page.entries:
            return str(page.entries[0].id)
    return None


async def _unseen(
    transaction: Transaction, register: RegisterDeclaration, cleaned: Mapping[str, Any]
) -> Sequence[Issue]:
    """Return an issue for every reference to a record that is not there or that the grant does not see."""
    found: list[Issue] = []
    for field in register.form:
        for reference in dict.fromkeys(pointed(field, cleaned.get(field.id))):
            kind, _, id_ = reference.partition("/")
            page = await transaction.search(parse_query(kind, [("_id", id_), ("_count", "1")]))
            if not page.entries:
                en, zh = (
                    f"'{field.title.en}': there is no such record",
                    f"“{field.title.zh}”所选记录不存在",
                )
                found.append(Issue("error", "not-found", en, (field.id,), zh))
    return found


def _against_r4(resource: Resource, register: RegisterDeclaration) -> tuple[Issue, ...]:
    """Return the errors of the validator, each at the form's field that stands there where there is one."""
    places = {f"{register.resource_type}.{fhirpath_of(field.path)}": field.id for field in register.form}
    found = []
    for issue in validate(resource):
        if issue.severity in ("error", "fatal"):
            at = issue.expression[0] if issue.expression else ""
            field = next((name for path, name in places.items() if at and path.startswith(at)), at)
            found.append(replace(issue, expression=(field,) if field else ()))
    return tuple(found)
