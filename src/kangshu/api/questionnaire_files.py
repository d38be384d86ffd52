"""Questionnaires as files: the empty paper form and the filled-in one, docx or pdf."""

from __future__ import annotations

import asyncio

from kangshu.access import Grant
from kangshu.api.platform import Platform
from kangshu.base.canonical import RESIDENT_ID
from kangshu.base.clock import now
from kangshu.base.faults import NotFound
from kangshu.documents import Report, write_report_docx, write_report_pdf_apart
from kangshu.questionnaires import Filled, blank_form, filled_form
from kangshu.registers import name_of
from kangshu.sdk import Resource

_MEDIA = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
}


async def blank_questionnaire(
    platform: Platform, grant: Grant, code: str, form: str
) -> tuple[bytes, str, str]:
    """Return the empty paper form of a questionnaire: its bytes, file name and media type. Raises NotFound."""
    grant.require("register.read")
    declaration = platform.questionnaires.declaration(code)
    report = blank_form(declaration, mark=_mark(platform, grant), made=now())
    return await _written(report, f"{declaration.title.zh}（空白表）", form)


async def filled_questionnaire(
    platform: Platform, grant: Grant, id: str, form: str
) -> tuple[bytes, str, str]:
    """Return a filled-in questionnaire as a file, as far as `grant` sees whom it is about. Raises NotFound."""
    filled = await platform.questionnaires.read(grant, id)
    kind, _, subject = filled.subject.partition("/")
    about = (await platform.store.read(grant, kind, subject)).resource
    report = filled_form(filled, _facts(filled, about), mark=_mark(platform, grant), made=now())
    return await _written(report, f"{filled.declaration.title.zh}_{filled.day}", form)


def _facts(filled: Filled, about: Resource) -> list[tuple[str, str]]:
    facts = [("姓名" if filled.declaration.subject_type == "Patient" else "对象", name_of(about))]
    for one in about.get("identifier", ()):
        if one.get("system") == RESIDENT_ID:
            facts.append(("身份证号", str(one.get("value", ""))))
    if about.get("birthDate"):
        facts.append(("出生日期", str(about["birthDate"])))
    return facts


def _mark(platform: Platform, grant: Grant) -> str:
    """Return what stands on every page: who printed it, and that the data are made up where they are."""
    said = [grant.display, *(["演示数据"] if platform.settings.demo else [])]
    return " · ".join(filter(None, said))


async def _written(report: Report, name: str, form: str) -> tuple[bytes, str, str]:
    if form not in _MEDIA:
        raise NotFound("docx and pdf are offered", zh="只提供 docx 和 pdf")
    data = (
        await write_report_pdf_apart(report)
        if form == "pdf"
        else await asyncio.to_thread(write_report_docx, report)
    )
    return data, f"{name}.{form}", _MEDIA[form]
