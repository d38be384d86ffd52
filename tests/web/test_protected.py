"""Protected fields on pages: masked as they come, revealed once for a reason, found by number and name, saved whole."""

from __future__ import annotations

import html
import io
import re
from contextlib import closing
from typing import Any

import openpyxl
import pytest

from kangshu.access import system_grant
from kangshu.accounts import Account
from kangshu.store import AuditQuery

from .site import Site, token_of

SYSTEM = system_grant("test")

RESIDENTS = "/registers/residents/residents"


def _somebody(site: Site, name: str) -> dict[str, Any]:
    """Return a resident, as stored, whom the account sees and who has all that is protected."""
    grant = site.run(site.platform.accounts.open_grant(name))
    seen = site.run(site.platform.store.search_all(grant, "Patient", "_count=100"))
    for one in seen:
        stored = site.run(site.platform.store.read(SYSTEM, "Patient", one["id"])).resource
        if stored.get("telecom") and stored.get("address") and "*" in one["telecom"][0]["value"]:
            return dict(stored)
    raise AssertionError(f"{name} sees nobody masked")


@pytest.fixture(scope="module")
def agent(site: Site) -> str:
    """Return the name of an agent of the hotline: sees the city's residents and their telephones, no number or address."""
    account = Account(
        "hotline",
        "热线坐席",
        roles=("call-centre",),
        district="990100",
        organisation="unit-health-commission",
    )
    made = site.run(site.platform.accounts.create_account(SYSTEM, account))
    site.passwords["hotline"] = made.password
    return "hotline"


def _plain(person: dict[str, Any]) -> tuple[str, str]:
    return person["telecom"][0]["value"], person["address"][0]["text"]


def test_no_page_shows_a_masked_value_in_clear(site: Site) -> None:
    person = _somebody(site, "clerk")
    number, name = person["identifier"][0]["value"], person["name"][0]["text"]
    pages = (
        f"/residents/{person['id']}", f"{RESIDENTS}?name={name}", f"{RESIDENTS}/chosen?id={person['id']}",
        f"{RESIDENTS}/{person['id']}/edit", f"/find/resident?text={name}", f"/find/resident?text={name}+{number}",
        f"/worklist?box=all&text={name}",
    )  # fmt: skip
    with closing(site.visitor("clerk")) as client:
        for address in pages:
            answer = client.get(address)
            assert answer.status_code == 200, address
            for secret in _plain(person):
                assert secret not in html.unescape(answer.text), address
        book = openpyxl.load_workbook(io.BytesIO(client.get(f"{RESIDENTS}/export.xlsx?name={name}").content))
        cells = [str(cell.value) for row in book.worksheets[0].iter_rows() for cell in row]
        assert any(name in cell for cell in cells)
        assert not any(secret in cell for secret in _plain(person) for cell in cells)
        # filters are no oracle: what one does not see finds nobody
        for column, value in (("phone", _plain(person)[0]), ("address", _plain(person)[1][:8])):
            assert person["id"] not in client.get(RESIDENTS, params={column: value}).text


def test_a_field_is_revealed_once_for_a_reason(site: Site, agent: str) -> None:
    person = _somebody(site, "clerk")
    address, (phone, street) = f"/residents/{person['id']}", _plain(person)
    with closing(site.visitor("clerk")) as client:
        page = client.get(address).text
        assert "查看完整号码或住址" in page
        form = {"_token": token_of(page), "field": "telephone", "reason": "电话回访"}
        for wrong in ({"reason": " "}, {"field": "name"}):
            refused = client.post(f"{address}/reveal", data={**form, **wrong})
            assert refused.status_code == 422
            assert phone not in refused.text
        shown = client.post(f"{address}/reveal", data=form)
        assert shown.headers["cache-control"] == "no-store"
        assert phone in shown.text
        assert street not in shown.text
        assert phone not in client.get(address).text
    rows = site.run(site.platform.store.audit_rows(SYSTEM, AuditQuery(account="clerk", actions=("reveal",))))
    told = next(row for _, row in rows if row.outcome == "ok")
    assert (told.account, told.id, told.detail, told.reason) == (
        "clerk",
        person["id"],
        "telephone",
        "电话回访",
    )
    with closing(site.visitor(agent)) as client:
        token = token_of(client.get("/").text)
        answer = client.post(f"{address}/reveal", data={**form, "_token": token})
        assert answer.status_code == 403
        assert phone not in answer.text


def test_a_form_keeps_what_it_does_not_show(site: Site) -> None:
    person = _somebody(site, "clerk")
    address = f"{RESIDENTS}/{person['id']}/edit"
    with closing(site.visitor("clerk")) as client:
        page = client.get(address).text
        assert "受保护" in page
        box = re.search(r'<input [^>]*name="phone"[^>]*>', page)
        assert box
        assert " readonly" in box[0]
        fields = dict(re.findall(r'<input [^>]*name="([^"]+)"[^>]*? value="([^"]*)"', page))
        for name, options in re.findall(r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
            chosen = re.search(r'value="([^"]*)" selected', options)
            fields[name] = chosen[1] if chosen else ""
        fields = {name: html.unescape(value) for name, value in fields.items()}
        saved = client.post(address, data={**fields, "household": "H-77"})
        assert saved.status_code == 303, saved.text[:2000]
        after = site.run(site.platform.store.read(SYSTEM, "Patient", person["id"])).resource
        assert (after["telecom"], after["address"], after["identifier"]) == (
            person["telecom"], person["address"], person["identifier"],
        )  # fmt: skip
        version = after["meta"]["versionId"]
        changed = client.post(address, data={**fields, "_version": version, "phone": _plain(person)[0]})
        assert changed.status_code == 422
        assert "受保护" in changed.text


def test_a_counter_finds_by_number_and_name_whom_a_number_alone_does_not(site: Site, agent: str) -> None:
    grant = site.run(site.platform.accounts.open_grant(agent))
    one = site.run(site.platform.store.search_all(grant, "Patient", "_count=1"))[0]
    person = site.run(site.platform.store.read(SYSTEM, "Patient", one["id"])).resource
    number, name = person["identifier"][0]["value"], person["name"][0]["text"]
    with closing(site.visitor(agent)) as client:
        token = token_of(client.get("/find/resident").text)
        alone, both, wrong = (
            client.post("/find/resident", data={"text": text, "_token": token}).text
            for text in (number, f"{name} {number}", f"王不二 {number}")
        )
    assert "没有找到" in alone
    assert "没有找到" in wrong
    assert f'data-value="Patient/{person["id"]}"' in both
    assert number not in re.sub(r'value="[^"]*" maxlength', "", both)
