"""Who may: the words of `Move.by` and `CaseDeclaration.start_by` against a grant."""

from __future__ import annotations

from kangshu.access import Grant
from kangshu.base.faults import Forbidden
from kangshu.base.text import Text
from kangshu.cases.tasks import events, organisation_of, reference_id
from kangshu.sdk import Move, Resource

SOMEBODY_ELSE = Text(
    "须由另一人办理：同一账号不能既经办又审批。",
    "Somebody else makes this move: nobody approves what they did themselves.",
)
CASE = "case"
"""Word of a move that nobody makes by hand: a move on another case, which names this one, makes it (effect `on`)."""
SIGNAL = "signal"
"""Word of what an event of an outside system may start and move; see `signalling`."""
AGENT = "agent"
"""Word of what somebody may do whom the resident has charged with it; a move that needs the resident's will lacks it."""
MOVERS = ("requester", "owner", "patient", AGENT, "system", CASE, SIGNAL)
STARTERS = ("any", "patient", AGENT, "organisation", "system", SIGNAL)
PREFIXES = ("role:", "operation:")


def may_start(grant: Grant, words: tuple[str, ...], resident: str = "") -> bool:
    """Return whether one of `words` lets this account start a case, for its operations see `Cases.start`.

    With `resident` (an id) the case is about that resident: who starts it as a resident starts it for oneself, for
    those in one's care, or for those who have charged one with it.
    """
    return any(_starts(grant, word, resident) for word in words)


def may_move(grant: Grant, task: Resource, words: tuple[str, ...]) -> bool:
    """Return whether one of `words` lets this account make a move of `task`."""
    return any(_moves(grant, task, word) for word in words)


def not_yours(move: Move) -> Forbidden:
    """Return the fault of a move that is another party's."""
    return Forbidden(
        f"this account may not '{move.title.en}': it is another party's move",
        zh=f"当前账号不能“{move.title.zh}”，该操作由其他单位或角色办理",
    )


def has_acted(grant: Grant, task: Resource, moves: tuple[str, ...]) -> bool:
    """Return whether this account made one of `moves` of the case. The product itself is no one of two persons."""
    return "system" not in grant.roles and any(
        event.account == grant.account and event.move in moves for event in events(task)
    )


def is_word(word: str, *, start: bool) -> bool:
    """Return whether `word` is of the language."""
    plain = STARTERS if start else MOVERS
    return word in plain or any(word.startswith(prefix) and len(word) > len(prefix) for prefix in PREFIXES)


def _starts(grant: Grant, word: str, resident: str) -> bool:
    if word == "any":
        return True
    if word == "patient":
        return grant.acts_as(resident) if resident else bool(grant.patient or grant.wards)
    if word == AGENT:
        return resident in grant.mandates if resident else bool(grant.mandates)
    if word == "organisation":
        return bool(grant.organisation)
    return _either(grant, word)


def _moves(grant: Grant, task: Resource, word: str) -> bool:
    if word in ("requester", "owner"):
        person = reference_id(task.get(word), "Practitioner")
        return grant.acts_for(organisation_of(task, word)) or bool(person and person == grant.practitioner)
    if word == "patient":
        # the resident whom the case is about, or who acts for that resident
        return grant.acts_as(reference_id(task.get("for"), "Patient"))
    if word == AGENT:
        return reference_id(task.get("for"), "Patient") in grant.mandates
    return _either(grant, word)


def _either(grant: Grant, word: str) -> bool:
    if word == "system":
        return "system" in grant.roles
    if word.startswith("role:"):
        return word.removeprefix("role:") in grant.roles
    return word.startswith("operation:") and grant.may(word.removeprefix("operation:"))


def party_of(grant: Grant) -> str:
    """Return the party that the account is in cases: its organisation, its own person, its resident; "" for none."""
    if grant.organisation:
        return f"Organization/{grant.organisation}"
    if grant.practitioner:
        return f"Practitioner/{grant.practitioner}"
    return f"Patient/{grant.patient}" if grant.patient else ""
