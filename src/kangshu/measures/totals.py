"""The table of totals: what a page of many measures shows, rolled up from their atoms."""

# ruff: noqa: S608 - this file writes SQL: names are checked identifiers, texts are bound or quoted

from __future__ import annotations

from typing import Final

from kangshu.measures.atoms import MAIN, TOWN
from kangshu.measures.engine import quoted

LEVELS: Final = (0, 2, 4, 6, TOWN)
"""The divisions of the totals, by their digits; 0 is everything."""


def totals_sql(name: str, path: str) -> str:
    """Return the SELECT of the totals of one stored measure: name, dimension, value, place, level and the two sums.

    `dimension` is "" for the totals themselves, by every division; of a wide dimension there are its values in all.
    `path` is the quoted file of the atoms.
    """
    levels = " UNION ALL ".join(
        f"SELECT '' AS dimension, '' AS value, left(place, {digits}) AS place, {digits} AS level, "
        f"numerator, denominator FROM main WHERE length(place) >= {digits}"
        for digits in LEVELS
    )
    wide = (
        "SELECT kept AS dimension, wide_value AS value, '' AS place, 0 AS level, numerator, denominator "
        f"FROM atoms WHERE kept <> {quoted(MAIN)}"
    )
    return (
        f"SELECT {quoted(name)} AS name, dimension, value, place, level, sum(numerator) AS numerator, "
        "sum(denominator) AS denominator FROM ("
        f"WITH atoms AS (SELECT * FROM read_parquet({path})), "
        f"main AS (SELECT * FROM atoms WHERE kept = {quoted(MAIN)}) {levels} UNION ALL {wide}) GROUP BY ALL"
    )
