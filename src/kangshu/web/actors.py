"""Who did something, as pages tell it: the account's name, its organisation and its role."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kangshu.access import system_grant
from kangshu.base.faults import Fault
from kangshu.web.lookup import organisations
from kangshu.web.visit import Visit


@dataclass(frozen=True, slots=True)
class Actor:
    """Who an account is. `place` is organisation and role; `organisation` its id."""

    name: str
    place: str
    organisation: str


async def actors(visit: Visit, names: Iterable[str]) -> dict[str, Actor]:
    """Return who the accounts are, by account name; the product's own acts have nobody."""
    reason = system_grant("who did what stands on a page that the visitor may open")
    places, roles = await organisations(visit), visit.platform.accounts.roles
    found = {}
    for name in {*names} - {"system", ""}:
        try:
            account = await visit.platform.accounts.account(reason, name)
        except Fault:
            found[name] = Actor(visit.words("已注销的账号"), "", "")
            continue
        titles = [visit.words.of(roles[one].title) for one in account.roles if one in roles]
        place = " · ".join(filter(None, (places.get(account.organisation, ""), "、".join(titles))))
        found[name] = Actor(account.display, place, account.organisation)
    return found
