"""A second computation of this service's measures, from the records as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from kangshu.sdk import (
    CheckQuery,
    Resource,
    case_state,
    case_value,
    cases_of,
    civil_day,
    codes_of,
    extension_value,
    falls_within,
    living_residents,
    residents_of_age,
)

Answer = tuple[float, float]
_DIVISION = "http://kangshu.org/fhir/sid/division"
_HOUSEHOLD = "household"


def _older(resources: list[Resource], end: date, parameters: Mapping[str, Any]) -> set[str]:
    return residents_of_age(living_residents(resources, end), int(parameters["older-resident-age"]), end)


def _in_force(period: Mapping[str, Any], end: date) -> bool:
    """Return whether a period with a start holds on the last day."""
    if "start" not in period or civil_day(period["start"]) > end:
        return False
    return "end" not in period or civil_day(period["end"]) >= end


def _accounts(resources: list[Resource], end: date) -> Iterator[tuple[str, Resource]]:
    """Yield (resident, account) of the accounts in force."""
    for one in resources:
        if one["resourceType"] == "Account" and one["status"] == "active":
            kinds = codes_of([one.get("type", {})], "account-kind")
            if "smart-elder-care" in kinds and _in_force(one.get("servicePeriod", {}), end):
                yield one["subject"][0]["reference"], one


def _devices(resources: list[Resource], end: date) -> Iterator[Resource]:
    for one in resources:
        if one["resourceType"] == "Device" and codes_of([one.get("type", {})], "device-kind"):
            installed = extension_value(one, "installed-on")
            if one.get("status") == "active" and (installed is None or civil_day(installed) <= end):
                yield one


def special_families(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> Answer:
    """Special families with somebody who has an account and a device, of all special families."""
    counted = set(str(parameters["special-family-kinds"]).split(","))
    by_household = parameters["special-family-counted-by"] == _HOUSEHOLD
    living = living_residents(resources, end)
    accounts = {resident for resident, _ in _accounts(resources, end)}
    devices = {one.get("patient", {}).get("reference") for one in _devices(resources, end)}
    families: dict[str, bool] = {}
    for one in resources:
        if one["resourceType"] != "Flag" or one.get("status") != "active":
            continue
        if not codes_of([one.get("code", {})], "special-family") & counted:
            continue
        resident = one["subject"]["reference"]
        if resident not in living or not _in_force(one.get("period", {}), end):
            continue
        household = extension_value(living[resident], "household") if by_household else None
        family = str(household or resident)
        families[family] = families.get(family, False) or (resident in accounts and resident in devices)
    return sum(families.values()), len(families)


def basic_services(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> Answer:
    """Older residents at home with a basic service, of all of them."""
    in_homes = {
        one["patient"]["reference"]
        for one in resources
        if one["resourceType"] == "EpisodeOfCare"
        and one["status"] == "active"
        and "elder-residence" in codes_of(one.get("type", []), "episode-kind")
        and _in_force(one.get("period", {}), end)
    }
    at_home = _older(resources, end, parameters) - in_homes
    served = {
        resident
        for resident, account in _accounts(resources, end)
        if extension_value(account, "basic-service") is not None
    }
    return len(at_home & served), len(at_home)


def _communities(resources: list[Resource]) -> dict[str, str]:
    """Return code → reference of every community and village."""
    return {
        next(mark["value"] for mark in one["identifier"] if mark["system"] == _DIVISION): one["id"]
        for one in resources
        if one["resourceType"] == "Location"
        and codes_of(one.get("type", []), "division-kind") & {"community", "village"}
    }


def home_care(resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]) -> Answer:
    """Communities that an admitted provider's offer covers, of all."""
    providers = {
        f"Organization/{one['id']}"
        for one in resources
        if one["resourceType"] == "Organization" and one.get("active", True)
    }
    kinds = set(parameters["home-care-kinds"])
    areas = set()
    for one in resources:
        if one["resourceType"] == "HealthcareService" and kinds & codes_of(
            one.get("category", []), "elder-service"
        ):
            provider = one.get("providedBy", {}).get("reference")
            if one.get("active", True) and provider in providers:
                area = one["coverageArea"][0]["reference"].removeprefix("Location/division-")
                areas.add(area[:4] if len(area) == 6 and area.endswith("00") else area)
    communities = _communities(resources)
    return sum(code.startswith(tuple(areas)) for code in communities) if areas else 0, len(communities)


def call_network(resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]) -> Answer:
    """Communities with a device in use, of all."""
    places = {extension_value(one, "installed-in") for one in _devices(resources, end)}
    communities = _communities(resources)
    return len(places & communities.keys()), len(communities)


def users(resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]) -> Answer:
    """Older residents with an account, of all."""
    older = _older(resources, end, parameters)
    return len(older & {resident for resident, _ in _accounts(resources, end)}), len(older)


def answered_in_time(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> Answer:
    """Calls of the period that were answered within the minutes, of all."""
    in_time = whole = 0
    for task in cases_of(resources, "smart_elder_care/call"):
        if falls_within(task["authoredOn"], start, end):
            whole += 1
            answered = _first_event(task, "answer")
            if answered is not None:
                begun = datetime.fromisoformat(task["authoredOn"])
                in_time += (answered - begun).total_seconds() <= 60 * float(parameters["call-answer-minutes"])
    return in_time, whole


def _first_event(task: Resource, move: str) -> datetime | None:
    for note in task.get("note", ()):
        for holder in note.get("extension", ()):
            if any(part.get("valueCode") == move and part["url"] == "move" for part in holder["extension"]):
                return datetime.fromisoformat(note["time"])
    return None


def seconds_to_answer(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> Answer:
    """Seconds until the calls of the period were taken, and how many were."""
    waits = [
        int((answered - datetime.fromisoformat(task["authoredOn"])).total_seconds())
        for task in cases_of(resources, "smart_elder_care/call")
        if falls_within(task["authoredOn"], start, end) and (answered := _first_event(task, "answer"))
    ]
    return sum(waits), len(waits)


def ratings(resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]) -> Answer:
    """Points that people gave to the orders of the period, and how many gave some."""
    points = [
        int(rating)
        for task in cases_of(resources, "smart_elder_care/order")
        if case_state(task) == "confirmed"
        and falls_within(task["authoredOn"], start, end)
        and (rating := case_value(task, "rating"))
    ]
    return sum(points), len(points)


def orders(resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]) -> Answer:
    """Orders of the period that were not cancelled."""
    count = sum(
        case_state(task) != "cancelled" and falls_within(task["authoredOn"], start, end)
        for task in cases_of(resources, "smart_elder_care/order")
    )
    return count, count


def order_amounts(resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]) -> Answer:
    """What the orders of the period that were not cancelled come to, in yuan."""
    wanted = [
        task
        for task in cases_of(resources, "smart_elder_care/order")
        if case_state(task) != "cancelled" and falls_within(task["authoredOn"], start, end)
    ]
    total = sum(float(case_value(task, "amount") or 0) for task in wanted)
    return total, len(wanted)


def complaints(resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]) -> Answer:
    """Served orders of the period that somebody complained about, of all of them."""
    named = {
        case_value(task, "order")["reference"]
        for task in cases_of(resources, "smart_elder_care/complaint")
        if case_state(task) != "withdrawn"
    }
    served = {
        f"Task/{task['id']}"
        for task in cases_of(resources, "smart_elder_care/order")
        if case_state(task) in ("done", "confirmed") and falls_within(task["authoredOn"], start, end)
    }
    return len(served & named), len(served)


CHECKS: dict[str, CheckQuery] = {
    "special-families-online": special_families,
    "home-elder-basic-services": basic_services,
    "home-care-coverage": home_care,
    "call-network-coverage": call_network,
    "smart-elder-users-60": users,
    "call-answer-in-time": answered_in_time,
    "call-answer-seconds": seconds_to_answer,
    "elder-order-rating": ratings,
    "elder-orders": orders,
    "elder-order-amount": order_amounts,
    "elder-complaint-rate": complaints,
}
