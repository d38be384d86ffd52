"""Replies to proposals (复函、答复): what they promise. Their answers name no units in brackets, as plans do."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from kangshu.documents import Document
from kangshu.plans.reading.model import Anchor, Reading, TaskFinding
from kangshu.plans.reading.reader import read_plan

_SENTENCE: Final = re.compile(r"[^。！？\n]+[。！？]?")
_PROMISE: Final = re.compile(
    r"^\s*(?:下一步|今后|接下来|后续)|(?:我[市区县州省]|我[局委办厅]|我们)将(?!.{0,6}(?:纳入|列为)了)|"
    r"将(?:继续|进一步|持续|深入|积极|统筹|结合|加快|联合)"
)
_DONE: Final = re.compile(r"^\s*(?:目前|近年来|去年|20\d\d年)[^。]*已")
_SIGNED: Final = re.compile(r"^[\u4e00-\u9fff]{4,30}(?:委员会|局|办公室|人民政府|厅|中心)$")
_HEADING: Final = re.compile(r"^\s*(?:[一二三四五六七八九十]+、|[(（][一二三四五六七八九十]+[)）])")
_START: Final = 40


def read_reply(document: Document) -> Reading:
    """Return what a reply says; where it assigns nothing to units, its promises (下一步…将…) are its clauses.

    A promise is led by the authority that signs the reply; where none does, by nobody: a person says who.
    """
    reading = read_plan(document)
    if reading.tasks:
        return reading
    signed = _signed(document.text)
    promises = [
        _promise(document.text, *_trimmed(document.text, match.start(), match.end()), signed)
        for match in _SENTENCE.finditer(document.text)
        if _PROMISE.search(match.group())
        and not _DONE.match(match.group())
        and not _HEADING.match(match.group())
    ]
    return replace(reading, tasks=tuple(promises))


def _signed(text: str) -> tuple[str, ...]:
    """Return the authority that stands alone on one of the last lines."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next(((line,) for line in reversed(lines[-4:]) if _SIGNED.match(line)), ())


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    return start, end


def _promise(text: str, start: int, end: int, lead: tuple[str, ...]) -> TaskFinding:
    written = text[start:end]
    return TaskFinding(
        heading="",
        text_start=written[:_START],
        text=written,
        lead=lead,
        cooperating=(),
        mode="unspecified",
        anchor=Anchor.at(text, start, end),
        units_anchor=Anchor.at(text, end, end),
    )
