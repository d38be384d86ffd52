"""`kangshu extract`: what may be extracted, the register, making one, taking a copy, and whose copy a leaked file is."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from kangshu import api
from kangshu.access import Grant
from kangshu.api import Platform
from kangshu.app.commands.opened import DEFAULT, database_option, folder_option, run_with_platform
from kangshu.app.files import read_bytes
from kangshu.app.groups import group
from kangshu.app.speech import Speech
from kangshu.app.wiring import city_services


def add(application: typer.Typer, say: Speech) -> None:
    """Add the group to `application`."""
    extract = group(say, say("De-identified and aggregate extracts.", "数据提取件（去标识化与汇总）。"))

    @extract.command(
        help=say("What may be extracted: definitions and their columns.", "可提取的数据：提取定义及字段。")
    )
    def definitions() -> None:
        for service in city_services():
            for one in service.extracts:
                sys.stdout.write(f"{one.id}\t{one.title.in_language(say.language)}\n")
                for column in one.columns:
                    title = column.title.in_language(say.language)
                    sys.stdout.write(
                        f"  {column.id}\t{title}\t{column.role}\t{column.finest or column.kind}\n"
                    )

    @extract.command(name="list", help=say("The register of extracts.", "提取件登记簿。"))
    def list_extracts(
        data_dir: Annotated[Path, folder_option(say)] = DEFAULT,
        database: Annotated[str, database_option(say)] = "",
        as_json: Annotated[bool, typer.Option("--json", help=say("a JSON array", "JSON 数组"))] = False,
    ) -> None:
        async def work(platform: Platform, system: Grant) -> list[api.ExtractRecord]:
            return await platform.store.extract_records(system)

        found = run_with_platform(data_dir, database, work, existing=True)
        if as_json:
            rows = [
                {
                    "id": one.id, "definition": one.definition, "level": one.level, "application": one.application,
                    "organisation": one.organisation, "made_by": one.made_by, "made_at": one.made_at.isoformat(),
                    "expires": one.expires.isoformat(), "there": one.there, **one.facts,
                }
                for one in found
            ]  # fmt: skip
            sys.stdout.write(json.dumps(rows, ensure_ascii=False, indent=1) + "\n")
            return
        for one in found:
            state = say("there", "可下载") if one.there else say("ended", "已到期")
            sys.stdout.write(f"{one.id}\t{_told(one)}\t{one.level}\t{one.expires}\t{state}\n")

    @extract.command(help=say("Make the extract of an approved application.", "按已批准的申请制作提取件。"))
    def make(
        application_id: Annotated[
            str, typer.Argument(metavar="APPLICATION", help=say("id of its Task", "申请的Task标识"))
        ],
        data_dir: Annotated[Path, folder_option(say)] = DEFAULT,
        database: Annotated[str, database_option(say)] = "",
    ) -> None:
        async def work(platform: Platform, system: Grant) -> api.ExtractRecord:
            return await api.make_extract(platform, system, application_id)

        made = run_with_platform(data_dir, database, work, existing=True)
        sys.stdout.write(f"{made.id}\t{_told(made)}\n")
        for zh, en, figure in api.risk_lines(made):
            sys.stdout.write(f"  {say(en, zh)}\t{figure}\n")

    @extract.command(
        help=say("Whose copy a leaked file (xlsx, csv) is.", "追查外泄文件（xlsx、csv）是谁的副本。")
    )
    def trace(
        file: Annotated[Path, typer.Argument(metavar="FILE", help=say("the leaked file", "外泄的文件"))],
        data_dir: Annotated[Path, folder_option(say)] = DEFAULT,
        database: Annotated[str, database_option(say)] = "",
    ) -> None:
        data = read_bytes(file)

        async def work(platform: Platform, system: Grant) -> list[api.Trace]:
            return await api.trace_extract(platform, system, data, file.name)

        found = run_with_platform(data_dir, database, work, existing=True)
        if not found:
            sys.stdout.write(say("it agrees with no extract", "与任何提取件都不相符") + "\n")
            raise typer.Exit(1)
        for one in found:
            certain = say("certain", "确认") if one.certain else say("possible", "可能")
            seen = one.evidence
            sys.stdout.write(f"{certain}\t{_told(one.record)}\t{one.record.id}\n")
            sys.stdout.write(
                say(
                    f"  pseudonyms {seen.people}, rows {seen.values}, marks {seen.marks} of {seen.rows}",
                    f"  受试者代码 {seen.people}，行内容 {seen.values}，标记 {seen.marks}，共 {seen.rows} 行",
                )
                + "\n"
            )

    application.add_typer(extract, name="extract")


def _told(record: api.ExtractRecord) -> str:
    return f"{record.facts['number']}\t{record.facts['recipient']}\t{record.facts['title']['zh']}"
