"""`kangshu plan read` and `plan import`."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from kangshu.access import Grant
from kangshu.api import Platform
from kangshu.app.commands.opened import DEFAULT, database_option, folder_option, run_with_platform
from kangshu.app.files import read_bytes
from kangshu.app.groups import group
from kangshu.app.speech import Speech
from kangshu.documents import read_document
from kangshu.plans import PlanImport, read_plan


def add(application: typer.Typer, say: Speech) -> None:
    """Add the group to `application`."""
    plan = group(say, say("Policy documents.", "政策文件。"))

    @plan.command(
        help=say(
            "Read a document into outline, tasks, targets and money.", "解析文件：大纲、任务、指标、资金。"
        )
    )
    def read(
        file: Annotated[Path, typer.Argument(help="txt, docx, pdf, html, xlsx")],
        as_json: Annotated[
            bool, typer.Option("--json", help=say("all findings as JSON", "以 JSON 输出全部结果"))
        ] = False,
    ) -> None:
        reading = read_plan(read_document(read_bytes(file), file.name))
        if as_json:
            json.dump(reading.as_json(), sys.stdout, ensure_ascii=False, indent=1, default=float)
            sys.stdout.write("\n")
            return
        units = {unit for task in reading.tasks for unit in (*task.lead, *task.cooperating)}
        rows = (
            (say("headings", "标题"), len(reading.outline)),
            (say("tasks", "任务"), len(reading.tasks)),
            (say("units", "责任单位"), len(units)),
            (say("targets", "指标"), len(reading.targets)),
            (say("money rules", "资金规则"), len(reading.money)),
            (say("doubts", "存疑"), len(reading.doubts)),
        )
        for name, count in rows:
            sys.stdout.write(f"{name}\t{count}\n")

    @plan.command(name="import", help=say("Import the plans of a document.", "导入文件中的规划。"))
    def import_file(
        file: Annotated[Path, typer.Argument(help="txt, docx, pdf, html, xlsx")],
        data_dir: Annotated[Path, folder_option(say)] = DEFAULT,
        database: Annotated[str, database_option(say)] = "",
        jurisdiction: Annotated[
            str, typer.Option(help=say("division code of the plan's place", "文件所属区划代码"))
        ] = "",
        foreign: Annotated[
            bool, typer.Option("--foreign", help=say("another city's plan", "外地文件，仅供参考"))
        ] = False,
    ) -> None:
        data = read_bytes(file)

        async def work(platform: Platform, system: Grant) -> tuple[PlanImport, ...]:
            return await platform.plans.import_document(
                system, data, file.name, jurisdiction=jurisdiction or None, foreign=foreign or None
            )

        for imported in run_with_platform(data_dir, database, work):
            _print_import(imported, say)

    application.add_typer(plan, name="plan")


def _print_import(imported: PlanImport, say: Speech) -> None:
    if imported.already:
        sys.stdout.write(say("already imported, nothing changed", "该文件此前已导入，未作改动") + "\n")
    own = (
        say("another place's plan: no values", "外地文件，不显示实时值")
        if imported.foreign
        else imported.jurisdiction
    )
    rows = (
        (say("plan", "规划"), imported.plan),
        (say("title", "标题"), imported.title),
        (say("jurisdiction", "适用地区"), own),
        (say("tasks", "任务"), imported.clauses),
        (say("units", "责任单位"), imported.units),
        (say("targets", "指标"), imported.targets),
        (say("money rules", "资金规则"), imported.money),
        (say("units not found", "未识别单位"), len(imported.unresolved)),
    )
    for name, value in rows:
        sys.stdout.write(f"{name}\t{value}\n")
    for finding in imported.findings:
        sys.stdout.write(f"  {finding.severity}: {say(finding.text, finding.zh or finding.text)}\n")
