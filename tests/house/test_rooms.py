"""House rules that no linter here sees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
PLATFORM = SOURCE / "kangshu"
FILES = sorted(PLATFORM.rglob("*.py")) + sorted((SOURCE / "kangshu_services").rglob("*.py"))


def _imports(file: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.lineno, node.module
        elif isinstance(node, ast.Import):
            for name in node.names:
                yield node.lineno, name.name


def private_modules(file: Path, room: str) -> list[tuple[int, str]]:
    """Return the imports of `file` that reach behind another room's door: (line, module)."""
    return [
        (line, module)
        for line, module in _imports(file)
        if module.startswith("kangshu.")
        and module.count(".") >= 2
        and module.split(".")[1] not in {room, "base"}
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_a_room_is_entered_by_its_door(file: Path) -> None:
    inside = file.relative_to(PLATFORM).parts[0] if file.is_relative_to(PLATFORM) else ""
    if "tests" in file.parts:
        return
    assert private_modules(file, inside) == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_a_file_holds_one_idea(file: Path) -> None:
    if "_generated" in file.parts or file.name.startswith("_"):
        return
    lines = file.read_text("utf-8").count("\n")
    assert lines <= 500, f"{file.name} has {lines} lines: it is two ideas"


def test_no_text_names_the_workplace() -> None:
    root = SOURCE.parent
    words = ("/work/" + "main", "pypi-" + "more", "farm-" + "bench")
    for file in [*root.glob("*.md"), *root.glob("docs/**/*.md"), *FILES, root / "Makefile"]:
        text = file.read_text("utf-8")
        assert not [word for word in words if word in text], file


def test_the_check_sees_a_planted_import(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text("from kangshu.store.sql import x\nfrom kangshu.base.faults import Fault\n", "utf-8")
    reached = private_modules(planted, "web")
    assert reached == [(1, "kangshu.store.sql")]
