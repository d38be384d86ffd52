"""The demo city's library of experts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from kangshu.sdk import DemoCity, Resource, structure

_NAMES = (
    "白砚秋", "陆听澜", "裴景行", "叶知微", "傅长青", "阮星河", "沐晚晴", "顾南乔", "褚怀瑾", "岑如许", "柏亦舟", "苏未央",
    "温庭远", "祝明烛", "邵云深", "方若谷", "季扶苏", "卓尔雅",
)  # fmt: skip
_FIELDS = ("public-health", "clinical", "elder-care", "tcm", "industry", "economics")
_UNITS = ("health-commission", "civil-affairs", "finance", "", "", "statistics")
_TITLES = ("主任医师", "教授", "研究员", "高级工程师")


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield a Practitioner for each expert: most can be drawn, some are away, some have left, some declare conflicts."""
    for number, name in enumerate(_NAMES, 1):
        unit = _UNITS[number % len(_UNITS)]
        end = city.today + timedelta(days=-20 if number == 17 else 500)
        extensions: list[Resource] = [
            {"url": structure("expert-field"), "valueCode": _FIELDS[(number - 1) % len(_FIELDS)]},
            {"url": structure("expert-available"), "valueBoolean": number != 15},
            {
                "url": structure("expert-term"),
                "valuePeriod": {"start": f"{city.today.year - 1}-01-01", "end": end.isoformat()},
            },
        ]
        if unit:
            extensions.append({"url": structure("expert-unit"), "valueReference": city.unit(unit).reference})
        else:
            extensions.append({"url": structure("expert-unit-name"), "valueString": "云汐学院"})
        if number in (4, 11):
            rival = city.unit("industry").reference
            extensions.append({"url": structure("expert-conflict-1"), "valueReference": rival})
        yield {
            "resourceType": "Practitioner",
            "id": f"expert-{number:02d}",
            "active": number != 18,
            "identifier": [{"system": "http://kangshu.org/fhir/sid/expert", "value": f"ZJ-{number:03d}"}],
            "name": [{"text": name}],
            "qualification": [{"code": {"text": _TITLES[number % len(_TITLES)]}}],
            "extension": extensions,
        }
