"""Zip containers whose bytes depend on their content alone: same document, same bytes."""

from __future__ import annotations

import io
import zipfile

_DAY = (1980, 1, 1, 0, 0, 0)
"""The earliest moment that a zip directory can hold."""


def stable(data: bytes) -> bytes:
    """Return the docx or xlsx `data` with its members in their order and without the moment of writing."""
    written = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for member in source.infolist():
            fixed = zipfile.ZipInfo(member.filename, _DAY)
            fixed.compress_type = zipfile.ZIP_DEFLATED
            fixed.external_attr = 0o600 << 16
            target.writestr(fixed, source.read(member), compresslevel=6)
    return written.getvalue()
