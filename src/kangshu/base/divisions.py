"""Division codes of GB/T 2260 and below: 2 digits a province, 4 a city, 6 a district, 9 a town, 12 a community."""

from __future__ import annotations

_LEVELS = (2, 4, 6, 9, 12)


def division_prefix(code: str) -> str:
    """Return `code` without the zero groups that mean "all of it": 990100 → 9901, 990000 → 99."""
    if len(code) > 6:
        return division_prefix(code[:6]) if set(code[6:]) == {"0"} else code
    while len(code) > 2 and code.endswith("00") and len(code) % 2 == 0:
        code = code[:-2]
    return code


def jurisdiction_chain(code: str) -> tuple[str, ...]:
    """Return the division prefixes from `code` up to the whole country (""), nearest first.

    990102001 → ("990102001", "990102", "9901", "99", "").
    """
    prefix = division_prefix(code)
    levels = [prefix[:digits] for digits in reversed(_LEVELS) if digits < len(prefix)]
    return (prefix, *levels, "") if prefix else ("",)
