"""What one resource is found by: index entries by kind, as plain rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

LOWEST: Final = Decimal("-Infinity")
HIGHEST: Final = Decimal("Infinity")


@dataclass(slots=True)
class Entries:
    """Rows by kind; each begins with (parameter, part). `part` is 0, or the number of a composite's element."""

    token: list[tuple[str, int, str, str]] = field(default_factory=list)
    """(parameter, part, system, code); "" where the value has no system, or no code."""
    string: list[tuple[str, int, str, str]] = field(default_factory=list)
    """(parameter, part, folded, exact)."""
    date: list[tuple[str, int, datetime, datetime]] = field(default_factory=list)
    """(parameter, part, low, high): half open, UTC."""
    number: list[tuple[str, int, Decimal, Decimal]] = field(default_factory=list)
    """(parameter, part, low, high): both equal for a plain number."""
    quantity: list[tuple[str, int, str, str, str, Decimal, Decimal]] = field(default_factory=list)
    """(parameter, part, system, code, unit, low, high)."""
    reference: list[tuple[str, int, str, str]] = field(default_factory=list)
    """(parameter, part, type, id); for an absolute URL or canonical the type is "" and the id the URL."""
    uri: list[tuple[str, int, str]] = field(default_factory=list)
    """(parameter, part, value)."""

    def unique(self) -> Entries:
        """Return the entries without doubles, in order."""
        return Entries(
            list(dict.fromkeys(self.token)),
            list(dict.fromkeys(self.string)),
            list(dict.fromkeys(self.date)),
            list(dict.fromkeys(self.number)),
            list(dict.fromkeys(self.quantity)),
            list(dict.fromkeys(self.reference)),
            list(dict.fromkeys(self.uri)),
        )
