"""Answers that stand ready for pages of many measures: by audience and day, kept by the background worker.

A file per audience (`audiences`) and period end holds each measure's number with the divisions one level below a place.
An answer says what it follows from; what follows from the same is given as of now. So it is the very answer that
`Snapshot.evaluate` gives, with what must be suppressed for this audience.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from kangshu.access import Grant
from kangshu.base.clock import today
from kangshu.base.faults import Fault
from kangshu.measures.atoms import content_key, definition_key
from kangshu.measures.audiences import audience_of
from kangshu.measures.dimensions import DISTRICT, views_of
from kangshu.measures.limits import Secrecy
from kangshu.measures.manifest import Manifest, put_in_place
from kangshu.measures.result import MeasureResult
from kangshu.measures.results import Wanted

_DECLARED: Final = Secrecy()
ANSWERS: Final = "answers"
SLOW: Final = 0.25
"""Seconds: what took longer is shown as it was kept, with its state, until it is computed again; the rest anew at once."""
PAST_SECONDS: Final = 3600.0
"""How old the answers for a day that is over may be: records of the past are few among what changes."""


class KeptAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One measure's number.

    `definition` says what it follows from besides the rows, `content` with them; `seconds` is how long it took.
    """

    definition: str
    content: str
    seconds: float
    result: MeasureResult


class KeptAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """The answers of one audience for the periods that end on one day, by measure id; `place` is what they split."""

    source: str = ""
    place: str = ""
    answers: dict[str, KeptAnswer] = {}


@dataclass(frozen=True, slots=True)
class Kept:
    """What a refresh did: how many answers it computed, whether some are left for the next, how long it took.

    `lacking`: of the first day there are audiences for whom nothing of a measure stands ready.
    """

    computed: int
    left: bool
    seconds: float
    lacking: bool = False


class Computing(Protocol):
    """What answers are computed on: a snapshot, and its state."""

    @property
    def manifest(self) -> Manifest: ...
    @property
    def least_shown(self) -> int: ...
    @property
    def secrecy(self) -> Secrecy: ...
    def evaluate(
        self,
        grant: Grant,
        measure: Any,
        parameters: Mapping[str, Any],
        period_start: date,
        period_end: date,
        by: tuple[str, ...] = (),
        district: str = "",
    ) -> MeasureResult: ...


def keys_of(one: Wanted, manifest: Manifest, least_shown: int, secrecy: Secrecy) -> tuple[str, str]:
    """Return what an answer follows from, for one audience: without the rows, and with them."""
    period = (one.start, one.end)
    definition = definition_key(one.measure, manifest.source, one.parameters, period)
    content = content_key(one.measure, manifest.views, manifest.source, one.parameters, period, (DISTRICT,))
    rules = f"{least_shown}-{secrecy.least_units}-{secrecy.dominance:g}"
    return f"{definition}-{rules}", f"{content}-{rules}"


def types_of(manifest: Manifest) -> frozenset[str]:
    """Return the resource types of the published views."""
    return frozenset(view.resource for view in manifest.views.values())


class AnswerKeeper:
    """Keeps the answers in the folder of the views. The background worker alone runs it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / ANSWERS
        self._folder.mkdir(parents=True, exist_ok=True)
        self._whole: dict[str, float] = {}
        """When a file was last brought up to its end."""

    def refresh(
        self,
        snapshot: Computing,
        grants: Sequence[Grant],
        wanted: Mapping[date, Sequence[Wanted]],
        place: str,
        seconds: float = float("inf"),
    ) -> Kept:
        """Bring the answers for `grants` up to `snapshot`, the first days of `wanted` first, until `seconds` are over.

        Those for other days than the first follow once an hour. What is of no audience or day that is wanted is removed.
        A measure that cannot be computed is left out.
        """
        began, computed, left, lacking = time.monotonic(), 0, False, False
        audiences = {audience_of(grant, types_of(snapshot.manifest)): grant for grant in grants}
        audiences.pop("", None)
        first = next(iter(wanted), None)
        for end, asked in wanted.items():
            due = {
                f"{audience}-{end}.json": grant
                for audience, grant in audiences.items()
                if end == first or self._is_due(f"{audience}-{end}.json")
            }
            day = _Day(self._folder, snapshot, due, place, began + seconds)
            for one in asked:
                day.bring_up(one)
            day.write()
            computed, left = computed + day.computed, left or bool(day.old or day.never)
            lacking = lacking or (end == first and day.never > 0)
            if not (day.old or day.never):
                self._whole.update(dict.fromkeys(due, time.monotonic()))
        names = {f"{audience}-{end}.json" for audience in audiences for end in wanted}
        self._whole = {name: since for name, since in self._whole.items() if name in names}
        for path in self._folder.iterdir():
            if path.name not in names:
                path.unlink(missing_ok=True)
        return Kept(computed, left, time.monotonic() - began, lacking)

    def _is_due(self, name: str) -> bool:
        return time.monotonic() - self._whole.get(name, float("-inf")) >= PAST_SECONDS


class _Day:
    """The answers of one day in the making: `due` are the files, each with the grant of its audience.

    Audiences that may count and read the same of what a measure is made of get the same answer, computed once.
    """

    def __init__(
        self, folder: Path, snapshot: Computing, due: Mapping[str, Grant], place: str, until: float
    ) -> None:
        self._folder, self._snapshot, self._due, self._place = folder, snapshot, due, place
        self._until = until
        self._before = {name: _read(folder / name, snapshot.manifest.source, place) for name in due}
        self._made: dict[str, dict[str, KeptAnswer]] = {name: {} for name in due}
        self._alike: dict[frozenset[str], list[list[str]]] = {}
        self.computed = self.old = self.never = 0
        """How many answers were computed, are left as they were, and were never computed; for each audience."""

    def bring_up(self, one: Wanted) -> None:
        """Bring one measure's answers up to the snapshot, as long as there is time."""
        definition, content = keys_of(
            one, self._snapshot.manifest, self._snapshot.least_shown, self._snapshot.secrecy
        )
        for names in self._audiences(one):
            held = {name: self._before[name].get(one.measure.id) for name in names}
            known = next(
                (kept for kept in held.values() if kept is not None and kept.content == content), None
            )
            if known is None and time.monotonic() <= self._until:
                known = self._computed(one, self._due[names[0]], definition, content)
                if known is None:
                    continue
            for name, kept in held.items():
                if (given := known or kept) is not None:
                    self._made[name][one.measure.id] = given
                self.old += known is None and kept is not None
                self.never += known is None and kept is None

    def write(self) -> None:
        """Replace the files that are other than before."""
        source = self._snapshot.manifest.source
        for name, made in self._made.items():
            if made != self._before[name]:
                kept = KeptAnswers(source=source, place=self._place, answers=made)
                put_in_place(self._folder, name, ".", kept)

    def _audiences(self, one: Wanted) -> list[list[str]]:
        """Return the files in groups that have one answer of this measure."""
        views = self._snapshot.manifest.views
        types = frozenset(
            views[name].resource for name in views_of(one.measure, (DISTRICT,)) if name in views
        )
        if types not in self._alike:
            groups: dict[str, list[str]] = {}
            for name, grant in self._due.items():
                groups.setdefault(audience_of(grant, types), []).append(name)
            self._alike[types] = list(groups.values())
        return self._alike[types]

    def _computed(self, one: Wanted, grant: Grant, definition: str, content: str) -> KeptAnswer | None:
        """Return the answer for an audience; None where it cannot be computed: the page that asks for it says why."""
        start = time.monotonic()
        try:
            result = self._snapshot.evaluate(
                grant, one.measure, one.parameters, one.start, one.end, (DISTRICT,), self._place
            )
        except Fault:
            return None
        self.computed += 1
        return KeptAnswer(
            definition=definition,
            content=content,
            seconds=time.monotonic() - start,
            result=replace(result, parameters={}),
        )


class AnswersAtHand:
    """Reads the answers beside a publication of the views."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self._folder, self._manifest = folder / ANSWERS, manifest
        self._types = types_of(manifest)
        self._read: dict[tuple[str, int, str], Mapping[str, KeptAnswer]] = {}
        self._asking: tuple[Grant, str] | None = None
        """Who asked last, and of what audience that is: pages ask several times."""

    def of(
        self,
        grant: Grant,
        wanted: Iterable[Wanted],
        place: str,
        least_shown: int,
        secrecy: Secrecy = _DECLARED,
        *,
        as_kept: bool = False,
    ) -> dict[str, MeasureResult]:
        """Return what is kept of `wanted` for who may count and read what `grant` may, by `Wanted.name`.

        What follows from an earlier state is given where computing it takes long, for days that are over, and
        `as_kept` always: each says of which state it is.
        """
        audience = self._audience(grant)
        if not audience:
            return {}
        found: dict[str, MeasureResult] = {}
        files: dict[date, Mapping[str, KeptAnswer]] = {}
        for one in wanted:
            if one.end not in files:
                files[one.end] = self._answers(f"{audience}-{one.end}.json", place)
            kept = files[one.end].get(one.measure.id)
            if kept is None:
                continue
            definition, content = keys_of(one, self._manifest, least_shown, secrecy)
            given = replace(
                kept.result, parameters={id_: one.parameters[id_] for id_ in one.measure.parameters}
            )
            if kept.content == content:
                # nothing that it follows from has changed: it is as of now
                found[one.name] = replace(
                    given, position=self._manifest.position, instant=self._manifest.instant
                )
            elif kept.definition == definition and (as_kept or kept.seconds > SLOW or one.end < today()):
                found[one.name] = given
        return found

    def _audience(self, grant: Grant) -> str:
        asking = self._asking
        if asking is None or asking[0] is not grant:
            asking = self._asking = grant, audience_of(grant, self._types)
        return asking[1]

    def _answers(self, name: str, place: str) -> Mapping[str, KeptAnswer]:
        try:
            stamp = (self._folder / name).stat().st_mtime_ns
        except OSError:
            return {}
        key = (name, stamp, place)
        if key not in self._read:
            self._read = {one: kept for one, kept in self._read.items() if one[0] != name}
            self._read[key] = _read(self._folder / name, self._manifest.source, place)
        return self._read[key]


def _read(path: Path, source: str, place: str) -> Mapping[str, KeptAnswer]:
    """Return the answers in a file; none where it is not there, cannot be read, or is of another database or place."""
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=KeptAnswers)
    except (OSError, msgspec.DecodeError):
        return {}
    return kept.answers if (kept.source, kept.place) == (source, place) else {}
