"""A questionnaire on paper: empty, to be filled in by hand, and filled in, with score, level and signatures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from kangshu.documents import (
    HeadingBlock,
    ParagraphBlock,
    Report,
    ReportBlock,
    ReportColumn,
    ReportTable,
)
from kangshu.questionnaires.answers import answer_text
from kangshu.questionnaires.questionnaires import Filled
from kangshu.questionnaires.scoring import points_of
from kangshu.sdk import QuestionnaireDeclaration, QuestionnaireItem, QuestionnaireSection

_LINE: Final = "＿＿＿＿＿＿＿＿"
_DAY: Final = "＿＿＿＿＿"
_BOX: Final = "□"


def blank_form(declaration: QuestionnaireDeclaration, *, mark: str, made: datetime) -> Report:
    """Return the empty paper form: every answer with a box before it and its score behind it."""
    blocks: list[ReportBlock] = [_table(section, None) for section in declaration.sections]
    if declaration.scores or declaration.levels:
        rows = [[one.title.zh, _full(one.most), _LINE] for one in declaration.scores]
        rows += [[one.title.zh, "", _LINE] for one in declaration.levels]
        columns = (ReportColumn("评定", 3), ReportColumn("满分", 1, True), ReportColumn("结果", 3))
        blocks.append(ReportTable("评定结果", columns, rows))
    blocks.append(ParagraphBlock(f"评估人员签名：{_LINE}　　{_LINE}　　日期：{_DAY}"))
    if declaration.subject_type == "Patient":
        blocks.append(ParagraphBlock(f"被评估人（或家属）签名：{_LINE}　　日期：{_DAY}"))
    blocks.append(ParagraphBlock(f"依据：{declaration.source}"))
    return Report(
        declaration.title.zh, [("姓名", _LINE), ("身份证号", _LINE), ("评估日期", _LINE)], blocks, mark, made
    )


def filled_form(filled: Filled, facts: Sequence[tuple[str, str]], *, mark: str, made: datetime) -> Report:
    """Return the form as it was filled in; `facts` say about whom it is, in what is not masked to the reader."""
    declaration, outcome = filled.declaration, filled.outcome
    blocks: list[ReportBlock] = [_table(section, filled.answers) for section in declaration.sections]
    if outcome.scores or outcome.levels:
        rows = [
            [one.title.zh, _full(one.most), f"{outcome.scores[one.id]:f}"]
            for one in declaration.scores
            if one.id in outcome.scores
        ]
        for found in outcome.levels.values():
            changed = f"（初评：{found.preliminary.title.zh}）" if found.changes else ""
            rows.append([found.level.title.zh, "", f"{found.option.title.zh}{changed}"])
        columns = (ReportColumn("评定", 3), ReportColumn("满分", 1, True), ReportColumn("结果", 3))
        blocks.append(ReportTable("评定结果", columns, rows))
    blocks += list(_remarks(filled))
    names = "、".join(f"{one.name}（{one.when[:10]}）" for one in filled.signatures) or _LINE
    blocks.append(HeadingBlock("签名", 2))
    blocks.append(ParagraphBlock(f"评估人员：{names}"))
    if filled.waits:
        blocks.append(
            ParagraphBlock(f"尚缺 {filled.needed - len(filled.signatures)} 名评估人员签名，结果未生效。")
        )
    if declaration.subject_type == "Patient":
        blocks.append(ParagraphBlock(f"本人（或家属）已知悉评估结果，签名：{_LINE}　　日期：{_DAY}"))
    return Report(declaration.title.zh, [*facts, ("评估日期", filled.day)], blocks, mark, made)


def _remarks(filled: Filled) -> Iterator[ReportBlock]:
    changes = [change for found in filled.outcome.levels.values() for change in found.changes]
    if changes:
        yield ParagraphBlock("等级变更：" + "；".join(change.title.zh for change in changes) + "。")
    if filled.outcome.unverified:
        named = "；".join(f"{one.title.zh}（{one.value}）" for one in filled.outcome.unverified)
        yield ParagraphBlock(f"以下参数尚未经主管部门核实：{named}。")
    yield ParagraphBlock(f"依据：{filled.declaration.source}")


def _full(most: object) -> str:
    return "" if most is None else f"{most}"


def _table(section: QuestionnaireSection, answers: Mapping[str, Any] | None) -> ReportTable:
    scored = any(item.scored for item in section.items)
    columns = [ReportColumn("项目", 2), ReportColumn("内容", 6 if answers is None else 5)]
    if scored:
        columns.append(ReportColumn("得分", 1, True))
    rows = []
    for item in section.items:
        name = f"{item.number} {item.title.zh}".strip()
        row = [name, _choices(item) if answers is None else answer_text(item, answers.get(item.id)).zh]
        if scored:
            points = None if answers is None else points_of(item, answers.get(item.id))
            row.append("　" if answers is None else "" if points is None else f"{points:f}")
        rows.append(row)
    return ReportTable(section.title.zh, columns, rows)


def _choices(item: QuestionnaireItem) -> str:
    """Return the answers to tick on paper, or a line to write on."""
    if item.kind == "boolean":
        return f"{_BOX} 是　{_BOX} 否"
    if not item.options:
        return f"{_LINE} {item.unit}".strip()
    said = (
        f"{_BOX} {one.title.zh}" + ("" if one.score is None else f"（{one.score:f}分）")
        for one in item.options
    )
    return "　".join(said)
