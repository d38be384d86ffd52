"""The records of a register as its pictures need them: all that a filter admits, up to a limit, and where they are."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from kangshu.access import Grant
from kangshu.fhirpath import compile as compile_expression
from kangshu.registers.rows import RegisterRow
from kangshu.sdk import MapPicture, Resource
from kangshu.search import Query
from kangshu.store import Store


@dataclass(frozen=True, slots=True)
class Pictured:
    """Rows of a register, and in the same order (longitude, latitude) of each where it is known.

    `total` counts those beyond the limit too.
    """

    rows: tuple[RegisterRow, ...]
    places: tuple[tuple[float, float] | None, ...]
    total: int


def place_of(picture: MapPicture | None, resource: Resource) -> tuple[float, float] | None:
    """Return longitude and latitude of a record as its map picture says, None where either is unknown."""
    if picture is None:
        return None
    east, north = (
        compile_expression(one).evaluate(resource) for one in (picture.longitude, picture.latitude)
    )
    numbers = (
        isinstance(east[0], int | Decimal) and isinstance(north[0], int | Decimal)
        if east and north
        else False
    )
    return (float(east[0]), float(north[0])) if numbers else None


async def every_record(store: Store, grant: Grant, query: Query, most: int) -> tuple[list[Resource], int]:
    """Return the records that a search finds, at most `most`, and how many there are in all."""
    found: list[Resource] = []
    cursor: str | None = None
    total = 0
    while len(found) < most:
        page = await store.search(grant, query, cursor)
        found.extend(one.resource for one in page.entries)
        total, cursor = page.total if page.total is not None else total, page.next
        if cursor is None:
            break
    return found[:most], max(total, len(found))
