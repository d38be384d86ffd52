"""From a register's declaration to what the store is asked: searches of its list, and what must be single."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from kangshu.base.faults import UnknownParameter
from kangshu.base.text import Text
from kangshu.registers.forms import REFERENCE_TYPES, points
from kangshu.registers.names import escaped, name_search
from kangshu.registers.paths import fhirpath_of
from kangshu.sdk import Column, EntranceEntry, RegisterDeclaration
from kangshu.search import Query, parameters_of, parse_query
from kangshu.store import CapacityRule, UniqueRule

_REFERENCE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}", re.ASCII)

LARGEST = 500
"""Most records of one page."""


def query_of(
    register: RegisterDeclaration,
    filters: Mapping[str, str],
    sort: str,
    count: int,
    *,
    total: bool,
    ids: Sequence[str] = (),
) -> Query:
    """Return the search of a register's list; with `ids`, of these records of it.

    Raises:
        UnknownParameter: a filter or sort column that the register does not offer.
    """
    columns = {column.id: column for column in register.columns}
    pairs = parse_qsl(register.criteria)
    for name, value in filters.items():
        if value.strip():
            pairs.extend(_pairs(register.resource_type, columns.get(name), name, value.strip()))
    if ids:
        pairs.append(("_id", ",".join(escaped(one) for one in ids)))
    if sort:
        column = columns.get(sort.removeprefix("-"))
        if column is None or not column.sort:
            raise UnknownParameter(
                f"the list does not sort by '{sort[:40]}'", zh=f"列表不支持按“{sort[:40]}”排序"
            )
        pairs.append(("_sort", ("-" if sort.startswith("-") else "") + column.sort))
    pairs.append(("_count", str(max(1, min(count, LARGEST)))))
    if total:
        pairs.append(("_total", "accurate"))
    return parse_query(register.resource_type, pairs)


def query_of_resident(
    register: RegisterDeclaration, entry: EntranceEntry, resident: str, count: int
) -> Query:
    """Return the search of a resident's own records for an entry of the entrance."""
    pairs = [*parse_qsl(register.criteria), *parse_qsl(entry.criteria)]
    return parse_query(
        register.resource_type, [*pairs, (entry.mine, f"Patient/{resident}"), ("_count", str(count))]
    )


def unique_rules(register: RegisterDeclaration) -> tuple[UniqueRule, ...]:
    """Return what the store must keep single for this register."""
    fields = {field.id: field for field in register.form}
    rules = []
    for names in register.unique:
        listed = [fields[name] for name in names]
        zh = "、".join(field.title.zh for field in listed)
        en = ", ".join(field.title.en for field in listed)
        paths = tuple(fhirpath_of(field.path) + (".reference" if points(field) else "") for field in listed)
        text = Text(f"“{zh}”与已有记录重复", f"another record has the same {en}")
        rule = f"{register.code}/{'+'.join(names)}"
        condition = " and ".join(filter(None, (_kind_of(register), register.unique_while)))
        rules.append(UniqueRule(rule, register.resource_type, paths, text, condition))
    return tuple(rules)


def _kind_of(register: RegisterDeclaration) -> str:
    """Return FHIRPath that holds of the register's records: the codes that its template gives them.

    Several registers may keep records of one resource type; what is single in one says nothing of the others.
    """
    codes = (
        f"{element}.coding.where(system = '{coding['system']}' and code = '{coding['code']}').exists()"
        for element, value in register.template.items()
        for concept in (value if isinstance(value, list) else [value])
        if isinstance(concept, Mapping)
        for coding in concept.get("coding", ())
        if "system" in coding and "code" in coding
    )
    return " and ".join(codes)


def capacity_rules(register: RegisterDeclaration) -> tuple[CapacityRule, ...]:
    """Return the places that the store must count for this register."""
    return tuple(
        CapacityRule(
            id=f"{register.code}/{one.search}",
            type=register.resource_type,
            path=one.of,
            search=one.search,
            target=one.target,
            places=one.places or "{}",
            text=one.text,
            condition=one.condition,
            open=one.open,
            full=one.full,
            free=one.free,
        )
        for one in register.capacity
    )


def _pairs(kind: str, column: Column | None, name: str, value: str) -> list[tuple[str, str]]:
    """Return the search parameters of one filter: two for a span of days."""
    first, dots, last = value.partition("..")
    if not dots or column is None or column.kind not in ("date", "datetime"):
        return [_pair(kind, column, name, value)]
    ends = (("ge", first.strip()), ("le", last.strip()))
    return [_pair(kind, column, name, prefix + day) for prefix, day in ends if day]


def _pair(kind: str, column: Column | None, name: str, value: str) -> tuple[str, str]:
    """Return the search parameter of one filter."""
    if column is None and name == "district":
        return "_district", value
    if column is None or not column.search:
        raise UnknownParameter(
            f"the list does not filter by '{name[:40]}'", zh=f"列表不支持按“{name[:40]}”筛选"
        )
    if column.options:
        code = next(
            (one.code for one in column.options if value in (one.code, one.title.zh, one.title.en)), value
        )
        return column.search, code
    if column.kind in ("date", "datetime", "integer", "decimal"):
        return column.search, value.replace("/", "-")
    if column.kind == "boolean":
        return column.search, {"是": "true", "yes": "true", "否": "false", "no": "false"}.get(value, value)
    if column.kind in REFERENCE_TYPES and not _REFERENCE.fullmatch(value):
        # people filter by a name, not by an id
        pointed = REFERENCE_TYPES[column.kind]
        return f"{column.search}:{pointed}.{name_search(pointed)}", escaped(value)
    if column.search == "name":
        return name_search(kind), escaped(value)
    parameter = parameters_of(kind).simple.get(column.search)
    if parameter is not None and parameter.kind == "string":
        return f"{column.search}:contains", escaped(value)
    if column.kind == "district":
        return column.search, value
    return column.search, escaped(value)
