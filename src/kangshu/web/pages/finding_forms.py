"""The forms that mend one finding of a plan: its fields, where a clause may be cut, which one follows it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from kangshu.base.faults import Fault, NotFound
from kangshu.base.text import Text
from kangshu.sdk import Field
from kangshu.web.forms import FormField, form_fields
from kangshu.web.language import Words
from kangshu.web.pages.figures_text import number, short

_SENTENCE: Final = re.compile(r"(?<=[。；;，,])")
_COMPARATORS: Final = {
    ">=": "达到或超过（≥）",
    ">": "超过（>）",
    "<=": "不超过（≤）",
    "<": "低于（<）",
    "=": "等于",
    "about": "约",
    "increase_to": "提高到",
    "decrease_to": "降低到",
    "increase_by": "增加（增长）",
    "decrease_by": "减少（下降）",
    "double": "翻番",
}
_CLAUSE: Final = (
    Field("text", Text("条款内容", "Text of the clause"), "paragraph", required=True),
    Field(
        "lead",
        Text("牵头单位", "Lead units"),
        "paragraph",
        help=Text("每行一个，按文件写法", "one a line, as written"),
    ),
    Field("cooperating", Text("配合单位", "Co-units"), "paragraph", help=Text("每行一个", "one a line")),
)
_TARGET: Final = (
    Field("indicator", Text("指标", "Indicator"), required=True),
    Field("comparator", Text("比较方式", "Comparator"), "choice", required=True),
    Field(
        "value",
        Text("目标值", "Figure"),
        required=True,
        help=Text("数字；区间写作 3—5，比例写作 1:1.6", "a number; a range as 3—5, a ratio as 1:1.6"),
    ),
    Field("unit", Text("计量单位", "Unit of measure")),
    Field(
        "due", Text("完成年份", "Year"), help=Text("文件未写的留空", "empty where the document names none")
    ),
)
_MONEY: Final = (
    Field("amount", Text("金额（元）或比例", "Amount in yuan, or share"), required=True),
    Field("cap", Text("上限（元）", "Cap in yuan")),
    Field("per", Text("计发单位", "Per"), help=Text("如 每床、每人每月", "e.g. per bed")),
    Field("condition", Text("条件", "Condition")),
)
_FIELDS: Final[Mapping[str, tuple[Field, ...]]] = {"clause": _CLAUSE, "target": _TARGET, "money": _MONEY}
KINDS_TO_ADD: Final[tuple[tuple[Literal["clause", "target", "money"], str], ...]] = (
    ("clause", "任务条款"),
    ("target", "目标"),
    ("money", "资金规则"),
)
BASIS: Final = Field("basis", Text("调整依据", "Basis"), help=Text("文件名与文号", "document and number"))
WORDS: Final = Field(
    "words",
    Text("原文文字", "Words of the document"),
    "paragraph",
    required=True,
    help=Text(
        "照原文抄录；在文中不止一处时多抄几个字",
        "as the document has them; more of them where they stand twice",
    ),
)


@dataclass(frozen=True, slots=True)
class MendForm:
    """One form: what it does, where it goes, its fields; `places` are where a clause may be cut."""

    act: str
    title: str
    address: str
    button: str
    fields: Sequence[FormField] = ()
    hidden: Sequence[tuple[str, str]] = ()
    places: Sequence[tuple[int, str]] = ()
    hint: str = ""
    open: bool = False
    tone: str = "is-primary"


def clause_forms(
    words: Words, plan: Any, clause: Any, address: str, basis: Sequence[FormField], doing: str
) -> list[MendForm]:
    """Return the forms that split a clause and merge it with the next one."""
    places = _places(plan.text, clause.anchor)
    where = Field("words", Text("或：第二条从这几个字起", "or: the second one begins with these words"))
    forms = [
        MendForm(
            "split",
            words("拆分为两条"),
            f"{address}/split",
            words("拆分"),
            [*form_fields(words, [where], {}), *basis],
            places=places,
            hint=words("两条的责任单位相同，拆分后可分别更正。"),
            open=doing == "split",
        )
    ]
    later = [one for one in plan.clauses if one.anchor.start > clause.anchor.start]
    if later:
        following = min(later, key=lambda one: one.anchor.start)
        forms.append(
            MendForm(
                "merge",
                words("与下一条合并"),
                f"{address}/merge",
                words("合并"),
                basis,
                hint=words("下一条：{text}", text=short(following.text, 60)),
                open=doing == "merge",
            )
        )
    return forms


def _places(text: str, anchor: Any) -> list[tuple[int, str]]:
    """Return where sentences begin within a clause, each with its first words; whole sentences before parts of them."""
    found, at = [], anchor.start
    for piece in _SENTENCE.split(text[anchor.start : anchor.end]):
        if at > anchor.start and piece.strip():
            whole = text[at - 1] in "。；;"
            found.append((not whole, at, short(piece, 36)))
        at += len(piece)
    return [(at, said) for _, at, said in sorted(found)][:24]


def found_in(plan: Any, key: str) -> tuple[str, Any]:
    """Return what kind a finding is, and the finding. Raises NotFound."""
    for kind, listed in (("clause", plan.clauses), ("target", plan.targets), ("money", plan.money)):
        for one in listed:
            if one.id == key:
                return kind, one
    raise NotFound("the plan has no such finding", zh="规划中没有这一项")


def values_of(kind: str, one: Any) -> dict[str, str]:
    """Return what the form of a finding holds: what it says now."""
    if kind == "clause":
        units = {role: "\n".join(unit.written for unit in one.of(role)) for role in ("lead", "cooperating")}
        return {"text": one.text, **units}
    if kind == "money":
        return {name: getattr(one, name) for name in ("amount", "cap", "per", "condition")}
    value = "—".join(map(number, one.value)) if isinstance(one.value, tuple) else number(one.value)
    said = {"indicator": one.indicator, "comparator": one.comparator, "unit": one.unit, "due": one.due}
    return {**said, "value": value}


def finding_fields(
    words: Words, kind: str, values: Mapping[str, str], fault: Fault | None
) -> list[FormField]:
    """Return the fields of a kind of finding with what stands in them."""
    choices = {"comparator": tuple((code, words(title)) for code, title in _COMPARATORS.items())}
    return form_fields(words, _FIELDS[kind], values, fault.issues if fault else (), choices)
