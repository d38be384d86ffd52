"""The operating subsidy of 2,000 institutions of 500 beds at once, and the same by single claims.

    python bench/subsidy_bench.py [--homes 2000] [--beds 500] [--singles 5]

Prints the seconds of the whole city at once (set-based, DuckDB over the published views' columns), of one claim with
its roster and trace, and whether both give the same amount, as JSON.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

import kangshu_services
from kangshu.base.parameters import ParameterTable
from kangshu.cases.calculating import Calculator
from kangshu.cases.gathering import gathered_rows
from kangshu.measures.engine import WORKER_MEMORY, connect
from kangshu.measures.statement import MACROS
from kangshu.sdk import Resource, code_system, structure
from kangshu.services import freeze, read_folder

START, END = date(2025, 1, 1), date(2025, 12, 31)
SERVICE = freeze(
    read_folder(Path(kangshu_services.__path__[0]) / "elder_subsidies", "kangshu_services.elder_subsidies")
)

VIEWS = ("organisations", "stays", "residents", "inpatient_stays")
TABLES = """
CREATE TABLE organisations AS
  SELECT 'Organization/h' || n AS organisation, 'filed' AS filing, 'private-non-profit' AS nature, 'general' AS form
  FROM range({homes}) t(n);
CREATE TABLE stays AS
  SELECT 'EpisodeOfCare/s' || n AS stay, 'Patient/p' || n AS resident, 'Organization/h' || (n // {beds}) AS institution,
         strftime(DATE '2024-01-01' + CAST(n * 7919 % 720 AS INTEGER), '%Y-%m-%d') AS starts,
         CASE WHEN n % 3 = 0 THEN strftime(DATE '2025-02-01' + CAST(n * 104729 % 500 AS INTEGER), '%Y-%m-%d') END AS ends,
         '990102' AS scope_district
  FROM range({homes} * {beds}) t(n);
CREATE TABLE residents AS
  SELECT resident, CASE WHEN hash(resident) % 29 = 0 THEN '2025-08-15' END AS deceased_time FROM stays;
CREATE TABLE inpatient_stays AS
  SELECT resident, '2025-03-05' AS starts, '2025-03-19' AS ends FROM stays WHERE hash(resident) % 11 = 0;
"""


def write_views(folder: Path, homes: int, beds: int) -> None:
    """Write the views as Parquet files, as the background worker publishes them."""
    with duckdb.connect() as connection:
        for statement in TABLES.format(homes=homes, beds=beds).split(";\n"):
            if statement.strip():
                connection.execute(statement)
        for name in VIEWS:
            connection.execute(f"COPY {name} TO '{folder}/{name}.parquet' (FORMAT parquet)")


def bindings(table: ParameterTable) -> dict[str, Any]:
    """Return what the measure's SQL binds."""
    measure = next(one for one in SERVICE.measures if one.id == "operating-subsidy-forecast")
    asked = {one.replace("-", "_"): table.value(one, "", END) for one in measure.parameters}
    return {**asked, "period_start": START, "period_end": END}


def records_of(connection: Any, home: str) -> tuple[Resource, dict[str, list[Resource]]]:
    """Return an institution and the records of its claim, as the store would give them."""
    rows = connection.execute(
        "SELECT stay, resident, starts, ends, deceased_time, (SELECT count(*) FROM inpatient_stays i WHERE i.resident = s.resident) "
        "FROM stays s JOIN residents USING (resident) WHERE institution = ? AND (ends IS NULL OR ends >= ?) AND starts <= ?",
        [home, START.isoformat(), END.isoformat()],
    ).fetchall()
    kind = [{"coding": [{"system": code_system("episode-kind"), "code": "elder-residence"}]}]
    stays, persons, wards = [], [], []
    for stay, resident, starts, ends, died, ill in rows:
        period = {"start": starts, **({"end": ends} if ends else {})}
        own = {"patient": {"reference": resident}, "managingOrganization": {"reference": home}}
        stays.append(
            {"resourceType": "EpisodeOfCare", "id": stay[14:], "type": kind, "period": period, **own}
        )
        person: Resource = {"resourceType": "Patient", "id": resident[8:], "birthDate": "1940-01-01"}
        persons.append({**person, **({"deceasedDateTime": died} if died else {})})
        if ill:
            ward = {"start": "2025-03-05", "end": "2025-03-19"}
            wards.append(
                {
                    "resourceType": "Encounter",
                    "id": f"w{resident[9:]}",
                    "subject": {"reference": resident},
                    "period": ward,
                }
            )
    marks = {"nature": "private-non-profit", "filing": "filed", "institution-form": "general"}
    place = {
        "resourceType": "Organization",
        "id": home[13:],
        "extension": [{"url": structure(name), "valueCode": value} for name, value in marks.items()],
    }
    return place, {"stays": stays, "persons": persons, "elsewhere": stays, "hospital": wards}


def single(place: Resource, records: dict[str, list[Resource]], table: ParameterTable) -> Decimal:
    """Return what one claim comes to, by its roster and its steps."""
    claim = next(one for one in SERVICE.cases if one.id == "claim")
    values: dict[str, Any] = {"period_start": START.isoformat(), "period_end": END.isoformat()}
    figures = {one.id.replace("-", "_"): table.value(one.id, "", END) for one in SERVICE.parameters}
    names = {
        "values": values,
        "requester": f"Organization/{place['id']}",
        "parameters": figures,
        "home": [place],
    }
    declared = next(one for one in claim.records if one.id == "stays")
    values["roster"] = gathered_rows(declared, records, names)
    operating = next(one for one in SERVICE.calculations if one.id == "operating")
    found = Calculator(SERVICE.calculations, table).work_out(
        operating, {"resourceType": "Task"}, names, END, ""
    )
    return found.result or Decimal(0)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--homes", type=int, default=2000)
    parser.add_argument("--beds", type=int, default=500)
    parser.add_argument("--singles", type=int, default=5)
    parser.add_argument("--memory", default=WORKER_MEMORY, help="what DuckDB may use")
    asked = parser.parse_args()
    table = ParameterTable(SERVICE.parameters)
    measure = next(one for one in SERVICE.measures if one.id == "operating-subsidy-forecast")
    folder = Path(tempfile.mkdtemp())
    write_views(folder, asked.homes, asked.beds)
    with connect(memory=asked.memory, readable=[folder], spill=True) as connection:
        for macro in MACROS:
            connection.execute(macro)
        for name in VIEWS:
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{folder}/{name}.parquet')")
        times = []
        for _ in range(3):
            begun = time.perf_counter()
            rows = connection.execute(measure.sql, bindings(table)).fetchall()
            times.append(round(time.perf_counter() - begun, 3))
        together = {str(row[0]): Decimal(str(row[3])) for row in rows}
        alone: list[float] = []
        same = True
        for number in range(asked.singles):
            home = f"Organization/h{number * asked.homes // asked.singles}"
            place, records = records_of(connection, home)
            begun = time.perf_counter()
            amount = single(place, records, table)
            alone.append(round(time.perf_counter() - begun, 3))
            same = same and amount == together[home]
    result = {
        "institutions": asked.homes,
        "stays": asked.homes * asked.beds,
        "memory": asked.memory,
        "total": str(sum(together.values())),
        "at_once_seconds": times,
        "single_claim_seconds": alone,
        "same_amounts": same,
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
