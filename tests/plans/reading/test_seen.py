"""Shapes that other cities' documents have, in sentences of our own: tables without cells, conditions, forecasts, replies."""

import pytest

from kangshu.documents import Document
from kangshu.plans.reading import Reading, read_plan


def read(text: str) -> Reading:
    return read_plan(Document.of_text(text))


def tasks(text: str) -> list[tuple[list[str], list[str]]]:
    return [(list(task.lead), list(task.cooperating)) for task in read(text).tasks]


def figures(text: str) -> list[object]:
    return [target.value for target in read(text).targets]


@pytest.mark.parametrize(
    ("note", "lead", "others"),
    [
        ("（市民政局、市财政局负责。列第一位者为牵头部门或单位，其他有关部门和单位按职责分工负责，下同）", ["市民政局"], ["市财政局"]),
        ("（市民政局牵头，各区、市政府负责落实。以下各项工作均需各区、市政府负责落实，不再一一列出。）", ["市民政局"], ["各区、市政府"]),
        ("（由市体育局会同市教育局、市财政局负责）", ["市体育局"], ["市教育局", "市财政局"]),
        ("（牵头部门：市住建局，市民政局按照职责分工牵头；责任单位：各区政府）", ["市住建局", "市民政局"], ["各区政府"]),
        ("\n责任单位：市民政局、市卫生健康委等，各县（市、区）政府（管委会）", ["市民政局"], ["市卫生健康委", "各县（市、区）政府（管委会）"]),
    ],
)  # fmt: skip
def test_who_answers(note, lead, others):
    assert tasks(f"1.健全养老服务制度。完善服务清单。{note}\n") == [(lead, others)]


def test_rows_that_begin_with_their_number():
    text = (
        "序号 重点任务 牵头 领导 牵头 责任单位 主体 责任单位 配合 责任单位 进展情况\n"
        "81 完善应急物资储备。 李某 县卫生健康局 各乡镇\n县开发区\n县直有关单位 达到时序进度 已储备20种\n"
        "85 新增托育机构2所以上。 李某 县卫生健康局 有关乡镇 县直有关单位 已完成 完成3所备案\n"
    )
    assert tasks(text) == [
        (["县卫生健康局"], ["各乡镇", "县开发区", "县直有关单位"]),
        (["县卫生健康局"], ["有关乡镇", "县直有关单位"]),
    ]
    assert figures(text) == [2]


def test_merged_units_hold_for_the_rows_below():
    text = "序号\n重点任务\n牵头单位\n负责科室\n进展情况\n" + "".join(
        f"{number}\n新增服务点{number * 10}个\n{units}目前已建成{number}个。\n"
        for number, units in ((1, "区民政局\n养老科\n"), (2, ""), (3, ""))
    )
    assert tasks(text) == [(["区民政局"], [])] * 3
    assert figures(text) == [10, 20, 30]


def test_cells_closed_by_bars():
    text = "序号 |\n责任单位 |\n实施内容 |\n协同单位 |\n进度 |\n7 |\n民政局 |\n新增床位不少于300张。 |\n财政局 住建局 |\n已建成100张 |\n"
    assert tasks(text) == [(["民政局"], ["财政局", "住建局"])]
    assert figures(text) == [300]


def test_labels_on_lines_of_their_own():
    text = "具体任务\n改扩建社区卫生服务中心，提升乡镇卫生院服务能力。\n责任单位\n卫健局、文旅局\n配合单位\n各乡镇\n完成时限\n12月底前\n"
    assert tasks(text) == [(["卫健局", "文旅局"], ["各乡镇"])]


@pytest.mark.parametrize(
    "table",
    [
        "序号\t指标名称\t单位\t2020年\t2025年\t属性\n1\t护理型床位占比\t%\t42\t≥55\t约束性\n2\t托位数\t个\t2.1\t4.5\t预期性\n",
        "序号\n指标\n单位\n2020年\n2025年\n1\n护理型床位占比\n%\n42\n≥55\n2\n托位数\n个\n2.1\n4.5\n",
        "类别 指标 2020年 2025年目标值\n养老 护理型床位占比(%) 42 ≥55\n托育 托位数(个) 2.1 4.5\n",
    ],
)
def test_tables_of_indicators_without_cells(table):
    found = read(f"健康产业发展规划\n\n{table}\n一、总体要求\n").targets
    assert [(one.value, one.unit, one.deadline) for one in found] == [(55, "%", "2025"), (4.5, "个", "2025")]


@pytest.mark.parametrize(
    "sentence",
    [
        "预计到2025年，全市60岁以上老年人口达到30万人，占总人口的22%，失能老人约3万人。",
        "补助标准分别上浮50%、100%、200%。",
        "床位50张以上不足300张的，另行规定。",
        "符合条件的企业投资额应在1000万元以上。",
        "坚持政府引导、突出重点等4项原则。",
        "在“十四五”期间提出了6项产业发展三年实施计划。",
        "其中东山市7个。",
    ],
)
def test_numbers_that_are_no_goals(sentence):
    assert figures(f"健康产业实施方案\n\n一、总体要求\n{sentence}\n") == []


def test_conditions_under_a_list():
    text = "补助办法\n\n一、申请资料\n（一）申请补助必须同时符合以下条件：\n1.运营满1年；\n2.入住率达30%（含）以上；\n二、目标\n到2025年，入住率达到60%。\n"
    assert figures(text) == [60]


def test_sizes_of_what_is_counted():
    text = "健康产业实施方案\n\n一、目标\n到2025年，培育1—2个营业收入超100亿元、3—5个超50亿元的骨干企业。\n"
    assert figures(text) == [(1, 2), (3, 5)]


def test_a_reply_promises_below_its_account_of_the_past():
    text = "关于第140号建议办理意见的函\n\n一、基本情况\n2021年底全市养老床位18990张。\n\n二、下一步打算\n到2025年，每千名老年人拥有床位达到40张。\n"
    assert figures(text) == [40]


@pytest.mark.parametrize(
    ("sentence", "rules"),
    [
        ("每个品种分别给予最高补助800万元、1000万元。", [(8_000_000, 8_000_000), (10_000_000, 10_000_000)]),
        ("按实际研发费用的20%给予补助，每个品种补助最高200万元。", [("20%", 2_000_000)]),
        ("给予企业不超过设备投资额20%、最高1000万元的补助。", [("20%", 10_000_000)]),
        ("对年营业收入首次突破1亿元、5亿元的企业，分别给予10万元、50万元奖励。", [(100_000, None), (500_000, None)]),
        ("截至目前，2022年省级补助高龄津贴1034万元（其中东山市372万元）。", []),
        ("一次性床位补贴按照40%、30%、30%比例分三年补助到位。", []),
    ],
)  # fmt: skip
def test_money(sentence, rules):
    assert [(rule.amount, rule.cap) for rule in read(f"若干措施\n\n{sentence}\n").money] == rules


def test_headings():
    text = (
        "实施方案\n\n目录\n一、总体要求……………1\n二、主要任务……………3\n\n一、总体要求\n（一）指导思想以新时代思想为指导，坚持以人民为中心，加快完善养老服务体系。\n"
        "（二）工作原则\n1.政府主导。加强统筹。\n二、主要任务（责任单位：市民政局、市财政局）\n（一）完善服务网络。\n加快建设以居家为基础、社区为依托的服务网络，提升服务能力。\n"
    )
    assert [(one.level, one.title) for one in read(text).outline] == [
        (1, "总体要求"),
        (2, "指导思想"),
        (2, "工作原则"),
        (3, "政府主导"),
        (1, "主要任务"),
        (2, "完善服务网络"),
    ]
