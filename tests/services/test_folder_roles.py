"""Roles, their tests and the accounts of the demo city in a service folder: read, checked, loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from kangshu.accounts import ready_roles
from kangshu.services import check, discover, load, new

ROLES = """\
roles:
  hall-keeper:
    title: {zh: 场馆管理员, en: Keeper of a hall}
    description: {zh: 管理场馆。, en: Keeps the hall.}
    home: halls
    post: [organisation]
    read: {"@directory": everything, Basic: organisation}
    operations: [register.read]
extend:
  unit-clerk:
    operations: [halls.count]
"""
TESTS = """\
roles:
  hall-keeper:
    post: centre
    covers: {directory: r}
    tests:
      - [read, Location, nobody, true, 场馆目录]
      - [may, export, false, 不导出]
extend:
  unit-clerk:
    tests:
      - [may, halls.count, true, 统计场馆]
      - [may, halls.close, false, 关闭是管理员的事]
"""
ACCOUNTS = """\
- {name: hall-one, display: 场馆管理员, roles: [hall-keeper], organisation: unit-sports}
"""


@pytest.fixture
def halls(tmp_path: Path) -> Path:
    folder = new("sports_halls", tmp_path)
    for name, text in (("roles", ROLES), ("roles_tests", TESTS), ("demo_accounts", ACCOUNTS)):
        (folder / f"{name}.yaml").write_text(text, "utf-8")
    return folder


def findings(folder: Path) -> list[str]:
    found = (one for one in check(discover(folder.parent)) if one.severity == "error")
    return [str(one).replace(str(folder) + "/", "") for one in found]


def test_roles_of_a_folder_join_the_ready_made_ones(halls: Path) -> None:
    assert findings(halls) == []
    (service,) = load(halls.parent)
    roles = ready_roles([service.roles])
    assert roles.keys() - ready_roles().keys() == {"hall-keeper"}
    assert "halls.count" in roles["unit-clerk"].operations
    assert "halls.count" not in ready_roles()["unit-clerk"].operations, (
        "a folder changes what is handed out alone"
    )
    assert [(one.name, one.roles) for one in service.accounts] == [("hall-one", ("hall-keeper",))]


def test_a_first_screen_may_be_that_of_a_role_of_the_folder(halls: Path) -> None:
    file = halls / "service.yaml"
    register = next((halls / "registers").glob("*.yaml")).stem
    section = (
        "home:\n  - id: all\n    screens: [halls]\n    title: {zh: 场馆, en: Halls}\n    none: {zh: 无, en: None}\n"
        f"    register: {register}\n    columns: [name]\n"
    )
    file.write_text(file.read_text("utf-8") + section, "utf-8")
    assert not [one for one in findings(halls) if "first screen" in one or "no role opens" in one]
    (halls / "roles.yaml").unlink()
    assert any("no role opens with the screen 'halls'" in one for one in findings(halls))


@pytest.mark.parametrize(
    ("file", "before", "after", "said"),
    [
        ("roles", "Basic: organisation", "Basics: organisation", "roles.yaml:7: error: roles.hall-keeper.read.Basics"),
        ("roles", "unit-clerk:", "unit-clark:", "roles.yaml:10: error: extend.unit-clark: there is no ready-made role"),
        ("roles", "hall-keeper:", "expert:", "there is a ready-made role of this id"),
        ("roles_tests", "false, 不导出", "true, 导出", "roles.yaml:2: error: 'roles.hall-keeper' needs tests"),
        ("roles_tests", "  unit-clerk:", "  plan-office:", "roles_tests.yaml:9: error: tests of 'plan-office'"),
        ("roles_tests", "extend:", "extends:", "roles_tests.yaml:8: error: unknown key 'extends'"),
        ("demo_accounts", "roles: [hall-keeper]", "roles: [keeper]", "account 'hall-one': there is no ready-made role"),
        ("demo_accounts", "display:", "shown:", "demo_accounts.yaml:1: error: 'display' is missing"),
    ],
)  # fmt: skip
def test_each_mistake_is_found_at_its_line(
    halls: Path, file: str, before: str, after: str, said: str
) -> None:
    path = halls / f"{file}.yaml"
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), "utf-8")
    assert any(said in one for one in findings(halls)), findings(halls)


def test_two_folders_bring_no_role_or_account_of_the_same_name(halls: Path) -> None:
    other = new("play_halls", halls.parent)
    for name in ("roles", "roles_tests", "demo_accounts"):
        (other / f"{name}.yaml").write_bytes((halls / f"{name}.yaml").read_bytes())
    said = findings(halls)
    assert any("role 'hall-keeper' is declared twice" in one for one in said)
    assert any("account 'hall-one' is declared twice" in one for one in said)
