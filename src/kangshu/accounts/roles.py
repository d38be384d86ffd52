"""The ready-made roles, read from roles.yaml once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml

from kangshu.access import Role, parse_roles


@cache
def ready_roles() -> Mapping[str, Role]:
    """Return the roles that the product ships, by id. Raises Invalid when roles.yaml has findings."""
    text = (files("kangshu.accounts") / "roles.yaml").read_text("utf-8")
    return parse_roles(yaml.safe_load(text))
