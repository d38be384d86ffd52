"""The demo city's report form, classes, directory of units, released statistics and the account of the year before last."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from kangshu.sdk import DemoCity, Resource, code_system, record, structure
from kangshu_services.industry_statistics.demo_figures import units

_DATA = Path(__file__).parent / "data"
_BUREAU = {"reference": "Organization/unit-statistics"}
_SECRET = {"system": code_system("handling"), "code": "STATISTICS", "display": "统计资料"}


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield what the statistics office keeps."""
    yield _form(city)
    yield _industries()
    yield from _classes(city)
    yield from _directory(city)
    yield from _released(city)
    yield from _account(city)


def _rows(name: str) -> list[dict[str, str]]:
    with (_DATA / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def _form(city: DemoCity) -> Resource:
    return {
        "resourceType": "ActivityDefinition",
        "id": "statistical-form-1",
        "status": "active",
        "name": "YXJK101",
        "title": "健康产业单位经营情况",
        "publisher": "云汐市统计局",
        "description": "列入健康产业单位名录的法人单位；季报由规模（限额）以上单位填报。",
        "usage": "总产出、中间投入按现价，含全部活动；健康活动按系数折算，由统计机构计算。",
        "topic": [{"coding": [{"system": code_system("definition-kind"), "code": "statistical-form"}]}],
        "extension": [
            _ext("district", "Code", city.code),
            _ext("approved-by", "String", "云汐省统计局（演示）"),
            _ext("approval-number", "String", f"云统制〔{city.today.year - 1}〕17号"),
            _ext("valid-until", "Date", f"{city.today.year + 1}-06-30"),
        ],
    }


def _industries() -> Resource:
    """Return the classes of the economy as a code system."""
    return {
        "resourceType": "CodeSystem",
        "id": "gbt4754-2017",
        "url": code_system("gbt4754-2017"),
        "status": "active",
        "content": "complete",
        "title": "国民经济行业分类（GB/T 4754—2017）",
        "description": "取自公开整理的代码表，未与官方文本逐行核对。",
        "concept": [{"code": one["code"], "display": one["name"]} for one in _rows("gbt4754_2017.csv")],
    }


def _classes(city: DemoCity) -> Iterator[Resource]:
    """Yield the 13 groups, which are verified, and the classes below them, which are not."""
    rows = _rows("health_industry_classes.csv")
    for group, name in {one["group"]: one["group_name"] for one in rows}.items():
        yield _class(city, group, name, [("industry-group", "Code", group), ("verified", "Boolean", True)])
    for one in rows:
        held: list[tuple[str, str, Any]] = [
            ("industry-group", "Code", one["group"]),
            ("industry-middle", "Code", one["middle"]),
            ("industry-middle-name", "String", one["middle_name"]),
            ("industry-partial", "Boolean", one["partial"] == "1"),
            ("verified", "Boolean", False),
        ]
        yield _class(city, one["code"], one["name"], held, one["note"])


def _class(
    city: DemoCity, code: str, name: str, held: list[tuple[str, str, Any]], note: str = ""
) -> Resource:
    made: Resource = {
        "resourceType": "ActivityDefinition",
        "id": f"health-class-{code}",
        "status": "active",
        "name": code,
        "title": name,
        "topic": [{"coding": [{"system": code_system("definition-kind"), "code": "health-industry-class"}]}],
        "extension": [_ext("district", "Code", city.code), *(_ext(*one) for one in held)],
    }
    return {**made, "description": note} if note else made


def _directory(city: DemoCity) -> Iterator[Resource]:
    for unit in units(city):
        part = unit.coefficient != "1"
        held: list[tuple[str, str, Any]] = [
            ("district", "Code", unit.district),
            ("record-of", "Reference", {"reference": f"ActivityDefinition/health-class-{unit.code}"}),
            ("record-class", "Code", unit.type),
            ("share-coefficient", "Decimal", Decimal(unit.coefficient)),
            (
                "coefficient-basis",
                "String",
                "健康活动营业收入占比（单位台账核实）" if part else "全部为健康活动",
            ),
            ("coefficient-set-by", "String", "统计局产业核算科 苏景明"),
            ("record-day", "Date", f"{city.today.year - 1}-12-10"),
        ]
        made = record("statistical-unit", f"statistical-unit-{unit.organisation}", held)
        made["meta"] = {"security": [_SECRET]}
        made["subject"] = {"reference": f"Organization/{unit.organisation}"}
        yield made


def _released(city: DemoCity) -> Iterator[Resource]:
    for back, gdp, services in ((2, "88.4", "46.2"), (1, "93.1", "49.5")):
        year = city.today.year - back
        for series, value in (("gdp", gdp), ("services", services)):
            held: list[tuple[str, str, Any]] = [
                ("district", "Code", city.code),
                ("record-class", "Code", series),
                ("record-day", "Date", f"{year}-12-31"),
                ("statistic-value", "Decimal", Decimal(value)),
                ("vintage", "Code", "preliminary"),
                ("record-source", "String", f"云汐市{year}年国民经济和社会发展统计公报（演示）"),
                ("released-on", "Date", f"{year + 1}-03-26"),
            ]
            yield record("released-statistic", f"released-{series}-{year}", held)


def _account(city: DemoCity) -> Iterator[Resource]:
    """Yield both vintages of the account of the year before last: the later one says what changed and why."""
    year = city.today.year - 2
    for vintage, added, day, change, reason in (
        ("preliminary", 74100, "05-20", 0, "初步核算。"),
        ("revised", 75240, "11-15", 1140, "按年报核实两家单位的中间投入，并补入一家新列名录的单位。"),
    ):
        figures = {
            "units": 22, "output": added * 238 // 100, "revenue": added * 249 // 100, "production": added + 36,
            "income": added, "value-added": added, "services": added * 71 // 100, "tertiary": added * 71 // 100,
            "primary": 2100, "secondary": added * 29 // 100 - 2100, "jobs": 3560, "tax": added // 6, "change": change,
        }  # fmt: skip
        held: list[tuple[str, str, Any]] = [
            ("district", "Code", city.code),
            ("record-day", "Date", f"{year}-12-31"),
            ("record-class", "Code", vintage),
            ("record-state", "Code", "published"),
            ("record-reason", "String", reason),
            ("classification-state", "String", "分类未核对：数据仅供内部参考"),
            ("gdp", "Decimal", Decimal("88.4")),
            ("services-value-added", "Decimal", Decimal("46.2")),
            *((f"account-{name}", "Decimal", Decimal(str(value))) for name, value in figures.items()),
        ]
        made = record("industry-account", f"industry-account-{year}-{vintage}", held)
        yield {**made, "created": f"{year + 1}-{day}", "author": _BUREAU}


def _ext(name: str, type_: str, value: Any) -> Resource:
    return {"url": structure(name), f"value{type_}": value}
