"""Where a document contradicts itself: each finding names both places."""

from __future__ import annotations

import pytest

from kangshu.documents import Document
from kangshu.plans.reading import read_plan

HEAD = """市卫生健康委、市民政局等{said}个部门制定本方案。

云汐市卫生健康委员会 云汐市民政局

云汐市财政局 云汐市体育局

云汐市康养实施方案

一、目标

"""


def contradictions(text: str) -> list[tuple[str, str, str]]:
    """Return (kind, what stands here, what stands there) of each contradiction."""
    found = read_plan(Document.of_text(text)).doubts
    assert all(one.anchor.holds(text) for one in found)
    assert all(one.other.holds(text) for one in found if one.other)
    return [
        (one.kind, text[one.anchor.start : one.anchor.end], text[one.other.start : one.other.end])
        for one in found
        if one.other is not None
    ]


FIGURES = "到2027年，全市养老机构护理型床位占比达到58%。\n\n二、任务\n\n（一）到2027年，养老机构护理型床位占比达到60%。（牵头单位：市民政局）\n"
DEADLINES = "到2027年，养老床位总数达到5000张。\n\n二、任务\n\n（一）到2028年，养老床位总数达到5000张。（牵头单位：市民政局）\n"


@pytest.mark.parametrize(
    ("text", "kind", "here", "there"),
    [
        (FIGURES, "figure", "60%", "58%"),
        (DEADLINES, "deadline", "5000张", "5000张"),
        ("二、任务\n\n（一）增加床位。改建养老机构。（牵头单位：市民政局；配合单位：市财政局、民政局）\n", "role", "市民政局", "增加床位"),
        ("养老床位达到5000张，其中护理床位3000张、普通床位2500张。", "sum", "护理床位3000张", "5000张"),
        ("培育旅居、助餐、护理四类服务品牌。", "sum", "四类服务品牌", "旅居、助餐、护理"),
        (HEAD.format(said=3), "sum", "云汐市卫生健康委员会", "等3个部门"),
    ],
    ids=["two figures", "two deadlines", "lead and co-unit", "parts and whole", "a list and its number", "who signs"],
)  # fmt: skip
def test_a_contradiction_is_found_with_both_places(text: str, kind: str, here: str, there: str) -> None:
    ((found, first, second),) = contradictions(text)
    assert found == kind
    assert here in first
    assert there in second


@pytest.mark.parametrize(
    "text",
    [
        HEAD.format(said=4),
        FIGURES.replace("60%", "58%"),
        FIGURES.replace("（一）到2027年", "（一）到2030年"),
        DEADLINES.replace("2028", "2027"),
        "民营床位和护理型床位占比分别达到50%、30%。",
        "新建示范点5家。\n\n再新建示范点3家。",
        "养老床位达到5000张，其中护理床位3000张。",
        "建设青石、翠云、滨江三个康养基地。",
        "提升七大产业集聚区、搭建四大服务平台。",
        "（一）增加床位。（牵头单位：市民政局；配合单位：市财政局）",
    ],
)
def test_what_agrees_is_no_contradiction(text: str) -> None:
    assert contradictions(text) == []
