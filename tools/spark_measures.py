"""All measures over a folder of published views on Spark: a line of JSON for every number that DuckDB would store.

    spark-submit tools/spark_measures.py VIEWS --end 2025-12-31 --out atoms.ndjson [--values values.json] [--only ID …]

`spark-submit` says which cluster (`--master`); without one, Spark runs within the program on all cores.
VIEWS must lie at the same path on every node. A line is {"measure", "end", "kept", "wide_value", "place", …, "numerator",
"denominator"}: the columns of a stored result (`kangshu.measures.atoms`). Parameters have the values that the services
declare; those that a city has set itself are given by `--values`, a JSON object by id. Measures whose views are not there
are left out; for those that Spark refuses, the reason is on the standard error stream and the status is 1.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import date
from pathlib import Path

from kangshu.app.wiring import all_measures, city_services
from kangshu.base.faults import Fault
from kangshu.measures import Wanted, period_of, read_manifest
from kangshu.measures.spark_results import SparkResults


def _session() -> None:
    """Start the session that the results run on, where `spark-submit` says; a local one would be started otherwise."""
    from pyspark.sql import SparkSession

    session = SparkSession.builder.appName("kangshu measures").getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    print(f"Spark {session.version} on {session.sparkContext.master}", flush=True)


def main() -> int:
    """Compute one measure after the other and write its rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("views", type=Path)
    parser.add_argument("--end", type=date.fromisoformat, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--values", type=Path)
    parser.add_argument("--only", nargs="+", default=())
    asked = parser.parse_args()
    _session()
    services = city_services()
    declared = {one.id: one.value for service in services for one in service.parameters}
    values = declared | (json.loads(asked.values.read_text("utf-8")) if asked.values else {})
    results = SparkResults(asked.views, read_manifest(asked.views))
    refused = 0
    with asked.out.open("w", encoding="utf-8") as out:
        for measure in all_measures(services):
            if asked.only and measure.id not in asked.only:
                continue
            began = time.perf_counter()
            try:
                found = list(results.atoms([Wanted(measure, *period_of(measure, asked.end), values)]))
            except Fault as fault:
                refused += 1
                print(f"{measure.id}: {fault}", file=sys.stderr)
                continue
            for one in found:
                if one.refused:
                    refused += 1
                    print(f"{measure.id}: {one.refused}", file=sys.stderr)
                for row in one.rows:
                    line = {"measure": measure.id, "end": str(asked.end), **row}
                    out.write(json.dumps(line, ensure_ascii=False) + "\n")
                print(f"{measure.id}: {len(one.rows)} rows, {time.perf_counter() - began:.1f} s", flush=True)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
