"""填报与审核: a unit reports with evidence, another accepts or returns, only what is accepted lights the target."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import date, timedelta

import httpx
import pytest

from kangshu.base.clock import today
from tests.web.site import Site, token_of

from .asking import between, plain, send

YESTERDAY = (today() - timedelta(days=1)).isoformat()


@pytest.fixture(scope="module")
def target(site: Site, own: str) -> str:
    """The page of the target of 800 trained carers, which civil affairs leads: the plan office lets it be reported."""
    with closing(site.visitor("plan")) as office:
        found = re.findall(
            rf'href="(/plans/{own}/targets/target-\d+)">培训护理员', office.get(f"/plans/{own}").text
        )
        assert found
        decided = send(office, found[0], f"{found[0]}/evidence", kind="reported", note="台账建成前填报")
        assert decided.status_code == 303
    with closing(site.visitor("civil")) as civil:
        assert found[0] in civil.get("/reports").text
    return str(found[0])


def _report(client: httpx.Client, target: str, **form: str) -> httpx.Response:
    given = {"value": "650", "day": YESTERDAY, "evidence": "培训台账", **form}
    return send(client, target, f"{target}/report", **given)


def _waiting(client: httpx.Client, target: str) -> list[str]:
    return re.findall(rf'action="{target}/reports/([^/"]+)/accept"', client.get("/reports").text)


def test_the_first_screen_leads_to_what_is_to_report(site: Site, target: str) -> None:
    with closing(site.visitor("civil")) as civil:
        page = civil.get("/").text
        assert "本月应填报的目标" in page
        assert "/reports" in page
        form = civil.get(f"{target}?act=report").text
    assert re.search(r'<details class="move" open><summary>填报实际值', form)


def test_wrong_figures_days_and_evidence_are_told_and_kept(site: Site, target: str) -> None:
    later = date(2099, 1, 1).isoformat()
    with closing(site.visitor("civil")) as civil:
        for form, said in (
            ({"value": "很多"}, "数值应为数字"),
            ({"day": later}, "填报日期不能晚于今天"),
            ({"day": "昨天"}, "日期格式"),
            ({"evidence": " "}, "填报须注明依据"),
        ):
            answer = _report(civil, target, **form)
            assert answer.status_code == 422
            assert said in answer.text
        assert 'value="很多"' in _report(civil, target, value="很多").text


def test_a_unit_that_is_not_of_the_clause_reports_nothing(site: Site, target: str) -> None:
    for role in ("hospital", "statistics", "leader"):
        with closing(site.visitor(role)) as other:
            assert "填报实际值" not in other.get(target).text
            assert _report(other, target).status_code == 403


def test_returned_reported_again_and_accepted(site: Site, target: str) -> None:
    with closing(site.visitor("civil")) as civil, closing(site.visitor("plan")) as office:
        token = token_of(civil.get(target).text)
        made = civil.post(
            f"{target}/report",
            data={"_token": token, "value": "650", "day": YESTERDAY, "evidence": "培训台账"},
            files={"files": ("台账.txt", "甲、乙".encode())},
        )
        assert made.status_code == 303
        assert "当前值" in civil.get(target).text
        assert "等待责任单位填报" in civil.get(target).text  # what is submitted lights nothing
        (report,) = _waiting(office, target)
        attached = re.findall(r'href="(/files/[^"]+)"', office.get("/reports").text)
        assert office.get(attached[0].removesuffix("/preview")).content == "甲、乙".encode()
        with closing(site.visitor("resident")) as resident:
            assert resident.get(attached[0]).status_code == 404
        # who reports does not review; a return needs its reason
        assert send(civil, target, f"{target}/reports/{report}/accept").status_code == 403
        assert send(office, "/reports", f"{target}/reports/{report}/return").status_code == 422
        returned = send(office, "/reports", f"{target}/reports/{report}/return", comment="请分区列明")
        assert returned.status_code == 303
        page = civil.get("/reports").text
        assert "退回重报" in page
        assert "请分区列明" in page
        assert _report(civil, target, value="700", evidence="分区台账").status_code == 303
        assert "培训护理员" not in between(
            civil.get("/reports").text, '<section class="card" id="due">', "</section>"
        )
        (again,) = _waiting(office, target)
        assert (
            send(office, "/reports", f"{target}/reports/{again}/accept", **{"from": "reports"})
            .headers["location"]
            .startswith("/reports")
        )
        page = plain(civil.get(target).text)
    assert "实际值700人次，目标800人次" in page
    assert "亮灯所用" in page
    assert "请分区列明" in page
    assert page.index("700人次 ·") < page.index("650人次 ·")
    with closing(site.visitor("plan")) as office:
        assert send(office, target, f"{target}/reports/{again}/return", comment="晚了").status_code == 409
