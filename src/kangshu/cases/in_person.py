"""Moves that the person named in the case makes with their own account (`in_person`), such as arriving at a home."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from kangshu.access import Grant, system_grant
from kangshu.accounts import has_account
from kangshu.base.faults import Gone, NotFound
from kangshu.base.text import Text
from kangshu.cases.tasks import inputs, reference_id
from kangshu.sdk import Move, Resource
from kangshu.store import Store, Stored

NOT_THE_ONE_SENT: Final = Text(
    "须由所派的人员用本人账号办理。", "The person who was sent makes this move, with an account of their own."
)
_LOOKING = system_grant("cases")


async def is_somebody_else(store: Store, grant: Grant, task: Resource, move: Move) -> bool:
    """Return whether `move` is another person's: the one whom the case names has an account, and this is not theirs."""
    if not move.in_person or "system" in grant.roles:
        return False
    person = await _person(partial(store.read, _LOOKING), task, move.in_person)
    return bool(person) and person != grant.practitioner and await has_account(store, person)


async def _person(read: Callable[[str, str], Awaitable[Stored]], task: Resource, field: str) -> str:
    """Return the id of the Practitioner whom a field names, itself or by a PractitionerRole; "" for nobody."""
    kind, _, id_ = str(inputs(task).get(field) or "").partition("/")
    if kind != "PractitionerRole":
        return id_ if kind == "Practitioner" else ""
    try:
        role = (await read(kind, id_)).resource
    except (NotFound, Gone):
        return ""
    return reference_id(role.get("practitioner"), "Practitioner")
