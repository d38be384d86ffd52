"""Dated parameters: nearest ancestor, day of the event, versions kept."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from kangshu.base.divisions import division_prefix, jurisdiction_chain
from kangshu.base.faults import Invalid
from kangshu.base.parameters import ParameterMissing, ParameterTable, ParameterVersion
from kangshu.base.text import Text
from kangshu.sdk import ParameterDeclaration

TITLE = Text("承诺办理期限", "Days to answer")


def declared(value: object, place: str, start: str, end: str | None = None) -> ParameterDeclaration:
    return ParameterDeclaration(
        "toy.days",
        TITLE,
        value,
        "d",
        place,
        date.fromisoformat(start),
        date.fromisoformat(end) if end else None,
        "试行办法第三条",
        True,
    )


TABLE = ParameterTable(
    [
        declared(20, "", "2020-01-01"),
        declared(15, "990100", "2024-01-01", "2025-12-31"),
        declared(10, "9901", "2026-01-01"),
        declared(5, "990102", "2026-06-01"),
    ]
)


@pytest.mark.parametrize(
    ("place", "day", "value"),
    [
        ("990102001", "2026-06-01", 5),
        ("990102001", "2026-05-31", 10),
        ("990103", "2026-06-01", 10),
        ("990100", "2025-12-31", 15),
        ("990100", "2023-12-31", 20),
        ("110000", "2026-06-01", 20),
    ],
)
def test_the_nearest_jurisdiction_in_force_on_the_day(place: str, day: str, value: int) -> None:
    assert TABLE.value("toy.days", place, date.fromisoformat(day)) == value


def test_a_missing_value_is_told_and_never_guessed() -> None:
    with pytest.raises(ParameterMissing, match=r"toy\.days"):
        TABLE.value("toy.days", "990100", date(2019, 12, 31))
    with pytest.raises(ParameterMissing):
        TABLE.value("toy.other", "990100", date(2026, 1, 1))
    assert TABLE.find("toy.other", "990100", date(2026, 1, 1)) is None


def test_a_later_entry_stands_before_and_the_old_one_stays() -> None:
    table = ParameterTable([declared(10, "9901", "2026-01-01")])
    first = ParameterVersion(
        "toy.days",
        TITLE,
        8,
        "d",
        "9901",
        date(2026, 1, 1),
        None,
        "会议纪要1号",
        True,
        "zhang",
        datetime(2026, 2, 1, tzinfo=UTC),
    )
    table.enter(first)
    table.enter(replace(first, value=7, source="会议纪要2号"))
    assert table.value("toy.days", "990100", date(2026, 3, 1)) == 7
    assert [version.value for version in table.versions("toy.days")] == [7, 8, 10]
    again = ParameterTable([declared(10, "9901", "2026-01-01")], table.entered())
    assert again.versions("toy.days") == table.versions("toy.days")
    assert ParameterVersion.from_data(first.as_data()) == first


def test_a_value_without_a_source_is_refused() -> None:
    version = TABLE.version("toy.days", "9901", date(2026, 1, 1))
    with pytest.raises(Invalid):
        TABLE.enter(replace(version, source=" "))
    with pytest.raises(Invalid):
        TABLE.enter(replace(version, valid_to=date(2025, 1, 1)))
    with pytest.raises(Invalid):
        ParameterVersion.from_data({"id": "toy.days"})


def test_divisions() -> None:
    assert division_prefix("990100") == "9901"
    assert division_prefix("990102001000") == "990102001000"
    assert jurisdiction_chain("990102001003") == ("990102001003", "990102001", "990102", "9901", "99", "")
    assert jurisdiction_chain("990100") == ("9901", "99", "")
    assert jurisdiction_chain("") == ("",)
