"""Measures that have no number yet: their lines under the list of measures, and the page of one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from starlette.responses import Response

from kangshu.api import awaited_reason, awaited_title, measures_awaited
from kangshu.sdk import AwaitedMeasure
from kangshu.web import figures
from kangshu.web.visit import Visit

_ORDER = ("register", "report", "statistics")


@dataclass(frozen=True, slots=True)
class AwaitedLine:
    """One measure without a number: what it waits for and what proves it then."""

    title: str
    definition: str
    address: str
    waits: str
    evidence: str
    unit: str


@dataclass(frozen=True, slots=True)
class AwaitedGroup:
    """The measures that wait for the same."""

    title: str
    rows: list[AwaitedLine]


def awaited_groups(visit: Visit) -> list[AwaitedGroup]:
    """Return the measures without a number by what they wait for, missing registers first by their system."""
    found = sorted(
        measures_awaited(visit.platform).values(),
        key=lambda one: (_ORDER.index(one.proof), one.system if one.proof == "register" else "", one.id),
    )
    return [
        AwaitedGroup(title, [awaited_line(visit, one) for one in rows])
        for title, rows in groupby(found, key=lambda one: visit.words.of(awaited_title(one)))
    ]


def awaited_line(visit: Visit, one: AwaitedMeasure) -> AwaitedLine:
    """Return a measure without a number for a template."""
    words = visit.words
    return AwaitedLine(
        words.of(one.title),
        words.of(one.definition),
        f"/measures/{one.id}",
        words.of(awaited_reason(one)),
        words.of(one.evidence),
        one.unit,
    )


def awaited_of(visit: Visit, id_: str) -> AwaitedMeasure | None:
    """Return the measure `id_` if it has no number yet."""
    return measures_awaited(visit.platform).get(id_)


def awaited_page(visit: Visit, one: AwaitedMeasure) -> Response:
    """Show a measure without a number: what it will count, what it waits for; nothing is evaluated."""
    return visit.render(
        "awaited_measure.html",
        one=awaited_line(visit, one),
        short=visit.words.of(awaited_title(one)),
        source=one.source,
        direction=figures.direction_text(visit.words, one),
    )
