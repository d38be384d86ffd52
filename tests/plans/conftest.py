"""A city of sixty people with its organisations, and the plans room on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date

import pytest_asyncio

from kangshu.access import Grant, system_grant
from kangshu.base.parameters import ParameterTable
from kangshu.cases import Cases
from kangshu.measures import MeasureResult
from kangshu.plans import PARAMETERS, Plans
from kangshu.sdk import CaseDeclaration, Field, MeasureDeclaration, Move, State, Text
from kangshu.services.city import make_city
from kangshu.store import Store

CITY = "990100"

DUTY = CaseDeclaration(
    id="duty",
    service="supervision",
    title=Text("交办事项", "Duty"),
    systems=(),
    initial="assigned",
    start_by=("operation:plan.assign",),
    form=(
        Field("receiver", Text("牵头单位", "Lead"), "organisation", required=True),
        Field("content", Text("内容", "Content"), "paragraph", required=True),
        Field("co_units", Text("配合单位", "Co-units"), "organisation", many=True),
        Field("due", Text("期限", "Due"), "date"),
    ),
    states=(
        State("assigned", Text("待签收", "Assigned"), "requested"),
        State("done", Text("已办结", "Done"), "completed", final=True),
    ),
    moves=(
        Move("finish", Text("办结", "Finish"), ("assigned",), "done", ("owner",)),
        Move(
            "change",
            Text("调整任务", "Change"),
            ("assigned",),
            "stay",
            ("operation:plan.assign",),
            form=(
                Field("content", Text("内容", "Content"), "paragraph", required=True),
                Field("comment", Text("依据", "Basis"), "paragraph", required=True),
            ),
        ),
    ),
    effects=({"child": "part", "each": "${co_units}", "values": {"content": "${content}"}},),
    carries="duty",
)
PART = CaseDeclaration(
    id="part",
    service="supervision",
    title=Text("会签", "Part"),
    systems=(),
    initial="assigned",
    start_by=("system",),
    form=(Field("content", Text("内容", "Content"), "paragraph", required=True),),
    states=(State("assigned", Text("待签收", "Assigned"), "requested"),),
    moves=(),
)


def measure(identifier: str, matches: tuple[str, ...], unit: str = "%") -> MeasureDeclaration:
    """Return a measure of which the plans room only needs its words and unit."""
    text = Text(identifier, identifier)
    return MeasureDeclaration(
        identifier,
        "toy",
        text,
        text,
        (),
        (),
        "proportion",
        100,
        unit,
        "increase",
        "year",
        (),
        (),
        "",
        (),
        "",
        matches,
    )


MEASURES = (
    measure("beds", (r"护理型床位占比",)),
    measure("signed", (r"60岁以上老年人家庭医生签约",)),
    measure("secondary", (r"二级医疗机构.{0,14}号源",)),
    measure("doctors", (r"每万名.{0,6}全科医生",), "名/万人"),
)


@dataclass(slots=True)
class Room:
    """The plans room, what it stands on, and the numbers that its measures have."""

    store: Store
    cases: Cases
    plans: Plans
    grant: Grant
    numbers: dict[str, float]

    def acting_for(self, organisation: str, account: str = "clerk") -> Grant:
        """Return a grant that may do all on behalf of `organisation`."""
        return replace(
            self.grant, account=account, organisation=organisation, organisations=frozenset({organisation})
        )


@pytest_asyncio.fixture
async def room(database_url: str) -> AsyncIterator[Room]:
    """Yield the room on a city of sixty people."""
    store = await Store.open(database_url)
    table = ParameterTable(PARAMETERS)
    cases = Cases(store, (DUTY, PART), table, jurisdiction=CITY)
    numbers: dict[str, float] = {}

    def value(grant: Grant, asked: MeasureDeclaration, day: date) -> MeasureResult | None:
        if asked.id not in numbers:
            return None
        number = numbers[asked.id]
        return MeasureResult(asked.id, number, number, 100.0, day, day, 1, f"{day}T00:00:00Z")

    plans = Plans(store, cases, table, jurisdiction=CITY, measures=MEASURES, values=value)
    office = replace(
        system_grant("test"),
        account="office",
        organisation="unit-health-commission",
        organisations=frozenset({"unit-health-commission"}),
    )
    await store.bulk_load(system_grant("test"), list(make_city(60, 1, 1)))
    try:
        yield Room(store, cases, plans, office, numbers)
    finally:
        await store.close()
