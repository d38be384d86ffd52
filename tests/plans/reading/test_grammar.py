"""The grammar is data that shows itself: every rule is matched by its own examples, and not by its counter-examples."""

import re

import pytest

from kangshu.plans.reading.lexicon import rules

ENTRIES = [
    pytest.param(rule, alternative, id=f"{rule.path}[{number}]")
    for _, rule in rules()
    for number, alternative in enumerate(rule.alternatives)
]


@pytest.mark.parametrize(("rule", "alternative"), ENTRIES)
def test_examples(rule, alternative):
    assert alternative.examples, f"{rule.path} has an alternative without an example"
    for example in alternative.examples:
        assert re.search(alternative.pattern, example), f"{rule.path}: {example} is not matched"
    for counter_example in alternative.counter_examples:
        assert not re.search(alternative.pattern, counter_example), (
            f"{rule.path}: {counter_example} is matched"
        )


def test_every_rule_says_what_it_is_for():
    assert all(rule.zh and rule.en for _, rule in rules())
