"""Which units of the demo city stand in the directory, and what they report: all invented."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kangshu.sdk import DemoCity


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: its class of GB/T 4754, the share of it that is of the health industry, its turnover in 10,000 yuan."""

    organisation: str
    code: str
    group: str
    coefficient: str
    size: int
    district: str
    type: str = "above"


_FIRMS = (
    ("chenghu", "C2761", "09", "1", 23600, "990102", "above"),
    ("baicao", "C2720", "09", "1", 15200, "990103", "above"),
    ("heming", "C2720", "09", "1", 6900, "990102", "above"),
    ("qingquan", "C2780", "09", "1", 2400, "990105", "above"),
    ("lingxi", "C3581", "10", "1", 8800, "990103", "above"),
    ("yixing", "C3586", "10", "1", 3100, "990104", "above"),
    ("yunce", "I6450", "06", "0.8", 2700, "990102", "above"),
    ("zhiyu", "I6450", "06", "1", 900, "990102", "below"),
    ("songhe", "I6513", "06", "0.6", 4200, "990103", "above"),
    ("anju", "I6513", "06", "0.5", 1600, "990104", "below"),
    ("chapo", "C1491", "11", "0.7", 7400, "990104", "above"),
    ("zhuwu", "C1491", "11", "0.4", 5600, "990106", "above"),
    ("yundong", "C2442", "11", "0.9", 2900, "990103", "above"),
    ("xilan", "A0171", "13", "1", 3300, "990106", "above"),
    ("daoxiang", "A0171", "13", "0.15", 12800, "990105", "above"),
    ("wangchuan", "R9030", "04", "0.5", 4700, "990105", "above"),
)


def units(city: DemoCity) -> Iterator[Unit]:
    """Yield the units of the directory: enterprises of the library, hospitals and homes of the city."""
    for firm, code, group, coefficient, size, district, type_ in _FIRMS:
        yield Unit(f"enterprise-{firm}", code, group, coefficient, size, district, type_)
    hospitals, homes = city.of_kind("tertiary-hospital")[:3], city.of_kind("elder-institution")[:4]
    for number, one in enumerate(hospitals):
        yield Unit(one.id, "Q8411", "01", "1", 41000 + 9000 * number, one.district, "institution")
    for number, one in enumerate(homes):
        yield Unit(one.id, "Q8514", "04", "1", 900 + 260 * number, one.district, "institution")


def reported(unit: Unit, percent: int = 100) -> dict[str, Any]:
    """Return what the unit reports, at `percent` of its size; both approaches agree to the rounding."""
    turnover = unit.size * percent // 100
    output = turnover * 96 // 100
    intermediate = output * 58 // 100
    added = output - intermediate
    compensation, net_taxes, depreciation = added * 52 // 100, added * 14 // 100, added * 12 // 100
    return {
        "output": output,
        "intermediate": intermediate,
        "revenue": turnover,
        "compensation": compensation,
        "net_taxes": net_taxes,
        "depreciation": depreciation,
        "surplus": added - compensation - net_taxes - depreciation,
        "jobs": 6 + compensation // 11,
        "tax": net_taxes + added * 3 // 100,
        "filled_by": "统计员",
        "answerable": "分管负责人",
    }
