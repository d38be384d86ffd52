"""A second computation of the measures, from the returns and accounts as they are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from kangshu.sdk import (
    CheckQuery,
    Resource,
    asked_for,
    case_state,
    case_value,
    cases_of,
    extension_value,
    records_of,
)

_RETURN = "industry_statistics/statistical-return"
_ACCEPTED = ("accepted", "accounted", "published", "revised", "archived")
_ORDER = ("preliminary", "revised", "final")
_INCOME = ("compensation", "net_taxes", "depreciation", "surplus")


# ---------------------------------------------------------------------- published accounts


def _newest(resources: list[Resource], end: date) -> Iterator[dict[str, Resource]]:
    """Yield, for each division, the last vintage of each published period by the period's last day."""
    found: dict[str, dict[str, Resource]] = {}
    for one in records_of(resources, "industry-account"):
        day = extension_value(one, "record-day")
        if day and date.fromisoformat(day) <= end:
            periods = found.setdefault(extension_value(one, "district") or "", {})
            if day not in periods or _later(one, periods[day]):
                periods[day] = one
    yield from found.values()


def _later(one: Resource, other: Resource) -> bool:
    def place(account: Resource) -> tuple[int, str, str]:
        vintage = extension_value(account, "record-class")
        order = _ORDER.index(vintage) if vintage in _ORDER else 0
        return order, str(account.get("created", "")), str(account["id"])

    return place(one) > place(other)


def _published(
    sums: Callable[[Callable[[str], Any], Mapping[str, Any]], tuple[Any, Any] | None],
) -> CheckQuery:
    """Return the check of a figure of the newest account; `sums` reads it, None where it is not told."""

    def check(
        resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
    ) -> tuple[float, float]:
        numerator = denominator = 0.0
        for periods in _newest(resources, end):
            account = periods[max(periods)]

            def figure(name: str, account: Resource = account) -> Any:
                return extension_value(account, name)

            given = sums(figure, parameters)
            if given is not None and None not in given:
                numerator, denominator = numerator + float(given[0]), denominator + float(given[1])
        return numerator, denominator

    return check


def _amount(name: str) -> CheckQuery:
    def sums(figure: Callable[[str], Any], parameters: Mapping[str, Any]) -> tuple[Any, Any] | None:
        value = figure(name)
        return None if value is None else (float(value) / 10000, 1)

    return _published(sums)


def _share(name: str, base: str) -> CheckQuery:
    def sums(figure: Callable[[str], Any], parameters: Mapping[str, Any]) -> tuple[Any, Any] | None:
        whole = figure(base)
        return (figure(name), float(whole) * 10000) if whole else None

    return _published(sums)


def _scale(figure: Callable[[str], Any], parameters: Mapping[str, Any]) -> tuple[Any, Any] | None:
    revenue = figure("account-revenue")
    basis = {"output": "account-output", "value-added": "account-value-added"}
    value = figure(basis.get(str(parameters["industry-scale-basis"]), "account-revenue"))
    return None if revenue is None or value is None else (float(value) / 10000, 1)


def _discrepancy(figure: Callable[[str], Any], parameters: Mapping[str, Any]) -> tuple[Any, Any] | None:
    production, income = figure("account-production"), figure("account-income")
    if not production or production <= 0 or income is None:
        return None
    return abs(float(production) - float(income)), production


def _contribution(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Growth of value added over growth of the gross domestic product, of the last two years on end."""
    numerator = denominator = 0.0
    for periods in _newest(resources, end):
        days = sorted(periods)[-2:]
        if len(days) < 2 or int(days[1][:4]) != int(days[0][:4]) + 1:
            continue
        before, now = (
            [extension_value(periods[day], name) for name in ("account-value-added", "gdp")] for day in days
        )
        if None not in (*before, *now) and now[1] > before[1]:
            numerator += float(now[0] - before[0])
            denominator += float(now[1] - before[1]) * 10000
    return numerator, denominator


# ---------------------------------------------------------------------- the returns themselves


def _accepted(resources: list[Resource], year: int) -> Iterator[tuple[Resource, dict[str, Any]]]:
    """Yield the accepted yearly returns of a year, each with the extensions of its unit's class by name."""
    classes = {
        f"ActivityDefinition/{one['id']}": one
        for one in resources
        if one["resourceType"] == "ActivityDefinition"
    }
    for one in cases_of(resources, _RETURN):
        if (
            case_state(one) in _ACCEPTED
            and case_value(one, "report_period") == "year"
            and case_value(one, "report_year") == year
        ):
            class_ = classes.get((case_value(one, "unit_class") or {}).get("reference", ""), {})
            yield one, {name: extension_value(class_, name) for name in ("industry-group", "industry-middle")}


def _returned(*items: str) -> CheckQuery:
    def check(
        resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
    ) -> tuple[float, float]:
        found = [_share_of(one, items) for one, _ in _accepted(resources, end.year - 1)]
        return sum(found), len(found)

    return check


def _share_of(one: Resource, items: tuple[str, ...]) -> float:
    """Return the sum of these items of a return, as far as it is of the health industry, in 100 million yuan."""
    values = [case_value(one, item) for item in (*items, "coefficient")]
    if None in values:
        return 0.0
    *amounts, coefficient = (float(value) for value in values)
    return sum(amounts) * coefficient / 10000


def _sub_accounts(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    lists = {
        "sports": "sports-classes", "tourism": "tourism-linked-classes", "elder-care": "elder-care-classes",
    }  # fmt: skip
    total, count = 0.0, 0
    for one, class_ in _accepted(resources, end.year - 1):
        for part, parameter in lists.items():
            if asked_for(parameters, "part", part) and class_["industry-middle"] in str(
                parameters[parameter]
            ).split(","):
                total, count = total + _share_of(one, _INCOME), count + 1
    return total, count


def _due(resources: list[Resource], start: date, end: date) -> Iterator[tuple[date, date | None]]:
    """Yield (day on which it was due, day on which it was first sent) of the returns that fell due in the period."""
    for one in cases_of(resources, _RETURN):
        due, sent = case_value(one, "due"), case_value(one, "sent_on")
        if due and case_state(one) != "waived" and start <= date.fromisoformat(due) <= end:
            yield date.fromisoformat(due), date.fromisoformat(sent) if sent else None


def _sent(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    due = list(_due(resources, start, end))
    return sum(sent is not None and sent <= end for _, sent in due), len(due)


def _in_time(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    due = list(_due(resources, start, end))
    return sum(sent is not None and sent <= day for day, sent in due), len(due)


CHECKS: dict[str, CheckQuery] = {
    "industry-scale": _published(_scale),
    "industry-main-revenue": _amount("account-revenue"),
    "industry-value-added": _amount("account-value-added"),
    "industry-output-share": _share("account-output", "gdp"),
    "industry-gdp-share": _share("account-value-added", "gdp"),
    "health-services-share": _share("account-services", "gdp"),
    "tourism-services-share": _share("account-tourism", "services-value-added"),
    "account-discrepancy": _published(_discrepancy),
    "industry-growth-contribution": _contribution,
    "returned-value-added": _returned(*_INCOME),
    "returned-revenue": _returned("revenue"),
    "sub-account-value-added": _sub_accounts,
    "statistical-return-rate": _sent,
    "statistical-returns-in-time": _in_time,
}
