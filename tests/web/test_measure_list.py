"""指标监测: found by name, sound and filter; what is off course first; nothing that an account may not count."""

from __future__ import annotations

import asyncio
import re
from contextlib import closing

import httpx
import pytest

from kangshu.api import names_heard
from kangshu.web.kept import Kept

from .site import Site


@pytest.fixture(scope="module")
def leader(site: Site) -> httpx.Client:
    return site.visitor("leader")


def rows(page: str) -> list[str]:
    """Return the addresses of the measures that a page lists."""
    return re.findall(r'<th scope="row"><a href="(/measures/[^"]+)">', page)


def test_names_are_heard_as_people_type_them() -> None:
    name = "65岁以上老年人健康管理率"
    assert all(
        names_heard(name, typed) for typed in ("", "健康管理", "jiankang", "jkgl", "65 laonianren", "65岁")
    )
    assert not any(names_heard(name, typed) for typed in ("床位", "xyz", "jkgl 床位"))


def test_what_is_off_course_stands_first_and_the_rest_is_folded(leader: httpx.Client) -> None:
    page = leader.get("/measures").text
    before, _, folded = page.partition("没有对应规划目标的指标")
    tones = re.findall(r'<section class="card is-toned is-(\w+)">', before)
    assert tones == sorted(tones, key=["red", "amber", "green", "grey"].index)
    assert rows(before)
    assert not re.search(r'<details class="fold"[^>]*open', folded)
    assert folded.count('<details class="fold">') > 5


def test_a_measure_is_found_by_its_sound_and_by_filters(leader: httpx.Client) -> None:
    found = rows(leader.get("/measures", params={"q": "hlxcwzb"}).text)
    assert "/measures/nursing-bed-share" in found
    assert len(found) < 5
    without = rows(leader.get("/measures?target=without").text)
    assert "/measures/nursing-bed-share" not in without
    behind = rows(leader.get("/measures?light=red").text)
    assert set(behind) < set(rows(leader.get("/measures?target=with").text))
    nothing = leader.get("/measures", params={"q": "没有这样的名称"}).text
    assert "没有符合条件的指标" in nothing
    assert rows(nothing) == []


def test_every_line_with_a_target_says_light_value_target_and_gap(leader: httpx.Client) -> None:
    page = leader.get("/measures", params={"q": "护理型床位占比"}).text
    line = re.search(r'<tr>\s*<th scope="row"><a href="/measures/nursing-bed-share">.*?</tr>', page, re.S)
    assert line
    assert '<span class="light is-' in line[0]
    assert "≥" in line[0]
    assert "差 " in line[0] or "已达到" in line[0]
    assert "/plans/" in line[0]


def test_who_reads_no_plans_sees_no_targets(site: Site) -> None:
    grant = site.run(site.platform.accounts.open_grant("subsidy"))
    assert grant.may("measure.read")
    assert not grant.may("plan.read")
    with closing(site.visitor("subsidy")) as reviewer:
        page = reviewer.get("/measures").text
    assert "/plans/" not in page
    assert "没有对应目标" not in re.sub(r"<select.*?</select>", "", page, flags=re.S)
    # of records that it may not count there is no number, not even none
    listed = rows(page)
    assert listed
    assert "/measures/elder-management-rate-65" not in listed


async def test_what_is_kept_is_given_while_it_is_made_anew() -> None:
    made: list[int] = []
    gate = asyncio.Event()

    async def make() -> int:
        made.append(len(made))
        if len(made) > 1:
            await gate.wait()
        return made[-1]

    kept: Kept[int] = Kept(0.0, 60.0)
    assert await kept.of("a", make) == 0
    assert [await kept.of("a", make), await kept.of("a", make)] == [0, 0], "the old value, and made once"
    gate.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert made == [0, 1]
    assert await kept.of("a", make) == 1


async def test_a_fault_is_not_kept() -> None:
    kept: Kept[int] = Kept(60.0, 60.0)

    async def fail() -> int:
        raise ValueError("no")

    async def work() -> int:
        return 7

    with pytest.raises(ValueError, match="no"):
        await kept.of("a", fail)
    assert await kept.of("a", work) == 7
