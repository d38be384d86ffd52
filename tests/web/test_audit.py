"""日志审计 and 调阅留痕: rows are found by what they tell; residents see who saw them, also in lists, and may ask why."""

from __future__ import annotations

import io
import re
from contextlib import closing
from datetime import timedelta
from urllib.parse import quote

import openpyxl
import pytest

from kangshu.access import system_grant
from kangshu.api import WATCHES
from kangshu.base.clock import now, today
from kangshu.store import AuditQuery, AuditRow

from .site import Site, token_of

SYSTEM = system_grant("test")


def me_of(site: Site) -> str:
    return site.run(site.platform.accounts.account(SYSTEM, "resident")).patient


def table(page: str) -> str:
    return page.split("<tbody>")[1].split("</tbody>")[0] if "<tbody>" in page else ""


def told(account: str, **changed: object) -> AuditRow:
    row: dict[str, object] = {
        "at": now(), "account": account, "action": "read", "type": "Patient", "id": "", "outcome": "ok",
        "purpose": "TREAT", "detail": "",
    }  # fmt: skip
    return AuditRow(**(row | changed))  # type: ignore[arg-type]


def test_the_audit_is_narrowed_and_checked(site: Site) -> None:
    me = me_of(site)
    with closing(site.visitor("clerk")) as clerk:
        clerk.get(f"/residents/{me}")
    with closing(site.visitor("audit")) as auditor:
        page = auditor.get("/admin/audit", params={"account": "clerk", "type": "Patient", "id": me}).text
        assert set(re.findall(r"account=(\w+)", table(page))) == {"clerk"}
        assert me in table(page)
        found = auditor.get("/admin/audit", params={"resident": me, "act": "read", "outcome": "ok"}).text
        assert "clerk" in table(found)
        assert not table(auditor.get("/admin/audit", params={"address": "203.0.113.9"}).text)
        assert "127.0.0.1" in table(auditor.get("/admin/audit", params={"address": "127.0.0.1"}).text)
        assert "没有符合条件的记录" in auditor.get("/admin/audit", params={"until": "2001-01-01"}).text
        day = today().isoformat()
        assert table(auditor.get("/admin/audit", params={"since": day, "until": day}).text)
        wrong = auditor.get("/admin/audit", params={"since": "昨天"})
        assert wrong.status_code == 200
        assert "日期格式应为" in wrong.text
        checked = auditor.post("/admin/audit/verify", data={"_token": token_of(page)}).text
        assert "校验通过" in checked
    with closing(site.visitor("clerk")) as clerk:
        token = token_of(clerk.get("/").text)
        assert clerk.post("/admin/audit/verify", data={"_token": token}).status_code == 403
        assert clerk.get("/admin/audit/export.xlsx").status_code == 403


def test_auditors_see_no_values_of_searches(site: Site) -> None:
    with closing(site.visitor("doctor")) as doctor:
        doctor.get("/find/resident", params={"q": "王秀英"})
    site.run(
        site.platform.store.write_audit(
            [told("doctor", action="search-type", detail="name=王秀英&_count=20")]
        )
    )
    with closing(site.visitor("audit")) as auditor:
        page = auditor.get("/admin/audit", params={"account": "doctor"}).text
        assert "王秀英" not in page
        assert "name=…&amp;_count=20" in page
    rows = site.run(site.platform.store.audit_rows(SYSTEM, AuditQuery(account="doctor"), count=5))
    assert any("王秀英" in row.detail for _, row in rows), "what was asked is kept for an investigation"


def test_the_pages_of_the_audit_follow_one_another(site: Site) -> None:
    site.run(site.platform.store.write_audit([told("pager", id=f"x{at}") for at in range(120)]))
    seen: list[str] = []
    with closing(site.visitor("audit")) as auditor:
        address = "/admin/audit?account=pager"
        while address:
            page = auditor.get(address).text
            seen += re.findall(r"Patient (x\d+)", table(page))
            following = re.search(r'href="(/admin/audit\?[^"]*before=\d+[^"]*)"[^>]*>[^<]*下一页', page)
            address = following[1].replace("&amp;", "&") if following else ""
    assert seen == [f"x{at}" for at in reversed(range(120))]


def test_the_audit_leaves_as_a_workbook_and_that_is_told(site: Site) -> None:
    site.run(site.platform.store.write_audit([told("exported", residents=("p1", "p2"), reason="=1+1")]))
    with closing(site.visitor("audit")) as auditor:
        answer = auditor.get("/admin/audit/export.xlsx", params={"account": "exported"})
    assert answer.status_code == 200
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert "演示数据" in str(rows[0][0])
    (row,) = rows[2:]
    assert row[2] == "exported"
    assert "p1、p2" in row
    assert sheet.cell(3, 12).data_type == "s", "a reason is no formula"
    kept = site.run(site.platform.store.audit_rows(SYSTEM, AuditQuery(account="audit", actions=("export",))))
    assert any("account=exported" in one.detail for _, one in kept)


@pytest.mark.parametrize("watch", [one.id for one in WATCHES])
def test_what_is_worth_a_look_is_found_and_nothing_else(site: Site, watch: str) -> None:
    hour = (now() - timedelta(days=1)).replace(minute=30)
    night = (now() - timedelta(days=1)).replace(hour=17, minute=0)  # 01:00 in the city
    day = (now() - timedelta(days=1)).replace(hour=4, minute=0)  # noon
    patient = site.run(site.platform.store.search_all(SYSTEM, "Patient", "_count=1"))[0]
    name = patient["name"][0]
    namesake = site.run(site.platform.accounts.account(SYSTEM, "doctor"))
    resident = {**patient, "name": [{"text": namesake.display.partition("（")[0]}]}
    resident.pop("id")
    resident.pop("identifier", None)
    acquainted = site.run(site.platform.store.create(SYSTEM, resident)).stored.id
    assert name
    strange = {
        "residents": [
            told("odd", at=hour, action="search-type", residents=tuple(f"r{n}" for n in range(300)))
        ],
        "refused": [told("odd", at=hour, outcome="forbidden", id=f"f{n}") for n in range(20)],
        "export": [told("odd", at=hour, action="export", id="") for _ in range(20)],
        "night": [told("odd", at=night)],
        "emergency": [told("odd", purpose="BTG", reason="昏迷送医")],
        "acquainted": [told("doctor", id=acquainted, reason="odd")],
    }
    plain = [told("plain", at=day, id=f"n{n}") for n in range(5)] + [
        told("plain", at=day, outcome="not-found")
    ]
    site.run(site.platform.store.write_audit([*strange[watch], *plain]))
    with closing(site.visitor("audit")) as auditor:
        page = auditor.get("/admin/audit", params={"watch": watch})
    assert page.status_code == 200
    assert "odd" in table(page.text)
    assert "plain" not in table(page.text)


def test_a_resident_sees_lists_exports_deputies_and_emergencies(site: Site) -> None:
    me = me_of(site)
    site.run(
        site.platform.store.write_audit(
            [
                told("clerk", action="search-type", residents=(me, "another-one")),
                told("clerk", action="export", residents=(me, "another-one")),
                told(
                    "doctor",
                    type="Observation",
                    id="o1",
                    residents=(me,),
                    on_behalf_of="hospital",
                    app="ward-tablet",
                ),
                told("hospital", id=me, purpose="BTG", reason="昏迷送医，无法联系家属"),
                told("system", action="update", id=me, residents=(me,)),
            ]
        )
    )
    with closing(site.visitor("resident")) as client:
        page = client.get("/me/lookups").text
        for text in (
            "在列表或查询结果中看到", "导出含有您的名单", "应急调阅", "昏迷送医，无法联系家属", "代 ", "ward-tablet",
            "查看“评估与检查”", "is-emergency",
        ):  # fmt: skip
            assert text in page, text
        assert "another-one" not in page, "of others a row tells nothing"
        assert (
            "本人" not in re.sub(r"<nav.*?</nav>", "", page, flags=re.S).split("lookups")[1].split("</ul>")[0]
        )
        assert "系统自动处理" not in page, "what the product does by itself is nobody's look"
        every = client.get("/me/lookups?show=all").text
        assert "本人" in every
        assert "系统自动处理" in every
        assert client.get("/me/lookups", params={"of": "another-one"}).status_code == 403


def test_alike_acts_of_a_day_are_one_line(site: Site) -> None:
    me = me_of(site)
    rows = [told("plan", action="search-type", residents=(me,), reason="count me") for _ in range(7)]
    site.run(site.platform.store.write_audit(rows))
    with closing(site.visitor("resident")) as client:
        page = client.get("/me/lookups").text
    assert page.count("count me") == 1
    assert "7 次" in page


def test_a_resident_asks_why(site: Site) -> None:
    me = me_of(site)
    with closing(site.visitor("clerk")) as clerk:
        clerk.get(f"/residents/{me}")
    with closing(site.visitor("resident")) as client:
        page = client.get("/me/lookups").text
        address = re.search(r'href="(/me/lookups/\d+/ask)"', page)
        assert address, "every lookup of others can be asked about"
        form = client.get(address[1]).text
        assert "请说明查看的理由和依据" in form
        assert 'value="explain" selected' in form or 'value="explain" checked' in form
        for wrong in ("0", "999999999999", "x", quote("1 or 1=1")):
            assert client.get(f"/me/lookups/{wrong}/ask").status_code == 404
    with closing(site.visitor("doctor")) as other:
        assert other.get(address[1]).status_code in (403, 404), "another's lookup is not there"
