"""The words in which policies are told to people, as data (vocabulary.yaml). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml

from kangshu.base.text import Text


@dataclass(frozen=True, slots=True)
class DataKind:
    """A kind of data as an office knows it: several resource types under one title; `personal`: of residents' files."""

    id: str
    title: Text
    types: tuple[str, ...]
    personal: bool = True


@dataclass(frozen=True, slots=True)
class ScopeWord:
    """How a scope word of a role is told; `title` and `need` have `{district}` and `{relations}` to fill in.

    `basis` is one of `BASES` and `clause` its source; "" where no personal information is opened by the word alone.
    """

    id: str
    title: Text
    need: Text
    basis: str = ""
    clause: str = ""


@cache
def data_kinds() -> tuple[DataKind, ...]:
    """Return the kinds of data in the order in which they are shown; each resource type of R4 is in one."""
    return tuple(
        DataKind(id_, _text(body["title"]), tuple(body["types"]), body.get("personal", True))
        for id_, body in _document()["kinds"].items()
    )


@cache
def scope_words() -> Mapping[str, ScopeWord]:
    """Return how each scope word is told, with `emergency` beside them."""
    found = {
        id_: ScopeWord(
            id_, _text(body["title"]), _text(body["need"]), body.get("basis", ""), body.get("clause", "")
        )
        for id_, body in _document()["words"].items()
    }
    opened = _document()["emergency"]
    title = _text(opened["title"])
    found["emergency"] = ScopeWord("emergency", title, title, opened["basis"], opened["clause"])
    return MappingProxyType(found)


def label_title(code: str) -> Text:
    """Return what a sensitivity label is called; the code itself where it has no name here."""
    return _named("labels", code)


def purpose_title(code: str) -> Text:
    """Return what a purpose of use is called; the code itself where it has no name here."""
    return _named("purposes", code)


def basis_title(code: str) -> Text:
    """Return what a legal basis (`BASES`) is called."""
    return _named("bases", code)


def _named(part: str, code: str) -> Text:
    body = _document()[part].get(code)
    return _text(body) if body else Text(code, code)


@cache
def _document() -> Mapping[str, Any]:
    document: dict[str, Any] = yaml.safe_load(
        (files("kangshu.access") / "vocabulary.yaml").read_text("utf-8")
    )
    return document


def _text(body: Mapping[str, str]) -> Text:
    return Text(body["zh"], body["en"])
