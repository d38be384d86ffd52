"""驾驶舱: what stands there by declaration and by choice, for whom, and that every number has its words."""

from __future__ import annotations

import re
from contextlib import closing

from kangshu.web import wall

from .site import Site, token_of

TILE = re.compile(r'<a class="tile [^"]*" href="/measures/([^"]+)">')


def test_the_folders_say_what_stands_there_until_an_office_chooses(site: Site) -> None:
    measures = [one for service in site.platform.services for one in service.measures]
    declared = [one.id for one in wall.declared(measures)]
    assert len(declared) >= 6
    with closing(site.visitor("plan")) as office:
        assert TILE.findall(office.get("/cockpit").text) == declared
        token = token_of(office.get("/cockpit/arrange").text)
        form = {"_token": token, "place-nursing-bed-share": "2", "place-elder-assessment-65": "1"}
        try:
            assert office.post("/cockpit/arrange", data=form).status_code == 303
            with closing(site.visitor("leader")) as leader:
                assert TILE.findall(leader.get("/cockpit").text) == [
                    "elder-assessment-65",
                    "nursing-bed-share",
                ]
            for wrong in ("0", "x", "-1", "1.5", "９"):
                assert (
                    office.post(
                        "/cockpit/arrange", data={**form, "place-nursing-bed-share": wrong}
                    ).status_code
                    == 422
                )
        finally:
            assert (
                office.post("/cockpit/arrange", data={"_token": token, "act": "declared"}).status_code == 303
            )
        assert TILE.findall(office.get("/cockpit").text) == declared


def test_who_arranges_needs_the_right(site: Site) -> None:
    with closing(site.visitor("statistics")) as clerk:
        assert clerk.get("/cockpit/arrange").status_code == 403
        token = token_of(clerk.get("/measures").text)
        assert clerk.post("/cockpit/arrange", data={"_token": token, "act": "declared"}).status_code == 403


def test_what_an_account_may_not_see_is_not_there(site: Site) -> None:
    with closing(site.visitor("statistics")) as counts_only:
        page = counts_only.get("/cockpit").text
        assert "超期办件" not in page, "it reads no case"
        assert "规划目标" in page
    with closing(site.visitor("subsidy")) as reviewer:
        page = reviewer.get("/cockpit").text
        assert "wall-lights" not in page, "it reads no plan"
        assert "elder-management-rate-65" not in page, "it counts none of these records"


def test_the_map_and_every_light_are_told_in_words(site: Site) -> None:
    with closing(site.visitor("leader")) as leader:
        page = leader.get("/cockpit?map=nursing-bed-share").text
        other = leader.get("/cockpit?map=no-such-measure&theme=%3Cb%3E&rotate=-9").text
    assert "护理型床位占比：各区排名" in page
    drawn = re.search(r'<div class="map-box">(.*?)</div>', page, re.S)
    assert drawn
    assert "/measures/nursing-bed-share?district=" in drawn[1]
    for tile in re.findall(r'<a class="tile is-(?:red|amber|green).*?</a>', page, re.S):
        assert re.search(r'<span class="light is-\w+">.*?(滞后|预警|正常)', tile, re.S)
    assert "<b>" not in other
    assert 'data-rotate="0"' in other
