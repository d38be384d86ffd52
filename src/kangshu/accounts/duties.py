"""Duties that are kept apart: the three administrators (三员分设). Which roles they are the roles themselves say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kangshu.access import Role
from kangshu.base.faults import Forbidden, Unprocessable


def administers(roles: Mapping[str, Role], held: Iterable[str]) -> bool:
    """Return whether one of the roles `held` is an administrator's: one that is kept apart from others."""
    return any(roles[one].apart for one in held if one in roles)


def check_apart(roles: Mapping[str, Role], held: Iterable[str]) -> None:
    """Raise Unprocessable when two of the roles `held` (by one account, in all its posts) are to be kept apart."""
    by_duty: dict[str, set[str]] = {}
    for one in held:
        if one in roles and (duty := roles[one].apart):
            by_duty.setdefault(duty, set()).add(one)
    for kept in by_duty.values():
        if len(kept) > 1:
            titles = "、".join(roles[one].title.zh for one in sorted(kept))
            raise Unprocessable(
                f"these roles are kept apart, an account holds one of them at most: {', '.join(sorted(kept))}",
                zh=f"三员分设，同一账号不得兼任：{titles}",
            )


def refuse_own(account: str, name: str) -> None:
    """Raise Forbidden when `account` is about to change what it may do itself."""
    if account == name:
        raise Forbidden(
            "nobody changes their own roles, posts or keys", zh="不得为本人账号分配角色、岗位或密钥"
        )
