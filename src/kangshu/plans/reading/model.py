"""What reading a plan finds: outline, tasks, targets, money rules and doubts, each anchored in the source."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from kangshu.base.text import Text

Mode = Literal["lead-first", "joint", "respective", "unspecified"]
Comparator = Literal[
    "=", ">=", ">", "<=", "<", "about", "increase_to", "decrease_to", "increase_by", "decrease_by", "double"
]
Number = int | float
Quantity = Number | str | tuple[Number, ...]  # a number, a ratio "1:1.6", a range (3, 5)


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place in the source: offsets in `Document.text` and a hash of what stood there."""

    start: int
    end: int
    hash: str

    @classmethod
    def at(cls, text: str, start: int, end: int) -> Anchor:
        """Return the anchor of `text[start:end]`; the hash is the first 16 hex digits of its SHA-256."""
        digest = sha256(text[start:end].encode("utf-8", "surrogatepass")).hexdigest()[:16]
        return cls(start, end, digest)

    def holds(self, text: str) -> bool:
        """Return whether `text` still has at this place what was read there."""
        return Anchor.at(text, self.start, self.end) == self


@dataclass(frozen=True, slots=True)
class Heading:
    """One heading: its label as written, its title, its level 1…4, and where its title starts."""

    level: int
    label: str
    title: str
    anchor: Anchor


@dataclass(frozen=True, slots=True)
class TaskFinding:
    """One clause of work with the units that answer for it."""

    heading: str
    text_start: str
    text: str
    lead: tuple[str, ...]
    cooperating: tuple[str, ...]
    mode: Mode
    anchor: Anchor  # the clause, from its first word to where its units begin
    units_anchor: Anchor  # where the units are written


@dataclass(frozen=True, slots=True)
class TargetFinding:
    """One figure to be reached. `deadline` is a year, a masked year (xxxx, 20xx), or None."""

    span: str
    indicator: str
    comparator: Comparator
    value: Quantity
    unit: str
    deadline: str | None
    anchor: Anchor


@dataclass(frozen=True, slots=True)
class MoneyFinding:
    """One subsidy, reward or fee: `amount` and `cap` in yuan, or a share ("30%"), or a count as written."""

    span: str
    amount: Quantity
    cap: Quantity | None
    currency: str
    per: str | None
    condition: str | None
    anchor: Anchor


ThingKind = Literal["project", "enterprise", "park", "place", "institution", "event"]
FigureKind = Literal["investment", "beds", "area"]


@dataclass(frozen=True, slots=True)
class NamedFigure:
    """A figure of a named thing, as written: 总投资 3.5 亿元."""

    kind: FigureKind
    value: str
    unit: str


@dataclass(frozen=True, slots=True)
class NamedThing:
    """Something that the text calls by name. `anchor` is its first place, `places` all of them."""

    kind: ThingKind
    name: str
    anchor: Anchor
    places: tuple[Anchor, ...]
    figures: tuple[NamedFigure, ...]


@dataclass(frozen=True, slots=True)
class Citation:
    """A document that the text cites, once, with every place. `number` and `date` are "" where none is written."""

    title: str
    number: str
    date: str
    anchor: Anchor
    places: tuple[Anchor, ...]


DoubtKind = Literal[
    "bracket",
    "numbering",
    "masked-year",
    "unit",
    "figure",
    "deadline",
    "role",
    "sum",
    "money",
    "unit-of-measure",
    "garbled",
    "truncated",
]


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something that a person should look at."""

    kind: DoubtKind
    text: Text
    anchor: Anchor
    other: Anchor | None = None
    """The place that this one contradicts."""


@dataclass(frozen=True, slots=True)
class Reading:
    """All that was found in one document, in reading order."""

    outline: tuple[Heading, ...] = ()
    tasks: tuple[TaskFinding, ...] = ()
    targets: tuple[TargetFinding, ...] = ()
    worded: tuple[TargetFinding, ...] = ()
    """Goals that the text says without a number (全覆盖, 七大基地): for a person to confirm."""
    money: tuple[MoneyFinding, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    sha256: str = ""  # of the document's bytes

    def as_json(self) -> dict[str, Any]:
        """Return the findings as plain JSON: keys tasks, targets, money, outline.

        Offsets are `start` (and `end` of a task); a range is a list of two numbers, an unknown value null.
        """
        return {
            "tasks": [
                {
                    "heading": task.heading,
                    "text_start": task.text_start,
                    "lead": list(task.lead),
                    "cooperating": list(task.cooperating),
                    "mode": task.mode,
                    "start": task.anchor.start,
                    "end": task.anchor.end,
                }
                for task in self.tasks
            ],
            "targets": [
                {
                    "span": target.span,
                    "start": target.anchor.start,
                    "indicator": target.indicator,
                    "comparator": target.comparator,
                    "value": _plain(target.value),
                    "unit": target.unit,
                    "deadline": target.deadline,
                }
                for target in self.targets
            ],
            "money": [
                {
                    "span": rule.span,
                    "start": rule.anchor.start,
                    "amount": _plain(rule.amount),
                    "currency": rule.currency,
                    "per": rule.per,
                    "cap": _plain(rule.cap),
                    "condition": rule.condition,
                }
                for rule in self.money
            ],
            "outline": [
                {
                    "level": heading.level,
                    "label": heading.label,
                    "title": heading.title,
                    "start": heading.anchor.start,
                }
                for heading in self.outline
            ],
        }


def _plain(value: Quantity | None) -> Number | str | list[Number] | None:
    return list(value) if isinstance(value, tuple) else value
