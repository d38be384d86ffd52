"""Word's automatic numbering as the text labels that a reader sees (一、 （一） 1. ①)."""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_DIGITS = "〇一二三四五六七八九"
_STEMS = "甲乙丙丁戊己庚辛壬癸"
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip


def chinese_number(number: int) -> str:
    """Return 1…9999 in Chinese counting: 10 → 十, 21 → 二十一, 105 → 一百〇五."""
    if not 0 < number < 10_000:
        return str(number)
    text, pending_zero = "", False
    for power, mark in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // power % 10
        if digit:
            text += ("〇" if pending_zero and text else "") + _DIGITS[digit] + mark
            pending_zero = False
        elif text:
            pending_zero = True
    return text[1:] if text.startswith("一十") else text


def _roman(number: int) -> str:
    text = ""
    for value, mark in _ROMAN:
        while number >= value:
            text += mark
            number -= value
    return text


def counter_text(number: int, style: str) -> str:
    """Return `number` in a Word number format (ST_NumberFormat); unknown formats count in digits."""
    if style in ("chineseCounting", "chineseCountingThousand", "japaneseCounting", "taiwaneseCounting", "taiwaneseCountingThousand", "ideographDigital", "chineseLegalSimplified"):  # fmt: skip
        return chinese_number(number)
    if style == "ideographTraditional":
        return _STEMS[(number - 1) % 10]
    if style in ("decimalEnclosedCircle", "decimalEnclosedCircleChinese") and 1 <= number <= 20:
        return chr(0x245F + number)
    if style in ("lowerLetter", "upperLetter"):
        letter = chr(97 + (number - 1) % 26) * ((number - 1) // 26 + 1)
        return letter.upper() if style == "upperLetter" else letter
    if style in ("lowerRoman", "upperRoman") and 0 < number < 4000:
        return _roman(number).upper() if style == "upperRoman" else _roman(number)
    if style == "decimalFullWidth":
        return "".join(chr(0xFF10 + int(digit)) for digit in str(number))
    if style == "decimalZero":
        return f"{number:02d}"
    return "" if style in ("none", "bullet") else str(number)


@dataclass(frozen=True, slots=True)
class _Level:
    style: str
    pattern: str
    start: int
    suffix: str
    restart: int | None = None  # the level (from 1) whose use restarts this one, 0 for none


@dataclass(slots=True)
class Numbering:
    """The numberings of one document; `label` counts on with every call, as Word does."""

    levels: dict[str, dict[int, _Level]] = field(default_factory=dict)  # by numId
    abstract_of: dict[str, str] = field(default_factory=dict)
    restarts: dict[str, dict[int, int]] = field(default_factory=dict)
    counters: dict[str, dict[int, int]] = field(default_factory=dict)  # by abstract id
    seen: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, root: etree._Element | None) -> Numbering:
        """Return the numberings of word/numbering.xml; none when the document has no such part."""
        numbering = cls()
        if root is None:
            return numbering
        abstract = {
            str(node.get(f"{W}abstractNumId")): _levels(node) for node in root.iter(f"{W}abstractNum")
        }
        linked = {
            _value(node, "styleLink"): abstract[str(node.get(f"{W}abstractNumId"))]
            for node in root.iter(f"{W}abstractNum")
            if node.find(f"{W}styleLink") is not None
        }
        for node in root.iter(f"{W}abstractNum"):  # a list that takes its levels from a list style
            style = _value(node, "numStyleLink")
            if style in linked:
                abstract[str(node.get(f"{W}abstractNumId"))] = linked[style]
        for node in root.iter(f"{W}num"):
            number_id = str(node.get(f"{W}numId"))
            reference = node.find(f"{W}abstractNumId")
            abstract_id = str(reference.get(f"{W}val")) if reference is not None else ""
            numbering.abstract_of[number_id] = abstract_id
            numbering.levels[number_id] = dict(abstract.get(abstract_id, {}))
            for override in node.iter(f"{W}lvlOverride"):
                level = _integer(override.get(f"{W}ilvl"))
                start = override.find(f"{W}startOverride")
                if start is not None:
                    numbering.restarts.setdefault(number_id, {})[level] = _integer(start.get(f"{W}val"), 1)
                numbering.levels[number_id].update(_levels(override))
        return numbering

    def label(self, number_id: str, level: int) -> str:
        """Return the label of the next paragraph of this numbering and level, "" for bullets and none."""
        levels = self.levels.get(number_id, {})
        here = levels.get(level)
        if here is None:
            return ""
        counters = self.counters.setdefault(self.abstract_of[number_id], {})
        if number_id not in self.seen:
            self.seen.add(number_id)
            for restarted, start in self.restarts.get(number_id, {}).items():
                counters[restarted] = start - 1
        counters[level] = counters.get(level, here.start - 1) + 1
        for deeper in [key for key in counters if key > level]:
            restart = levels[deeper].restart if deeper in levels else None
            if restart is None or level + 1 <= restart:
                del counters[deeper]
        text = here.pattern
        for above in range(9):
            mark = f"%{above + 1}"
            if mark in text:
                outer = levels.get(above, here)
                text = text.replace(mark, counter_text(counters.get(above, outer.start), outer.style))
        return "" if here.style == "bullet" else text


def _integer(text: str | None, default: int = 0) -> int:
    try:
        return int(text) if text else default
    except ValueError:
        return default


def _value(node: etree._Element, tag: str, default: str = "") -> str:
    found = node.find(f"{W}{tag}")
    return str(found.get(f"{W}val", default)) if found is not None else default


def _levels(node: etree._Element) -> dict[int, _Level]:
    return {
        _integer(level.get(f"{W}ilvl")): _Level(
            _value(level, "numFmt", "decimal"),
            _value(level, "lvlText"),
            _integer(_value(level, "start", "1"), 1),
            _value(level, "suff", "tab"),
            _integer(_value(level, "lvlRestart")) if level.find(f"{W}lvlRestart") is not None else None,
        )
        for level in node.iter(f"{W}lvl")
    }
