"""Warning rules as folders declare them: each mistake is found at its file, and what is gone with a folder is no error."""

from __future__ import annotations

from pathlib import Path

import pytest

from kangshu.services import Finding, check, discover, load

SERVICE = """
id: shop
title: {zh: 店, en: shop}
help: {zh: 说明, en: help}
systems: [S01]
menu: {zh: 店, en: shop}
"""
VIEW = """
resourceType: ViewDefinition
name: goods
status: active
resource: Basic
select:
  - column:
      - {name: thing, path: getResourceKey(), type: string}
      - {name: kind, path: code.text, type: string}
"""
LIST = """
id: missing
title: {zh: 缺, en: missing}
help: {zh: 说明, en: help}
views: [goods]
sql: |
  SELECT thing AS subject, NULL AS district, kind FROM goods
columns:
  - {id: kind, title: {zh: 类, en: kind}}
"""
MEASURE = """
id: share
title: {zh: 率, en: share}
definition: {zh: 定义, en: definition}
kind: proportion
scale: 100
unit: "%"
views: [goods]
sql: |
  SELECT thing AS subject, 1 AS numerator, 1 AS denominator, NULL AS district, kind FROM goods
dimensions:
  - {id: kind, title: {zh: 类, en: kind}, column: kind}
source: 测试
"""
RULES = """
parameters:
  - {id: share-least, title: {zh: 下限, en: least}, value: 90, unit: "%", jurisdiction: "", valid_from: "2020-01-01", source: 测试}
"""
HEAD = "id: few\ntitle: {zh: 少, en: few}\nhelp: {zh: 说明, en: help}\nlevel: important\nact: {zh: 办, en: act}\n"
GOOD = "measure: share\nby: kind\nwhen: {below: share-least}\nurgent: share-least\n"


def _written(folder: Path, rule: str) -> Path:
    shop = folder / "shop"
    for name, text in {
        "service.yaml": SERVICE,
        "views/goods.yaml": VIEW,
        "lists/missing.yaml": LIST,
        "measures/share.yaml": MEASURE,
        "rules/limits.yaml": RULES,
        "warnings/few.yaml": HEAD + rule,
    }.items():
        (shop / name).parent.mkdir(parents=True, exist_ok=True)
        (shop / name).write_text(text, "utf-8")
    return folder


def _found(folder: Path) -> list[Finding]:
    return [one for one in check(discover(folder)) if one.file.name == "few.yaml"]


@pytest.mark.parametrize("rule", [GOOD, "list: missing\nwhere: {kind: x}\neach: true\n", "targets: true\n"])
def test_a_rule_is_loaded(tmp_path: Path, rule: str) -> None:
    folder = _written(tmp_path, rule)
    assert _found(folder) == []
    (service,) = load(folder)
    assert [one.code for one in service.warnings] == ["shop/few"]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("", "one of 'measure', 'list' and 'targets'"),
        ("targets: true\n" + GOOD, "one of 'measure', 'list' and 'targets'"),
        ("measure: share\n", "says 'when'"),
        ("measure: share\nwhen: {below: share-least, above: share-least}\n", "'when' has one of"),
        ("measure: share\nwhen: {below: nothing}\n", "no rule declares the parameter 'nothing'"),
        (GOOD + "least: nothing\n", "no rule declares the parameter 'nothing'"),
        (GOOD.replace("by: kind", "by: colour"), "not split by 'colour'"),
        ("measure: share\nwhen: {beyond: city}\n", "say 'by'"),
        ("measure: share\nby: kind\nwhen: {beyond: share-least}\n", "held against 'city'"),
        ("measure: share\nwhen: {fall: share-least, against: peers}\n", "say 'by'"),
        (GOOD + "each: true\n", "are of rules on lists"),
        ("list: missing\nwhere: {colour: x}\n", "no column 'colour'"),
        ("list: missing\ninstitution: colour\n", "no column 'colour'"),
        ("list: missing\nwhen: {fall: share-least}\n", "'above' alone"),
        (GOOD.replace("level", "levels") + "levels: x\n", "levels"),
    ],
)
def test_each_mistake_is_found(tmp_path: Path, rule: str, said: str) -> None:
    found = _found(_written(tmp_path, rule))
    assert any(said in one.text and one.severity == "error" for one in found), found


@pytest.mark.parametrize("rule", ["measure: gone\nwhen: {below: share-least}\n", "list: other/gone\n"])
def test_what_another_folder_had_is_a_warning_when_it_is_gone(tmp_path: Path, rule: str) -> None:
    found = _found(_written(tmp_path, rule))
    assert [one.severity for one in found] == ["warning"], found
