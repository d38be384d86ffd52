"""What a case looks up: only where its criteria are whole, and as rows of a table."""

from __future__ import annotations

from datetime import date

from kangshu.base.parameters import ParameterTable
from kangshu.base.working_days import china
from kangshu.cases import Terms
from kangshu.cases.records import Reach, looked_up, records_found, rows_of
from kangshu.sdk import CaseRecords, Resource

STAYS = CaseRecords(
    "living", "EpisodeOfCare", "organization=${owner}&status=active", {"resident": "patient.reference"}
)
HOME = CaseRecords("home", "Organization", "_id=${owner.id}")
TASK: Resource = {"resourceType": "Task", "id": "t", "owner": {"reference": "Organization/home-1"}}


class Asked:
    """A search that keeps what it was asked."""

    def __init__(self) -> None:
        self.queries: list[tuple[str, str]] = []

    async def __call__(self, kind: str, criteria: str) -> list[Resource]:
        self.queries.append((kind, criteria))
        return [{"resourceType": kind, "id": "one", "patient": {"reference": "Patient/p"}}]

    @property
    def reach(self) -> Reach:
        return Reach(self, self._count, Terms(ParameterTable([]), china()), "990100", date(2026, 7, 1))

    async def _count(self, kind: str, criteria: str) -> int:
        return len(await self(kind, criteria))


async def test_criteria_are_filled_from_the_case() -> None:
    asked = Asked()
    await records_found(STAYS, TASK, {}, asked.reach)
    await records_found(HOME, TASK, {}, asked.reach)
    assert asked.queries == [
        ("EpisodeOfCare", "organization=Organization/home-1&status=active"),
        ("Organization", "_id=home-1"),
    ]


async def test_without_a_value_nothing_is_looked_up() -> None:
    asked = Asked()
    assert await records_found(STAYS, {"resourceType": "Task", "id": "t"}, {}, asked.reach) == []
    assert asked.queries == []


async def test_only_what_an_expression_names_is_looked_up() -> None:
    asked = Asked()
    found = await looked_up((STAYS, HOME), ("%living.empty()", "%values.plan"), TASK, {}, asked.reach)
    assert list(found) == ["living"]


def test_records_give_rows_of_a_table() -> None:
    records: list[Resource] = [{"resourceType": "EpisodeOfCare", "patient": {"reference": "Patient/p"}}]
    assert rows_of(STAYS, records) == [{"resident": "Patient/p"}]
