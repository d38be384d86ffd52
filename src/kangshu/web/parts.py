"""Small shapes that several pages hand to their templates."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a record: what it is and what it says, with the page it leads to."""

    title: str
    value: str
    address: str = ""
    wide: bool = False
    links: tuple[tuple[str, str], ...] = ()
    """Several pages or files that it leads to: what each is called, and its address."""
    field: str = ""
    """Id of the protected field that it shows; "" for none."""
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    """The rows of a table under `heads`."""


@dataclass(frozen=True, slots=True)
class Link:
    """A button or line that leads to a page."""

    title: str
    address: str
    icon: str = ""
    current: bool = False


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab above a list."""

    title: str
    address: str
    current: bool
    count: int | str = ""
    alert: bool = False


@dataclass(frozen=True, slots=True)
class Paging:
    """The way to the pages before and after; "" where there is none."""

    previous: str = ""
    next: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """One field above a list; a span of days has two ends, `value` and `until`."""

    id: str
    title: str
    value: str = ""
    options: tuple[tuple[str, str], ...] = ()
    span: bool = False
    until: str = ""
    hint: str = ""
    """What may be typed, shown while the field is empty."""

    @property
    def used(self) -> bool:
        """Return whether the list is filtered by it."""
        return bool(self.value or self.until)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table on a first screen or in 系统管理."""

    text: str = ""
    address: str = ""
    tone: str = ""
    light: bool = False
    number: bool = False
    sub: str = ""
    post: str = ""
    confirm: str = ""
    danger: bool = False
    nowrap: bool = False
