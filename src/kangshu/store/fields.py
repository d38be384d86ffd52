"""The door through which records leave and enter: protected fields are masked, fixed fields stand.

Every record that the store gives to a grant passes `shown`; every clause and sort key of its searches is asked
here which field it would reveal; every write passes `kept`. A grant that shows all fields everywhere, as the
product's own does, goes through unchanged: its bodies are sent as they are stored.
"""

# ruff: noqa: S608  # the text is of literals and aliases made here; every value is bound
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from kangshu.access import (
    Everything,
    Grant,
    Nothing,
    Predicate,
    ProtectedField,
    admits,
    asks_for_care,
    covers,
    field_revealed_by,
    protected_at,
    protected_fields,
)
from kangshu.base.canonical import structure
from kangshu.base.faults import Conflict, Forbidden
from kangshu.fhir import render
from kangshu.sdk import Resource
from kangshu.search import Clause, CompositeClause, MissingClause, Query, ValueClause, parameters_of
from kangshu.store.connections import Connection
from kangshu.store.masking import (
    IDENTITY_NUMBER,
    Hidden,
    masked_resource,
    may_carry,
    may_hold,
    restored,
)
from kangshu.store.records import Stored
from kangshu.store.sql import Binder, predicate_sql
from kangshu.store.unique import UniqueRule

ENGINE: Final = "case.engine"
"""Who holds it moves records by rules of its own: fixed fields are no matter of the account then."""
_STEP: Final = re.compile(r"([A-Za-z]+)(?:\(([^)]+)\))?")
_NONE: Final[Hidden] = frozenset()


def narrowed_fields(grant: Grant) -> Mapping[str, Predicate]:
    """Return the protected fields that `grant` does not see in clear everywhere, with where it does."""
    seen = {id_: grant.may_see(id_) for id_ in protected_fields()}
    return {id_: predicate for id_, predicate in seen.items() if not isinstance(predicate, Everything)}


async def shown(
    connection: Connection, grant: Grant, found: Sequence[Stored], *, versions: bool = False
) -> list[Stored]:
    """Return `found` as the grant may see it: masked where a protected field is not clear for it.

    `versions` are of histories: an old one follows its record, unless it spoke of another resident.
    """
    fields = narrowed_fields(grant)
    if not fields:
        return list(found)
    concerned = [one for one in found if one.body and may_hold(one.type, one.body)]
    if not concerned:
        return list(found)
    hidden = await _hidden(connection, fields, concerned, versions)
    masks = {id(one): _veiled(one, names) for one, names in zip(concerned, hidden, strict=True) if names}
    return [masks.get(id(one), one) for one in found]


def _veiled(stored: Stored, hidden: Hidden) -> Stored:
    resource = masked_resource(stored.resource, hidden)
    if resource is stored.resource:
        return stored
    return Stored(
        stored.type, stored.id, stored.version, stored.last_updated, stored.scope, stored.deleted, render(resource),
        stored.key, stored.account, resource,
    )  # fmt: skip


async def _hidden(
    connection: Connection, fields: Mapping[str, Predicate], records: Sequence[Stored], versions: bool
) -> list[Hidden]:
    """Return the fields that are hidden in each of `records`."""
    asked = {id_: predicate for id_, predicate in fields.items() if not isinstance(predicate, Nothing)}
    everywhere = frozenset(fields.keys() - asked.keys())
    if not asked:
        return [everywhere] * len(records)
    if not versions and not any(asks_for_care(one) for one in asked.values()):
        return [
            everywhere | {id_ for id_, predicate in asked.items() if not admits(predicate, one.scope)}
            for one in records
        ]
    binder = Binder()
    keys = binder.bind([one.key for one in records], "bigint[]")
    conditions = ", ".join(predicate_sql(predicate, "r", binder) for predicate in asked.values())
    rows = await connection.fetch(
        f"select r.key, r.patient, array[{conditions}]::boolean[] as clear from resource r where r.key = any({keys})",
        *binder.values,
    )
    current = {row["key"]: row for row in rows}
    return [everywhere | _hidden_by(asked, one, current.get(one.key)) for one in records]


def _hidden_by(asked: Mapping[str, Predicate], one: Stored, row: Any) -> Hidden:
    if row is None:
        return frozenset(asked)
    own = one.scope.patient == row["patient"]
    return frozenset(
        id_
        for (id_, predicate), clear in zip(asked.items(), row["clear"], strict=True)
        if not clear or not (own or (not asks_for_care(predicate) and admits(predicate, one.scope)))
    )


async def kept(
    connection: Connection, grant: Grant, type: str, body: Resource, current: Stored | None
) -> Resource:
    """Return `body` with what came back masked replaced by what stands in `current`, the record as it is stored.

    Raises:
        Forbidden: it changes a protected field that the account does not see, or a field fixed for it.
        Unprocessable: a masked value that stands for no value, or for one of several.
    """
    standing = None if current is None or current.deleted else current
    fields = narrowed_fields(grant)
    if fields and (may_carry(body, frozenset(fields)) or _may_hold(standing)):
        hidden = _NONE if standing is None else (await _hidden(connection, fields, [standing], False))[0]
        resource = {} if standing is None else standing.resource
        body = restored(body, resource, hidden, frozenset(fields) - hidden)
    if standing is not None and not grant.may(ENGINE):
        for path in sorted(grant.fixed_in(type)):
            if _values(standing.resource, path) != _values(body, path):
                raise Forbidden(
                    f"this account may not change {type}.{path}: ask who keeps this record",
                    zh=f"当前账号不能修改“{type}.{path}”，请联系该记录的管理单位办理",
                )
    return body


def _may_hold(standing: Stored | None) -> bool:
    return standing is not None and may_hold(standing.type, standing.body)


def _values(resource: Resource, path: str) -> list[Any]:
    """Return what stands at a dotted path, through lists; `extension(district)` is the extension of ours."""
    found: list[Any] = [resource]
    for name, selector in _STEP.findall(path):
        below: list[Any] = []
        for node in found:
            value = node.get(name) if isinstance(node, dict) else None
            below.extend(value if isinstance(value, list) else [] if value is None else [value])
        if selector:
            url = selector if ":" in selector else structure(selector)
            below = [one for one in below if isinstance(one, dict) and one.get("url") == url]
        found = below
    return found


# searches


def revealed_by(type: str, codes: Iterable[str]) -> tuple[ProtectedField, ...]:
    """Return the protected fields that entries of these parameters of `type` would reveal."""
    found = (field_revealed_by(type, code) for code in codes)
    return tuple(dict.fromkeys(field for field in found if field is not None))


def codes_of(clause: Clause) -> tuple[str, ...]:
    """Return the parameters whose entries a clause of values compares; of the record's own columns none."""
    match clause:
        case ValueClause(sources=sources) | MissingClause(sources=sources):
            return tuple(source.code for source in sources)
        case CompositeClause(sources=composites):
            return tuple(component.code for one in composites for component in one.components)
        case _:
            return ()


def may_name_anybody(type: str, clause: Clause) -> bool:
    """Return whether a clause compares identifiers, which may be identity numbers in records of any type."""
    if not isinstance(clause, ValueClause | MissingClause) or clause.kind not in ("token", "reference"):
        return False
    declared = parameters_of(type).simple
    for source in clause.sources:
        parameter = declared.get(source.code)
        if "identifier" in source.code:
            return True
        if clause.kind == "token" and parameter is not None and parameter.kind == "reference":
            return True
    return False


def check_sort(grant: Grant, query: Query) -> None:
    """Raise Forbidden for an order that would tell a masked value: the field must be clear in all that is read."""
    for sort in query.sort:
        for field in revealed_by(query.type, [sort.by, *(source.code for source in sort.sources)]):
            if not covers(grant.may_see(field.id), grant.may_read(query.type)):
                raise Forbidden(
                    f"this account may not sort by a protected field ({field.title.en}); leave the order out",
                    zh=f"“{field.title.zh}”受保护，当前账号不能按它排序，请去掉排序条件",
                )


def sees_every_number(grant: Grant) -> bool:
    """Return whether identity numbers are clear for `grant` in whatever record."""
    return isinstance(grant.may_see(IDENTITY_NUMBER), Everything)


def taken_fault(grant: Grant, rule: UniqueRule) -> Conflict:
    """Return the fault of a value that another record has already; which value, only where the account sees it."""
    narrow = narrowed_fields(grant)
    if any(field.id in narrow for path in rule.paths if (field := protected_at(rule.type, path)) is not None):
        return Conflict(
            "this cannot be stored: ask the institution that manages the resident's record",
            zh="无法保存：信息与已有档案冲突，请联系居民档案的建档机构核对",
        )
    return Conflict(rule.text.en, zh=rule.text.zh)
