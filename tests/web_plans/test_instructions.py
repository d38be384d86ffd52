"""批示: from the leader's first screen to the plan office's worklist and back."""

from __future__ import annotations

import re
from contextlib import closing

import pytest

from tests.web.site import Site

from .asking import between, plain, send

OFFICE = "Organization/unit-development-reform"


def _waiting(site: Site) -> str:
    with closing(site.visitor("leader")) as leader:
        page = leader.get("/").text
    found = re.search(r"<h2>等待批示</h2>(.*?)</section>", page, re.S)
    assert found
    return found[1]


@pytest.mark.parametrize("role", ["plan", "clerk", "civil", "hospital", "resident", "admin"])
def test_only_a_leader_instructs(site: Site, role: str) -> None:
    target = re.findall(r'href="(/plans/[^"]+/instruct)"', _waiting(site))
    case = re.findall(r'href="(/cases/[^"]+/instruct)"', _waiting(site))
    with closing(site.visitor(role)) as other:
        for address in [*target[:1], *case[:1]]:
            assert other.get(address).status_code == 403
            assert ">批示<" not in other.get(address.removesuffix("/instruct")).text


def test_an_overdue_duty_is_instructed_on_carried_out_and_closed(site: Site) -> None:
    address = re.findall(r'href="(/cases/[^"]+/instruct)"', _waiting(site))[0]
    with closing(site.visitor("leader")) as leader, closing(site.visitor("plan")) as office:
        form = leader.get(address).text
        assert re.search(rf'<option value="{OFFICE}" selected', form)  # by default who supervises the duty
        assert send(leader, address, address, instruction=" ", receiver=OFFICE).status_code == 422
        assert send(leader, address, address, instruction="办", receiver="").status_code == 422
        past = {"instruction": "办", "receiver": OFFICE, "due": "2020-01-01"}
        assert send(leader, address, address, **past).status_code == 422
        made = send(leader, address, address, instruction="本周内签收并报进度", receiver=OFFICE)
        assert made.status_code == 303
        case = made.headers["location"].split("?")[0]
        assert address not in _waiting(site)
        assert "件批示正在落实" in _waiting(site)
        worklist = office.get("/worklist").text
        assert case in worklist
        assert re.search(r"批〔\d{4}〕\d{4}号", worklist)
        page = plain(office.get(case).text)
        assert "本周内签收并报进度" in page
        assert "规划原文" in page
        duty = plain(office.get(address.removesuffix("/instruct")).text)
        assert "领导批示 本周内签收并报进度" in duty
        assert send(office, case, f"{case}/moves/accept", contact="沈").status_code == 303
        passed = send(
            office, case, f"{case}/moves/pass-on", units="Organization/unit-civil-affairs", request="请配合"
        )
        assert passed.status_code == 303
        assert "还有责任单位未办结" in office.get(case).text
        with closing(site.visitor("civil")) as civil:
            child = re.findall(
                r'href="(/cases/[^"]+)"[^>]*>领导批示：', civil.get("/worklist").text
            ) or re.findall(r'href="(/cases/[^"]+)"', between_children(office.get(case).text))
            assert send(civil, child[0], f"{child[0]}/moves/accept").status_code == 303
            assert send(civil, child[0], f"{child[0]}/moves/report", opinion="已办").status_code == 303
        assert send(office, child[0], f"{child[0]}/moves/confirm").status_code == 303
        assert send(office, case, f"{case}/moves/report", result="已签收，月底完成").status_code == 303
        assert "已报告待阅" in plain(_waiting(site))
        assert send(leader, case, f"{case}/moves/again", comment="再报一次数据").status_code == 303
        assert send(office, case, f"{case}/moves/report", result="数据已补").status_code == 303
        assert send(leader, case, f"{case}/moves/close", comment="同意").status_code == 303
        assert "已阅结" in leader.get(case).text
    assert case not in _waiting(site)


def between_children(page: str) -> str:
    """Return the part of a case page that lists its children."""
    found = re.search(r"<h2>会签与配合单位</h2>(.*?)</section>", page, re.S)
    assert found
    return found[1]


def test_a_red_target_is_instructed_on_from_its_page(site: Site) -> None:
    address = re.findall(r'href="(/plans/[^"]+/instruct)"', _waiting(site))[0]
    target = address.removesuffix("/instruct")
    with closing(site.visitor("leader")) as leader, closing(site.visitor("plan")) as office:
        assert address in leader.get(target).text
        made = send(leader, address, address, instruction="请提出追赶方案", receiver=OFFICE)
        case = made.headers["location"].split("?")[0]
        assert "请提出追赶方案" in leader.get(target).text
        assert target in office.get(case).text
        before = between(office.get(target).text, "<h2>相关任务</h2>", "</section>")
        assert "领导批示" not in before  # an instruction is no duty of the clause
    assert address not in _waiting(site)


def test_without_a_kind_that_carries_it_nobody_instructs(site: Site) -> None:
    assert site.platform.cases.carrying("instruction") is not None
    assert site.platform.cases.carrying("nothing") is None
