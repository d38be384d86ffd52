"""A second computation of this service's measures, from the records as they are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from kangshu.sdk import (
    CheckQuery,
    Resource,
    civil_day,
    extension_value,
    falls_within,
    living_residents,
)

_NUMBER = "urn:oid:2.16.156.10011.1.2"
_LOINC = "http://loinc.org"
_BLOOD_PRESSURE = "85354-9"
_SIGNED = frozenset({"final", "amended", "corrected"})


def _months_before(day: date, months: int) -> date:
    """Return the day so many months earlier; the month's last day where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))


def _kept(one: Resource) -> bool:
    return bool(one.get("managingOrganization", {}).get("reference"))


def _numbered(one: Resource) -> bool:
    return any(number.get("system") == _NUMBER for number in one.get("identifier", ()))


def _records(electronic: bool) -> CheckQuery:
    def check(
        resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
    ) -> tuple[float, float]:
        settled = _months_before(end, int(parameters["resident-months"]))
        counted = []
        for one in living_residents(resources, end).values():
            since = extension_value(one, "living-here-since")
            if since is None or civil_day(f"{since}-01-01"[:10]) <= settled:
                counted.append(one)
        found = [one for one in counted if _kept(one) and (_numbered(one) or not electronic)]
        return len(found), len(counted)

    return check


def _is_finding(one: Resource) -> bool:
    codes = {coding.get("code") for coding in one["code"].get("coding", ()) if coding.get("system") == _LOINC}
    return one["status"] in _SIGNED and ("value" in one.get("valueQuantity", {}) or _BLOOD_PRESSURE in codes)


def records_used(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Records kept that have an entry in the period, of all kept ones."""
    used = set()
    for one in resources:
        if (
            one["resourceType"] == "Encounter" and one["status"] == "finished"
            and falls_within(one.get("period", {}).get("start"), start, end)
        ) or (
            one["resourceType"] == "Observation" and int(parameters["record-use-findings"])
            and _is_finding(one) and falls_within(one.get("effectiveDateTime"), start, end)
        ):  # fmt: skip
            used.add(one.get("subject", {}).get("reference", ""))
    kept = {who for who, one in living_residents(resources, end).items() if _kept(one)}
    return len(kept & used), len(kept)


CHECKS: dict[str, CheckQuery] = {
    "health-record-rate": _records(electronic=False),
    "electronic-record-rate": _records(electronic=True),
    "record-use-rate": records_used,
}
