"""What accounts keep for their screens: their own is theirs alone; what is chosen for all needs the right."""

from __future__ import annotations

import pytest

from kangshu.access import Grant
from kangshu.accounts import Accounts
from kangshu.accounts.choices import MOST
from kangshu.base.faults import Forbidden, NotFound, TooLarge, Unprocessable

ONE, OTHER = Grant("one", "甲"), Grant("other", "乙")
OFFICE = Grant("office", "丙", operations=frozenset({"screen.arrange"}))


async def test_ones_own_choices_are_seen_and_removed_by_oneself_alone(doors: Accounts) -> None:
    await doors.choices.keep(ONE, "table", "每周", "m=a")
    await doors.choices.keep(ONE, "table", "每周", "m=b")
    assert await doors.choices.own(ONE, "table") == {"每周": "m=b"}
    assert await doors.choices.own(ONE, "else") == {}
    assert await doors.choices.own(OTHER, "table") == {}
    with pytest.raises(NotFound):
        await doors.choices.remove(OTHER, "table", "每周")
    await doors.choices.remove(ONE, "table", "每周")
    assert await doors.choices.own(ONE, "table") == {}


async def test_what_is_chosen_for_all_needs_the_right(doors: Accounts) -> None:
    with pytest.raises(Forbidden):
        await doors.choices.choose_for_all(ONE, "screen.arrange", "screen", "measures", "a")
    await doors.choices.choose_for_all(OFFICE, "screen.arrange", "screen", "measures", "a b")
    assert await doors.choices.of_all("screen") == {"measures": "a b"}
    assert await doors.choices.own(OFFICE, "screen") == {}
    await doors.choices.choose_for_all(OFFICE, "screen.arrange", "screen", "measures", "")
    assert await doors.choices.of_all("screen") == {}


async def test_names_and_numbers_are_bounded(doors: Accounts) -> None:
    for name in ("", "长" * 61):
        with pytest.raises(Unprocessable):
            await doors.choices.keep(ONE, "table", name, "x")
    for number in range(MOST):
        await doors.choices.keep(ONE, "table", str(number), "x")
    with pytest.raises(TooLarge):
        await doors.choices.keep(ONE, "table", "more", "x")
    await doors.choices.keep(ONE, "table", "0", "y")
