"""Recognised hardship of older people of the demo city: who is poor decides whose stay counts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from kangshu.sdk import DemoCity, Resource, code_system

_KINDS = ("特困人员", "最低生活保障", "低收入家庭")
_CATEGORY = "http://terminology.hl7.org/CodeSystem/flag-category"


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield a Flag for about one in six of those of 65 years and more, the frail more often."""
    for one in city.elders(65):
        if city.rng.random() > 0.08 + 0.2 * one.frailty:
            continue
        start = city.today - timedelta(days=city.rng.randrange(200, 1500))
        kind = city.rng.choice(_KINDS)
        yield {
            "resourceType": "Flag",
            "id": f"hardship-{one.id[9:]}",
            "status": "active",
            "category": [
                {"coding": [{"system": _CATEGORY, "code": "admin", "display": "Administrative"}]},
                {"coding": [{"system": code_system("flag-kind"), "code": "hardship", "display": "困难认定"}]},
            ],
            "code": {"coding": [{"system": code_system("hardship"), "code": "recognised"}], "text": kind},
            "subject": one.reference,
            "period": {"start": start.isoformat()},
        }
