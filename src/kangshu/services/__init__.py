"""Finds, checks and freezes service folders; names none of them."""

from kangshu.services.checks import check
from kangshu.services.city import CITY_CODE, CITY_NAME, Ran, division, draw_city, make_city, run_cases
from kangshu.services.city.outlines import make_outlines
from kangshu.services.city_records import names_in, read_city_folder
from kangshu.services.draft import Draft, discover, read_folder
from kangshu.services.findings import Finding
from kangshu.services.loading import freeze, load
from kangshu.services.scenario_checks import steps_of
from kangshu.services.skeleton import new

__all__ = [
    "CITY_CODE",
    "CITY_NAME",
    "Draft",
    "Finding",
    "Ran",
    "check",
    "discover",
    "division",
    "draw_city",
    "freeze",
    "load",
    "make_city",
    "make_outlines",
    "names_in",
    "new",
    "read_city_folder",
    "read_folder",
    "run_cases",
    "steps_of",
]
