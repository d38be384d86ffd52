"""The document's text cut into runs: nothing is lost, every finding can be lit, also one within another."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kangshu.web.pages.plan_document import Mark, paragraphs

TEXT = "一、总体目标\n到2027年，覆盖率达到85%以上，床位占比达到55%。\n\n二、任务"


def test_a_target_within_a_clause_is_lit_with_it() -> None:
    clause = Mark("clause", "task", TEXT.index("到2027"), TEXT.index("。"))
    target = Mark("target", "target", TEXT.index("床位"), TEXT.index("。"))
    lines = paragraphs(TEXT, [target, clause], chosen="clause")
    assert ["".join(run.text for run in line) for line in lines] == [one for one in TEXT.split("\n") if one]
    runs = lines[1]
    assert [run.kind for run in runs] == ["task", "target", ""]
    assert all(run.chosen for run in runs[:2])
    assert runs[1].all.split() == ["clause", "target"]
    assert [run.finding for run in runs if run.first] == ["clause", "target"]


def test_marks_outside_the_text_are_passed_over() -> None:
    assert [
        [run.text for run in line]
        for line in paragraphs("甲", [Mark("a", "task", 3, 9), Mark("b", "task", 0, 0)])
    ] == [["甲"]]


@given(
    st.text(alphabet="甲乙丙\n ", max_size=60),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8),
)
def test_no_character_is_lost(text: str, spans: list[tuple[int, int]]) -> None:
    marks = [Mark(f"m{index}", "task", start, end) for index, (start, end) in enumerate(spans)]
    lines = paragraphs(text, marks)
    assert ["".join(run.text for run in line) for line in lines] == [
        one for one in text.split("\n") if one.strip()
    ]
    placed = {
        one.id for one in marks if 0 <= one.start < one.end <= len(text) and text[one.start : one.end].strip()
    }
    lit = {name for line in lines for run in line for name in run.all.split()}
    assert placed <= lit
