"""`kangshu city make` and `kangshu services …`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from kangshu.app.city_writing import MunicipalityAsked, folder_for, write_demo, write_municipality
from kangshu.app.files import write_rows
from kangshu.app.groups import group
from kangshu.app.speech import Speech
from kangshu.app.wiring import city_services, service_packages
from kangshu.base.faults import Invalid
from kangshu.measures import join_views
from kangshu.municipality import MEMORY
from kangshu.services import check, discover, new


def add(application: typer.Typer, say: Speech) -> None:
    """Add both groups to `application`."""
    city = group(say, say("Demo cities.", "演示城市。"))

    @city.callback(help=say("Demo cities.", "演示城市。"))
    def whole() -> None:
        """Keep `make` a command of its own."""

    @city.command(
        help=say(
            "Write a made city: the demo city, or a whole municipality as FHIR NDJSON or straight as view tables.",
            "生成虚拟城市：演示城市，或整个城市（FHIR NDJSON 或直接生成指标视图表）。",
        )
    )
    def make(
        out: Annotated[Path, typer.Option(help=say("folder", "输出目录"))],
        residents: Annotated[int, typer.Option(help=say("how many", "居民人数"))] = 5000,
        years: Annotated[
            int, typer.Option(help=say("years of records; 0: three of the demo city, five else", "记录年数"))
        ] = 0,
        seed: Annotated[
            int, typer.Option(help=say("the same seed makes the same city", "随机种子"))
        ] = 20260101,
        form: Annotated[
            str,
            typer.Option(
                "--as",
                help=say(
                    "demo (the demo city with its cases), ndjson or views (a municipality, five years by default)",
                    "demo（演示城市）、ndjson 或 views（整个城市，默认五年）",
                ),
            ),
        ] = "demo",
        compress: Annotated[bool, typer.Option("--gz", help=say("compress NDJSON", "压缩 NDJSON"))] = False,
        memory: Annotated[str, typer.Option(help=say("most memory of the engine", "引擎内存上限"))] = MEMORY,
        blocks: Annotated[
            str,
            typer.Option(help=say("which blocks, as 0-3 or 2,5; all by default", "分块编号，如 0-3 或 2,5")),
        ] = "",
    ) -> None:
        folder_for(out)
        if form == "demo":
            write_demo(out, residents, years or 3, seed, say)
        else:
            write_municipality(
                MunicipalityAsked(out, residents, years or 5, seed, form, compress, memory, blocks), say
            )

    @city.command(
        help=say(
            "Join the view tables of blocks that were made apart (city make --as views --blocks).",
            "合并分块生成的指标视图表（city make --as views --blocks）。",
        )
    )
    def join(
        out: Annotated[Path, typer.Option(help=say("folder", "输出目录"))],
        parts: Annotated[list[Path], typer.Argument(help=say("folders of the parts", "各部分的目录"))],
    ) -> None:
        folder_for(out)
        made = join_views(parts, out)
        rows = sum(segment.row_count for view in made.views.values() for segment in view.segments)
        sys.stdout.write(say(f"{rows} rows in {out}", f"共 {rows} 行，已写入 {out}") + "\n")

    application.add_typer(city, name="city")
    application.add_typer(_services(say), name="services")


def _services(say: Speech) -> typer.Typer:
    services = group(say, say("Service folders.", "服务目录。"))

    @services.command(name="list", help=say("The services that are installed.", "已安装的服务。"))
    def list_services(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
        rows = [
            {
                "id": one.id,
                "title": {"zh": one.title.zh, "en": one.title.en},
                "systems": list(one.systems),
                "registers": [register.id for register in one.registers],
                "cases": [case.code for case in one.cases],
                "measures": [measure.id for measure in one.measures],
            }
            for one in city_services()
        ]
        if as_json:
            write_rows(rows)
            return
        for one in city_services():
            sys.stdout.write(f"{one.id}\t{one.title.in_language(say.language)}\t{', '.join(one.systems)}\n")

    @services.command(
        name="check", help=say("Check every service folder; all findings.", "检查全部服务目录。")
    )
    def check_services() -> None:
        drafts = discover(*service_packages())
        findings = check(drafts)
        for one in findings:
            sys.stdout.write(f"{one}\n")
        errors = sum(one.severity == "error" for one in findings)
        sys.stdout.write(
            say(f"{len(drafts)} services, {errors} errors", f"{len(drafts)} 个服务，{errors} 处错误") + "\n"
        )
        if errors:
            raise typer.Exit(1)

    @services.command(name="new", help=say("Write a skeleton.", "生成服务目录骨架。"))
    def new_service(
        name: Annotated[str, typer.Argument(help=say("its id", "服务标识"))],
        folder: Annotated[Path, typer.Option(help=say("where", "上级目录"))] = Path("src/kangshu_services"),
    ) -> None:
        if not folder.is_dir():
            raise Invalid(f"there is no folder {folder}", zh=f"目录不存在：{folder}")
        sys.stdout.write(f"{new(name, folder)}\n")

    return services
