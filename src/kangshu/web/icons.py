"""Icons and lights as inline SVG, drawn for this product. A light has a shape and a word besides its colour."""

from __future__ import annotations

from typing import Final

from markupsafe import Markup, escape

_PATHS: Final = {
    "home": "M4 11l8-7 8 7v9h-5v-6H9v6H4z",
    "list": "M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01",
    "send": "M4 12l16-8-6 16-3-6z",
    "board": "M4 4h16v16H4zM4 10h16M10 10v10",
    "paper": "M6 3h9l4 4v14H6zM14 3v5h5M9 13h7M9 17h7",
    "chart": "M4 20V4M4 20h16M8 16v-4M12 16V8M16 16v-6",
    "people": "M9 11a3.5 3.5 0 100-7 3.5 3.5 0 000 7zM3 20c0-4 2.5-6 6-6s6 2 6 6M16 4.5a3.5 3.5 0 010 6.5M17.5 14.5c2.3.7 3.5 2.600 3.500 5.500",
    "building": "M5 21V4h9v17M14 9h5v12M3 21h18M8 8h3M8 12h3M8 16h3",
    "bed": "M3 18V7M3 14h18v4M21 14v-1a3 3 0 00-3-3h-7v4M7 11.500a1.500 1.500 0 100-3 1.500 1.500 0 000 3z",
    "calendar": "M4 6h16v14H4zM4 10h16M8 3v4M16 3v4",
    "swap": "M4 8h14l-4-4M20 16H6l4 4",
    "gear": "M12 15.500a3.500 3.500 0 100-7 3.500 3.500 0 000 7zM12 3v2.500M12 18.500V21M3 12h2.500M18.500 12H21M5.600 5.600l1.800 1.800M16.600 16.600l1.800 1.800M5.600 18.400l1.800-1.800M16.600 7.400l1.800-1.800",
    "key": "M14.500 13a4.500 4.500 0 10-4.300-3.200L4 16v4h4v-2.500h2.500V15z",
    "log": "M5 4h14v16H5zM8.500 8.500h7M8.500 12h7M8.500 15.500h4",
    "table": "M4 5h16v14H4zM4 10h16M4 14.500h16M10 5v14",
    "download": "M12 4v11M7.500 11L12 15.500 16.500 11M4 20h16",
    "upload": "M12 16V5M7.500 9L12 4.500 16.500 9M4 20h16",
    "plus": "M12 5v14M5 12h14",
    "print": "M7 9V4h10v5M7 17H4V9h16v8h-3M7 14h10v6H7z",
    "info": "M12 21a9 9 0 100-18 9 9 0 000 18zM12 11v5M12 8h.01",
    "warn": "M12 4l9 16H3zM12 10v4M12 17h.01",
    "tray": "M4 13l3-8h10l3 8v6H4zM4 13h5l1.500 2.500h3L15 13h5",
    "menu": "M4 6h16M4 12h16M4 18h16",
    "search": "M10.500 17a6.500 6.500 0 100-13 6.500 6.500 0 000 13zM20 20l-4.800-4.800",
    "clock": "M12 21a9 9 0 100-18 9 9 0 000 18zM12 7v5l3.500 2",
    "heart": "M12 20s-8-5-8-10.500A4.500 4.500 0 0112 7a4.500 4.500 0 018 2.500C20 15 12 20 12 20z",
    "flag": "M5 21V4h12l-2.500 4L17 12H5",
    "bell": "M6 16v-5a6 6 0 0112 0v5l2 2H4zM10 20.500a2 2 0 004 0",
    "card": "M3 6h18v12H3zM3 10h18M7 15h4",
    "link": "M9.500 14.500l5-5M8 12l-2 2a3.500 3.500 0 005 5l2-2M16 12l2-2a3.500 3.500 0 00-5-5l-2 2",
}  # fmt: skip

_SHAPES: Final = {
    "red": "M6 0l6 11H0z",
    "amber": "M6 0l6 6-6 6-6-6z",
    "green": "M6 12A6 6 0 106 0a6 6 0 000 12z",
    "grey": "M0 4.500h12v3H0z",
    "blue": "M0 0h12v12H0z",
}


def drawn(svg: str) -> Markup:
    """Return SVG as markup. Whoever draws escapes every text that is not the product's own."""
    return Markup(svg)  # noqa: S704 - the one place where our drawings become markup


def icon(name: str) -> Markup:
    """Return an icon that screen readers pass over; an unknown name is a plain table icon."""
    path = _PATHS.get(name, _PATHS["table"])
    return drawn(f'<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="{path}"/></svg>')


def shape(tone: str) -> Markup:
    """Return the small shape of a light: triangle, diamond, disc or bar."""
    path = _SHAPES.get(tone, _SHAPES["grey"])
    return drawn(f'<svg viewBox="0 0 12 12" aria-hidden="true"><path d="{path}"/></svg>')


def light(tone: str, text: str) -> Markup:
    """Return a light: colour, shape and word together."""
    safe = tone if tone in _SHAPES else "grey"
    return drawn(f'<span class="light is-{safe}">{shape(safe)}{escape(text)}</span>')
