"""Subsidies, rewards and fees: so much per what, under which condition, with which cap."""

from __future__ import annotations

import re
from functools import cache

from kangshu.plans.reading.figures import Figure, chains
from kangshu.plans.reading.fold import Folded
from kangshu.plans.reading.lexicon import compiled, tables, words
from kangshu.plans.reading.lines import Lines
from kangshu.plans.reading.model import Anchor, MoneyFinding, Number, Quantity
from kangshu.plans.reading.sentences import Sentences

_MAGNITUDE = {"万亿": 10**12, "千亿": 10**11, "百亿": 10**10, "十亿": 10**9, "亿": 10**8, "千万": 10**7, "百万": 10**6, "十万": 10**5, "万": 10**4, "千": 10**3, "百": 100}  # fmt: skip
_CAP = re.compile(r"(?:最高|不超过|不高于|上限|封顶|至多|最多|不得超过|限额)[^,。;\d]{0,12}$")


# Words between two amounts that begin another rule; a share (按20%给予补助,每个品种最高…) is capped per item, too.
_ANOTHER_RULE = (
    re.compile(r"[,、](?:对|择优|给予|每)[^,]*(?:给予|补)"),
    re.compile(r"[,、](?:对|择优)[^,]*(?:给予|补)"),
)


def in_yuan(figure: Figure) -> Quantity:
    """Return the amount of a figure in yuan (a range as two numbers)."""
    factor = next((factor for name, factor in _MAGNITUDE.items() if figure.unit.startswith(name)), 1)
    if isinstance(figure.value, tuple):
        return tuple(_times(value, factor) for value in figure.value)
    return figure.value if isinstance(figure.value, str) else _times(figure.value, factor)


def _times(value: Number, factor: int) -> Number:
    product = round(value * factor, 4)
    return int(product) if float(product).is_integer() else product


@cache
def _words() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    table = tables()["money"]
    return re.compile(table["rule"]), re.compile(table["not_before"]), re.compile(table["not_sentence"])


def read_money(
    folded: Folded, lines: Lines, figures: list[Figure], sentences: Sentences
) -> tuple[list[MoneyFinding], list[tuple[int, int]]]:
    """Return the money rules in reading order, and the folded spans that they take."""
    text = lines.text
    findings: list[MoneyFinding] = []
    taken: list[tuple[int, int]] = []
    used: set[int] = set()
    capped: set[int] = set()  # first figures of runs whose amounts are upper limits
    conditions: set[int] = set()  # first figures of runs of amounts that are conditions
    runs = chains(text, figures)
    for number, figure in enumerate(figures):
        if runs[number][0] in conditions:  # 营业收入突破1亿元、5亿元的: the amounts behind the first
            continue
        if number in used or not _is_rule(text, figure, sentences):
            if runs[number][1] > number and _words()[1].search(
                text[max(0, figure.start - 24) : figure.start]
            ):
                conditions.add(number)
            continue
        first, last = sentences.bounds(figure.start)
        here = text[first : figure.start]
        amount: Quantity = in_yuan(figure)
        limited = bool(_CAP.search(here[-24:]) or re.match("以内|封顶", text[figure.end : figure.end + 3]))
        limited = limited or (runs[number][0] < number and runs[number][0] in capped)  # 最高补助8万元、10万元
        if limited:
            capped.add(number if runs[number][0] == number else runs[number][0])
        cap: Quantity | None = amount if limited and figure.measure != "%" else None
        end = figure.end
        if figure.measure == "%":
            amount = f"{figure.value}%"
        following = _cap_behind(text, figures, number, last)
        if following is not None and cap is None:
            used.add(following)
            limit = figures[following]
            cap = (
                in_yuan(limit)
                if "元" in limit.measure
                else text[limit.start : limit.end] + _counted(text, limit)
            )
            if text.find(")", figure.end, limit.start) < 0 and text.find("(", figure.end, limit.start) < 0:
                end = limit.end
            taken.append((limit.start, limit.end))
        start = max([text.rfind(mark, first, figure.start) for mark in ",;:、。()\n"]) + 1
        start = max(start, first, figure.start - 24)
        source_start, source_end = folded.span(start, end)
        findings.append(
            MoneyFinding(
                span=folded.written[start:end],
                amount=amount,
                cap=cap,
                currency="CNY",
                per=_per(text[first : figure.start], text[figure.end : figure.end + 8]),
                condition=_condition(folded.written[first:start]),
                anchor=Anchor(source_start, source_end, ""),
            )
        )
        taken.append((figure.start, figure.end))
    return _share_caps(text, findings, figures), taken


def _is_rule(text: str, figure: Figure, sentences: Sentences) -> bool:
    rule, not_before, not_sentence = _words()
    first, last = sentences.bounds(figure.start)
    before, after = text[first : figure.start].rstrip(), text[figure.end : last]
    clause = re.split("[;]", before)[-1]
    bare = figure.measure == "" and figure.unit and compiled("money", "bare_amount_before").search(before)
    if figure.measure not in ("元", "%", "元/人", "人民币", "万元/人") and not bare:
        return False
    if isinstance(figure.value, str):
        return False
    if (figure.measure != "%" and not_before.search(before[-24:])) or not_sentence.search(clause[-40:]):
        return False
    if compiled("money", "told_or_split").search(before):
        return False
    if re.match(
        r"(?:\([^()]*\))?(?:及)?(?:以上|以下|以内)?(?:\([^()]*\))?的(?!标准|建设|一次性|运营|床位|入职|奖|补|资金|补贴|生活|岗位|经费|金额|比例|额度|资助|费用)",
        after,
    ):
        return False
    near = clause[-60:] + "|" + re.split("[。;]", after)[0][:24]
    if figure.measure == "%":
        return (
            bool(re.search(r"(?:给予|按|补贴|补助|资助|奖励|报销|补偿|贴息|减免)[^。;]{0,24}$", clause))
            and bool(
                re.search(r"(?:给予|补贴|补助|奖励|资助|贴息|补偿)[^。;,]{0,20}$", clause)
                or re.match(r"[^。;]{0,10}(?:给予|补贴|补助|奖励|资助|的一次性)", after)
            )
            and not compiled("money", "paid_in_parts").search(after)
            and not re.search(
                r"(?:比例|(?<!利)率|提高|增长|占比|降低)[^,。;]{0,6}$|(?:上浮|下浮)[^,。;]*$", clause
            )
        )
    return bool(rule.search(near))


def _cap_behind(text: str, figures: list[Figure], number: int, last: int) -> int | None:
    """Return the figure that caps figure `number`: 给予2%、不超过100万元; (每家最多按200张床补)."""
    if number + 1 >= len(figures):
        return None
    following = figures[number + 1]
    gap = text[figures[number].end : following.start]
    if following.start >= last or len(gap) > 40 or "。" in gap or ";" in gap:
        return None
    if following.measure not in ("元", "张", "床", "床位", "人", "平方米"):
        return None
    return (
        number + 1
        if _CAP.search(gap) and not _ANOTHER_RULE[figures[number].measure == "%"].search(gap)
        else None
    )


def _counted(text: str, figure: Figure) -> str:
    found = re.compile(r"[一-龥]{1,3}").match(text, figure.end)
    return found.group() if found and figure.measure == "张" and found.group().startswith("床位") else ""


def _share_caps(text: str, findings: list[MoneyFinding], figures: list[Figure]) -> list[MoneyFinding]:
    """A counted cap in brackets at the end of a sentence holds for the other amounts of that clause."""
    shared: list[MoneyFinding] = []
    for number, finding in enumerate(findings):
        following = findings[number + 1] if number + 1 < len(findings) else None
        if (
            finding.cap is None
            and following is not None
            and isinstance(following.cap, str)
            and not re.search("[。;\n]", text[finding.anchor.end : following.anchor.start])
        ):
            finding = MoneyFinding(
                finding.span,
                finding.amount,
                following.cap,
                finding.currency,
                finding.per,
                finding.condition,
                finding.anchor,
            )
        shared.append(finding)
    return shared


@cache
def _per_pattern() -> re.Pattern[str]:
    return re.compile(words("money", "per"))


def _per(before: str, after: str) -> str | None:
    before = before.replace("一次性", "")
    found = list(_per_pattern().finditer(before[-30:]))
    if found:
        return found[-1].group().removeprefix("每").replace("张床位", "床").replace("一次性", "")
    behind = re.match(r"/([人床张户家年月天]+)", after)
    return behind.group(1) if behind else None


def _condition(before: str) -> str | None:
    clause = re.split("[;；。]", before)[-1].strip(" ,，、")
    return clause[-80:] or None
