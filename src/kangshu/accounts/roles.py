"""The roles that accounts may hold: the ready-made ones of roles.yaml, and what service folders add to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from kangshu.access import Role, extended_roles, lint_additions, parse_roles
from kangshu.base.faults import Issue


def ready_roles(additions: Iterable[Mapping[str, Any]] = ()) -> Mapping[str, Role]:
    """Return the roles that the product ships with the `additions` of service folders, by id.

    Raises:
        Invalid: roles.yaml or an addition has findings.
    """
    given = tuple(additions)
    return extended_roles(_document(), given) if given else _shipped()


def role_findings(addition: Mapping[str, Any], resource_types: frozenset[str]) -> tuple[Issue, ...]:
    """Return what is wrong with a folder's addition to the ready-made roles; none means that it may be used."""
    return lint_additions(_document(), addition, resource_types)


@cache
def _document() -> Mapping[str, Any]:
    read: Mapping[str, Any] = yaml.safe_load((files("kangshu.accounts") / "roles.yaml").read_text("utf-8"))
    return read


@cache
def _shipped() -> Mapping[str, Role]:
    return parse_roles(_document())
