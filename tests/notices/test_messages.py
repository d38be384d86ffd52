"""The sentences that go out: complete in both languages, and none can hold what is of a person."""

from __future__ import annotations

from importlib.resources import files

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kangshu.base.text import Text
from kangshu.notices import ALLOWED, check_templates
from kangshu.notices.message import about_cases

SHIPPED = yaml.safe_load(files("kangshu.notices").joinpath("templates.yaml").read_text("utf-8"))


def test_the_shipped_sentences_are_in_order() -> None:
    assert check_templates(SHIPPED) == ()


@pytest.mark.parametrize("word", ["name", "subject", "title", "content", "patient", "address"])
@pytest.mark.parametrize("occasion", sorted(ALLOWED))
def test_a_sentence_that_asks_for_more_is_refused(occasion: str, word: str) -> None:
    changed = {**SHIPPED, occasion: {"zh": f"您好{{{word}}}", "en": f"{{{word}}}"}}
    assert len(check_templates(changed)) == 2


def test_a_missing_language_or_occasion_is_told() -> None:
    assert check_templates({**SHIPPED, "urgent": {"zh": "催"}}) == ("'urgent' has no words in en",)
    assert any(
        "'person' is missing" in one
        for one in check_templates({k: v for k, v in SHIPPED.items() if k != "person"})
    )


@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=30))
def test_notices_are_counted_and_kinds_named_once(kinds: list[str]) -> None:
    titles = [(one, Text(f"类型{one}", f"kind {one}")) for one in kinds]
    message = about_cases("organisation", "1", Text("云汐", "Yunxi"), "", titles, ())
    assert f"有{len(kinds)}条" in message.text.zh
    assert sum(message.text.zh.count(f"类型{one}") for one in set(kinds)) == min(3, len(set(kinds)))
    assert ("等）" in message.text.zh) == (len(set(kinds)) > 3)
    assert set(message.kinds) == set(kinds)


def test_a_resident_is_not_told_which_kind() -> None:
    message = about_cases(
        "person", "1", Text("云汐", "Yunxi"), "", [("referral/referral", Text("转诊", "referral"))], ["t"]
    )
    assert "转诊" not in message.text.zh
    assert (message.kinds, message.numbers) == ((), ())
