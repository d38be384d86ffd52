"""The cases that a move opens: parts of its case (会签), cases about it (督办单, 回头看), and a unit's internal one."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from kangshu.cases.deadlines import TermUnit
from kangshu.cases.inside import labelled
from kangshu.cases.tasks import new_task
from kangshu.sdk import CaseDeclaration, Resource
from kangshu.store import Stored

Bond = Literal["part", "about", "inside"]
"""part: `partOf` the case, asked by its owner · about: `focus` is the case, asked by its requester · inside: `focus` is
the case, asked by the unit that holds it, of itself."""


@dataclass(frozen=True, slots=True)
class Term:
    """A day of the new case that lies a dated parameter ahead: `field` is the date field that takes it."""

    field: str
    parameter: str
    unit: TermUnit = "working-day"


@dataclass(frozen=True, slots=True)
class Opening:
    """A case to open: kind `service/case`, the Organization (id) that it goes to, the form's values."""

    kind: str
    owner: str
    values: Mapping[str, Any]
    bond: Bond = "part"
    name: str = ""
    """Under which the case that opens it keeps it in Task.output; "" keeps nothing."""
    due: Term | None = None
    carries: str = ""
    """Instead of `kind`: the kind that carries this, given of `values` what its form has a field for."""
    title: str = ""
    requester: str = ""
    """Reference of the Organization that asks; "" as `bond` says."""


class Tried(Exception):
    """Rolls the transaction of a trial back: `begun` is the case as it would be."""

    def __init__(self, begun: Stored) -> None:
        super().__init__()
        self.begun = begun


def opened_task(parent: Resource, opening: Opening, declaration: CaseDeclaration, when: datetime) -> Resource:
    """Return the Task of a case that `parent` opens, without state and values."""
    task = new_task(declaration, when)
    for element in ("for", "focus", "priority", "description", "basedOn"):
        if element in parent:
            task[element] = deepcopy(parent[element])
    if opening.bond == "part":
        task["partOf"] = [{"reference": f"Task/{parent['id']}"}]
    else:
        task["focus"] = {"reference": f"Task/{parent['id']}"}
    asker = {"part": "owner", "about": "requester", "inside": "owner"}[opening.bond]
    if asker in parent:
        task["requester"] = deepcopy(parent[asker])
    if opening.title:
        task["description"] = opening.title
    tags = parent.get("meta", {}).get("tag")
    if tags:
        task["meta"] = {"tag": deepcopy(tags)}
    return labelled(task, declaration)
