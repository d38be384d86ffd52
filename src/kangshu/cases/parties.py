"""Who may: the words of `Move.by` and `CaseDeclaration.start_by` against a grant."""

from __future__ import annotations

from kangshu.access import Grant
from kangshu.cases.tasks import organisation_of, reference_id
from kangshu.sdk import Resource

MOVERS = ("requester", "owner", "patient", "system")
STARTERS = ("any", "patient", "system")
PREFIXES = ("role:", "operation:")


def may_start(grant: Grant, words: tuple[str, ...]) -> bool:
    """Return whether one of `words` lets this account start a case, for its operations see `Cases.start`."""
    return any(_starts(grant, word) for word in words)


def may_move(grant: Grant, task: Resource, words: tuple[str, ...]) -> bool:
    """Return whether one of `words` lets this account make a move of `task`."""
    return any(_moves(grant, task, word) for word in words)


def is_word(word: str, *, start: bool) -> bool:
    """Return whether `word` is of the language."""
    plain = STARTERS if start else MOVERS
    return word in plain or any(word.startswith(prefix) and len(word) > len(prefix) for prefix in PREFIXES)


def _starts(grant: Grant, word: str) -> bool:
    if word == "any":
        return True
    if word == "patient":
        return bool(grant.patient)
    return _either(grant, word)


def _moves(grant: Grant, task: Resource, word: str) -> bool:
    if word in ("requester", "owner"):
        return grant.acts_for(organisation_of(task, word))
    if word == "patient":
        return bool(grant.patient) and grant.patient == reference_id(task.get("for"), "Patient")
    return _either(grant, word)


def _either(grant: Grant, word: str) -> bool:
    if word == "system":
        return "system" in grant.roles
    if word.startswith("role:"):
        return word.removeprefix("role:") in grant.roles
    return word.startswith("operation:") and grant.may(word.removeprefix("operation:"))
