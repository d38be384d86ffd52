"""How warnings live, as dated parameters of the city: nobody's document gives these figures."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Final

from kangshu.sdk import unverified_parameter

_declared = partial(
    unverified_parameter, source="预警处置办法（待主管部门明确，待核实）", since=date(2020, 1, 1)
)

OFFICE: Final = _declared(
    "warnings.office",
    "预警默认主管单位（机构编号）",
    "Office that acts on warnings where no rule names another (id of the organisation)",
    "unit-health-commission",
    "",
)
HIGHER: Final = _declared(
    "warnings.higher-office",
    "预警升级的上级单位（机构编号）",
    "Higher office to which warnings rise (id of the organisation)",
    "unit-city-government",
    "",
)
LEAST: Final = _declared(
    "warnings.least-denominator",
    "比例类指标预警的最小分母",
    "Least denominator of a share that warns",
    20,
    "1",
)
CONFIDENCE: Final = _declared(
    "warnings.confidence",
    "控制限的置信水平（多地多机构同时比较）",
    "Level of the control limits, many places being compared at once",
    99.8,
    "%",
)
MOST_EACH: Final = _declared(
    "warnings.most-each",
    "逐条预警的最多条数（超过后按机构合并）",
    "Most single warnings of a rule for one institution; more are told as one",
    10,
    "1",
)
GROWTH: Final = _declared(
    "warnings.growth",
    "合并预警条数增长多少再次提醒",
    "Growth of a collected warning that is told again",
    50,
    "%",
)
QUIET_DAYS: Final = _declared(
    "warnings.quiet-days",
    "人工核销后多少天内同因不再预警",
    "Days in which a warning that was closed by people is not raised again for the same cause",
    14,
    "d",
)
PARAMETERS: Final = (OFFICE, HIGHER, LEAST, CONFIDENCE, MOST_EACH, GROWTH, QUIET_DAYS)
