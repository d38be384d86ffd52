"""The grammar tables of `grammar.yaml`, compiled once."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Any, cast

import yaml


@cache
def tables() -> dict[str, Any]:
    """Return the grammar as plain data."""
    text = resources.files("kangshu.plans.reading").joinpath("grammar.yaml").read_text(encoding="utf-8")
    return cast("dict[str, Any]", yaml.safe_load(text))


def words(section: str, key: str) -> str:
    """Return one alternation of the grammar, e.g. `words("roles", "share_word")`, in a group."""
    return f"(?:{tables()[section][key]})"


@cache
def pattern(source: str) -> re.Pattern[str]:
    """Return `source` compiled; equal sources are compiled once."""
    return re.compile(source)
