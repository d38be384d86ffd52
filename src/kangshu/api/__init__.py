"""FHIR REST, operations, sign-in, and the one table from faults to HTTP."""

from kangshu.api.application import ROOT, SESSION_COOKIE, fhir_app, grant_of, session_token
from kangshu.api.auditing import AuditCheck, check_audit
from kangshu.api.endpoints import ENDPOINTS, Endpoint, endpoint_table
from kangshu.api.importing import (
    AccountsMade,
    accounts_template,
    division_names,
    divisions_template,
    import_account_sheet,
    import_divisions,
    import_parameters,
    import_roles,
    parameter_value,
    parameters_template,
    roles_template,
)
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
from kangshu.api.telling import tell, tell_refused
from kangshu.registers import ImportReport
from kangshu.store import AuditQuery

__all__ = [
    "ANSWERS",
    "ENDPOINTS",
    "ENTERED",
    "ROOT",
    "SESSION_COOKIE",
    "AccountsMade",
    "AuditCheck",
    "AuditQuery",
    "Endpoint",
    "ImportReport",
    "MethodNotOffered",
    "Platform",
    "Settings",
    "accounts_template",
    "answer_of",
    "check_audit",
    "division_names",
    "divisions_template",
    "endpoint_table",
    "enter_parameter",
    "fhir_app",
    "grant_of",
    "import_account_sheet",
    "import_divisions",
    "import_parameters",
    "import_roles",
    "issues_outcome",
    "measure_report",
    "outcome",
    "parameter_value",
    "parameters_template",
    "refresh_parameters",
    "roles_template",
    "session_token",
    "status_of",
    "tell",
    "tell_refused",
    "title_of",
]
