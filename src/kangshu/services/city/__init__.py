"""The demo city 云汐市: a made-up city of any size, the same for the same seed and day.

The platform makes places, organisations, staff and residents; every service folder adds its own records with
its `demo.py`. All of it carries the tag 演示数据.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from random import Random

from kangshu.base.canonical import DEMO_TAG
from kangshu.base.clock import today as city_today
from kangshu.base.faults import Invalid
from kangshu.base.working_days import china
from kangshu.sdk import DemoCity, Resource, Service
from kangshu.services.city import people, places, resources
from kangshu.services.city.outlines import make_outlines
from kangshu.services.city.resources import division
from kangshu.services.city.running import Ran, run_cases
from kangshu.services.city.tables import layout

__all__ = ["CITY_CODE", "CITY_NAME", "Ran", "division", "draw_city", "make_city", "run_cases"]

CITY_CODE = "990100"
CITY_NAME = "云汐市"
_TAG = {"system": DEMO_TAG, "code": "demo", "display": "演示数据"}
_MOST_RESIDENTS = 2_000_000


def draw_city(
    residents: int = 5000, years: int = 3, seed: int = 20260101, today: date | None = None
) -> DemoCity:
    """Return the city's places, organisations, staff and residents. Raises Invalid for impossible sizes."""
    if not 50 <= residents <= _MOST_RESIDENTS:
        raise Invalid(
            f"a demo city has 50 to {_MOST_RESIDENTS} residents",
            zh=f"演示城市的居民数应在50至{_MOST_RESIDENTS}之间",
        )
    if not 1 <= years <= 10:
        raise Invalid("a demo city has 1 to 10 years of records", zh="演示城市的记录年数应在1至10之间")
    day = today or city_today()
    data = layout()["city"]
    districts, towns = places.make_districts(), places.make_towns()
    inhabitants = people.make_residents(_rng(seed, "people"), residents, day, districts, towns)
    elders = sum(1 for one in inhabitants if one.age(day) >= 60)
    organisations = places.make_organisations(elders)
    return DemoCity(
        data["code"],
        data["name"],
        day,
        years,
        seed,
        china(),
        districts,
        towns,
        organisations,
        places.make_staff(_rng(seed, "staff"), organisations, residents, day),
        inhabitants,
        _rng(seed, "core"),
        make_outlines(data["code"], districts, towns, places.town_shares(), seed),
    )


def make_city(
    residents: int = 5000,
    years: int = 3,
    seed: int = 20260101,
    services: Iterable[Service] = (),
    today: date | None = None,
) -> Iterator[Resource]:
    """Yield the city's resources; what is referred to comes first, so that they can be loaded in order."""
    city = draw_city(residents, years, seed, today)
    own = (
        resources.divisions(city),
        resources.organisations(city),
        resources.practitioners(city),
        resources.residents(city, _rng(seed, "numbers")),
    )
    for part in own:
        for resource in part:
            yield _tagged(resource)
    for service in services:
        if service.demo is not None:
            for resource in service.demo(replace(city, rng=_rng(seed, service.id))):
                yield _tagged(resource)


def _rng(seed: int, part: str) -> Random:
    return Random(f"{seed}/{part}")  # noqa: S311 - a made-up city, not a secret


def _tagged(resource: Resource) -> Resource:
    resource.setdefault("meta", {}).setdefault("tag", []).append(_TAG)
    return resource
