"""Returns of the demo city in every state, last year's accounts by group and the bulletin over them; some are due these days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from kangshu.sdk import DemoCase, DemoCity, DemoMove
from kangshu_services.industry_statistics.demo_figures import Unit, reported, units

_BUREAU = "unit-statistics"
_FORM = "ActivityDefinition/statistical-form-1"
_SUMS = (
    "output", "intermediate", "revenue", "compensation", "net_taxes", "depreciation", "surplus", "jobs", "tax",
)  # fmt: skip
_NOT_SENT, _FAILED, _WAITING = "enterprise-anju", "enterprise-yundong", "enterprise-zhuwu"
_DAY = 24.0


def demo_cases(city: DemoCity) -> Iterator[DemoCase]:
    """Yield the accounts and the bulletin of last year, the returns they come from, and this year's quarterly returns."""
    year = city.today.year - 1
    listed = tuple(units(city))
    accepted = [one for one in listed if one.organisation not in (_NOT_SENT, _FAILED, _WAITING)]
    yield from _accounts(city, year, accepted)
    bulletin = {
        "period_end": f"{year}-12-31", "vintage": "preliminary", "district": city.code, "reason": "初步核算，按已验收年报编制。",
        "trend": "医药制造保持增长，智慧健康服务增长较快；规模以下单位报送率有待提高。",
    }  # fmt: skip
    moves = (DemoMove("sign", _BUREAU, {}, 2 * _DAY), DemoMove("publish", _BUREAU, {}, 3 * _DAY))
    yield DemoCase("industry_statistics/bulletin", _BUREAU, _ago(city, 5, 12), bulletin, moves=moves)
    for unit in listed:
        yield _yearly(city, year, unit)
    yield from _quarterly(city)


def _ago(city: DemoCity, month: int, day: int) -> float:
    return float((city.today - date(city.today.year, month, day)).days)


def _accounts(city: DemoCity, year: int, accepted: list[Unit]) -> Iterator[DemoCase]:
    """Yield the accounts by group of what was accepted, as the list of groups to account would start them."""
    groups: dict[str, list[Unit]] = defaultdict(list)
    for unit in accepted:
        groups[unit.group].append(unit)
    for group, members in sorted(groups.items()):
        sums: dict[str, Any] = dict.fromkeys(_SUMS, Decimal(0))
        for unit in members:
            figures = reported(unit)
            for name in _SUMS:
                sums[name] += figures[name] * Decimal(unit.coefficient)
        values = {
            "period_end": f"{year}-12-31", "industry_group": group, "vintage": "preliminary", "district": city.code,
            "units": len(members), "unconfirmed": len(members), "open_to_public": len(members) >= 3, **sums,
        }  # fmt: skip
        check = DemoMove("check", _BUREAU, {}, 2 * _DAY)
        yield DemoCase(
            "industry_statistics/group-account", _BUREAU, _ago(city, 4, 24), values, moves=(check,)
        )


def _yearly(city: DemoCity, year: int, unit: Unit) -> DemoCase:
    values = {
        "receiver": f"Organization/{unit.organisation}", "report_form": _FORM, "report_year": year,
        "report_period": "year", "period_end": f"{year}-12-31", "due": f"{year + 1}-03-10",
    }  # fmt: skip
    moves: tuple[DemoMove, ...]
    if unit.organisation == _NOT_SENT:
        moves = ()
    elif unit.organisation == _FAILED:
        # far from what the enterprise library has for the year, and no word of why
        moves = (
            DemoMove("submit", "", reported(unit, 165), 44 * _DAY),
            DemoMove("fail-edit", "*", {}, 0.1),
        )
    elif unit.organisation == _WAITING:
        moves = (DemoMove("submit", "", reported(unit), 47 * _DAY),)
    else:
        late = unit.organisation == "enterprise-songhe"
        sent = {**reported(unit), "explanation": "当年经营正常；与企业年报口径一致。"}
        moves = (
            DemoMove("submit", "", sent, (56 if late else 30) * _DAY),
            DemoMove("accept", "*", {}, 6 * _DAY),
            DemoMove("account", "*", {}, 40 * _DAY),
            DemoMove("publish", "*", {}, 30 * _DAY),
        )
    return DemoCase("industry_statistics/statistical-return", _BUREAU, _ago(city, 1, 20), values, moves=moves)


def _quarterly(city: DemoCity) -> Iterator[DemoCase]:
    """Yield returns of three quarters: one due in some days, one due today, one late, one to be accepted."""
    year = city.today.year
    for firm, days, sent in (
        ("chenghu", 3, False),
        ("baicao", 0, False),
        ("lingxi", -4, False),
        ("heming", 2, True),
    ):
        unit = next(one for one in units(city) if one.organisation == f"enterprise-{firm}")
        values = {
            "receiver": f"Organization/{unit.organisation}", "report_form": _FORM, "report_year": year,
            "report_period": "q3", "period_end": f"{year}-09-30", "due": city.day(days),
        }  # fmt: skip
        moves = (DemoMove("submit", "", reported(unit, 78), 5 * _DAY),) if sent else ()
        yield DemoCase("industry_statistics/statistical-return", _BUREAU, 20, values, moves=moves)
