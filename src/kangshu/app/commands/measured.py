"""`kangshu measure list`, `run` and `explain`."""

import json
import sys
from dataclasses import asdict
from datetime import date
from typing import Annotated

import typer

from kangshu.access import Grant
from kangshu.api import Platform
from kangshu.app.commands.opened import DEFAULT, Database, DataFolder, run_with_platform
from kangshu.app.files import write_rows
from kangshu.app.groups import group
from kangshu.app.speech import Speech
from kangshu.app.wiring import all_measures, all_views, city_services
from kangshu.base.clock import today
from kangshu.base.faults import Invalid, NotFound
from kangshu.measures import MeasureResult, explain_text, period_of
from kangshu.sdk import MeasureDeclaration


def add(application: typer.Typer, say: Speech) -> None:
    """Add the group to `application`."""
    measure = group(say, say("Measures.", "指标。"))

    @measure.command(name="list", help=say("Every declared measure.", "全部指标。"))
    def list_measures(
        as_json: Annotated[
            bool, typer.Option("--json", help=say("a JSON array, a row a line", "JSON 数组，每行一条"))
        ] = False,
    ) -> None:
        measures = all_measures(city_services())
        if as_json:
            write_rows(
                {
                    "id": one.id,
                    "title": {"zh": one.title.zh, "en": one.title.en},
                    "unit": one.unit,
                    "service": one.service,
                    "targets": list(one.targets),
                    "systems": list(one.systems),
                }
                for one in measures
            )
            return
        for one in measures:
            sys.stdout.write(f"{one.id}\t{one.title.in_language(say.language)}\t{one.unit}\n")

    @measure.command(help=say("A measure's value now, in all and by place.", "计算一个指标。"))
    def run(
        id_: Annotated[str, typer.Argument(metavar="ID", help=say("the measure", "指标标识"))],
        data_dir: DataFolder = DEFAULT,
        database: Database = "",
        by: Annotated[str, typer.Option(help=say("dimensions, comma", "维度，逗号分隔"))] = "district",
        on: Annotated[str, typer.Option(help=say("last day of the period", "截止日期"))] = "",
        as_json: Annotated[bool, typer.Option("--json")] = False,
    ) -> None:
        declared = _measure(id_)
        day = _day(on)

        async def work(platform: Platform, system: Grant) -> MeasureResult:
            place = platform.settings.jurisdiction
            values = {name: platform.parameters.value(name, place, day) for name in declared.parameters}
            start, end = period_of(declared, day)
            dimensions = tuple(one for one in by.split(",") if one)
            return platform.snapshot().evaluate(system, declared, values, start, end, dimensions, place)

        result = run_with_platform(data_dir, database, work, existing=True)
        if as_json:
            sys.stdout.write(json.dumps(asdict(result), ensure_ascii=False, default=str) + "\n")
            return
        _print(result, declared, say)

    @measure.command(help=say("Definition, SQL, inputs and source.", "口径、SQL、输入与出处。"))
    def explain(id_: Annotated[str, typer.Argument(metavar="ID")]) -> None:
        sys.stdout.write(explain_text(_measure(id_), all_views(city_services())) + "\n")

    application.add_typer(measure, name="measure")


def _measure(id_: str) -> MeasureDeclaration:
    found = {one.id: one for one in all_measures(city_services())}
    if id_ not in found:
        raise NotFound(
            f"there is no measure '{id_}'; see 'kangshu measure list'",
            zh=f"没有指标“{id_}”，请用 measure list 查看",
        )
    return found[id_]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text) if text else today()
    except ValueError as error:
        raise Invalid(
            f"'{text}' is no date like 2026-12-31", zh=f"“{text}”不是日期，请写作 2026-12-31"
        ) from error


def _print(result: MeasureResult, declared: MeasureDeclaration, say: Speech) -> None:
    def shown(value: float | None) -> str:
        return say("unknown", "未知") if value is None else f"{value:.{declared.decimals}f} {declared.unit}"

    sys.stdout.write(f"{declared.title.in_language(say.language)}\t{shown(result.value)}")
    sys.stdout.write(f"\t{result.numerator:g} / {result.denominator:g}\n")
    for row in result.rows:
        keys = " ".join(str(key) for key in row.keys)
        sys.stdout.write(f"  {keys}\t{shown(row.value)}\t{row.numerator:g} / {row.denominator:g}\n")
