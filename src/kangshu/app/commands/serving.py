"""`kangshu demo` and `kangshu serve`."""

import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from kangshu.app.demo import demo_identity, kept_accounts, make_demo_now
from kangshu.app.installation import DEFAULT_FOLDER, Identity, Installation
from kangshu.app.speech import Speech
from kangshu.app.supervisor import Supervisor
from kangshu.base.faults import Conflict


def add(application: typer.Typer, say: Speech) -> None:
    """Add the two commands to `application`."""
    folder_help = say("data folder of the installation", "实例的数据目录")
    port_help = say("port on this machine", "监听端口")
    database_help = say("URL of an external PostgreSQL 15+", "外部 PostgreSQL 15+ 的连接地址")

    @application.command(
        help=say("Start the product with the demo city 云汐市.", "启动带演示城市云汐市的系统。")
    )
    def demo(
        data_dir: Annotated[Path, typer.Option(help=folder_help)] = Path(DEFAULT_FOLDER),
        port: Annotated[int, typer.Option(help=port_help)] = 8000,
        residents: Annotated[int, typer.Option(help=say("residents of the city", "居民人数"))] = 5000,
        years: Annotated[int, typer.Option(help=say("years of records", "记录年数"))] = 3,
        reset: Annotated[bool, typer.Option(help=say("make the city anew", "清空后重新生成"))] = False,
        database: Annotated[str, typer.Option("--db", help=database_help)] = "",
        workers: Annotated[int, typer.Option(help=say("web workers, 0: one a core", "网页进程数"))] = 0,
    ) -> None:
        installation = _demo_installation(data_dir, database, reset)
        console = Console()
        supervisor = Supervisor(
            installation, port=port, web_workers=workers or None, say=console.print, language=say.language
        )

        def prepare(url: str) -> None:
            with _bar(console) as bar:
                tasks: dict[str, int] = {}

                def progress(title: str, done: int, of: int) -> None:
                    if title not in tasks:
                        tasks[title] = bar.add_task(title, total=of or None)
                    bar.update(tasks[title], completed=done, total=of or None)  # type: ignore[arg-type]  # rich numbers its tasks

                make_demo_now(installation, url, residents=residents, years=years, progress=progress)

        raise typer.Exit(
            supervisor.run(prepare, lambda address: _welcome(console, say, installation, address))
        )

    @application.command(
        help=say("Serve an installation: pages at /, FHIR at /fhir.", "运行实例：网页在 /，FHIR 在 /fhir。")
    )
    def serve(
        data_dir: Annotated[Path, typer.Option(help=folder_help)] = Path(DEFAULT_FOLDER),
        port: Annotated[int, typer.Option(help=port_help)] = 8000,
        host: Annotated[str, typer.Option(help=say("address to listen on", "监听地址"))] = "127.0.0.1",
        database: Annotated[str, typer.Option("--db", help=database_help)] = "",
        pg_bin: Annotated[
            Path | None, typer.Option(help=say("other PostgreSQL programs", "其他 PostgreSQL 程序目录"))
        ] = None,
        workers: Annotated[int, typer.Option(help=say("web workers, 0: one a core", "网页进程数"))] = 0,
    ) -> None:
        installation = Installation(data_dir, database_url=database, bin_dir=pg_bin)
        if installation.identity() is None:
            installation.found(Identity(""))
        console = Console()
        supervisor = Supervisor(
            installation,
            host=host,
            port=port,
            web_workers=workers or None,
            say=console.print,
            language=say.language,
        )
        raise typer.Exit(
            supervisor.run(
                ready=lambda address: console.print(say(f"serving at {address}", f"服务地址：{address}"))
            )
        )


def _demo_installation(folder: Path, database: str, reset: bool) -> Installation:
    installation = Installation(folder, database_url=database)
    identity = installation.identity()
    if identity is not None and not identity.demo:
        raise Conflict(
            f"{folder} holds an installation that is no demonstration: give another --data-dir",
            zh=f"{folder} 是正式实例而非演示：请用 --data-dir 指定其他目录",
        )
    if installation.running() is not None:
        raise Conflict(
            f"the demo is already running at {_address(installation)}",
            zh=f"演示已在运行：{_address(installation)}",
        )
    if reset and identity is not None:
        _clear(installation)
        identity = None
    if identity is None:
        installation.found(demo_identity())
    return installation


def _address(installation: Installation) -> str:
    running = installation.running()
    return running.address if running else ""


def _clear(installation: Installation) -> None:
    """Remove all of a demonstration, its database included; the lock proves that nobody uses it."""
    with installation.lock():
        location = installation.folder / "postgres.location"
        if location.exists():
            shutil.rmtree(location.read_text("utf-8").strip(), ignore_errors=True)
        for name in ("postgres", "run", "views", "secrets", "logs"):
            shutil.rmtree(installation.folder / name, ignore_errors=True)
        for name in ("installation.json", "running.json", "postgres.location"):
            (installation.folder / name).unlink(missing_ok=True)


def _bar(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)


def _welcome(console: Console, say: Speech, installation: Installation, address: str) -> None:
    console.print()
    console.print(f"[bold]康枢 Kangshu[/bold]  {address}")
    console.print(f"FHIR R4          {address}/fhir")
    table = Table(title=say("Accounts 演示账号", "演示账号"), title_justify="left")
    for column in (say("account", "账号"), say("password", "密码"), say("who", "身份")):
        table.add_column(column)
    for one in kept_accounts(installation):
        table.add_row(one.name, one.password, one.display)
    console.print(table)
    console.print(
        say("Ctrl-C stops it. 演示数据 demonstration data only.", "按 Ctrl-C 停止。以上均为演示数据。")
    )
