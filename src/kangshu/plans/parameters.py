"""The dated parameters of the plans room itself. They are the product's own suggestions until a city enters its own."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import partial
from typing import Final

from kangshu.base.parameters import ParameterTable
from kangshu.plans.assessment.limits import ASSESSMENT_PARAMETERS
from kangshu.plans.calendar import CALENDAR_PARAMETERS
from kangshu.plans.forecast import ForecastRule
from kangshu.plans.lights import LightRule
from kangshu.plans.snapshot_calendar import SNAPSHOT_PARAMETERS
from kangshu.sdk import unverified_parameter

_declared = partial(unverified_parameter, source="待定：系统默认值，由本市规定", since=date(2000, 1, 1))

AMBER_BAND: Final = "plans.amber-band"
DATA_AGE: Final = "plans.data-age-days"
OVERDUE: Final = "plans.overdue-red-days"
REPORTING: Final = "plans.report-every-months"
FORECAST_MOST: Final = "plans.forecast-values"
FORECAST_LEAST: Final = "plans.forecast-values-needed"

PARAMETERS: Final = (
    *CALENDAR_PARAMETERS,
    *ASSESSMENT_PARAMETERS,
    *SNAPSHOT_PARAMETERS,
    _declared(
        AMBER_BAND,
        "预警带：达到应有值的多大比例仍为黄灯",
        "Amber band: share of what is asked for that is still amber",
        Decimal("0.9"),
        "1",
    ),
    _declared(
        DATA_AGE, "数据时效：超过多少天为黄灯", "Age of data after which the light is amber", Decimal(45), "d"
    ),
    _declared(
        OVERDUE,
        "交办事项超期多少天为红灯",
        "Days overdue after which a duty's light is red",
        Decimal(10),
        "d",
    ),
    _declared(
        FORECAST_MOST,
        "预测使用最近多少个数值",
        "How many of the last values a forecast uses",
        Decimal(8),
        "1",
    ),
    _declared(FORECAST_LEAST, "预测至少需要多少个数值", "How many values a forecast needs", Decimal(4), "1"),
    _declared(
        REPORTING,
        "无指标的目标每几个月填报一次",
        "Months between two reports of a target without a measure",
        Decimal(1),
        "month",
    ),
)
"""`app` puts these into the table of parameters beside those of the services."""


def light_rule(table: ParameterTable, jurisdiction: str, day: date) -> LightRule:
    """Return the rule of the lights in force for this place and day. Raises ParameterMissing."""
    return LightRule(
        Decimal(str(table.value(AMBER_BAND, jurisdiction, day))),
        int(table.value(DATA_AGE, jurisdiction, day)),
        int(table.value(OVERDUE, jurisdiction, day)),
        ForecastRule(
            int(table.value(FORECAST_MOST, jurisdiction, day)),
            int(table.value(FORECAST_LEAST, jurisdiction, day)),
        ),
    )


def reporting_months(table: ParameterTable, jurisdiction: str, day: date) -> int:
    """Return how many calendar months lie between two reports. Raises ParameterMissing."""
    return max(1, int(table.value(REPORTING, jurisdiction, day)))


def overdue_days(table: ParameterTable, jurisdiction: str, day: date) -> int:
    """Return after how many days an overdue duty is red. Raises ParameterMissing."""
    return int(table.value(OVERDUE, jurisdiction, day))
