"""The pages of returns and assessments, over HTTP, by the accounts whose work they are."""

from __future__ import annotations

import io
import re
from contextlib import closing

import httpx

from kangshu.documents import read_xlsx, write_xlsx
from tests.web.site import Site, token_of

from .asking import plain, send


def links(page: str, start: str) -> list[str]:
    """Return the addresses on a page that begin with `start`, each once."""
    return list(dict.fromkeys(re.findall(f'href="({re.escape(start)}[^"#]*)', page)))


def test_the_office_sees_every_unit_and_a_unit_its_own(site: Site) -> None:
    with closing(site.visitor("plan")) as office, closing(site.visitor("civil")) as clerk:
        whole, mine = office.get("/returns").text, clerk.get("/returns").text
        assert len(links(whole, "/cases/")) > len(links(mine, "/cases/")) >= 1
        for word in ("按期报送", "逾期未报", "退回未重报", "零报告"):
            assert word in whole, word
        (period, *_) = reversed(links(whole, "/returns/plan-"))
        compiled = plain(office.get(period).text)
        assert "催报" in compiled
        assert "发布通报" in compiled
        assert "发布通报" not in clerk.get(period).text
        sheets = read_xlsx(office.get(f"{period}/export.xlsx").content)
        assert [rows[0][0] for rows in sheets.values()] == ["单位", "单位"]
        draft = office.get(f"{period}/circular.docx")
        assert draft.content.startswith(b"PK")
        assert clerk.get(f"{period}/circular.docx").status_code == 403
        assert send(clerk, "/notices", f"{period}/urge", comment="x").status_code == 403


def test_a_return_is_filled_by_workbook_and_sent(site: Site) -> None:
    with closing(site.visitor("clerk")) as clerk:
        page = clerk.get("/returns").text
        case = links(page[page.index('id="mine"') :], "/cases/")[0]
        form = clerk.get(case).text
        assert "填写与办理" in form
        table = f"{case}/moves/submit/lines"
        heads, *lines = next(iter(read_xlsx(clerk.get(f"{table}.xlsx").content).values()))
        status, words = heads.index("本期进展"), heads.index("进展说明")
        filled = [
            [*line[:status], "按计划推进", *line[status + 1 : words], f"第{at}项按计划推进"]
            for at, line in enumerate(([*one, *[None] * (len(heads) - len(one))] for one in lines), 1)
        ]
        read = upload(clerk, case, table, write_xlsx({"表": [heads, *filled]}))
        assert read.status_code == 200
        assert "请核对后提交" in read.text
        assert "第1项按计划推进" in read.text
        swapped = upload(clerk, case, table, write_xlsx({"表": [heads, *reversed(filled)]}))
        assert swapped.status_code == 422
        assert "与本表不一致" in swapped.text
        sent = {"_token": token_of(form), "_version": ""}
        for at in range(len(lines)):
            sent |= {f"lines.{at}": "1", f"lines.{at}.status": "normal", f"lines.{at}.matter": "改成别的"}
        refused = clerk.post(f"{case}/moves/submit", data=sent)
        assert refused.status_code == 422
        assert "零报告" in refused.text
        sent |= {f"lines.{at}.progress": f"第{at}行进展" for at in range(len(lines))}
        assert clerk.post(f"{case}/moves/submit", data=sent).status_code == 303
        after = plain(clerk.get(case).text)
        assert "第0行进展" in after
        assert str(lines[0][0]) in after
        assert "改成别的" not in after


def upload(client: httpx.Client, page: str, address: str, data: bytes) -> httpx.Response:
    token = token_of(client.get(page).text)
    return client.post(address, data={"_token": token}, files={"file": ("表.xlsx", io.BytesIO(data))})


def test_last_years_assessment_is_explained_point_by_point(site: Site) -> None:
    with closing(site.visitor("plan")) as office, closing(site.visitor("civil")) as clerk:
        schemes = links(office.get("/assessments").text, "/assessments/schemes/")
        assert len(schemes) == 2
        last = office.get(schemes[-1]).text
        words = plain(last)
        for word in ("已通报", "示例，未核实", "到期任务办结率", "产业主管部门"):
            assert word in words, word
        sheet = plain(office.get(links(last, "/assessments/units/")[0]).text)
        for word in ("到期任务按期办结", "怎么得出的", "依据快照 快〔", "佐证夹"):
            assert word in sheet, word
        own = clerk.get(schemes[-1]).text
        assert len(links(own, "/assessments/units/")) == 1, "a unit sees its own sheet"
        result = read_xlsx(office.get(f"{schemes[-1]}/result.xlsx").content)
        assert list(result) == ["考核结果", "分项得分"]
        assert send(clerk, "/notices", f"{schemes[0]}/publish").status_code == 403


def test_a_scheme_comes_in_by_workbook_and_a_second_person_approves(site: Site) -> None:
    with closing(site.visitor("plan")) as office, closing(site.visitor("leader")) as leader:
        template = office.get("/assessments/template.xlsx").content
        wrong = read_xlsx(template)
        wrong["指标"][1][4] = 99
        refused = upload(office, "/assessments", "/assessments/import", write_xlsx(wrong))
        assert refused.status_code == 422
        assert "与总分 100 分不符" in refused.text
        kept = upload(office, "/assessments", "/assessments/import", template)
        assert kept.status_code == 303, kept.text[-500:]
        address = kept.headers["location"].partition("?")[0]
        assert "批准方案" not in office.get(address).text
        assert send(office, address, f"{address}/approve").status_code in (403, 409)
        assert send(leader, address, f"{address}/approve").status_code == 303
        assert "已生效" in leader.get(address).text
        again = read_xlsx(office.get(f"{address}/scheme.xlsx").content)
        assert again["指标"] == read_xlsx(template)["指标"]
