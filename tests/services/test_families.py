"""Measure families: each member is a full measure over the family's rows, checked by the family's check query."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from kangshu.services import check, discover, new, read_folder
from kangshu.services.families import member_checks

VIEW = """\
resourceType: ViewDefinition
name: halls
resource: Location
status: active
select:
  - column:
      - {name: hall, path: getResourceKey(), type: string}
      - {name: kind, path: type.coding.code.first(), type: string}
      - {name: level, path: physicalType.coding.code.first(), type: string}
"""
MEASURE = """\
id: halls-open
title: {zh: 场馆数, en: Halls}
definition: {zh: 登记的场馆数。, en: Halls of the register.}
kind: count
unit: 个
views: [halls]
sql: |
  SELECT hall AS subject, 1 AS numerator, 1 AS denominator, scope_district AS district, kind, level
  FROM halls
dimensions:
  - id: kind
    title: {zh: 类别, en: Kind}
    column: kind
    labels: {pool: {zh: 游泳馆, en: Pool}, court: {zh: 球馆, en: Court}, rink: {zh: 冰场, en: Rink}}
  - id: level
    title: {zh: 级别, en: Level}
    column: level
source: 演示
family:
  column: kind
  members:
    - id: halls-pools
      value: pool
      title: {zh: 游泳馆数, en: Pools}
      targets: [T098]
      matches: [游泳馆]
    - id: halls-for-play
      value: [court, rink]
      where: {level: city}
      title: {zh: 市级球馆和冰场数, en: Courts and rinks of the city}
      unit: 座
      source: 另一条款
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = new("sports_halls", tmp_path)
    for name in ("views", "measures"):
        (made / name).mkdir(exist_ok=True)
    (made / "views" / "halls.yaml").write_text(VIEW, "utf-8")
    (made / "measures" / "halls-open.yaml").write_text(MEASURE, "utf-8")
    return made


def test_members_are_measures_of_their_own(folder: Path) -> None:
    draft = read_folder(folder)
    assert not draft.findings
    found = {one.id: one for one in draft.measures if one.id.startswith("halls")}
    whole, pools, play = found.values()
    assert (whole.family, pools.family, play.family) == ("", "halls-open", "halls-open")
    assert (pools.targets, pools.matches, pools.unit, pools.source) == (("T098",), ("游泳馆",), "个", "演示")
    assert (play.unit, play.source) == ("座", "另一条款")
    assert play.narrowed == {"kind": ("court", "rink"), "level": ("city",)}
    assert pools.sql.splitlines()[0].endswith(whole.sql.splitlines()[0]), "a fault in the SQL keeps its line"
    assert "\"kind\" IN ('pool')" in pools.sql
    assert [one.id for one in pools.dimensions] == ["level"], "what is narrowed to one value is no dimension"
    assert [one.id for one in play.dimensions] == ["kind"]


def test_the_check_query_of_the_family_is_asked_with_what_the_member_is_narrowed_to(folder: Path) -> None:
    asked = []

    def counted(resources: object, start: date, end: date, parameters: object) -> tuple[float, float]:
        asked.append(parameters)
        return 1, 1

    day = date(2026, 1, 1)
    checks = member_checks(read_folder(folder).measures, {"halls-open": counted})
    for name in ("halls-open", "halls-pools", "halls-for-play"):
        checks[name]([], day, day, {"least": 3})
    assert asked == [
        {"least": 3},
        {"least": 3, "kind": ("pool",)},
        {"least": 3, "kind": ("court", "rink"), "level": ("city",)},
    ]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            "value: pool",
            "value: pond",
            "measures/halls-open.yaml:23: error: dimension 'kind' has no label for 'pond'",
        ),
        ("column: kind\n  members", "column: sort\n  members", "sort"),
        ("column: kind\n  members", "column: kind;\n  members", "'kind;' is no column name"),
        ("matches: [", "match: [", "unknown key 'match'"),
        ("id: halls-pools", "id: halls-open", "measure 'halls-open' is declared twice"),
    ],
)
def test_each_mistake_is_found(folder: Path, before: str, after: str, said: str) -> None:
    file = folder / "measures" / "halls-open.yaml"
    file.write_text(MEASURE.replace(before, after), "utf-8")
    found = [str(one) for one in check(discover(folder.parent)) if one.severity == "error"]
    assert any(said in one for one in found), found
