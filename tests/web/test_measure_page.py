"""The pages of one measure: what they show to whom, that they agree, and that no small count gets out anywhere."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date
from itertools import pairwise
from typing import Any

import httpx
import pytest
from lxml import etree

from kangshu.access import system_grant
from kangshu.base.clock import today
from kangshu.measures import period_of
from kangshu.web import geography, shaded_map
from kangshu.web.funnel_chart import Curves, Unit, funnel_plot
from kangshu.web.maps import Land
from kangshu.web.measure_trend import Change, Goal, Moment, trend_chart
from kangshu.web.pages.measure_frame import source_text
from kangshu.web.pyramid import Band, Half, pyramid

from .site import Site

MEASURE = "elder-management-rate-65"
SMALL = 5
BAD = '<script>alert("x")</script>'
SQUARE = ((101.0, 39.0), (101.0, 40.0), (102.0, 40.0), (102.0, 39.0), (101.0, 39.0))


@pytest.fixture(scope="module")
def clerk(site: Site) -> Iterator[httpx.Client]:
    with closing(site.visitor("clerk")) as client:
        yield client


@pytest.fixture(scope="module")
def leader(site: Site) -> Iterator[httpx.Client]:
    """May count everybody of the city and read nobody's record."""
    with closing(site.visitor("leader")) as client:
        yield client


def _true(site: Site, by: tuple[str, ...]) -> Mapping[tuple[str, ...], tuple[float, float]]:
    """Return the two sums of every cell of the measure, as the product itself counts them."""
    measure = next(one for each in site.platform.services for one in each.measures if one.id == MEASURE)
    place = site.platform.settings.jurisdiction
    values = {one: site.platform.parameters.value(one, place, today()) for one in measure.parameters}
    grant = system_grant("test")
    result = site.platform.snapshot().evaluate(
        grant, measure, values, *period_of(measure, today()), by, place
    )
    return {row.keys: (row.numerator or 0.0, row.denominator or 0.0) for row in result.rows}


def _small(numerator: float, denominator: float) -> bool:
    return any(0 < one < SMALL for one in (numerator, denominator, denominator - numerator))


def _plain(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


# ---------------------------------------------------------------------- small counts


def test_no_small_count_is_on_the_map_nor_in_its_file(site: Site, leader: httpx.Client) -> None:
    """Point by point: GeoJSON, and the titles and labels of the drawn map, for who reads nobody."""
    cells = {keys[0]: sums for keys, sums in _true(site, ("town",)).items()}
    small = {code for code, sums in cells.items() if _small(*sums)}
    assert small, "the city has no small count: this test cannot fail"
    found = leader.get(f"/measures/{MEASURE}/map.geojson?level=town").json()
    told = {one["id"]: one["properties"] for one in found["features"]}
    page = leader.get(f"/measures/{MEASURE}?level=town").text
    said = re.findall(r'aria-label="([^"：]+)：([^"]*)"', page)
    for code in small:
        assert told[code]["suppressed"]
        assert told[code]["value"] is None
        assert told[code]["rank"] is None
        numerator, denominator = cells[code]
        if told[code]["numerator"] is not None:  # then the other part is hidden
            assert told[code]["denominator"] is None
            assert not 0 < numerator < SMALL
        if told[code]["denominator"] is not None:
            assert not 0 < denominator < SMALL
        assert ("已抑制" in dict(said)[told[code]["name"]]) is True


@pytest.mark.parametrize(("tail", "by"), [("people", ("gender", "age-band")), ("compare", ("centre",))])
def test_no_small_count_is_in_a_picture_or_its_table(
    site: Site, leader: httpx.Client, tail: str, by: tuple[str, ...]
) -> None:
    small = [sums for sums in _true(site, by).values() if _small(*sums)]
    page = leader.get(f"/measures/{MEASURE}/{tail}").text
    if "不再细分展示" in page:
        assert '<rect class="pyramid' not in page
        assert 'funnel-mark" cx' not in page
        return
    assert page.count("已抑制") >= len(small)
    # a mark of the funnel and a bar of the pyramid tell both sums in their titles
    for numerator, denominator in re.findall(r"<title>[^<]*\(([\d,.]+)/([\d,.]+)\)</title>", page):
        assert not _small(float(numerator.replace(",", "")), float(denominator.replace(",", "")))


def test_a_file_hides_what_the_page_hides(leader: httpx.Client, clerk: httpx.Client) -> None:
    page = leader.get(f"/measures/{MEASURE}/export.csv?by=gender,age-band")
    assert page.status_code == 200
    seen, all_ = (
        client.get(f"/measures/{MEASURE}/export.csv?by=gender,age-band").text for client in (leader, clerk)
    )
    assert "已抑制" not in all_
    assert "已抑制" in seen or len(seen.splitlines()) < len(all_.splitlines())


# ---------------------------------------------------------------------- map and ranking


def test_the_map_file_is_geojson_and_says_what_the_page_says(clerk: httpx.Client) -> None:
    answer = clerk.get(f"/measures/{MEASURE}/map.geojson")
    assert answer.headers["content-type"].startswith("application/geo+json")
    found = answer.json()
    assert found["type"] == "FeatureCollection"
    assert found["demo"] is True
    page = clerk.get(f"/measures/{MEASURE}").text
    assert len(found["features"]) == page.count('class="map-border"') == 5
    for one in found["features"]:
        ring = one["geometry"]["coordinates"][0]
        assert ring[0] == ring[-1]
        # anticlockwise, longitude before latitude (RFC 7946)
        assert sum((b[0] - a[0]) * (b[1] + a[1]) for a, b in pairwise(ring)) < 0
        assert 73 < ring[0][0] < 136
        said = one["properties"]
        assert f"{said['name']}：{said['text']}" in html.unescape(page)
        assert said["value"] == pytest.approx(said["numerator"] / said["denominator"] * 100, abs=1e-5)
    assert sorted(one["properties"]["rank"] for one in found["features"]) == [1, 2, 3, 4, 5]


def test_a_division_leads_to_the_next_level_down_to_its_people(clerk: httpx.Client) -> None:
    page, way = clerk.get(f"/measures/{MEASURE}").text, []
    for digits in (6, 9):  # the demo city's residents are recorded by town
        links = re.findall(rf'<a href="(/measures/{MEASURE}\?district=(\d{{{digits}}}))" aria-label', page)
        assert links, digits
        way.append(links[0][1])
        page = clerk.get(links[0][0]).text
        assert f'aria-current="page">{_plain_name(page)}' in page
    assert way[1].startswith(way[0])
    # every level above stands in the way back, and the people of this one are a step away
    assert f'href="/measures/{MEASURE}?district={way[0]}"' in page
    subjects = re.search(rf'href="(/measures/{MEASURE}/subjects\?district={way[1]}[^"]*)"', page)
    assert subjects
    assert clerk.get(html.unescape(subjects[1])).status_code == 200
    village = clerk.get(f"/measures/{MEASURE}?district={way[1]}001")
    assert village.status_code == 200
    assert "没有可分组的数据" in village.text


def _plain_name(page: str) -> str:
    found = re.search(r'place-way.*?aria-current="page">([^<]+)', page, re.DOTALL)
    assert found
    return found[1]


def test_the_parts_of_a_place_add_up_to_it_and_to_its_people(clerk: httpx.Client) -> None:
    city = clerk.get(f"/measures/{MEASURE}/map.geojson").json()["features"]
    county = max(city, key=lambda one: one["properties"]["denominator"])
    towns = clerk.get(f"/measures/{MEASURE}/map.geojson?district={county['id']}").json()["features"]
    for part in ("numerator", "denominator"):
        assert sum(one["properties"][part] for one in towns) == county["properties"][part]
        page = clerk.get(f"/measures/{MEASURE}/subjects?district={county['id']}&part={part}").text
        counted = re.search(r'<span class="count">([\d,]+)</span>', page.split("place-bar")[1])
        assert counted
        assert float(counted[1].replace(",", "")) == county["properties"][part]


def test_an_office_of_a_county_begins_with_its_own(site: Site) -> None:
    with closing(site.visitor("county-industry")) as client:
        page = client.get(f"/measures/{MEASURE}").text
        told = _plain(page)
        assert "当前账号只统计所在辖区" in told
        home = re.search(r'aria-current="page">([^<]+)</strong>', page)
        assert home
        assert home[1] == "云湖区"
        own = client.get(f"/measures/{MEASURE}/map.geojson").json()["features"]
        assert own
        assert all(one["id"].startswith("990102") for one in own)
        # beyond it nothing is counted, whatever is asked for
        other = client.get(f"/measures/{MEASURE}/map.geojson?district=990104").json()["features"]
        assert not [one for one in other if one["properties"]["denominator"]]


def test_a_unit_is_told_that_it_sees_its_own(site: Site) -> None:
    with closing(site.visitor("doctor")) as client:
        assert "只统计本单位负责的记录" in client.get(f"/measures/{MEASURE}").text


# ---------------------------------------------------------------------- comparison, definition, work


def test_institutions_are_compared_in_words_that_fit_the_table(clerk: httpx.Client) -> None:
    page = clerk.get(f"/measures/{MEASURE}/compare").text
    told = _plain(page)
    verdicts = re.findall(r'class="badge is-(red|amber|blue|green)">', page)
    units = page.count('<tr><td class="number">') - 1
    said = re.search(r"所列 (\d+) 家中，(\d+) 家的数值落在 95% 控制限以内", told)
    if said is None:
        assert "能够比较的机构不足" in told
        return
    assert int(said[1]) <= units + 1
    assert int(said[1]) - int(said[2]) == len(verdicts)
    assert "99.8% 控制限" in told


def test_the_definition_says_parameters_whether_verified_and_the_worked_example(clerk: httpx.Client) -> None:
    told = _plain(clerk.get(f"/measures/{MEASURE}/definition").text)
    for words in (
        "老年人健康管理服务年龄",
        "已核实",
        "待核实",
        "第二种独立的算法",
        "分子 1，分母 2，得 50.0%",
    ):
        assert words in told, words
    assert "T104" not in told


def test_who_does_not_meet_it_is_a_step_from_the_work(clerk: httpx.Client, leader: httpx.Client) -> None:
    page = clerk.get(f"/measures/{MEASURE}/subjects?part=gap&district=990102").text
    assert "从这里开始办" in page
    assert 'href="/lists/elder_health/not-examined?district=990102"' in page
    assert re.search(r'href="/cases/start\?subject=Patient/[^"]+"', page)
    assert clerk.get("/lists/elder_health/not-examined?district=990102").status_code == 200
    told = leader.get(f"/measures/{MEASURE}/subjects?part=gap").text
    assert "/residents/" not in told
    assert "/cases/start?subject" not in told


def test_numbers_as_a_report_are_those_of_the_page(clerk: httpx.Client) -> None:
    page = clerk.get(f"/measures/{MEASURE}").text
    found = re.search(r'href="(/fhir/Measure/[^"]+)"', page)
    assert found
    report = clerk.get(html.unescape(found[1])).json()
    counts = {one["code"]["coding"][0]["code"]: one["count"] for one in report["group"][0]["population"]}
    features = clerk.get(f"/measures/{MEASURE}/map.geojson").json()["features"]
    for part in ("numerator", "denominator"):
        assert counts[part] == sum(one["properties"][part] for one in features)


def test_makers_numbers_are_no_words_of_an_office() -> None:
    assert source_text("规划指标：健康管理率（T104）；《规范》") == "规划指标：健康管理率；《规范》"
    assert source_text("规划指标（T010、T094）") == "规划指标"
    assert source_text("《规范》（第三版）") == "《规范》（第三版）"


# ---------------------------------------------------------------------- drawings


def test_drawings_escape_and_say_what_they_show() -> None:
    place = geography.Place("990102", BAD, None, BAD, hidden=True)
    found = geography.features({"990102": Land("990102", BAD, SQUARE)}, [place])
    moments = [
        Moment(date(2026, 3, 31), 1.0),
        Moment(date(2026, 6, 30), None),
        Moment(date(2026, 9, 30), 2.0),
    ]
    half = Half(10, 4, BAD, BAD, f'/x?"{BAD}')
    drawn = [
        shaded_map.shaded_map(found, title=BAD, links="/x?d={code}"),
        funnel_plot(
            [Unit(BAD, 10, 40.0, 2, BAD, f'/y?"{BAD}')],
            Curves(50.0, [1, 10], [(0, 100), (20, 80)], [(0, 100), (10, 90)], BAD, BAD, BAD),
            title=BAD, unit=BAD, across=BAD,
        ),
        pyramid([Band(BAD, half, half)], title=BAD, left=BAD, right=BAD),
        trend_chart(moments, title=BAD, unit=BAD, goals=[Goal(1.5, BAD)], changes=[Change(date(2026, 7, 1), BAD)]),
    ]  # fmt: skip
    for one in drawn:
        assert "<script" not in one
        tree = etree.fromstring(one)
        assert tree.get("aria-label") == BAD
    # what is unknown is hatched, not left white; the line breaks where nothing is known
    assert 'fill="url(#map-hatch)"' in drawn[0]
    assert "polyline" not in drawn[3]
    assert shaded_map.legend(found, str, "无")[-1].count == 1


def test_what_begins_anew_each_year_is_no_fall() -> None:
    days = (date(2025, 9, 30), date(2025, 12, 31), date(2026, 3, 31), date(2026, 6, 30))
    moments = [Moment(day, value) for day, value in zip(days, (40.0, 60.0, 10.0, 30.0), strict=True)]
    lines: dict[bool, Any] = {
        yearly: str(trend_chart(moments, title="x", yearly=yearly)).count("<polyline")
        for yearly in (True, False)
    }
    assert lines == {True: 2, False: 1}


def test_a_place_without_an_outline_stays_in_the_file() -> None:
    found = geography.features({}, [geography.Place("990102", "甲", 1.0, "1")])
    assert found[0]["geometry"] is None
    assert json.loads(json.dumps(geography.collection(found, {"name": "x"})))["features"][0]["id"] == "990102"
    assert shaded_map.shaded_map(found, title="x") == ""
