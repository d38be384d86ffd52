"""A second computation of this service's measures, from the records as they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from kangshu.sdk import (
    CheckQuery,
    Resource,
    asked_for,
    case_state,
    case_value,
    cases_of,
    civil_day,
    codes_of,
    extension_day,
    extension_value,
    falls_within,
    record_in_force,
    records_of,
)

_DRUGS = ("pharma", "biopharma")


def _enterprises(resources: list[Resource]) -> dict[str, Resource]:
    """Return the operating enterprises by reference."""
    return {
        f"Organization/{one['id']}": one
        for one in resources
        if one["resourceType"] == "Organization"
        and "enterprise" in codes_of(one.get("type", ()), "organisation-kind")
        and one.get("active")
    }


def _sector(enterprise: Resource) -> str:
    return next(iter(codes_of(enterprise["type"], "enterprise-sector")), "")


def recognised(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Recognitions in force on the day, of the tier and level asked for."""
    count = sum(
        record_in_force(one, end)
        and asked_for(parameters, "tier", extension_value(one, "record-class"))
        and asked_for(parameters, "level", extension_value(one, "level"))
        for one in records_of(resources, "recognition")
    )
    return count, count


def qualified(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Enterprises and kinds of qualification ever held."""
    held = {
        (one["subject"]["reference"], extension_value(one, "record-class"))
        for one in records_of(resources, "qualification")
        if extension_day(one, "record-day", date.max) <= end
        and asked_for(parameters, "kind", extension_value(one, "record-class"))
    }
    return len(held), len(held)


def start_ups(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Enterprises that were ever recognised or qualified as start-ups."""
    found = {
        one["subject"]["reference"]
        for kind in ("recognition", "qualification")
        for one in records_of(resources, kind)
        if extension_value(one, "record-class") == "start-up"
        and extension_day(one, "record-day", date.max) <= end
    }
    return len(found), len(found)


def registered(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Operating enterprises of a sector, in a park or not."""
    parks = [name for name in str(parameters["counted-parks"]).split(",") if name]

    def in_park(one: Resource) -> str:
        park = extension_value(one, "park")
        return "yes" if park and (not parks or park in parks) else "no"

    count = sum(
        asked_for(parameters, "sector", _sector(one)) and asked_for(parameters, "in_park", in_park(one))
        for one in _enterprises(resources).values()
    )
    return count, count


def _accepted(resources: list[Resource], year: int | None = None) -> list[Resource]:
    return [
        one
        for one in records_of(resources, "enterprise-return")
        if extension_value(one, "record-state") == "accepted"
        and year in (None, extension_value(one, "record-year"))
    ]


def _over(sectors: tuple[str, ...], figure: str) -> CheckQuery:
    """Return the check of how many enterprises of `sectors` have a newest return above the threshold."""

    def counted(
        resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
    ) -> tuple[float, float]:
        files, newest = _enterprises(resources), dict[str, Resource]()
        for one in sorted(_accepted(resources), key=lambda each: int(extension_value(each, "record-year"))):
            if int(extension_value(one, "record-year")) <= end.year:
                newest[one["subject"]["reference"]] = one
        figures = [
            extension_value(one, figure)
            for who, one in newest.items()
            if who in files and _sector(files[who]) in sectors
        ]
        known = [one for one in figures if one is not None]
        return sum(one > parameters["large-output-threshold"] for one in known), len(known)

    return counted


def with_research_unit(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Operating pharmaceutical enterprises with a research unit, of all of them."""
    drugs = [one for one in _enterprises(resources).values() if _sector(one) in _DRUGS]
    return sum(bool(extension_value(one, "research-unit")) for one in drugs), len(drugs)


def _share(part: str, whole: str) -> CheckQuery:
    def counted(
        resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
    ) -> tuple[float, float]:
        top = bottom = Decimal(0)
        for one in _accepted(resources, end.year - 1):
            if extension_value(one, whole):
                bottom += extension_value(one, whole)
                top += extension_value(one, part) or 0
        return float(top), float(bottom)

    return counted


def output(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Sum of the output in last year's accepted returns."""
    figures = [extension_value(one, "return-output") for one in _accepted(resources, end.year - 1)]
    known = [one for one in figures if one is not None]
    return float(sum(known)), len(known)


def best_rank(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """The best rank of a pharmaceutical enterprise in the newest year that has one."""
    drugs = {who for who, one in _enterprises(resources).items() if _sector(one) in _DRUGS}
    ranks = [
        (-int(extension_value(one, "record-year")), int(extension_value(one, "return-rank")))
        for one in _accepted(resources)
        if one["subject"]["reference"] in drugs
        and extension_value(one, "return-rank")
        and int(extension_value(one, "record-year")) <= end.year
    ]
    return (min(ranks)[1], 1) if ranks else (0, 0)


def _kept(kind: str, *columns: tuple[str, str]) -> CheckQuery:
    """Return the check of products or brands that are accepted; `columns` are (column of the family, extension)."""

    def counted(
        resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
    ) -> tuple[float, float]:
        count = sum(
            bool(extension_value(one, "evidence-accepted"))
            and extension_day(one, "record-day", date.min) <= end
            and extension_day(one, "valid-until", date.max) >= end
            and all(asked_for(parameters, name, extension_value(one, where)) for name, where in columns)
            for one in records_of(resources, kind)
        )
        return count, count

    return counted


def exits(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Recognitions that ended in the period."""
    count = sum(
        falls_within(extension_value(one, "record-ended"), start, end)
        for one in records_of(resources, "recognition")
    )
    return count, count


def quota_filled(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Places filled, of all places in force; a surplus counts for its own county alone unless the parameter says so."""
    filled = Counter(
        (extension_value(one, "record-class"), extension_value(one, "district")[:6])
        for one in records_of(resources, "recognition")
        if record_in_force(one, end)
    )
    top = bottom = 0
    for one in records_of(resources, "recognition-quota"):
        if extension_day(one, "valid-from", date.max) <= end <= extension_day(one, "valid-until", date.max):
            places = int(extension_value(one, "quota"))
            there = filled[extension_value(one, "record-class"), extension_value(one, "district")[:6]]
            top += there if parameters["recognition-surplus-fills-gap"] else min(there, places)
            bottom += places
    return top, bottom


def returned_in_time(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Calls for a return that the enterprise has answered, of those answered or due."""
    answered = whole = 0
    for one in cases_of(resources, "enterprises/yearly-return"):
        state = case_state(one)
        year = case_value(one, "report_year")
        if state == "waived" or (year is not None and year < start.year - 1):
            continue
        due = str((one.get("restriction") or {}).get("period", {}).get("end", ""))
        if state != "called" or (due and civil_day(due) <= end):
            whole += 1
            answered += state != "called"
    return answered, whole


CHECKS: dict[str, CheckQuery] = {
    "enterprises-recognised": recognised,
    "enterprises-qualified": qualified,
    "enterprises-registered": registered,
    "start-ups-cultivated": start_ups,
    "pharma-over-100-million": _over(_DRUGS, "return-output"),
    "agro-over-100-million": _over(("agro-processing",), "return-revenue"),
    "pharma-with-research-unit": with_research_unit,
    "own-device-share": _share("return-own-device-revenue", "return-device-revenue"),
    "research-share": _share("return-research", "return-revenue"),
    "enterprise-output": output,
    "best-national-rank": best_rank,
    "products-accepted": _kept("product", ("tier", "record-class")),
    "brands-recognised": _kept("brand", ("kind", "record-class"), ("sector", "sector")),
    "recognition-exits": exits,
    "recognition-quota-filled": quota_filled,
    "returns-in-time": returned_in_time,
}
