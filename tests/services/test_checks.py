"""Service folders: every finding with its place, what is right loads, and the platform names none."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

from kangshu.base.faults import Conflict, Invalid
from kangshu.services import check, discover, load, new

ROOT = Path(__file__).resolve().parents[2]
TOYS = ROOT / "tests" / "fixtures" / "services"


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A copy of the toy service to spoil."""
    shutil.copytree(TOYS / "toy", tmp_path / "toy")
    return tmp_path / "toy"


def spoil(file: Path, before: str, after: str) -> None:
    """Replace a text of a file that must be there."""
    text = file.read_text("utf-8")
    assert before in text
    file.write_text(text.replace(before, after), "utf-8")


def findings(folder: Path) -> list[str]:
    """Return the findings of the folder that holds service folders, as text without the path before the service."""
    return [str(one).replace(str(folder.parent) + "/", "") for one in check(discover(folder.parent))]


def test_the_services_of_the_product_have_no_findings() -> None:
    drafts = discover("kangshu_services")
    assert drafts
    assert check(drafts) == ()


def test_toy_loads() -> None:
    (toy,) = load(TOYS)
    assert toy.id == "toy"
    assert toy.registers[0].code == "toy/things"
    assert toy.cases[0].code == "toy/handling"
    assert toy.parameters[0].id == "toy-handling-days"


def test_no_services_is_no_fault(tmp_path: Path) -> None:
    assert load(tmp_path) == ()
    assert load("no_such_package_anywhere") == ()


def test_new_service_has_no_findings_and_is_not_written_twice(tmp_path: Path) -> None:
    home = new("sports_halls", tmp_path)
    assert check(discover(tmp_path)) == ()
    assert load(tmp_path)[0].id == home.name
    with pytest.raises(Conflict):
        new("sports_halls", tmp_path)
    with pytest.raises(Invalid):
        new("../evil", tmp_path)


def test_all_findings_are_shown_at_once_with_their_lines(toy: Path) -> None:
    spoil(toy / "service.yaml", "id: toy", "id: game")
    spoil(toy / "cases/handling.yaml", "to: done", "to: gone")
    spoil(toy / "registers/things.yaml", "value: created", "value: created.where(")
    found = findings(toy)
    assert any(one.startswith("toy/service.yaml:1: error: the id is the folder's name") for one in found)
    assert any("toy/cases/handling.yaml:" in one and "'gone'" in one for one in found)
    assert any("toy/registers/things.yaml:" in one and "column 'created'" in one for one in found)
    with pytest.raises(Invalid) as caught:
        load(toy.parent)
    assert len(caught.value.issues) == len([one for one in found if ": error: " in one])


@pytest.mark.parametrize(
    ("file", "before", "after", "says"),
    [
        ("service.yaml", "systems: [S01]", "systems: [X]", "no system id"),
        ("service.yaml", "order: 900", "order: first", "'order' must be an integer"),
        ("service.yaml", "order: 900", "colour: red", "unknown key 'colour'"),
        ("service.yaml", "title: {zh: toy, en: toy}", "title: {zh: toy}", "'en' is missing"),
        ("service.yaml", "title: {zh: toy, en: toy}", "title: toy", "must be {zh"),
        ("service.yaml", "order: 900", "order: 900\norder: 901", "written twice"),
        ("service.yaml", "order: 900", "order: !!python/object:os.system 1", "tag"),
        ("service.yaml", "order: 900", "order: [1", "not YAML"),
        ("registers/things.yaml", "resource: Basic", "resource: Thing", "no R4 resource type"),
        ("registers/things.yaml", "criteria: code=", "criteria: colour=", "colour"),
        ("registers/things.yaml", "search: created", "search: made", "made"),
        ("registers/things.yaml", "path: created", "path: created()", "is not a path"),
        ("registers/things.yaml", "search: created,", "masked: true, search: created,", "nothing would mask it"),
        ("registers/things.yaml", "kind: date, path", "kind: day, path", "is none of"),
        ("cases/handling.yaml", "initial: open", "initial: begun", "is not declared"),
        ("cases/handling.yaml", "from: open", "from: done", "cannot be reached"),
        ("cases/handling.yaml", "from: open", "from: done", "no way out"),
        ("cases/handling.yaml", "by: owner", "by: everybody", "nobody who may move"),
        ("cases/handling.yaml", "start_by: [any]", "start_by: [owner]", "nobody who may start"),
        ("cases/handling.yaml", "toy-handling-days", "toy-days", "no rule declares the parameter"),
        ("cases/handling.yaml", "by: owner", "by: owner\n    guard: 'code.('\n", "guard of 'finish'"),
        ("cases/handling.yaml", "start_by:", "start_guard: 'code.('\nstart_guard_text: {zh: 不行, en: No}\nstart_by:", "guard of the start"),
        ("cases/handling.yaml", "start_by:", "start_guard: 'true'\nstart_by:", "'start_guard_text' is missing"),
        ("cases/handling.yaml", "by: owner", "by: owner\n    guard: 'true'\n", "'guard_text' is missing"),
        ("cases/handling.yaml", "${requester}", "${boss}", "${boss}, which nothing gives"),
        ("cases/handling.yaml", "notify:", "shout:", "one verb of"),
        ("cases/handling.yaml", "- {notify:", "- {set: owner.reference, value: x}\n      - {notify:", "engine's own"),
        ("cases/handling.yaml", "kind: paragraph, required: true}\nstates", "path: status}\nstates", "engine's own"),
        ("cases/handling.yaml", "kind: organisation,", "kind: organisation, listed_by: {register: toy/offices, column: of},", "no register 'toy/offices'"),
        ("cases/handling.yaml", "kind: organisation,", "kind: organisation, listed_by: {register: toy/things, column: name},", "is not searched by"),
        ("rules/deadlines.yaml", "source: 待填：写明文件名称和条款", 'source: ""', "cites no clause"),
        ("rules/deadlines.yaml", "unit: working day", 'unit: ""', "has no unit"),
        ("rules/deadlines.yaml", '"2020-01-01"', '"2020-13-01"', "is not a date"),
    ],
)  # fmt: skip
def test_each_mistake_is_found(toy: Path, file: str, before: str, after: str, says: str) -> None:
    spoil(toy / file, before, after)
    found = findings(toy)
    assert any(one.startswith(f"toy/{file}:") and says in one for one in found), found
    assert all(one.zh for one in check(discover(toy.parent)))


def test_names_are_declared_once(toy: Path) -> None:
    shutil.copytree(toy, toy.parent / "play")
    spoil(toy.parent / "play/service.yaml", "id: toy", "id: play")
    found = findings(toy)
    assert [one for one in found if "parameter 'toy-handling-days' is declared twice" in one]


def test_aliases_do_not_explode(toy: Path) -> None:
    bomb = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    bomb += [f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9)}]" for at in range(1, 12)]
    (toy / "service.yaml").write_text("\n".join(bomb), "utf-8")
    assert any("aliases" in one for one in findings(toy))


def test_no_string_of_the_platform_names_a_service() -> None:
    drafts = discover("kangshu_services")
    names = {draft.id for draft in drafts} - COMMON_WORDS
    codes = tuple(f"{draft.id}/{one.id}" for draft in drafts for one in (*draft.cases, *draft.registers))
    found = []
    for file in sorted((ROOT / "src" / "kangshu").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
                if text in names or any(code in text for code in codes) or "kangshu_services." in text:
                    found.append(f"{file.relative_to(ROOT)}:{node.lineno}: {text!r}")
    assert found == []


COMMON_WORDS = frozenset(
    {"residents", "institutions", "appointments", "referral", "assessment", "investment", "warnings"}
)
"""Services named by a plain word that the platform may say of its own (`--residents`, the first screen `referral` of
a role, what a case carries, the figure of a plan); their codes stay forbidden."""


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("screens: [clerk]", "screens: [cinema]", "no role opens with the screen 'cinema'"),
        ("register: things", "register: dogs", "there is no register 'dogs'"),
        ("columns: [name, created]", "columns: [name, colour]", "the register has no column 'colour'"),
        ("within: toy-handling-days", "within: never", "no rule declares the parameter 'never'"),
        ("column: created, within", "column: name, within", "column 'name' holds no day"),
        ("register: things", "register: things\n    criteria: colour=red", "criteria 'colour=red'"),
        (
            "register: things",
            'register: things\n    note: {zh: "{who}", en: ""}',
            "'note' names what there is not",
        ),
    ],
)
def test_a_wrong_section_is_found(toy: Path, before: str, after: str, told: str) -> None:
    spoil(toy / "service.yaml", before, after)
    assert any(told in one and one.startswith("toy/service.yaml:") for one in findings(toy)), findings(toy)
