"""`kangshu demo` and `kangshu serve`."""

import re
from pathlib import Path
from types import TracebackType
from typing import Annotated, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from kangshu.app.demo_accounts import demo_identity, kept_accounts
from kangshu.app.installation import DEFAULT_FOLDER, Identity, Installation
from kangshu.app.speech import Speech
from kangshu.app.supervisor import INTERRUPTED, Supervisor
from kangshu.base.faults import Conflict, Invalid

_CITY = range(50, 2_000_001)


def add(application: typer.Typer, say: Speech) -> None:
    """Add the two commands to `application`."""
    folder_help = say("data folder of the installation", "实例的数据目录")
    port_help = say("port on this machine", "监听端口")
    host_help = say("address to listen on", "监听地址")
    workers_help = say("web workers, 0: one a core", "网页进程数，0 为每核一个")
    database_help = say(
        "URL of an external PostgreSQL 15+; it is remembered",
        "外部 PostgreSQL 15+ 的连接地址（记住一次即可）",
    )

    @application.command(
        help=say("Start the product with the demo city 云汐市.", "启动带演示城市云汐市的系统。")
    )
    def demo(
        data_dir: Annotated[Path, typer.Option(help=folder_help)] = Path(DEFAULT_FOLDER),
        port: Annotated[int, typer.Option(help=port_help)] = 8000,
        host: Annotated[str, typer.Option(help=host_help)] = "127.0.0.1",
        residents: Annotated[int, typer.Option(help=say("residents of the city", "居民人数"))] = 5000,
        years: Annotated[int, typer.Option(help=say("years of records", "记录年数"), min=1, max=10)] = 3,
        reset: Annotated[
            bool, typer.Option("--reset", help=say("make the city anew", "清空后重新生成"))
        ] = False,
        database: Annotated[str, typer.Option("--db", envvar="KANGSHU_DB", help=database_help)] = "",
        workers: Annotated[int, typer.Option(help=workers_help, min=0)] = 0,
    ) -> None:
        if residents not in _CITY:
            raise Invalid(
                f"a demo city has {_CITY.start} to {_CITY.stop - 1} residents",
                zh=f"演示城市的居民人数应在 {_CITY.start} 至 {_CITY.stop - 1} 之间",
            )
        installation = Installation(data_dir, database_url=database)
        console = Console(highlight=False)
        supervisor = _supervisor(installation, host, port, workers, console, say)
        with _Steps(console, say) as steps:

            def ready(address: str) -> None:
                steps.end()
                _welcome(console, say, installation, address)

            status = supervisor.run(
                identity=demo_identity(),
                begin=lambda: _begin(installation, reset, console, say),
                demo={"residents": residents, "years": years},
                progress=steps,
                ready=ready,
            )
        if status == INTERRUPTED:
            _interrupted(console, say, installation)
        raise typer.Exit(status)

    @application.command(
        help=say("Serve an installation: pages at /, FHIR at /fhir.", "运行实例：网页在 /，FHIR 在 /fhir。")
    )
    def serve(
        data_dir: Annotated[Path, typer.Option(help=folder_help)] = Path(DEFAULT_FOLDER),
        port: Annotated[int, typer.Option(help=port_help)] = 8000,
        host: Annotated[str, typer.Option(help=host_help)] = "127.0.0.1",
        database: Annotated[str, typer.Option("--db", envvar="KANGSHU_DB", help=database_help)] = "",
        pg_bin: Annotated[
            Path | None, typer.Option(help=say("other PostgreSQL programs", "其他 PostgreSQL 程序目录"))
        ] = None,
        public_url: Annotated[
            str,
            typer.Option(
                envvar="KANGSHU_PUBLIC_URL",
                help=say(
                    "address that users see, as https://kangshu.example",
                    "用户访问的地址，如 https://kangshu.example",
                ),
            ),
        ] = "",
        workers: Annotated[int, typer.Option(help=workers_help, min=0)] = 0,
    ) -> None:
        if public_url and not re.fullmatch(r"https?://[^/?#\s]+/?", public_url):
            raise Invalid(
                f"'{public_url}' is no address like https://kangshu.example",
                zh=f"“{public_url}”不是网址，请写作 https://kangshu.example",
            )
        installation = Installation(data_dir, database_url=database, bin_dir=pg_bin)
        console = Console(highlight=False)
        supervisor = _supervisor(installation, host, port, workers, console, say, public_url.rstrip("/"))
        raise typer.Exit(
            supervisor.run(
                identity=Identity(""),
                begin=installation.refuse_half_made,
                ready=lambda address: console.print(say(f"serving at {address}", f"服务地址：{address}")),
            )
        )


def _supervisor(
    installation: Installation,
    host: str,
    port: int,
    workers: int,
    console: Console,
    say: Speech,
    public_url: str = "",
) -> Supervisor:
    def told(en: str, zh: str) -> None:
        console.print(say(en, zh), markup=False)

    return Supervisor(
        installation,
        host=host,
        port=port,
        web_workers=workers or None,
        say=told,
        language=say.language,
        public_url=public_url,
    )


def _interrupted(console: Console, say: Speech, installation: Installation) -> None:
    if not installation.unfinished.exists():
        return
    if installation.database_url:
        console.print(
            say(
                "Stopped before the demo was whole: empty the external database (dropdb, createdb) "
                "and remove the data folder before the next start.",
                "已中止，演示城市尚未建成：下次启动前请清空外部数据库（dropdb、createdb）并删除数据目录。",
            )
        )
    else:
        console.print(
            say(
                "Stopped before the demo was whole; the next start makes it anew.",
                "已中止，演示城市尚未建成，下次启动将重新生成。",
            )
        )


def _begin(installation: Installation, reset: bool, console: Console, say: Speech) -> None:
    """Clear a demonstration that is half-made or to be made anew; the folder is held alone."""
    identity = installation.identity()
    if identity is not None and not identity.demo:
        raise Conflict(
            f"{installation.folder} holds an installation that is no demonstration: give another --data-dir",
            zh=f"{installation.folder} 是正式实例而非演示：请用 --data-dir 指定其他目录",
        )
    half_made = installation.unfinished.exists()
    if (reset or half_made) and installation.database_url:
        why = (
            ("the demo in it was cut off while it was made", "其中的演示城市尚未建成")
            if half_made
            else ("--reset clears the embedded database alone", "--reset 只清空内置数据库")
        )
        raise Conflict(
            f"{why[0]}: empty the external database yourself (dropdb, createdb), remove {installation.folder}, "
            "and start again without --reset",
            zh=f"{why[1]}：请自行清空外部数据库（dropdb、createdb），删除 {installation.folder}，然后不带 --reset 重新启动",
        )
    if reset or half_made:
        installation.clear()
    if half_made and not reset:
        console.print(
            say(
                "The demo was cut off while it was made; it is made anew.", "演示城市上次未建成，现重新生成。"
            )
        )


class _Steps:
    """Shows how far the demonstration is: bars on a terminal, a line for each step done elsewhere."""

    def __init__(self, console: Console, say: Speech) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, console=console)
        self._console, self._say = console, say
        self._tasks: dict[str, TaskID] = {}
        self._told: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.end()

    def __call__(self, en: str, zh: str, done: int, of: int) -> None:
        title = self._say(en, zh)
        if not self._console.is_terminal:
            if of and done >= of and title not in self._told:
                self._told.add(title)
                self._console.print(f"{title}: {done}", markup=False)
            return
        if title not in self._tasks:
            self._bar.start()
            self._tasks[title] = self._bar.add_task(title, total=of or None)
        self._bar.update(self._tasks[title], completed=done, total=of or None)

    def end(self) -> None:
        """Leave the bars as they are."""
        self._bar.stop()


def _welcome(console: Console, say: Speech, installation: Installation, address: str) -> None:
    console.print()
    console.print(f"[bold]康枢 Kangshu[/bold]  {address}")
    console.print(f"FHIR R4          {address}/fhir")
    accounts = kept_accounts(installation)
    table = Table(title=say("Demo accounts", "演示账号"), title_justify="left")
    for column in (say("account", "账号"), say("password", "密码"), say("who", "身份")):
        table.add_column(column)
    for one in accounts:
        table.add_row(one.name, one.password, one.display)
    if accounts:
        console.print(table)
    else:
        console.print(
            say(
                "The accounts are in the data folder that made this demo.",
                "账号保存在建立该演示的数据目录中。",
            )
        )
    console.print(
        say("Demonstration data (演示数据). Ctrl-C stops it.", "以上均为演示数据。按 Ctrl-C 停止。")
    )
