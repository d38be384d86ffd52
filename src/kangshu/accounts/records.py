"""What an account, a post and a deputy are, and how they stand in the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

SYSTEM: Final = "system"
"""The account of the product itself: it has no password and every right; tokens for it are made on the machine."""

SYSTEM_BY_TOKEN: Final = "system-token"  # noqa: S105  # a name, no secret
"""How the audit names who comes with a token of `system`."""


@dataclass(frozen=True, slots=True)
class Account:
    """One account. Ids are those of Organization, Practitioner and Patient resources.

    `roles`, `organisation`, `practitioner` and `district` are those of its first post; `kind` is `person` or
    `service`; `second_factor` says whether sign-in asks for a code.
    """

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
    kind: str = "person"
    second_factor: bool = False


@dataclass(frozen=True, slots=True)
class Post:
    """One post (岗位): an organisation, a division and the roles that its holder has there.

    `stand_in` is the account of its B 岗, `ended` the moment since which nobody holds it.
    """

    id: int
    account: str
    title: str = ""
    roles: tuple[str, ...] = ()
    organisation: str = ""
    practitioner: str = ""
    district: str = ""
    stand_in: str = ""
    opened: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class Deputy:
    """One appointment of a deputy (代办): `account` acts in the post of `holder` from `starts` until `ends`."""

    id: int
    post: Post
    account: str
    display: str
    holder: str
    """Display name of the post's holder; the account is `post.account`."""
    starts: datetime
    ends: datetime
    reason: str
    appointed_by: str
    revoked: datetime | None = None

    def holds(self, moment: datetime) -> bool:
        """Return whether the deputy may act at `moment`."""
        return self.revoked is None and self.starts <= moment < self.ends


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account just made, with the password it was given: shown once, kept nowhere. A service has none."""

    account: Account
    password: str


@dataclass(frozen=True, slots=True)
class Session:
    """An open sign-in. `token` goes into the cookie and is kept nowhere else; `expires` is its last instant.

    With `needs_code` the token opens nothing yet: it is to be handed back with a code of the second factor.
    """

    token: str
    account: Account
    expires: datetime
    needs_code: bool = False


@dataclass(frozen=True, slots=True)
class Acting:
    """In which post a session acts, and what else its account could act in."""

    post: Post | None
    deputy: Deputy | None
    posts: tuple[Post, ...]
    deputies: tuple[Deputy, ...]
    must_enrol: bool = False
    """Whether the account has to set up its second factor before it may do anything else."""


@dataclass(frozen=True, slots=True)
class OpenToken:
    """One session or bearer token that is open. `current` is the one with which it was asked for."""

    id: str
    kind: str
    label: str
    app: str
    address: str
    agent: str
    created: datetime
    last_seen: datetime
    expires: datetime
    current: bool = False


@dataclass(frozen=True, slots=True)
class SignInEvent:
    """A sign-in, or an act on one's own secrets, as the audit has it; `done` tells whether it succeeded."""

    at: datetime
    act: str
    address: str
    done: bool


ACCOUNT_ROWS: Final[LiteralString] = (
    "select account.*, coalesce(main.roles, '{}') as roles, coalesce(main.organisation, '') as organisation, "
    "coalesce(main.practitioner, '') as practitioner, coalesce(main.district, '') as district, "
    "exists (select 1 from second_factor f where f.account = account.name and f.enrolled is not null) as second_factor "
    "from account left join lateral (select * from post where post.account = account.name and post.ended is null "
    "order by post.id limit 1) main on true "
)
"""Selects accounts with what `account_of` needs; a condition follows."""


def account_of(row: Mapping[str, Any]) -> Account:
    """Return the account of one row of `ACCOUNT_ROWS`."""
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
        kind=row["kind"],
        second_factor=row["second_factor"],
    )


def post_of(row: Mapping[str, Any]) -> Post:
    """Return the post of one row of the table `post`."""
    return Post(
        id=row["id"],
        account=row["account"],
        title=row["title"],
        roles=tuple(row["roles"]),
        organisation=row["organisation"],
        practitioner=row["practitioner"],
        district=row["district"],
        stand_in=row["stand_in"] or "",
        opened=row["opened"],
        ended=row["ended"],
    )
