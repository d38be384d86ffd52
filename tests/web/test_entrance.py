"""办事入口: four large buttons for oneself, for whoever gave a mandate, and for nobody else."""

from __future__ import annotations

import re
from contextlib import closing

from kangshu.access import system_grant

from .site import Site

SYSTEM = system_grant("test")
DOORS = ("help", "doctor", "visit", "subsidy")


def test_a_resident_begins_at_four_buttons(site: Site) -> None:
    with closing(site.visitor("resident")) as browser:
        for address in ("/", "/my"):
            page = browser.get(address).text
            assert re.findall(r'class="door is-(\w+)"', page) == list(DOORS)
            for title in ("叫人帮忙", "我的医生", "我要看病", "我的补贴"):
                assert title in page
        for door in DOORS:
            answer = browser.get(f"/my/{door}")
            assert answer.status_code == 200
            for address in re.findall(r'class="act" href="([^"]+)"', answer.text):
                assert browser.get(address.replace("&amp;", "&")).status_code == 200, address
        assert browser.get("/my/roof").status_code == 404


def test_an_agent_acts_for_those_who_said_so_and_sees_no_health_record(site: Site) -> None:
    with closing(site.visitor("agent")) as browser:
        people = re.findall(r'href="/my\?for=([^"]+)"', browser.get("/").text)
        assert len(people) >= 5
        assert browser.get(f"/my?for={people[0]}").status_code == 200
        assert browser.get(f"/my/doctor?for={people[0]}").status_code == 200
        everybody = site.run(site.platform.store.search_all(SYSTEM, "Patient", "active=true"))
        stranger = next(one["id"] for one in everybody if one["id"] not in people)
        assert browser.get(f"/my?for={stranger}").status_code == 404
        assert browser.get(f"/my/doctor?for={stranger}").status_code == 404
        grant = site.run(site.platform.accounts.open_grant("agent"))
        assert grant.mandates == set(people)
        for kind in ("Observation", "Condition", "Encounter", "Consent", "DocumentReference"):
            assert site.run(site.platform.store.search_all(grant, kind, f"patient=Patient/{people[0]}")) == []


def test_a_family_member_with_a_mandate_chooses_for_whom(site: Site) -> None:
    with closing(site.visitor("parent")) as browser:
        page = browser.get("/my").text
        given = re.findall(r'href="/my\?for=([^"]+)"[^>]*>[^<]*<small>受委托', page)
        assert len(given) == 1
        assert f"/my/help?for={given[0]}" in browser.get(f"/my?for={given[0]}").text


def test_a_mandate_gives_no_consent(site: Site) -> None:
    """What needs a person's own will is not among what an agent may start, nor may a neighbour start it."""
    grant = site.run(site.platform.accounts.open_grant("agent"))
    giver = sorted(grant.mandates)[0]
    for kind in site.platform.cases.startable(grant, giver):
        assert {"agent", "any", "organisation"} & set(kind.start_by), kind.code
