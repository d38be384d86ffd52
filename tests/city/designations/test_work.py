"""Designations as the engine runs them: the demo city's cases, a review that comes back, an objection from the public."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kangshu import accounts, plans
from kangshu.access import Grant, system_grant
from kangshu.base.faults import Unprocessable, Unsupported
from kangshu.base.parameters import ParameterTable
from kangshu.cases import Cases
from kangshu.sdk import ANY, DemoCase, DemoCity, DemoMove, Resource, Service, case_state, case_value
from kangshu.services import discover, draw_city, freeze, make_city, run_cases
from kangshu.store import Store

GRANT = system_grant("test")
OFFICE = "unit-development-reform"
ACTS = replace(GRANT, organisation=OFFICE, organisations=frozenset({OFFICE}))
SCORES = [{"score": 90, "reason": "好"}, {"score": 80, "reason": "可"}]


def services(*names: str) -> tuple[Service, ...]:
    return tuple(freeze(one) for one in discover("kangshu_services") if one.id in names)


def table(listed: tuple[Service, ...]) -> ParameterTable:
    own = (one for service in listed for one in service.parameters)
    return ParameterTable([*plans.PARAMETERS, *accounts.PARAMETERS, *own])


def applied(name: str, *moves: DemoMove, about: tuple[DemoMove, ...] = ()) -> DemoCase:
    """Return an application that the county has recommended, forty days ago, with `moves` after that."""
    form = {
        "site": "Location/site-chaoyin-town", "place_name": name, "district": "990103",
        "county": "government-990103", "self_assessment": "齐全",
    }  # fmt: skip
    values = {
        "authority": OFFICE, "unit": "government-990103", "level": "city",
        "kind": "ActivityDefinition/designation-themed-town",
    }  # fmt: skip
    begin = (DemoMove("apply", "", form, 1), DemoMove("recommend", "", {"county_opinion": "同意"}, 1))
    return DemoCase(
        "designations/designation", OFFICE, 40, values, moves=(*begin, *moves),
        about_moves={"experts/review": about} if about else {},
    )  # fmt: skip


async def ran(store: Store, listed: tuple[Service, ...], *cases: DemoCase) -> None:
    """Load the city and run these cases in place of the service's own; nothing may be refused."""

    def own(city: DemoCity) -> tuple[DemoCase, ...]:
        return cases

    mine = [replace(one, demo_cases=own if one.id == "designations" else None) for one in listed]
    await store.bulk_load(GRANT, list(make_city(120, 1, 5, listed)))
    done = await run_cases(store, mine, table(listed), draw_city(120, 1, 5))
    assert done.faults == ()


def reviewed() -> DemoCase:
    """Return an application that experts are asked about, who are drawn, score and conclude."""
    ask = {
        "review_office": OFFICE, "experts": 2, "fields": ["industry", "elder-care", "economics"],
        "criteria": [{"criterion": "产业", "weight": 60}, {"criterion": "特色", "weight": 40}],
    }  # fmt: skip
    review = (
        DemoMove("seal", "", {"number": 2}, 1),
        DemoMove("draw", "", {"witness": "监督员", "witness_words": "二月"}, 1),
        DemoMove("accept", "", {"no_conflict": True}, 1, on="scoring"),
        DemoMove("confirm", "", {}, 1),
        DemoMove("score", "", {"scores": SCORES, "opinion": "同意"}, 1, on="scoring"),
        DemoMove("score", "", {}, 1),
        DemoMove("conclude", "", {"chair": ANY, "conclusion": "passed", "opinion": "建议考察"}, 1),
        DemoMove("sign", "", {"agreed": True}, 1, on="signature"),
    )
    return applied("评审小镇", DemoMove("ask-experts", OFFICE, ask, 1), about=review)


def noticed(name: str) -> DemoCase:
    """Return an application under public notice."""
    score = {"scores": [{"criterion": "产业", "weight": 1, "score": 90}], "panel": "三人", "opinion": "同意"}
    visit = {"visit_day": "2026-01-05", "visitors": "两人", "findings": "相符", "visit_passed": True}
    return applied(
        name,
        DemoMove("score", OFFICE, score, 1),
        DemoMove("visit", OFFICE, visit, 1),
        DemoMove("notice", OFFICE, {"overlap": "类别不同"}, 1),
    )


async def named(store: Store, name: str) -> Resource:
    """Return the designation of a place as it now stands."""
    found = await store.search_all(GRANT, "Task", "code=designations/designation")
    return next(one for one in found if case_value(one, "place_name") == name)


async def objected(cases: Cases, case: Resource, who: Grant) -> str:
    """Start an objection to a notice; return its id."""
    said = {"name": "某市民", "contact": "13800000000", "reason": "面积不实"}
    made = await cases.start(who, "designations/objection", said, receiver=OFFICE, focus=f"Task/{case['id']}")
    return made.id


async def test_reviews_and_objections_come_back_to_the_designation(store: Store) -> None:
    listed = services("designations", "experts")
    if len(listed) < 2:
        pytest.skip("no service carries a review")
    await ran(store, listed, reviewed(), noticed("甲小镇"), noticed("乙小镇"))

    # what the experts conclude is the score
    case = await named(store, "评审小镇")
    assert case_state(case) == "scored"
    assert (case_value(case, "average"), case_value(case, "opinion")) == (86, "建议考察")
    (asked,) = await store.search_all(GRANT, "Task", "code=experts/review")
    assert asked["requester"]["reference"] == f"Organization/{OFFICE}"

    # an open objection holds the designation up
    cases = Cases(
        store, [one for service in listed for one in service.cases], table(listed), jurisdiction="990100"
    )
    case = await named(store, "甲小镇")
    objection = await objected(cases, case, GRANT)
    plaque = {"plaque": "YX-2026-777", "document": "云发改〔2026〕7号"}
    with pytest.raises(Unprocessable, match="objection"):
        await cases.move(ACTS, str(case["id"]), "designate", plaque)
    await cases.move(ACTS, objection, "dismiss", {"comment": "核实无误"})
    with pytest.raises(Unsupported):  # nobody makes documents here: all else has held
        await cases.move(ACTS, str(case["id"]), "designate", plaque)

    # one that stands sends it back to the visit
    case = await named(store, "乙小镇")
    objection = await objected(cases, case, GRANT)
    await cases.move(ACTS, objection, "uphold", {"comment": "面积确有出入"})
    assert case_state(await named(store, "乙小镇")) == "scored"
