"""Reads a list of responsible units: 牵头单位:A,配合单位:B、C / A牵头,B、C按职责分工负责 / A、B。"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from kangshu.plans.reading.lexicon import compiled, tables, words
from kangshu.plans.reading.model import Mode

Role = Literal["lead", "answer", "share", "implement", "cooperate", "ignore", ""]


@dataclass(slots=True)
class Assignment:
    """Units by role, as one note states them."""

    units: list[tuple[Role, str]] = field(default_factory=list)
    states_rule: bool = False  # says that the first named unit leads (排第一的为牵头单位)
    marked: bool = False  # has any role word or label at all

    def of(self, *roles: Role) -> list[str]:
        """Return the units that have one of `roles`, in order."""
        return [unit for role, unit in self.units if role in roles]


@cache
def label_pattern() -> re.Pattern[str]:
    """Return the pattern of a role label: 牵头(责任)单位:, 配合单位:, 完成时限: …"""
    lead, answer, cooperate, holder = (
        words("roles", key) for key in ("lead_label", "answer_label", "cooperate_label", "holder")
    )
    role = f"(?P<lead>{lead}(?:{answer})?)|(?P<cooperate>(?:{cooperate}|{answer}(?={cooperate}))(?:{answer}|{cooperate})?)|(?P<answer>(?:主要)?{answer}(?:{lead})?)"
    return re.compile(
        rf"(?:(?P<ignore>{words('roles', 'other_label')})|(?:{role})(?:(?:和|及|、)?{words('roles', 'cooperate_label')})?(?:责任)?{holder}{{1,2}}|(?P<bare>(?:{lead}|{cooperate}|{answer})(?=\s*:)))\s*[:是为]\s*(?!主)"
    )


@cache
def _label_role() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(words("roles", key)) for key in ("lead_label", "cooperate_label", "answer_label"))


def _role_of_label(match: re.Match[str]) -> Role:
    if match.group("ignore"):
        return "ignore"
    if match.group("lead"):
        return "lead"
    if match.group("cooperate"):
        return "cooperate"
    if match.group("answer"):
        return "lead" if re.search(words("roles", "lead_label"), match.group("answer")) else "answer"
    text = match.group("bare") or ""
    lead, cooperate, _ = _label_role()
    return "lead" if lead.search(text) else "cooperate" if cooperate.search(text) else "answer"


@cache
def _suffix_role() -> re.Pattern[str]:
    parts = "|".join(
        f"(?P<{role}>{words('roles', key)})"
        for role, key in (
            ("lead", "lead_word"),
            ("share", "share_word"),
            ("implement", "implement_word"),
            ("cooperate", "cooperate_word"),
            ("answer", "answer_word"),
        )
    )
    return re.compile(rf"(?:{parts})\s*$")


@cache
def _first_leads() -> re.Pattern[str]:
    return re.compile(words("roles", "first_leads"))


@cache
def _tail() -> re.Pattern[str]:
    return re.compile(words("roles", "tail"))


@cache
def _lead_in() -> re.Pattern[str]:
    return re.compile(tables()["roles"]["lead_in"])


@cache
def organisation() -> re.Pattern[str]:
    """Return the pattern that a whole unit name matches."""
    return re.compile(
        rf"(?:{tables()['organisations']['generic']}|.*{words('organisations', 'suffix')})(?:\([^()]*\)|\[[^\[\]]*\])?$",
        re.DOTALL,
    )


def like_organisation(name: str) -> bool:
    """Return whether `name` looks like the name of a unit."""
    return (
        2 <= len(name) <= 40 and bool(organisation().match(name)) and not re.search(r"[。:;?!]|\d{3,}", name)
    )


def split_top(text: str, separators: str) -> list[str]:
    """Split `text` at `separators` outside brackets."""
    parts: list[str] = []
    depth, start = 0, 0
    for position, character in enumerate(text):
        if character in "([〈":
            depth += 1
        elif character in ")]〉":
            depth = max(0, depth - 1)
        elif depth == 0 and character in separators:
            parts.append(text[start:position])
            start = position + 1
    parts.append(text[start:])
    return parts


@cache
def _open_collective() -> re.Pattern[str]:
    place = words("organisations", "place_words")
    return re.compile(rf"^(?:[^各]{{0,4}})各(?:有关|相关|级|{place}){{1,3}}$")


@cache
def _closing_collective() -> re.Pattern[str]:
    place = words("organisations", "place_words")
    return re.compile(rf"^(?:{place}){{1,3}}(?:人民政府|政府|办事处|管委会|党工委|党委|委员会)?$")


@cache
def _joint() -> re.Pattern[str]:
    before = words("organisations", "joins_before")
    suffix = words("organisations", "suffix")
    return re.compile(
        rf"(?<=..)(?:以及|及其|及|和|与)(?={before})|(?<=..)(?:以及|及|和|与)(?=[^和及与]{{1,12}}管委会)"
        rf"|(?<={'局'})(?:和|与|及)(?=[市省区县州国各])|(?<=[委厅部府会])(?:和|与|及)(?=[市省区县州国各])(?!{suffix}$)"
    )


def split_units(text: str) -> list[str]:
    """Return the unit names of a list, as written: split at 、，,；; and spaces, never inside brackets."""
    text = re.sub(r"\n\s*", "", text)
    parts: list[str] = []
    for part in split_top(text, "、,;\t"):
        for piece in split_top(part, " "):
            parts.extend(_joint().split(piece) if not piece.startswith(("(", "[")) else [piece])
    units: list[str] = []
    for part in parts:
        unit = clean_unit(part)
        if not unit:
            continue
        if units and _open_collective().match(units[-1]) and _closing_collective().match(unit):
            units[-1] = f"{units[-1]}、{unit}"
        else:
            units.append(unit)
    return units


def clean_unit(text: str) -> str:
    """Return one unit name without role words, 等 and stray punctuation."""
    unit = text.strip(" \t\n。.,、;:'\"“”")
    unit = _lead_in().sub("", unit)
    unit = _tail().sub("", unit).strip(" 。.,、;:")
    if re.search(r"\d{2,}年|\d月|(?:完成|推进|时限)$", unit):
        return ""
    if re.fullmatch(r"(?:下|以下|后)同|具体|按职责分工|各自职责|等", unit) or unit.startswith("其中"):
        return ""
    return unit if unit.count("(") == unit.count(")") else unit.strip("()")


def read_units(text: str) -> Assignment:
    """Return who is named in `text` (folded, without its outer brackets) and in which role."""
    result = Assignment()
    found = _first_leads().search(text)
    if found:
        result.states_rule = True
        end = re.compile(r"[,。;)、]|$").search(text, found.end())
        text = text[: found.start()].rstrip("( ,;。") + (text[end.start() :] if end else "")
        text = compiled("roles", "rest_rule").sub("", text)
    text = compiled("roles", "explanation").sub("", text)
    text = re.sub(r"[,;。(]\s*(?:下|以下|后)同\s*\)?", "", text)
    role: Role = ""
    position = 0
    for label in label_pattern().finditer(text):
        if text[position : label.start()].count("(") > text[position : label.start()].count(")"):
            continue
        _read_part(text[position : label.start()], role, result)
        role, position = _role_of_label(label), label.end()
        result.marked = result.marked or role != "ignore"
    _read_part(text[position:], role, result)
    return result


def units_line(content: str) -> Assignment | None:
    """Return who a table cell names, None when it is no list of units."""
    if len(content) > 300 or re.search(
        r"[。:](?!\s*$)", content.replace("。", "", 1) if content.endswith("。") else content
    ):
        return None
    read = read_units(content)
    names = [unit for _, unit in read.units]
    if (
        names
        and all(map(like_organisation, names))
        and max(map(len, names)) <= 26
        and not re.search(r"\d|已|完成", content)
        and not re.match(r"\d|[一二三四五六七八九十]+、|\(", content)
    ):
        return read
    return None


def _read_part(text: str, role: Role, result: Assignment) -> None:
    if role == "ignore" or not text.strip():
        return
    pending: list[str] = []
    for chunk in split_top(text, ",;。"):
        chunk = chunk.strip()
        if not chunk or chunk.startswith("其中"):
            continue
        suffix = _suffix_role().search(chunk)
        if (suffix and suffix.start() > 0) or (suffix and pending):
            kind: Role = suffix.lastgroup or ""  # type: ignore[assignment]
            result.marked = True
            head = chunk[: suffix.start()]
            if pending and kind in ("cooperate", "implement"):  # A,B配合: A has the role of the label
                result.units.extend((role, unit) for unit in pending)
                pending = []
            joined = compiled("roles", "together_with").search(head)
            if joined and joined.start() > 1:  # 由A会同B负责
                result.units.extend(
                    ("lead", unit) for unit in [*pending, *split_units(head[: joined.start()])]
                )
                result.units.extend(("cooperate", unit) for unit in split_units(head[joined.end() :]))
                pending = []
                continue
            inner = re.search(words("roles", "lead_word") + r"、", head)
            if inner:  # A牵头、B负责
                result.units.extend(
                    ("lead", unit) for unit in [*pending, *split_units(head[: inner.start()])]
                )
                pending, head = [], head[inner.end() :]
            result.units.extend((kind, unit) for unit in [*pending, *split_units(head)])
            pending = []
        else:
            pending.extend(split_units(chunk))
    result.units.extend((role, unit) for unit in pending)


def decide(assignment: Assignment, *, first_leads: bool) -> tuple[Mode, list[str], list[str]]:
    """Return mode, lead units and cooperating units of an assignment.

    `first_leads`: a rule of the document says that the first of several responsible units leads.
    """
    lead = _unique(assignment.of("lead"))
    if lead:
        others = _unique(assignment.of("share", "answer", "", "cooperate", "implement"), lead)
        return ("joint" if len(lead) > 1 else "lead-first"), lead, others
    share = _unique(assignment.of("share"))
    plain = _unique(assignment.of("answer", ""))
    cooperating = _unique(assignment.of("cooperate", "implement"))
    if share:
        return "respective", share, [unit for unit in _unique(plain + cooperating) if unit not in share]
    if plain and cooperating and not (len(plain) > 1 and assignment.of("implement")):
        mode: Mode = "lead-first" if len(plain) == 1 else "joint"
        if first_leads and len(plain) > 1:
            return "lead-first", plain[:1], _unique(plain[1:] + cooperating)
        return mode, plain, [unit for unit in cooperating if unit not in plain]
    units = _unique(plain + cooperating)
    return ("lead-first" if first_leads else "unspecified"), units[:1], units[1:]


def _unique(units: list[str], known: list[str] | None = None) -> list[str]:
    seen = set(known or ())
    kept: list[str] = []
    for unit in units:
        if unit not in seen:
            seen.add(unit)
            kept.append(unit)
    return kept
