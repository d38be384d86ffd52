"""Plans that a grammar writes are read back as they were meant, however the text comes."""

import pytest

from kangshu.documents import Document
from kangshu.plans.reading import read_plan
from kangshu.plans.reading.fold import fold
from tests.plans.reading.plan_writer import VARIANTS, Written, write_plan

MAGNITUDES = {"亿": 10**8, "万": 10**4}


def plain(text: str) -> str:
    return "".join(fold(text).text.split())


def quantity(value: object, unit: str) -> tuple[object, str]:
    unit = plain(unit)
    for mark, factor in MAGNITUDES.items():
        if unit.startswith(mark):
            return round(float(str(value)) * factor), unit.removeprefix(mark)
    return value, unit


def told(text: str) -> Written:
    """Return what the reader finds, in the writer's words."""
    reading = read_plan(Document.of_text(text))
    return Written(
        text,
        [(one.level, plain(one.label), plain(one.title)) for one in reading.outline],
        [
            (plain(one.text_start)[:15], {*map(plain, one.lead)}, {*map(plain, one.cooperating)}, one.mode)
            for one in reading.tasks
        ],
        [(*quantity(one.value, one.unit), one.deadline) for one in reading.targets],
        [(rule.amount, rule.cap) for rule in reading.money],
    )


def meant(plan: Written) -> Written:
    """Return the truth in folded characters."""
    return Written(
        plan.text,
        [(level, plain(label), plain(title)) for level, label, title in plan.outline],
        [
            (plain(start), {*map(plain, lead)}, {*map(plain, others)}, mode)
            for start, lead, others, mode in plan.tasks
        ],
        [(value, plain(unit), year) for value, unit, year in plan.targets],
        plan.money,
    )


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.__name__)
@pytest.mark.parametrize("seed", range(8))
def test_read_back(seed, variant):
    plan = write_plan(seed)
    truth, found = meant(plan), told(variant(plan.text))
    assert found.outline == truth.outline
    assert [task[1:] for task in found.tasks] == [task[1:] for task in truth.tasks]
    assert [task[0][:10] for task in found.tasks] == [task[0][:10] for task in truth.tasks]
    assert found.targets == truth.targets
    assert found.money == truth.money
