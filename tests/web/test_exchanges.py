"""Public notices, objections and the bank's file, through the pages, as the people whose turn it is."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Any

import httpx
import pytest

from kangshu.access import system_grant
from kangshu.base.clock import now
from kangshu.base.faults import Unprocessable

from .site import Site, token_of

SYSTEM = system_grant("test")
VALUES = {
    "subsidy": "construction", "receiver": "Organization/office-990102003", "beds_new": 20, "payee": "桂苑老年公寓",
    "accepted_on": "2026-04-01", "bank": "农商行", "account": "62280000900000009", "declaration": True,
}  # fmt: skip
SEEN = {
    "visited_on": "2026-05-01", "visitors": "两人", "beds_seen": 60, "people_seen": 9, "visit_result": "一致",
    "doubts_cleared": "新增床位正在登记",
}  # fmt: skip


def claim(site: Site, *moves: tuple[str, dict[str, Any]]) -> str:
    """Return a new claim after the given moves."""
    cases = site.platform.cases
    home = replace(SYSTEM, organisation="elder-guiyuan", organisations=frozenset({"elder-guiyuan"}))
    task = site.run(cases.start(home, "elder_subsidies/claim", VALUES)).id
    for move, values in moves:
        held = site.run(site.platform.store.read(SYSTEM, "Task", task)).resource
        owner = held["owner"]["reference"].removeprefix("Organization/")
        site.run(
            cases.move(
                replace(SYSTEM, organisation=owner, organisations=frozenset({owner})), task, move, values
            )
        )
    return task


NOTICED = (
    ("check", {"authority": "Organization/unit-civil-affairs", "check_opinion": "齐全"}),
    ("verify", SEEN),
    ("notice", {"payer": "Organization/unit-finance", "decision": "同意"}),
)


def state(site: Site, task: str) -> str:
    held = site.run(site.platform.store.read(SYSTEM, "Task", task)).resource
    return str(held["businessStatus"]["coding"][0]["code"])


def pass_deadline(site: Site, task: str) -> None:
    held = site.run(site.platform.store.read(SYSTEM, "Task", task)).resource
    held["restriction"]["period"]["end"] = "2026-01-05T23:59:59+08:00"
    site.run(site.platform.store.update(SYSTEM, held))


def by_itself(site: Site, task: str) -> None:
    """Make the move that the system makes when the notice is over."""
    site.run(site.platform.cases.move(SYSTEM, task, "approve", {}))


def test_a_notice_is_masked_for_everybody_and_taken_down_by_itself(site: Site) -> None:
    task = claim(site, *NOTICED)
    with site.visitor() as nobody:
        page = nobody.get(f"/public/notices/{task}")
        assert page.status_code == 200
        assert "桂苑老年公寓" in page.text
        assert "30000" in page.text
        assert VALUES["account"] not in page.text
        assert page.headers["cache-control"] == "no-store"
        assert "noindex" in page.headers["x-robots-tag"]
        assert "set-cookie" not in page.headers
        assert f"/public/notices/{task}" in nobody.get("/public/notices").text
        pass_deadline(site, task)
        # the last day is over: taken down before the system has moved the case
        assert nobody.get(f"/public/notices/{task}").status_code == 404
        assert f"/public/notices/{task}" not in nobody.get("/public/notices").text
    by_itself(site, task)
    assert state(site, task) == "approved"


def test_anybody_may_object_and_an_open_objection_holds_the_money(site: Site) -> None:
    task = claim(site, *NOTICED)
    with site.visitor() as nobody:
        form = f"/public/notices/{task}/object"
        token = token_of(nobody.get(form).text)
        assert (
            nobody.post(form, data={"name": "王某", "contact": "1", "reason": "没有建成"}).status_code == 403
        )
        refused = nobody.post(form, data={"_token": token, "name": "王某"})
        assert refused.status_code == 422
        sent = nobody.post(
            form, data={"_token": token, "name": "王某", "contact": "1390", "reason": "没有建成"}
        )
        assert sent.status_code == 200
        assert re.search(r"异〔\d{4}〕\d{4}号", sent.text)
    pass_deadline(site, task)
    with pytest.raises(Unprocessable):
        by_itself(site, task)
    assert state(site, task) == "noticed"
    found = site.run(site.platform.store.search_all(SYSTEM, "Task", f"focus=Task/{task}"))
    assert [one["owner"]["reference"] for one in found] == ["Organization/unit-civil-affairs"]


@pytest.mark.parametrize("state_of_case", [(), NOTICED[:1]], ids=["submitted", "checked"])
def test_what_is_not_noticed_is_not_public(site: Site, state_of_case: tuple[Any, ...]) -> None:
    task = claim(site, *state_of_case)
    with site.visitor() as nobody:
        for address in (f"/public/notices/{task}", f"/public/notices/{task}/object"):
            assert nobody.get(address).status_code == 404


def sent_file(finance: httpx.Client, tasks: list[str]) -> tuple[str, str, bytes]:
    """Return the batch's address, its number and its file, as the finance office gets them."""
    page = finance.get("/exchanges/elder_subsidies/bank")
    answer = finance.post(
        "/exchanges/elder_subsidies/bank/send", data={"_token": token_of(page.text), "id": tasks}
    )
    assert answer.status_code == 303, answer.text[-1500:]
    address = answer.headers["location"].partition("?")[0]
    return address, address.rpartition("/")[2], finance.get(f"{address}/file").content


def read_in(finance: httpx.Client, name: str, rows: list[list[str]], encoding: str = "gb18030") -> str:
    token = token_of(finance.get("/exchanges/elder_subsidies/bank").text)
    text = "\r\n".join(",".join(row) for row in rows)
    answer = finance.post(
        "/exchanges/elder_subsidies/bank/back",
        data={"_token": token},
        files={"file": (name, text.encode(encoding), "text/csv")},
    )
    assert answer.status_code == 200, answer.text[-1500:]
    return answer.text


def test_the_bank_file_goes_out_and_its_answer_comes_back_once(site: Site) -> None:
    tasks = [claim(site, *NOTICED) for _ in range(3)]
    for task in tasks:
        pass_deadline(site, task)
        by_itself(site, task)
    numbers = {task: site.run(site.platform.cases.row(SYSTEM, task)).number for task in tasks}
    finance = site.visitor("finance")
    address, batch, data = sent_file(finance, tasks)
    lines = data.decode("gb18030").splitlines()
    assert lines[0] == "序号,批次号,业务编号,收款户名,收款账号,开户银行,金额,用途"
    assert lines[-1].startswith("合计3笔")
    assert "90000" in lines[-1]
    assert {state(site, task) for task in tasks} == {"paying"}
    paid, bounced, wrong = tasks
    head = ["业务编号", "金额", "处理结果", "交易日期", "交易流水号", "失败原因"]
    back = [
        head,
        [numbers[paid], "30000.00", "成功", date(2026, 6, 1).isoformat(), "JZ1", ""],
        [numbers[bounced], "30000", "失败", "", "", "户名不符"],
        [numbers[wrong], "29999", "成功", "2026-06-01", "JZ2", ""],
        ["养补〔2020〕99999号", "1", "成功", "2026-06-01", "JZ3", ""],
    ]
    report = read_in(finance, "back.csv", back)
    assert "金额与送出的不一致" in report
    assert "没有找到该业务编号" in report
    assert [state(site, task) for task in tasks] == ["paid", "bounced", "paying"]
    versions = [site.run(site.platform.store.read(SYSTEM, "Task", task)).version for task in tasks]
    again = read_in(finance, "back.csv", back)
    assert "没有改动任何内容" in again
    # the same answers in another file, another encoding: nothing changes either
    assert "此前已处理" in read_in(finance, "copy.csv", back[:3], "utf-8")
    assert versions == [site.run(site.platform.store.read(SYSTEM, "Task", task)).version for task in tasks]
    page = finance.get(address).text
    assert "户名不符" not in page or "已退回" in page
    assert finance.get(f"{address}/file").content == data
    # what came back is sent and paid again in a batch of its own
    second, _, _ = sent_file(finance, [bounced])
    assert second != address
    read_in(
        finance,
        "second.csv",
        [head, [numbers[bounced], "30000", "成功", now().date().isoformat(), "JZ4", ""]],
    )
    assert state(site, bounced) == "paid"
    figures = finance.get("/exchanges/elder_subsidies/bank").text
    assert "等待回盘" in figures
    assert batch in figures


@pytest.mark.parametrize("name", ["civil", "elder", "leader", "doctor"])
def test_nobody_else_sees_an_exchange(site: Site, name: str) -> None:
    other = site.visitor(name)
    for address in ("/exchanges/elder_subsidies/bank", "/exchanges/elder_subsidies/bank/x/file"):
        assert other.get(address).status_code == 404
    # a home's director claims from a sheet: its list of exchanges has that, and no bank
    listed = other.get("/exchanges")
    assert listed.status_code == (200 if name == "elder" else 404)
    assert "/bank" not in listed.text


def test_the_trace_is_for_those_who_see_the_case(site: Site) -> None:
    task = claim(site, *NOTICED)
    address = f"/cases/{task}/calculations/construction"
    civil = site.visitor("civil")
    page = civil.get(address)
    assert page.status_code == 200
    for told in ("30,000.00 元", "规划一（二）4", "已留存，复核一致", "SHA-256", "待核实"):
        assert told in page.text
    doctor = site.visitor("doctor")
    assert doctor.get(address).status_code == 404
