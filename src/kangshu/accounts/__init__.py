"""Sign-in, second factor, posts and deputies, service accounts, roles: from a secret to a `Grant`."""

from kangshu.accounts.assertions import AssertionRefused
from kangshu.accounts.clients import Client, ClientKey, IssuedToken
from kangshu.accounts.directory import Accounts
from kangshu.accounts.imports import COLUMNS, AccountImport, import_accounts
from kangshu.accounts.limits import PARAMETERS, SECOND_FACTOR
from kangshu.accounts.passwords import random_password
from kangshu.accounts.permissions import Holders
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
from kangshu.accounts.roles import ready_roles
from kangshu.accounts.scopes import OFFERED, parse_scopes
from kangshu.accounts.second_factor import Enrolment, sample_code
from kangshu.accounts.signing_in import StepOver
from kangshu.accounts.standing import Standing

__all__ = [
    "COLUMNS",
    "OFFERED",
    "PARAMETERS",
    "SECOND_FACTOR",
    "SYSTEM",
    "Account",
    "AccountImport",
    "Accounts",
    "Acting",
    "AssertionRefused",
    "Client",
    "ClientKey",
    "Deputy",
    "Enrolment",
    "Holders",
    "IssuedToken",
    "NewAccount",
    "OpenToken",
    "Post",
    "Session",
    "Standing",
    "StepOver",
    "import_accounts",
    "parse_scopes",
    "random_password",
    "ready_roles",
    "sample_code",
]
