"""What a progress return says of targets becomes reported values, in the transaction of the return's own move.

The unit's return is the submission; accepting or sending back the return reviews the values that it brought. A target
that a confirmed measure proves takes none: its number is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from kangshu.access import Grant
from kangshu.base.clock import CITY_ZONE, instant
from kangshu.cases import Outlet, inputs, number_of, outputs
from kangshu.plans.calendar import ReturnPeriod
from kangshu.plans.reports import Submission, new_report, read_report, reviewed
from kangshu.plans.view import plan_view
from kangshu.plans.writing import writing
from kangshu.sdk import Resource
from kangshu.store import Transaction

_VALUE: Final = "value-"
"""How the outputs of a return are named that are reported values: `value-<target>`."""


async def take_values(
    transaction: Transaction, grant: Grant, task: Resource, when: datetime
) -> Mapping[str, str]:
    """Write the values of a return that is being sent; return what was made."""
    said = inputs(task)
    stored = await transaction.read("PlanDefinition", str(said["plan"]).removeprefix("PlanDefinition/"))
    plan = plan_view(stored.resource, "", {})
    day = min(ReturnPeriod.read(str(said["period"])).last_day, when.astimezone(CITY_ZONE).date())
    made: dict[str, str] = {}
    under = transaction.under(writing(grant))
    for line in said.get("lines", ()):
        target = plan.target(str(line.get("target") or ""))
        if target is None or line.get("value") is None or (target.measure and target.confirmed):
            continue
        sent = Submission(Decimal(str(line["value"])), day, _evidence(task, line), tuple(_files(line)))
        report = new_report(plan, target, sent, grant, instant(when))
        written = await under.create(report)
        made[f"{_VALUE}{target.id}"] = f"MeasureReport/{written.stored.id}"
    return made


async def review_values(
    transaction: Transaction, grant: Grant, task: Resource, when: datetime
) -> Mapping[str, str]:
    """Review the values of a return as the return itself is reviewed; nothing new is made."""
    accepted = task.get("status") == "completed"
    said = inputs(task)
    reasons = {str(line.get("target")): str(line.get("reason") or "") for line in said.get("lines", ())}
    under = transaction.under(writing(grant))
    for name, reference in outputs(task).items():
        if not name.startswith(_VALUE):
            continue
        id_ = reference.removeprefix("MeasureReport/")
        await transaction.lock("MeasureReport", id_)
        stored = await transaction.read("MeasureReport", id_)
        if not read_report(stored.resource).waits:
            continue  # a statistician was first
        comment = reasons.get(name.removeprefix(_VALUE), "") or ("" if accepted else "随进展报送一并退回")
        await under.update(reviewed(stored.resource, accepted, comment, grant), if_match=stored.version)
    return {}


def _evidence(task: Resource, line: Mapping[str, Any]) -> str:
    return f"{line.get('progress') or '进展报送'}（{number_of(task)}）"


def _files(line: Mapping[str, Any]) -> list[str]:
    files = line.get("evidence") or []
    listed = files if isinstance(files, list) else [files]
    return [str(one).removeprefix("DocumentReference/") for one in listed]


OUTLETS: Final[Mapping[str, Outlet]] = MappingProxyType(
    {"reported-values": take_values, "reviewed-values": review_values}
)
"""What `Cases` is handed at its making: this room takes in the returns' values."""
