"""A duty from the list of duties to its dossier, through the front door: 待明确, 交办, inside the unit, 销号, 回头看."""

from __future__ import annotations

import html
import io
import re
import zipfile
from contextlib import closing

import httpx
import openpyxl
import pytest

from kangshu.base.clock import today
from tests.web.site import Site, token_of

from .asking import plain, send
from .conftest import imported

PLAN = """云汐市全民健身实施计划

一、重点任务

（一）建设健身设施。到2027年，新建健身步道20公里。（牵头单位：市体育局；配合单位：市民政局）

（二）发展健身产业。鼓励社会力量兴办健身俱乐部。（牵头单位：市体育局）
"""
YEAR = today().year


@pytest.fixture(scope="module")
def fitness(site: Site) -> str:
    """The id of a plan with one firm clause and one that only encourages."""
    return imported(site, "健身.txt", PLAN, own=True)


def _sheet(data: bytes) -> list[list[str]]:
    """Return the rows of a workbook's first sheet."""
    rows = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0].iter_rows(values_only=True)
    return [["" if cell is None else str(cell) for cell in row] for row in rows]


def _book(rows: list[list[str]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _preview(client: httpx.Client, duties: str, rows: list[list[str]]) -> httpx.Response:
    """Return the answer to a workbook sent for checking."""
    token = token_of(client.get(f"{duties}/import").text)
    return client.post(
        f"{duties}/import", data={"_token": token, "year": str(YEAR)}, files={"file": ("a.xlsx", _book(rows))}
    )


def _make(client: httpx.Client, case: str, move: str, **values: str) -> None:
    answer = send(client, case, f"{case}/moves/{move}", **values)
    assert answer.status_code == 303, (move, plain(answer.text)[-1500:])


def test_the_list_out_edited_and_in_then_assigned(site: Site, fitness: str) -> None:
    duties = f"/plans/{fitness}/duties"
    with closing(site.visitor("plan")) as plan:
        ids = re.findall(r'name="clause" value="(clause-\d+)"', plan.get(f"{duties}?year={YEAR}").text)
        assert len(ids) == 2
        form = {"_token": token_of(plan.get(duties).text), "year": str(YEAR), "clause": ids}
        assert plan.post(f"{duties}/choose", data=form).status_code == 303
        refused = plain(plan.get(f"/plans/{fitness}/assign?year={YEAR}").text)
        assert re.search(r"暂不能交办 1 .*待明确：鼓励、支持类条款未写明完成标准", refused)
        assert (
            plan.post(
                f"/plans/{fitness}/assign",
                data={"_token": form["_token"], "action": ids[1], "year": str(YEAR)},
            ).status_code
            == 422
        ), "whoever posts it all the same is told why"

        rows = _sheet(plan.get(f"{duties}/export.xlsx?year={YEAR}").content)
        assert [row[:2] for row in rows] == [["序号", "任务"], ["1", "建设健身设施"], ["2", "发展健身产业"]]
        column = {name: at for at, name in enumerate(rows[0])}
        rows[1][column["季度节点"]] = f"一季度：选线；四季度：建成（{YEAR}-12-20前）"
        rows[1][column["完成标准"]] = "步道验收开放"
        rows[2][column["牵头单位"]] = "市没有局"
        wrong = _preview(plan, duties, rows)
        assert wrong.status_code == 422
        assert re.search(r"3 牵头单位 机构台账中没有“市没有局”", plain(wrong.text))
        assert "确认写入" not in wrong.text
        rows[2][column["牵头单位"]] = "市体育局"
        right = _preview(plan, duties, rows)
        assert right.status_code == 200
        kept = re.search(r'<textarea name="rows" hidden>(.*?)</textarea>', right.text, re.S)
        assert kept
        assert "建成" not in plan.get(f"{duties}?year={YEAR}").text, "a preview writes nothing"
        taken = {"_token": token_of(right.text), "year": str(YEAR), "rows": html.unescape(kept[1])}
        assert plan.post(f"{duties}/take", data=taken).status_code == 303
        again = _sheet(plan.get(f"{duties}/export.xlsx?year={YEAR}").content)
        assert again[1][column["季度节点"]] == f"一季度：选线\n四季度：建成（{YEAR}-12-20前）"
        same = _preview(plan, duties, again)
        assert "没有需要写入的" in same.text, "out and in again is a fixed point"
        assert "选线" in plain(plan.get(f"{duties}?year={YEAR}&quarter=1").text)

        entry = f"{duties}/{ids[1]}/unit-sports"
        saved = send(
            plan, f"{entry}?year={YEAR}", f"{entry}?year={YEAR}", completion_standard="新增俱乐部3家"
        )
        assert saved.status_code == 303
        assert "暂不能交办 1" not in plain(plan.get(f"/plans/{fitness}/assign?year={YEAR}").text)
    for role, status in (("sports", 403), ("civil", 403), ("leader", 403), ("hospital", 403)):
        with closing(site.visitor(role)) as other:
            assert other.get(f"{duties}/import").status_code == status
            assert other.get(f"/plans/{fitness}/assign").status_code == status


def test_a_duty_goes_through_the_unit_to_its_dossier(site: Site, fitness: str) -> None:
    with (
        closing(site.visitor("plan")) as plan,
        closing(site.visitor("sports")) as registrar,
        closing(site.visitor("sports-section")) as section,
        closing(site.visitor("sports-head")) as head,
        closing(site.visitor("civil")) as civil,
    ):
        clause = re.findall(
            r'name="action" value="(clause-\d+)"', plan.get(f"/plans/{fitness}/assign?year={YEAR}").text
        )[0]
        given = send(
            plan, f"/plans/{fitness}/assign", f"/plans/{fitness}/assign", action=clause, year=str(YEAR)
        )
        assert given.status_code == 303
        listed = "".join(
            plan.get(f"/supervision?plan={fitness}&view={view}").text for view in ("overdue", "soon", "open")
        )
        duty = re.findall(r'class="matter"><a href="(/cases/[^"]+)"', listed)[0]
        shown = plain(plan.get(duty).text)
        assert "步道验收开放" in shown, "the entry of the list has gone into the duty"
        _make(registrar, duty, "accept", contact="陆")
        _make(registrar, duty, "begin")
        _make(registrar, duty, "report-node", quarter="1", node_result="已选线")
        _make(registrar, duty, "report-node", quarter="4", node_result="已建成")
        cosign = re.findall(
            r'href="(/cases/[^"]+)"[^>]*>建设健身设施', civil.get("/worklist?kind=supervision/cosign").text
        )[0]
        _make(civil, cosign, "accept")
        _make(civil, cosign, "report", opinion="同意，已对接社区")
        _make(registrar, cosign, "confirm")

        assert "本单位实行内部办理" in registrar.get(duty).text
        assert send(registrar, duty, f"{duty}/moves/report", result="完成").status_code == 422
        inside = re.findall(r'href="(/cases/[^"]+)">收文：建设健身设施', registrar.get(duty).text)[0]
        for outsider in (plan, civil):
            assert outsider.get(inside).status_code == 404
            assert outsider.get(f"{inside}/dossier").status_code == 404
            assert outsider.get(f"{inside}/dossier.zip").status_code == 404
            assert "收文" not in outsider.get(duty).text
        _make(registrar, inside, "propose", proposal="拟请群体科承办")
        _make(head, inside, "decide", decision="同意", section="Organization/section-sports-mass-sports")
        assert "拟请群体科承办" in plain(section.get(inside).text)
        token = token_of(section.get(inside).text)
        sent = section.post(
            f"{inside}/moves/draft",
            data={"_token": token, "answer": "已新建步道21公里", "evidence_note": "云体〔2026〕40号"},
            files={"evidence": ("验收单.txt", "验收合格".encode())},
        )
        assert sent.status_code == 303, plain(sent.text)[-1500:]
        _make(registrar, inside, "check", answer="已新建步道21公里，均已开放")
        assert send(registrar, inside, f"{inside}/moves/sign").status_code in (403, 422), (
            "who checks does not sign"
        )
        _make(head, inside, "sign", sign_opinion="同意")
        _make(registrar, inside, "send")

        page = plain(plan.get(duty).text)
        assert "已新建步道21公里，均已开放" in page
        assert re.search(r"“办结”的条件 5/6 .*未具备 已对照完成标准核验达成", page)
        assert send(plan, duty, f"{duty}/moves/complete").status_code in (409, 422)
        _make(plan, duty, "approve", standard_met="true")
        _make(plan, duty, "complete")
        assert "回头看" in plain(plan.get(duty).text)

        seen = {}
        for name, client in (("plan", plan), ("sports", registrar)):
            archive = zipfile.ZipFile(io.BytesIO(client.get(f"{duty}/dossier.zip").content))
            seen[name] = [one.partition("-")[2] for one in archive.namelist()]
            assert seen[name][0] == "卷内目录.docx"
            assert "验收单.txt" in seen[name], "the evidence left with the answer"
        assert not any("收文" in one for one in seen["plan"])
        assert any("收文" in one for one in seen["sports"])
        assert "验收合格".encode() in archive.read(next(one for one in archive.namelist() if "验收单" in one))


def test_several_overdue_duties_are_urged_with_one_opinion(site: Site) -> None:
    with closing(site.visitor("plan")) as plan:
        overdue = plan.get("/supervision?view=overdue").text
        ids = re.findall(r'name="id" value="([^"]+)"', overdue)
        assert len(ids) >= 2
        batch = f"/worklist/batch?move=urge&id={ids[0]}&id={ids[1]}"
        page = plan.get(batch).text
        moves = re.findall(r'name="case" value="([^"]+)"', page)
        assert len(moves) == 1
        done = send(plan, batch, "/worklist/batch", move="urge", case=moves[0], comment="请三日内反馈")
        assert done.text.count("已办理") == len(moves[0].split(","))
        assert "请三日内反馈" in plain(plan.get(f"/cases/{moves[0].split('.')[0]}").text)
    with closing(site.visitor("hospital")) as other:
        assert not re.findall(r'name="id" value="([^"]+)"', other.get("/supervision?view=overdue").text)
