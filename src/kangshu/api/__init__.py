"""FHIR REST, operations, sign-in, and the one table from faults to HTTP."""

from kangshu.api.application import ROOT, SESSION_COOKIE, fhir_app, grant_of, session_token
from kangshu.api.endpoints import ENDPOINTS, Endpoint, endpoint_table
from kangshu.api.jurisdiction import ENTERED, enter_parameter, refresh_parameters
from kangshu.api.measure_report import measure_report
from kangshu.api.outcome import (
    ANSWERS,
    MethodNotOffered,
    answer_of,
    issues_outcome,
    outcome,
    status_of,
    title_of,
)
from kangshu.api.platform import Platform, Settings

__all__ = [
    "ANSWERS",
    "ENDPOINTS",
    "ENTERED",
    "ROOT",
    "SESSION_COOKIE",
    "Endpoint",
    "MethodNotOffered",
    "Platform",
    "Settings",
    "answer_of",
    "endpoint_table",
    "enter_parameter",
    "fhir_app",
    "grant_of",
    "issues_outcome",
    "measure_report",
    "outcome",
    "refresh_parameters",
    "session_token",
    "status_of",
    "title_of",
]
