"""Who answers for what: brackets, labels, tables and sentences."""

import pytest

from kangshu.documents import Document, read_document
from kangshu.plans.reading import read_plan


def tasks_of(text: str):
    return [
        (task.text_start, task.mode, list(task.lead), list(task.cooperating))
        for task in read_plan(Document.of_text(text)).tasks
    ]


@pytest.mark.parametrize(
    ("note", "mode", "lead", "cooperating"),
    [
        ("（责任单位：市民政局）", "unspecified", ["市民政局"], []),
        ("（责任单位：市民政局、市财政局等）", "unspecified", ["市民政局"], ["市财政局"]),
        (
            "（牵头单位：市民政局；责任单位：市财政局、各区人民政府）",
            "lead-first",
            ["市民政局"],
            ["市财政局", "各区人民政府"],
        ),
        (
            "（牵头单位：市民政局、市体育局，配合单位：市财政局）",
            "joint",
            ["市民政局", "市体育局"],
            ["市财政局"],
        ),
        (
            "（市民政局牵头，市财政局、市体育局按职责分工负责）",
            "lead-first",
            ["市民政局"],
            ["市财政局", "市体育局"],
        ),
        ("（市民政局、市体育局牵头，市财政局参与）", "joint", ["市民政局", "市体育局"], ["市财政局"]),
        (
            "（市民政局、市体育局分别负责，东湖区具体落实）",
            "respective",
            ["市民政局", "市体育局"],
            ["东湖区"],
        ),
        ("（市民政局、市体育局按职责分工负责）", "respective", ["市民政局", "市体育局"], []),
        ("（市民政局负责）", "unspecified", ["市民政局"], []),
        (
            "[牵头单位:市民政局,配合单位:各县(市、区)人民政府]",
            "lead-first",
            ["市民政局"],
            ["各县(市、区)人民政府"],
        ),
        ("（责任领导：李某；责任单位：市民政局；完成时限：2025年底）", "unspecified", ["市民政局"], []),
        ("（市民政局牵头，市财政局及有关部门配合）", "lead-first", ["市民政局"], ["市财政局", "有关部门"]),
        ("（责任单位：市民政局，各区、县政府）", "unspecified", ["市民政局"], ["各区、县政府"]),
        ("（责任单位：市文化和旅游局、市民\n政局）", "unspecified", ["市文化和旅游局"], ["市民政局"]),
        (
            "（责任单位：市民政局、市财政局，排在首位的为牵头单位，下同）",
            "lead-first",
            ["市民政局"],
            ["市财政局"],
        ),
    ],
)
def test_notes_in_brackets(note, mode, lead, cooperating):
    text = f"一、工作任务\n（一）建好社区食堂。方便居民就近用餐。{note}\n"
    assert tasks_of(text) == [("建好社区食堂。方便居民就近用餐"[:15], mode, lead, cooperating)]


def test_the_rule_of_the_first_unit_holds_for_what_follows_and_ends_with_its_plan():
    text = (
        "一、任务\n1.建食堂。（责任单位：市民政局、市财政局，排第一的为牵头单位，下同）\n"
        "2.建泳池。（责任单位：市体育局、市财政局）\n"
        "一、另一方案\n1.建步道。（责任单位：市体育局、市林业局）\n"
    )
    assert [task[1] for task in tasks_of(text)] == ["lead-first", "lead-first", "unspecified"]


def test_several_assignments_in_one_item_share_the_cooperating_units():
    text = "2.建设小镇。建设东山小镇（市民政局牵头）；建设西山小镇（市体育局牵头）。[配合单位：市住建局]\n"
    assert tasks_of(text) == [
        ("建设东山小镇（市民政局牵头）；", "lead-first", ["市民政局"], ["市住建局"]),
        ("建设西山小镇（市体育局牵头）。", "lead-first", ["市体育局"], ["市住建局"]),
    ]


def test_labelled_lines():
    text = (
        "1.推广家庭医生签约服务。\n\n责任单位：市卫生健康委\n完成时限：2025年底\n\n"
        "2.建设康复中心\n牵头单位：市民政局\n配合单位：市残联、市医保局\n"
        "3.开展体检。责任单位：市卫生健康委、市教育局。\n"
    )
    assert [task[1:] for task in tasks_of(text)] == [
        ("unspecified", ["市卫生健康委"], []),
        ("lead-first", ["市民政局"], ["市残联", "市医保局"]),
        ("unspecified", ["市卫生健康委"], ["市教育局"]),
    ]


def test_bare_lists_count_only_where_the_document_uses_them():
    text = "（一）加强领导。成立专班。（市卫生健康局、市发展和改革局）\n（二）加大投入。统筹资金。（市财政局、市民政局）\n"
    assert [task[2] for task in tasks_of(text)] == [["市卫生健康局"], ["市财政局"]]
    assert tasks_of("养老机构（含公办机构、民办机构）应当备案。") == []
    assert tasks_of("本文由某报社发布（来源：某市卫生健康委）。") == []


def test_flattened_tables():
    cells = "任务分工表\n序号\n重点任务\n责任单位\n1\n建设小镇5个，打造线路3条。\n市文化和旅游局、市农业农村局\n2\n开展科普活动。\n市卫生健康委\n"
    assert [(task[0][:4], task[2], task[3]) for task in tasks_of(cells)] == [
        ("建设小镇", ["市文化和旅游局"], ["市农业农村局"]),
        ("开展科普", ["市卫生健康委"], []),
    ]
    signed = cells + "以上任务请抓紧落实。\n云汐市人民政府\n2026年3月1日\n"
    assert len(tasks_of(signed)) == 2
    columns = "序号\t工作任务\t牵头单位\t配合单位\n1\t新建食堂50家\t市民政局\t市商务局、市市场监管局\n"
    assert [task[1:] for task in tasks_of(columns)] == [
        ("lead-first", ["市民政局"], ["市商务局", "市市场监管局"])
    ]


def test_html_table_inherits_merged_cells():
    page = (
        "<html><body><table><tr><th>重点任务</th><th>具体措施</th><th>牵头单位</th><th>配合单位</th></tr>"
        "<tr><td rowspan=2>提升服务</td><td>新建食堂</td><td rowspan=2>市民政局</td><td>市商务局</td></tr>"
        "<tr><td>培训护理员</td><td>市人社局、市财政局</td></tr></table></body></html>"
    )
    tasks = read_plan(read_document(page.encode(), "plan.html")).tasks
    assert [(task.text, task.lead, task.cooperating) for task in tasks] == [
        ("新建食堂", ("市民政局",), ("市商务局",)),
        ("培训护理员", ("市民政局",), ("市人社局", "市财政局")),
    ]


def test_sentences_assign_where_nothing_else_does():
    text = "会议明确，食品安全由市市场监管局牵头负责，市卫生健康委、市教育局配合。"
    assert [task[1:] for task in tasks_of(text)] == [
        ("lead-first", ["市市场监管局"], ["市卫生健康委", "市教育局"])
    ]
    assert tasks_of("由政府主导、社会参与，共同做好服务。") == []


def test_lists_with_dashes_and_lost_line_breaks():
    dashes = "重点任务清单\n——养老行动。新建综合体6个。（市民政局）\n——托育行动。新增托位2000个。（市卫生健康委、市发展改革委）\n"
    assert [task[0][:4] for task in tasks_of(dashes)] == ["养老行动", "托育行动"]
    broken = (
        "实施方案 一、总体目标 到2025年，建成基地5个。 二、重点任务 （一）发展旅游。打造线路10条。（责任单位：市文化和旅游局） "
        "（二）发展食品。培育企业8家。（责任单位：市工业和信息化局）"
    )
    reading = read_plan(Document.of_text(broken))
    assert [(heading.level, heading.title) for heading in reading.outline] == [
        (1, "总体目标"),
        (1, "重点任务"),
        (2, "发展旅游"),
        (2, "发展食品"),
    ]
    assert [task.text[:4] for task in reading.tasks] == ["发展旅游", "发展食品"]
