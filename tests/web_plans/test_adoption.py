"""采纳: another city's plan shows no value of ours, a preview writes nothing, what is adopted is our own."""

from __future__ import annotations

from contextlib import closing

import pytest

from kangshu.access import system_grant
from tests.web.site import Site

from .asking import plain, send


def _plans(site: Site) -> int:
    return len(site.run(site.platform.store.search_all(system_grant("test"), "PlanDefinition", "")))


def test_a_foreign_plan_shows_targets_without_values(site: Site, foreign: str) -> None:
    with closing(site.visitor("leader")) as leader:
        page = plain(leader.get(f"/plans/{foreign}").text)
        target = leader.get(f"/plans/{foreign}/targets/target-001").text
    assert "养老机构护理型床位占比 60%" in page
    assert "当前值" not in page
    assert "预览采纳" not in page  # a leader does not adopt
    assert "不显示本市数值" in target
    assert "批示" not in plain(target).split("规划目标")[1]


@pytest.mark.parametrize("role", ["leader", "clerk", "civil", "resident", "admin"])
def test_only_the_plan_office_adopts(site: Site, foreign: str, role: str) -> None:
    with closing(site.visitor(role)) as other:
        assert other.get(f"/plans/{foreign}/adopt?clause=clause-001").status_code == 403


def test_preview_then_adopt_clause_by_clause(site: Site, foreign: str) -> None:
    before = _plans(site)
    with closing(site.visitor("plan")) as office:
        chosen = f"/plans/{foreign}/adopt?clause=clause-001&clause=clause-003"
        page = office.get(chosen)
        text = plain(page.text)
        assert "市民政局 → 云汐市民政局" in text
        assert "市海洋康养专班 → 待确认" in text
        assert "养老机构护理型床位占比 60%" in text
        assert "将新建上述规划" in text
        assert _plans(site) == before
        assert office.get(f"/plans/{foreign}/adopt").status_code == 422
        assert office.get(f"/plans/{foreign}/adopt?clause=clause-999").status_code == 404
        made = office.post(
            f"/plans/{foreign}/adopt",
            data={"_token": _token(page.text), "action": ["clause-001", "clause-003"]},
        )
        assert made.status_code == 303
        assert _plans(site) == before + 1
        ours = made.headers["location"].split("?")[0]
        board = plain(office.get(ours).text)
        assert "康养旅居基地" in board
        assert "培训护理员" not in board
        theirs = plain(office.get(f"/plans/{foreign}").text)
        assert theirs.count("已采纳 ") >= 2
        again = plain(office.get(chosen).text)
        assert "有 2 条此前已采纳" in again
        assert "没有新的内容可以采纳" in again
        assert send(office, f"{ours}", f"{ours}/adopt", action="clause-001").status_code == 422


def _token(page: str) -> str:
    return page.split('name="_token" value="')[1].split('"')[0]
