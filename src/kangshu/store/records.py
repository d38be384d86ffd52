"""What the store answers with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from kangshu.access import Scope
from kangshu.fhir import decode
from kangshu.sdk import Resource

ChangeKind: TypeAlias = Literal["create", "update", "delete", "scope"]
CHANGE_KINDS: tuple[ChangeKind, ...] = ("create", "update", "delete", "scope")
"""In the order of their numbers in the feed."""


@dataclass(slots=True, eq=False)
class Stored:
    """One version of a record. `body` is its JSON as it goes over the wire, empty for a deletion."""

    type: str
    id: str
    version: int
    last_updated: datetime
    scope: Scope
    deleted: bool
    body: bytes
    key: int = field(default=0, repr=False)
    account: str = field(default="", repr=False)
    """Who wrote this version; "" for what was loaded in bulk."""
    _resource: Resource | None = field(default=None, repr=False)

    @property
    def resource(self) -> Resource:
        """The resource, parsed once; change a copy. Empty for a deletion."""
        if self._resource is None:
            self._resource = decode(self.body) if self.body else {}
        return self._resource

    @property
    def reference(self) -> str:
        """`Type/id`."""
        return f"{self.type}/{self.id}"


@dataclass(frozen=True, slots=True)
class Written:
    """The outcome of a write. `changed` is false when a conditional create found the record there."""

    stored: Stored
    created: bool
    changed: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """One page of matches. `total` None: not counted; `next`: the cursor of the page after, None at the end."""

    entries: list[Stored]
    included: list[Stored]
    total: int | None
    next: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the feed. `resource` is the state at that version, None when it is a deletion or superseded."""

    position: int
    type: str
    id: str
    version: int
    kind: ChangeKind
    resource: Resource | None
    scope: Scope
    recorded: datetime


@dataclass(frozen=True, slots=True)
class Job:
    """One claimed piece of work. `attempts` counts this one."""

    id: int
    kind: str
    payload: dict[str, Any]
    attempts: int
