"""Exchange files (交换文件): rows of cases for another system, its answer, and how both agree."""

from kangshu.exchanges.exchanges import Exchanges
from kangshu.exchanges.records import Answered, Batch, BatchRow, ReadIn
from kangshu.exchanges.starting import SheetReport, SheetRow, SheetStarts

__all__ = [
    "Answered",
    "Batch",
    "BatchRow",
    "Exchanges",
    "ReadIn",
    "SheetReport",
    "SheetRow",
    "SheetStarts",
]
