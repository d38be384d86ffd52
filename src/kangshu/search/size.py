"""How much one search may ask for: what is beyond is refused before a statement is made of it."""

from __future__ import annotations

from typing import Final

from kangshu.base.faults import TooLarge
from kangshu.search.model import (
    ChainClause,
    Clause,
    CompositeClause,
    DistrictClause,
    HasClause,
    IdClause,
    MissingClause,
    Query,
    UpdatedClause,
    ValueClause,
)

MOST_PARAMETERS: Final = 100
"""Parameters of one search, each chain counted with the references it goes through."""
MOST_VALUES: Final = 2_000
"""Alternatives of all parameters together; a statement takes 32,767 values."""
MOST_IDS: Final = 20_000
"""Ids of `_id`, which are one value of the statement."""
MOST_SORTS: Final = 8
MOST_INCLUDES: Final = 200


def check_size(query: Query) -> None:
    """Raise TooLarge when `query` asks for more than one search may."""
    parameters, values, ids = (sum(part) for part in zip(*map(_size, query.where), (0, 0, 0), strict=True))
    if (
        parameters > MOST_PARAMETERS
        or values > MOST_VALUES
        or ids > MOST_IDS
        or len(query.sort) > MOST_SORTS
        or len(query.includes) > MOST_INCLUDES
    ):
        raise TooLarge(
            f"one search has at most {MOST_PARAMETERS} parameters, {MOST_VALUES} values, {MOST_SORTS} sort keys "
            f"and {MOST_INCLUDES} includes; split it",
            zh=f"一次检索最多 {MOST_PARAMETERS} 个参数、{MOST_VALUES} 个取值、{MOST_SORTS} 个排序项、"
            f"{MOST_INCLUDES} 个关联项，请拆分检索",
        )


def _size(clause: Clause) -> tuple[int, int, int]:
    """Return how many parameters, values and ids `clause` holds."""
    match clause:
        case IdClause(ids):
            return 1, 0, len(ids)
        case UpdatedClause(values) | DistrictClause(values) | ValueClause(values=values):
            return 1, len(values), 0
        case CompositeClause(values=tuples):
            return 1, sum(map(len, tuples)), 0
        case ChainClause(alternatives=alternatives):
            parts = [_size(inner) for _, inner in alternatives]
            return (
                1 + sum(one[0] for one in parts),
                sum(one[1] for one in parts),
                sum(one[2] for one in parts),
            )
        case HasClause(clause=inner):
            one = _size(inner)
            return 1 + one[0], one[1], one[2]
        case MissingClause():
            return 1, 0, 0
