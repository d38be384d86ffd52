"""Lists of work and pictures of registers on the pages: rows, filters, sheet, preview, start, map, bars and curve."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace

import httpx
import openpyxl
import pytest

from kangshu.access import Grant, system_grant
from kangshu.api import ListAsked, offered_lists
from kangshu.base.clock import today
from kangshu.sdk import ListDeclaration
from kangshu.web.chains import Stage, drawn_chain
from kangshu.web.pages.register_chain import supplies_of

from .site import Site, token_of

SYSTEM = system_grant("test")


def _lists(site: Site) -> list[ListDeclaration]:
    return [one for service in site.platform.services for one in service.lists]


def _total(page: str) -> int:
    found = re.search(r"共 ([\d,]+) 条", page)
    return int(found[1].replace(",", "")) if found else 0


def test_every_list_opens_for_whom_it_is_offered_and_for_nobody_else(site: Site) -> None:
    for account in ("clerk", "civil", "leader", "resident"):
        grant = site.run(site.platform.accounts.open_grant(account))
        offered = {one.code for one in offered_lists(site.platform, grant)}
        with closing(site.visitor(account)) as client:
            for one in _lists(site):
                status = client.get(f"/lists/{one.code}").status_code
                unknown = 404 if grant.may("register.read") else 403
                assert status == (200 if one.code in offered else unknown), (one.code, account)


def test_a_list_says_of_a_row_what_is_so(site: Site) -> None:
    """Who sees a row but not the records that speak against it is not told that there are none.

    What a list asserts by joining another view must hold over all of that view: such a view is `counted`.
    """
    wrong, looked = set(), set()
    so = {one.code: _rows(site, SYSTEM, one) for one in _lists(site)}
    for account in site.passwords:
        grant = site.run(site.platform.accounts.open_grant(account))
        if grant.roles in looked:
            continue
        looked.add(grant.roles)
        seen = site.run(site.platform.store.resolve_care(grant))
        for one in offered_lists(site.platform, grant):
            told = _rows(site, seen, one)
            is_so = so[one.code]
            if "$organisation" in one.sql:  # a list that is of whoever looks
                is_so = _rows(site, replace(SYSTEM, organisation=grant.organisation), one)
            wrong |= {(one.code, account) for subject, values in told.items() if is_so.get(subject) != values}
    assert not wrong, "\n".join(f"{code} tells {account} what is not so" for code, account in sorted(wrong))


def _rows(site: Site, grant: Grant, declared: ListDeclaration) -> dict[str, list[Mapping[str, object]]]:
    """Return the values of a list's rows by subject, of every row that the grant finds."""
    day, place = today(), site.platform.settings.jurisdiction
    given = {one: site.platform.parameters.value(one, place, day) for one in declared.parameters}
    asked = ListAsked(district=place, limit=5000)
    found: dict[str, list[Mapping[str, object]]] = {}
    for row in site.platform.snapshot().listed(grant, declared, given, day, asked).rows:
        found.setdefault(row.subject, []).append(row.values)
    return found


@pytest.fixture(scope="module")
def work(site: Site) -> tuple[ListDeclaration, httpx.Client, str]:
    """Return a list with rows that the section clerk sees, the clerk's browser and the page."""
    client = site.visitor("clerk")
    for one in _lists(site):
        answer = client.get(f"/lists/{one.code}")
        if answer.status_code == 200 and _total(answer.text) > 1:
            return one, client, answer.text
    pytest.skip("no service of this installation has a list with rows for the clerk")


def test_the_sheet_holds_the_rows_of_the_page(work: tuple[ListDeclaration, httpx.Client, str]) -> None:
    one, client, page = work
    export = re.search(r'href="([^"]*export\.xlsx[^"]*)"', page)
    assert export
    answer = client.get(html.unescape(export[1]))
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0]
    assert sheet["A1"].value.startswith("演示数据")
    assert sheet.max_row - 2 == min(_total(page), 20_000)
    assert [cell.value for cell in sheet[2]][2:] == [column.title.zh for column in one.columns]


def test_a_district_narrows_the_list(work: tuple[ListDeclaration, httpx.Client, str]) -> None:
    one, client, page = work
    parts = [
        _total(client.get(f"/lists/{one.code}", params={"district": f"99010{place}"}).text)
        for place in range(2, 7)
    ]
    assert sum(parts) <= _total(page)
    assert max(parts) < _total(page) or sum(part > 0 for part in parts) == 1


def test_no_column_of_another_list_orders_it(work: tuple[ListDeclaration, httpx.Client, str]) -> None:
    one, client, _ = work
    assert client.get(f"/lists/{one.code}", params={"sort": "no_such_column"}).status_code == 400


def _startable(site: Site, account: str) -> tuple[ListDeclaration, httpx.Client, list[str]]:
    client = site.visitor(account)
    for one in _lists(site):
        answer = client.get(f"/lists/{one.code}")
        marks = re.findall(r'name="id" value="([^"]+)"', answer.text)
        if answer.status_code == 200 and marks:
            return one, client, marks
    client.close()
    pytest.skip("no service of this installation has a list to start from")


def test_marked_rows_are_shown_first_and_nothing_starts_without_a_token(site: Site) -> None:
    one, client, marks = _startable(site, "clerk")
    with closing(client):
        preview = client.get(f"/lists/{one.code}/start", params=[("id", mark) for mark in marks[:2]])
        assert preview.status_code == 200
        assert f'value="{",".join(marks[:2])}"' in preview.text
        refused = client.post(f"/lists/{one.code}/start", data={"id": marks[0], "_token": "0" * 64})
        assert refused.status_code == 403
        # what does not stand in the list is left out, whoever names it
        other = client.get(f"/lists/{one.code}/start", params={"id": "Organization/unit-statistics"})
        assert "Organization/unit-statistics" not in other.text
        token = token_of(preview.text)
        nothing = client.post(f"/lists/{one.code}/start", data={"id": "Basic/none", "_token": token})
        assert nothing.status_code in (200, 422)


def test_pictures_draw_every_record_and_say_it_in_words(site: Site) -> None:
    grant = site.run(site.platform.accounts.open_grant("clerk"))
    drawn = [one for one in site.platform.registers.declarations if one.pictures.map or one.pictures.gantt]
    if not drawn:
        pytest.skip("no register of this installation has a picture")
    with closing(site.visitor("clerk")) as client:
        for register in drawn:
            found = site.run(site.platform.registers.pictured(grant, register.code, most=500))
            for name, picture in (("map", register.pictures.map), ("gantt", register.pictures.gantt)):
                answer = client.get(f"/registers/{register.code}/{name}")
                if picture is None:
                    assert answer.status_code == 404
                    continue
                assert answer.status_code == 200, (register.code, name)
                for row in found.rows:
                    assert f'href="/registers/{register.code}/{row.id}"' in answer.text
            if register.pictures.map is not None and any(found.places):
                page = client.get(f"/registers/{register.code}/map").text
                assert page.count('class="map-mark"') == sum(one is not None for one in found.places)


def test_chains_count_who_stands_in_each_stage_and_mark_the_gaps(site: Site) -> None:
    drawn = [one for one in site.platform.registers.declarations if one.pictures.chain]
    if not drawn:
        pytest.skip("no register of this installation is drawn as chains")
    grant = site.run(site.platform.accounts.open_grant("clerk"))
    with closing(site.visitor("clerk")) as client:
        for register in drawn:
            picture = register.pictures.chain
            assert picture is not None
            stages = site.run(site.platform.registers.pictured(grant, register.code, most=500)).rows
            assert stages
            placed = site.run(
                site.platform.registers.pictured(grant, picture.members.register, most=5000)
            ).rows
            held = {str(row.values[picture.members.of]).partition("/")[2] for row in placed}
            page = client.get(f"/registers/{register.code}/chain").text
            for row in stages:
                assert page.count(f'href="/registers/{register.code}/{row.id}"') == 2  # drawn, and in words
            gaps = sum(row.id not in held for row in stages)
            assert page.count("chain-stage is-gap") == gaps
            assert page.count('<svg class="chart chain"') == len({row.values[picture.of] for row in stages})


def test_supply_is_drawn_between_the_stages_of_its_members() -> None:
    members = {"grow": {"a": 1}, "make": {"b": 1, "c": 1}, "sell": {"c": 1, "d": 1}}
    stages = [("grow", 1), ("make", 2), ("sell", 3)]
    links = [("a", "b"), ("a", "c"), ("b", "d"), ("d", "a"), ("a", "outside")]
    # against the order, within a stage and to nobody of the chain nothing is drawn
    assert supplies_of(stages, members, links) == {
        ("grow", "make"): 2,
        ("grow", "sell"): 1,
        ("make", "sell"): 1,
    }


def test_a_name_from_outside_stays_a_name_in_a_chain() -> None:
    stage = Stage("k", 1, "<script>甲乙丙丁戊己庚辛壬癸", 'told"', "gap", '/registers/x/y/"z')
    drawing = drawn_chain(
        [stage, Stage("l", 2, "销", "1", "held", "/l")], {("k", "l"): 3}, "<b>", {("k", "l"): "<i>"}
    )
    assert "<script>" not in drawing
    assert "<b>" not in drawing
    assert "<i>" not in drawing
    assert 'y/"z' not in drawing


def test_a_measure_by_district_stands_on_the_map(site: Site) -> None:
    with closing(site.visitor("clerk")) as client:
        page = client.get("/measures/nursing-bed-share").text
        assert page.count('class="map-border"') == 5
        assert 'href="/measures/nursing-bed-share?district=990102"' in page


def test_totals_stand_above_a_list_and_lead_to_its_rows(site: Site) -> None:
    grant = site.run(site.platform.accounts.open_grant("civil"))
    summed = [one for one in _lists(site) if one.totals and set(one.roles) & set(grant.roles)]
    if not summed:
        pytest.skip("no service of this installation has a list with totals")
    with closing(site.visitor("civil")) as client:
        for one in summed:
            assert one.totals
            address = f"/lists/{one.code}"
            # a table to look at stands in its service's menu
            assert f'href="{address}"' in client.get("/").text
            page = client.get(address).text
            rows = [re.findall(r'href="([^"]*)"', cells) for cells in re.findall(r"<tr>(.*?)</tr>", page)]
            ways = [html.unescape(way) for row in rows for way in row if f"{one.totals.down[0]}=" in way]
            assert ways, one.code
            narrowed = client.get(ways[0])
            assert 0 < _total(narrowed.text) < _total(page)
            for by in one.totals.down:
                assert client.get(address, params={"by": by}).status_code == 200
            book = openpyxl.load_workbook(io.BytesIO(client.get(f"{address}/export.xlsx").content))
            assert len(book.worksheets) == 1 + len(one.totals.down)
            known = [row[-1] for row in book.worksheets[1].iter_rows(min_row=2, values_only=True)]
            assert known[-1] == pytest.approx(sum(value or 0 for value in known[:-1]))
