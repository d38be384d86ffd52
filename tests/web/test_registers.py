"""Registers on the pages: spans of days, the way back, chosen records, people found by name, history and files."""

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
TIME = re.compile(r"\d\d:\d\d")
"""What stands in the place of a state where two systems tell different times of one booking."""


def names_of(page: str) -> list[str]:
    """Return the first column of a list."""
    return [html.unescape(one) for one in re.findall(r'<a class="strong" href="[^"]+">([^<]*)</a>', page)]


def link(page: str, rel: str) -> str:
    """Return the way to the page before (`prev`) or after (`next`), "" for none."""
    found = re.search(rf'rel="{rel}" href="([^"]+)"', page)
    return html.unescape(found[1]) if found else ""


def test_one_goes_forth_and_back_through_a_list(site: Site) -> None:
    with closing(site.visitor("clerk")) as client:
        pages, address = [], f"{RESIDENTS}?sort=birth_date"
        for _ in range(4):
            page = client.get(address).text
            pages.append(names_of(page))
            address = link(page, "next")
        assert "第 61–80 条" in page
        for before in reversed(pages[:3]):
            page = client.get(link(page, "prev")).text
            assert names_of(page) == before
        assert link(page, "prev") == ""
        assert link(page, "next") != ""


def test_a_span_of_days_filters_the_list_and_the_workbook(site: Site) -> None:
    with closing(site.visitor("clerk")) as client:
        asked = {"birth_date": "1950-01-01", "birth_date.to": "1955-12-31"}
        page = client.get(RESIDENTS, params=asked).text
        days = re.findall(r'<td class="tight">(\d{4}-\d\d-\d\d)</td>', page)
        assert days
        assert all("1950-01-01" <= day <= "1955-12-31" for day in days)
        assert 'value="1950-01-01"' in page
        assert 'value="1955-12-31"' in page
        total = int(re.search(r"共 ([\d,]+) 条", page)[1])  # type: ignore[index]
        export = re.search(r'href="([^"]*export\.xlsx[^"]*)"', page)
        assert export
        book = openpyxl.load_workbook(io.BytesIO(client.get(html.unescape(export[1])).content))
        assert book.worksheets[0].max_row == total + 2
        open_end = client.get(RESIDENTS, params={"birth_date": "2020-01-01", "birth_date.to": ""}).text
        days = re.findall(r'<td class="tight">(\d{4}-\d\d-\d\d)</td>', open_end)
        assert all(day >= "2020-01-01" for day in days)


def test_filters_beyond_the_fourth_are_folded_until_used(site: Site) -> None:
    with closing(site.visitor("clerk")) as client:
        page = client.get(RESIDENTS).text
        assert "更多筛选" in page
        assert '<details class="filters-more">' in page
        assert '<details class="filters-more" open>' in client.get(RESIDENTS, params={"phone": "0900"}).text


def test_marked_records_are_shown_and_exported_alone(site: Site) -> None:
    with closing(site.visitor("clerk")) as client:
        ids = re.findall(r'name="id" value="([^"]+)"', client.get(RESIDENTS).text)[:3]
        page = client.get(f"{RESIDENTS}/chosen", params=[("id", one) for one in ids]).text
        assert len(names_of(page)) == 3
        export = re.search(r'href="([^"]*export\.xlsx[^"]*)"', page)
        assert export
        book = openpyxl.load_workbook(io.BytesIO(client.get(html.unescape(export[1])).content))
        assert book.worksheets[0].max_row == 5
        assert "没有选择记录" in client.get(f"{RESIDENTS}/chosen").text
    other = site.run(site.platform.store.search_all(SYSTEM, "Patient", ""))
    with closing(site.visitor("doctor")) as doctor:
        page = doctor.get(f"{RESIDENTS}/chosen", params=[("id", one["id"]) for one in other]).text
        grant = site.run(site.platform.accounts.open_grant("doctor"))
        seen = {one["id"] for one in site.run(site.platform.store.search_all(grant, "Patient", ""))}
        shown = set(re.findall(r'<a class="strong" href="/residents/([^"]+)"', page))
        assert shown <= seen, "an id that one does not see is not there"


def test_people_are_found_by_name_and_number_as_the_grant_allows(site: Site) -> None:
    grant = site.run(site.platform.accounts.open_grant("doctor"))
    mine = site.run(site.platform.store.search_all(grant, "Patient", ""))
    ids = {one["id"] for one in mine}
    stranger = next(
        one for one in site.run(site.platform.store.search_all(SYSTEM, "Patient", "")) if one["id"] not in ids
    )
    person = mine[0]
    number = person["identifier"][0]["value"]
    with closing(site.visitor("doctor")) as doctor:
        for text in (person["name"][0]["text"], number):
            page = doctor.get("/find/resident", params={"text": text}).text
            assert f'data-value="Patient/{person["id"]}"' in page
        page = doctor.get("/find/resident", params={"text": stranger["identifier"][0]["value"]}).text
        assert "没有找到" in page
        assert doctor.get("/find/nobody").status_code == 404
    with closing(site.visitor("civil")) as civil:
        assert "data-value" not in civil.get("/find/resident", params={"text": "王"}).text


def test_a_name_that_fits_several_comes_back_as_a_choice(site: Site) -> None:
    start = "/cases/start/referral/referral"
    grant = site.run(site.platform.accounts.open_grant("doctor"))
    people = site.run(site.platform.store.search_all(grant, "Patient", ""))
    family = max(
        {one["name"][0]["text"][0] for one in people},
        key=lambda sign: sum(one["name"][0]["text"].startswith(sign) for one in people),
    )
    with closing(site.visitor("doctor")) as doctor:
        page = doctor.get(start).text
        assert 'data-find="/find/resident"' in page
        answer = doctor.post(start, data={"_token": token_of(page), "_subject": family})
        assert answer.status_code == 422
        assert "有多个符合的" in answer.text
        offered = re.search(r'<select id="f-_subject".*?</select>', answer.text, re.S)
        assert offered
        assert len(re.findall(r'<option value="Patient/', offered[0])) > 1
        page = doctor.post(start, data={"_token": token_of(page), "_subject": "查无此人"}).text
        assert "没有找到" in page


def test_days_are_written_alike_everywhere(site: Site) -> None:
    with closing(site.visitor("clerk")) as client:
        for address in (f"{RESIDENTS}/new", RESIDENTS, "/registers/elder_health/managements/new"):
            page = client.get(address).text
            assert 'type="date"' not in page
            assert 'type="datetime-local"' not in page
            assert 'placeholder="2026-03-01' in page


def test_the_history_of_fields_is_told(site: Site) -> None:
    beds = "/registers/institutions/beds"
    with closing(site.visitor("elder")) as client:
        bed = re.search(rf'class="strong" href="({beds}/[^"/]+)"', client.get(beds).text)
        assert bed
        edit = f"{bed[1]}/edit"
        page = client.get(edit).text
        form = dict(re.findall(r'<input [^>]*name="(\w+)"[^>]* value="([^"]*)"', page))
        for name, body in re.findall(r'<select [^>]*name="(\w+)"[^>]*>(.*?)</select>', page, re.S):
            held = re.search(r'value="([^"]*)" selected', body)
            form[name] = held[1] if held else ""
        before = html.unescape(form["name"])
        form["name"] = f"{before}（改）"
        assert client.post(edit, data=form).status_code == 303
        record = client.get(bed[1]).text
        assert f"<del>{before}</del> → <ins>{before}（改）</ins>" in record
        assert "新建" in record


def test_a_refused_form_leaves_no_file_behind(site: Site) -> None:
    start, store = "/cases/start/referral/referral", site.platform.store
    with closing(site.visitor("doctor")) as doctor:
        page = doctor.get(start).text
        before = len(site.run(store.search_all(SYSTEM, "DocumentReference", "")))
        files = {"attachments": ("化验单.txt", "血常规".encode(), "text/plain")}
        answer = doctor.post(start, data={"_token": token_of(page), "_subject": ""}, files=files)
        assert answer.status_code == 422
        assert len(site.run(store.search_all(SYSTEM, "DocumentReference", ""))) == before
        grant = site.run(site.platform.accounts.open_grant("doctor"))
        patient = site.run(store.search_all(grant, "Patient", ""))[0]
        form = {
            "_token": token_of(page), "_subject": f"Patient/{patient['id']}", "direction": "up",
            "receiver": "Organization/hospital-yunxi-first", "urgency": "routine", "indication": "acute",
            "diagnosis": "头晕", "summary": "三日", "consent": "true",
        }  # fmt: skip
        made = doctor.post(start, data=form, files=files)
        assert made.status_code == 303, re.findall(r'class="error"[^>]*>([^<]+)', made.text)
        kept = site.run(store.search_all(SYSTEM, "DocumentReference", f"subject=Patient/{patient['id']}"))
        assert [one["content"][0]["attachment"]["title"] for one in kept] == ["化验单.txt"]
        case = doctor.get(made.headers["location"]).text
        assert f'<a href="/files/{kept[0]["id"]}/preview">化验单.txt</a>' in case
        assert doctor.get(f"/files/{kept[0]['id']}").content.decode() == "血常规"


def test_every_code_in_a_list_has_words(own_site: Site) -> None:
    """A column with choices that meets a code without one shows the code: no page of the demo city does."""
    registers, unknown = own_site.platform.registers, set()
    for declared in registers.declarations:
        choices = {one.id: {option.code for option in one.options} for one in declared.columns if one.options}
        page = own_site.run(registers.list(SYSTEM, declared.code, count=200, total=False))
        for row in page.rows:
            for column, codes in choices.items():
                value = row.values[column]
                unknown |= {
                    (declared.code, column, str(one))
                    for one in (value if isinstance(value, list) else [value])
                    if one is not None and str(one) not in codes and not TIME.fullmatch(str(one))
                }
    assert sorted(unknown) == []
