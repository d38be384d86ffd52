"""Check digits against published examples, and the numbers that we make ourselves."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kangshu.base.faults import Malformed
from kangshu.base.identity import (
    check_record_number,
    check_resident_id,
    check_uscc,
    make_record_number,
    make_resident_id,
    make_uscc,
    organisation_check,
    read_resident_id,
)


@pytest.mark.parametrize("number", ["11010519491231002X", "440524188001010014"])
def test_published_resident_numbers_are_valid(number: str) -> None:
    assert check_resident_id(number) == ()


@pytest.mark.parametrize(
    "number",
    ["110105194912310021", "11010519491331002X", "11010519491231002x", "1101051949123100", "", "１" * 18],
)
def test_wrong_resident_numbers_are_found(number: str) -> None:
    assert check_resident_id(number)
    with pytest.raises(Malformed) as raised:
        read_resident_id(number)
    assert not number or number not in str(raised.value)


def test_a_birth_date_to_come_is_found() -> None:
    number = make_resident_id("990102", date(2030, 1, 1), 1)
    assert check_resident_id(number) == ()
    assert check_resident_id(number, date(2026, 1, 1))


@given(st.dates(date(1900, 1, 1), date(2026, 1, 1)), st.integers(0, 999))
def test_made_resident_numbers_read_back(birth: date, order: int) -> None:
    number = make_resident_id("990104", birth, order)
    read = read_resident_id(number)
    assert (read.division, read.birth_date, read.sex) == ("990104", birth, "male" if order % 2 else "female")


@pytest.mark.parametrize("code", ["914403001922038216", "91330100799655058B", "91110000802100433B"])
def test_published_organisation_codes_are_valid(code: str) -> None:
    assert check_uscc(code) == ()
    assert organisation_check(code[8:16]) == code[16]


@pytest.mark.parametrize("code", ["914403001922038215", "91440300192203821", "I14403001922038216", ""])
def test_wrong_organisation_codes_are_found(code: str) -> None:
    assert check_uscc(code)


@given(st.integers(0, 99_999_999))
def test_made_organisation_codes_are_valid(order: int) -> None:
    assert check_uscc(make_uscc("12", "990100", f"{order:08d}")) == ()


def test_record_numbers() -> None:
    number = make_record_number("990102001003", 42)
    assert len(number) == 17
    assert check_record_number(number, "9901") == ()
    assert check_record_number(number, "9902")
    assert check_record_number("99010200100300000")
    assert check_record_number("123")
