"""First screens: sections that services declare, notices, several cases at once, and a resident's own pages."""

from __future__ import annotations

import html
import re
from contextlib import closing
from dataclasses import replace
from datetime import date

import httpx
import pytest

from kangshu.access import system_grant
from kangshu.base.clock import today

from .site import Site, token_of

SYSTEM = system_grant("test")


def figure(page: str, label: str) -> str:
    """Return the value of a key figure."""
    found = re.search(rf'figure-label">{label}</div>\s*<div class="figure-value">([^<]*)', page)
    assert found, label
    return found[1]


def test_the_directors_screen_follows_the_parameter(site: Site) -> None:
    table, id_ = site.platform.parameters, "elder-assessment-interval-months"
    with closing(site.visitor("elder")) as director:
        page = director.get("/").text
        living, before = int(figure(page, "在住老人")), int(figure(page, "评估到期"))
        assert "超过 12 个月未评估" in page
        assert before < living
        known = table.versions(id_)[0]
        table.enter(
            replace(known, value=0, jurisdiction="990100", valid_from=today(), source="测试〔2026〕1号")
        )
        try:
            page = director.get("/").text
            assert "超过 0 个月未评估" in page
            assert int(figure(page, "评估到期")) == living
        finally:
            table.enter(replace(known, jurisdiction="990100", valid_from=today(), source="测试〔2026〕2号"))
        assert int(figure(director.get("/").text, "评估到期")) == before


def test_a_section_of_which_one_has_nothing_is_left_out(site: Site) -> None:
    with closing(site.visitor("doctor")) as doctor, closing(site.visitor("hospital")) as hospital:
        assert "签约到期" in doctor.get("/").text
        assert "签约到期" not in hospital.get("/").text
        assert 'figure-label">评估到期<' not in doctor.get("/").text


def test_notices_are_marked_as_read(site: Site) -> None:
    with closing(site.visitor("hospital")) as client:
        page = client.get("/notices").text
        shown = re.findall(r'action="(/notices/[^"]+)"', page)
        assert len(shown) > 2
        assert f'count is-accent">{len(shown)}</span>' in page, "the menu says how many"
        answer = client.post(shown[0], data={"_token": token_of(page), "back": "https://evil.example/"})
        assert answer.headers["location"].startswith("/?")
        page = client.get(answer.headers["location"]).text
        assert "已标为已阅" in page
        assert shown[0] not in client.get("/notices").text
        assert shown[0].removeprefix("/notices/") not in client.get("/").text
        page = client.get("/notices").text
        ids = re.findall(r'name="id" value="([^"]+)"', page)
        body = str(httpx.QueryParams([("_token", token_of(page)), *(("id", one) for one in ids)]))
        form = {"content-type": "application/x-www-form-urlencoded"}
        assert client.post("/notices", content=body, headers=form).status_code == 303
        assert "没有未读通知" in client.get("/notices").text
        assert len(re.findall(r"<time", client.get("/notices?box=all").text)) >= len(shown)
    with closing(site.visitor("doctor")) as other:
        answer = other.post(shown[0], data={"_token": token_of(other.get("/notices").text)})
        assert answer.status_code == 404, "another organisation's notice is not there"


def test_several_duties_are_signed_for_at_once(site: Site) -> None:
    civil = site.run(site.platform.accounts.open_grant("civil"))
    plan = site.run(site.platform.accounts.open_grant("plan"))
    made = [
        site.run(
            site.platform.cases.start(
                plan,
                "supervision/duty",
                {"content": f"任务{one}"},
                receiver=civil.organisation,
                title=f"任务{one}",
            )
        ).id
        for one in "甲乙"
    ]
    with closing(site.visitor("civil")) as client:
        page = client.get("/worklist").text
        assert all(f'name="id" value="{one}"' in page for one in made)
        page = client.get("/worklist/batch", params=[("id", one) for one in made]).text
        acts = re.findall(
            r'name="move" value="([^"]+)"><input type="hidden" name="case" value="([^"]+)"', page
        )
        move, cases = next(one for one in acts if one[1].count(".") == len(made))
        form = {"_token": token_of(page), "move": move, "case": html.unescape(cases) + ",none.1"}
        done = client.post("/worklist/batch", data=form).text
        assert done.count(">已办理</span>") == len(made)
        assert done.count(">未办理</span>") == 1
        again = client.post("/worklist/batch", data=form).text
        assert ">已办理</span>" not in again, "what was done is not done twice"
    assert "没有选择办件" in _get(site, "civil", "/worklist/batch")


def _get(site: Site, name: str, address: str) -> str:
    with closing(site.visitor(name)) as client:
        return client.get(address).text


def test_a_resident_sees_who_opened_the_record(site: Site) -> None:
    me = site.run(site.platform.accounts.account(SYSTEM, "resident")).patient
    centre = site.run(site.platform.store.read(SYSTEM, "Patient", me)).resource["managingOrganization"]
    with closing(site.visitor("clerk")) as clerk:
        assert clerk.get(f"/residents/{me}").status_code == 200
    with closing(site.visitor("resident")) as client:
        page = client.get("/me/lookups").text
        assert "周以宁（卫健委老龄科）" in page
        assert "公共卫生" in page
        home = client.get("/").text
        assert "周以宁（卫健委老龄科）" in home
        name = site.run(
            site.platform.store.read(
                SYSTEM, "Organization", centre["reference"].removeprefix("Organization/")
            )
        ).resource["name"]
        assert name in home, "with whom the contract was made"
        own = client.get(f"/residents/{me}").text
        assert "谁看过我的档案" in own
        assert "*" not in re.search(r"身份证号</dt><dd>([^<]*)", own)[1]  # type: ignore[index]
    with closing(site.visitor("doctor")) as other:
        assert other.get("/me/lookups").status_code == 403


def test_marks_of_age_follow_the_parameters(site: Site) -> None:
    grant = site.run(site.platform.accounts.open_grant("clerk"))
    people = site.run(site.platform.store.search_all(grant, "Patient", ""))
    year = date.today().year  # noqa: DTZ011 - a whole year is near enough
    ages = {one["id"]: year - int(one["birthDate"][:4]) for one in people}
    old = next(id_ for id_, age in ages.items() if age > 66)
    between = next(id_ for id_, age in ages.items() if 62 <= age <= 63)
    young = next(id_ for id_, age in ages.items() if age < 50)
    with closing(site.visitor("clerk")) as clerk:
        assert "65 岁及以上" in clerk.get(f"/residents/{old}").text
        assert "60 岁及以上" in clerk.get(f"/residents/{between}").text
        assert "岁及以上" not in clerk.get(f"/residents/{young}").text


@pytest.mark.parametrize(
    "name",
    [
        "civil",
        "doctor",
        "hospital",
        "elder",
        "call-agent",
        "provider",
        "finance",
        "enterprise",
        "resident",
        "assessor",
    ],
)
def test_every_link_of_a_first_screen_opens(site: Site, name: str) -> None:
    with closing(site.visitor(name)) as client:
        page = client.get("/").text
        links = {one for one in re.findall(r'href="(/[^"#]*)"', page) if not one.startswith("/assets")}
        assert len(links) > 5
        refused = {
            one: client.get(html.unescape(one), follow_redirects=True).status_code for one in sorted(links)
        }
        assert {one: status for one, status in refused.items() if status >= 400} == {}
