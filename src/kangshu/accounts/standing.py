"""How an account stands in one of its posts: who it is there, with which roles. A grant is made of it."""

from __future__ import annotations

from dataclasses import dataclass

from kangshu.access import Grant, Role, Subject, open_grant
from kangshu.accounts.records import Deputy, Post


@dataclass(frozen=True, slots=True)
class Standing:
    """A subject with the roles of the post in which it acts; `deputy` where the post is another's."""

    subject: Subject
    roles: tuple[Role, ...]
    post: Post | None = None
    deputy: Deputy | None = None

    @property
    def grant(self) -> Grant:
        """Return what the account may do as it stands."""
        return open_grant(self.subject, self.roles)
