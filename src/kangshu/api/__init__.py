"""FHIR REST, operations, sign-in, and the one table from faults to HTTP."""

from kangshu.accounts import Acting, Deputy, Post, Session, Standing, StepOver
from kangshu.api.application import ROOT, SESSION_COOKIE, fhir_app, grant_of, session_token
from kangshu.api.auditing import (
    BURSTS,
    WATCHES,
    AuditCheck,
    Watch,
    audit_bursts,
    audit_sheet,
    audit_watched,
    check_audit,
    watch_figures,
)
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
from kangshu.api.oauth import OAUTH_ROOT, oauth_app
from kangshu.api.outcome import (
    ANSWERS,
    MethodNotOffered,
    answer_of,
    issues_outcome,
    outcome,
    status_of,
    title_of,
)
from kangshu.api.permissions import (
    Admitted,
    OpenRelation,
    Seer,
    Sight,
    count_admitted,
    decide,
    find_for_permissions,
    who_sees,
)
from kangshu.api.platform import Platform, Settings
from kangshu.api.record_copies import record_copy
from kangshu.api.telling import tell, tell_refused
from kangshu.registers import ImportReport
from kangshu.store import EMERGENCY, AuditQuery

__all__ = [
    "ANSWERS",
    "BURSTS",
    "EMERGENCY",
    "ENDPOINTS",
    "ENTERED",
    "OAUTH_ROOT",
    "ROOT",
    "SESSION_COOKIE",
    "WATCHES",
    "AccountsMade",
    "Acting",
    "Admitted",
    "AuditCheck",
    "AuditQuery",
    "Deputy",
    "Endpoint",
    "ImportReport",
    "MethodNotOffered",
    "OpenRelation",
    "Platform",
    "Post",
    "Seer",
    "Session",
    "Settings",
    "Sight",
    "Standing",
    "StepOver",
    "Watch",
    "accounts_template",
    "answer_of",
    "audit_bursts",
    "audit_sheet",
    "audit_watched",
    "check_audit",
    "count_admitted",
    "decide",
    "division_names",
    "divisions_template",
    "endpoint_table",
    "enter_parameter",
    "fhir_app",
    "find_for_permissions",
    "grant_of",
    "import_account_sheet",
    "import_divisions",
    "import_parameters",
    "import_roles",
    "issues_outcome",
    "measure_report",
    "oauth_app",
    "outcome",
    "parameter_value",
    "parameters_template",
    "record_copy",
    "refresh_parameters",
    "roles_template",
    "session_token",
    "status_of",
    "tell",
    "tell_refused",
    "title_of",
    "watch_figures",
    "who_sees",
]
