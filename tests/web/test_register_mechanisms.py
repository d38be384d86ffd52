"""What every register's pages can do: pinyin, batches with a preview, history by field, imports shown first."""

from __future__ import annotations

import html
import io
import re
from contextlib import closing

import openpyxl

from kangshu.access import system_grant

from .site import Site, token_of

RESIDENTS = "/registers/residents/residents"
SYSTEM = system_grant("test")


def test_people_are_found_by_initials_on_the_pages(site: Site) -> None:
    grant = site.run(site.platform.accounts.open_grant("doctor"))
    found = site.run(site.platform.store.search_all(grant, "Patient", "phonetic=w"))
    everybody = site.run(site.platform.store.search_all(SYSTEM, "Patient", "phonetic=w"))
    assert 0 < len(found) < len(everybody)
    with closing(site.visitor("doctor")) as client:
        page = client.get(RESIDENTS, params={"name": "w"}).text
        assert f"共 {len(found)} 条" in page
        assert "汉字、全拼或首字母" in client.get(RESIDENTS).text
        token = token_of(client.get("/find/resident").text)
        finder = client.post("/find/resident", data={"_token": token, "text": "w"}).text
    names = {one["name"][0]["text"] for one in found}
    assert any(name in finder for name in names)
    away = {one["id"] for one in everybody} - {one["id"] for one in found}
    assert not any(one in page or one in finder for one in away)


def test_marked_records_are_changed_after_a_preview(site: Site) -> None:
    with closing(site.visitor("clerk")) as client:
        ids = re.findall(r'name="id" value="([^"]+)"', client.get(RESIDENTS).text)[:3]
        asked = [("id", one) for one in ids]
        chooser = client.get(f"{RESIDENTS}/batch", params=asked).text
        field = "household"
        assert f'<option value="{field}"' in chooser
        assert '<option value="id_number"' not in chooser, "what is single is not for batches"
        form = client.get(f"{RESIDENTS}/batch", params=[*asked, ("field", field)]).text
        records = re.search(r'name="records" value="([^"]*)"', form)
        assert records
        sent = {"_token": token_of(form), "records": records[1], "field": field, field: "批量户号"}
        shown = client.post(f"{RESIDENTS}/batch", data=sent).text
        assert "确认修改 3 条" in shown
        before = [site.run(site.platform.store.read(SYSTEM, "Patient", one)) for one in ids]
        assert all("批量户号" not in str(one.resource) for one in before)
        versions = re.search(r'name="records" value="([^"]*)"', shown)
        assert versions
        done = client.post(f"{RESIDENTS}/batch", data={**sent, "records": versions[1], "act": "do"}).text
        assert "修改结果" in done
        after = [site.run(site.platform.store.read(SYSTEM, "Patient", one)) for one in ids]
        assert all("批量户号" in str(one.resource) for one in after)
        # the same form once more speaks of versions that have gone by: nothing changes, and it is told
        stale = client.post(
            f"{RESIDENTS}/batch", data={**sent, "records": versions[1], "act": "do", field: "再改"}
        ).text
        assert "不能改" in stale
        history = client.get(f"{RESIDENTS}/{ids[0]}/history", params={"field": field}).text
        assert "批量户号" in history
        assert "周以宁" in history
        for one in before:
            site.run(site.platform.store.update(SYSTEM, one.resource))
    with closing(site.visitor("resident")) as nobody:
        assert nobody.get(f"{RESIDENTS}/batch", params=asked).status_code in (403, 404)
        assert nobody.get(f"{RESIDENTS}/{ids[0]}/history").status_code in (403, 404)


def test_an_import_is_shown_and_then_written(site: Site) -> None:
    with closing(site.visitor("clerk")) as client:
        book = openpyxl.load_workbook(io.BytesIO(client.get(f"{RESIDENTS}/template.xlsx").content))
        titles = [cell.value for cell in book.worksheets[0][1]]
        someone = site.run(site.platform.store.search_all(SYSTEM, "Patient", "_id=resident-000001"))[0]
        number = next(one["value"] for one in someone["identifier"] if one["system"].endswith(".1.3"))
        row = {"身份证号": number, "姓名": someone["name"][0]["text"], "联系电话": "0900-12345678"}
        book.worksheets[0].append([row.get(title, "") for title in titles])
        book.worksheets[0].append([{"姓名": "缺项者"}.get(title, "") for title in titles])
        out = io.BytesIO()
        book.save(out)
        token = token_of(client.get(f"{RESIDENTS}/import").text)
        file = {"file": ("居民.xlsx", out.getvalue())}
        shown = client.post(f"{RESIDENTS}/import", data={"_token": token}, files=file)
        assert shown.status_code == 422
        assert "核对结果，尚未写入" in shown.text
        assert "下载问题清单" in shown.text
        data = re.search(r'name="data" value="([^"]*)"', shown.text)
        assert data
        again = {"_token": token, "act": "errors", "data": html.unescape(data[1])}
        errors = client.post(f"{RESIDENTS}/import", data=again)
        rows = list(
            openpyxl.load_workbook(io.BytesIO(errors.content)).worksheets[0].iter_rows(values_only=True)
        )
        assert rows[0] == ("行号", "列", "问题")
        assert {one[0] for one in rows[1:]} >= {3}
