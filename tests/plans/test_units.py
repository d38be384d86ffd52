"""Who is meant by a unit as documents print it."""

from __future__ import annotations

import pytest

from kangshu.plans import UnitDirectory
from kangshu.services.city import make_city

RESOURCES = list(make_city(60, 1, 1))
DIRECTORY = UnitDirectory(
    [one for one in RESOURCES if one["resourceType"] == "Organization"],
    "990100",
    {
        one["identifier"][0]["value"]: one["name"]
        for one in RESOURCES
        if one["resourceType"] == "Location" and "identifier" in one
    },
)
DISTRICTS = tuple(f"government-99010{number}" for number in range(2, 7))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("市卫生健康委", "unit-health-commission"),
        ("市卫健委", "unit-health-commission"),
        ("市卫计委", "unit-health-commission"),  # named so before 2018
        ("卫生健康委", "unit-health-commission"),  # the place stands with the first of a list
        ("云汐市卫生健康委员会", "unit-health-commission"),
        ("市 卫生\n健康委", "unit-health-commission"),
        ("发展改革委", "unit-development-reform"),
        ("市发改委", "unit-development-reform"),
        ("市市场监管局", "unit-market-regulation"),
        ("市场监管局", "unit-market-regulation"),
        ("云汐市市场监管局", "unit-market-regulation"),
        ("市工商局", "unit-market-regulation"),
        ("市经信委", "unit-industry"),
        ("市旅发委", "unit-culture-tourism"),
        ("市政府", "unit-city-government"),
        ("市人民政府", "unit-city-government"),
        ("云湖区政府", "government-990102"),
        ("松屏县人民政府", "government-990106"),
        ("市中医院", "hospital-yunxi-tcm"),
    ],
)
def test_a_unit_is_found(written: str, meant: str) -> None:
    assert DIRECTORY.resolve(written).organisations == (meant,)


@pytest.mark.parametrize(
    "written", ["各区（县）人民政府", "各县(市、区)人民政府", "各区", "各区县", "各县市区政府"]
)
def test_a_collective_means_every_district_government(written: str) -> None:
    assert DIRECTORY.resolve(written).organisations == DISTRICTS


@pytest.mark.parametrize(
    "written",
    [
        "",
        "市食药监局",  # its work was split between two departments
        "省卫生健康委",
        "国家发展改革委",
        "区卫健局",  # which district's?
        "市税务局",  # the city has none here
        "市级有关部门",
        "各责任单位",
        "有关区县",
        "某某专班",
    ],
)
def test_what_is_not_certain_stays_open(written: str) -> None:
    assert DIRECTORY.resolve(written).organisations == ()


def test_another_citys_unit_means_our_department_of_the_same_work() -> None:
    assert DIRECTORY.resolve_elsewhere("东湾区民政局").organisations == ("unit-civil-affairs",)
    assert DIRECTORY.resolve_elsewhere("州发展改革委").organisations == ("unit-development-reform",)
    assert DIRECTORY.resolve_elsewhere("某某公司").organisations == ()
