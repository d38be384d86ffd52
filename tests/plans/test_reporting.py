"""Reports from a frozen snapshot: what they say is what was frozen, in three forms, the same bytes each time."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path

import openpyxl
import pypdfium2
import pytest

from kangshu.base.faults import NotFound
from kangshu.documents import ReportTable, read_document
from kangshu.plans import FrozenSnapshot
from kangshu.plans.reporting import MEDIA_TYPES, REPORT_KINDS, report_of, write_report
from kangshu.plans.reporting.unit_sheet import units_with_work
from tests.plans.conftest import Room
from tests.plans.test_snapshots import city_plan, snapshots_of

UNIT = "unit-civil-affairs"


async def frozen(room: Room) -> FrozenSnapshot:
    plan_id = await city_plan(room)
    return await snapshots_of(room).freeze(room.grant, [plan_id])


async def test_every_report_in_every_form_bears_the_number_and_is_the_same_again(
    room: Room, tmp_path: Path
) -> None:
    """Another process, which knows the stored content alone, writes the same bytes."""
    made = await frozen(room)
    here = {}
    for kind in REPORT_KINDS:
        for form in MEDIA_TYPES:
            data, name, _ = write_report(made, kind.id, form, UNIT)
            assert made.number in name
            text = read_document(data, name).text
            assert made.number in text
            here[f"{kind.id}.{form}"] = hashlib.sha256(data).hexdigest()
    stored = await snapshots_of(room).frozen(room.grant, made.id)
    kept = tmp_path / "content.json"
    kept.write_text(json.dumps(stored.content), "utf-8")
    row = {name: getattr(stored, name) for name in ("id", "number", "title", "position", "position_after", "plans", "sha256", "period", "by", "demo")}  # fmt: skip
    source = f"""
import datetime, hashlib, json, pathlib
from kangshu.plans import FrozenSnapshot
from kangshu.plans.reporting import write_report
content = json.loads(pathlib.Path({str(kept)!r}).read_text("utf-8"))
made = FrozenSnapshot(**{row!r}, day=datetime.date.fromisoformat({made.day.isoformat()!r}),
    taken=datetime.datetime.fromisoformat({made.taken.isoformat()!r}), content=content)
print(json.dumps({{one: hashlib.sha256(write_report(made, *one.split("."), {UNIT!r})[0]).hexdigest() for one in {sorted(here)!r}}}))
"""
    surroundings = {"PYTHONHASHSEED": "4711", "TZ": "Pacific/Auckland", "LC_ALL": "C", "PATH": ""}
    told = subprocess.run([sys.executable, "-c", source], env=surroundings, check=True, capture_output=True, text=True, cwd="/").stdout  # fmt: skip
    assert json.loads(told) == here


async def test_a_pdf_set_by_a_process_of_its_own_has_the_same_bytes(room: Room) -> None:
    made = await frozen(room)
    apart = await snapshots_of(room).report(room.grant, made.id, "progress", "pdf")
    assert apart == write_report(made, "progress", "pdf")


async def test_the_progress_report_counts_what_was_frozen(room: Room) -> None:
    made = await frozen(room)
    plan = made.content["plans"][0]
    report = report_of(made, "progress")
    text = "\n".join(getattr(block, "text", "") for block in report.blocks)
    assert f"共列任务{len(plan['clauses'])}条、目标{len(plan['targets'])}项" in text
    assert "已交办1件，涉及1条任务" in text
    chapters = next(
        one for one in report.blocks if isinstance(one, ReportTable) and one.caption == "分章进展表"
    )
    assert sum(int(str(row[1])) for row in chapters.rows) == len(plan["clauses"])
    assert sum(int(str(row[2])) for row in chapters.rows) == len(plan["targets"])
    assert made.sha256 in text


async def test_the_ledger_has_every_clause_and_the_table_every_target(room: Room) -> None:
    made = await frozen(room)
    plan = made.content["plans"][0]
    for kind, sheet, expected in (
        ("tasks", "任务台账", plan["clauses"]),
        ("targets", "目标指标表", plan["targets"]),
    ):
        book = openpyxl.load_workbook(io.BytesIO(write_report(made, kind, "xlsx")[0]))
        rows = list(book[sheet].iter_rows(min_row=4, values_only=True))
        assert [row[0] for row in rows] == list(range(1, len(expected) + 1))
        assert {one.get("title") or one["indicator"] for one in expected} == {row[2] for row in rows}
    beds = next(row for row in rows if "护理型床位占比" in row[2] and row[6] == 51.2)
    assert beds[9] != "未知"


async def test_the_unit_sheet_is_of_one_unit(room: Room) -> None:
    made = await frozen(room)
    assert (UNIT, "云汐市民政局") in units_with_work(made)
    pdf = pypdfium2.PdfDocument(write_report(made, "unit", "pdf", UNIT)[0])
    first = pdf[0].get_textpage().get_text_bounded()
    pdf.close()
    assert "单位任务单（云汐市民政局）" in first
    for wrong in (("unit", "pdf", "nobody"), ("other", "pdf"), ("progress", "odt")):
        with pytest.raises(NotFound):
            write_report(made, *wrong)
