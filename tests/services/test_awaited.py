"""Measures without a number: defined, never computed, and gone as soon as a measure claims the same target."""

from __future__ import annotations

from pathlib import Path

import pytest

from kangshu.services import check, discover, load, new, read_folder

AWAITED = """\
measures:
  - id: parks-built
    title: {zh: 建成园区, en: Parks built}
    definition: {zh: 建成的园区个数。, en: Parks that are built.}
    proof: register
    system: S46
    evidence: {zh: 园区台账。, en: The register of parks.}
    unit: 个
    targets: [T054]
    source: 演示
    matches: [产业基地及园区]
"""
MEASURE = """\
id: places-counted
title: {zh: 场所数, en: Places}
definition: {zh: 登记的场所数。, en: Places of the register.}
kind: count
unit: 个
views: [places]
sql: |
  SELECT place AS subject, 1 AS numerator, 1 AS denominator, scope_district AS district FROM places
source: 演示
"""
VIEW = """\
resourceType: ViewDefinition
name: places
resource: Location
status: active
select:
  - column:
      - {name: place, path: getResourceKey(), type: string}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = new("parks", tmp_path)
    for name in ("awaited", "views", "measures"):
        (made / name).mkdir(exist_ok=True)
    (made / "awaited" / "parks.yaml").write_text(AWAITED, "utf-8")
    (made / "views" / "places.yaml").write_text(VIEW, "utf-8")
    (made / "measures" / "places-counted.yaml").write_text(MEASURE, "utf-8")
    return made


def test_what_has_no_register_is_declared_without_sql(folder: Path) -> None:
    assert not [one for one in check([read_folder(folder)]) if one.severity == "error"]
    (one,) = read_folder(folder).awaited
    assert (one.proof, one.system, one.targets, one.direction) == ("register", "S46", ("T054",), "increase")


@pytest.mark.parametrize(
    ("file", "old", "new_text", "said"),
    [
        ("measures/places-counted.yaml", "source: 演示", "source: 演示\ntargets: [T054]", "delete it"),
        ("awaited/parks.yaml", "system: S46", "system: parks", "no system id"),
        ("awaited/parks.yaml", "[产业基地及园区]", '["("]', "no regular expression"),
        ("awaited/parks.yaml", "proof: register", "proof: hope", "is none of"),
        ("awaited/parks.yaml", "id: parks-built", "id: places-counted", "declared twice"),
        ("awaited/parks.yaml", "unit: 个", "unit: 个\n    sql: SELECT 1", "unknown key 'sql'"),
    ],
)
def test_what_is_wrong_is_found(folder: Path, file: str, old: str, new_text: str, said: str) -> None:
    written = folder / file
    written.write_text(written.read_text("utf-8").replace(old, new_text, 1), "utf-8")
    assert any(said in one.text for one in check([read_folder(folder)]))


def test_two_do_not_wait_for_one_target(folder: Path) -> None:
    again = AWAITED.replace("parks-built", "bases-built")
    (folder / "awaited" / "bases.yaml").write_text(again, "utf-8")
    assert any("too" in one.text for one in check([read_folder(folder)]))


def test_no_shipped_target_is_both_measured_and_awaited() -> None:
    services = load("kangshu_services")
    awaited = [target for one in services for each in one.awaited for target in each.targets]
    measured = {target for one in services for each in one.measures for target in each.targets}
    assert len(set(awaited)) == len(awaited)
    assert measured.isdisjoint(awaited)
    assert len(discover("kangshu_services")) == len(services)
