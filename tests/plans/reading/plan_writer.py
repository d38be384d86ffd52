"""Writes plan texts from a grammar of their own, together with what they say: outline, tasks, targets, money rules."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from kangshu.plans.reading.traditional import simplified_forms

NUMERALS = "一二三四五六七八九十"
UNITS = ["市民政局", "市卫生健康委", "市财政局", "市发展改革委", "市体育局", "市农业农村局", "市医保局", "市人力资源社会保障局"]  # fmt: skip
PLACES = ["各县（市、区）人民政府", "各区政府", "各乡镇人民政府", "各县区"]
TITLES = [
    "完善养老服务网络",
    "发展医养结合服务",
    "推进全民健身",
    "壮大中医药产业",
    "培育森林康养业态",
    "建设健康食品基地",
]
WORK = [
    "优化服务布局，健全工作机制",
    "加强部门协同，强化要素保障",
    "完善标准规范，提升服务质量",
    "引导社会力量参与，扩大有效供给",
]


@dataclass
class Written:
    """A text and what it says."""

    text: str = ""
    outline: list[tuple[int, str, str]] = field(default_factory=list)
    tasks: list[tuple[str, set[str], set[str], str]] = field(default_factory=list)
    targets: list[tuple[object, str, str | None]] = field(default_factory=list)
    money: list[tuple[object, object]] = field(default_factory=list)


def write_plan(seed: int) -> Written:
    """Return a plan that `seed` decides."""
    chance = random.Random(seed)
    plan = Written()
    lines = [
        f"云汐市健康产业发展实施方案（{seed}）",
        "",
        "为加快发展健康产业，结合我市实际，制定本方案。",
        "",
    ]
    year = chance.choice(["2025", "2027", "2030"])
    first, second = chance.choice([("{}、", "（{}）"), ("{}、", "{digit}．"), ("第{}章 ", "第{}节 ")])
    chapters: list[tuple[str, Callable[[random.Random, Written, str], tuple[str, list[str]]]]] = [
        ("总体目标", _goals), ("重点任务", _tasks), ("支持政策", _money), ("保障措施", _safeguards),
    ]  # fmt: skip
    for number, (title, fill) in enumerate(chapters):
        label = first.format(NUMERALS[number])
        level = 2 if "章" in first else 1
        lines.append(f"{label}{title}")
        plan.outline.append((level, label.strip(), title))
        opening, items = fill(chance, plan, year)
        if opening:
            lines.append(opening)
        for place, item in enumerate(items):
            inner = second.format(NUMERALS[place], digit=place + 1)
            heading, _, rest = item.partition("。")
            if fill is _tasks and rest:
                plan.outline.append(({"（": 2, "第": 3}.get(inner[0], 3), inner.strip(), heading))
            lines.append(f"{inner}{item}" if fill is _tasks else item)
        lines.append("")
    plan.text = "\n".join(lines)
    return plan


def _figure(chance: random.Random) -> tuple[str, object, str]:
    share, count = chance.randint(20, 95), chance.randint(11, 900)
    return chance.choice(
        [
            (f"护理型床位占比达到{share}%", share, "%"),
            (f"社区食堂覆盖率不低于{share}%", share, "%"),
            (f"每千名老年人拥有养老床位{count}张以上", count, "张"),
            (f"健康产业增加值突破{count}亿元", count * 10**8, "元"),
            (f"培训养老护理员{count}万人次", count * 10**4, "人次"),
            (f"新建社区养老服务中心{count}家", count, "家"),
            (f"培育龙头企业{share}—{share + 5}家", (share, share + 5), "家"),
            (f"人均预期寿命提高到{share + 0.5}岁", share + 0.5, "岁"),
            (f"体育场地面积年均增长{share}%左右", share, "%"),
            (f"居民健康素养水平由{share}%提高到{share + 4}%", share + 4, "%"),
        ]
    )


def _goals(chance: random.Random, plan: Written, year: str) -> tuple[str, list[str]]:
    drawn = [_figure(chance) for _ in range(chance.randint(2, 5))]
    plan.targets.extend((value, unit, year) for _, value, unit in drawn)
    closing = chance.choice(["", "；医院、乡镇卫生院达标率分别不低于90%和80%"])
    if closing:
        plan.targets.extend([(90, "%", year), (80, "%", year)])
    opening = chance.choice([f"到{year}年，", f"到{year}年底，", f"力争到{year}年末，"])
    return f"{opening}{'，'.join(text for text, _, _ in drawn)}{closing}。", []


def _note(chance: random.Random) -> tuple[str, list[str], list[str], str]:
    lead, *others = chance.sample(UNITS, chance.randint(2, 4))
    if chance.random() < 0.4:
        others.append(chance.choice(PLACES))
    rest = "、".join(others)
    everyone = "、".join([lead, *others])
    return chance.choice(
        [
            (f"（责任单位：{everyone}）", [lead], others, "unspecified"),
            (f"（牵头单位：{lead}；配合单位：{rest}）", [lead], others, "lead-first"),
            (f"〔牵头单位：{lead}，责任单位：{rest}〕", [lead], others, "lead-first"),
            (f"（{lead}牵头，{rest}配合）", [lead], others, "lead-first"),
            (f"（{lead}牵头，{rest}按职责分工负责）", [lead], others, "lead-first"),
            (f"（{everyone}按职责分工负责）", [lead, *others], [], "respective"),
            (f"（{everyone}等部门按职责分工负责）", [lead, *others], [], "respective"),
            (f"（由{lead}会同{rest}负责）", [lead], others, "lead-first"),
            (f"（牵头领导：某某，责任单位：{everyone}）", [lead], others, "unspecified"),
            (f"\n责任单位：{everyone}", [lead], others, "unspecified"),
            (f"\n牵头单位：{lead}\n配合单位：{rest}", [lead], others, "lead-first"),
        ]
    )


def _tasks(chance: random.Random, plan: Written, year: str) -> tuple[str, list[str]]:
    items: list[str] = []
    for title in chance.sample(TITLES, chance.randint(2, 4)):
        work = chance.choice(WORK)
        if chance.random() < 0.6:
            figure, value, unit = _figure(chance)
            plan.targets.append((value, unit, year))
            work = f"{work}，到{year}年{figure}"
        note, lead, others, mode = _note(chance)
        body = f"{title}。{work}。"
        plan.tasks.append((re.sub(r"\s", "", body)[:15], set(lead), set(others), mode))
        items.append(body + note)
    return "", items


def _money(chance: random.Random, plan: Written, _: str) -> tuple[str, list[str]]:
    items: list[str] = []
    for _number in range(chance.randint(1, 3)):
        small, large = chance.randint(2, 9) * 1000, chance.randint(20, 90) * 10
        kinds: list[tuple[str, list[tuple[object, object]]]] = [
                (f"对新建养老机构，按每张床位{small}元给予一次性建设补贴。", [(small, None)]),
                (f"对评为国家级、省级示范的，分别给予{large}万元、20万元奖励。", [(large * 10**4, None), (200000, None)]),
                (f"按设备投资额的20%给予补助，最高不超过{large}万元。", [("20%", large * 10**4)]),
                (f"给予每家最高{large}万元奖励。", [(large * 10**4, large * 10**4)]),
                (f"给予每人{small}—{small + 500}元入职奖励。", [((small, small + 500), None)]),
                (f"失能老年人每人每月补助{small // 10}元。", [(small // 10, None)]),
        ]  # fmt: skip
        text, rules = chance.choice(kinds)
        plan.money.extend(rules)
        items.append(text)
    return "", items


def _safeguards(chance: random.Random, plan: Written, _: str) -> tuple[str, list[str]]:
    return "加强组织领导，落实工作责任，营造良好氛围。" + chance.choice(
        ["截至2020年底，全市已建成养老机构35家。", "预计2035年全市老年人口达到60万人。", "符合条件的企业投资额应在1000万元以上。", ""]
    ), []  # fmt: skip


# ------------------------------------------------------------------ how texts come


def as_written(text: str) -> str:
    """Return the text as it is."""
    return text


def half_width(text: str) -> str:
    """Return the text with half-width punctuation."""
    return text.translate(str.maketrans("，：；（）％", ",:;()%"))


def wrapped(text: str) -> str:
    """Return the text broken at the width of a page, as taken from a pdf; numbers are not broken."""
    return "\n".join(part for line in text.split("\n") for part in _broken(line))


def _broken(line: str) -> list[str]:
    parts, width = [""], 0
    for piece in re.findall(r"[\d.]+|.", line):
        room = sum(2 if character > "\u2e7f" else 1 for character in piece)
        if width + room > 68:
            parts.append("")
            width = 0
        parts[-1] += piece
        width += room
    return parts


def spaced(text: str) -> str:
    """Return the text with the spaces that OCR puts around digits and behind punctuation."""
    return re.sub(r"(?<=[，；])|(?<=\d)(?=[年%张家亿万元岁])|(?<=[到达低破])(?=\d)", " ", text)


def traditional(text: str) -> str:
    """Return the text in traditional characters."""
    forms = {ord(simple): full for full, simple in simplified_forms().items() if full not in "佔閒摺瞭"}
    return text.translate(forms)


def on_a_page(text: str) -> str:
    """Return the text with what stands around it on a web page."""
    return f"首页 | 政务公开 | 互动交流\n索引号：0071-2023/0001 发布日期：2023-05-06 浏览次数：128\n\n{text}\n【打印】【关闭】\n版权所有：云汐市人民政府\n"


VARIANTS = [as_written, half_width, wrapped, spaced, traditional, on_a_page]
