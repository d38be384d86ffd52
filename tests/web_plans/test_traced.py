"""Three targets of a public plan, each from its clause over its measure to one record's page, with the right accounts."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from kangshu.access import system_grant
from tests.demo_city import DemoCities
from tests.web.site import Site, served, token_of

from .asking import plain, send

DOCUMENT = Path(__file__).resolve().parents[3] / "shared" / "documents" / "003.txt"
pytestmark = pytest.mark.skipif(
    not DOCUMENT.is_file(), reason="the public documents lie beside the project, in ../shared"
)
MEASURES = ("nursing-bed-share", "elder-management-rate-60", "elder-assessment-65")
"""What proves the three targets: of beds, of residents, and of residents over sixty-five."""


@pytest.fixture(scope="module")
def site(demo_cities: DemoCities) -> Iterator[Site]:
    """A city of this module's own: a plan of so many targets changes every board."""
    with demo_cities.copy("traced", 300) as copy, served(copy.url, copy.place, copy.passwords) as made:
        yield made


@pytest.fixture(scope="module")
def plan(site: Site) -> str:
    """The id of the document as one plan of our own, what proves its targets confirmed by the plan office."""
    with closing(site.visitor("plan")) as office:
        form = {"_token": token_of(office.get("/plans/import").text), "own": "true"}
        made = office.post("/plans/import", data=form, files={"file": ("003.txt", DOCUMENT.read_bytes())})
        address = made.headers["location"]
        if address.startswith("/plans/import/"):  # several plans in one file: taken as they stand
            made = office.post(address.partition("?")[0], data={**form, "act": "whole"})
            address = made.headers["location"]
        id_ = str(address.split("/")[2])
        page = f"/plans/{id_}/evidence"
        assert send(office, page, page, act="confirm-all").status_code == 303
    return id_


def _link(page: str, pattern: str) -> str:
    found = re.search(pattern, page)
    assert found, (pattern, plain(page)[:400])
    return html.unescape(found[1])


@pytest.mark.parametrize("measure", MEASURES)
def test_a_target_is_traced_from_its_clause_to_one_record(site: Site, plan: str, measure: str) -> None:
    view = site.run(site.platform.plans.plan(system_grant("test"), plan))
    target = next((one for one in view.targets if one.measure == measure), None)
    assert target is not None, sorted({one.measure for one in view.targets if one.measure})
    words = view.text[target.anchor.start : target.anchor.end]
    with closing(site.visitor("clerk")) as clerk, closing(site.visitor("leader")) as leader:
        page = clerk.get(f"/plans/{plan}/targets/{target.id}").text
        # the clause in the document, word for word
        document = clerk.get(_link(page, rf'href="(/plans/{plan}/document[^"]*)"')).text
        assert "".join(words.split()) in "".join(plain(document).split())
        # the measure that proves it, and its number
        measured = clerk.get(_link(page, rf'href="(/measures/{measure})"')).text
        assert f'href="/plans/{plan}/targets/{target.id}"' in measured
        numerator, denominator = re.findall(r'figure-value">([\d,.]+)', measured)[1:3]
        assert f"{numerator} / {denominator}" in plain(page)
        # the records behind the number, and one of them
        listed = clerk.get(_link(measured, rf'href="(/measures/{measure}/subjects[^"]*)"')).text
        listed += clerk.get(f"/measures/{measure}/subjects?part=numerator").text
        name, record = _record(listed)
        assert name in plain(clerk.get(record).text)
        _kept_from_who_counts_only(leader, measure, record, people=record.startswith("/residents/"))


def _record(page: str) -> tuple[str, str]:
    """Return name and address of the first record of a list."""
    found = re.search(r'<th scope="row"><a href="(/(?:residents|registers)/[^"]+)">([^<]+)</a>', page)
    assert found, plain(page)[:400]
    return html.unescape(found[2]), html.unescape(found[1])


def _kept_from_who_counts_only(leader: httpx.Client, measure: str, record: str, *, people: bool) -> None:
    """Hold that a leader has the number, and opens nobody."""
    assert re.search(r'figure-value">[\d,.]+', leader.get(f"/measures/{measure}").text)
    if people:
        assert "/residents/" not in leader.get(f"/measures/{measure}/subjects?part=numerator").text
        assert leader.get(record).status_code == 404
