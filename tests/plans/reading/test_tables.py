"""Tables of a document: task rows with their time limits, and tables of indicators."""

from kangshu.documents import HeadingBlock, TableBlock, read_document, write_docx, write_xlsx
from kangshu.plans.reading import read_plan

INDICATORS = [
    ["序号", "指标名称", "单位", "2020年", "2025年", "属性"],
    ["1", "人均预期寿命", "岁", "78.5", "80.2", "预期性"],
    ["2", "护理型床位占比", "%", "40", "≥60", "约束性"],
    ["3", "每千人口托位数（个）", "", "1.2", "4.6", "预期性"],
    ["4", "标准化电子病历", "", "无", "基本建成", "预期性"],
]
DUTIES = [
    ["序号", "重点任务", "牵头单位", "配合单位", "完成时限"],
    ["1", "新建社区食堂50家", "市民政局", "市商务局", "2025年底"],
    ["2", "培训护理员2000名", "市人社局", "", "2026年"],
]


def test_word_tables():
    data = write_docx(
        [HeadingBlock("一、主要指标"), TableBlock(INDICATORS), HeadingBlock("二、分工"), TableBlock(DUTIES)]
    )
    document = read_document(data, "plan.docx")
    reading = read_plan(document)
    assert [
        (target.indicator, target.comparator, target.value, target.unit, target.deadline)
        for target in reading.targets
    ] == [
        ("人均预期寿命", "=", 80.2, "岁", "2025"),
        ("护理型床位占比", ">=", 60, "%", "2025"),
        ("每千人口托位数（个）", "=", 4.6, "个", "2025"),
        ("新建社区食堂", "=", 50, "家", "2025"),
        ("培训护理员", "=", 2000, "名", "2026"),
    ]
    assert [(task.text, task.lead, task.cooperating) for task in reading.tasks] == [
        ("新建社区食堂50家", ("市民政局",), ("市商务局",)),
        ("培训护理员2000名", ("市人社局",), ()),
    ]
    assert all(target.anchor.holds(document.text) for target in reading.targets)


def test_workbook_of_goals():
    rows = [
        ["指标", "目标值（2027年）", "责任单位"],
        ["签约率", "75%以上", "市卫生健康委"],
        ["新增床位", "300张", "市民政局"],
    ]
    reading = read_plan(read_document(write_xlsx({"目标": rows}), "goals.xlsx"))
    assert [
        (target.indicator, target.comparator, target.value, target.unit, target.deadline)
        for target in reading.targets
    ] == [
        ("签约率", ">=", 75, "%", "2027"),
        ("新增床位", "=", 300, "张", "2027"),
    ]
    assert [task.lead for task in reading.tasks] == [("市卫生健康委",), ("市民政局",)]
