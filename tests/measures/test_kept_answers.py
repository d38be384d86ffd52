"""Answers that stand ready: the very answers that would be computed, for those alone who may have them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from kangshu.access import DistrictUnder, Grant, PatientIn, Subject, any_of, open_grant, system_grant
from kangshu.accounts import ready_roles
from kangshu.base.faults import Fault, Invalid
from kangshu.measures import (
    AnswerKeeper,
    MeasureResult,
    Snapshot,
    ViewKeeper,
    Views,
    Wanted,
    kept_answers,
    period_of,
)
from kangshu.measures.audiences import audience_of, counts_by_district
from kangshu.measures.kept_answers import ANSWERS

from . import golden
from .city import Feed, measures, resident, values, views

END, BEFORE, PLACE = date(2021, 12, 31), date(2021, 9, 30), "9901"
TYPES = ("Patient", "Encounter", "Organization")
SYSTEM = system_grant("test")


def office(role: str, district: str, **more: Any) -> Grant:
    subject = Subject(
        "somebody", "", district=district, organisation="o", organisations=frozenset({"o"}), **more
    )
    return open_grant(subject, [ready_roles()[role]])


CITY, LEADER, CLERK = (
    office("statistics-office", "9901"), office("commission-leader", "990102"), office("section-clerk", "990102"),
)  # fmt: skip
OFFICES = (CITY, LEADER, CLERK, SYSTEM)


def wanted(end: date = END, given: dict[str, Any] | None = None) -> list[Wanted]:
    return [
        Wanted(measures()[id_], *period_of(measures()[id_], end), given or values())
        for id_ in golden.EXPECTED
        if id_ in measures()
    ]


class City:
    """The golden city with its answers."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.feed = folder, Feed()
        self.feed.write(*golden.CITY)
        self.views, self.answers = ViewKeeper(self.feed, folder, Views(views())), AnswerKeeper(folder)
        asyncio.run(self.views.refresh())

    def refresh(self, *ends: date, seconds: float = 600.0) -> kept_answers.Kept:
        asked = {end: wanted(end) for end in ends or (END,)}
        return self.answers.refresh(Snapshot.open(self.folder), OFFICES, asked, PLACE, seconds)


@pytest.fixture
def city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> City:
    monkeypatch.setattr(kept_answers, "today", lambda: END)
    return City(tmp_path)


def computed(snapshot: Snapshot, grant: Grant, one: Wanted) -> MeasureResult | Fault:
    try:
        return snapshot.evaluate(
            grant, one.measure, one.parameters, one.start, one.end, by=("district",), district=PLACE
        )
    except Fault as fault:
        return fault


def test_what_stands_ready_is_what_would_be_computed(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not city.refresh(END, BEFORE).left
    live = Snapshot.open(city.folder)
    right = {
        (number, one.name): computed(live, grant, one)
        for number, grant in enumerate(OFFICES)
        for one in (*wanted(), *wanted(BEFORE))
    }
    assert len({str(right[number, "family-doctor-coverage-60@2021-12-31"]) for number in range(3)}) == 3
    snapshot = Snapshot.open(city.folder)
    monkeypatch.setattr(Snapshot, "evaluate", lambda *_: pytest.fail("nothing is to be computed"))
    for number, grant in enumerate(OFFICES):
        for end in (END, BEFORE):
            found = snapshot.answered(grant, wanted(end), PLACE)
            assert len(found) == len(wanted())
            assert all(found[one.name] == right[number, one.name] for one in wanted(end))


def test_a_change_makes_those_anew_that_follow_from_it(city: City) -> None:
    city.refresh()
    assert city.refresh().computed == 0
    city.feed.write(resident("late", "1940-01-01"))
    asyncio.run(city.views.refresh())
    snapshot = Snapshot.open(city.folder)
    ready = snapshot._at_hand.of(CITY, wanted(), PLACE, snapshot.least_shown)
    concerned = {one.name for one in wanted() if "residents" in one.measure.views}
    assert ready.keys() == {one.name for one in wanted()} - concerned
    assert {one.position for one in ready.values()} == {snapshot.position}
    told = snapshot.answered(SYSTEM, wanted(), PLACE)["family-doctor-coverage-60@2021-12-31"]
    assert isinstance(told, MeasureResult)
    assert told.denominator == 6
    assert 0 < city.refresh().computed <= len(concerned) * len(OFFICES)


def test_what_takes_long_is_shown_as_it_was_until_it_is_anew(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    city.refresh()
    position = Snapshot.open(city.folder).position
    city.feed.write(resident("late", "1940-01-01"))
    asyncio.run(city.views.refresh())
    monkeypatch.setattr(kept_answers, "SLOW", -1.0)  # everything does
    asked = [one for one in wanted() if one.measure.id == "family-doctor-coverage-60"]
    told = Snapshot.open(city.folder).answered(SYSTEM, asked, PLACE)[asked[0].name]
    assert isinstance(told, MeasureResult)
    assert (told.denominator, told.position) == (5, position)  # it says of which state it is
    other = [replace(one, parameters={**values(), "older-resident-age": 70}) for one in asked]
    anew = Snapshot.open(city.folder).answered(SYSTEM, other, PLACE)[asked[0].name]
    assert isinstance(anew, MeasureResult)
    assert anew.position == position + 1  # another question is another answer


def test_it_stops_when_its_time_is_over_and_goes_on(city: City) -> None:
    first = city.refresh(END, BEFORE, seconds=0.0)
    assert first.left
    for _ in range(1000):
        if not city.refresh(END, BEFORE, seconds=0.05).left:
            break
    snapshot = Snapshot.open(city.folder)
    assert len(snapshot._at_hand.of(LEADER, wanted(BEFORE), PLACE, snapshot.least_shown)) == len(wanted())
    city.refresh(END)
    assert len(list((city.folder / ANSWERS).iterdir())) == len(OFFICES)  # a day that is not wanted is removed


def test_days_that_are_over_follow_once_an_hour(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    city.refresh(END, BEFORE)
    position = Snapshot.open(city.folder).position
    city.feed.write(resident("late", "1940-01-01"))
    asyncio.run(city.views.refresh())
    city.refresh(END, BEFORE)
    name = "family-doctor-coverage-60"

    def told(end: date) -> tuple[Any, int]:
        found = Snapshot.open(city.folder).answered(SYSTEM, wanted(end), PLACE)[f"{name}@{end}"]
        assert isinstance(found, MeasureResult)
        return found.denominator, found.position

    assert told(END) == (6, position + 1)
    assert told(BEFORE) == (5, position)
    monkeypatch.setattr(kept_answers, "PAST_SECONDS", 0.0)
    city.refresh(END, BEFORE)
    assert told(BEFORE) == (6, position + 1)


def test_an_audience_may_count_and_read_the_same() -> None:
    assert audience_of(LEADER, TYPES) == audience_of(replace(LEADER, account="another"), TYPES)
    assert len({audience_of(one, TYPES) for one in OFFICES}) == len(OFFICES)
    assert audience_of(LEADER, TYPES) != audience_of(office("commission-leader", "990103"), TYPES)
    own = replace(LEADER, read=MappingProxyType({"*": PatientIn(frozenset({"a"}))}))
    assert audience_of(own, TYPES) == ""
    both = any_of([DistrictUnder("990102"), PatientIn(frozenset({"a"}))])
    assert audience_of(replace(LEADER, read=MappingProxyType({"Patient": both})), TYPES) == ""
    assert all(counts_by_district(one, TYPES) for one in OFFICES)
    assert not counts_by_district(office("community-doctor", "990102"), TYPES)


def test_a_fault_stands_in_place_of_its_number(city: City) -> None:
    good, bad = wanted()[0], replace(wanted()[1], parameters={})
    broken = replace(bad, measure=replace(bad.measure, sql="SELECT nothing", parameters=()))
    found = Snapshot.open(city.folder).answered(SYSTEM, [good, broken], PLACE)
    assert isinstance(found[good.name], MeasureResult)
    assert isinstance(found[broken.name], Invalid)


def test_broken_and_foreign_answers_are_none(city: City) -> None:
    city.refresh()
    for path in (city.folder / ANSWERS).iterdir():
        path.write_bytes(path.read_bytes()[:-5])
    snapshot = Snapshot.open(city.folder)
    assert snapshot._at_hand.of(CITY, wanted(), PLACE, snapshot.least_shown) == {}
    city.refresh()
    assert snapshot._at_hand.of(CITY, wanted(), PLACE, snapshot.least_shown)
    assert snapshot._at_hand.of(CITY, wanted(), "9902", snapshot.least_shown) == {}
    assert snapshot._at_hand.of(CITY, wanted(), PLACE, snapshot.least_shown + 1) == {}
