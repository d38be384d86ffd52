"""Who is meant by a unit as a document prints it: 市卫健委 = 市卫生健康委 = 市卫计委 = 云汐市卫生健康委员会.

In a list only the first name carries the place (市民政局、发展改革委): the others belong to the same place. What
cannot be told for certain stays unresolved and is asked of a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

from kangshu.access import division_prefix
from kangshu.base.canonical import DISTRICT, ORGANISATION_KIND
from kangshu.sdk import Resource

_SPACE: Final = re.compile(r"\s+")
_WIDE: Final = str.maketrans("（）〔〕［］，：", "()()(),:")
_COLLECTIVE: Final = re.compile(
    r"各(市?县[市、()]*区?|区[、()]*县?[)]?|县[)]?)+(\(市、区\)|\(市区\))?(人民)?(政府)?"
)
_LEVEL_SIGNS: Final = {"市": "city", "州": "city", "区": "district", "县": "district", "旗": "district"}
_ABOVE: Final = ("省", "国家", "自治区", "全国")


@dataclass(frozen=True, slots=True)
class ResolvedUnit:
    """A unit as written and the ids of the organisations that it means; none where that is an open question."""

    written: str
    organisations: tuple[str, ...]
    outside: bool = False
    """Whether a person has said that it is none of the city's organisations."""
    by: str = ""
    """Who said what it means, "" where it was looked up."""


@dataclass(frozen=True, slots=True)
class _Known:
    id: str
    names: frozenset[str]
    department: str
    level: str
    division: str
    kind: str


@cache
def _departments() -> dict[str, str]:
    data: dict[str, Any] = yaml.safe_load(files(__package__).joinpath("departments.yaml").read_text("utf-8"))
    found: dict[str, str] = {}
    for key, entry in data.items():
        for form in (*entry["forms"], *entry.get("was", ())):
            found[form] = key
    return found


def department(bare: str) -> str:
    """Return the key of the department that is called `bare` (no place in front), "" for none."""
    return _departments().get(bare, "")


def _plain(text: str) -> str:
    return _SPACE.sub("", text).translate(_WIDE)


def _split(name: str, places: Iterable[str]) -> tuple[str, str]:
    """Return (level word or place in front, rest) of a unit's name."""
    for place in places:
        if name.startswith(place) and len(name) > len(place):
            rest = name[len(place) :]
            # 云汐市市场监管局 is 云汐市 + 市场监管局, 云汐市市卫健委 is 云汐市 + 市卫健委
            if rest[0] in _LEVEL_SIGNS and department(rest[1:]) and not department(rest):
                rest = rest[1:]
            return place, rest
    if name[0] in _LEVEL_SIGNS and not department(name):
        return name[0], name[1:]
    return "", name


class UnitDirectory:
    """The organisations of one jurisdiction, to be asked for by printed names.

    `organisations` are Organization resources, `place_names` the division codes and names of the jurisdiction, `said`
    what a person has said that printed names mean.
    """

    def __init__(
        self,
        organisations: Iterable[Resource],
        jurisdiction: str,
        place_names: dict[str, str],
        said: Mapping[str, ResolvedUnit] | None = None,
    ) -> None:
        self._said = said or {}
        self._prefix = division_prefix(jurisdiction)
        own = {code: name for code, name in place_names.items() if len(division_prefix(code)) <= 6}
        self._places = sorted(own.values(), key=len, reverse=True)
        self._division_of = {name: division_prefix(code) for code, name in own.items()}
        self._known = [self._read(one) for one in organisations]

    def resolve(self, written: str) -> ResolvedUnit:
        """Return the organisations that `written` means: by a person's word, else by what they are called."""
        said = self._said.get(written)
        if said is not None:
            return said
        name = _plain(written)
        if not name or not self._prefix or name.startswith(_ABOVE):
            return ResolvedUnit(written, ())
        exact = [one.id for one in self._known if name in one.names]
        if len(exact) == 1:
            return ResolvedUnit(written, tuple(exact))
        if _COLLECTIVE.fullmatch(name):
            return ResolvedUnit(written, self._governments())
        front, rest = _split(name, self._places)
        key = department(rest)
        if not key:
            return ResolvedUnit(written, ())
        found = [one for one in self._known if one.department == key and self._fits(one, front)]
        return ResolvedUnit(written, (found[0].id,) if len(found) == 1 else ())

    def resolve_elsewhere(self, written: str) -> ResolvedUnit:
        """Return our own department of the same work as another city's unit; none where there is no such one."""
        name = _plain(written)
        for start in range(len(name)):
            key = department(name[start:])
            if key and key != "government":
                found = [one for one in self._known if one.department == key and one.division == self._prefix]
                return ResolvedUnit(written, (found[0].id,) if len(found) == 1 else ())
        return ResolvedUnit(written, self._governments() if _COLLECTIVE.fullmatch(name) else ())

    def _fits(self, one: _Known, front: str) -> bool:
        if front in self._division_of:
            return one.division == self._division_of[front]
        if front:
            return one.level == _LEVEL_SIGNS[front]
        return one.division == self._prefix

    def _governments(self) -> tuple[str, ...]:
        return tuple(
            sorted(
                one.id for one in self._known if one.department == "government" and one.level == "district"
            )
        )

    def _read(self, organisation: Resource) -> _Known:
        names = [str(organisation.get("name", "")), *map(str, organisation.get("alias", ()))]
        division = next(
            (
                str(one.get("valueCode", ""))
                for one in organisation.get("extension", ())
                if one.get("url") == DISTRICT
            ),
            "",
        )
        prefix = division_prefix(division)
        kind = next(
            (
                str(coding.get("code", ""))
                for concept in organisation.get("type", ())
                for coding in concept.get("coding", ())
                if coding.get("system") == ORGANISATION_KIND
            ),
            "",
        )
        keys = (department(_split(_plain(name), self._places)[1]) for name in names if name)
        government = kind in ("government", "commission")
        return _Known(
            str(organisation["id"]),
            frozenset(_plain(name) for name in names if name),
            next((key for key in keys if key), "") if government else "",
            "district" if len(prefix) >= 6 else "city",
            prefix,
            kind,
        )
