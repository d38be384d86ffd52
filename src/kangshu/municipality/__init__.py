"""Whole municipalities of made residents, of any size: as view tables, or as FHIR NDJSON (`kangshu city make`).

Each kind of record is described once, as facts (SQL) and a FHIR template; view rows are traced from the template. What
a service adds stands in its folder (`city/*.yaml`). See docs/adr/0042-city-generator.md.
"""

from kangshu.municipality.ground import BLOCK, CELL, CENSUS, Municipality, age_shares, diseases, facts
from kangshu.municipality.making import MEMORY, Made, Step, city_records, make_resources, make_views
from kangshu.municipality.template import Template
from kangshu.municipality.tracing import Tracer

__all__ = [
    "BLOCK",
    "CELL",
    "CENSUS",
    "MEMORY",
    "Made",
    "Municipality",
    "Step",
    "Template",
    "Tracer",
    "age_shares",
    "city_records",
    "diseases",
    "facts",
    "make_resources",
    "make_views",
]
