"""`kangshu measure list`, `check`, `run` and `explain`."""

import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from kangshu import measures
from kangshu.access import Grant
from kangshu.api import Platform
from kangshu.app.commands.opened import DEFAULT, database_option, folder_option, run_with_platform
from kangshu.app.files import write_rows
from kangshu.app.groups import group
from kangshu.app.speech import Speech
from kangshu.app.wiring import all_measures, all_views, city_services, service_packages
from kangshu.base.clock import today
from kangshu.base.faults import Invalid, NotFound, TooLarge
from kangshu.base.parameters import ParameterTable, ParameterVersion
from kangshu.measures import Check, MeasureResult, Views, period_of
from kangshu.sdk import MeasureDeclaration, Resource
from kangshu.services import check, discover


def add(application: typer.Typer, say: Speech) -> None:
    """Add the group to `application`."""
    measure = group(say, say("Measures.", "指标。"))

    @measure.command(name="list", help=say("Every declared measure.", "全部指标。"))
    def list_measures(
        as_json: Annotated[
            bool, typer.Option("--json", help=say("a JSON array, a row a line", "JSON 数组，每行一条"))
        ] = False,
    ) -> None:
        declared = all_measures(city_services())
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
                for one in declared
            )
            return
        for one in declared:
            sys.stdout.write(f"{one.id}\t{one.title.in_language(say.language)}\t{one.unit}\n")

    @measure.command(help=say("A measure's value now, in all and by place.", "计算一个指标。"))
    def run(
        id_: Annotated[str, typer.Argument(metavar="ID", help=say("the measure", "指标标识"))],
        data_dir: Annotated[Path, folder_option(say)] = DEFAULT,
        database: Annotated[str, database_option(say)] = "",
        by: Annotated[str, typer.Option(help=say("dimensions, comma", "维度，逗号分隔"))] = "district",
        on: Annotated[str, typer.Option(help=say("last day of the period", "截止日期"))] = "",
        as_json: Annotated[
            bool, typer.Option("--json", help=say("one JSON object", "一个 JSON 对象"))
        ] = False,
    ) -> None:
        declared, day = _measure(id_), _day(on)
        dimensions = tuple(one for one in by.split(",") if one)

        async def work(platform: Platform, system: Grant) -> MeasureResult:
            return _evaluated(platform, system, declared, day, dimensions)

        result = run_with_platform(data_dir, database, work, existing=True)
        if as_json:
            sys.stdout.write(json.dumps(asdict(result), ensure_ascii=False, default=str) + "\n")
            return
        _print(result, declared, say)

    @measure.command(
        name="check",
        help=say(
            "Check measures, views and dimensions, their worked examples too; all findings.",
            "检查指标、视图与维度（含算例），列出全部问题。",
        ),
    )
    def check_measures(
        id_: Annotated[
            str, typer.Argument(metavar="[ID]", help=say("one measure alone", "只检查一个指标"))
        ] = "",
    ) -> None:
        found = [one for one in check(discover(*service_packages())) if one.file.parent.name in _CHECKED]
        if id_:
            found = [one for one in found if one.file.stem == _measure_file(id_)]
        declared = [one for one in all_measures(city_services()) if id_ in ("", one.id)]
        for one in found:
            sys.stdout.write(f"{one}\n")
        for each in declared:
            if not measures.spark_measure(each.sql):
                sys.stdout.write(say(f"{each.id}: not for Spark", f"{each.id}：不能转换为Spark") + "\n")
        examples = sum(len(one.examples) for one in declared)
        text = f"{len(declared)} measures, {examples} worked examples, {len(found)} findings"
        sys.stdout.write(say(text, f"{len(declared)} 个指标，{examples} 个算例，{len(found)} 处问题") + "\n")
        if any(one.severity == "error" for one in found):
            raise typer.Exit(1)

    @measure.command(
        help=say(
            "Definition, inputs, SQL and source; of an installation also the number and its check query.",
            "口径、输入、SQL与出处；有实例时还有当前数值与核对查询。",
        )
    )
    def explain(
        id_: Annotated[str, typer.Argument(metavar="ID", help=say("the measure", "指标标识"))],
        data_dir: Annotated[Path, folder_option(say)] = DEFAULT,
        database: Annotated[str, database_option(say)] = "",
        on: Annotated[str, typer.Option(help=say("last day of the period", "截止日期"))] = "",
        as_json: Annotated[
            bool, typer.Option("--json", help=say("one JSON object", "一个 JSON 对象"))
        ] = False,
    ) -> None:
        services = city_services()
        awaited = next((one for each in services for one in each.awaited if one.id == id_), None)
        if awaited is not None:  # nothing is evaluated
            told = measures.explain_awaited(awaited)
            line = json.dumps(told, ensure_ascii=False, indent=2) + "\n"
            sys.stdout.write(line if as_json else measures.explain_awaited_text(awaited, say.language))
            return
        declared, day = _measure(id_), _day(on)
        views = all_views(services)
        known = ParameterTable(one for service in services for one in service.parameters)
        live = _Live({name: known.find(name, "", day) for name in declared.parameters})
        try:
            live = run_with_platform(data_dir, database, _living(declared, day, views), existing=True)
        except NotFound:
            if database or data_dir != DEFAULT:  # the place was named, so it must be there
                raise
        if as_json:
            told = measures.explain(declared, views, live.parameters, live.result, live.check)
            sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")
            return
        text = measures.explain_text(
            declared, views, live.parameters, live.result, live.check, language=say.language
        )
        sys.stdout.write(text)

    application.add_typer(measure, name="measure")


@dataclass(frozen=True, slots=True)
class _Live:
    """What an installation adds to a declaration: the parameter versions in force, the number, the check's."""

    parameters: Mapping[str, ParameterVersion | None]
    result: MeasureResult | None = None
    check: Check | None = None


def _evaluated(
    platform: Platform,
    system: Grant,
    declared: MeasureDeclaration,
    day: date,
    by: tuple[str, ...] = (),
    *,
    everywhere: bool = False,
) -> MeasureResult:
    place = platform.settings.jurisdiction
    values = {name: platform.parameters.value(name, place, day) for name in declared.parameters}
    start, end = period_of(declared, day)
    where = "" if everywhere else place
    return platform.snapshot().evaluate(system, declared, values, start, end, by, where)


def _living(
    declared: MeasureDeclaration, day: date, views: Views
) -> Callable[[Platform, Grant], Awaitable[_Live]]:
    async def work(platform: Platform, system: Grant) -> _Live:
        place = platform.settings.jurisdiction
        versions = {name: platform.parameters.find(name, place, day) for name in declared.parameters}
        result = _evaluated(platform, system, declared, day)
        return _Live(versions, result, await _checked(platform, system, declared, day, views))

    return work


async def _checked(
    platform: Platform, system: Grant, declared: MeasureDeclaration, day: date, views: Views
) -> Check | None:
    """Return what the check query counts; None without one, or where the records are too many to read them all."""
    queries = {id_: query for service in platform.services for id_, query in service.checks.items()}
    if declared.id not in queries:
        return None
    resources: list[Resource] = []
    try:
        for kind in sorted({views[name].view.resource for name in declared.views}):
            resources += await platform.store.search_all(system, kind, "")
    except TooLarge:
        return None
    measured = _evaluated(platform, system, declared, day, everywhere=True)
    counted = queries[declared.id](resources, measured.period_start, measured.period_end, measured.parameters)
    return Check(*counted, agrees=counted == (measured.numerator, measured.denominator))


_CHECKED = frozenset({"measures", "views", "dimensions", "quality"})


def _measure_file(id_: str) -> str:
    """Return the name of the file that declares a measure: a member's is its family's."""
    declared = _measure(id_)
    return declared.family or declared.id


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

    def count(number: float | None) -> str:
        return say("suppressed", "已抑制") if number is None else f"{number:g}"

    sys.stdout.write(f"{declared.title.in_language(say.language)}\t{shown(result.value)}")
    sys.stdout.write(f"\t{count(result.numerator)} / {count(result.denominator)}\n")
    period = f"{result.period_start} – {result.period_end}"
    sys.stdout.write(say(f"  {period}, as of {result.instant}", f"  {period}，截至 {result.instant}") + "\n")
    for row in result.rows:
        keys = " ".join(str(key) for key in row.keys)
        sys.stdout.write(f"  {keys}\t{shown(row.value)}\t{count(row.numerator)} / {count(row.denominator)}\n")
