"""Residents of the demo city: the 2020 census' ages six years on, households, names, conditions.

Nothing here is anybody: names are put together by chance, identity numbers start with 9901, which is no place.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from kangshu.sdk import DemoDistrict, DemoResident, DemoTown
from kangshu.services.city.places import town_shares
from kangshu.services.city.tables import Sex, Weighted, ages, given_name, surnames

CENSUS = date(2020, 11, 1)
_SURVIVAL = ((90, 0.15), (85, 0.30), (80, 0.52), (75, 0.72), (70, 0.85), (65, 0.92), (60, 0.95), (0, 1.0))
"""Share of an age group of 2020 that is alive six years later, from national life tables, rounded."""
_BIRTHS = 0.62
"""Births since the census against those of the six years before it: fewer children are born."""

# Share of people told by a doctor, by age from the first number on (national surveys 2012–2018, crude rates
# times the share that is aware of it).
_CONDITIONS: dict[str, tuple[tuple[int, float], ...]] = {
    "I10": ((75, 0.42), (65, 0.36), (55, 0.26), (45, 0.14), (35, 0.06), (25, 0.02), (0, 0.0)),
    "E11.9": ((70, 0.17), (60, 0.13), (50, 0.08), (40, 0.04), (30, 0.012), (0, 0.0)),
    "E78.5": ((60, 0.12), (45, 0.08), (30, 0.02), (0, 0.0)),
    "I25.1": ((75, 0.14), (65, 0.09), (55, 0.04), (45, 0.01), (0, 0.0)),
    "J44.9": ((70, 0.08), (60, 0.05), (45, 0.02), (0, 0.0)),
    "I69.3": ((75, 0.06), (65, 0.035), (55, 0.012), (0, 0.0)),
    "F03": ((85, 0.12), (75, 0.05), (65, 0.015), (0, 0.0)),
}


@dataclass(slots=True)
class _Person:
    sex: Sex
    birth: date
    age: int
    surname: str = ""


@dataclass(slots=True)
class _Household:
    members: list[_Person]
    head_age: int
    children: int = 0


def _by_age(age: int, table: tuple[tuple[int, float], ...]) -> float:
    return next(value for start, value in table if age >= start)


def _draw_people(rng: Random, count: int, today: date) -> list[_Person]:
    found: list[_Person] = []
    elapsed = (today - CENSUS).days
    while len(found) < count:
        start, sex = ages().draw(rng)
        if rng.random() < _BIRTHS * 5 / 82:  # five-year group of those born after the census
            birth, sex = today - timedelta(days=rng.randrange(max(1, elapsed))), "male"
            if rng.random() < 0.475:
                sex = "female"
        else:
            if rng.random() > _by_age(start, _SURVIVAL):
                continue
            birth = CENSUS - timedelta(days=round((start + rng.random() * 5) * 365.2425))
        age = today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))
        found.append(_Person(sex, birth, age))
    return found


def _couples(rng: Random, people: list[_Person]) -> tuple[list[_Household], list[_Person]]:
    """Return couples as households, and the grown-ups who are left."""
    men = sorted((one for one in people if one.sex == "male" and one.age >= 24), key=lambda one: one.age)
    women = sorted((one for one in people if one.sex == "female" and one.age >= 23), key=lambda one: one.age)
    couples, left, place = [], [], 0
    for man in men:
        married = 0.0 if not women else min(0.86, (man.age - 22) * 0.06)
        if rng.random() >= married or place >= len(women):
            left.append(man)
            continue
        while place < len(women) and women[place].age < man.age - 8:
            left.append(women[place])
            place += 1
        if place >= len(women) or women[place].age > man.age + 6:
            left.append(man)
            continue
        couples.append(_Household([man, women[place]], man.age))
        place += 1
    left += women[place:]
    return couples, left


def _join(
    rng: Random, homes: list[_Household], heads: list[int], youngest: int, oldest: int
) -> _Household | None:
    """Return a household whose head is between these ages, or None; `heads` are the ages of `homes`, sorted."""
    low, high = bisect_left(heads, youngest), bisect_left(heads, oldest + 1)
    if low >= high:
        return None
    for _ in range(6):
        home = homes[rng.randrange(low, high)]
        if home.children < 2 or rng.random() < 0.1:
            return home
    return None


def _households(rng: Random, people: list[_Person]) -> list[_Household]:
    couples, singles = _couples(rng, people)
    couples.sort(key=lambda one: one.head_age)
    heads = [one.head_age for one in couples]
    homes = list(couples)
    for person in people:
        young = person.age < (24 if person.sex == "male" else 23)
        if not young:
            continue
        home = _join(rng, couples, heads, person.age + 22, person.age + 42)
        if home is None:
            homes.append(_Household([person], person.age))
        else:
            home.children += 1
            home.members.append(person)
    for (
        person
    ) in singles:  # the single young live with their parents, the single old often with their children
        bounds = (22, 38) if person.age < 35 else (-36, -22)
        lives_with = 0.55 if person.age < 35 else (0.45 if person.age >= 72 else 0.0)
        home = (
            _join(rng, couples, heads, person.age + bounds[0], person.age + bounds[1])
            if rng.random() < lives_with
            else None
        )
        if home is None:
            homes.append(_Household([person], person.age))
        else:
            home.members.append(person)
    return homes


def _name_household(rng: Random, home: _Household) -> None:
    head = home.members[0]
    head.surname = surnames().draw(rng)
    couple = len(home.members) > 1
    for place, person in enumerate(home.members[1:], 1):
        own = (place == 1 and couple) or (person.sex == "female" and person.age > head.age)
        person.surname = surnames().draw(rng) if own else head.surname


def _conditions(rng: Random, person: _Person, today: date) -> dict[str, date]:
    found = {}
    for code, table in _CONDITIONS.items():
        if rng.random() < _by_age(person.age, table):
            years = min(rng.expovariate(1 / 6), max(0.2, person.age - 28))
            found[code] = today - timedelta(days=30 + round(years * 365))
    return found


def make_residents(
    rng: Random, count: int, today: date, districts: tuple[DemoDistrict, ...], towns: tuple[DemoTown, ...]
) -> tuple[DemoResident, ...]:
    """Return `count` residents, household by household."""
    shares = town_shares()
    share_of = {one.code: one.share for one in districts}
    place = Weighted(towns, [shares[town.code] * share_of[town.district] for town in towns])
    found: list[DemoResident] = []
    homes = _households(rng, _draw_people(rng, count, today))
    rng.shuffle(homes)
    for number, home in enumerate(homes, 1):
        town = place.draw(rng)
        community = rng.choice(tuple(town.communities))
        _name_household(rng, home)
        for person in home.members:
            frailty = 1 / (1 + math.exp(-(person.age - 84 + rng.gauss(0, 7)) / 5))
            found.append(
                DemoResident(
                    f"resident-{len(found) + 1:06d}",
                    person.surname + given_name(rng, person.sex, person.birth.year),
                    person.sex,
                    person.birth,
                    town.district,
                    town.code,
                    community,
                    f"{town.code}-{number:06d}",
                    f"centre-{town.code}",
                    _conditions(rng, person, today),
                    round(frailty, 3),
                )
            )
    return tuple(found)
