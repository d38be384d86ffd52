"""责任清单 as a workbook: the thirteen columns out, filled-in rows back in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kangshu.api.sheets import SheetColumn, read_rows, write_template
from kangshu.base.text import Text
from kangshu.plans import COLUMNS

_TITLE: Final = Text("责任清单", "List of duties")
_HELP: Final = {
    "序号": Text("仅供排序，不读取", "for order only"),
    "任务": Text("与规划条款的标题或全文一致", "the clause's title or its whole text"),
    "年度目标": Text("本年度要达到的结果", "what is to be reached this year"),
    "成果形式": Text("如文件、平台、项目、数据", "a document, a platform, a project, figures"),
    "完成标准": Text("达到什么程度算完成；鼓励、支持类任务必填，否则不能交办", "when it counts as done; without it a clause that only encourages cannot be assigned"),
    "牵头领导": Text("市级或单位分管领导", "the leader in charge"),
    "牵头单位": Text("机构台账中的名称或简称，每行一个", "name or short name in the register, one a row"),
    "责任科室": Text("牵头单位内的科室", "section of the lead unit"),
    "联络员": Text("姓名或岗位", "name or post"),
    "配合单位": Text("多个用、分隔", "several are separated by 、"),
    "时限": Text("如 2027-12-31 或 2027年底", "as 2027-12-31"),
    "季度节点": Text("一季度：…；二季度：…（2027-06-20前）；没有的不写", "一季度：…；二季度：…"),
    "佐证": Text("完成时应附的材料", "what has to be attached"),
}  # fmt: skip
_NEEDED: Final = frozenset({"任务", "牵头单位"})
_COLUMNS: Final = tuple(
    SheetColumn(one, Text(one, one), _HELP[one], needed=one in _NEEDED, shown=one == "序号")
    for one in COLUMNS
)


def duty_rows(data: bytes) -> list[tuple[int, dict[str, str]]]:
    """Return the filled rows of a workbook: number and text by column. Raises Malformed, TooLarge, Unprocessable."""
    return [(row.number, dict(row.cells)) for row in read_rows(data, _COLUMNS)]


def duty_sheet(rows: Sequence[Sequence[str | int]]) -> bytes:
    """Return the workbook of these rows; without rows it is the template. Its headings are Chinese in any language."""
    return write_template(_TITLE, _COLUMNS, "zh", rows)
