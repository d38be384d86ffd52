"""Names in templates, replaced by what a case holds."""

from kangshu.cases import substitute


def test_a_sentence_in_a_sentence_ends_once() -> None:
    values = {"reason": "夜间无人值守。", "asked": "陈述申辩"}
    assert (
        substitute("拟降级：${reason}。可在期限内${asked}。", values)
        == "拟降级：夜间无人值守。可在期限内陈述申辩。"
    )


def test_a_name_without_a_value_leaves_nothing() -> None:
    assert substitute("由${who}办理", {}) == "由办理"
    assert substitute({"text": "${who}"}, {}) is None
