"""The declared views, compiled once for the keeper and the linter."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from kangshu.base.faults import Invalid
from kangshu.measures.closures import Row, compile_rows
from kangshu.measures.definition import View, read_view
from kangshu.measures.layout import derived, kept, key_type, partition_of, reserved
from kangshu.measures.manifest import PublishedView
from kangshu.measures.scope_sql import SCOPE_COLUMNS
from kangshu.measures.view_sql import column_type
from kangshu.sdk import Resource, ViewDeclaration

_LAYOUT: Final = 3
"""Part of every fingerprint: a new layout of the published rows rebuilds all views."""


@dataclass(frozen=True, slots=True)
class CompiledView:
    """One declared view, ready to run. `columns` are its DuckDB types; scope and derived columns come on top."""

    name: str
    view: View
    columns: dict[str, str]
    derived: dict[str, tuple[str, str]]
    """The derived columns (`layout`): DuckDB type and expression by name."""
    kept: dict[str, str]
    """What is published instead of some columns (`layout`): expression by name."""
    partition: str
    """The derived column whose year parts a large base; "" for none."""
    fingerprint: str
    rows: Callable[[Resource], list[Row]]

    def given_columns(self) -> dict[str, str]:
        """Return the DuckDB types of what whoever writes rows has to give: the view's own and the scope columns."""
        return {**self.columns, **SCOPE_COLUMNS}

    def all_columns(self) -> dict[str, str]:
        """Return the DuckDB type of every published column by name."""
        return {**self.given_columns(), **{name: kind for name, (kind, _) in self.derived.items()}}

    def blank(self, changed: int = 0) -> PublishedView:
        """Return the published view without any rows, as of the feed position `changed`."""
        return PublishedView(
            name=self.name, resource=self.view.resource, fingerprint=self.fingerprint,
            columns=self.all_columns(), partition=self.partition, changed=changed,
        )  # fmt: skip

    def key_types(self) -> dict[str, str]:
        """Return the resource type of each column that holds keys, by the column's name."""
        found = {one.name: key_type(one, self.view.resource) for one in self.view.columns()}
        return {name: kind for name, kind in found.items() if kind}

    def key_column(self) -> str:
        """Return the column that holds the key of the row's own resource; "" where the view has none."""
        return next((one.name for one in self.view.columns() if one.path.strip() == "getResourceKey()"), "")


class Views:
    """The views that the installed services declare, by name."""

    def __init__(self, declarations: Iterable[ViewDeclaration], *, key: str = "") -> None:
        """Compile every declaration. Raises Invalid for a bad view and for two of one name.

        `key` is the installation's for what is published one-way (`layout.one_way`).
        """
        self.key = key
        self._views: dict[str, CompiledView] = {}
        for declaration in declarations:
            compiled = compile_declaration(declaration, key)
            if compiled.name in self._views:
                raise Invalid(
                    f"two services declare the view '{compiled.name}'",
                    zh=f"有两个服务声明了同名视图“{compiled.name}”",
                )
            self._views[compiled.name] = compiled

    def __iter__(self) -> Iterator[CompiledView]:
        return iter(self._views.values())

    def __contains__(self, name: object) -> bool:
        return name in self._views

    def __getitem__(self, name: str) -> CompiledView:
        return self._views[name]

    def __len__(self) -> int:
        return len(self._views)


def compile_declaration(declaration: ViewDeclaration, key: str = "") -> CompiledView:
    """Return the compiled view. Raises Invalid where it cannot be materialised under its name."""
    if (
        not declaration.name.isidentifier()
        or not declaration.name.isascii()
        or not declaration.name.islower()
    ):
        raise Invalid(
            f"view name '{declaration.name}' must be lower-case letters, digits and _",
            zh=f"视图名称“{declaration.name}”只能用小写字母、数字和下划线",
        )
    view = read_view(declaration.definition)
    taken = {column.name.casefold() for column in view.columns()} & reserved(view.columns(), view.resource)
    if taken:
        raise Invalid(
            f"view '{declaration.name}': column names {sorted(taken)} belong to the platform",
            zh=f"视图“{declaration.name}”的列名{sorted(taken)}由平台保留",
        )
    return CompiledView(
        name=declaration.name,
        view=view,
        columns={column.name: column_type(column) for column in view.columns()},
        derived=derived(view.columns(), view.resource),
        kept=kept(view.columns()),
        partition=partition_of(view.columns()),
        fingerprint=_fingerprint(declaration.definition, key if kept(view.columns()) else ""),
        rows=compile_rows(view),
    )


def _fingerprint(definition: dict[str, Any], key: str) -> str:
    meaning = {key: definition.get(key) for key in ("resource", "constant", "where", "select")}
    # rows of two keys never lie in one table: it is built anew with the key
    keyed = [hashlib.sha256(f"views {key}".encode()).hexdigest()] if key else []
    text = json.dumps([_LAYOUT, meaning, *keyed], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
