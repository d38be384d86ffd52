"""核对: every kind of question, its place in the document, answers with their sources, and who may."""

from __future__ import annotations

import re
from contextlib import closing

import pytest

from tests.web.site import Site

from .asking import plain, send


def _queue(site: Site, own: str, queue: str) -> str:
    with closing(site.visitor("plan")) as office:
        return office.get(f"/plans/{own}/review?queue={queue}").text


def _answer(site: Site, own: str, queue: str, **form: str) -> tuple[int, str]:
    with closing(site.visitor("plan")) as office:
        answer = send(office, f"/plans/{own}/review", f"/plans/{own}/review/{queue}", **form)
        return answer.status_code, plain(answer.text)


def _left(page: str) -> dict[str, str]:
    return dict(re.findall(r'queue=(\w+)"[^>]*>[^<]*<span class="count[^>]*>([^<]+)<', page))


@pytest.mark.parametrize("role", ["leader", "clerk", "civil", "hospital", "resident", "admin", "statistics"])
def test_only_the_plan_office_reviews(site: Site, own: str, role: str) -> None:
    with closing(site.visitor(role)) as other:
        assert other.get(f"/plans/{own}/review").status_code == 403


def test_questions_stand_with_their_words_and_lead_to_the_document(site: Site, own: str) -> None:
    page = _queue(site, own, "doubts")
    assert "编号不连续" in page
    assert "<mark>完善护理服务</mark>" in page
    link = re.search(r'href="(/plans/[^"]*document\?clause=doubt-\d+#doubt-\d+)"', page)
    assert link
    with closing(site.visitor("plan")) as office:
        document = office.get(link[1].split("#")[0]).text
    assert re.search(r'<mark[^>]*id="doubt-\d+"[^>]*is-chosen', document)
    assert set(_left(page)) == {"doubts", "units", "years", "links", "baselines"}


def test_a_doubt_is_settled_with_a_note_and_opened_again(site: Site, own: str) -> None:
    page = _queue(site, own, "doubts")
    doubt = re.findall(r'name="id" value="(doubt-\d+)"', page)[0]
    before = int(_left(page)["doubts"].split("/")[0])
    assert _answer(site, own, "doubts", id=doubt, answer="settle", note="原文漏编（三）")[0] == 303
    page = _queue(site, own, "doubts")
    assert int(_left(page)["doubts"].split("/")[0]) == before - 1
    assert "原文漏编（三）" in page
    assert "沈若溪" in page
    assert _answer(site, own, "doubts", id=doubt, answer="reopen")[0] == 303
    assert int(_left(_queue(site, own, "doubts"))["doubts"].split("/")[0]) == before
    assert _answer(site, own, "doubts", id="doubt-999", answer="settle")[0] == 404


def test_a_unit_is_matched_or_said_to_be_none_of_ours(site: Site, own: str) -> None:
    with closing(site.visitor("plan")) as office:
        refused = send(office, f"/plans/{own}", f"/plans/{own}/assign", action="clause-002")
        assert refused.status_code == 422
        assert "市康养产业专班" in refused.text
    status, text = _answer(site, own, "units", id="市康养产业专班", answer="resolve")
    assert (status, "请选择对应的机构" in text) == (422, True)
    form = {"id": "市康养产业专班", "answer": "resolve", "organisation": "unit-culture-tourism"}
    assert _answer(site, own, "units", **form)[0] == 303
    assert _answer(site, own, "units", id="省工业和信息化厅", answer="outside")[0] == 303
    page = _queue(site, own, "units")
    assert _left(page)["units"].startswith("0/")
    assert "不是本市机构" in page
    with closing(site.visitor("plan")) as office:
        assert send(office, f"/plans/{own}", f"/plans/{own}/assign", action="clause-002").status_code == 303


def test_a_masked_year_needs_its_source(site: Site, own: str) -> None:
    page = _queue(site, own, "years")
    target = re.findall(r'name="id" value="(target-\d+)"', page)[0]
    assert "20xx" in page
    status, text = _answer(site, own, "years", id=target, answer="enter", year="2027", source=" ")
    assert (status, "必须注明来源" in text) == (422, True)
    status, text = _answer(site, own, "years", id=target, answer="enter", year="xx", source="文")
    assert (status, "目标年份应为数字" in text) == (422, True)
    source = "云政办〔2026〕3号"
    assert _answer(site, own, "years", id=target, answer="enter", year="2027", source=source)[0] == 303
    page = _queue(site, own, "years")
    assert "2027（原文 20xx）" in page
    assert source in page


def test_a_suggested_link_is_refused_suggested_again_and_confirmed(site: Site, own: str) -> None:
    page = _queue(site, own, "links")
    target = re.search(r'name="id" value="(target-\d+)">\s*<input[^>]*value="nursing-bed-share"', page)
    assert target
    chosen = {"id": target[1], "measure": "nursing-bed-share"}
    assert _answer(site, own, "links", answer="refuse", **chosen)[0] == 303
    page = _queue(site, own, "links")
    assert "已拒绝：护理型床位占比" in page
    with closing(site.visitor("plan")) as office:
        shown = office.get(f"/plans/{own}/targets/{target[1]}").text
    offered = re.findall(
        r'action="[^"]*/(link|refuse)">.{0,200}?name="measure" value="nursing-bed-share"', shown
    )
    assert offered == ["refuse"], "it stands among the refused alone"
    assert "恢复推荐" in shown
    assert _answer(site, own, "links", answer="restore", **chosen)[0] == 303
    assert _answer(site, own, "links", answer="confirm", **chosen)[0] == 303
    with closing(site.visitor("leader")) as leader:
        assert "实际值" in leader.get(f"/plans/{own}/targets/{target[1]}").text


def test_a_baseline_runs_the_trajectory(site: Site, own: str) -> None:
    page = _queue(site, own, "baselines")
    target = re.findall(r'name="id" value="(target-\d+)"', page)[-1]
    form = {"id": target, "answer": "enter", "value": "5,00", "day": "2025-12-31", "source": "年报"}
    assert _answer(site, own, "baselines", **{**form, "value": "许多"})[0] == 422
    assert _answer(site, own, "baselines", **{**form, "day": "2099-01-01"})[0] == 422
    assert _answer(site, own, "baselines", **form)[0] == 303
    assert "2025-12-31 500" in plain(_queue(site, own, "baselines"))


def test_another_citys_plan_and_an_unknown_queue_are_told(site: Site, foreign: str, own: str) -> None:
    with closing(site.visitor("plan")) as office:
        assert "外地规划" in office.get(f"/plans/{foreign}/review?queue=doubts").text
        assert office.get(f"/plans/{foreign}/review?queue=doubts").status_code == 422
    assert _answer(site, own, "nothing", answer="x")[0] == 404
    assert _answer(site, own, "doubts", id="doubt-0", answer="x")[0] == 404


def test_the_page_is_read_in_english(site: Site, own: str) -> None:
    with closing(site.visitor("plan")) as office:
        page = office.get(f"/plans/{own}/review?queue=years&lang=en").text
    assert "Masked years" in page
    assert "reviewed" in page
