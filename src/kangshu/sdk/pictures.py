"""How the records of a register are drawn beside its list: on a map, along time, as a curve, as a plan of cells, as chains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from kangshu.base.text import Text


@dataclass(frozen=True, slots=True)
class MapPicture:
    """Records on the outlines of the city's divisions.

    `latitude` and `longitude` are FHIRPath over the record (degrees, CGCS2000); `label` a column; `colour` a column
    with options, whose order is that of the colours; `size` a column of numbers, to which the area is proportional.
    """

    latitude: str
    longitude: str
    label: str
    colour: str = ""
    size: str = ""


@dataclass(frozen=True, slots=True)
class Milestones:
    """The records of another register (`service/register`) that are marks on a row: `of` is the column that points to
    it, `day` the planned day, `done` the day on which it was reached, `label` what it is called."""

    register: str
    of: str
    day: str
    label: str
    done: str = ""


@dataclass(frozen=True, slots=True)
class GanttPicture:
    """Records as bars along time; all names are columns of the register. `progress` is per cent, `late` a flag."""

    label: str
    start: str
    end: str
    colour: str = ""
    progress: str = ""
    late: str = ""
    milestones: Milestones | None = None


@dataclass(frozen=True, slots=True)
class CurvePicture:
    """Sums of a column by month, added up along the year or for all time.

    `month` is a column with a day of the month, `value` and `planned` columns of numbers; `of` a column that points to
    a record, by which the curve may be narrowed.
    """

    month: str
    value: str
    unit: str
    planned: str = ""
    of: str = ""
    added_up: Literal["", "year", "all"] = "all"


@dataclass(frozen=True, slots=True)
class GridPicture:
    """Records as cells of a plan: one plan per `of` (a column that points to a record), in it a row per `row` (a floor, the
    highest above), in that a block per `block` (a room). All names are columns; `label` stands in the cell, `colour` is a
    column with options; `mark` is a second column with options whose meaning stands under the label."""

    of: str
    row: str
    block: str
    label: str
    colour: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class ChainMembers:
    """The records of another register (`service/register`) that place somebody in a stage: `of` is the column that points
    to the stage, `who` the one that points to who stands there (counted once per stage), `until` the day from which on it
    stands there no longer."""

    register: str
    of: str
    who: str
    until: str = ""


@dataclass(frozen=True, slots=True)
class ChainLinks:
    """The records of another register (`service/register`) that join members: `giver` supplies `taker`."""

    register: str
    giver: str
    taker: str


@dataclass(frozen=True, slots=True)
class ChainPicture:
    """Records as the stages of chains: a chain per option of `of`, its stages by `order` (a column of whole numbers), those of
    the same number one above the other. A stage without members is a gap, one with fewer than `wanted` (a column of whole
    numbers; one where it is empty) is thin. `unit` is what members are counted in."""

    of: str
    order: str
    label: str
    members: ChainMembers
    unit: Text
    wanted: str = ""
    links: ChainLinks | None = None


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of one register; None for those that it does not have."""

    map: MapPicture | None = None
    gantt: GanttPicture | None = None
    curve: CurvePicture | None = None
    grid: GridPicture | None = None
    chain: ChainPicture | None = None


NO_PICTURES: Final = Pictures()
