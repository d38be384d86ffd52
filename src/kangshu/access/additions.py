"""What service folders add to the ready-made roles: roles of their own, and more rights for those there are.

    roles:   roles in the words of the ready-made ones; their groups of types may be used
    extend:  ready-made role → read, write, aggregate, clear (rules), operations (a list): added, never taken away

A rule that is added widens what the role has for that type, also where it has it by `*`. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from kangshu.access.grant import ANY_TYPE
from kangshu.access.policy import Role, Rules, finding, lint_role, lint_roles, parse_roles, read_rules
from kangshu.base.faults import Invalid, Issue

_PARTS: Final = frozenset({"roles", "extend"})
_EXTENDED: Final = frozenset({"read", "write", "aggregate", "clear", "operations"})


def extended_roles(document: Mapping[str, Any], additions: Iterable[Mapping[str, Any]]) -> Mapping[str, Role]:
    """Return the roles of `document` with what each of `additions` adds, by id.

    Raises:
        Invalid: the document or an addition has findings, or two additions bring the same role.
    """
    groups: Mapping[str, list[str]] = document.get("groups", {})
    roles = dict(parse_roles(document))
    for addition in additions:
        if findings := lint_additions(document, addition):
            raise Invalid(
                f"a folder's roles have {len(findings)} faults; the first: {findings[0].text}",
                zh=f"服务的角色定义有 {len(findings)} 处错误",
                issues=findings,
            )
        own = addition.get("roles") or {}
        if twice := roles.keys() & own.keys():
            raise Invalid(f"role '{min(twice)}' is declared twice", zh=f"角色“{min(twice)}”重复声明")
        if own:
            roles.update(parse_roles({"groups": groups, "roles": own}))
        for id_, more in (addition.get("extend") or {}).items():
            roles[id_] = _extended(roles[id_], more, groups)
    return MappingProxyType(roles)


def lint_additions(
    document: Mapping[str, Any],
    addition: Mapping[str, Any],
    resource_types: frozenset[str] = frozenset(),
) -> tuple[Issue, ...]:
    """Return every finding about one folder's `addition` to the roles of `document`; none: it may be used.

    With `resource_types`, a rule for a type that is not among them is a finding too.
    """
    found = [
        finding(key, f"unknown key; known are {', '.join(sorted(_PARTS))}")
        for key in addition.keys() - _PARTS
    ]
    ready: Mapping[str, Any] = document["roles"]
    groups: Mapping[str, Any] = document.get("groups", {})
    own, more = addition.get("roles") or {}, addition.get("extend") or {}
    if not isinstance(own, Mapping) or not isinstance(more, Mapping):
        return (*found, finding("roles", "'roles' and 'extend' must be mappings"))
    found += [finding(f"roles.{id_}", "there is a ready-made role of this id") for id_ in own if id_ in ready]
    if own:
        found += lint_roles({"groups": groups, "roles": own}, resource_types)
    for id_, body in more.items():
        found += _lint_extension(f"extend.{id_}", ready.get(id_), body, groups, resource_types)
    return tuple(found)


def _lint_extension(
    where: str, held: Any, body: Any, groups: Mapping[str, Any], resource_types: frozenset[str]
) -> Iterable[Issue]:
    if held is None:
        yield finding(where, "there is no ready-made role of this id")
        return
    if not isinstance(body, Mapping):
        yield finding(where, "a mapping is needed")
        return
    for name in sorted(body.keys() - _EXTENDED):
        yield finding(f"{where}.{name}", f"unknown field; known are {', '.join(sorted(_EXTENDED))}")
    told = {name: value for name, value in body.items() if name in _EXTENDED}
    yield from lint_role(
        where, {"title": held["title"], "post": held.get("post", []), **told}, groups, resource_types
    )


def _extended(role: Role, more: Mapping[str, Any], groups: Mapping[str, list[str]]) -> Role:
    return replace(
        role,
        read=_joined(role.read, read_rules(more.get("read", {}), groups)),
        write=_joined(role.write, read_rules(more.get("write", {}), groups)),
        aggregate=_joined(role.aggregate, read_rules(more.get("aggregate", {}), groups)),
        clear=_joined(role.clear, read_rules(more.get("clear", {}), {})),
        operations=tuple(dict.fromkeys((*role.operations, *more.get("operations", ())))),
    )


def _joined(held: Rules, more: Rules) -> Rules:
    found = dict(held)
    for name, words in more.items():
        have = held.get(name, held.get(ANY_TYPE, ()))
        found[name] = tuple(dict.fromkeys(one for one in (*have, *words) if one != "none")) or ("none",)
    return MappingProxyType(found)
