"""Tries to re-identify people of the demo city, in a naive extract and in ours, and prints how often it succeeds.

    python tools/reidentify.py [--residents 5000] [--seed 20260101] [--markdown]

The naive extract has no names and no numbers, but the day of birth's age, the sex and the town as they are; the
aggregate beside it hides small numbers and nothing else. Both must fall, or the attack proves nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from kangshu.access import Grant, Scope, system_grant
from kangshu.app.wiring import city_services
from kangshu.base.canonical import DISTRICT
from kangshu.measures import (
    Demand,
    Snapshot,
    Terms,
    ViewKeeper,
    Views,
    aggregated,
    deidentified,
    extract_grant,
)
from kangshu.measures.extract import SUPPRESSED, pseudonym
from kangshu.measures.generalisation import text_of
from kangshu.measures.limits import (
    LEAST_CLASS,
    LEAST_VALUES,
    MARK_SHARE,
    MOST_DISTANCE,
    MOST_LEFT_OUT,
    SMALL_CELL,
)
from kangshu.measures.reidentification import Attempt, Published, Target, linked, overlaid, recovered
from kangshu.sdk import ExtractDeclaration, Resource
from kangshu.services import make_city

EXTRACT = "elder-health"
TABLES = (("place", "level"), ("gender", "level"), ("place", "managed"), ("gender", "place", "level"))
"""The aggregates whose sums are solved for the numbers that they hide."""
QUASI = ("age", "gender", "place")
COLUMNS = ("person", "age", "gender", "place", "level", "assessed_on", "managed")
KINDS = {"age": "age", "gender": "text", "place": "place"}
RAW = {"age": "year", "gender": "value", "place": "community"}


@dataclass(frozen=True)
class Change:
    """A record of the city as the feed tells it."""

    position: int
    type: str
    id: str
    resource: Resource
    scope: Scope
    kind: str = "create"
    version: int = 1


class Feed:
    """The city as a feed in memory."""

    identity = "reidentify"

    def __init__(self, resources: Sequence[Resource]) -> None:
        places = {one["id"]: _district(one) for one in resources if one["resourceType"] == "Patient"}
        self.changes = [
            Change(number, one["resourceType"], one["id"], one, _scope(one, places))
            for number, one in enumerate(resources, 1)
        ]

    async def feed(self, grant: Grant, after: int, limit: int = 1000) -> Sequence[Change]:
        """Return the changes after a position."""
        return self.changes[after : after + limit]

    async def feed_position(self) -> int:
        """Return the last position."""
        return len(self.changes)


def _district(resource: Resource) -> str:
    return next((one["valueCode"] for one in resource.get("extension", []) if one["url"] == DISTRICT), "")


def _scope(resource: Resource, places: dict[str, str]) -> Scope:
    if resource["resourceType"] == "Patient":
        return Scope(_district(resource), (), resource["id"])
    subject = resource.get("subject") or resource.get("patient") or {}
    patient = subject.get("reference", "").removeprefix("Patient/") if isinstance(subject, dict) else ""
    return Scope(places.get(patient, _district(resource)), (), patient)


@dataclass(frozen=True)
class Figures:
    """What the attempts came to."""

    people: int
    k: int
    left_out: int
    levels: dict[str, str]
    naive: Attempt
    ours: Attempt
    naive_two: Attempt
    ours_two: Attempt
    naive_hidden: int
    naive_recovered: int
    ours_hidden: int
    ours_recovered: int


def attempt(residents: int = 5000, seed: int = 20260101, targets: int = 500) -> Figures:
    """Return how the attacks go against the demo city of so many residents."""
    services = city_services()
    declaration = next(one for service in services for one in service.extracts if one.id == EXTRACT)
    values = {one.id: one.value for service in services for one in service.parameters}
    resources = list(make_city(residents, 2, seed, services))
    last = date.today().year - 1  # noqa: DTZ011 - the last whole year, whatever the zone
    start, end = date(last, 1, 1), date(last, 12, 31)
    with tempfile.TemporaryDirectory() as folder:
        views = Views(view for service in services for view in service.views)
        asyncio.run(ViewKeeper(Feed(resources), Path(folder), views).refresh())
        snapshot = Snapshot.open(Path(folder))
        everyone = extract_grant(system_grant("reidentify"), "990100")
        rows = snapshot.people(everyone, declaration, values, start, end, district="990100")
        snapshot.close()
    known = [
        Target(str(row["subject"]), {name: text_of(row[name]) for name in QUASI}, text_of(row["level"]))
        for row in rows
    ]
    chosen = random.Random(seed).sample(known, min(targets, len(known)))
    demand = Demand(
        int(LEAST_CLASS.value), int(LEAST_VALUES.value), MOST_DISTANCE.value / 100, MOST_LEFT_OUT.value / 100
    )
    terms = Terms(COLUMNS, "990100", demand, int(SMALL_CELL.value), 30, MARK_SHARE.value / 100)
    naive = _naive(rows, COLUMNS)
    ours, risk = _ours(declaration, rows, terms, b"first copy", ())
    fewer = replace(terms, columns=("person", "gender", "place", "level", "assessed_on", "managed"))
    second, _ = _ours(declaration, rows, fewer, b"second copy", (risk.levels,))
    tables = [replace(terms, columns=columns) for columns in TABLES]
    full = [aggregated(declaration, rows, one).rows for one in tables]
    bare = [_primary_alone(declaration, rows, one) for one in tables]
    return Figures(
        len(rows), risk.k, risk.left_out, dict(risk.levels),
        linked(naive, chosen), linked(ours, chosen),
        overlaid(naive, _naive(rows, fewer.columns), chosen), overlaid(ours, second, chosen),
        _hidden(bare), sum(recovered(one, SUPPRESSED) for one in bare),
        _hidden(full), sum(recovered(one, SUPPRESSED) for one in full),
    )  # fmt: skip


def _hidden(tables: Sequence[Sequence[Sequence[str]]]) -> int:
    return sum(1 for table in tables for row in table if row[-1] == SUPPRESSED)


def _naive(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> Published:
    """Return what is often taken for de-identified: no name, no number, all else as it is."""
    names = tuple(one for one in columns if one != "person")
    return Published(
        names,
        tuple(tuple(text_of(row[name]) for name in names) for row in rows),
        tuple(str(row["subject"]) for row in rows),
        {name: kind for name, kind in KINDS.items() if name in names},
        RAW,
        "level",
    )


def _ours(
    declaration: ExtractDeclaration,
    rows: list[dict[str, Any]],
    terms: Terms,
    secret: bytes,
    earlier: Sequence[Any],
) -> tuple[Published, Any]:
    made = deidentified(declaration, rows, terms, secret, earlier)
    owners = {pseudonym(secret, str(row["subject"])): str(row["subject"]) for row in rows}
    names = tuple(one.id for one in made.columns)
    published = Published(
        names[1:],
        tuple(row[1:] for row in made.rows),
        tuple(owners[row[0]] for row in made.rows),
        {name: kind for name, kind in KINDS.items() if name in names},
        made.risk.levels,
        "level",
        frozenset({"assessed_on"}),
    )
    return published, made.risk


def _primary_alone(
    declaration: ExtractDeclaration, rows: list[dict[str, Any]], terms: Terms
) -> list[tuple[str, ...]]:
    """Return the aggregate with its small numbers hidden and nothing else."""
    shown = aggregated(declaration, rows, replace(terms, threshold=1)).rows
    return [(*row[:-1], SUPPRESSED) if 0 < int(row[-1]) < terms.threshold else tuple(row) for row in shown]


def lines(found: Figures) -> list[tuple[str, str, str]]:
    """Return the figures as lines: the attack, the naive extract, ours."""
    total = found.naive.targets

    def share(count: int) -> str:
        return f"{count} / {total}"

    return [
        ("Chance to pick the right row, mean", f"{found.naive.success:.1%}", f"{found.ours.success:.1%}"),
        ("Told exactly", share(found.naive.exact), share(found.ours.exact)),
        ("Sensitive value learnt for certain", share(found.naive.learnt), share(found.ours.learnt)),
        (
            "Two copies joined: right pair, mean",
            f"{found.naive_two.success:.1%}",
            f"{found.ours_two.success:.1%}",
        ),
        ("Two copies joined: told exactly", share(found.naive_two.exact), share(found.ours_two.exact)),
        ("Two copies joined: value learnt", share(found.naive_two.learnt), share(found.ours_two.learnt)),
        (
            "Aggregates: hidden numbers recovered from the sums",
            f"{found.naive_recovered} / {found.naive_hidden}",
            f"{found.ours_recovered} / {found.ours_hidden}",
        ),
    ]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--residents", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=20260101)
    parser.add_argument("--targets", type=int, default=500)
    parser.add_argument("--markdown", action="store_true", help="a table for the documentation")
    given = parser.parse_args()
    found = attempt(given.residents, given.seed, given.targets)
    head = f"{found.people} older residents, k = {found.k}, {found.left_out} left out, levels {found.levels}"
    if given.markdown:
        sys.stdout.write(f"{head}\n\n| attack | naive | ours |\n|---|---|---|\n")
        sys.stdout.writelines(f"| {' | '.join(one)} |\n" for one in lines(found))
        return
    sys.stdout.write(head + "\n")
    sys.stdout.writelines(f"{name:52} {naive:>14} {ours:>14}\n" for name, naive, ours in lines(found))


if __name__ == "__main__":
    main()
