"""The demo city whole: loaded, its plan imported and linked, its cases run by the real engine."""

from __future__ import annotations

from collections import Counter

from kangshu import accounts, plans
from kangshu.access import system_grant
from kangshu.app.wiring import city_services
from kangshu.base.clock import today
from kangshu.base.parameters import ParameterTable
from kangshu.cases import Cases
from kangshu.plans import Plans, sample_plan
from kangshu.services.city import draw_city, make_city
from kangshu.services.city.running import run_cases
from kangshu.store import Store

SERVICES = city_services()
GRANT = system_grant("test")


async def test_every_demo_case_runs_without_a_fault(store: Store) -> None:
    await store.bulk_load(GRANT, list(make_city(300, 1, 5, SERVICES)))
    table = ParameterTable(
        [
            *plans.PARAMETERS,
            *accounts.PARAMETERS,
            *(one for service in SERVICES for one in service.parameters),
        ]
    )
    cases = Cases(store, [one for service in SERVICES for one in service.cases], table, jurisdiction="990100")
    room = Plans(
        store,
        cases,
        table,
        jurisdiction="990100",
        measures=[one for service in SERVICES for one in service.measures],
    )
    name, data = sample_plan()
    made = await room.import_plan(GRANT, data, name, demo=True)
    linked = await room.link_all(GRANT, made.plan)
    view = await room.plan(GRANT, made.plan)
    measures = {one.measure for one in view.targets if one.measure}
    assert linked >= len(measures)
    # targets of other cities' plans have measures too, which the sample plan does not ask for
    assert len(measures & {one.id for service in SERVICES for one in service.measures if one.targets}) >= 12

    ran = await run_cases(store, SERVICES, table, draw_city(300, 1, 5), plan=made.plan)
    assert ran.faults == ()
    assert ran.cases >= 40
    assert ran.moves > ran.cases
    tasks = await store.search_all(GRANT, "Task", "")
    assert all(task["meta"]["tag"][-1]["code"] == "demo" for task in tasks)
    assert all(task["authoredOn"][:10] <= today().isoformat() for task in tasks)
    rows = await cases.worklist(GRANT, "all", limit=500)
    kinds = Counter(row.code for row in rows)
    assert len(kinds) >= 3
    assert any(row.urgency == "overdue" for row in rows)
    view = await room.plan(GRANT, made.plan)
    assert sum(1 for clause in view.clauses if clause.duties) >= 10
