"""The sample plan's two files say the same; the working-day data and the sample are shipped with the package."""

from __future__ import annotations

from kangshu.documents import read_document
from kangshu.plans import sample_plan


def test_docx_and_txt_say_the_same() -> None:
    texts = []
    for form in ("txt", "docx"):
        name, data = sample_plan(form)
        document = read_document(data, name)
        texts.append("".join(document.text.split()))
    assert texts[0] == texts[1]


def test_the_docx_has_its_task_table() -> None:
    name, data = sample_plan("docx")
    tables = read_document(data, name).tables
    assert len(tables) == 1
    assert len(tables[0].grid()) == 9
