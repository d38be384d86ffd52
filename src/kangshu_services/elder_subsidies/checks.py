"""A second computation of this service's measures, from the cases as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
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
    structure,
)

KIND = "elder_subsidies/claim"


def moved_on(task: Resource, move: str) -> date | None:
    """Return the day on which a case last made a move."""
    days = [
        civil_day(note["time"])
        for note in task.get("note", ())
        for event in note.get("extension", ())
        if event["url"] == structure("case-event")
        for part in event["extension"]
        if part["url"] == "move" and part["valueCode"] == move
    ]
    return days[-1] if days else None


def _moved(resources: list[Resource], move: str, start: date, end: date) -> Iterator[tuple[Resource, date]]:
    for task in cases_of(resources, KIND):
        day = moved_on(task, move)
        if day is not None and start <= day <= end:
            yield task, day


def _sum_of(move: str, field: str, state: str = "") -> CheckQuery:
    def total(
        resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
    ) -> tuple[float, float]:
        found = [
            float(case_value(task, field) or 0)
            for task, _ in _moved(resources, move, start, end)
            if state in ("", case_state(task))
        ]
        return sum(found), len(found)

    return total


_TO_PAY = ("checked", "verified", "noticed", "objected", "approved", "paying", "bounced")


def to_pay(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Amounts of the claims that were checked and are not paid yet."""
    amounts = [
        float(amount)
        for task in cases_of(resources, KIND)
        if case_state(task) in _TO_PAY and (amount := case_value(task, "amount")) is not None
    ]
    return sum(amounts), len(amounts)


def days_to_pay(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Civil days from claim to payment, and the claims paid."""
    days = [(day - civil_day(task["authoredOn"])).days for task, day in _moved(resources, "pay", start, end)]
    return sum(days), len(days)


def claims_received(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Claims of the period that were not withdrawn."""
    found = [
        task
        for task in cases_of(resources, KIND)
        if case_state(task) != "withdrawn" and start <= civil_day(task["authoredOn"]) <= end
    ]
    return len(found), len(found)


def _forecast(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """The operating subsidy of every filed and entitled home, stay by stay."""
    died = {
        f"Patient/{one['id']}": civil_day(one["deceasedDateTime"])
        for one in resources
        if one["resourceType"] == "Patient" and "deceasedDateTime" in one
    }
    stays: dict[str, list[Resource]] = {}
    hospital: dict[str, list[Resource]] = {}
    for one in resources:
        if one["resourceType"] == "EpisodeOfCare" and "elder-residence" in codes_of(
            one.get("type", []), "episode-kind"
        ):
            stays.setdefault(one["patient"]["reference"], []).append(one)
        elif (
            one["resourceType"] == "Encounter"
            and one.get("class", {}).get("code") == "IMP"
            and "period" in one
        ):
            hospital.setdefault(one["subject"]["reference"], []).append(one)
    total, count = Decimal(0), 0
    for home in (
        one for one in resources if one["resourceType"] == "Organization" and _entitled(one, parameters)
    ):
        reference = f"Organization/{home['id']}"
        rows = [
            _counted(stay, stays[person], hospital.get(person, []), died.get(person), start, end, parameters)
            for person, listed in stays.items()
            for stay in listed
            if stay["managingOrganization"]["reference"] == reference and _touches(stay, start, end)
        ]
        if rows:
            total += _amount(rows, start, end, parameters)
            count += 1
    return float(total), count


def _entitled(home: Resource, parameters: Mapping[str, Any]) -> bool:
    nature, form = extension_value(home, "nature"), extension_value(home, "institution-form")
    equal = parameters["subsidy-equal-treatment"] and form in parameters["subsidy-equal-forms"]
    return extension_value(home, "filing") == "filed" and (
        nature in parameters["operating-subsidy-natures"] or equal
    )


def _touches(stay: Resource, start: date, end: date) -> bool:
    period = stay["period"]
    return civil_day(period["start"]) <= end and ("end" not in period or civil_day(period["end"]) >= start)


def _counted(
    stay: Resource,
    stays: list[Resource],
    hospital: list[Resource],
    died: date | None,
    start: date,
    end: date,
    parameters: Mapping[str, Any],
) -> tuple[int, int, bool]:
    """Return the days that count of a stay, its month-ends, and whether it holds at the end of the period."""
    began, until = max(civil_day(stay["period"]["start"]), start), end
    if "end" in stay["period"]:
        left = civil_day(stay["period"]["end"]) - timedelta(days=not parameters["occupied-day-of-leaving"])
        until = min(left, end)
    days = max((until - began).days + 1, 0)
    lost = 0
    if died is not None and died < until:
        lost += days if died < began else (until - died).days
    if not parameters["occupied-day-in-hospital"]:
        lost += sum(max(_shared(one, began, until), 0) for one in hospital)
    home = stay["managingOrganization"]["reference"]
    lost += sum(
        max(_shared(one, began, until) + 1, 0)
        for one in stays
        if one["managingOrganization"]["reference"] != home
    )
    counted = max(days - lost, 0)
    after = until + timedelta(days=1)
    month_ends = (after.year - began.year) * 12 + after.month - began.month if counted else 0
    return counted, month_ends, bool(counted) and until == end


def _shared(other: Resource, began: date, until: date) -> int:
    """Return the days from the later start to the earlier end."""
    period = other["period"]
    last = min(civil_day(period["end"]), until) if "end" in period else until
    return (last - max(civil_day(period["start"]), began)).days


def _amount(
    rows: list[tuple[int, int, bool]], start: date, end: date, parameters: Mapping[str, Any]
) -> Decimal:
    length, after = (end - start).days + 1, end + timedelta(days=1)
    ends = (after.year - start.year) * 12 + after.month - start.month
    how = parameters["operating-subsidy-counting"]
    if how == "average":
        beds = Decimal(sum(days for days, _, _ in rows)) / length
    elif how == "month-end":
        beds = Decimal(sum(months for _, months, _ in rows)) / ends if ends else Decimal(0)
    else:
        beds = Decimal(sum(there for _, _, there in rows))
    beds = beds.quantize(Decimal("0.0001"), ROUND_HALF_UP)
    cap = parameters["operating-subsidy-cap"]
    beds = min(beds, Decimal(cap)) if cap else beds
    amount = beds * parameters["operating-subsidy-rate"] * length / parameters["operating-subsidy-days"]
    return Decimal(amount).quantize(Decimal("0.01"), ROUND_HALF_UP)


CHECKS: dict[str, CheckQuery] = {
    "subsidies-paid": _sum_of("pay", "amount"),
    "beds-subsidised": _sum_of("pay", "beds_counted"),
    "days-to-pay": days_to_pay,
    "subsidies-to-pay": to_pay,
    "subsidies-recovered": _sum_of("recover", "recovery_amount", "recovered"),
    "claims-received": claims_received,
    "operating-subsidy-forecast": _forecast,
}
