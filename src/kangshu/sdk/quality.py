"""Rules of data quality (数据质量规则) that a service declares of its records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from kangshu.base.text import Text
from kangshu.sdk.lists import ListColumn
from kangshu.sdk.measures import WorkedExample

QUALITY: Final = "quality"
"""`over` of a measure or list: its SQL reads the relation of this name, the rows of every rule."""
QUALITY_KINDS: Final = {
    "completeness": Text("完整性", "completeness"),
    "timeliness": Text("及时性", "timeliness"),
    "consistency": Text("一致性", "consistency"),
    "uniqueness": Text("唯一性", "uniqueness"),
}


@dataclass(frozen=True, slots=True)
class QualityRule:
    """What must hold of each record of a kind, and what whoever sent it has to do where it does not.

    `sql` (DuckDB) yields one row per record that is checked: `subject` ("Type/id"), `institution` ("Organization/x",
    NULL where the record does not tell who sent it), `district`, `fault` (boolean; NULL where it cannot be told, which
    counts in neither part) and the columns that its list shows. The platform makes of it the measure `quality-<id>` (the
    share of records that hold, by institution) and the list `quality-<id>` (those that do not), and feeds the relation
    `quality` of which measures and lists over all rules are made.
    """

    id: str
    service: str
    title: Text
    """What holds of a good record."""
    fault: Text
    """What is wrong with the others: the list's title."""
    kind: Literal["completeness", "timeliness", "consistency", "uniqueness"]
    records: str
    """Of which records it is; rules of the same records say the same id."""
    record_title: Text
    element: Text
    """The element that is missing, late or wrong."""
    advice: Text
    """What to do."""
    systems: tuple[str, ...]
    subject: str
    period: Literal["instant", "year"]
    views: tuple[str, ...]
    parameters: tuple[str, ...]
    sql: str
    columns: tuple[ListColumn, ...]
    source: str
    examples: tuple[WorkedExample, ...] = ()

    @property
    def measure(self) -> str:
        """Return the id of the measure and of the list that the platform makes of it."""
        return f"quality-{self.id}"
