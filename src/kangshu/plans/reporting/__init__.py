"""Reports from one frozen snapshot: what they are, and their files. The same snapshot, the same bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from kangshu.base.faults import NotFound
from kangshu.base.text import Text
from kangshu.documents import (
    Report,
    write_report_docx,
    write_report_pdf,
    write_report_pdf_apart,
    write_report_xlsx,
)
from kangshu.plans.reporting.ledgers import target_table, task_ledger
from kangshu.plans.reporting.progress import progress_report
from kangshu.plans.reporting.scorecard import scorecard
from kangshu.plans.reporting.unit_sheet import unit_sheet
from kangshu.plans.snapshot_model import FrozenSnapshot

ReportForm = Literal["docx", "xlsx", "pdf"]


@dataclass(frozen=True, slots=True)
class ReportKind:
    """A report that can be made of a snapshot; `by_unit` ones are made for one unit at a time."""

    id: str
    title: Text
    help: Text
    by_unit: bool = False


REPORT_KINDS: Final = (
    ReportKind(
        "progress",
        Text("进展报告", "Progress report"),
        Text("总体、分章、红黄灯、逾期和下一步", "Overall, by chapter, lights, overdue and next steps"),
    ),
    ReportKind(
        "scorecard",
        Text("指标记分卡", "Scorecard"),
        Text("每项目标的目标值、当前值、应有进度和灯", "Each target: asked, actual, expected, light"),
    ),
    ReportKind(
        "tasks",
        Text("任务台账", "Task ledger"),
        Text("每条任务的责任单位、期限、状态和督办次数", "Each task: units, deadline, state, urging"),
    ),
    ReportKind(
        "targets",
        Text("目标指标表", "Target table"),
        Text("全部目标的口径、来源、数据截至和亮灯理由", "All targets with source, as-of and reasons"),
    ),
    ReportKind(
        "unit",
        Text("单位任务单", "Unit sheet"),
        Text("一个单位牵头、配合的任务和目标", "One unit's tasks and targets"),
        by_unit=True,
    ),
)
MEDIA_TYPES: Final[Mapping[ReportForm, str]] = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}
_WRITERS: Final[Mapping[ReportForm, Callable[[Report], bytes]]] = {
    "docx": write_report_docx,
    "xlsx": write_report_xlsx,
    "pdf": write_report_pdf,
}
_WHOLE: Final[Mapping[str, Callable[[FrozenSnapshot], Report]]] = {
    "progress": progress_report,
    "scorecard": scorecard,
    "tasks": task_ledger,
    "targets": target_table,
}


def report_of(snapshot: FrozenSnapshot, kind: str, unit: str = "") -> Report:
    """Return the report `kind` of a snapshot; a unit sheet is of the organisation `unit` (an id).

    Raises:
        NotFound: no such report, or the unit has no part in the snapshot.
    """
    if kind == "unit":
        return unit_sheet(snapshot, unit)
    if kind not in _WHOLE:
        raise NotFound(f"there is no report '{kind[:40]}'", zh=f"没有报告“{kind[:40]}”")
    return _WHOLE[kind](snapshot)


async def write_report_apart(
    snapshot: FrozenSnapshot, kind: str, form: str, unit: str = ""
) -> tuple[bytes, str, str]:
    """Return what `write_report` does, written beside the event loop, a pdf by a process of its own. Raises as it does."""
    if form != "pdf":
        return await asyncio.to_thread(write_report, snapshot, kind, form, unit)
    report = await asyncio.to_thread(report_of, snapshot, kind, unit)
    return await write_report_pdf_apart(report), f"{report.name}_{snapshot.number}.pdf", MEDIA_TYPES["pdf"]


def write_report(snapshot: FrozenSnapshot, kind: str, form: str, unit: str = "") -> tuple[bytes, str, str]:
    """Return (file, its name, its media type) of a report; it takes up to seconds, so call it in a thread.

    Raises NotFound, as `report_of`, and for a form that is not docx, xlsx or pdf.
    """
    chosen = next((one for one in MEDIA_TYPES if one == form), None)
    if chosen is None:
        raise NotFound("reports are docx, xlsx or pdf", zh="报告格式为docx、xlsx或pdf")
    report = report_of(snapshot, kind, unit)
    return _WRITERS[chosen](report), f"{report.name}_{snapshot.number}.{chosen}", MEDIA_TYPES[chosen]


__all__ = [
    "MEDIA_TYPES",
    "REPORT_KINDS",
    "ReportForm",
    "ReportKind",
    "report_of",
    "write_report",
    "write_report_apart",
]
