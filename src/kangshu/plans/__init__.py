"""Documents to plans; duties, targets, lights, and supervision's view of them."""

from importlib.resources import files

from kangshu.plans.adopting import AdoptionPreview
from kangshu.plans.duties import CARRIES
from kangshu.plans.instructions import CARRIES_INSTRUCTION, Instruction
from kangshu.plans.intake import PartPreview, ReceivedDocument
from kangshu.plans.lights import LightRule, light_of
from kangshu.plans.model import (
    LIGHT_TITLES,
    PLAN_STATE_TITLES,
    Adoption,
    AssignedDuty,
    Assignment,
    Baseline,
    Board,
    BoardCell,
    ClauseView,
    DoubtView,
    DutyView,
    Light,
    LightPart,
    MoneyView,
    PlanImport,
    PlanRow,
    PlanState,
    PlanStep,
    PlanView,
    SectionView,
    Standing,
    Suggestion,
    TargetLight,
    TargetView,
    UnitView,
)
from kangshu.plans.parameters import PARAMETERS
from kangshu.plans.plans import Plans
from kangshu.plans.reading import Reading, read_plan
from kangshu.plans.reports import DueReport, ReportedValue
from kangshu.plans.review import QUEUES, LinkQuestion, PlanReview, Queue, UnitQuestion
from kangshu.plans.shape import PLAN_CLAUSE, PLAN_TARGET
from kangshu.plans.snapshots import FrozenSnapshot, SnapshotRow, Snapshots
from kangshu.plans.states import STEP_TITLES, STEPS, Period
from kangshu.plans.units import ResolvedUnit, UnitDirectory
from kangshu.plans.values import Values, snapshot_values


def sample_plan(form: str = "docx") -> tuple[str, bytes]:
    """Return (file name, bytes) of the demo city's plan, our own text, as `docx` or `txt`."""
    name = f"yunxi-plan.{'txt' if form == 'txt' else 'docx'}"
    return name, files(__package__).joinpath("samples").joinpath(name).read_bytes()


__all__ = [
    "CARRIES",
    "CARRIES_INSTRUCTION",
    "LIGHT_TITLES",
    "PARAMETERS",
    "PLAN_CLAUSE",
    "PLAN_STATE_TITLES",
    "PLAN_TARGET",
    "QUEUES",
    "STEPS",
    "STEP_TITLES",
    "Adoption",
    "AdoptionPreview",
    "AssignedDuty",
    "Assignment",
    "Baseline",
    "Board",
    "BoardCell",
    "ClauseView",
    "DoubtView",
    "DueReport",
    "DutyView",
    "FrozenSnapshot",
    "Instruction",
    "Light",
    "LightPart",
    "LightRule",
    "LinkQuestion",
    "MoneyView",
    "PartPreview",
    "Period",
    "PlanImport",
    "PlanReview",
    "PlanRow",
    "PlanState",
    "PlanStep",
    "PlanView",
    "Plans",
    "Queue",
    "Reading",
    "ReceivedDocument",
    "ReportedValue",
    "ResolvedUnit",
    "SectionView",
    "SnapshotRow",
    "Snapshots",
    "Standing",
    "Suggestion",
    "TargetLight",
    "TargetView",
    "UnitDirectory",
    "UnitQuestion",
    "UnitView",
    "Values",
    "light_of",
    "read_plan",
    "sample_plan",
    "snapshot_values",
]
