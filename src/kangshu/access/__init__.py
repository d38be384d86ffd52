"""Policies compiled to a `Grant`, an engine-neutral predicate tree. Pure: no I/O."""

from kangshu.access.grant import ANY_TYPE, Grant, system_grant
from kangshu.access.policy import SCOPE_WORDS, Role, Rules, Subject, lint_roles, open_grant, parse_roles
from kangshu.access.predicates import (
    AllOf,
    AnyOf,
    DistrictUnder,
    Everything,
    NoPatient,
    Nothing,
    OrganisationIn,
    PatientIn,
    Predicate,
    Scope,
    admits,
    any_of,
    division_prefix,
)

__all__ = [
    "ANY_TYPE",
    "SCOPE_WORDS",
    "AllOf",
    "AnyOf",
    "DistrictUnder",
    "Everything",
    "Grant",
    "NoPatient",
    "Nothing",
    "OrganisationIn",
    "PatientIn",
    "Predicate",
    "Role",
    "Rules",
    "Scope",
    "Subject",
    "admits",
    "any_of",
    "division_prefix",
    "lint_roles",
    "open_grant",
    "parse_roles",
    "system_grant",
]
