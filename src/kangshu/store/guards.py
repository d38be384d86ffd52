"""What a grant alone does not keep: records that one room of the product owns, and residents that a writer names.

A care relation opens a resident's record, and care relations are records. Were a writer to name any resident, one
Encounter or Contract would open the record of whoever stands in it: so a writer names only residents that it sees.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kangshu.access import Everything, Grant, admits
from kangshu.base.canonical import BASE, CASE_KIND
from kangshu.base.faults import Conflict, Unprocessable
from kangshu.sdk import Resource
from kangshu.store.reading import Reader
from kangshu.store.scopes import SOMEBODY

REPORTED = f"{BASE}/Measure/reported-"
"""Begin of the measure of a reported value: it is submitted by one and reviewed by another."""


def check_owned(grant: Grant, type: str, resource: Resource) -> None:
    """Raise Conflict for a direct write to a record that a room of the product moves: a case, a reported value."""
    if type == "Task" and not grant.may("case.engine"):
        codings = (resource.get("code") or {}).get("coding") or ()
        if any(isinstance(coding, dict) and coding.get("system") == CASE_KIND for coding in codings):
            raise Conflict(
                "this Task is a case: change it by its moves, POST Task/[id]/$move",
                zh="该任务是办件，只能通过办理动作（POST Task/[id]/$move）变更",
            )
    reported = type == "MeasureReport" and str(resource.get("measure", "")).startswith(REPORTED)
    if reported and not grant.may("plan.engine"):
        raise Conflict(
            "this is a reported value: it is submitted and reviewed on the plan's pages",
            zh="该记录是填报数据，只能在规划页面填报和审核",
        )


@dataclass(slots=True)
class NamedResidents:
    """The residents that a transaction's writes name for the first time; they may be written later in it."""

    _named: dict[str, Grant] = field(default_factory=dict)

    def add(self, grant: Grant, type: str, patient: str) -> None:
        """Note that a record of `type` written under `grant` comes into the compartment of `patient`."""
        if (
            patient not in ("", SOMEBODY)
            and type != "Patient"
            and not isinstance(grant.may_read("Patient"), Everything)
        ):
            self._named[patient] = grant

    async def check(self, reader: Reader) -> None:
        """Raise Unprocessable unless every writer sees the residents it named; one that is not there looks the same."""
        for patient, grant in self._named.items():
            found = await reader.current("Patient", patient)
            if found is None or found.deleted or not admits(grant.may_read("Patient"), found.scope):
                raise Unprocessable(
                    "the resident that this record is about is not among those you may see",
                    zh="在可查看的居民中没有此记录所指的居民",
                )
