"""The example scheme that is shipped: unverified, to be replaced by the authority's own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from importlib.resources import files

import yaml

from kangshu.plans.assessment.scheme import Scheme, from_data

_FULL = Decimal(100)


def example_scheme(
    year: int, units: Mapping[str, tuple[str, str]], first_day: date, last_day: date
) -> Scheme:
    """Return the example for `year`; `units` are (organisation id, name) by key, those it lacks are left out."""
    data = yaml.safe_load((files(__package__) / "example.yaml").read_text("utf-8"))
    return from_data(
        {
            "title": data["title"].format(year=year),
            "year": year,
            "first_day": first_day.isoformat(),
            "last_day": last_day.isoformat(),
            "source": data["source"],
            "verified": False,
            "classes": [
                {
                    "title": one["title"],
                    "total": str(_FULL),
                    "units": [
                        {"id": units[key][0], "name": units[key][1]} for key in one["units"] if key in units
                    ],
                    "items": one["items"],
                }
                for one in data["classes"]
            ],
        }
    )
