"""pdf: an official document set by Typst in the form of GB/T 9704-2012; the faces are those of `portable_writer`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time
from typing import Any

from kangshu.documents import official_layout as layout
from kangshu.documents.official import OfficialBlock, OfficialDocument, OfficialTable, written_day
from kangshu.documents.official_writer import (
    IN_FORCE,
    label_of,
    numbered,
    signature_indents,
    width_in_characters,
)
from kangshu.documents.word_writer import clean

_LAYOUT = {
    "red": layout.RED,
    "body": layout.BODY_SIZE,
    "title": layout.TITLE_SIZE,
    "imprint": layout.IMPRINT_SIZE,
    "pitch": layout.LINE_PITCH,
    "width": layout.TEXT_WIDTH,
    "top": layout.TOP,
    "binding": layout.BINDING,
    "right": layout.RIGHT,
    "bottom": layout.BOTTOM,
    "label_top": layout.LABEL_TOP,
    "line_below": layout.LINE_BELOW_NUMBER,
    "letter_top": layout.LETTER_LABEL_TOP,
    "letter_line": layout.LETTER_LINE_BELOW,
    "number_size": layout.PAGE_NUMBER_SIZE,
    "number_below": layout.PAGE_NUMBER_BELOW,
}


def official_data(document: OfficialDocument) -> dict[str, Any]:
    """Return what the template official.typ takes."""
    label = clean(label_of(document))
    minutes = document.form == "minutes" and not document.signers
    signers = [] if minutes else [clean(one) for one in document.signers or (document.agency,)]
    day = written_day(document.day) if document.day else ""
    left, right = signature_indents(
        max(map(width_in_characters, signers), default=0.0), width_in_characters(day)
    )
    made = datetime.combine(document.day or IN_FORCE, time(), UTC)
    return {
        "template": "official",
        "layout": _LAYOUT,
        "moment": int(made.timestamp()),
        "form": document.form,
        "name": clean(document.title.replace("\n", "")),
        "author": clean(document.agency),
        "label": label,
        "label_size": layout.label_size(label),
        "number": clean(document.number),
        "marks": [clean(one) for one in (document.urgency, document.mark) if one],
        "title": [clean(one) for one in document.title.split("\n")],
        "receivers": clean("、".join(document.receivers)),
        "blocks": _blocks(document.body),
        "annexes": [clean(one) for one in document.annexes],
        "people": [
            [word, clean("、".join(people))]
            for word, people in (
                ("出席", document.present),
                ("请假", document.excused),
                ("列席", document.observers),
            )
            if people
        ],
        "signers": signers,
        "day": day,
        "signer_indent": left,
        "day_indent": right,
        "notes": [clean(one) for one in document.notes],
        "annexed": [
            {
                "mark": f"附件{number if len(document.annexed) > 1 else ''}",
                "title": clean(one.title),
                "blocks": _blocks(one.blocks),
            }
            for number, one in enumerate(document.annexed, 1)
        ],
        "imprint": _imprint(document),
    }


def _blocks(blocks: Iterable[OfficialBlock]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for block, number in numbered(blocks):
        if isinstance(block, OfficialTable):
            width = max((len(row) for row in block.rows), default=0)
            rows = [[clean(cell) for cell in (*row, *("",) * (width - len(row)))] for row in block.rows]
            if width:
                found.append({"kind": "table", "widths": list(block.widths or (1.0,) * width), "rows": rows})
        else:
            heading = clean(number + block.heading)
            found.append(
                {"kind": "paragraph", "level": block.level, "heading": heading, "text": clean(block.text)}
            )
    return found


def _imprint(document: OfficialDocument) -> list[list[str]]:
    """Return the lines of 版记 (7.4); a letter names no issuer (10.1)."""
    rows = [["抄送：" + clean("，".join(document.copies)) + "。", ""]] if document.copies else []
    issued = document.issued or document.day
    if document.issuer and document.form != "letter":
        rows.append([clean(document.issuer), f"{written_day(issued)}印发" if issued else ""])
    return rows
