"""Views (SQL on FHIR v2) over the change feed, and measures (指标) evaluated on their published snapshots."""

from kangshu.measures.adopt import adopt
from kangshu.measures.anonymity import Demand
from kangshu.measures.audiences import counts_by_district
from kangshu.measures.awaited import PROOFS, awaited_resource, explain_awaited, explain_awaited_text
from kangshu.measures.definition import View, ViewColumn, read_view
from kangshu.measures.dimensions import DISTRICT, DIVISIONS, subject_type, with_shared
from kangshu.measures.direct import DirectViews, join_views
from kangshu.measures.examples import Worked, worked
from kangshu.measures.explain import Check, explain, explain_text
from kangshu.measures.extract import Extract, Risk, Terms, aggregated, deidentified, extract_grant
from kangshu.measures.funnel import Funnel, control_limits, dispersion, funnel, place_in_funnel
from kangshu.measures.intervals import confidence_limits, poisson, wilson
from kangshu.measures.keeper import Refreshed, ViewKeeper
from kangshu.measures.kept_answers import AnswerKeeper
from kangshu.measures.limits import (
    CONFIDENCE,
    CONTROL_INNER,
    CONTROL_OUTER,
    DATE_SHIFT,
    DOMINANCE,
    LEAST_CLASS,
    LEAST_UNITS,
    LEAST_VALUES,
    MARK_SHARE,
    MOST_DISTANCE,
    MOST_LEFT_OUT,
    MOST_ROWS,
    PARAMETERS,
    SMALL_CELL,
    Secrecy,
    figure,
)
from kangshu.measures.lint import (
    lint_dimensions,
    lint_extracts,
    lint_lists,
    lint_measures,
    lint_views,
)
from kangshu.measures.manifest import read_manifest
from kangshu.measures.published import (
    library_canonical,
    library_resource,
    measure_resource,
    view_canonical,
)
from kangshu.measures.report import (
    FEED_POSITION,
    LIMITS,
    LISTED,
    POPULATION_VALUE,
    Individual,
    individual_report,
    measure_canonical,
    measure_report,
)
from kangshu.measures.result import MeasureResult, MeasureRow, SubjectPage
from kangshu.measures.results import Computed, ResultKeeper, Wanted
from kangshu.measures.run import ENGINES, parse_view, run_view, run_view_file
from kangshu.measures.snapshot import Snapshot
from kangshu.measures.spark_measure import SPARK_FUNCTIONS, spark_measure, transpiled
from kangshu.measures.statement import parameter_name
from kangshu.measures.trace import Evidence, compared, fingerprint
from kangshu.measures.values import measure_value, parts_of, period_of
from kangshu.measures.views import CompiledView, Views
from kangshu.measures.work_lists import ListAsked, ListPage, ListRow, ListSum, Tally

__all__ = [
    "CONFIDENCE",
    "CONTROL_INNER",
    "CONTROL_OUTER",
    "DATE_SHIFT",
    "DISTRICT",
    "DIVISIONS",
    "DOMINANCE",
    "ENGINES",
    "FEED_POSITION",
    "LEAST_CLASS",
    "LEAST_UNITS",
    "LEAST_VALUES",
    "LIMITS",
    "LISTED",
    "MARK_SHARE",
    "MOST_DISTANCE",
    "MOST_LEFT_OUT",
    "MOST_ROWS",
    "PARAMETERS",
    "POPULATION_VALUE",
    "PROOFS",
    "SMALL_CELL",
    "SPARK_FUNCTIONS",
    "AnswerKeeper",
    "Check",
    "CompiledView",
    "Computed",
    "Demand",
    "DirectViews",
    "Evidence",
    "Extract",
    "Funnel",
    "Individual",
    "ListAsked",
    "ListPage",
    "ListRow",
    "ListSum",
    "MeasureResult",
    "MeasureRow",
    "Refreshed",
    "ResultKeeper",
    "Risk",
    "Secrecy",
    "Snapshot",
    "SubjectPage",
    "Tally",
    "Terms",
    "View",
    "ViewColumn",
    "ViewKeeper",
    "Views",
    "Wanted",
    "Worked",
    "adopt",
    "aggregated",
    "awaited_resource",
    "compared",
    "confidence_limits",
    "control_limits",
    "counts_by_district",
    "deidentified",
    "dispersion",
    "explain",
    "explain_awaited",
    "explain_awaited_text",
    "explain_text",
    "extract_grant",
    "figure",
    "fingerprint",
    "funnel",
    "individual_report",
    "join_views",
    "library_canonical",
    "library_resource",
    "lint_dimensions",
    "lint_extracts",
    "lint_lists",
    "lint_measures",
    "lint_views",
    "measure_canonical",
    "measure_report",
    "measure_resource",
    "measure_value",
    "parameter_name",
    "parse_view",
    "parts_of",
    "period_of",
    "place_in_funnel",
    "poisson",
    "read_manifest",
    "read_view",
    "run_view",
    "run_view_file",
    "spark_measure",
    "subject_type",
    "transpiled",
    "view_canonical",
    "wilson",
    "with_shared",
    "worked",
]
