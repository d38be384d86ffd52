"""Lists of work and pictures as folders declare them: each mistake is found at its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from kangshu.services import check, discover

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
CASE = """
id: order
title: {zh: 订单, en: order}
systems: [S01]
initial: open
start_by: [organisation]
form:
  - {id: what, title: {zh: 物, en: what}, required: true}
states:
  - {id: open, title: {zh: 开, en: open}, status: requested, box: owner}
  - {id: done, title: {zh: 完, en: done}, status: completed, final: true}
moves:
  - {id: finish, title: {zh: 完成, en: finish}, from: open, to: done, by: owner}
"""
LIST = """
id: missing
title: {zh: 缺, en: missing}
help: {zh: 说明, en: help}
views: [goods]
sql: |
  SELECT thing AS subject, NULL AS district, kind, kind AS what FROM goods
columns:
  - {id: kind, title: {zh: 类, en: kind}}
start: {case: order, label: {zh: 订, en: order}, values: {what: "${what}"}}
"""
REGISTER = """
id: goods
title: {zh: 货, en: goods}
resource: Basic
criteria: code=x
columns:
  - {id: name, title: {zh: 名, en: name}, value: code.text}
  - {id: day, title: {zh: 日, en: day}, value: created, kind: date}
form:
  - {id: name, title: {zh: 名, en: name}, path: code.text}
gantt: {label: name, start: day, end: day}
"""


def findings(folder: Path, work: str = LIST, register: str = REGISTER) -> list[str]:
    """Return what is found in a folder with this list and this register."""
    service = folder / "shop"
    files = {
        "service.yaml": SERVICE, "views/goods.yaml": VIEW, "cases/order.yaml": CASE,
        "lists/missing.yaml": work, "registers/goods.yaml": register,
    }  # fmt: skip
    for name, text in files.items():
        (service / name).parent.mkdir(parents=True, exist_ok=True)
        (service / name).write_text(text, "utf-8")
    found = check(discover(folder))
    return [f"{one.file.name}: {one.text}" for one in found if one.severity == "error"]


def test_a_sound_list_and_picture_have_no_findings(tmp_path: Path) -> None:
    assert findings(tmp_path) == []


@pytest.mark.parametrize(
    ("wrong", "right", "told"),
    [
        ("thing AS subject", "thing AS nobody", "no column 'subject'"),
        ("kind AS what", "kind AS which", "no column 'what'"),
        ("views: [goods]", "views: [shoes]", "no view 'shoes'"),
        ("FROM goods", "FROM", "does not compile"),
        ("case: order", "case: parcel", "no case kind 'shop/parcel'"),
        ('values: {what: "${what}"}', 'values: {whom: "${what}"}', "no field 'whom'"),
        ("title: {zh: 类, en: kind}}", "title: {zh: 类, en: kind}, kind: choice}", "a choice has labels"),
        ("views: [goods]", "views: [goods]\nroles: [nobody]", "no ready-made role 'nobody'"),
        ("views: [goods]", "views: [goods]\norder: price", "names no column 'price'"),
        ("views: [goods]", "views: [goods]\nprice: 3", "unknown key 'price'"),
        (
            "views: [goods]",
            "views: [goods]\ntotals: {of: kind, down: [kind], across: kind}",
            "a column of numbers",
        ),
        (
            "views: [goods]",
            "views: [goods]\ntotals: {of: kind, down: [day], across: kind}",
            "by the column 'day'",
        ),
    ],
)
def test_each_mistake_of_a_list_is_found(tmp_path: Path, wrong: str, right: str, told: str) -> None:
    found = findings(tmp_path, LIST.replace(wrong, right))
    assert any(one.startswith("missing.yaml") and told in one for one in found), found


@pytest.mark.parametrize(
    ("wrong", "right", "told"),
    [
        ("label: name", "label: nick", "no column 'nick'"),
        ("start: day", "start: name", "column 'name' is a text"),
        ("gantt:", "map: {label: name, latitude: '(', longitude: x}\ngantt:", "'map'"),
        ("gantt:", "chain: {of: name, order: day, label: nick, unit: {zh: 家, en: firms}, members: {register: places, of: x, who: y}}\ngantt:", "no column 'nick'"),
        ("gantt:", "chain: {of: name, order: day, label: name, unit: {zh: 家, en: firms}, members: {register: places, of: x, who: y}}\ngantt:", "no register 'shop/places'"),
        ("gantt:", "chain: {of: name, order: day, label: name, unit: {zh: 家, en: firms}, members: {register: goods, of: name, who: name}}\ngantt:", "'chain': column 'day' is a date"),
        ("end: day}", "end: day, milestones: {register: steps, of: x, day: y, label: z}}", "no register 'shop/steps'"),
    ],
)  # fmt: skip
def test_each_mistake_of_a_picture_is_found(tmp_path: Path, wrong: str, right: str, told: str) -> None:
    found = findings(tmp_path, register=REGISTER.replace(wrong, right))
    assert any(one.startswith("goods.yaml") and told in one for one in found), found
