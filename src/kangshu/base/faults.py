"""The one tree of faults that may leave a room.

    Fault                     something failed (500)
    ├── Invalid               the input cannot be used as it stands
    │   ├── Malformed         not parseable at all (JSON, XML, docx, …)
    │   ├── UnknownParameter  a search parameter, modifier or option nobody declared
    │   └── Unsupported       understood, and not offered
    ├── Unprocessable         well-formed, but against a rule (profile, guard, register rule)
    ├── Unauthenticated       no valid sign-in
    ├── Forbidden             signed in, and not allowed
    ├── NotFound              nothing there, or nothing the grant may see
    ├── Gone                  deleted
    ├── Conflict              someone else was first; a unique or capacity rule
    ├── PreconditionFailed    If-Match or a conditional criterion does not hold
    ├── TooLarge              over a declared limit
    ├── NotAcceptable         a representation that is not offered
    ├── UnsupportedMedia      a content type that is not read
    ├── Throttled             too many requests
    └── Unavailable           a part that this needs does not answer

Findings (a validator's issues, a linter's rows) are returned; faults are raised.
HTTP status comes from one table in `api`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

Severity = Literal["fatal", "error", "warning", "information"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding, in the shape of OperationOutcome.issue.

    `code` is a code of http://hl7.org/fhir/issue-type; `expression` holds FHIRPath locations.
    `text` is English, `zh` Chinese; an empty `zh` means that only English exists.
    """

    severity: Severity
    code: str
    text: str
    expression: tuple[str, ...] = ()
    zh: str = ""


class Fault(Exception):
    """Base of every error that may leave a room.

    `text` says in English what is wrong and what to do, `zh` the same in Chinese.
    Neither may hold personal data: faults are logged.
    """

    code: ClassVar[str] = "exception"

    def __init__(
        self, text: str, *, zh: str = "", issues: tuple[Issue, ...] = (), expression: str = ""
    ) -> None:
        super().__init__(text)
        self.text = text
        self.zh = zh or text
        self.audited = False
        """Whether the refusal stands in the audit already."""
        self.issues = issues or (Issue("error", self.code, text, (expression,) if expression else (), zh),)


class Invalid(Fault):
    """The input cannot be used as it stands."""

    code = "invalid"


class Malformed(Invalid):
    """The input is not parseable at all."""

    code = "structure"


class UnknownParameter(Invalid):
    """A parameter, modifier or option that nobody declared."""

    code = "not-supported"


class Unsupported(Invalid):
    """Understood, and not offered."""

    code = "not-supported"


class Unprocessable(Fault):
    """Well-formed, but against a rule."""

    code = "processing"


class Unauthenticated(Fault):
    """No valid sign-in."""

    code = "login"


class Forbidden(Fault):
    """Signed in, and not allowed."""

    code = "forbidden"


class NotFound(Fault):
    """Nothing there, or nothing that the grant may see: the answer is the same."""

    code = "not-found"


class Gone(Fault):
    """It was there and has been deleted."""

    code = "deleted"


class Conflict(Fault):
    """Someone else was first, or a unique or capacity rule holds."""

    code = "conflict"


class PreconditionFailed(Fault):
    """If-Match or a conditional criterion does not hold."""

    code = "conflict"


class MultipleMatches(PreconditionFailed):
    """A conditional interaction met more than one resource."""

    code = "multiple-matches"


class TooLarge(Fault):
    """Over a declared limit."""

    code = "too-long"


class NotAcceptable(Fault):
    """A representation that is not offered."""

    code = "not-supported"


class UnsupportedMedia(Fault):
    """A content type that is not read."""

    code = "not-supported"


class Throttled(Fault):
    """Too many requests."""

    code = "throttled"


class Unavailable(Fault):
    """A part that this needs does not answer."""

    code = "transient"


def all_faults() -> tuple[type[Fault], ...]:
    """Return every class of the tree, the base first."""
    found: list[type[Fault]] = [Fault]
    for fault in found:
        found.extend(fault.__subclasses__())
    return tuple(found)
