"""What the rules find now: the causes of warnings, from the numbers as they are stored and the lists as they stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Final

from kangshu.access import system_grant
from kangshu.base.clock import quarter_ends
from kangshu.base.parameters import ParameterTable, ParameterVersion
from kangshu.base.text import Text
from kangshu.measures import ListAsked, Snapshot, Tally, period_of
from kangshu.sdk import ListDeclaration, MeasureDeclaration, WarningLevel, WarningRule
from kangshu.warnings import limits
from kangshu.warnings.judging import Value, judge, pace_of, peers_median

GRANT: Final = system_grant("预警规则")
_ORGANISATION: Final = "Organization/"
_DAY: Final = (2, 29)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a warning is raised: which rule, of which place, institution or person, and on which values.

    `place` is a division code ("" the whole city), `unit` the id of the institution ("" none), `subject` "Type/id" of a
    single row. `text` says it in words without a name.
    """

    rule: WarningRule
    level: WarningLevel
    text: Text
    place: str = ""
    unit: str = ""
    subject: str = ""
    value: float | None = None
    limit: float | None = None
    compared: float | None = None
    count: int | None = None
    owners: tuple[str, ...] = ()
    """Ids of the organisations that answer for it, where the cause itself says so."""
    versions: tuple[ParameterVersion, ...] = ()
    target: str = ""

    @property
    def key(self) -> str:
        """Return what is the same for the same cause, however often it is found; it tells nobody's id."""
        single = sha256(self.subject.encode()).hexdigest()[:24] if self.subject else self.target
        return f"{self.rule.code}|{self.unit or self.place or 'all'}|{single}"


@dataclass(frozen=True, slots=True)
class Counted:
    """What one rule finds: the causes by key, and the keys of which nothing is known now (they neither begin nor end)."""

    causes: Mapping[str, Cause]
    unknown: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LateTarget:
    """A target of a plan in force that is off its course: `units` are ids of the lead units."""

    plan: str
    plan_title: str
    target: str
    indicator: str
    reason: Text
    units: tuple[str, ...]


@dataclass(slots=True)
class Reader:
    """Reads numbers and lists of one publication on one day; earlier values are kept, for they are asked each time."""

    snapshot: Snapshot
    parameters: ParameterTable
    jurisdiction: str
    day: date
    earlier: dict[tuple[str, str, date], dict[str, Value]] = field(default_factory=dict)

    def on_measure(self, rule: WarningRule, measure: MeasureDeclaration) -> Counted:
        """Return what a rule on a measure finds. Raises Fault where the measure cannot be computed."""
        level = self._figure(limits.CONFIDENCE.id) if rule.test == "beyond" else 0.0
        now, whole = self._values(rule, measure, self.day, level)
        least = (
            self._figure(rule.least or limits.LEAST.id) if measure.kind == "proportion" or rule.least else 0
        )
        people = self.snapshot.counts_people(measure)
        keys = [one for one in now if one or not rule.by]
        values = [now[one].value for one in keys]
        causes: dict[str, Cause] = {}
        unknown: set[str] = set()
        for number, key in enumerate(keys):
            one = now[key]
            blank = self._blank(rule, key)
            if one.value is None or (one.denominator or 0) < least:
                unknown.add(blank.key)
                continue
            compared = self._compared(rule, measure, key, (values, number), whole)
            if compared is None and rule.test not in ("above", "below"):
                unknown.add(blank.key)
                continue
            cause = self._judged(rule, measure, (key, one), compared, people=people)
            if cause is not None:
                causes[cause.key] = cause
        return Counted(causes, frozenset(unknown))

    def on_list(self, rule: WarningRule, declared: ListDeclaration) -> Counted:
        """Return what a rule on a list finds: one cause per institution or county, or one per row."""
        asked = ListAsked(district=self.jurisdiction, cell=rule.where, limit=1)
        given = {one: self.parameters.value(one, self.jurisdiction, self.day) for one in declared.parameters}
        tallies = self.snapshot.tallied(
            GRANT, declared, given, self.day, asked, rule.institution or "district"
        )
        causes: dict[str, Cause] = {}
        for tally in tallies:
            for cause in self._of_tally(rule, declared, given, tally):
                causes[cause.key] = cause
        return Counted(causes)

    # ------------------------------------------------------------------ inside

    def _of_tally(
        self, rule: WarningRule, declared: ListDeclaration, given: Mapping[str, object], tally: Tally
    ) -> list[Cause]:
        blank = self._blank(rule, tally.key)
        version = self._version(rule.parameter, blank.place)
        most = _number(version) if version else 0.0
        if tally.count <= most:
            return []
        level = self._level(rule, blank.place, lambda limit: tally.count > limit)
        if rule.each and tally.key and tally.count <= self._figure(limits.MOST_EACH.id):
            cell = {**rule.where, rule.institution or "district": tally.key}
            asked = ListAsked(district=self.jurisdiction, cell=cell, limit=int(tally.count))
            rows = self.snapshot.listed(GRANT, declared, dict(given), self.day, asked).rows
            return [
                Cause(
                    rule,
                    level,
                    rule.title,
                    row.district,
                    blank.unit,
                    row.subject,
                    count=1,
                    versions=_held(version),
                )
                for row in rows
            ]
        few = tally.people and tally.count < self.snapshot.least_shown
        number = Text(f"少于{self.snapshot.least_shown}", f"fewer than {self.snapshot.least_shown}")
        if not few:
            number = Text(f"{tally.count:,}", f"{tally.count:,}")
        word = ("人", "people") if tally.persons else ("条", "entries")
        text = Text(f"{rule.title.zh}：{number.zh}{word[0]}", f"{rule.title.en}: {number.en} {word[1]}")
        return [
            Cause(
                rule, level, text, blank.place, blank.unit,
                limit=most if version else None, count=None if few else tally.count, versions=_held(version),
            )
        ]  # fmt: skip

    def _values(
        self, rule: WarningRule, measure: MeasureDeclaration, day: date, level: float = 0.0
    ) -> tuple[dict[str, Value], Value]:
        """Return a measure's values by key of the rule's split, and the whole city's."""
        given = {one: self.parameters.value(one, self.jurisdiction, self.day) for one in measure.parameters}
        by = (rule.by,) if rule.by else ()
        result = self.snapshot.evaluate(
            GRANT, measure, given, *period_of(measure, day), by, self.jurisdiction, level=level
        )
        whole = Value(result.value, result.numerator, result.denominator, result.limits)
        if not by:
            return {"": whole}, whole
        rows = {
            str(row.keys[0]): Value(row.value, row.numerator, row.denominator, row.limits)
            for row in result.rows
        }
        return rows, whole

    def _compared(
        self,
        rule: WarningRule,
        measure: MeasureDeclaration,
        key: str,
        among: tuple[Sequence[float | None], int],
        whole: Value,
    ) -> float | None:
        match rule.test:
            case "above" | "below":
                return None
            case "beyond":
                return whole.value
            case "pace":
                return pace_of(measure, self.day)
        if rule.against == "peers":
            return peers_median(*among)
        day = _year_ago(self.day) if rule.against == "year" else quarter_ends(self.day, 2)[0]
        name = (measure.id, rule.by, day)
        if name not in self.earlier:
            self.earlier[name] = self._values(rule, measure, day)[0]
        found = self.earlier[name].get(key)
        return found.value if found is not None else None

    def _judged(
        self,
        rule: WarningRule,
        measure: MeasureDeclaration,
        found: tuple[str, Value],
        compared: float | None,
        *,
        people: bool,
    ) -> Cause | None:
        key, one = found
        blank = self._blank(rule, key)
        version = self._version(rule.parameter, blank.place)
        limit = _number(version) if version else None
        judged = judge(rule, measure, one, limit, compared)
        if judged is None:
            return None

        def worse(urgent: float) -> bool:
            return judge(rule, measure, one, urgent, compared) is not None

        told = not (people and _few(measure, one, self.snapshot.least_shown))
        return Cause(
            rule,
            self._level(rule, blank.place, worse),
            judged.text if told else judged.quiet,
            blank.place,
            blank.unit,
            value=one.value if told else None,
            limit=limit,
            compared=judged.compared,
            versions=_held(version),
        )

    def _blank(self, rule: WarningRule, key: str) -> Cause:
        """Return the place or institution that a key names."""
        if key.startswith(_ORGANISATION):
            return Cause(rule, rule.level, rule.title, unit=key.removeprefix(_ORGANISATION))
        place = key.ljust(6, "0") if key.isdecimal() else ""
        return Cause(rule, rule.level, rule.title, place=place)

    def _level(self, rule: WarningRule, place: str, worse: Callable[[float], bool]) -> WarningLevel:
        version = self._version(rule.urgent, place)
        if version is not None and worse(_number(version)):
            return "urgent"
        return rule.level

    def _version(self, parameter: str, place: str) -> ParameterVersion | None:
        if not parameter:
            return None
        return self.parameters.version(parameter, place or self.jurisdiction, self.day)

    def _figure(self, parameter: str) -> float:
        return _number(self.parameters.version(parameter, self.jurisdiction, self.day))


def of_targets(rule: WarningRule, late: Sequence[LateTarget]) -> Counted:
    """Return one cause per target that is off its course."""
    causes = (
        Cause(
            rule,
            rule.level,
            Text(f"{one.indicator}：{one.reason.zh}", f"{one.indicator}: {one.reason.en}"),
            owners=one.units,
            target=f"{one.plan}/{one.target}",
        )
        for one in late
    )
    return Counted({one.key: one for one in causes})


def _few(measure: MeasureDeclaration, one: Value, least: int) -> bool:
    """Return whether the parts of a value tell of fewer people than may be shown."""
    if one.numerator is None or one.denominator is None:
        return True
    parts = [one.numerator]
    if measure.kind == "proportion":
        parts.append(one.denominator - one.numerator)
    return any(0 < part < least for part in parts)


def _held(version: ParameterVersion | None) -> tuple[ParameterVersion, ...]:
    return (version,) if version is not None else ()


def _number(version: ParameterVersion) -> float:
    return float(str(version.value))


def _year_ago(day: date) -> date:
    return date(day.year - 1, day.month, 28 if (day.month, day.day) == _DAY else day.day)
