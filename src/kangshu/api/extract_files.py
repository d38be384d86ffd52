"""Copies of extracts as files: whose copy it is stands on every row, and nothing in them is a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any, Final

from kangshu.access import Grant
from kangshu.api.platform import Platform
from kangshu.base.clock import now
from kangshu.base.faults import Malformed
from kangshu.documents import read_xlsx, write_csv, write_xlsx
from kangshu.store import ExtractRecord

_LEVEL_NAMES: Final = {
    "year": "年 year", "5": "5岁组 5 years", "10": "10岁组 10 years", "older": "60/80岁以上 60/80+",
    "day": "日 day", "month": "月 month", "quarter": "季 quarter", "community": "村居 community",
    "town": "乡镇街道 town", "district": "区县 district", "city": "城市 city", "code": "编码 code",
    "category": "类目 category", "chapter": "章 chapter", "value": "原值 as is", "*": "不区分 all",
}  # fmt: skip


def mark_of(number: str, recipient: str) -> str:
    """Return the words that stand on every row of a copy."""
    return f"{number}·{recipient}·不得复制转发"


def risk_lines(record: ExtractRecord) -> list[tuple[str, str, str]]:
    """Return the report on an extract's risk: 中文, English and the figure, a line each."""
    risk = record.facts["risk"]
    if record.level == "aggregate":
        return [
            ("数据形式", "Level", "汇总统计 / aggregate"),
            ("行数", "Rows", str(risk["rows"])),
            ("小格阈值", "Least number shown", str(risk["threshold"])),
            ("已抑制单元", "Cells suppressed", str(risk["left_out"])),
            (
                "检查方法",
                "Method",
                "主抑制与次抑制（超立方体法） / primary and secondary suppression (hypercube)",
            ),
        ]
    return [
        ("数据形式", "Level", "去标识化 / de-identified"),
        ("行数", "Rows", str(risk["rows"])),
        ("等价类数", "Equivalence classes", str(risk["classes"])),
        ("K匿名：达到的K值（要求）", "k reached (asked)", f"{risk['k']} ({risk['asked_k']})"),
        (
            "L多样性：类内敏感取值最少（要求）",
            "l reached (asked)",
            f"{risk['diversity']} ({risk['asked_l']})",
        ),
        (
            "T接近：最大分布距离（上限）",
            "t reached (limit)",
            f"{risk['distance']:.2f} ({risk['asked_t']:.2f})",
        ),
        ("抑制的记录（上限）", "Rows left out (limit)", f"{risk['left_out']} ({risk['asked_left_out']:.0%})"),
        ("抽样略去的记录", "Rows sampled out", str(risk["sampled_out"])),
        ("检察官风险：最高", "Prosecutor risk, greatest", f"{risk['prosecutor_most']:.1%}"),
        ("检察官风险：平均", "Prosecutor risk, mean", f"{risk['prosecutor_mean']:.1%}"),
        ("记者风险：最高", "Journalist risk, greatest", f"{risk['journalist_most']:.1%}"),
        ("泛化层级", "Levels", _levels(record)),
    ]


def _levels(record: ExtractRecord) -> str:
    titles = {one[0]: one[1] for one in record.facts["columns"]}
    return "；".join(
        f"{titles.get(name, name)}：{_LEVEL_NAMES.get(level, level)}"
        for name, level in record.facts["levels"].items()
    )


def workbook_copy(
    platform: Platform, grant: Grant, record: ExtractRecord, rows: Sequence[Sequence[str]]
) -> bytes:
    """Return a workbook: the terms and whose copy it is, the rows with the mark on each, the report on the risk."""
    facts = record.facts
    mark = mark_of(facts["number"], facts["recipient"])
    demo = [["演示数据 / Demonstration data"]] if platform.settings.demo else []
    notice: list[list[Any]] = [
        [f"{facts['title']['zh']} / {facts['title']['en']}"],
        *demo,
        [mark],
        ["本数据仅供下列申请载明的目的使用，不得复制、转发、重标识；到期须销毁并声明。"],
        [
            "For the purpose stated below alone; not to be copied, passed on or re-identified; to be destroyed at the end."
        ],
        ["申请文号 / Application", facts["number"]],
        ["申请单位 / Applicant", facts["organisation_name"]],
        ["接收单位 / Recipient", facts["recipient"]],
        ["使用目的 / Purpose", facts["purpose"]],
        ["人群范围 / Group", f"{facts['district']} {facts['period'][0]} – {facts['period'][1]}"],
        ["使用期限 / Use ends", record.expires.isoformat()],
        ["制作时间 / Made", f"{record.made_at:%Y-%m-%d %H:%M} {record.made_by}"],
        ["下载 / Taken", f"{now():%Y-%m-%d %H:%M} {grant.display}"],
        ["提取件编号 / Extract", record.id],
    ]
    head = [*(f"{zh} {en}" for _, zh, en, _ in facts["columns"]), "领用标记"]
    data = [head, [one[0] for one in facts["columns"]], *([*row, mark] for row in rows[1:])]
    risk = [["风险评估 / Risk", "", ""], *([zh, en, figure] for zh, en, figure in risk_lines(record))]
    return write_xlsx({"说明": notice, "数据": data, "风险报告": risk}, header=False)


def csv_copy(record: ExtractRecord, rows: Sequence[Sequence[str]]) -> bytes:
    """Return the rows as CSV (UTF-8 with a mark of byte order, for Excel), the mark on each row."""
    mark = mark_of(record.facts["number"], record.facts["recipient"])
    return write_csv([[*rows[0], "领用标记"], *([*row, mark] for row in rows[1:])])


def tables_of(data: bytes, name: str) -> list[list[list[str]]]:
    """Return the tables of an xlsx or csv file as text. Raises Malformed."""
    if name.lower().endswith(".xlsx"):
        return [
            [["" if cell is None else str(cell) for cell in row] for row in sheet]
            for sheet in read_xlsx(data).values()
        ] or [[]]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030", "replace")
    try:
        return [[[cell.removeprefix("'") for cell in row] for row in csv.reader(io.StringIO(text))]]
    except csv.Error as error:
        raise Malformed("this is no xlsx or csv file", zh="该文件不是xlsx或csv文件") from error
