"""A second computation of this service's measures, from the records as they are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from kangshu.sdk import CheckQuery, Resource, civil_day, codes_of, extension_value


def _homes(resources: list[Resource]) -> dict[str, bool]:
    """Return for each operating elder-care institution whether it has a medical unit of its own."""
    return {
        f"Organization/{one['id']}": extension_value(one, "internal-medical-unit") is True
        for one in resources
        if one["resourceType"] == "Organization"
        and one.get("active") is not False
        and "elder-institution" in codes_of(one.get("type", []), "organisation-kind")
    }


def _agreed(resources: list[Resource], day: date) -> set[str]:
    """Return the institutions with an agreement in force on `day`."""
    found: set[str] = set()
    for one in resources:
        if one["resourceType"] == "Contract" and one.get("status") == "executed":
            codes = codes_of([one.get("type", {})], "contract-kind")
            applies = one.get("applies", {})
            started = "start" in applies and civil_day(applies["start"]) <= day
            ended = "end" in applies and civil_day(applies["end"]) < day
            if "medical-elder" in codes and started and not ended:
                found |= {subject.get("reference", "") for subject in one.get("subject", [])}
    return found


def agreement_coverage(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Institutions without a medical unit that have an agreement, of those without a unit."""
    agreed = _agreed(resources, end)
    without = [home for home, unit in _homes(resources).items() if not unit]
    return len([home for home in without if home in agreed]), len(without)


def medical_coverage(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Institutions with a unit or an agreement, of all."""
    agreed, homes = _agreed(resources, end), _homes(resources)
    return len({home for home, unit in homes.items() if unit} | (agreed & homes.keys())), len(homes)


CHECKS: dict[str, CheckQuery] = {
    "medical-elder-agreement-coverage": agreement_coverage,
    "elder-institution-medical-coverage": medical_coverage,
}
