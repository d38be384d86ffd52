"""Snapshots and reports as the offices use them, and the plan as everybody sees it: no sign-in, no cookie, no person."""

from __future__ import annotations

import csv
import hashlib
import html
import io
import json
import re
from contextlib import closing

import httpx
import pypdfium2
import pytest

from kangshu.access import system_grant
from kangshu.web import PAGES
from tests.web.site import Site, token_of

from .asking import plain, send

PERSONS = ("沈若溪", "林知远", "高静", "周以宁", "何清扬")
"""Who froze, asked and approved, and who works on the duties of the demo city."""


def everybody(site: Site) -> httpx.Client:
    return httpx.Client(base_url=site.address, timeout=60)


def first_snapshot(page: str) -> str:
    found = re.search(r'href="/snapshots/([0-9a-z]{20,})"', page)
    assert found
    return found[1]


def public_address(site: Site) -> str:
    with closing(everybody(site)) as visitor:
        found = re.search(r'href="(/public/plans/[^"]+)"', visitor.get("/public").text)
        assert found
        return found[1]


def test_the_office_freezes_what_it_has_seen_and_downloads_every_report(site: Site) -> None:
    with closing(site.visitor("plan")) as office:
        preview = plain(office.get("/snapshots/new").text)
        assert "云汐市大健康产业发展行动计划" in preview
        plan = re.search(r'name="plan" value="([^"]+)"', office.get("/snapshots/new").text)
        assert plan
        assert send(office, "/snapshots/new", "/snapshots", title="空").status_code == 422
        made = send(office, "/snapshots/new", "/snapshots", title="测试快照", plan=plan[1])
        assert made.status_code == 303, made.text[-800:]
        address = made.headers["location"].split("?")[0]
        page = plain(office.get(address).text)
        number = re.search(r"快〔20\d\d〕\d{4}号", page)
        assert number
        assert "校验一致" in page
        digest = re.search(r"[0-9a-f]{64}", page)
        content = office.get(f"{address}/content")
        assert digest
        assert hashlib.sha256(content.content).hexdigest() == digest[0]
        for kind in ("progress", "scorecard", "tasks", "targets"):
            for form in ("docx", "xlsx", "pdf"):
                first, again = [office.get(f"{address}/reports/{kind}/{form}") for _ in range(2)]
                assert first.status_code == 200
                assert first.content == again.content
        unit = office.get(f"{address}/unit?unit=unit-civil-affairs&form=pdf")
        pdf = pypdfium2.PdfDocument(unit.content)
        text = pdf[0].get_textpage().get_text_bounded()
        pdf.close()
        assert "云汐市民政局" in text
        assert number[0] in text
        assert office.get(f"{address}/reports/progress/exe").status_code == 404
        assert office.get("/snapshots/nothing").status_code == 404


def test_two_snapshots_are_compared(site: Site) -> None:
    with closing(site.visitor("leader")) as leader:
        ids = re.findall(r'href="/snapshots/([0-9a-z]{20,})"', leader.get("/snapshots").text)
        page = plain(leader.get(f"/snapshots/compare?a={ids[0]}&b={ids[-1]}").text)
        assert "两个快照之间的变化" in page
        assert "督〔" in page  # the duties of the demo came between the first snapshot and the last
        assert leader.get("/snapshots/compare?a=x&b=y").status_code == 404


@pytest.mark.parametrize("role", ["doctor", "elder", "resident", "admin", "audit"])
def test_snapshots_are_for_the_offices(site: Site, role: str) -> None:
    with closing(site.visitor("plan")) as office:
        id_ = first_snapshot(office.get("/snapshots").text)
    with closing(site.visitor(role)) as other:
        for address in (
            "/snapshots",
            f"/snapshots/{id_}",
            f"/snapshots/{id_}/content",
            f"/snapshots/{id_}/reports/tasks/pdf",
        ):
            assert other.get(address).status_code == 403


def test_units_read_and_do_not_freeze_and_statisticians_do_not_publish(site: Site) -> None:
    with closing(site.visitor("clerk")) as unit, closing(site.visitor("statistics")) as statistics:
        id_ = first_snapshot(unit.get("/snapshots").text)
        assert unit.get(f"/snapshots/{id_}").status_code == 200
        assert unit.get("/snapshots/new").status_code == 403
        assert statistics.get("/snapshots/new").status_code == 200
        assert statistics.get(f"/snapshots/{id_}/public").status_code == 403


def test_four_eyes_publish_and_a_withdrawn_page_says_why(site: Site) -> None:
    with closing(site.visitor("plan")) as office, closing(site.visitor("leader")) as leader:
        ids = re.findall(r'href="/snapshots/([0-9a-z]{20,})"', office.get("/snapshots").text)
        id_ = ids[-1]  # the demo's first one, which is not public
        page = f"/snapshots/{id_}"
        slug = re.search(r"快〔(20\d\d)〕(\d{4})号", plain(office.get(page).text))
        assert slug
        shown = f"{public_address(site).rsplit('/', 1)[0]}/{slug[1]}-{slug[2]}"
        assert "这是预览" in plain(office.get(f"{page}/public").text)
        with closing(everybody(site)) as visitor:
            assert send(office, page, f"{page}/publication/ask").status_code == 303
            assert visitor.get(shown).status_code == 404
            assert "须由另一位" in plain(office.get(page).text)
            assert send(office, page, f"{page}/publication/approve").status_code == 403
            assert send(leader, page, f"{page}/publication/approve").status_code == 303
            assert visitor.get(shown).status_code == 200
            assert send(leader, page, f"{page}/publication/withdraw", reason=" ").status_code == 400
            assert send(leader, page, f"{page}/publication/withdraw", reason="口径更正").status_code == 303
            gone = visitor.get(shown)
            assert gone.status_code == 410
            assert "口径更正" in plain(gone.text)


def test_everybody_sees_the_plan_without_cookies_scripts_or_people(site: Site) -> None:
    address = public_address(site)
    with closing(everybody(site)) as visitor:
        for path in ("/public", address, f"{address}?lang=en", f"{address}/data/csv", f"{address}/data/json"):
            answer = visitor.get(path)
            assert answer.status_code == 200, path
            assert "set-cookie" not in answer.headers
            assert answer.headers["cache-control"].startswith("public")
            assert "<script" not in answer.text
            assert not any(one in answer.text for one in PERSONS)
        page = html.unescape(visitor.get(address).text)
        for word in (
            "牵头",
            "承诺",
            "数据截至",
            "数据来源",
            "CC BY 4.0",
            "data:image/svg+xml",
            'id="target-001"',
            'id="clause-001"',
        ):
            assert word in page
        english = plain(visitor.get(f"{address}?lang=en").text)
        assert "Promised" in english
        latest = visitor.get(address.rsplit("/", 1)[0])
        assert (latest.status_code, latest.headers["location"]) == (307, address)
        assert "Disallow: /\n" in visitor.get("/robots.txt").text
        for wrong in (
            f"{address}x",
            "/public/plans/other",
            "/public/plans/other/2026-0001",
            f"{address}/data/exe",
        ):
            assert visitor.get(wrong).status_code == 404


def test_the_public_page_is_the_same_for_whoever_is_signed_in_and_is_kept_by_browsers(site: Site) -> None:
    address = public_address(site)
    with closing(everybody(site)) as visitor, closing(site.visitor("plan")) as office:
        first, own = visitor.get(address), office.get(address)
        assert own.text == first.text
        assert visitor.get(address, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
        office.get("/?lang=en")
        assert office.get(address).text == first.text


def test_open_data_hold_every_clause_and_target_with_the_licence(site: Site) -> None:
    address = public_address(site)
    with closing(everybody(site)) as visitor:
        data = json.loads(visitor.get(f"{address}/data/json").content)
        rows = list(csv.reader(io.StringIO(visitor.get(f"{address}/data/csv").content.decode("utf-8-sig"))))
    (plan,) = data["plans"]
    assert data["licence"] == "CC BY 4.0"
    assert {row[-1] for row in rows[1:]} == {"CC BY 4.0"}
    assert {row[2] for row in rows[1:]} - {""} == {one["id"] for one in plan["clauses"]}
    assert {row[7] for row in rows[1:]} - {""} == {one["id"] for one in plan["targets"]}
    assert set(plan) == {"id", "title", "state", "demo", "chapters", "clauses", "targets"}


def test_what_people_wrote_on_duties_is_nowhere_in_public(site: Site) -> None:
    """Every text that a person wrote on a duty of the published plan, looked for on the page and in the data."""
    address = public_address(site)
    tasks = site.run(
        site.platform.store.search_all(
            system_grant("test"), "Task", f"focus=PlanDefinition/{address.split('/')[3]}"
        )
    )
    kept = [one for task in tasks for one in task.get("input", ())]
    written = {str(one["valueString"]) for one in kept if "valueString" in one}
    written |= {str(one["text"]) for task in tasks for one in task.get("note", ())}
    with closing(everybody(site)) as visitor:
        told = "".join(html.unescape(visitor.get(f"{address}{tail}").text) for tail in ("", "/data/csv"))
        data = json.loads(visitor.get(f"{address}/data/json").content)
    clauses = "".join(one["text"] for plan in data["plans"] for one in plan["clauses"])
    told += json.dumps(data, ensure_ascii=False)
    secret = {one for one in written if len(one) > 6 and one not in clauses}
    assert len(secret) > 20
    assert [one for one in secret if one in told] == []


def test_only_the_pages_meant_so_are_public() -> None:
    assert {page.path for page in PAGES if page.public} == {
        "/public",
        "/public/notices",
        "/public/notices/{id}",
        "/public/plans/{plan}",
        "/public/plans/{plan}/{number}",
        "/public/plans/{plan}/{number}/data/{form}",
        "/robots.txt",
    }
    assert all(page.open and page.methods == ("GET",) for page in PAGES if page.public)


def test_who_took_a_report_is_in_the_audit(site: Site) -> None:
    with closing(site.visitor("plan")) as office, closing(site.visitor("audit")) as auditor:
        id_ = first_snapshot(office.get("/snapshots").text)
        office.get(f"/snapshots/{id_}/reports/scorecard/xlsx")
        assert token_of(office.get(f"/snapshots/{id_}").text)
        page = plain(auditor.get("/admin/audit?account=plan").text)
        assert "scorecard.xlsx" in page
