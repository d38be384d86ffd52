"""Bars along time for the rows of a table: each row is drawn alone, in per cent of the width, so that it prints and
scrolls with its words, and five hundred of them are a table like any other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup, escape

from kangshu.web.icons import drawn


@dataclass(frozen=True, slots=True)
class Stage:
    """A mark on a row: what it is called, the planned day, and the day on which it was reached (None: not yet)."""

    label: str
    day: date
    done: date | None


@dataclass(frozen=True, slots=True)
class Bar:
    """One row: its span (None: unknown), how far it has come in per cent, its colour's number and its marks."""

    start: date | None
    end: date | None
    progress: float | None = None
    colour: int = 0
    late: bool = False
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True, slots=True)
class Axis:
    """The time that a picture shows, from the first of a year to the last of one."""

    first: date
    last: date

    def at(self, day: date) -> float:
        """Return where a day stands, in per cent of the width."""
        span = (self.last - self.first).days or 1
        return max(0.0, min(100.0, (day - self.first).days / span * 100))


def axis_of(bars: Sequence[Bar], today: date) -> Axis:
    """Return the axis on which every bar and mark has its place."""
    days = [day for bar in bars for day in (bar.start, bar.end) if day is not None]
    days += [
        day for bar in bars for stage in bar.stages for day in (stage.day, stage.done) if day is not None
    ]
    days.append(today)
    return Axis(date(min(days).year, 1, 1), date(max(days).year, 12, 31))


def head(axis: Axis, today: date, said: str) -> Markup:
    """Return the scale above the bars: years, half-years where there is room, and today."""
    out = ['<svg class="gantt-head" height="26" aria-hidden="true">']
    years = axis.last.year - axis.first.year + 1
    for year in range(axis.first.year, axis.last.year + 1):
        at = axis.at(date(year, 1, 1))
        out.append(f'<line class="chart-axis" x1="{at:.2f}%" x2="{at:.2f}%" y1="4" y2="26"/>')
        out.append(f'<text x="{at + 0.6:.2f}%" y="14">{year}</text>')
        if years <= 4:
            for month in (4, 7, 10):
                mid = axis.at(date(year, month, 1))
                out.append(f'<line class="chart-rule" x1="{mid:.2f}%" x2="{mid:.2f}%" y1="18" y2="26"/>')
                out.append(f'<text class="is-small" x="{mid + 0.4:.2f}%" y="25">{month}</text>')
    at = axis.at(today)
    out.append(
        f'<line class="gantt-today" x1="{at:.2f}%" x2="{at:.2f}%" y1="0" y2="26"><title>{escape(said)}</title></line>'
    )
    return drawn("".join([*out, "</svg>"]))


def row(axis: Axis, bar: Bar, today: date, said: str) -> Markup:
    """Return one row's bar with its marks; `said` is what it says in words."""
    out = [f'<svg class="gantt-row" height="26" role="img" aria-label="{escape(said)}">']
    for year in range(axis.first.year + 1, axis.last.year + 1):
        at = axis.at(date(year, 1, 1))
        out.append(f'<line class="chart-rule" x1="{at:.2f}%" x2="{at:.2f}%" y1="0" y2="26"/>')
    if bar.start is not None and bar.end is not None and bar.start <= bar.end:
        left, wide = axis.at(bar.start), max(0.4, axis.at(bar.end) - axis.at(bar.start))
        late = " is-late" if bar.late else ""
        out.append(
            f'<rect class="gantt-span mark-{bar.colour}{late}" x="{left:.2f}%" width="{wide:.2f}%" y="8" height="10" rx="3">'
            f"<title>{escape(said)}</title></rect>"
        )
        if bar.progress is not None:
            done = wide * max(0.0, min(100.0, bar.progress)) / 100
            out.append(
                f'<rect class="gantt-done mark-{bar.colour}" x="{left:.2f}%" width="{done:.2f}%" y="8" height="10" rx="3"/>'
            )
    at = axis.at(today)
    out.append(f'<line class="gantt-today" x1="{at:.2f}%" x2="{at:.2f}%" y1="0" y2="26"/>')
    out += [_stage(axis, stage, today) for stage in bar.stages]
    return drawn("".join([*out, "</svg>"]))


def _stage(axis: Axis, stage: Stage, today: date) -> str:
    if stage.done is not None:
        tone, shape = ("is-green" if stage.done <= stage.day else "is-amber"), "M0-6L6 0 0 6-6 0z"
    else:
        tone, shape = (
            ("is-red", "M0-6l6 11h-12z")
            if stage.day < today
            else ("is-ahead", "M0-5.500L5.500 0 0 5.500-5.500 0z")
        )
    when = f"{stage.day} → {stage.done}" if stage.done and stage.done != stage.day else f"{stage.day}"
    return (
        f'<svg x="{axis.at(stage.done or stage.day):.2f}%" y="13" class="gantt-stage"><path class="{tone}" d="{shape}">'
        f"<title>{escape(stage.label)} {when}</title></path></svg>"
    )
