"""二维码: a text as a picture that telephones read."""

from __future__ import annotations

import segno


def square_code(text: str, scale: int = 5) -> str:
    """Return the square code of `text` as a data URI (SVG), `scale` pixels a module, dark on white for any reader."""
    picture: str = segno.make_qr(text, error="m").svg_data_uri(
        scale=scale, border=4, dark="#102a43", light="#ffffff"
    )
    return picture
