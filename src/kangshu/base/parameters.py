"""Dated parameters of a jurisdiction: rates, caps, thresholds and quotas with their source clause.

A value is that of the nearest ancestor jurisdiction (community, town, district, city, province, country) that
was valid on the day of the event. Values are never overwritten: what was entered later stands before what was
entered earlier, and every version stays, so that a calculation can be told and repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Protocol

from kangshu.base.divisions import division_prefix, jurisdiction_chain
from kangshu.base.faults import Invalid, Unprocessable
from kangshu.base.text import Text


class ParameterMissing(Unprocessable):
    """No value is in force for this place and day: it must be entered, it is never guessed."""

    code = "required"


class Declared(Protocol):
    """What a declaration of a value says; `sdk.ParameterDeclaration` has this form."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> Text: ...
    @property
    def value(self) -> Any: ...
    @property
    def unit(self) -> str: ...
    @property
    def jurisdiction(self) -> str: ...
    @property
    def valid_from(self) -> date: ...
    @property
    def valid_to(self) -> date | None: ...
    @property
    def source(self) -> str: ...
    @property
    def verified(self) -> bool: ...


YES_OR_NO: Final = "1 是 / 0 否"
"""The unit of a number that says yes or no."""


@dataclass(frozen=True, slots=True)
class ParameterVersion:
    """One value of one parameter in one jurisdiction from one day on.

    `valid_to` is inclusive; None is open. `entered_at` is empty for values declared by a service folder.
    """

    id: str
    title: Text
    value: Any
    unit: str
    jurisdiction: str
    valid_from: date
    valid_to: date | None
    source: str
    verified: bool
    entered_by: str = ""
    entered_at: datetime | None = None

    @property
    def says(self) -> bool | None:
        """Yes or no, where that is what the value means; None for another."""
        return bool(self.value) if isinstance(self.value, bool) or self.unit == YES_OR_NO else None

    def in_force(self, day: date) -> bool:
        """Return whether this version holds on `day`."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def as_data(self) -> dict[str, Any]:
        """Return the version as plain JSON data, for keeping."""
        return {
            "id": self.id,
            "title": {"zh": self.title.zh, "en": self.title.en},
            "value": self.value,
            "unit": self.unit,
            "jurisdiction": self.jurisdiction,
            "valid_from": self.valid_from.isoformat(),
            "valid_to": self.valid_to.isoformat() if self.valid_to else None,
            "source": self.source,
            "verified": self.verified,
            "entered_by": self.entered_by,
            "entered_at": self.entered_at.isoformat() if self.entered_at else None,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> ParameterVersion:
        """Return the version that `as_data` wrote. Raises Invalid when a part is missing or of a wrong form."""
        try:
            title, until, entered = data["title"], data.get("valid_to"), data.get("entered_at")
            return cls(
                id=str(data["id"]),
                title=Text(str(title["zh"]), str(title["en"])),
                value=data["value"],
                unit=str(data["unit"]),
                jurisdiction=division_prefix(str(data["jurisdiction"])),
                valid_from=date.fromisoformat(data["valid_from"]),
                valid_to=date.fromisoformat(until) if until else None,
                source=str(data["source"]),
                verified=bool(data["verified"]),
                entered_by=str(data.get("entered_by", "")),
                entered_at=datetime.fromisoformat(entered) if entered else None,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise Invalid(
                "this is no parameter version: a part is missing or has a wrong form",
                zh="参数版本数据缺项或格式不正确",
            ) from error


@dataclass(frozen=True, slots=True)
class Bounds:
    """Parameters between which a parameter's value lies: a floor (不低于) and a ceiling of some document; "" for none."""

    at_least: str = ""
    at_most: str = ""


class ParameterTable:
    """The values of every parameter, by id, jurisdiction and day.

    Rooms share one table; `enter` adds a version and nothing removes one.
    """

    def __init__(self, declared: Iterable[Declared] = (), entered: Iterable[ParameterVersion] = ()) -> None:
        self._versions: dict[str, dict[str, list[ParameterVersion]]] = {}
        self._titles: dict[str, Text] = {}
        self._entered: list[ParameterVersion] = []
        self._bounds: dict[str, Bounds] = {}
        for one in declared:
            self.declare(one)
        for version in entered:
            self.enter(version)

    def declare(self, declared: Declared) -> None:
        """Add the value that a service folder or a room declares."""
        self._titles.setdefault(declared.id, declared.title)
        self._keep(
            ParameterVersion(
                declared.id,
                declared.title,
                declared.value,
                declared.unit,
                division_prefix(declared.jurisdiction),
                declared.valid_from,
                declared.valid_to,
                declared.source,
                declared.verified,
            )
        )

    def bound(self, parameter: str, bounds: Bounds) -> None:
        """Let no value of `parameter` be entered that lies beyond the values of these parameters."""
        self._bounds[parameter] = bounds

    def refuse_beyond(self, version: ParameterVersion) -> None:
        """Raise Unprocessable where a value lies below the floor or above the ceiling of its place on its first day."""
        bounds = self._bounds.get(version.id, Bounds())
        for name, below in ((bounds.at_least, True), (bounds.at_most, False)):
            limit = self.find(name, version.jurisdiction, version.valid_from) if name else None
            if limit is None or not isinstance(version.value, int | Decimal):
                continue
            if version.value < limit.value if below else version.value > limit.value:
                raise Unprocessable(
                    f"{version.value} is {'less' if below else 'more'} than {limit.value} {limit.unit}: {limit.source}",
                    zh=f"{version.value} {'低于下限' if below else '高于上限'} {limit.value}{limit.unit}（{limit.source}）",
                    expression="value",
                )

    def enter(self, version: ParameterVersion) -> None:
        """Add a value entered at run time. Raises Invalid without a source, or when it ends before it starts."""
        if not version.source.strip():
            raise Invalid("a parameter needs the clause it comes from", zh="参数必须注明来源条款")
        if version.valid_to is not None and version.valid_to < version.valid_from:
            raise Invalid("a parameter cannot end before it starts", zh="参数的失效日期不能早于生效日期")
        self._titles.setdefault(version.id, version.title)
        self._entered.append(version)
        self._keep(version)

    def entered(self) -> tuple[ParameterVersion, ...]:
        """Return the versions entered at run time, oldest entry first, for keeping."""
        return tuple(self._entered)

    def ids(self) -> tuple[str, ...]:
        """Return every known parameter id, sorted."""
        return tuple(sorted(self._versions))

    def versions(self, parameter: str) -> tuple[ParameterVersion, ...]:
        """Return every version of `parameter`: by jurisdiction, then the one that stands first."""
        places = self._versions.get(parameter, {})
        return tuple(version for place in sorted(places) for version in places[place])

    def find(self, parameter: str, jurisdiction: str, day: date) -> ParameterVersion | None:
        """Return the version in force for this place on `day`, or None."""
        places = self._versions.get(parameter, {})
        for place in jurisdiction_chain(jurisdiction):
            for version in places.get(place, ()):
                if version.in_force(day):
                    return version
        return None

    def figure(self, declared: Declared, jurisdiction: str, day: date) -> Any:
        """Return the value in force for this place on `day`; where the table lacks one, the declared value."""
        found = self.find(declared.id, jurisdiction, day)
        return declared.value if found is None else found.value

    def version(self, parameter: str, jurisdiction: str, day: date) -> ParameterVersion:
        """Return the version in force for this place on `day`. Raises ParameterMissing."""
        found = self.find(parameter, jurisdiction, day)
        if found is None:
            title = self._titles.get(parameter, Text(parameter, parameter))
            place = jurisdiction or "CN"
            raise ParameterMissing(
                f"parameter '{title.en}' ({parameter}) has no value for {place} on {day.isoformat()}; enter it with its source",
                zh=f"参数“{title.zh}”（{parameter}）在{place}没有{day.isoformat()}有效的值，请录入并注明来源",
            )
        return found

    def value(self, parameter: str, jurisdiction: str, day: date) -> Any:
        """Return the value in force for this place on `day`. Raises ParameterMissing."""
        return self.version(parameter, jurisdiction, day).value

    def _keep(self, version: ParameterVersion) -> None:
        places = self._versions.setdefault(version.id, {})
        # the latest start stands first; among equals what was added later, hence the insertion before them
        listed = places.setdefault(division_prefix(version.jurisdiction), [])
        place = next(
            (at for at, one in enumerate(listed) if one.valid_from <= version.valid_from), len(listed)
        )
        listed.insert(place, version)
