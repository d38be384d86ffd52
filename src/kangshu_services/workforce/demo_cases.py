"""Filings of further sites in the demo city: in force, to be checked today, sent back, and one of somebody from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kangshu.sdk import DemoCase, DemoCity, DemoMove
from kangshu_services.workforce.demo import filing_homes


def demo_cases(city: DemoCity) -> Iterator[DemoCase]:
    """Yield the filings; the health commission checks them."""
    office = city.unit("health-commission").id
    check = DemoMove("check", office, {"verified_in": "医师执业注册信息系统查询"}, 20)
    ways: tuple[tuple[DemoMove, ...], ...] = (
        (check, DemoMove("activate", office, {}, 20)),
        (),
        (DemoMove("return", office, {"comment": "请补交聘用协议"}, 20),),
    )
    doctors = [one for one in city.practitioners if one.role == "physician"]
    for number, (home, moves) in enumerate(zip(filing_homes(city), ways, strict=True)):
        values: dict[str, Any] = {
            "receiver": office,
            "kind": "further-site",
            "who": f"Practitioner/{doctors[number].id}",
            "licence": f"110990000{number:04d}",
            "post": "physician",
            "main_site": doctors[number].organisation,
            "site": home,
            "start": city.day(-10),
            "finish": city.day(355),
            "evidence": [f"DocumentReference/filing-paper-{home}"],
        }
        yield DemoCase("workforce/filing", home, 6 - number, values, moves=moves)
    home = filing_homes(city)[0]
    guest: dict[str, Any] = {
        "receiver": office,
        "kind": "outside",
        "who_name": "容嘉树",
        "licence": "2209900000088",
        "post": "physician",
        "main_name": "邻市第一人民医院",
        "site": home,
        "start": city.day(3),
        "finish": city.day(180),
        "evidence": [f"DocumentReference/filing-paper-{home}"],
    }
    yield DemoCase("workforce/filing", home, 2, guest, moves=(check,))
