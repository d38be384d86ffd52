"""A second computation of this service's measures, from the records as they are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from kangshu.sdk import (
    CheckQuery,
    Resource,
    case_value,
    cases_of,
    civil_day,
    codes_of,
    extension_value,
    falls_within,
    latest_day,
)


def withdrawals_honoured(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Consents withdrawn in the period that permit nothing any more, of all withdrawn in it."""
    permitting = {
        f"Consent/{one['id']}"
        for one in resources
        if one["resourceType"] == "Consent" and one["status"] == "active"
    }
    honoured = withdrawn = 0
    for one in resources:
        if (
            one["resourceType"] != "Task"
            or "data_protection/consent" not in codes_of([one.get("code", {})], "case-kind")
            or "withdrawn" not in codes_of([one.get("businessStatus", {})], "case-state")
            or not start <= civil_day(one["lastModified"]) <= end
        ):
            continue
        withdrawn += 1
        honoured += one.get("focus", {}).get("reference") not in permitting
    return honoured, withdrawn


def within_term(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Consents that are closed, of those whose term ended before the last day of the period."""
    closed = ended = 0
    for one in resources:
        if one["resourceType"] != "Consent" or one["status"] not in {"active", "inactive"}:
            continue
        until = one.get("provision", {}).get("period", {}).get("end")
        if until is None or (civil_day(until) if "T" in until else latest_day(until)) >= end:
            continue
        ended += 1
        closed += one["status"] != "active"
    return closed, ended


def exchanges_with_basis(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Uses asked for in the period with an extract that say on what they rest, of all of those."""
    founded = whole = 0
    for one in cases_of(resources, "data_protection/data-use"):
        if not extension_value(one, "extracts-made") or not falls_within(one["authoredOn"], start, end):
            continue
        whole += 1
        asked = ["legal_basis", "basis_text"]
        if case_value(one, "place") != "mainland":
            asked += ["consent_basis", "transfer_basis", "transfer_file"]
        founded += all(case_value(one, name) for name in asked)
    return founded, whole


CHECKS: dict[str, CheckQuery] = {
    "consent-withdrawals-honoured": withdrawals_honoured,
    "consents-within-term": within_term,
    "exchanges-with-basis": exchanges_with_basis,
}
