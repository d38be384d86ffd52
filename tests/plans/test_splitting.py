"""Documents that hold several plans, replies to proposals, and what documents are called."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from kangshu.base.faults import Invalid, NotFound, Unprocessable
from kangshu.documents import Document
from kangshu.plans.reading import read_plan, read_reply
from kangshu.plans.splitting import parts_of
from kangshu.plans.titles import title_of

from .conftest import CITY, Room

SHARED = Path(__file__).resolve().parents[3] / "shared"
needs_documents = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the public documents lie beside the project, in ../shared"
)

BODY = """一、总体要求

为推进{theme}工作，结合我市实际，制定本方案。

二、{theme}

（一）建设网点。到2027年，建成{theme}网点{count}个。（牵头单位：市民政局；配合单位：市财政局）

（二）培训人员。每年培训{theme}人员{count}人次。（牵头单位：市卫生健康委）
"""
COLLECTION = "康养工作方案范文(精选3篇)\n\n下面是整理的方案，供参考。\n\n" + "\n".join(
    f"康养工作方案范文(精选3篇){number}\n\n{BODY.format(theme=theme, count=number * 10)}"
    for number, theme in enumerate(("助餐服务", "旅居养老", "健康小屋"), 1)
)
TWO = "\n".join(
    f"云汐市人民政府办公室关于印发《云汐市{theme}实施方案》的通知\n\n各区人民政府：\n\n现将方案印发给你们。\n\n2026年1月5日\n\n"
    f"云汐市{theme}实施方案\n\n{BODY.format(theme=theme, count=12)}"
    for theme in ("助餐服务", "旅居养老")
)
ANNEXED = f"云汐市助餐服务实施方案\n\n{BODY.format(theme='助餐服务', count=3)}\n附件\n助餐网点建设工作方案\n\n一、目标\n\n到2027年，建成网点5个。\n\n二、分工\n\n市民政局牵头。\n"
REPLY = """云汐市卫生健康委员会
关于市政协一次会议第12号提案的
复 函

李某某委员：

您提出的关于发展康养旅居的提案收悉，现答复如下：

一、工作情况

近年来，我市已建成旅居基地3个。

二、下一步打算

下一步，我市将继续完善旅居基地的医疗保障。我委将联合市文旅局编制康养线路目录。

云汐市卫生健康委员会
"""


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        (COLLECTION, ["康养工作方案（之1）：助餐服务", "康养工作方案（之2）：旅居养老", "康养工作方案（之3）：健康小屋"]),
        (TWO, ["云汐市助餐服务实施方案", "云汐市旅居养老实施方案"]),
        (ANNEXED, ["云汐市助餐服务实施方案"]),
        (BODY.format(theme="助餐服务", count=2), ["未命名"]),
    ],
    ids=["numbered", "two notices", "an annex is no plan", "one"],
)  # fmt: skip
def test_the_plans_of_a_document_are_told_apart(text: str, titles: list[str]) -> None:
    document = Document.of_text(text, "未命名.txt")
    parts = parts_of(document)
    assert [one.title for one in parts] == titles
    assert all(one.end == following.start for one, following in pairwise(parts))
    assert parts[-1].end == len(text)
    for part in parts:
        piece = part.document(document)
        assert piece.text == text[part.start : part.end]
        assert len(read_plan(piece).tasks) == 2


@pytest.mark.parametrize(
    ("head", "title"),
    [
        ("关于印发《云汐市康养产业发展\n行动计划（2026—2028年）》的通知\n\n各单位：", "云汐市康养产业发展行动计划（2026—2028年）"),
        ("云汐市办公室关于印发云汐市行动纲要(2026云汐保洁139****0000\n\n发布时间\n\n云汐市关于贯彻行动纲要(2026—2028年)的实施意见\n", "云汐市关于贯彻行动纲要(2026—2028年)的实施意见"),
        ("云汐市卫生健康委员会\n关于市政协第12号提案的\n\n复 函\n\n李委员：", "关于市政协第12号提案的复函"),
        ("您提出的关于发展旅居的提案，经研究答复如下：\n", "对关于发展旅居的提案的答复"),
        ("各单位：\n\n请遵照执行。\n", "文件名"),
    ],
)  # fmt: skip
def test_a_document_is_called_by_its_title(head: str, title: str) -> None:
    assert title_of(head, "目录/文件名.txt") == title


def test_a_reply_is_read_as_its_promises() -> None:
    text = REPLY
    reading = read_reply(Document.of_text(text, "复函.txt"))
    assert [one.text for one in reading.tasks] == [
        "下一步，我市将继续完善旅居基地的医疗保障。",
        "我委将联合市文旅局编制康养线路目录。",
    ]
    assert {one.lead for one in reading.tasks} == {("云汐市卫生健康委员会",)}
    assert all(one.anchor.holds(text) for one in reading.tasks)


async def test_each_plan_of_a_document_is_imported_from_one_document(room: Room) -> None:
    received = await room.plans.receive(room.grant, COLLECTION.encode(), "范文.txt")
    assert [(one.clauses, one.targets, one.plan) for one in received.parts] == [(2, 2, "")] * 3
    assert await room.plans.plans(room.grant) == ()
    with pytest.raises(Invalid):
        await room.plans.import_received(room.grant, received.id, "", chosen={})
    with pytest.raises(NotFound):
        await room.plans.import_received(room.grant, "document-none", "", chosen={1: ""})
    first, third = await room.plans.import_received(
        room.grant, received.id, CITY, chosen={1: "云汐市助餐方案", 3: ""}
    )
    assert (first.title, third.title) == ("云汐市助餐方案", "康养工作方案（之3）：健康小屋")
    again = await room.plans.import_received(room.grant, received.id, CITY, chosen={1: "", 2: ""})
    assert [one.already for one in again] == [True, False]
    seen = await room.plans.received(room.grant, received.id)
    assert all(one.plan for one in seen.parts)
    assert len(await room.store.search_all(room.grant, "DocumentReference", "")) == 1
    for made in (first, third):
        plan = await room.plans.plan(room.grant, made.plan)
        assert plan.text == COLLECTION
        assert plan.span != (0, len(COLLECTION))
        anchors = [*(one.anchor for one in plan.clauses), *(one.anchor for one in plan.targets)]
        assert anchors
        assert all(one.holds(plan.text) for one in anchors)
        assert all(plan.span[0] <= one.start < one.end <= plan.span[1] for one in anchors)


async def test_a_document_of_several_plans_may_stay_one(room: Room) -> None:
    received = await room.plans.receive(room.grant, TWO.encode(), "通知.txt")
    (whole,) = await room.plans.import_received(room.grant, received.id, CITY, whole=True)
    assert whole.clauses == 4
    assert (await room.plans.import_document(room.grant, TWO.encode(), "通知.txt"))[0].already
    assert (await room.plans.received(room.grant, received.id)).whole_plan == whole.plan


async def test_a_reply_comes_in_and_an_empty_text_does_not(room: Room) -> None:
    made = await room.plans.import_plan(room.grant, REPLY.encode(), "复函.txt")
    (row,) = await room.plans.plans(room.grant)
    assert (row.id, row.kind, row.title) == (made.plan, "reply", "关于市政协一次会议第12号提案的复函")
    with pytest.raises(Unprocessable):
        await room.plans.import_document(room.grant, "今天天气很好，我们去公园散步。".encode(), "散步.txt")


@needs_documents
async def test_the_public_documents_hold_nine_plans(room: Room) -> None:
    found = [
        made
        for number in range(5)
        for made in await room.plans.import_document(
            room.grant, (SHARED / "documents" / f"{number:03}.txt").read_bytes(), f"{number:03}.txt"
        )
    ]
    assert len(found) == 9
    rows = {one.id: one for one in await room.plans.plans(room.grant)}
    assert [rows[one.plan].kind for one in found] == ["reply", "plan", "reply", *["plan"] * 6]
    for made in found:
        plan = await room.plans.plan(room.grant, made.plan)
        assert all(one.anchor.holds(plan.text) for one in (*plan.clauses, *plan.targets))
