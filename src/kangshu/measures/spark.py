"""Runs compiled views on Spark 4: on the session that the program has, else on a local one of ours.

PySpark is not installed with the platform: `pip install kangshu[spark]`, and a Java runtime, 17 or later. Spark
reads a line up to the end of its JSON object and passes over what follows it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from kangshu.base.faults import Invalid, Unavailable
from kangshu.measures.dialect import DEPTH_REACHED, DepthReached
from kangshu.measures.view_sql import Statement

CORES: Final = 2
_MEMORY: Final = "1g"
_QUIET: Final = """\
status = fatal
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %p %c: %m%n
rootLogger.level = fatal
rootLogger.appenderRef.console.ref = console
"""
"""Spark logs every failed task with its whole stack; what went wrong is told once, by our fault."""


def available() -> bool:
    """Return whether PySpark is installed."""
    return find_spec("pyspark") is not None


def write_rows(statement: Statement, source: Path, folder: Path) -> list[Path]:
    """Run `statement` over the NDJSON file `source` and return the files of its rows, JSON lines, in order.

    The files are made in `folder`, which must not exist. Raises DepthReached where `repeat` went deeper than the
    statement was compiled for, Invalid where data does not fit the view, Unavailable without PySpark or Java.
    """
    session = spark_session()
    with spark_errors():
        lines = session.read.text(str(source.resolve()))
        lines.createOrReplaceTempView("lines")
        bodies = session.sql("SELECT parse_json(value) AS body FROM lines WHERE trim(value) <> ''")
        bodies.createOrReplaceTempView("resources")
        found = session.sql(statement.sql, args=dict(statement.values))
        # a null is written too, so that every row has every column
        found.write.option("ignoreNullFields", "false").json(str(folder))
    return sorted(folder.glob("part-*.json"))


@contextmanager
def spark_errors() -> Iterator[None]:
    """Raise what Spark says in this block as our faults: DepthReached, or Invalid without data and plan."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        raise _fault(error) from error


def spark_session() -> Any:
    """Return a session of our own settings on the running Spark; starts a local Spark where there is none.

    Raises Unavailable without PySpark or Java.
    """
    if not available():
        raise Unavailable(
            "the Spark engine is not part of this installation: install kangshu[spark]",
            zh="当前安装不含Spark引擎，请安装 kangshu[spark]",
        )
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    running = SparkSession.getActiveSession()
    if running is None:
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        try:
            running = _local(SparkSession.builder)
        except (PySparkException, OSError) as error:
            raise Unavailable(
                "Spark does not start: it needs a Java runtime, 17 or later, on the PATH or in JAVA_HOME",
                zh="Spark无法启动：需要Java 17或更高版本（PATH或JAVA_HOME）",
            ) from error
    session = running.newSession()
    session.conf.set("spark.sql.session.timeZone", "Asia/Shanghai")
    session.conf.set("spark.sql.ansi.enabled", "true")
    return session


def _local(builder: Any) -> Any:
    folder = Path(tempfile.mkdtemp(prefix="kangshu-spark-"))
    settings = folder / "log4j2.properties"
    settings.write_text(_QUIET, "utf-8")
    options = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": _MEMORY,
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile=file:{settings} -Dderby.system.home={folder}",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": str(folder),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.shuffle.partitions": str(CORES),
    }
    builder = builder.master(f"local[{CORES}]").appName("kangshu")
    for name, value in options.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    atexit.register(_end, session, folder)
    return session


def _end(session: Any, folder: Path) -> None:
    session.stop()
    shutil.rmtree(folder, ignore_errors=True)


def _fault(error: Exception) -> Exception:
    """Return the fault for an error of Spark, without the data and the plan that Spark quotes."""
    text = str(error)
    if DEPTH_REACHED in text:
        return DepthReached()
    for why in ("more than one item where one is expected", "a number is expected", "a boolean is expected"):
        if why in text:
            break
    else:
        state = getattr(error, "getCondition", getattr(error, "getErrorClass", lambda: None))()
        why = str(state or type(error).__name__)
    return Invalid(f"the view cannot be run on Spark: {why}", zh=f"视图无法在Spark上运行：{why}")
