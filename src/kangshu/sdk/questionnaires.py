"""Scales and forms that are filled in for a resident: what a service folder declares in `questionnaires/*.yaml`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from kangshu.base.text import Text

ItemKind = Literal["choice", "choices", "integer", "decimal", "date", "boolean", "text", "paragraph"]
_NO_TEXT: Final = Text("", "")


@dataclass(frozen=True, slots=True)
class ScoreOption:
    """One answer of a `choice` or `choices`; `score` is None where the answer counts nothing."""

    code: str
    title: Text
    score: Decimal | None = None


@dataclass(frozen=True, slots=True)
class QuestionnaireItem:
    """One question. `number` is how the paper form counts it, such as B.1.1."""

    id: str
    title: Text
    kind: ItemKind = "choice"
    number: str = ""
    options: tuple[ScoreOption, ...] = ()
    required: bool = False
    help: Text = _NO_TEXT
    unit: str = ""
    least: Decimal | None = None
    most: Decimal | None = None
    """Bounds of a number; outside of them it is refused as a slip of the pen."""

    @property
    def scored(self) -> bool:
        """Return whether some answer counts."""
        return any(option.score is not None for option in self.options)


@dataclass(frozen=True, slots=True)
class QuestionnaireSection:
    """Items under one heading."""

    id: str
    title: Text
    items: tuple[QuestionnaireItem, ...]
    help: Text = _NO_TEXT


@dataclass(frozen=True, slots=True)
class QuestionnaireScore:
    """A sum over items, or a figure by `expression` (FHIRPath, see `kangshu.questionnaires.scoring`).

    `reverse` names items whose score counts from the other end (lowest + highest - score). `most` is the full mark.
    Unknown while one of the items has no answer.
    """

    id: str
    title: Text
    items: tuple[str, ...] = ()
    reverse: tuple[str, ...] = ()
    expression: str = ""
    most: Decimal | None = None
    unit: str = ""
    """UCUM; a score with a unit is a quantity in the result, one without is a number of points."""


@dataclass(frozen=True, slots=True)
class LevelOption:
    """One level. `least` names the dated parameter of the score from which it holds; "" is the level of all below."""

    code: str
    title: Text
    least: str = ""


@dataclass(frozen=True, slots=True)
class QuestionnaireLevel:
    """A level, of `score` by cut-offs or by `expression` (FHIRPath that gives a code). Options stand from best to worst."""

    id: str
    title: Text
    options: tuple[LevelOption, ...]
    score: str = ""
    expression: str = ""


@dataclass(frozen=True, slots=True)
class LevelChange:
    """A rule that changes a level: `to` a code, or by `worsen` or `improve` levels, when `when` (FHIRPath) holds.

    A change `to` a level stands before all others. `note` is shown beside it, such as what the source leaves open.
    """

    id: str
    title: Text
    level: str
    when: str
    to: str = ""
    worsen: int = 0
    improve: int = 0
    note: Text = _NO_TEXT


@dataclass(frozen=True, slots=True)
class QuestionnaireResult:
    """What the Observation says: `code` (system assessment), a score as value, a level as interpretation."""

    code: str
    score: str = ""
    level: str = ""
    level_system: str = ""
    """Name of the code system of the level, such as `ability-level`."""
    labels: tuple[str, ...] = ()
    """Sensitivity labels (v3-ActCode, such as PSY) of the form once signed and of all that is made of it."""


@dataclass(frozen=True, slots=True)
class MeasuredPart:
    """A figure of an observation: LOINC `code`, the item or score that it is `of`, its unit in UCUM."""

    code: str
    title: Text
    of: str
    unit: str


@dataclass(frozen=True, slots=True)
class MeasuredObservation:
    """An Observation that a signed form makes besides its result, in the words of the health record (LOINC, UCUM).

    One figure (`of`, `unit`), or `parts` such as both blood pressures. It is not made while a figure is missing.
    """

    code: str
    title: Text
    category: Literal["vital-signs", "laboratory", "exam"] = "exam"
    of: str = ""
    unit: str = ""
    parts: tuple[MeasuredPart, ...] = ()


@dataclass(frozen=True, slots=True)
class QuestionnaireDeclaration:
    """A questionnaire (量表、表单) that staff fill in for a resident or an organisation.

    `stacking` names the parameter that says how changes by levels add up: `once` (one level at most) or `each`.
    `assessors` names the parameter of how many people sign; `valid_months` that of how long the result holds.
    `note` is shown above the form: what of the scale no source has confirmed.
    """

    id: str
    service: str
    title: Text
    source: str
    sections: tuple[QuestionnaireSection, ...]
    help: Text = _NO_TEXT
    note: Text = _NO_TEXT
    subject_type: str = "Patient"
    scores: tuple[QuestionnaireScore, ...] = ()
    levels: tuple[QuestionnaireLevel, ...] = ()
    changes: tuple[LevelChange, ...] = ()
    stacking: str = ""
    assessors: str = ""
    valid_months: str = ""
    result: QuestionnaireResult | None = None
    observations: tuple[MeasuredObservation, ...] = ()
    order: int = 100

    @property
    def code(self) -> str:
        """Return the questionnaire's name in the installation: `service/questionnaire`."""
        return f"{self.service}/{self.id}"

    @property
    def items(self) -> Iterator[QuestionnaireItem]:
        """Return every item in order."""
        return (item for section in self.sections for item in section.items)
