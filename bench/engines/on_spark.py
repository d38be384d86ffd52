"""The same tables and the same SQL on Spark: a local cluster, two executors in processes of their own."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from engines import Asked, Skipped, Told, timed
from engines.city import of_atoms, table_bytes, wanted
from kangshu.measures import read_manifest
from kangshu.measures.spark_results import SparkResults

EXECUTORS, CORES, MEMORY_MB = 2, 1, 1024


def run(asked: Asked) -> Told:
    """Start the cluster, look up the tables, and compute every measure twice."""
    if find_spec("pyspark") is None:
        raise Skipped("PySpark is not installed: requirements/spark.txt, see docs/how-to/move-to-spark.md")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        raise Skipped("there is no Java runtime: Java 17 or later, on the PATH or in JAVA_HOME")
    import pyspark

    told = Told("spark", pyspark.__version__)
    told.more = {"executors": EXECUTORS, "executor_cores": CORES, "executor_mb": MEMORY_MB}
    with tempfile.TemporaryDirectory(prefix="kangshu-spark-") as folder:
        began = time.perf_counter()
        session = _cluster(Path(folder))
        session.range(EXECUTORS * 100).repartition(EXECUTORS * 2).count()  # the executors have come up
        told.start_seconds = time.perf_counter() - began
        try:
            _compute(asked, told)
        finally:
            application = session.sparkContext.applicationId
            session.stop()
            # executors of a local cluster keep their logs beside Spark's own programs
            shutil.rmtree(Path(pyspark.__file__).parent / "work" / application, ignore_errors=True)
    return told


def _compute(asked: Asked, told: Told) -> None:
    told.loading()
    results = SparkResults(asked.tables, read_manifest(asked.tables))
    told.loaded()
    told.bytes = table_bytes(asked)
    measures = wanted(asked)
    for seconds in (told.seconds, told.again):
        for one in measures:
            with timed(seconds, one.measure.id):
                (found,) = results.atoms([one])
            if found.refused:
                raise SystemExit(f"{one.measure.id} cannot be said on Spark: {found.refused}")
            told.cells[one.measure.id] = of_atoms(one.measure, found.rows)
        told.passed()


def _cluster(folder: Path) -> Any:
    from pyspark.sql import SparkSession

    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    options = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "1g",
        "spark.executor.memory": f"{MEMORY_MB}m",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": str(folder),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.shuffle.partitions": str(EXECUTORS * CORES * 2),
    }
    builder = SparkSession.builder.master(f"local-cluster[{EXECUTORS},{CORES},{MEMORY_MB}]").appName("bench")
    for name, value in options.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()
