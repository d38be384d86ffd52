"""Outline, doubts, anchors; and that no text breaks the reader or makes it invent."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kangshu.documents import Document
from kangshu.plans.reading import read_plan

PLAN = """云汐市健康产业计划

一、总体目标
到xxxx年，护理型床位占比不低于60%，社区食堂达到300家（含改造。

二、重点任务
（一）发展养老。鼓励社会力量参与。（责任单位：市民政局、东山怀抱）
（三）发展旅游。到2025年，接待人次达200万以上，每床给予不超过2000元补贴。（市文化和旅游局牵头，市体育局配合）
"""


def test_outline():
    outline = [
        (heading.level, heading.label, heading.title) for heading in read_plan(Document.of_text(PLAN)).outline
    ]
    assert outline == [
        (1, "一、", "总体目标"),
        (1, "二、", "重点任务"),
        (2, "（一）", "发展养老"),
        (2, "（三）", "发展旅游"),
    ]


def test_numbered_task_sentences_are_no_headings():
    text = "1.落实应对老龄化战略，加快发展健康、养老、育幼等服务业，推动品质升级。\n责任单位：市民政局\n2.创建卫生县城。\n责任单位：市卫生健康委\n"
    assert read_plan(Document.of_text(text)).outline == ()


def test_doubts():
    reading = read_plan(Document.of_text(PLAN))
    assert {doubt.kind for doubt in reading.doubts} == {"bracket", "numbering", "masked-year", "unit"}
    for doubt in reading.doubts:
        assert doubt.text.zh
        assert doubt.text.en


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("每个批件补助200万。", "money"),
        ("给予每家500万元奖励，最高不超过100万元。", "money"),
        ("每人给予5000—2000元补贴。", "money"),
        ("护理型床位占比达到160%。", "unit-of-measure"),
        ("新增养老机构护理型床位达到50，医养结合稳步推进。", "unit-of-measure"),
        ("完善养老服务体系，推进医养结合、康养融合，加强人才队", "truncated"),
    ],
)
def test_doubts_about_amounts_measures_and_cut_texts(sentence, kind):
    text = "健康产业实施方案\n\n一、主要任务\n"
    doubts = [doubt for doubt in read_plan(Document.of_text(text + sentence)).doubts if doubt.kind == kind]
    assert len(doubts) == 1
    assert (text + sentence)[doubts[0].anchor.start : doubts[0].anchor.end] in sentence


def test_a_clean_plan_raises_no_doubt():
    text = (
        "健康产业实施方案\n\n一、主要任务\n到2025年，接待人次达200万以上，护理型床位占比达到60%。\n"
        "对企业按研发费用的20%给予补助，最高不超过100万元。（责任单位：市民政局、市财政局）\n"
    )
    assert read_plan(Document.of_text(text)).doubts == ()


def test_two_figures_for_one_indicator_are_a_doubt():
    text = "一、目标\n到2025年，护理型床位占比达到55%。\n二、任务\n到2025年，护理型床位占比达到60%。\n"
    assert [doubt.kind for doubt in read_plan(Document.of_text(text)).doubts] == ["figure"]


def check_anchors(text: str) -> None:
    document = Document.of_text(text)
    reading = read_plan(document)
    for finding in (*reading.outline, *reading.tasks, *reading.targets, *reading.money, *reading.doubts):
        assert 0 <= finding.anchor.start <= finding.anchor.end <= len(document.text)
        assert finding.anchor.holds(document.text)
    for finding in (*reading.targets, *reading.money):
        assert document.text[finding.anchor.start : finding.anchor.end] == finding.span
    reading.as_json()


def test_offsets_point_at_the_span_also_with_pinyin_and_traditional_characters():
    check_anchors(PLAN)
    glossed = "一、目標\n到2025年，養(yǎng)老機構(gòu)達(dá)到30家，給(gěi)予每床獎補2萬元。（責任單位：市民政局）\n"
    check_anchors(glossed)
    reading = read_plan(Document.of_text(glossed))
    assert reading.targets[0].value == 30
    assert reading.targets[0].span in glossed
    assert reading.tasks[0].lead == ("市民政局",)


PIECES = ["到2025年", "一、", "（一）", "1.", "责任单位：", "市民政局", "、", "，", "。", "\n", "不低于60%", "3—5家", "给予", "5万元", "（", "）", "[", "]", "\t", "序号", "工作任务", "牵头", "《", "》", "养(yǎng)", "由", "负责", "20xx年", "分别", "和", "1:2", "翻番", "|", "最高", "不超过", "每床"]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), max_size=60))
def test_no_text_breaks_the_reader(pieces):
    check_anchors("".join(pieces))


def test_pieces_of_a_plan_in_any_order_keep_their_anchors():
    generator = random.Random(7)
    for _ in range(50):
        check_anchors("".join(generator.choices(PIECES, k=80)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "天气晴好，公园里游人如织。",
        "某馆昨日开馆。开馆当天接待观众3000人，展出文物120件。馆长表示，去年共办展览12场。",
        "公司2021年营业收入12亿元，同比增长8%，员工500人。",
        "食谱：鸡蛋2个，牛奶200毫升，煮10分钟。",
    ],
)
def test_nothing_is_invented(text):
    reading = read_plan(Document.of_text(text))
    assert (reading.tasks, reading.targets, reading.money, reading.outline) == ((), (), (), ())


def test_lines_broken_by_a_page_are_read_as_one():
    body = (
        "到2027年，全市健康产业规模持续扩大，服务体系更加完善，居民健康水平明显提升，养老机构护理型床位占比不低于百分之六十，"
        "社区食堂数量达到300家以上，家庭医生签约服务水平明显提升，健康产业增加值突破500亿元，带动就业人数稳步增长，"
        "新建综合服务中心40个，改造提升各类老旧设施，推动公共服务均衡布局，方便老年人就近就便享受各类养老服务。"
        "（责任单位：市民政局、市卫生健康委、市住房和城乡建设局、市市场监管局、各区人民政府）"
    )
    for width in (24, 30, 33):
        text = (
            "一、目标\n"
            + "\n".join(body[start : start + width] for start in range(0, len(body), width))
            + "\n"
        )
        check_anchors(text)
        reading = read_plan(Document.of_text(text))
        assert [(target.value, target.unit, target.deadline) for target in reading.targets] == [
            (300, "家", "2027"),
            (500, "亿元", "2027"),
            (40, "个", "2027"),
        ]
        assert (*reading.tasks[0].lead, *reading.tasks[0].cooperating) == (
            "市民政局",
            "市卫生健康委",
            "市住房和城乡建设局",
            "市市场监管局",
            "各区人民政府",
        )
