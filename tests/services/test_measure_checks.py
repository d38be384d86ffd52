"""Mistakes in views and measures are found before a folder is loaded, at the line where they stand."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

import pytest

from kangshu.base.faults import Invalid
from kangshu.services import Draft, check, discover, load, read_folder

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ROOT / "src" / "kangshu_services"


@cache
def as_shipped() -> tuple[Draft, ...]:
    """Return the services' folders as read; a test that spoils one reads that one anew."""
    return discover(SERVICES)


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """A copy of the services' declarations to spoil."""
    for folder in SERVICES.iterdir():
        if (folder / "service.yaml").is_file():
            shutil.copytree(
                folder, tmp_path / folder.name, ignore=shutil.ignore_patterns("*.py", "__pycache__")
            )
    return tmp_path


@pytest.mark.parametrize(
    ("file", "before", "after", "says"),
    [
        # a column that no view has, a word that is no SQL, a placeholder that is not declared
        ("institutions/measures/nursing-bed-share.yaml", "beds.kind = ", "beds.sort = ", 'column named "sort"'),
        ("institutions/measures/nursing-bed-share.yaml", "WHERE beds.status", "WHEER beds.status", "syntax error"),
        ("institutions/measures/nursing-bed-share.yaml", "= 'active'", "= $wanted", "$wanted, which is not declared"),
        ("institutions/measures/nursing-bed-share.yaml", "  FROM beds", "  FROM bedz", "bedz does not exist"),
        ("institutions/measures/nursing-bed-share.yaml", "views: [organisations, beds]", "views: [beds, rooms]", "no view 'rooms'"),
        ("institutions/measures/nursing-bed-share.yaml", "parameters: []", "parameters: [least]", "no parameter 'least'"),
        ("institutions/measures/nursing-bed-share.yaml", "护理型床位占比, en: Share of nursing beds in elder-care institutions", '"", en: Beds', "needs Chinese and English"),
        ("institutions/measures/nursing-bed-share.yaml", "(护理型|护理)床位", "(护理型|护理床位", "no regular expression"),
        ("institutions/views/beds.yaml", "name: status, path: status", "name: status, path: state", "no element Location.state"),
        ("institutions/views/beds.yaml", "name: status, path: status", "name: bed, path: status", "declared twice"),
        ("institutions/views/beds.yaml", "{name: occupancy, path: operationalStatus.code", "{name: occupancy, path: 1", "expression is expected"),
        ("institutions/views/beds.yaml", "resource: Location", "resource: Bed", "no resource type Bed"),
    ],
)  # fmt: skip
def test_a_planted_mistake_is_found(folders: Path, file: str, before: str, after: str, says: str) -> None:
    text = (folders / file).read_text("utf-8")
    assert text.count(before) == 1
    (folders / file).write_text(text.replace(before, after), "utf-8")
    line = text.partition(before)[0].count("\n") + 1
    spoiled = read_folder(folders / file.partition("/")[0])
    drafts = [*(one for one in as_shipped() if one.id != spoiled.id), spoiled]
    found = [one for one in check(drafts) if one.file == folders / file]
    assert any(says in one.text and one.severity == "error" for one in found), found
    assert all(one.zh for one in found)
    # duckdb and the view reader name the place; an element that R4 does not have is told of its view
    if "views/" not in file or "expression" in says or "type" in says:
        assert line in {one.line for one in found}, found


def test_a_folder_with_an_error_is_not_loaded(folders: Path) -> None:
    file = folders / "institutions/measures/nursing-bed-share.yaml"
    file.write_text(file.read_text("utf-8").replace("beds.kind = ", "beds.sort = "), "utf-8")
    with pytest.raises(Invalid):
        load(folders)


def test_what_is_right_has_no_findings(folders: Path) -> None:
    assert check(discover(folders)) == ()


def test_a_column_that_the_engine_needs_is_missed(folders: Path) -> None:
    file = folders / "institutions/measures/private-bed-share.yaml"
    file.write_text(file.read_text("utf-8").replace("AS district", "AS place"), "utf-8")
    (found,) = check(discover(folders))
    assert "no column 'district'" in found.text


def test_sql_in_a_file_of_its_own_is_named_by_its_lines(folders: Path) -> None:
    file = folders / "institutions/measures/nursing-bed-share.yaml"
    head, _, rest = file.read_text("utf-8").partition("sql: |\n")
    sql, _, tail = rest.partition("dimensions:\n")
    file.write_text(f"{head}sql: nursing.sql\ndimensions:\n{tail}", "utf-8")
    beside = file.with_name("nursing.sql")
    beside.write_text(f"-- nursing beds\n\n{sql}", "utf-8")
    assert check(discover(folders)) == ()
    beside.write_text(f"\n-- nursing beds\n{sql.replace('beds.kind', 'beds.sort')}", "utf-8")
    (found,) = check(discover(folders))
    assert (found.file, found.line) == (beside, 4)
