"""Write src/kangshu/base/_holidays.py: the days that differ from Monday-to-Friday, year by year.

    python -m pip install chinesecalendar        # MIT; used by this tool alone
    python tools/working_days_data.py [--check]

The days themselves are facts published by the General Office of the State Council (see NOTICES); PyPI
`chinesecalendar` holds them in a form that a program can read. `--check` says whether the file is fresh.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

FIRST_YEAR = 2023
NOTICES = {
    2023: "国务院办公厅关于2023年部分节假日安排的通知（2022-12-08）",
    2024: "国务院办公厅关于2024年部分节假日安排的通知（2023-10-25）",
    2025: "国务院办公厅关于2025年部分节假日安排的通知（2024-11-12）",
    2026: "国务院办公厅关于2026年部分节假日安排的通知（2025-11-04）",
}
TARGET = Path(__file__).parents[1] / "src/kangshu/base/_holidays.py"


def runs(days: Iterable[date]) -> str:
    """Return `days` as lines of "first last" for each unbroken run."""
    spans: list[list[date]] = []
    for day in sorted(days):
        if spans and day - spans[-1][1] == timedelta(days=1):
            spans[-1][1] = day
        else:
            spans.append([day, day])
    return "\n".join(f"            ({first.isoformat()!r}, {last.isoformat()!r})," for first, last in spans)


def main() -> int:
    """Write or check the data file; return the exit status."""
    from chinese_calendar.constants import holidays, workdays

    years = sorted(
        year for year in NOTICES if year >= FIRST_YEAR and any(day.year == year for day in holidays)
    )
    blocks = "\n".join(
        f"    Year(\n        {year},\n        {NOTICES[year]!r},\n        (\n"
        f"{runs(day for day in holidays if day.year == year)}\n        ),\n        (\n"
        f"{runs(day for day in workdays if day.year == year)}\n        ),\n    ),"
        for year in years
    ).replace("'", '"')
    text = (
        '"""Days off and make-up working days (调休) by year. Written by tools/working_days_data.py; do not edit."""\n\n'
        "from __future__ import annotations\n\nfrom typing import Final, NamedTuple\n\n\n"
        "class Year(NamedTuple):\n"
        '    """One year\'s notice: runs of (first, last) days off and of make-up working days."""\n\n'
        "    year: int\n    notice: str\n    days_off: tuple[tuple[str, str], ...]\n"
        "    make_up_days: tuple[tuple[str, str], ...]\n\n\n"
        f"YEARS: Final = (\n{blocks}\n)\n"
    )
    if "--check" in sys.argv:
        fresh = TARGET.is_file() and TARGET.read_text("utf-8") == text
        print("fresh" if fresh else f"stale: run python {Path(__file__).name}")
        return 0 if fresh else 1
    TARGET.write_text(text, "utf-8")
    print(f"{TARGET.name}: {', '.join(map(str, years))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
