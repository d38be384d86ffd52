"""Documents to plans; duties, targets, lights, and supervision's view of them."""

from importlib.resources import files

from kangshu.plans.adopting import AdoptionPreview
from kangshu.plans.assessment import (
    FORMULAS,
    Assessments,
    RankedSheet,
    Scheme,
    SchemeItem,
    UnitClass,
    UnitSheet,
    example_scheme,
    ground_of,
    scheme_sheets,
    score_of,
)
from kangshu.plans.calendar import ReturnPeriod
from kangshu.plans.circulars import Circular, PublishedCircular
from kangshu.plans.citing import Cited
from kangshu.plans.desk import Act, Desk
from kangshu.plans.due_values import DueReport, lead_units, may_report
from kangshu.plans.duties import CARRIES, CARRIES_SLIP, SLIP_COLOURS
from kangshu.plans.duty_list import QUARTERS, DutyEntry, QuarterNode, entries_of, entry_for
from kangshu.plans.duty_lists import AssignmentPreview, DutyLine, DutyList, DutyLists, NodeLine
from kangshu.plans.duty_sheets import COLUMNS, SheetEntry, SheetFinding, SheetReading
from kangshu.plans.evidence import (
    DECIDABLE,
    missing_reason,
)
from kangshu.plans.forecast import ForecastRule, forecast
from kangshu.plans.gaps import Approval, Filling, Gap, Gaps
from kangshu.plans.history import History, Revision, Revisions
from kangshu.plans.instructions import CARRIES_INSTRUCTION, Instruction
from kangshu.plans.intake import PartPreview, ReceivedDocument
from kangshu.plans.lights import LightRule, light_of
from kangshu.plans.lineage import Lineage, Relations
from kangshu.plans.model import (
    EVIDENCE_TITLES,
    LIGHT_TITLES,
    PLAN_STATE_TITLES,
    TARGET_STATES,
    Baseline,
    ClauseView,
    DoubtView,
    DutyView,
    EvidenceKind,
    Forecast,
    Light,
    LightPart,
    Milestone,
    MoneyView,
    Observation,
    PlanState,
    PlanStep,
    PlanView,
    Progress,
    Reviewed,
    SectionView,
    Standing,
    TargetEvidence,
    TargetLight,
    TargetState,
    TargetView,
    UnitView,
)
from kangshu.plans.outcomes import (
    Adoption,
    AssignedDuty,
    Assignment,
    Board,
    BoardCell,
    PlanImport,
    PlanRow,
    Suggestion,
)
from kangshu.plans.papers import Paper, Papers
from kangshu.plans.parameters import PARAMETERS
from kangshu.plans.plans import Plans
from kangshu.plans.publishing import PUBLICATION_TITLES, Publication, Publications, slug_of
from kangshu.plans.quotas import QuotaLine, quota_lines
from kangshu.plans.reading import Reading, read_plan
from kangshu.plans.reports import (
    RELEASE_KINDS,
    Correction,
    Release,
    ReleaseKind,
    ReportedValue,
    Submission,
    standing,
)
from kangshu.plans.returns import STANDINGS, ReturnRow, Returns, ReturnsTable
from kangshu.plans.returns_taken import OUTLETS
from kangshu.plans.review import QUEUES, LinkQuestion, PlanReview, Queue, UnitQuestion
from kangshu.plans.shape import PLAN_CLAUSE, PLAN_TARGET
from kangshu.plans.snapshot_changes import SnapshotChanges
from kangshu.plans.snapshot_model import FrozenSnapshot, SnapshotRow
from kangshu.plans.snapshots import Snapshots
from kangshu.plans.states import STEP_TITLES, STEPS, Period
from kangshu.plans.supervision import DutyUnderWay, UnitStanding, by_unit
from kangshu.plans.systems import Catalogue, PlanSystem, catalogue
from kangshu.plans.target_work import ENTER_STATISTICS, StatisticTarget, TargetWork
from kangshu.plans.trajectory import Course, Waypoint, annual, asked_on, waypoints
from kangshu.plans.units import ResolvedUnit, UnitDirectory
from kangshu.plans.values import PastValues, Values, snapshot_values


def sample_plan(form: str = "docx") -> tuple[str, bytes]:
    """Return (file name, bytes) of the demo city's plan, our own text, as `docx` or `txt`."""
    name = f"yunxi-plan.{'txt' if form == 'txt' else 'docx'}"
    return name, files(__package__).joinpath("samples").joinpath(name).read_bytes()


def sample_higher_plan() -> tuple[str, bytes]:
    """Return (file name, bytes) of the plan of the demo city's province, our own text."""
    name = "province-plan.txt"
    return name, files(__package__).joinpath("samples").joinpath(name).read_bytes()


__all__ = [
    "CARRIES",
    "CARRIES_INSTRUCTION",
    "CARRIES_SLIP",
    "COLUMNS",
    "DECIDABLE",
    "ENTER_STATISTICS",
    "EVIDENCE_TITLES",
    "FORMULAS",
    "LIGHT_TITLES",
    "OUTLETS",
    "PARAMETERS",
    "PLAN_CLAUSE",
    "PLAN_STATE_TITLES",
    "PLAN_TARGET",
    "PUBLICATION_TITLES",
    "QUARTERS",
    "QUEUES",
    "RELEASE_KINDS",
    "SLIP_COLOURS",
    "STANDINGS",
    "STEPS",
    "STEP_TITLES",
    "TARGET_STATES",
    "Act",
    "Adoption",
    "AdoptionPreview",
    "Approval",
    "Assessments",
    "AssignedDuty",
    "Assignment",
    "AssignmentPreview",
    "Baseline",
    "Board",
    "BoardCell",
    "Catalogue",
    "Circular",
    "Cited",
    "ClauseView",
    "Correction",
    "Course",
    "Desk",
    "DoubtView",
    "DueReport",
    "DutyEntry",
    "DutyLine",
    "DutyList",
    "DutyLists",
    "DutyUnderWay",
    "DutyView",
    "EvidenceKind",
    "Filling",
    "Forecast",
    "ForecastRule",
    "FrozenSnapshot",
    "Gap",
    "Gaps",
    "History",
    "Instruction",
    "Light",
    "LightPart",
    "LightRule",
    "Lineage",
    "LinkQuestion",
    "Milestone",
    "MoneyView",
    "NodeLine",
    "Observation",
    "Paper",
    "Papers",
    "PartPreview",
    "PastValues",
    "Period",
    "PlanImport",
    "PlanReview",
    "PlanRow",
    "PlanState",
    "PlanStep",
    "PlanSystem",
    "PlanView",
    "Plans",
    "Progress",
    "Publication",
    "Publications",
    "PublishedCircular",
    "QuarterNode",
    "Queue",
    "Quota",
    "QuotaLine",
    "RankedSheet",
    "Reading",
    "ReceivedDocument",
    "Relations",
    "Release",
    "ReleaseKind",
    "ReportedValue",
    "ResolvedUnit",
    "ReturnPeriod",
    "ReturnRow",
    "Returns",
    "ReturnsTable",
    "Reviewed",
    "Revision",
    "Revisions",
    "Scheme",
    "SchemeItem",
    "SectionView",
    "SheetEntry",
    "SheetFinding",
    "SheetReading",
    "SnapshotChanges",
    "SnapshotRow",
    "Snapshots",
    "Standing",
    "StatisticTarget",
    "Submission",
    "Suggestion",
    "TargetEvidence",
    "TargetLight",
    "TargetState",
    "TargetView",
    "TargetWork",
    "UnitClass",
    "UnitDirectory",
    "UnitQuestion",
    "UnitSheet",
    "UnitStanding",
    "UnitView",
    "Values",
    "Waypoint",
    "annual",
    "asked_on",
    "by_unit",
    "catalogue",
    "entries_of",
    "entry_for",
    "example_scheme",
    "forecast",
    "ground_of",
    "lead_units",
    "light_of",
    "may_report",
    "missing_reason",
    "quota_lines",
    "read_plan",
    "sample_higher_plan",
    "sample_plan",
    "scheme_sheets",
    "score_of",
    "slug_of",
    "snapshot_values",
    "standing",
    "waypoints",
]
