"""What part of a target each district has to bring, and how far it is from it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from kangshu.plans.elements import extension_value, extensions
from kangshu.plans.model import Quota, TargetView
from kangshu.plans.shape import QUOTA
from kangshu.sdk import Resource


@dataclass(frozen=True, slots=True)
class QuotaLine:
    """One district: what is asked of it, what it has (None: unknown), and what is missing (never below nought)."""

    district: str
    quota: Decimal | None
    value: Decimal | None
    missing: Decimal | None


def holds_for_each(target: TargetView) -> bool:
    """Return whether the city's figure holds for each district too: a share or a rate, not a number to be summed up."""
    unit = target.light.unit or target.unit
    return unit == "%" or "/" in unit or "每" in target.indicator


def read_quotas(goal: Resource) -> tuple[Quota, ...]:
    """Return the quotas that a person has entered for a goal, by district code."""
    found = (
        Quota(
            str(extension_value(one, "district")),
            Decimal(str(extension_value(one, "value"))),
            str(extension_value(one, "source") or ""),
        )
        for one in extensions(goal, QUOTA)
    )
    return tuple(sorted(found, key=lambda one: one.district))


def set_quotas(goal: Resource, quotas: Mapping[str, Decimal], source: str, by: str) -> None:
    """Enter the districts' quotas, in place of all that stood there; none takes them away."""
    kept = [one for one in goal.get("extension", ()) if one.get("url") != QUOTA]
    for district in sorted(quotas):
        kept.append(
            {
                "url": QUOTA,
                "extension": [
                    {"url": "district", "valueCode": district},
                    {"url": "value", "valueDecimal": quotas[district]},
                    {"url": "source", "valueString": source},
                    {"url": "by", "valueString": by},
                ],
            }
        )
    goal["extension"] = kept


def quota_lines(
    quotas: tuple[Quota, ...], values: Mapping[str, Decimal | None], *, lower: bool
) -> tuple[QuotaLine, ...]:
    """Return every district that has a quota or a value; `lower` says that less is better."""
    asked = {one.district: one.value for one in quotas}
    found = []
    for district in sorted({*asked, *values}):
        quota, value = asked.get(district), values.get(district)
        missing = None
        if quota is not None and value is not None:
            missing = max(Decimal(0), value - quota if lower else quota - value)
        found.append(QuotaLine(district, quota, value, missing))
    return tuple(found)
