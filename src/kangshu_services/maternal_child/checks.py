"""A second computation of this service's measures, from the records as they are."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from kangshu.sdk import (
    CheckQuery,
    Resource,
    civil_day,
    codes_of,
    extension_value,
    falls_within,
    latest_day,
    living_residents,
    organisations_of,
    residents_of_age,
)

_UNDER_WAY = frozenset({"finished", "in-progress"})


def _first_day(partial: str) -> date:
    """Return the first day that a FHIR date or an instant can mean."""
    return civil_day(partial if len(partial) > 7 else f"{partial}-01-01"[:10])


def _last_day(partial: str) -> date:
    return civil_day(partial) if "T" in partial else latest_day(partial)


def _encounters(resources: Sequence[Resource], *kinds: str) -> Iterator[Resource]:
    for one in resources:
        if one["resourceType"] == "Encounter" and codes_of(one.get("type", ()), "encounter-kind") & {*kinds}:
            yield one


def _course(encounter: Resource) -> str:
    return next((str(one.get("reference", "")) for one in encounter.get("episodeOfCare", ())), "")


class _Mother:
    """What a woman's record says of her deliveries."""

    def __init__(self, resources: Sequence[Resource], parameters: Mapping[str, Any]) -> None:
        self._parameters = parameters
        self._courses = {
            f"EpisodeOfCare/{one['id']}": one
            for one in resources
            if one["resourceType"] == "EpisodeOfCare"
            and "pregnancy" in codes_of(one.get("type", ()), "episode-kind")
            and one["status"] != "entered-in-error"
        }
        self._visits: dict[tuple[str, str], list[Resource]] = defaultdict(list)
        for kind in ("antenatal-check", "postpartum-visit", "postpartum-check"):
            for one in _encounters(resources, kind):
                if one["status"] == "finished":
                    self._visits[kind, one["subject"]["reference"]].append(one)

    def _checks(self, delivery: Resource) -> list[Resource]:
        course = _course(delivery)
        made = self._visits["antenatal-check", delivery["subject"]["reference"]]
        return [one for one in made if course and _course(one) == course]

    def early(self, delivery: Resource) -> bool:
        """Booked and checked before the week of the parameter."""
        course = self._courses.get(_course(delivery))
        if course is None or course["patient"]["reference"] != delivery["subject"]["reference"]:
            return False
        began, expected = (extension_value(course, name) for name in ("last-period", "expected-delivery"))
        if not began and not expected:
            return False
        last_period = (
            _first_day(began)
            if began
            else _first_day(expected) - timedelta(days=int(self._parameters["pregnancy-days"]))
        )
        limit = last_period + timedelta(weeks=int(self._parameters["early-booking-weeks"]))
        checks = [_last_day(one["period"]["start"]) for one in self._checks(delivery)]
        booked = _last_day(course["period"]["start"])
        return last_period <= booked < limit and bool(checks) and last_period <= min(checks) < limit

    def checked_often(self, delivery: Resource) -> bool:
        """As many antenatal checks as systematic management asks for."""
        return len(self._checks(delivery)) >= int(self._parameters["maternal-system-checks"])

    def visited(self, delivery: Resource) -> bool:
        """A visit in the days after discharge that count."""
        period = delivery["period"]
        home = _first_day(period.get("end", period["start"]))
        until = home + timedelta(days=int(self._parameters["postpartum-visit-days"]))
        made = self._visits["postpartum-visit", delivery["subject"]["reference"]]
        return any(home <= _first_day(one["period"]["start"]) <= until for one in made)

    def checked_after(self, delivery: Resource) -> bool:
        """A check on the 42nd day for this pregnancy."""
        course = _course(delivery)
        made = self._visits["postpartum-check", delivery["subject"]["reference"]]
        return bool(course) and any(_course(one) == course for one in made)


def _deliveries(resources: Sequence[Resource], start: date, end: date) -> Iterator[Resource]:
    for one in _encounters(resources, "delivery"):
        if one["status"] in _UNDER_WAY and falls_within(one["period"]["start"], start, end):
            yield one


def _alive(delivery: Resource) -> int:
    return int(extension_value(delivery, "live-births") or 0)


def _of_deliveries(met: Callable[[_Mother, Resource, Mapping[str, Any]], bool]) -> CheckQuery:
    def check(
        resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
    ) -> tuple[float, float]:
        mother = _Mother(resources, parameters)
        all_of_them = list(_deliveries(resources, start, end))
        with_children = [one for one in all_of_them if _alive(one)]
        counted = all_of_them if int(parameters["maternal-rate-stillbirths"]) else with_children
        by_births = parameters["maternal-rate-denominator"] == "live-births"
        denominator = sum(map(_alive, with_children)) if by_births else len(with_children)
        return sum(met(mother, one, parameters) for one in counted), denominator

    return check


def _systematic(mother: _Mother, delivery: Resource, parameters: Mapping[str, Any]) -> bool:
    parts: dict[str, Callable[[Resource], bool]] = {
        "early": mother.early,
        "checks": mother.checked_often,
        "postpartum": mother.visited,
        "day42": mother.checked_after,
    }
    return all(parts[name](delivery) for name in str(parameters["maternal-system-parts"]).split(","))


def newborns_visited(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Newborns of the period who were visited in time, of the live births."""
    born = {
        f"Patient/{one['id']}": _first_day(one["birthDate"])
        for one in resources
        if one["resourceType"] == "Patient" and "birthDate" in one
    }
    days = int(parameters["newborn-visit-days"])
    visited = {
        who
        for one in _encounters(resources, "newborn-visit")
        if one["status"] == "finished"
        and (who := one["subject"]["reference"]) in born
        and start <= born[who] <= end
        and 0 <= (_first_day(one["period"]["start"]) - born[who]).days <= days
    }
    return len(visited), sum(map(_alive, _deliveries(resources, start, end)))


def children_managed(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Children under the service's age who were seen in the period, of all of them."""
    day = {"year-end": date(end.year, 12, 31), "year-start": start}.get(
        str(parameters["child-age-date"]), end
    )
    living = {
        who: {**one, "birthDate": _first_day(one["birthDate"]).isoformat()}
        for who, one in living_residents(resources, end).items()
        if "birthDate" in one and _first_day(one["birthDate"]) <= end
    }
    children = living.keys() - residents_of_age(living, int(parameters["child-health-age"]), day)
    seen = {
        one["subject"]["reference"]
        for one in _encounters(resources, "newborn-visit", "child-check")
        if one["status"] == "finished" and falls_within(one["period"]["start"], start, end)
    }
    return len(children & seen), len(children)


def care_places(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Places of infant care whose filing counts, for the residents."""
    states = str(parameters["infant-care-counted-states"]).split(",")
    places = sum(
        int(extension_value(one, "care-places") or 0)
        for one in organisations_of(resources, "infant-care").values()
        if extension_value(one, "infant-care-filing") in states
    )
    residents = living_residents(resources, end).values()
    return places, sum(1 for one in residents if "birthDate" in one and _first_day(one["birthDate"]) <= end)


def compounds_complete(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """New compounds all of whose facilities are built, accepted and handed over."""
    places: dict[str, Resource] = {
        f"Location/{one['id']}": one
        for one in resources
        if one["resourceType"] == "Location" and one.get("status") == "active"
    }
    new = {
        who
        for who, one in places.items()
        if "residential-compound" in codes_of(one.get("type", ()), "place-kind")
        and extension_value(one, "compound-status") == "new"
    }
    held: Counter[str] = Counter()
    complete: Counter[str] = Counter()
    for one in places.values():
        if "infant-care-facility" not in codes_of(one.get("type", ()), "place-kind") or "partOf" not in one:
            continue
        days = [extension_value(one, name) for name in ("built-on", "accepted-on", "handed-on")]
        held[one["partOf"]["reference"]] += 1
        complete[one["partOf"]["reference"]] += all(day and _last_day(day) <= end for day in days)
    return sum(1 for who in new if held[who] and held[who] == complete[who]), len(new)


def pregnancies_open(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Women with an open course."""
    women = {
        one["patient"]["reference"]
        for one in resources
        if one["resourceType"] == "EpisodeOfCare"
        and "pregnancy" in codes_of(one.get("type", ()), "episode-kind")
        and one["status"] in {"planned", "waitlist", "active", "onhold"}
        and _first_day(one["period"]["start"]) <= end
    }
    found = len(women & living_residents(resources, end).keys())
    return found, found


CHECKS: dict[str, CheckQuery] = {
    "early-booking-rate": _of_deliveries(lambda mother, one, _: mother.early(one)),
    "postpartum-visit-rate": _of_deliveries(lambda mother, one, _: mother.visited(one)),
    "maternal-system-management-rate": _of_deliveries(_systematic),
    "newborn-visit-rate": newborns_visited,
    "child-management-rate": children_managed,
    "care-places-per-thousand": care_places,
    "new-compounds-infant-care": compounds_complete,
    "pregnancies-by-risk": pregnancies_open,
}
