"""自助分析: the address is the choice; tables say what the measure says; what must be hidden is hidden here too."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import httpx
import openpyxl
import pytest

from kangshu.base.clock import today

from .site import Site, token_of

M = "/analysis?m=family-doctor-coverage-60"


@pytest.fixture(scope="module")
def leader(site: Site) -> Iterator[httpx.Client]:
    with closing(site.visitor("leader")) as made:
        yield made


def table(page: str, number: int = 0) -> list[list[str]]:
    """Return the cells of a table of the page, the sub-lines left out."""
    found = re.findall(r'<table class="list analysis-table">(.*?)</table>', page, re.S)[number]
    rows = re.findall(r"<tr.*?</tr>", found, re.S)
    clean = [re.sub(r'<span class="sub">.*?</span>', "", row) for row in rows]
    return [
        [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.S)]
        for row in clean
    ]


def test_one_dimension_shows_measures_side_by_side(leader: httpx.Client) -> None:
    page = leader.get(f"{M}&m=elder-management-rate-65&limits=1").text
    rows = table(page)
    assert len(rows[0]) == 3
    assert rows[-1][0] == "合计"
    shown = leader.get("/measures/family-doctor-coverage-60").text
    assert rows[-1][1] in shown, "the same number as the measure's own page"
    assert re.search(r'<span class="sub">[\d.]+ 至 [\d.]+</span>', page)
    assert page.count('<svg class="chart series-bars"') == 2


def test_two_dimensions_make_a_cross_table_with_small_counts_suppressed(
    site: Site, leader: httpx.Client
) -> None:
    address = "/analysis?m=elder-management-rate-65&by=age-band&and=gender"
    with closing(site.visitor("clerk")) as clerk:  # reads the district's residents
        rows = table(clerk.get(address).text)
    assert rows[0][1:3] == ["男", "女"]
    assert len(rows) > 3
    page = leader.get(address).text  # reads nobody's record
    assert "已抑制" in page or "会透露小于" in page
    book = leader.get(address.replace("/analysis", "/analysis/export.xlsx"))
    sheet = openpyxl.load_workbook(io.BytesIO(book.content)).worksheets[0]
    cells = [str(one) for row in sheet.values for one in row if one is not None]
    assert "演示数据" in cells[0]
    assert any("已抑制" in one or "会透露小于" in one for one in cells)


def test_quarters_make_lines_and_a_range_counts_its_days(leader: httpx.Client) -> None:
    page = leader.get(f"{M}&period=quarters&show=line&and=gender").text
    assert "已去掉第二个" in page
    assert len(table(page)[0]) == 9
    assert '<svg class="chart series-lines"' in page
    whole = leader.get("/analysis?m=elder-management-rate-65&period=range&from=2020-01-01").text
    none = leader.get(
        "/analysis", params={"m": "elder-management-rate-65", "period": "range", "from": str(today())}
    ).text
    assert float(table(whole)[-1][1]) >= float(table(none)[-1][1])


def test_the_map_and_the_place(leader: httpx.Client) -> None:
    page = leader.get(f"{M}&show=map").text
    assert 'class="chart map"' in page
    district = re.search(r'<option value="(\d{6})">', page.split('id="place"')[1])
    assert district
    below = table(leader.get(f"{M}&place={district[1]}").text)
    assert len(below) > 2
    assert below != table(page)


def test_a_measure_is_added_by_name_or_sound_and_the_address_holds_it(leader: httpx.Client) -> None:
    answer = leader.get(
        "/analysis", params={"m": "nursing-bed-share", "add": "60岁以上老年人家庭医生签约覆盖率"}
    )
    assert answer.status_code == 303
    assert re.findall(r"m=([\w-]+)", answer.headers["location"]) == [
        "nursing-bed-share",
        "family-doctor-coverage-60",
    ]
    several = leader.get("/analysis", params={"add": "jkgl"}).text
    assert "m=elder-management-rate-65" in several
    assert "没有名称或读音符合" in leader.get("/analysis", params={"add": "qqqq"}).text


def test_what_cannot_be_asked_is_put_right_and_said(leader: httpx.Client) -> None:
    tomorrow = (today() + timedelta(days=2)).isoformat()
    for query, said in (
        ("by=no-such", "没有共同的这一维度"), ("and=town", "不能都是区划"), (f"day={tomorrow}", "日期应在"),
        ("day=1' or 1=1", "日期应在"), ("period=range&from=2026-02-01&to=2026-01-01", "已对调"), ("place=110101", "没有这个区划"),
        ("&".join(f"m={one}" for one in ("nursing-bed-share", "elder-assessment-65", "private-bed-share", "elder-care-beds")), "最多比较"),
    ):  # fmt: skip
        page = leader.get(f"{M}&{query}")
        assert page.status_code == 200
        assert said in page.text, query
    assert leader.get("/analysis/export.xlsx").status_code == 404


def test_an_analysis_is_kept_for_oneself(site: Site, leader: httpx.Client) -> None:
    page = leader.get(M).text
    form = {
        "_token": token_of(page),
        "name": "每周<看>",
        "query": "m=nursing-bed-share&by=district&next=//evil",
    }
    answer = leader.post("/analysis/kept", data=form)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/analysis?m=nursing-bed-share&by=district&said=")
    page = leader.get("/analysis").text
    assert '<a href="/analysis?m=nursing-bed-share&amp;by=district">每周&lt;看&gt;</a>' in page
    with closing(site.visitor("plan")) as other:
        assert "每周" not in other.get("/analysis").text
        gone = other.post(
            "/analysis/kept",
            data={"_token": token_of(other.get("/analysis").text), "act": "remove", "name": "每周<看>"},
        )
        assert gone.status_code == 404
    assert leader.post("/analysis/kept", data={**form, "act": "remove"}).status_code == 303
    assert "每周" not in leader.get("/analysis").text


def test_who_may_not_count_the_records_is_not_offered_the_measure(site: Site) -> None:
    with closing(site.visitor("subsidy")) as reviewer:
        page = reviewer.get("/analysis?m=elder-management-rate-65").text
        assert "analysis-table" not in page
        assert "65岁以上老年人健康管理率" not in page
        assert reviewer.get("/analysis/export.xlsx?m=elder-management-rate-65").status_code in (403, 404)
