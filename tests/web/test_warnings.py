"""预警中心: raised once, told with it, ended by itself; who sees which; nothing lost when the worker dies."""

from __future__ import annotations

import asyncio
import re
from contextlib import closing
from dataclasses import replace
from typing import Any

from kangshu.access import system_grant
from kangshu.api import warnings_seen
from kangshu.base.canonical import CASE_KIND
from kangshu.base.clock import today
from kangshu.base.parameters import ParameterVersion
from kangshu.cases import inputs
from kangshu.warnings import cause_of

from .site import Site

SYSTEM = system_grant("test")


def _tasks(site: Site) -> list[dict[str, Any]]:
    kind = site.platform.warnings.kind
    assert kind is not None
    return site.run(site.platform.store.search_all(SYSTEM, "Task", f"code={CASE_KIND}|{kind.code}"))


def _notices(site: Site, owner: str) -> list[dict[str, Any]]:
    return site.run(site.platform.store.search_all(SYSTEM, "Communication", f"recipient={owner}"))


def test_each_cause_is_raised_once_and_told_with_it(site: Site) -> None:
    site.run(site.platform.warnings.look())  # what other tests of this city have caused
    before = _tasks(site)
    assert before, "the demo city warns of something"
    assert len({cause_of(one) for one in before}) == len(before)
    site.run(site.platform.warnings.look())
    assert len(_tasks(site)) == len(before), "looking again raises nothing"
    for task in before:
        owner = str(inputs(task)["first_owner"])
        about = [
            one
            for one in _notices(site, owner)
            if any(each["reference"] == f"Task/{task['id']}" for each in one["about"])
        ]
        assert about, f"{owner} was told"
        assert {"place", "rule", "as_of"} & inputs(task).keys()
    states = site.run(site.platform.warnings.states())
    assert {code: one.fault for code, one in states.items() if one.fault} == {}
    assert states.keys() == {one.code for one in site.platform.warnings.rules}


def test_a_warning_shows_no_person_and_no_small_number(site: Site) -> None:
    for task in _tasks(site):
        said = f"{task['description']} {inputs(task).get('reason')}"
        assert "Patient/" not in said
        count = inputs(task).get("count")
        rule = next(one for one in site.platform.warnings.rules if one.code == inputs(task)["rule"])
        if count is not None and rule.list and not rule.each:
            people = "人。" in str(inputs(task).get("reason"))
            assert not people or int(count) >= site.platform.snapshot().least_shown


def test_who_sees_which(site: Site) -> None:
    """A warning is its parties', and of those who oversee: another institution's is not there."""
    opened = site.run(warnings_seen(site.platform, SYSTEM))
    for name in ("civil", "elder", "leader", "statistics"):
        grant = site.run(site.platform.accounts.open_grant(name))
        seen = {one.row.id for one in site.run(warnings_seen(site.platform, grant))}
        with closing(site.visitor(name)) as client:
            page = client.get("/warnings").text
            for one in opened[::7]:
                answer = client.get(f"/warnings/{one.row.id}")
                assert answer.status_code == (200 if one.row.id in seen else 404), (name, one.row.id)
                assert (f"/warnings/{one.row.id}" in page) <= (one.row.id in seen)
    with closing(site.visitor("resident")) as client:
        assert client.get("/warnings").status_code == 403
        assert client.get(f"/warnings/{opened[0].row.id}").status_code == 403


def test_pages_say_why_who_was_told_and_what_to_do(site: Site) -> None:
    with closing(site.visitor("civil")) as client:
        page = client.get("/warnings").text
        ids = re.findall(r'href="/warnings/([0-9a-f-]{8,})"', page)
        assert ids
        one = client.get(f"/warnings/{ids[0]}").text
        for said in ("处置要求", "告知了谁", "谁办了什么", "我可以办理"):
            assert said in one
        rules = client.get("/warnings/rules").text
        assert "待核实" in rules
        assert client.get(f"/cases/{ids[0]}").status_code == 200


def test_a_parameter_ends_and_begins_a_warning(own_site: Site) -> None:
    """A limit of another day: what no longer exceeds it ends by itself and says so, and what then does begins."""
    site = own_site
    table, warnings = site.platform.parameters, site.platform.warnings
    rule = next(one for one in warnings.rules if one.test == "above" and one.parameter and one.measure)
    low = table.version(rule.parameter, site.platform.settings.jurisdiction, today())
    given = replace(low, valid_from=today(), source="test")
    table.enter(replace(given, value=-1))
    site.run(warnings.look())
    raised = [one for one in _tasks(site) if inputs(one)["rule"] == rule.code]
    assert raised
    assert all(_state(one) != "ended" for one in raised)
    table.enter(replace(given, value=10**9))
    site.run(warnings.look())
    over = [one for one in _tasks(site) if inputs(one)["rule"] == rule.code]
    assert {_state(one) for one in over} == {"ended"}
    assert len(over) == len(raised)
    assert all("消除" in str(one["note"][-1]["text"]) or "消除" in str(one) for one in over)


def test_what_people_closed_is_not_raised_again_for_a_while(own_site: Site) -> None:
    site, warnings = own_site, own_site.platform.warnings
    line = next(
        one
        for one in site.run(warnings_seen(site.platform, SYSTEM))
        if one.row.requester and one.row.state == "raised"
    )
    office = replace(SYSTEM, organisation=line.row.requester, organisations=frozenset({line.row.requester}))
    values = {"closed_for": "false-alarm", "comment": "数据有误"}
    site.run(site.platform.cases.move(office, line.row.id, "close", values))
    count = len(_tasks(site))
    site.run(warnings.look())
    assert len(_tasks(site)) == count


def test_a_look_that_dies_anywhere_leaves_nothing_untold_and_nothing_twice(own_site: Site) -> None:
    """The worker is cut off at many points of its work; the next look ends what it began."""
    site, platform = own_site, own_site.platform
    _lower_all_limits(site)

    async def cut_off(after: float) -> None:
        task = asyncio.ensure_future(platform.warnings.look())
        await asyncio.sleep(after)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    for number in range(12):
        site.run(cut_off(0.05 + 0.07 * number))
    site.run(platform.warnings.look())
    tasks = [one for one in _tasks(site) if _state(one) not in ("ended", "closed")]
    causes = [cause_of(one) for one in tasks]
    assert len(causes) == len(set(causes)), "no cause is raised twice"
    for one in tasks:
        told = _notices(site, str(inputs(one)["first_owner"]))
        first = [
            notice
            for notice in told
            if any(each["reference"] == f"Task/{one['id']}" for each in notice["about"])
            and "请签收并处置" in str(notice["payload"])
        ]
        assert len(first) == 1, "told, and told once"


def _lower_all_limits(site: Site) -> None:
    """Let every rule with a limit from above warn of whatever it can."""
    table = site.platform.parameters
    for rule in site.platform.warnings.rules:
        if rule.test == "above" and rule.parameter:
            version = table.version(rule.parameter, site.platform.settings.jurisdiction, today())
            lowest: ParameterVersion = replace(version, value=-1, valid_from=today(), source="test")
            table.enter(lowest)


def _state(task: dict[str, Any]) -> str:
    return str(task["businessStatus"]["coding"][0]["code"])
