"""Strings as they are compared: case, accents, widths and runs of blanks do not count."""

from __future__ import annotations

import hashlib
import unicodedata
from functools import lru_cache
from typing import Final

LONGEST: Final = 400
"""Characters of a token, reference or URI that an index row keeps; a longer one is shortened with its digest."""
LONGEST_TEXT: Final = 4000
"""Characters of a string that an index row keeps."""
TEXT_HEAD: Final = 300
"""Characters of a string by which the index finds it; the schema has the same number."""


@lru_cache(maxsize=32768)
def fold(text: str) -> str:
    """Return `text` as the default string search compares it.

    Source: https://hl7.org/fhir/R4/search.html#string ("case and accent insensitive", blanks normalised).
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
        text = "".join(sign for sign in text if not unicodedata.combining(sign))
        text = unicodedata.normalize("NFC", text)
    return " ".join(text.casefold().split())


def shorten(text: str) -> str:
    """Return `text`, or for an overlong one its beginning and its digest: equal stays equal."""
    if len(text) <= LONGEST:
        return text
    return text[: LONGEST - 80] + "#" + hashlib.sha256(text.encode()).hexdigest()


def after(prefix: str) -> str:
    """Return the smallest text in code point order that is above every text beginning with `prefix`."""
    for at in range(len(prefix) - 1, -1, -1):
        point = ord(prefix[at]) + 1
        if point < 0x110000:
            # surrogates are no characters: the range skips them
            return prefix[:at] + chr(0xE000 if 0xD800 <= point < 0xE000 else point)
    return ""
