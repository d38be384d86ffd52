"""A rule of data quality becomes a measure, a list that starts the return, and rows of the relation of all rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from kangshu.services import Draft, check, discover, new

VIEW = """\
resourceType: ViewDefinition
name: halls
resource: Location
status: active
select:
  - column:
      - {name: hall, path: getResourceKey(), type: string}
      - {name: name, path: name, type: string}
      - {name: keeper, path: managingOrganization.getReferenceKey(Organization), type: string}
"""
RULE = """\
id: hall-named
title: {zh: 场馆有名称, en: the hall has a name}
fault: {zh: 场馆缺名称, en: Name of the hall missing}
kind: completeness
records: {id: halls, zh: 场馆, en: halls}
element: {zh: 名称, en: Name}
advice: {zh: "补登'名称'。", en: Enter it.}
systems: [S34]
subject: Location
views: [halls]
sql: |
  SELECT hall AS subject, keeper AS institution, scope_district AS district, name IS NULL AS fault
  FROM halls
source: 演示
examples:
  - period_end: "2026-06-30"
    given:
      halls: [{hall: Location/a, name: 甲}, {hall: Location/b}]
    expect: {numerator: 1, denominator: 2}
"""
OVER = """\
id: halls-right
title: {zh: 合格率, en: Without a fault}
definition: {zh: 合格的占比。, en: The share that holds.}
kind: proportion
scale: 100
unit: "%"
over: quality
sql: SELECT subject, 1 - fault AS numerator, 1 AS denominator, district, rule, kind FROM quality
dimensions:
  - {id: rule, title: {zh: 问题, en: Problem}, column: rule}
  - {id: kind, title: {zh: 类别, en: Kind}, column: kind}
source: 演示
"""
KIND = """\
  - {id: rule, title: {zh: 规则, en: Rule}, hidden: true}
  - {id: record, title: {zh: 范围, en: Record}, hidden: true}
  - {id: problem, title: {zh: 问题, en: Problem}}
  - {id: element, title: {zh: 数据项, en: Element}}
  - {id: advice, title: {zh: 做法, en: Advice}}
  - {id: found, title: {zh: 条数, en: Found}, kind: integer}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = new("sports_halls", tmp_path)
    for name in ("views", "quality", "measures"):
        (made / name).mkdir(exist_ok=True)
    (made / "views" / "halls.yaml").write_text(VIEW, "utf-8")
    (made / "quality" / "hall-named.yaml").write_text(RULE, "utf-8")
    (made / "measures" / "halls-right.yaml").write_text(OVER, "utf-8")
    return made


def draft_of(folder: Path) -> Draft:
    (draft,) = discover(folder.parent)
    return draft


def errors(folder: Path) -> list[str]:
    return [one.text for one in check(discover(folder.parent)) if one.severity == "error"]


def test_a_rule_is_a_measure_by_institution_and_a_list_of_what_fails(folder: Path) -> None:
    assert errors(folder) == []
    draft = draft_of(folder)
    measure = next(one for one in draft.measures if one.id == "quality-hall-named")
    assert (measure.kind, measure.unit, measure.subject, measure.views) == (
        "proportion",
        "%",
        "Location",
        ("halls",),
    )
    assert [one.id for one in measure.dimensions] == ["institution"]
    assert len(measure.examples) == 1
    listed = next(one for one in draft.lists if one.id == "quality-hall-named")
    assert (listed.title.zh, [one.id for one in listed.columns]) == ("场馆缺名称", ["institution"])
    assert listed.start is None, "no kind of case carries the return"


def test_what_is_over_all_rules_has_their_rows_views_and_titles(folder: Path) -> None:
    measure = next(one for one in draft_of(folder).measures if one.id == "halls-right")
    assert measure.views == ("halls",)
    assert "补登''名称''。" in measure.sql, "words are quoted"
    rule, kind = measure.dimensions
    assert rule.labels["hall-named"].zh == "场馆缺名称"
    assert kind.labels["completeness"].zh == "完整性"


@pytest.mark.parametrize(
    ("old", "changed", "said"),
    [
        ("given:\n", "given:\n      halls2: []\n", "halls2"),
        ("expect: {numerator: 1", "expect: {numerator: 2", "the example gives"),
        ("kind: completeness", "kind: beauty", "is none of"),
        ("name IS NULL AS fault", "name IS NULL AS wrong", "fault"),
        (
            "source: 演示",
            "columns: [{id: fault, title: {zh: 误, en: Fault}}]\nsource: 演示",
            "stand in every list",
        ),
    ],
)
def test_what_is_wrong_with_a_rule_is_found_at_its_file(
    folder: Path, old: str, changed: str, said: str
) -> None:
    file = folder / "quality" / "hall-named.yaml"
    assert old in RULE
    file.write_text(RULE.replace(old, changed, 1), "utf-8")
    found = [one for one in check(discover(folder.parent)) if said in one.text]
    assert found
    assert {one.file.name for one in found} <= {"hall-named.yaml", "halls-right.yaml"}


def test_the_kind_that_carries_the_return_has_its_fields_and_both_verdicts(folder: Path) -> None:
    file = next((folder / "cases").glob("*.yaml"))
    text = file.read_text("utf-8").replace("\nform:\n", f"\ncarries: quality-return\nform:\n{KIND}", 1)
    file.write_text(text, "utf-8")
    assert any("recheck: holds" in one for one in errors(folder))
    start = next(one.start for one in draft_of(folder).lists if one.id == "quality-hall-named")
    assert start is not None
    assert (start.case, start.receiver) == (f"sports_halls/{file.stem}", "${institution}")
    file.write_text(text.replace(KIND, KIND.replace("id: advice", "id: hint")), "utf-8")
    assert any("asks for advice" in one for one in errors(folder))
