"""Targets and money: numbers, comparators, units, years; and what is none of them."""

import pytest

from kangshu.documents import Document
from kangshu.plans.reading import read_plan


def targets_of(text: str):
    reading = read_plan(Document.of_text(text))
    return [(target.comparator, target.value, target.unit, target.deadline) for target in reading.targets]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("到2025年，护理型床位占比不低于60%。", [(">=", 60, "%", "2025")]),
        ("2027年底前，建成社区食堂300家以上。", [(">=", 300, "家", "2027")]),
        ("“十四五”末，产业规模突破1500亿元。", [(">", 1500, "亿元", "2025")]),
        ("到xxxx年，培育3—5家龙头企业。", [("=", (3, 5), "家", "xxxx")]),
        ("到20xx年，床位达到1.8万张。", [("=", 1.8, "万张", "20xx")]),
        ("到2025年，平均住院日缩短至8天以内。", [("<=", 8, "天", "2025")]),
        ("到2025年，孕产妇死亡率降到9/10万以下。", [("<=", 9, "1/10万", "2025")]),
        ("到2025年，人均预期寿命提高到80岁。", [("increase_to", 80, "岁", "2025")]),
        ("到2025年，参保率由90%提高到95%。", [("increase_to", 95, "%", "2025")]),
        ("到2025年，产业规模翻一番。", [("double", 2, "倍", "2025")]),
        ("到2025年，医护比达到1:1.2。", [("=", "1:1.2", "", "2025")]),
        ("到2025年，两类床位占比分别达到50%和30%以上。", [(">=", 50, "%", "2025"), (">=", 30, "%", "2025")]),
        ("到2025年和2030年，素养水平分别达到25%和30%。", [("=", 25, "%", "2025"), ("=", 30, "%", "2030")]),
        ("今年要新建社区食堂200家。", [("=", 200, "家", None)]),
        ("每个社区至少设置1个健康驿站。", [(">=", 1, "个", None)]),
    ],
)
def test_targets(sentence, expected):
    assert targets_of(f"一、目标\n{sentence}\n") == expected


@pytest.mark.parametrize(
    "sentence",
    [
        "为65岁以上老年人免费体检。",
        "建设15分钟健身圈。",
        "创建5A级景区、三级医院。",
        "经第7次常务会议通过（市政发〔2022〕4号）。",
        "截至2021年底，全市共有养老机构120家，床位1.5万张。",
        "近年来建成了日间照料中心50个。",
        "预计到2030年，老年人口达到80万人。",
        "对投资额1000万元以上、床位200张以上的项目优先支持。",
        "整合现有2所中医医院、9所卫生院的资源。",
        "血液病、心血管病、老年病3个研究所为骨干。",
        "落实《“健康云汐2030”规划》和“十大行动”。",
    ],
)
def test_no_targets(sentence):
    assert targets_of(f"一、目标\n{sentence}\n") == []


def test_a_year_reaches_to_the_next_label():
    text = "一、目标\n到2025年，食堂达到20家。步道达到30条以上。\n（一）养老\n床位达到500张。\n"
    assert [target[3] for target in targets_of(text)] == ["2025", "2025", None]


def test_the_title_of_a_yearly_list_gives_its_year():
    assert (
        targets_of("2026年民生实事项目\n1.社区食堂。新建食堂20家。\n2.步道。新建步道5条。\n")[0][3] == "2026"
    )


def money_of(text: str):
    return [(rule.amount, rule.cap, rule.per) for rule in read_plan(Document.of_text(text)).money]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("按每张床位1.2万元的标准给予一次性补助。", [(12000, None, "床")]),
        ("每张床位补助8000元，单个机构补助总额不超过300万元。", [(8000, 3000000, "床")]),
        ("分别给予每人每月100元、200元补贴。", [(100, None, "人每月"), (200, None, "人每月")]),
        ("给予最高5万元奖励。", [(50000, 50000, None)]),
        ("按实际投入的10%给予补助，最高不超过200万元。", [("10%", 2000000, None)]),
        ("每张床位给予800-1000元补贴（每家最高补贴不超过300张床位）。", [((800, 1000), "300张床位", "床")]),
    ],
)
def test_money(sentence, expected):
    assert money_of(f"一、政策\n{sentence}\n") == expected


@pytest.mark.parametrize(
    "sentence",
    [
        "已安排省级预算内投资8000万元。",
        "项目总投资3亿元。",
        "下达补助资金2亿元。",
        "对年收入500万元以上的企业予以支持。",
    ],
)
def test_no_money(sentence):
    assert money_of(f"一、政策\n{sentence}\n") == []


def test_progress_columns_hold_no_targets_and_end_with_their_table():
    text = (
        "实事名称工作内容责任单位办理情况\n"
        "养老新增床位30张。区民政局,有关镇街目前已完成5张。累计完成21张。\n"
        "一、下一步\n到2027年，新建食堂20家。\n"
    )
    assert [target[1] for target in targets_of(text)] == [30, 20]
