"""Cases started from the rows of a sheet, through the pages, as the people who may."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from kangshu.access import system_grant
from kangshu.base.canonical import CASE_KIND
from kangshu.documents import Value, read_xlsx, write_xlsx

from .site import Site, token_of

SYSTEM = system_grant("test")
ADDRESS = "/exchanges/care_workers/incentives"
HEAD: list[Value] = ["行标识", "补贴种类", "护理员", "受理的民政部门", "津贴期起（一线津贴）", "津贴期止（一线津贴）", "一卡通账号", "开户银行"]  # fmt: skip


def carers(site: Site) -> list[dict[str, Any]]:
    """Return care workers of the home who are called as nobody else is."""
    found = site.run(
        site.platform.store.search_all(
            SYSTEM, "Practitioner", "identifier=http://kangshu.org/fhir/sid/care-worker|"
        )
    )
    names = [one["name"][0]["text"] for one in found]
    return [one for one in found if names.count(one["name"][0]["text"]) == 1]


def claims(site: Site) -> int:
    """Return how many claims there are."""
    kind = f"code={CASE_KIND}|care_workers/incentive"
    return len(site.run(site.platform.store.search_all(SYSTEM, "Task", kind)))


def sent(client: httpx.Client, rows: list[list[Value]], act: str = "preview") -> httpx.Response:
    """Send a sheet as the browser does."""
    data = write_xlsx({"表": [HEAD, *rows]})
    return client.post(
        f"{ADDRESS}/start",
        data={"_token": token_of(client.get(ADDRESS).text), "act": act},
        files={"file": ("护理员.xlsx", data)},
    )


def row(key: str, worker: str, account: str = "62170000900000077") -> list[Value]:
    """Return a row that is right but for what is given."""
    return [key, "学历补贴", worker, "Organization/unit-civil-affairs", None, None, account, "农商行"]


def test_a_sheet_is_looked_at_first_and_each_row_starts_once(site: Site) -> None:
    personnel = site.visitor("personnel")
    template = personnel.get(f"{ADDRESS}/template.xlsx")
    assert next(iter(read_xlsx(template.content).values()))[0] == HEAD
    first, second = (one["name"][0]["text"] for one in carers(site)[:2])
    rows = [
        row("甲", first),
        row("乙", "没有这个人"),
        row("甲", second),
        row("丙", second, "12"),
        row("", first),
    ]
    before = claims(site)
    page = sent(personnel, rows)
    assert page.status_code == 422
    for told in (
        "没有找到",
        "与第 2 行的标识重复",
        "一卡通账号",
        "每行须有不重复的标识",
        "只发起正确的 1 行",
    ):
        assert told in page.text, told
    # looked at to the end, and nothing is there
    assert claims(site) == before
    problems = next(iter(read_xlsx(sent(personnel, rows, "errors").content).values()))
    assert {line[0] for line in problems[1:]} == {3, 4, 5, 6}
    assert claims(site) == before
    done = sent(personnel, rows, "do")
    assert "发起结果" in done.text
    assert claims(site) == before + 1
    # the sheet corrected and sent again: what stands is not started again, what is right now is
    again = sent(personnel, [row("甲", first), row("丙", second)], "do")
    assert "此前已发起" in again.text
    assert claims(site) == before + 2
    assert "护理员.xlsx" in personnel.get(ADDRESS).text
    # the same key of another unit is another row
    assert claims(site) == before + 2


def test_what_the_preview_carries_is_what_starts(site: Site) -> None:
    personnel = site.visitor("personnel")
    before = claims(site)
    worker = carers(site)[2]
    page = sent(personnel, [row("丁", f"Practitioner/{worker['id']}")])
    assert page.status_code == 200
    data = page.text.partition('name="data" value="')[2].partition('"')[0]
    form = {"_token": token_of(page.text), "act": "do", "data": data, "name": "护理员.xlsx"}
    assert personnel.post(f"{ADDRESS}/start", data=form).status_code == 200
    assert personnel.post(f"{ADDRESS}/start", data=form).status_code == 200
    assert claims(site) == before + 1


@pytest.mark.parametrize("name", ["civil", "leader", "doctor", "finance"])
def test_nobody_else_starts_from_a_sheet(site: Site, name: str) -> None:
    other = site.visitor(name)
    assert other.get(ADDRESS).status_code == 404
    assert other.get(f"{ADDRESS}/template.xlsx").status_code == 404
    answer = other.post(f"{ADDRESS}/start", data={"_token": token_of(other.get("/me").text), "act": "do"})
    assert answer.status_code == 404
