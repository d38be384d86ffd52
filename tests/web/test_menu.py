"""The menu holds one's daily work; every other register that one may read is on the page of all registers."""

from __future__ import annotations

import re
from contextlib import closing

import pytest

from .site import Site

DAILY = {
    "doctor": (
        {"family_doctor/contracts", "residents/residents"},
        {"investment/contacts", "enterprises/returns"},
    ),
    "investment": ({"investment/targets"}, {"institutions/beds"}),
    "civil": ({"institutions/beds", "smart_elder_care/devices"}, {"investment/contacts"}),
}


def _registers(page: str, part: str) -> set[str]:
    """Return the registers that a part of a page (a pattern) leads to."""
    found = re.search(part, page, re.S)
    assert found
    return set(re.findall(r'href="/registers/([a-z_]+/[a-z-]+)"', found[0]))


@pytest.mark.parametrize("name", DAILY)
def test_the_menu_is_ones_daily_work_and_nothing_is_out_of_reach(site: Site, name: str) -> None:
    mine, others = DAILY[name]
    with closing(site.visitor(name)) as client:
        page = client.get("/registers").text
        menu = _registers(page, r'<nav class="side".*?</nav>')
        every = _registers(page, r'<main class="main".*?</main>')
        assert mine <= menu
        assert not others & menu
        assert menu <= every
        for register in sorted(every - menu)[:3]:
            assert client.get(f"/registers/{register}").status_code == 200


def test_without_registers_there_is_no_such_page(site: Site) -> None:
    with closing(site.visitor("resident")) as client:
        assert client.get("/registers").status_code == 403
        assert 'href="/registers"' not in client.get("/").text


def test_what_waits_is_ones_own(site: Site) -> None:
    with closing(site.visitor("doctor")) as client:
        page = client.get("/").text
        assert "到期未续签约清单" in page
        assert "没有养老设施的社区和村" not in page
        assert "没有养老设施的社区和村" in client.get("/lists").text
