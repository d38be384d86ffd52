"""核对台 over HTTP: forms without a script, who may, what FHIR then shows; revisions, states and 补录."""

from __future__ import annotations

import io
import re
from contextlib import closing
from typing import Any

import httpx
import openpyxl
import pytest

from kangshu.api import fhir_app
from tests.web.site import Site, token_of

from .asking import plain, send
from .conftest import imported

TEXT = """云汐市社区康养行动方案

一、重点任务

（一）建设康养社区。到2028年，建设康养社区30个。改造社区食堂，每个给予补助2万元。（牵头单位：市民政局；配合单位：市财政局）

（二）培养康养人才。到20xx年，培训护理员900人次。（牵头单位：市人力资源社会保障局；配合单位：市康养服务中心）

（三）完善康养设施。组织社会力量参与。（牵头单位：市民政局）
"""


@pytest.fixture(scope="module")
def plan(site: Site) -> str:
    """The id of a plan of our own that these tests mend."""
    return imported(site, "社区康养.txt", TEXT, own=True)


def _fhir(site: Site, plan: str) -> dict[str, Any]:
    """Return the plan as the FHIR interface gives it to the plan office."""
    found: dict[str, Any] = _rest(site, f"/PlanDefinition/{plan}")
    return found


def _rest(site: Site, path: str, **query: str) -> Any:
    """Return what the FHIR interface answers the plan office."""
    with closing(site.visitor("plan")) as office:
        cookies = dict(office.cookies)

    async def ask() -> Any:
        transport = httpx.ASGITransport(app=fhir_app(site.platform))
        async with httpx.AsyncClient(transport=transport, base_url="http://fhir", cookies=cookies) as client:
            answer = await client.get(path, params=query)
            assert answer.status_code == 200, answer.text
            return answer.json()

    return site.run(ask())


def _clauses(element: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for action in element.get("action", ()):
        found += [action] if action["id"].startswith("clause-") else []
        found += _clauses(action)
    return found


def _units(clause: dict[str, Any], role: str) -> list[str]:
    parts = [
        {part["url"]: part for part in one["extension"]}
        for one in clause["extension"]
        if one["url"].endswith("responsible-unit")
    ]
    return [one["written"]["valueString"] for one in parts if one["role"]["valueCode"] == role]


def _send(site: Site, plan: str, address: str, page: str = "review", **form: str) -> httpx.Response:
    with closing(site.visitor("plan")) as office:
        return send(office, f"/plans/{plan}/{page}", f"/plans/{plan}/{address}", **form)


@pytest.mark.parametrize("role", ["leader", "clerk", "hospital", "resident", "statistics"])
def test_only_the_plan_office_mends(site: Site, plan: str, role: str) -> None:
    with closing(site.visitor(role)) as other:
        for page in ("findings/new", "findings/clause-001", "standing"):
            assert other.get(f"/plans/{plan}/{page}").status_code == 403, page
        token = token_of(other.get("/me/account").text)
        before = _fhir(site, plan)["meta"]["versionId"]
        for act in (
            "findings",
            "findings/new",
            "findings/clause-001/correct",
            "revisions/1/restore",
            "standing/repeal",
        ):
            answer = other.post(f"/plans/{plan}/{act}", data={"_token": token, "accept": "clause-001"})
            assert answer.status_code == 403, act
        assert _fhir(site, plan)["meta"]["versionId"] == before


def test_the_desk_shows_what_was_read_in_the_order_of_the_document(site: Site, plan: str) -> None:
    with closing(site.visitor("plan")) as office:
        page = office.get(f"/plans/{plan}/review").text
        only = office.get(f"/plans/{plan}/review?kind=money").text
        doubtful = office.get(f"/plans/{plan}/review?state=doubtful").text
    listed = re.findall(r'data-item="([a-z]+)-', page)
    assert {"clause", "target", "money"} <= set(listed)
    places = [int(one) for one in re.findall(r'<p data-start="(\d+)"', page)]
    assert places == sorted(places)
    assert set(re.findall(r'data-item="([a-z]+)-', only)) == {"money"}
    assert "“市康养服务中心”未对应到机构" in plain(doubtful)
    assert "文件隐去了年份" in plain(doubtful)


def test_a_clause_is_corrected_by_a_form_and_fhir_shows_the_same(site: Site, plan: str) -> None:
    address = f"/plans/{plan}/findings/clause-002"
    with closing(site.visitor("plan")) as office:
        page = office.get(address).text
        seen = re.search(r'name="seen" value="(\w+)"', page)
        assert seen
        said = {"text": "培养康养人才队伍。", "lead": "市人社局", "cooperating": "市教育局\n市民政局"}
        form = {"_token": token_of(page), "seen": seen[1], **said}
        assert office.post(f"{address}/correct", data=form).status_code == 303
        late = office.post(f"{address}/correct", data=form)
        assert (late.status_code, "已被他人修改" in late.text) == (409, True)
        wrong = office.post(f"{address}/correct", data={**form, "seen": "", "text": ""})
        assert (wrong.status_code, "请填写条款内容" in wrong.text) == (422, True)
        shown = plain(office.get(f"/plans/{plan}/review").text)
    clause = next(one for one in _clauses(_fhir(site, plan)) if one["id"] == "clause-002")
    assert clause["description"] == "培养康养人才队伍。"
    assert (_units(clause, "lead"), _units(clause, "cooperating")) == (["市人社局"], ["市教育局", "市民政局"])
    assert "牵头 市人社局 · 市教育局、市民政局" in shown
    assert re.search(r"沈若溪\S* \d{4}-\d\d-\d\d \d\d:\d\d 更正", shown)


def test_a_clause_is_split_by_a_sentence_or_by_words_and_merged(site: Site, plan: str) -> None:
    before = _clauses(_fhir(site, plan))
    with closing(site.visitor("plan")) as office:
        page = office.get(f"/plans/{plan}/findings/clause-001").text
        places = re.findall(r'name="at" value="(\d+)"[^>]*> ([^<]+)<', page)
    assert any(words.startswith("改造社区食堂") for _, words in places)
    split = _send(site, plan, "findings/clause-001/split", words="改造社区食堂")
    assert split.status_code == 303
    clauses = _clauses(_fhir(site, plan))
    assert len(clauses) == len(before) + 1
    made = next(one for one in clauses if one["description"].startswith("改造社区食堂"))
    assert _units(made, "lead") == ["市民政局"]
    missed = _send(site, plan, "findings/clause-001/split", words="没有这几个字")
    assert (missed.status_code, "原文中找不到" in missed.text) == (422, True)
    merged = _send(site, plan, "findings", merge="clause-001")
    assert merged.status_code == 303
    assert len(_clauses(_fhir(site, plan))) == len(before)


def test_what_was_missed_is_added_by_its_words(site: Site, plan: str) -> None:
    form = {
        "kind": "target",
        "words": "组织社会力量参与",
        "indicator": "社会力量参与项目",
        "comparator": ">=",
    }
    wrong = _send(site, plan, "findings/new", value="", **form)
    assert (wrong.status_code, "请填写目标值" in wrong.text) == (422, True)
    assert _send(site, plan, "findings/new", value="5", unit="个", due="2029", **form).status_code == 303
    goal = _fhir(site, plan)["goal"][-1]
    assert goal["description"]["text"] == "社会力量参与项目"
    assert goal["target"][0]["detailQuantity"] == {"value": 5, "unit": "个", "comparator": ">="}
    twice = _send(site, plan, "findings/new", kind="clause", words="康养")
    assert (twice.status_code, "不止一处" in twice.text) == (422, True)


def test_a_finding_is_put_aside_undone_and_a_script_gets_figures(site: Site, plan: str) -> None:
    assert _send(site, plan, "findings", reject="clause-003").status_code == 303
    assert "clause-003" not in {one["id"] for one in _clauses(_fhir(site, plan))}
    version = _fhir(site, plan)["meta"]["versionId"]
    undone = _send(site, plan, "findings", undo=version)
    assert (undone.status_code, "said=undone" in undone.headers["location"]) == (303, True)
    assert "clause-003" in {one["id"] for one in _clauses(_fhir(site, plan))}
    stale = _send(site, plan, "findings", undo=version)
    assert (stale.status_code, "刷新" in stale.text) == (409, True)
    with closing(site.visitor("plan")) as office:
        token = token_of(office.get(f"/plans/{plan}/review").text)
        answer = office.post(
            f"/plans/{plan}/findings",
            data={"_token": token, "accept": "clause-003"},
            headers={"Accept": "application/json"},
        )
    told = answer.json()
    assert told["version"] == int(_fhir(site, plan)["meta"]["versionId"])
    assert told["confirmed"] >= 1
    assert _send(site, plan, "findings", accept="clause-999").status_code == 404
    assert _send(site, plan, "findings").status_code == 404


def test_revisions_are_told_opened_and_brought_back(site: Site, plan: str) -> None:
    with closing(site.visitor("leader")) as leader:
        page = plain(leader.get(f"/plans/{plan}/revisions").text)
        assert "条款2：牵头单位由“市人力资源社会保障局”改为“市人社局”" in page
        first = leader.get(f"/plans/{plan}/revisions/1").text
        assert "仅供查看" in plain(first)
        assert "/restore" not in first
        assert leader.get(f"/plans/{plan}/revisions/999").status_code == 404
    assert _send(site, plan, "revisions/1/restore", "revisions", seen="1").status_code == 409
    version = _fhir(site, plan)["meta"]["versionId"]
    assert _send(site, plan, "revisions/1/restore", "revisions", seen=version).status_code == 303
    clause = next(one for one in _clauses(_fhir(site, plan)) if one["id"] == "clause-002")
    assert _units(clause, "lead") == ["市人力资源社会保障局"]
    now = _fhir(site, plan)["meta"]["versionId"]
    assert _send(site, plan, f"revisions/{version}/restore", "revisions", seen=now).status_code == 303


def test_a_duty_whose_clause_is_amended_waits_to_be_signed_again(site: Site) -> None:
    own = imported(site, "调整.txt", TEXT.replace("社区康养", "社区颐养"), own=True)
    with closing(site.visitor("plan")) as office:
        assert send(office, f"/plans/{own}", f"/plans/{own}/assign", action="clause-003").status_code == 303
        form = {
            "text": "完善康养设施，新增驿站6个。",
            "lead": "市民政局",
            "cooperating": "",
            "basis": "云政办〔2026〕6号",
        }
        answer = send(
            office, f"/plans/{own}/findings/clause-003", f"/plans/{own}/findings/clause-003/correct", **form
        )
        assert (answer.status_code, "said=told" in answer.headers["location"]) == (303, True)
        refused = send(office, f"/plans/{own}/review", f"/plans/{own}/findings", reject="clause-003")
        assert (refused.status_code, "已交办且尚未办结" in refused.text) == (422, True)
    task = _rest(site, "/Task", focus=f"PlanDefinition/{own}")["entry"][0]["resource"]
    assert "完善康养设施，新增驿站6个。" in str(task["input"])
    assert "云政办〔2026〕6号" in str(task["note"])


def test_a_plan_is_repealed_on_paper_and_its_open_duties_are_listed(site: Site) -> None:
    own = imported(site, "废止.txt", TEXT.replace("社区康养", "社区安养"), own=True)
    with closing(site.visitor("plan")) as office:
        send(office, f"/plans/{own}", f"/plans/{own}/assign", action="clause-003")
        wrong = send(
            office, f"/plans/{own}/standing", f"/plans/{own}/standing/repeal", source="文", replaced_by=""
        )
        assert (wrong.status_code, "由哪份文件替代" in wrong.text) == (422, True)
        form = {"source": "云政办〔2026〕9号", "replaced_by": "云汐市社区康养新方案"}
        assert (
            send(office, f"/plans/{own}/standing", f"/plans/{own}/standing/repeal", **form).status_code == 303
        )
        page = plain(office.get(f"/plans/{own}/standing").text)
        assert "云汐市社区康养新方案" in page
        assert "废止后仍未办结的交办事项 1" in page
        assert "已废止" in plain(office.get(f"/plans/{own}").text)
        again = send(office, f"/plans/{own}/standing", f"/plans/{own}/standing/evaluate", source="文")
        assert again.status_code == 409
        assert (
            send(office, f"/plans/{own}/standing", f"/plans/{own}/standing/x", source="文").status_code == 404
        )
    assert _fhir(site, own)["status"] == "retired"


def test_gaps_are_filled_by_form_and_by_sheet(site: Site) -> None:
    own = imported(site, "补录.txt", TEXT.replace("社区康养", "社区乐养"), own=True)
    paper = {"title": "关于明确目标年份的通知", "number": "云政办〔2026〕8号", "issued": "2026-03-01"}
    with closing(site.visitor("clerk")) as clerk:
        assert clerk.get("/gaps").status_code == 403
    with closing(site.visitor("plan")) as office:
        page = office.get("/gaps?kind=year").text
        key = re.search(rf'name="value\.(year\.{own}\.[\w-]+)"', page)
        assert key
        empty = send(office, "/gaps", "/gaps", kind="year", **paper)
        assert (empty.status_code, "请至少填写一行" in empty.text) == (422, True)
        wrong = send(office, "/gaps", "/gaps", kind="year", **paper, **{f"value.{key[1]}": "明年"})
        assert (wrong.status_code, "年份应为数字" in wrong.text) == (422, True)
        assert (
            send(office, "/gaps", "/gaps", kind="year", **paper, **{f"value.{key[1]}": "2029"}).status_code
            == 303
        )
        target = key[1].rsplit(".", 1)[1]
        assert "云政办〔2026〕8号" in plain(office.get(f"/plans/{own}/review?queue=years").text)
        book = openpyxl.load_workbook(io.BytesIO(office.get("/gaps/missing.xlsx").content))
        sheet = book.worksheets[0]
        head = [cell.value for cell in sheet[1]]
        rows = [row for row in sheet.iter_rows(min_row=2) if str(row[0].value).startswith(f"baseline.{own}.")]
        assert any(str(row[0].value).endswith(target) for row in rows)
        for row in rows:
            for title, value in (("补录值", "许多"), ("日期", "2025-12-31"), ("批准文件", "统计公报")):
                row[head.index(title)].value = value
        assert "数值应为数字" in plain(_upload(office, book).text)
        for row in rows:
            for title, value in (
                ("补录值", 12),
                ("日期", "2025-12-31"),
                ("批准文件", "统计公报"),
                ("文号", ""),
            ):
                row[head.index(title)].value = value
        assert _upload(office, book).status_code == 303
    goal = next(one for one in _fhir(site, own)["goal"] if one["id"] == target)
    assert "《统计公报》" in str(goal["extension"])


def _upload(office: httpx.Client, book: Any) -> httpx.Response:
    stream = io.BytesIO()
    book.save(stream)
    token = token_of(office.get("/gaps").text)
    return office.post(
        "/gaps/import", data={"_token": token}, files={"file": ("补录.xlsx", stream.getvalue())}
    )
