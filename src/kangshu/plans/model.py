"""What the plans room answers: a plan as sections, clauses, targets and units, its lights and its board."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from kangshu.base.text import Text
from kangshu.plans.reading import SOFT, Anchor, Citation, Instrument, NamedThing

Light = Literal["green", "grey", "amber", "red"]
LIGHT_TITLES: dict[Light, Text] = {
    "green": Text("正常", "On track"),
    "amber": Text("预警", "At risk"),
    "red": Text("滞后", "Behind"),
    "grey": Text("未知", "Unknown"),
}
PlanState = Literal["in-force", "expired", "final-evaluation", "repealed"]
PLAN_STATE_TITLES: dict[PlanState, Text] = {
    "in-force": Text("执行中", "In force"),
    "expired": Text("到期", "Expired"),
    "final-evaluation": Text("终期评估", "Final evaluation"),
    "repealed": Text("废止", "Repealed"),
}
PlanStep = Literal["evaluate", "conclude", "repeal", "reinstate"]
FindingKind = Literal["clause", "target", "money"]
ReviewedHow = Literal["accepted", "corrected", "split", "merged", "added"]
EvidenceKind = Literal["measure", "reported", "statistics", "register-missing", "undecided"]
"""What proves a target."""
Role = Literal["lead", "cooperating"]
_NO_TEXT = Text("", "")
EVIDENCE_TITLES: dict[EvidenceKind, Text] = {
    "measure": Text("台账实时计算", "Computed from registers"),
    "reported": Text("责任单位填报", "Reported by the unit"),
    "statistics": Text("统计部门发布", "Released statistics"),
    "register-missing": Text("台账尚未建设", "Registers do not exist yet"),
    "undecided": Text("取数方式待定", "Not decided"),
}
TargetState = Literal["live", "silent", "awaiting-report", "awaiting-statistics", "register-missing"]
TARGET_STATES: dict[TargetState, Text] = {
    "live": Text("已有数值", "Has a value"),
    "silent": Text("指标暂无数值", "Its measure has no value yet"),
    "awaiting-report": Text("待填报", "Awaiting a report"),
    "awaiting-statistics": Text("待统计发布", "Awaiting statistics"),
    "register-missing": Text("台账尚未建设", "Registers do not exist yet"),
}
"""What a target of our own shows: exactly one of these. "live" is a value from registers, a report or a release."""
Figure = Decimal | tuple[Decimal, Decimal] | str
"""A figure as written: a number, a range, or text such as a ratio 1:1.6."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Who confirmed a finding, when (an instant), and by which act."""

    by: str
    on: str
    how: ReviewedHow


@dataclass(frozen=True, slots=True)
class UnitView:
    """A unit of a clause: as written, and the organisations that it means (none: an open question)."""

    written: str
    role: Role
    organisations: tuple[str, ...]
    outside: bool = False
    """Whether a person has said that it is none of the city's organisations, e.g. a department of the province."""
    answered_by: str = ""
    """Who said what it means, "" where the alias table did."""

    @property
    def resolved(self) -> bool:
        """Return whether it is known who is meant."""
        return bool(self.organisations) or self.outside


@dataclass(frozen=True, slots=True)
class SectionView:
    """A heading of the document. `parent` is the id of the section around it, "" at the top."""

    id: str
    level: int
    label: str
    title: str
    parent: str
    anchor: Anchor | None


@dataclass(frozen=True, slots=True)
class DutyView:
    """A duty (交办事项) that carries a clause: the case's own words, for a list."""

    task: str
    clause: str
    unit: str
    unit_name: str
    state: Text
    final: bool
    deadline: date | None
    overdue_days: int
    parent: str
    number: str = ""
    state_id: str = ""
    waits_for: str = ""
    """Whose move it is: `owner`, `requester` or ""."""
    nodes: Mapping[int, str] = field(default_factory=dict)
    """Quarter (1–4) → the day on which its node was reported."""
    slips: Mapping[str, int] = field(default_factory=dict)
    """How many 督办单 it was given, by colour: blue, yellow, red."""
    urged: int = 0
    started: date | None = None


@dataclass(frozen=True, slots=True)
class ClauseView:
    """One clause of work."""

    id: str
    section: str
    """Id of the innermost section around it."""
    chapter: str
    """Id of the outermost one, which is a row of the board."""
    title: str
    text: str
    mode: str
    units: tuple[UnitView, ...]
    targets: tuple[str, ...]
    anchor: Anchor
    units_anchor: Anchor | None
    adopted_as: str = ""
    """In another city's plan: id of our own plan that has taken this clause over."""
    duties: tuple[DutyView, ...] = ()
    light: Light = "grey"
    reviewed: Reviewed | None = None
    instrument: Instrument = "carry-out"
    """By what it moves things (政策措施): support, encourage, cancel, prohibit, …; `carry-out` is work to be done."""

    @property
    def soft(self) -> bool:
        """Return whether it asks nobody for a result (鼓励, 支持, 允许, 探索): without a completion standard it is 待明确."""
        return self.instrument in SOFT

    def of(self, role: Role) -> tuple[UnitView, ...]:
        """Return the units that have `role`."""
        return tuple(unit for unit in self.units if unit.role == role)


@dataclass(frozen=True, slots=True)
class LightPart:
    """One reason of a light, told with its inputs."""

    kind: Literal["value", "duties", "age", "forecast", "period"]
    light: Light
    text: Text


@dataclass(frozen=True, slots=True)
class Observation:
    """A value on a day."""

    day: date
    value: Decimal


@dataclass(frozen=True, slots=True)
class Forecast:
    """Where a target's values lead, with the method named.

    `value`, `low` and `high` are for the deadline; `reaches` is the day on which the target is expected to be
    reached, None where the trend does not lead there. With too few values `method` is "none" and all are None.
    """

    method: Literal["theil-sen", "none"]
    points: int
    needed: int
    value: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    at: date | None = None
    """The day for which it is told: the deadline."""
    per_year: Decimal | None = None
    reaches: date | None = None
    first: date | None = None
    last: date | None = None
    text: Text = _NO_TEXT
    """The method with its inputs and the range; why there is none."""
    brief: Text = _NO_TEXT
    """The value at the deadline alone."""


@dataclass(frozen=True, slots=True)
class TargetLight:
    """The light of a target, the worst of its parts, and what it was reckoned from."""

    light: Light
    parts: tuple[LightPart, ...]
    value: Decimal | None = None
    expected: Decimal | None = None
    """What a straight line from the baseline asks for today; the final value where no baseline is entered."""
    final: Decimal | None = None
    as_of: str = ""
    numerator: Decimal | None = None
    denominator: Decimal | None = None
    source: Literal["measure", "reported", "statistics", ""] = ""
    forecast: Forecast | None = None
    """Where the values seen so far lead; None where there is nothing to reckon with."""
    unit: str = ""
    """The unit of the value and of what is asked for: the target's, or % where a share of those that meet it is told."""
    history: tuple[Observation, ...] = ()
    """Earlier values of the same source by day: period ends of a measure, or what was reported or released before."""
    closed: PlanState | None = None
    """The state of a plan that is no longer in force: its targets show that word, grey, and are never red."""

    @property
    def title(self) -> Text:
        """Return the light's word: 到期 and the like where the plan has ended."""
        return PLAN_STATE_TITLES[self.closed] if self.closed else LIGHT_TITLES[self.light]

    @property
    def headline(self) -> Text:
        """Return the reason that decides the light, where a line must do."""
        return next((part.text for part in self.parts if part.light == self.light), self.explanation)

    @property
    def explanation(self) -> Text:
        """Return the rule and its inputs as one text."""
        return Text(
            "；".join(part.text.zh for part in self.parts), "; ".join(part.text.en for part in self.parts)
        )


@dataclass(frozen=True, slots=True)
class Baseline:
    """Where a target started from: a value, its day, and who says so."""

    value: Decimal
    day: date
    source: str


@dataclass(frozen=True, slots=True)
class Milestone:
    """A value to be reached on the way, at the end of `year`. `goal` is the target it was read from, "" where entered."""

    year: int
    value: Decimal
    source: str
    goal: str = ""


@dataclass(frozen=True, slots=True)
class Quota:
    """A district's share of a target. `district` is a division code."""

    district: str
    value: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class TargetEvidence:
    """What proves a target, why, and who decided; `decided_by` is "" where its words alone tell."""

    kind: EvidenceKind = "undecided"
    systems: tuple[str, ...] = ()
    """Ids of the mission's systems whose registers would prove it, the likeliest first."""
    matched: tuple[str, ...] = ()
    """The words that led there."""
    reason: Text = _NO_TEXT
    decided_by: str = ""
    decided_on: str = ""
    note: str = ""

    @property
    def title(self) -> Text:
        """Return what the kind is called."""
        return EVIDENCE_TITLES[self.kind]


@dataclass(frozen=True, slots=True)
class TargetView:
    """One figure to be reached. `due` is a year; a masked year (xxxx) stays as written until a person enters one."""

    id: str
    clause: str
    """Id of the clause it stands in, "" for a goal of the whole plan."""
    section: str
    chapter: str
    indicator: str
    span: str
    comparator: str
    value: Figure
    unit: str
    due: str
    masked: bool
    anchor: Anchor
    measure: str = ""
    """Id of the measure that proves it, "" for none."""
    confirmed: bool = False
    baseline: Baseline | None = None
    refused: tuple[str, ...] = ()
    """Ids of the measures that a person has refused for it."""
    due_written: str = ""
    """What the document says for the year where a person has entered one."""
    due_source: str = ""
    adopted_as: str = ""
    """In another city's plan, of a target in no clause: id of our own plan that has taken it over."""
    worded: bool = False
    """Whether the document says it without a number (全覆盖): the figure is how its words are understood."""
    linked_by: str = ""
    milestones: tuple[Milestone, ...] = ()
    quotas: tuple[Quota, ...] = ()
    evidence: TargetEvidence = TargetEvidence()
    light: TargetLight = field(default_factory=lambda: TargetLight("grey", ()))
    reviewed: Reviewed | None = None

    @property
    def state(self) -> TargetState:
        """Return what a target of our own shows."""
        if self.light.value is not None:
            return "live"
        match self.evidence.kind:
            case "measure":
                return "silent"
            case "statistics":
                return "awaiting-statistics"
            case "register-missing":
                return "register-missing"
            case _:
                return "awaiting-report"

    @property
    def state_title(self) -> Text:
        """Return in words what a target of our own shows; of registers still to be built the system that holds them."""
        return self.evidence.reason if self.state == "register-missing" else TARGET_STATES[self.state]

    @property
    def standard(self) -> bool:
        """Return whether the figure is a standard that each one has to meet (每个中心2名以上): a share is held to 100 %."""
        return self.unit != "%" and bool(_EACH.search(self.indicator + self.span))


@dataclass(frozen=True, slots=True)
class MoneyView:
    """A money rule of the document: amounts in yuan, shares and counts as written."""

    id: str
    clause: str
    span: str
    amount: str
    cap: str
    per: str
    condition: str
    anchor: Anchor
    reviewed: Reviewed | None = None


@dataclass(frozen=True, slots=True)
class DoubtView:
    """Something in the document that a person should look at; `settled_by` is who has, with what they found."""

    kind: str
    text: Text
    anchor: Anchor
    id: str = ""
    """`doubt-<place in the list>`."""
    settled_by: str = ""
    settled_on: str = ""
    note: str = ""
    other: Anchor | None = None
    """The place that it contradicts."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a plan is in its life. `basis` is the approving document of the last step; "" for all that nobody has said."""

    state: PlanState = "in-force"
    valid_from: date | None = None
    valid_until: date | None = None
    """The last day on which it holds: entered, else the document's own period, else its targets' last year."""
    period_source: str = ""
    """Who says the period where a person has entered it."""
    by: str = ""
    on: str = ""
    basis: str = ""
    replaced_by: str = ""
    replaced_by_plan: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of a plan's reading a person has confirmed."""

    confirmed: int
    total: int
    doubts: int
    """Doubts of the reader that nobody has settled; a masked year waits for a paper, not for an eye."""
    by: tuple[str, ...]
    """Who confirmed, whoever confirmed most first."""
    on: str
    """When the last finding was confirmed, an instant."""

    @property
    def approved(self) -> bool:
        """Return whether the plan is 已核定: every finding confirmed and every doubt settled."""
        return 0 < self.total == self.confirmed and not self.doubts


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan whole. `text` is the document as read, in which every anchor stands."""

    id: str
    version: int
    title: str
    jurisdiction: str
    foreign: bool
    demo: bool
    document: str
    """Id of the DocumentReference of the source."""
    text: str
    sections: tuple[SectionView, ...]
    clauses: tuple[ClauseView, ...]
    targets: tuple[TargetView, ...]
    money: tuple[MoneyView, ...]
    doubts: tuple[DoubtView, ...]
    unit_names: dict[str, str]
    """Organization id → name, of every unit of the plan."""
    standing: Standing = Standing()
    kind: str = "plan"
    """`plan`, or `reply` to a proposal (复函)."""
    span: tuple[int, int] = (0, 0)
    """Where in `text` the plan stands: a document may hold several."""
    named: tuple[NamedThing, ...] = ()
    """Projects, enterprises, parks, places, institutions and events that it calls by name."""
    citations: tuple[Citation, ...] = ()
    """Documents that it cites."""

    @property
    def progress(self) -> Progress:
        """Return how much of the reading is confirmed, and by whom."""
        said = [one.reviewed for one in self.clauses]
        said += [one.reviewed for one in self.targets]
        said += [one.reviewed for one in self.money]
        held = [one for one in said if one is not None]
        hands = [one.by for one in held]
        return Progress(
            len(held),
            len(said),
            sum(not one.settled_by and one.kind != "masked-year" for one in self.doubts),
            tuple(sorted(dict.fromkeys(hands), key=lambda by: -hands.count(by))),
            max((one.on for one in held), default=""),
        )

    @property
    def state(self) -> PlanState:
        """Return where the plan is today: in-force 执行中, expired 到期, final-evaluation 终期评估, repealed 废止."""
        return self.standing.state

    @property
    def valid_until(self) -> date | None:
        """Return the last day on which the plan holds, None where nobody knows."""
        return self.standing.valid_until

    @property
    def unresolved(self) -> tuple[str, ...]:
        """Return the units of which nobody has said who is meant, in the order of the document.

        Another city's units are nobody's question here.
        """
        if self.foreign:
            return ()
        written = (unit.written for clause in self.clauses for unit in clause.units if not unit.resolved)
        return tuple(dict.fromkeys(written))

    def target(self, identifier: str) -> TargetView | None:
        """Return the target with this id."""
        return next((one for one in self.targets if one.id == identifier), None)

    def clause(self, identifier: str) -> ClauseView | None:
        """Return the clause with this id."""
        return next((one for one in self.clauses if one.id == identifier), None)


_EACH = re.compile(r"每个|每家|每所|每位|每一|每年对|每年为|各|所有|全部|精确")
_ORDER: tuple[Light, ...] = ("green", "grey", "amber", "red")


def worst(lights: list[Light]) -> Light:
    """Return the worst of `lights`: red, amber, grey, green; grey for none, as nothing is known."""
    return max(lights, key=_ORDER.index) if lights else "grey"
