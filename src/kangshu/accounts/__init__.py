"""Sign-in, second factor, posts and deputies, service accounts, roles: from a secret to a `Grant`."""

from kangshu.accounts.assertions import AssertionRefused
from kangshu.accounts.clients import Client, ClientKey, IssuedToken
from kangshu.accounts.contacts import Contact, Contacts
from kangshu.accounts.directory import Accounts
from kangshu.accounts.emergency import IMPROPER, JUSTIFIED, REASONS, Emergency
from kangshu.accounts.emergency_limits import EMERGENCY_PARAMETERS
from kangshu.accounts.identities import Departure, Identity, UnknownIdentity
from kangshu.accounts.imports import COLUMNS, AccountImport, import_accounts
from kangshu.accounts.limits import PARAMETERS, SECOND_FACTOR
from kangshu.accounts.passwords import random_password
from kangshu.accounts.permissions import Holders
from kangshu.accounts.posts import has_account
from kangshu.accounts.providers import Provider
from kangshu.accounts.records import (
    SYSTEM,
    Account,
    Acting,
    Deputy,
    NewAccount,
    OpenToken,
    Post,
    Session,
)
from kangshu.accounts.roles import ready_roles, role_findings
from kangshu.accounts.scopes import OFFERED, parse_scopes
from kangshu.accounts.second_factor import Enrolment, sample_code
from kangshu.accounts.signing_in import StepOver
from kangshu.accounts.standing import Standing

__all__ = [
    "COLUMNS",
    "EMERGENCY_PARAMETERS",
    "IMPROPER",
    "JUSTIFIED",
    "OFFERED",
    "PARAMETERS",
    "REASONS",
    "SECOND_FACTOR",
    "SYSTEM",
    "Account",
    "AccountImport",
    "Accounts",
    "Acting",
    "AssertionRefused",
    "Client",
    "ClientKey",
    "Contact",
    "Contacts",
    "Departure",
    "Deputy",
    "Emergency",
    "Enrolment",
    "Holders",
    "Identity",
    "IssuedToken",
    "NewAccount",
    "OpenToken",
    "Post",
    "Provider",
    "Session",
    "Standing",
    "StepOver",
    "UnknownIdentity",
    "has_account",
    "import_accounts",
    "parse_scopes",
    "random_password",
    "ready_roles",
    "role_findings",
    "sample_code",
]
