"""What an account is, and how it stands in the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

SYSTEM: Final = "system"
"""The account of the product itself: it has no password and every right; tokens for it are made on the machine."""

SYSTEM_BY_TOKEN: Final = "system-token"  # noqa: S105  # a name, no secret
"""How the audit names who comes with a token of `system`."""


@dataclass(frozen=True, slots=True)
class Account:
    """One account with its post. Ids are those of Organization, Practitioner and Patient resources."""

    name: str
    display: str
    roles: tuple[str, ...] = ()
    organisation: str = ""
    practitioner: str = ""
    patient: str = ""
    wards: tuple[str, ...] = ()
    district: str = ""
    must_change: bool = False
    active: bool = True
    locked_until: datetime | None = None
    created: datetime | None = None
    last_sign_in: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account just made, with the password it was given: shown once, kept nowhere."""

    account: Account
    password: str


@dataclass(frozen=True, slots=True)
class Session:
    """An open sign-in. `token` goes into the cookie and is kept nowhere else; `expires` is its last instant."""

    token: str
    account: Account
    expires: datetime


def account_of(row: Mapping[str, Any]) -> Account:
    """Return the account of one row of the table `account`."""
    return Account(
        name=row["name"],
        display=row["display"],
        roles=tuple(row["roles"]),
        organisation=row["organisation"],
        practitioner=row["practitioner"],
        patient=row["patient"],
        wards=tuple(row["wards"]),
        district=row["district"],
        must_change=row["must_change"],
        active=row["active"],
        locked_until=row["locked_until"],
        created=row["created"],
        last_sign_in=row["last_sign_in"],
    )
