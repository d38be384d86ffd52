"""Sign-in, sessions, tokens, roles: from a secret to a `Grant`."""

from kangshu.accounts.directory import Accounts
from kangshu.accounts.imports import COLUMNS, AccountImport, import_accounts
from kangshu.accounts.limits import PARAMETERS
from kangshu.accounts.passwords import random_password
from kangshu.accounts.records import SYSTEM, Account, NewAccount, Session
from kangshu.accounts.roles import ready_roles

__all__ = [
    "COLUMNS",
    "PARAMETERS",
    "SYSTEM",
    "Account",
    "AccountImport",
    "Accounts",
    "NewAccount",
    "Session",
    "import_accounts",
    "random_password",
    "ready_roles",
]
