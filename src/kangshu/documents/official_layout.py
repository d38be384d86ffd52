"""The figures of GB/T 9704-2012 (党政机关公文格式), each with its clause: the one place where they stand.

They describe a sheet of paper, not a city: the standard holds everywhere, so they are constants and no parameters of
a jurisdiction. Lengths are millimetres, type sizes points (2号 = 22, 3号 = 16, 4号 = 14).
"""

from __future__ import annotations

from typing import Final

PAGE_WIDTH: Final = 210.0
"""5.1: A4 paper, 210 mm × 297 mm."""
PAGE_HEIGHT: Final = 297.0
"""5.1."""
TOP: Final = 37.0
"""5.2.1: 天头 37 mm ± 1 mm."""
BINDING: Final = 28.0
"""5.2.1: 订口 28 mm ± 1 mm."""
TEXT_WIDTH: Final = 156.0
"""5.2.1: 版心 156 mm × 225 mm."""
TEXT_HEIGHT: Final = 225.0
"""5.2.1."""
LINES: Final = 22
"""5.2.3: 22 lines on a page."""
CHARACTERS: Final = 28
"""5.2.3: 28 characters on a line."""

BODY_SIZE: Final = 16.0
"""5.2.2 and 7.3.3: body in 3号仿宋."""
TITLE_SIZE: Final = 22.0
"""7.3.1: title in 2号小标宋."""
IMPRINT_SIZE: Final = 14.0
"""7.4.2, 7.4.3: 版记 in 4号仿宋."""
PAGE_NUMBER_SIZE: Final = 14.0
"""7.5: page number in 4号 half-width 宋体 digits."""

SONG_TITLE: Final = "方正小标宋简体"
"""7.2.4, 7.3.1: 小标宋体 for the agency's name and the title."""
FANG_SONG: Final = "仿宋_GB2312"
"""5.2.2."""
HEI: Final = "黑体"
"""7.3.3: first level."""
KAI: Final = "楷体_GB2312"
"""7.3.3: second level."""
SONG: Final = "宋体"
"""7.5: page numbers."""
RED: Final = "FF0000"
"""7.2.4, 7.2.7: agency's name and line in red."""

LABEL_TOP: Final = 35.0
"""7.2.4: from the upper edge of the 版心 to the agency's name."""
LABEL_LARGEST: Final = 62.0
"""7.2.4 leaves the size to the agency; a name of few characters goes no further than 22 mm (62 pt)."""
LINE_BELOW_NUMBER: Final = 4.0
"""7.2.7: the red line stands 4 mm below the document number, as wide as the 版心."""
THICK: Final = 0.35
"""7.4.1: first and last line of the 版记."""
THIN: Final = 0.25
"""7.4.1: the lines between."""
PAGE_NUMBER_BELOW: Final = 7.0
"""7.5: from the lower edge of the 版心 to the dashes of the page number."""

LETTER_LABEL_TOP: Final = 30.0
"""10.1: letter form: from the upper edge of the page to the agency's name."""
LETTER_LINE_BELOW: Final = 4.0
"""10.1: red double line (thick above thin) 4 mm below the agency's name."""
LETTER_LINE_WIDTH: Final = 170.0
"""10.1: both double lines are 170 mm long, centred."""
LETTER_LINE_BOTTOM: Final = 20.0
"""10.1: red double line (thin above thick) 20 mm above the lower edge of the page."""
LETTER_NUMBER_BELOW: Final = 7 / 8
"""10.1: the document number stands 7/8 of a 3号 character below the first double line, at the right."""

RIGHT = PAGE_WIDTH - BINDING - TEXT_WIDTH
BOTTOM = PAGE_HEIGHT - TOP - TEXT_HEIGHT
POINTS_PER_MILLIMETRE = 72 / 25.4
LINE_PITCH = int(TEXT_HEIGHT * POINTS_PER_MILLIMETRE / LINES * 20) / 20
"""Points from line to line, so that LINES fill the 版心 (28.95)."""
CHARACTER_PITCH = TEXT_WIDTH * POINTS_PER_MILLIMETRE / CHARACTERS
"""Points from character to character, so that CHARACTERS fill a line (15.79)."""


def label_size(text: str) -> float:
    """Return the size in points at which the agency's name `text` fits on one line of the 版心, by half points."""
    fits = TEXT_WIDTH * POINTS_PER_MILLIMETRE / max(1, len(text))
    return min(LABEL_LARGEST, int(fits * 2) / 2)
