"""What every published row has besides the view's own columns: its scope, keys to join by, and days to compare.

A key is the lower 63 bits of the MD5 of `Type/id`: whoever writes a row gets the same key without asking anybody. A column
with the tag `kangshu/kept` is published as what the tag's SQL makes of it, never as the text that the record has.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Final

from kangshu.base.faults import Invalid
from kangshu.measures.definition import ViewColumn
from kangshu.measures.scope_sql import SCOPE_COLUMNS

PARTITION_TAG: Final = "kangshu/partition"
"""The tag of the column whose year parts a large base into files."""
KEPT_TAG: Final = "kangshu/kept"
"""The tag of a column whose text is not to lie in the tables: SQL over the row's own columns that is published instead."""
RESOURCE_KEY: Final = "resource_key"
PATIENT_KEY: Final = "patient_key"
_OWN_KEY: Final = re.compile(r"getResourceKey\(\)")
_OTHER_KEY: Final = re.compile(r"\.getReferenceKey\(\s*(\w*)\s*\)(?:\.first\(\))?$")
_DAYS: Final = frozenset({"date", "dateTime", "instant"})
_HEX: Final = re.compile(r"[0-9a-f]*")
_MASK: Final = (1 << 63) - 1


def key_of(text: str) -> int:
    """Return the key of `Type/id`."""
    digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little") >> 1 & _MASK


def key_sql(text: str) -> str:
    """Return the key of an expression of text as DuckDB computes it; NULL of NULL."""
    return f"CAST(md5_number_lower({text}) >> 1 AS BIGINT)"


_OWN: Final = "resource_type || '/' || resource_id"


def key_type(column: ViewColumn, resource: str) -> str:
    """Return the resource type that a column's keys are of; "" where it has none or where it is not said."""
    if column.collection:
        return ""
    if _OWN_KEY.fullmatch(column.path.strip()):
        return resource
    found = _OTHER_KEY.search(column.path.strip())
    return found.group(1) if found else ""


def derived(columns: Iterable[ViewColumn], resource: str) -> dict[str, tuple[str, str]]:
    """Return the derived columns of a view: DuckDB type and expression over the row's own columns, by name.

    Where two columns surely hold one key, their expressions are one: the engine computes a hash once.
    """
    own = key_sql(_OWN)
    person = key_sql("CASE WHEN scope_patient <> '' THEN 'Patient/' || scope_patient END")
    found = {RESOURCE_KEY: ("BIGINT", own), PATIENT_KEY: ("BIGINT", person)}
    for column in columns:
        kind, name = key_type(column, resource), f'"{column.name}"'
        if _OWN_KEY.fullmatch(column.path.strip()) and kind:
            found[f"{column.name}_key"] = ("BIGINT", own)
        elif kind == "Patient":
            same = f"{name} = 'Patient/' || scope_patient"
            found[f"{column.name}_key"] = (
                "BIGINT",
                f"CASE WHEN {same} THEN {person} ELSE {key_sql(name)} END",
            )
        elif kind:
            found[f"{column.name}_key"] = ("BIGINT", key_sql(name))
        elif column.type in _DAYS and not column.collection:
            found[f"{column.name}_first"] = ("DATE", f'first_day("{column.name}")')
            found[f"{column.name}_last"] = ("DATE", f'last_day_of("{column.name}")')
    return found


def partition_of(columns: Iterable[ViewColumn]) -> str:
    """Return the derived column whose year parts the view; "" for a view that stays whole."""
    for column in columns:
        if any(name == PARTITION_TAG for name, _ in column.tags) and column.type in _DAYS:
            return f"{column.name}_first"
    return ""


def kept(columns: Iterable[ViewColumn]) -> dict[str, str]:
    """Return the SQL that is published instead of a column's own text, by the column's name."""
    return {column.name: sql for column in columns for name, sql in column.tags if name == KEPT_TAG}


def one_way(key: str) -> str:
    """Return the statement that makes the macro `one_way(text)`: equal texts give equal marks of 64 bits, which tell no text.

    Without the installation's `key` (it stands in its database alone) nobody finds a text by trying all that there are.
    Invented people (a generated city, a worked example) have the key "".
    """
    if not _HEX.fullmatch(key):
        raise Invalid("the key of the views is hexadecimal", zh="视图密钥须为十六进制")
    return f"CREATE OR REPLACE TEMP MACRO one_way(given) AS left(sha256('{key}' || given), 16)"


def dressed(
    source: str,
    columns: Mapping[str, str],
    made: Mapping[str, tuple[str, str]],
    instead: Mapping[str, str] | None = None,
) -> str:
    """Return the SELECT of rows as they are published, of `source` that has a view's own and the scope columns.

    `columns` are those of `source` by name; `made` are the derived ones (see `derived`), `instead` what is published in
    place of some (see `kept`).
    """
    other = instead or {}
    own = [
        f'({other[name]}) AS "{name}"' if name in other else f'"{name}"'
        for name in columns
        if name not in made
    ]
    more = [f'{sql} AS "{name}"' for name, (_, sql) in made.items()]
    return f"SELECT {', '.join([*own, *more])} FROM {source}"  # noqa: S608 - checked identifiers


_KEY: Final = re.compile(re.escape(key_sql("\0")).replace("\0", "(.+?)"))


def looked_up(
    source: str,
    columns: Mapping[str, str],
    made: Mapping[str, tuple[str, str]],
    keys: str,
    instead: Mapping[str, str] | None = None,
) -> str:
    """Return the SELECT of `dressed`, for which the table `keys` (reference, key) has most keys but the row's own.

    Keys are hashes, and of one person there are hundreds of rows: a lookup takes a third of the time.
    """
    texts = dict.fromkeys(text for _, sql in made.values() for text in _KEY.findall(sql) if text != _OWN)
    joins, found = "", dict(made)
    for place, text in enumerate(texts):
        joins += f" LEFT JOIN {keys} AS known{place} ON known{place}.reference = {text}"
        told = f"coalesce(known{place}.key, {key_sql(text)})"
        found = {name: (kind, sql.replace(key_sql(text), told)) for name, (kind, sql) in found.items()}
    return dressed(source + joins, columns, found, instead)


def reserved(columns: Iterable[ViewColumn], resource: str) -> frozenset[str]:
    """Return the column names that belong to the platform in this view, folded."""
    return frozenset(SCOPE_COLUMNS) | frozenset(name.casefold() for name in derived(columns, resource))
