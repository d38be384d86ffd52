"""Targets on their pages: what proves them, decided for many at once; corrections; statistics by sheet; filters; adoption of all."""

from __future__ import annotations

import io
import re
from contextlib import closing
from datetime import timedelta

import pytest
from openpyxl import load_workbook

from kangshu.base.clock import today
from tests.web.site import Site, token_of

from .asking import plain, send

DAY = (today() - timedelta(days=30)).isoformat()
RELEASED = (today() - timedelta(days=5)).isoformat()


@pytest.fixture(scope="module")
def sample(site: Site) -> str:
    """The address of the demo city's own plan."""
    with closing(site.visitor("plan")) as office:
        found = re.findall(r'href="(/plans/plan-\w+)"[^>]*>云汐市大健康', office.get("/plans").text)
    assert found
    return str(found[0])


def _target(site: Site, plan: str, words: str) -> str:
    with closing(site.visitor("plan")) as office:
        found = re.findall(rf'href="({plan}/targets/target-\w+)"[^>]*>[^<]*{words}', office.get(plan).text)
    assert found, words
    return str(found[0])


def test_the_board_is_filtered_by_state_light_and_year(site: Site, sample: str) -> None:
    with closing(site.visitor("plan")) as office:
        missing = plain(office.get(f"{sample}?shows=register-missing").text)
        assert "支撑该目标的台账尚未建设（S" in missing
        assert "社区食堂" not in missing.split("筛选目标")[1].split("任务条款与交办")[0]
        both = office.get(f"{sample}?shows=awaiting-statistics&year=2027").text
        assert "年接待康养游客" in both
        assert "大健康产业总规模" not in both.split("筛选目标")[1].split("任务条款与交办")[0]
        assert "没有符合条件的目标" in office.get(f"{sample}?light=green&shows=register-missing").text


def test_a_target_tells_its_way_its_forecast_and_its_corrections(site: Site, sample: str) -> None:
    beds = _target(site, sample, "家庭养老床位")
    with closing(site.visitor("leader")) as leader:
        page = leader.get(beds).text
        told = plain(page)
    assert '<svg class="chart way"' in page
    for said in (
        "期末预计",
        "稳健线性趋势（Theil–Sen）",
        "阶段目标",
        "分解合计",
        "漏报云湖区两家机构6张床位",
    ):
        assert said in told, said
    assert re.search(r'<s class="strong">330张</s>', page)
    assert "取数方式" in told
    assert "改为其他取数方式" not in told  # a leader reads; the plan office decides


def test_the_plan_office_decides_for_many_and_the_unit_is_led_to_its_form(site: Site, sample: str) -> None:
    path = _target(site, sample, "精品线路")
    id_ = path.rpartition("/")[2]
    with closing(site.visitor("plan")) as office:
        assert send(office, sample + "/evidence", sample + "/evidence", act="reported").status_code == 422
        done = send(office, sample + "/evidence", sample + "/evidence", act="reported", target=id_)
        assert done.status_code == 303
        listed = office.get(f"{sample}?shows=awaiting-report").text
        assert "精品线路" in listed
        assert send(office, path, f"{path}/evidence", kind="register-missing").status_code == 303
        assert send(office, path, f"{path}/evidence", kind="measure").status_code == 422
        assert (
            send(office, path, f"{path}/milestone", year="2026", value="4", source="要点").status_code == 303
        )
        assert "2026" in office.get(path).text
        wrong = send(office, path, f"{path}/milestone", year="2030", value="4", source="要点")
        assert wrong.status_code == 422
        assert "阶段目标的年份应早于目标年份" in wrong.text
    for role in ("civil", "statistics", "leader"):
        with closing(site.visitor(role)) as other:
            assert other.get(sample + "/evidence").status_code == 403
            assert send(other, path, f"{path}/evidence", kind="reported").status_code == 403
            assert send(other, path, f"{path}/quotas", source="x").status_code == 403


def test_statistics_come_in_by_sheet_and_wrong_rows_are_told(site: Site, sample: str) -> None:
    with closing(site.visitor("statistics")) as office:
        book = load_workbook(io.BytesIO(office.get("/statistics/template.xlsx").content))
        sheet = book.worksheets[0]
        heads = {cell.value: cell.column for cell in sheet[1]}
        row = next(one[0].row for one in sheet.iter_rows(min_row=2) if "带动就业" in str(one[1].value))

        def fill(**values: object) -> bytes:
            for name, value in values.items():
                sheet.cell(row, heads[name], value)
            made = io.BytesIO()
            book.save(made)
            return made.getvalue()

        def upload(data: bytes) -> object:
            token = token_of(office.get("/statistics").text)
            return office.post("/statistics", data={"_token": token}, files={"file": ("发布值.xlsx", data)})

        wrong = upload(
            fill(数据期末=DAY, 发布值="很多", 公报或年鉴名称="季度公报", 发布日期="上周", 数据性质="最终数")
        )
        assert wrong.status_code == 422  # type: ignore[attr-defined]
        assert f"第 {row} 行：发布值应为数字" in wrong.text  # type: ignore[attr-defined]
        assert "发布日期：日期格式应为" in wrong.text  # type: ignore[attr-defined]
        right = upload(fill(发布值=512.5, 发布日期=RELEASED))
        assert right.status_code == 303  # type: ignore[attr-defined]
        assert "512.5万人" in office.get("/statistics").text
        assert office.get("/statistics").text.count("待统计发布") == 1
    for role in ("plan", "civil", "leader"):
        with closing(site.visitor(role)) as other:
            assert other.get("/statistics").status_code == 403
            assert other.get("/statistics/template.xlsx").status_code == 403


def test_a_whole_plan_is_previewed_and_adopted_with_its_loose_goals(site: Site) -> None:
    text = "海岛市康养行动方案\n\n一、总体目标\n\n到2028年，建成健康小屋7个。\n\n二、任务\n\n（一）到2028年，新增日间照料中心9处。（牵头单位：市民政局）\n"
    with closing(site.visitor("plan")) as office:
        token = token_of(office.get("/plans/import").text)
        made = office.post(
            "/plans/import", data={"_token": token}, files={"file": ("海岛.txt", text.encode())}
        )
        plan = "/plans/" + made.headers["location"].split("/")[2]
        page = office.get(f"{plan}/adopt?all=1").text
        assert "不属于某条任务的目标" in page
        assert "健康小屋" in page
        chosen = re.findall(r'name="action" value="([^"]+)"', page)
        assert len(chosen) == 2
        done = send(office, f"{plan}/adopt?all=1", f"{plan}/adopt", action=",".join(chosen))
        ours = done.headers["location"].split("?")[0]
        board = plain(office.get(ours).text)
    assert "健康小屋" in board
    assert "支撑该目标的台账尚未建设（S03" in board
