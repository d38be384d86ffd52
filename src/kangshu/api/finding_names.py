"""Finds things by name as people type them: characters, pinyin, initials, from any character on."""

from __future__ import annotations

from functools import lru_cache

from kangshu.search import fold, name_sounds


def names_heard(name: str, typed: str) -> bool:
    """Return whether every word of `typed` is in `name`, or sounds like it from some character on; "" is in all."""
    return all(_heard(name, word) for word in fold(typed).split())


def _heard(name: str, word: str) -> bool:
    return word in fold(name) or any(one.startswith(word) for one in _sounds(name))


@lru_cache(maxsize=4096)
def _sounds(name: str) -> tuple[str, ...]:
    return tuple(name_sounds(name))
