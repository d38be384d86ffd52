"""What a folder counts with the views of another: said, and left out where the other is gone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kangshu.services import check, discover, load

FOLDERS = Path(__file__).parents[2] / "src/kangshu_services"


@pytest.fixture
def services(tmp_path: Path) -> Path:
    """Two folders, one of which counts with a view of the other."""
    for name in ("residents", "workforce"):
        shutil.copytree(FOLDERS / name, tmp_path / name, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return tmp_path


def findings(folder: Path, severity: str) -> list[str]:
    return [one.text for one in check(discover(folder)) if one.severity == severity]


def test_what_counts_with_a_folder_that_is_gone_is_left_out_and_the_rest_stands(services: Path) -> None:
    whole = {one.id for service in load(services) for one in service.measures}
    shutil.rmtree(services / "residents")
    assert findings(services, "error") == []
    told = [one for one in findings(services, "warning") if "is left out" in one]
    assert any("residents" in one for one in told)
    (workforce,) = load(services)
    assert workforce.registers
    assert {one.id for one in workforce.measures} < whole


def test_a_view_of_another_folder_is_not_read_unsaid(services: Path) -> None:
    manifest = services / "workforce" / "service.yaml"
    lines = [one for one in manifest.read_text("utf-8").splitlines() if not one.startswith("requires:")]
    manifest.write_text("\n".join([*lines, "requires: [institutions]", ""]), "utf-8")
    assert any("'requires: [residents]'" in one for one in findings(services, "error"))
