"""Attached files: limits that an authority sets, a scan that fails closed, previews drawn by a process of their own."""

from __future__ import annotations

import asyncio
import io
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

import docx
import openpyxl
import pypdfium2
import pytest
from PIL import Image

from kangshu.access import system_grant
from kangshu.base.faults import NotFound, TooLarge, Unavailable, Unprocessable, UnsupportedMedia
from kangshu.base.parameters import ParameterTable, ParameterVersion
from kangshu.base.text import Text
from kangshu.outbound import Clamd, ScanningProgram
from kangshu.registers import PARAMETERS, Attachments
from kangshu.store import Store

SYSTEM = system_grant("tests")
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + rb"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


@asynccontextmanager
async def clamd(folder: Path, *, answer: bytes = b"") -> AsyncIterator[str]:
    """Speak clamd's side of INSTREAM on a socket: FOUND for the test file of the antivirus makers."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readuntil(b"\0") == b"zINSTREAM\0"
        got = b""
        while length := struct.unpack("!I", await reader.readexactly(4))[0]:
            got += await reader.readexactly(length)
        writer.write(answer or (b"stream: Eicar FOUND\0" if EICAR in got else b"stream: OK\0"))
        writer.close()

    path = folder / "clamd.socket"
    server = await asyncio.start_unix_server(handle, path)
    yield str(path)
    server.close()


def limited(**values: int) -> ParameterTable:
    """Return a table in which an authority has set some limits."""
    entered = [
        ParameterVersion(
            f"attachments.{name.replace('_', '-')}",
            Text("上限", "limit"),
            value,
            "",
            "",
            date(2022, 1, 1),
            None,
            "《附件管理办法》第三条",
            True,
        )
        for name, value in values.items()
    ]
    return ParameterTable(PARAMETERS, entered)


def pdf_of(pages: int) -> bytes:
    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        document.new_page(300, 200)
    made = io.BytesIO()
    document.save(made)
    return made.getvalue()


def word() -> bytes:
    document = docx.Document()
    document.add_heading("工作安排", 1)
    document.add_paragraph("由市卫生健康委牵头。")
    document.add_table(1, 2).rows[0].cells[1].text = "单元格"
    made = io.BytesIO()
    document.save(made)
    return made.getvalue()


async def kept(store: Store, attachments: Attachments, name: str, data: bytes) -> str:
    [record] = await attachments.taken(SYSTEM, [(name, data)])
    return str((await store.update(SYSTEM, record)).stored.id)


async def test_limits_are_the_authoritys(store: Store) -> None:
    attachments = Attachments(store, limited(file_megabytes=1, form_files=2, form_megabytes=2), "990100")
    small = ("说明.txt", "正文".encode())
    assert len(await attachments.taken(SYSTEM, [small, small])) == 2
    with pytest.raises(TooLarge):
        await attachments.taken(SYSTEM, [small, small, small])
    with pytest.raises(TooLarge):
        await attachments.taken(SYSTEM, [("大.txt", b"x" * 1_100_000)])
    roomy = Attachments(store, limited(file_megabytes=1, form_files=9, form_megabytes=1), "990100")
    with pytest.raises(TooLarge):
        await roomy.taken(SYSTEM, [("甲.txt", b"x" * 700_000), ("乙.txt", b"x" * 700_000)])
    for name, data in (("程序.exe", b"MZ"), ("图.png", b"MZ"), ("表.xlsx", b"%PDF-"), ("无后缀", b"x")):
        with pytest.raises(UnsupportedMedia):
            await attachments.taken(SYSTEM, [(name, data)])


async def test_a_file_that_the_scan_finds_is_not_kept(store: Store, tmp_path: Path) -> None:
    async with clamd(tmp_path) as socket:
        attachments = Attachments(store, ParameterTable(), "", Clamd(socket))
        id_ = await kept(store, attachments, "说明.txt", b"clean")
        assert (await attachments.file(SYSTEM, id_)).scanned_by == "clamd"
        with pytest.raises(Unprocessable):
            await attachments.taken(SYSTEM, [("甲.txt", b"clean"), ("乙.txt", b"a" * 100_000 + EICAR)])
        await attachments.scan({"resourceType": "Binary", "data": "Y2xlYW4="})
        harmful = {
            "entry": [
                {
                    "resource": {
                        "content": [
                            {
                                "attachment": {
                                    "data": "WDVPIVAlQEFQWzRcUFpYNTQoUF4pN0NDKTd9JEVJQ0FSLVNUQU5EQVJELUFOVElWSVJVUy1URVNULUZJTEUhJEgrSCo="
                                }
                            }
                        ]
                    }
                }
            ]
        }
        with pytest.raises(Unprocessable):
            await attachments.scan(harmful)
    with pytest.raises(Unavailable):
        await attachments.taken(SYSTEM, [("甲.txt", b"clean")])


@pytest.mark.parametrize("answer", [b"\0", b"INSTREAM size limit exceeded. ERROR\0", b"OK"])
async def test_a_scan_that_says_nothing_clear_lets_nothing_pass(
    store: Store, tmp_path: Path, answer: bytes
) -> None:
    async with clamd(tmp_path, answer=answer) as socket:
        with pytest.raises(Unavailable):
            await Attachments(store, ParameterTable(), "", Clamd(socket)).taken(SYSTEM, [("甲.txt", b"x")])


@pytest.mark.parametrize(("ending", "fault"), [(0, None), (1, Unprocessable), (2, Unavailable)])
async def test_a_program_scans(store: Store, ending: int, fault: type[Exception] | None) -> None:
    program = ScanningProgram((sys.executable, "-c", f"import sys; sys.stdin.read(); sys.exit({ending})"))
    attachments = Attachments(store, ParameterTable(), "", program)
    if fault is None:
        assert await attachments.taken(SYSTEM, [("甲.txt", b"x")])
    else:
        with pytest.raises(fault):
            await attachments.taken(SYSTEM, [("甲.txt", b"x")])
    with pytest.raises(Unavailable):
        await Attachments(store, ParameterTable(), "", ScanningProgram(("/nowhere/scan",))).taken(
            SYSTEM, [("甲.txt", b"x")]
        )


async def test_every_kind_is_shown(store: Store) -> None:
    attachments = Attachments(store, ParameterTable(), "")
    _, page = await attachments.preview(SYSTEM, await kept(store, attachments, "三页.pdf", pdf_of(3)), 2)
    assert page.pages == 3
    assert Image.open(io.BytesIO(page.picture)).size == (1000, 667)
    photo = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "where it was taken"
    Image.new("RGB", (40, 30), "red").save(photo, "JPEG", exif=exif)
    assert b"where it was taken" in photo.getvalue()
    _, page = await attachments.preview(SYSTEM, await kept(store, attachments, "照片.jpg", photo.getvalue()))
    assert b"where it was taken" not in page.picture
    _, page = await attachments.preview(SYSTEM, await kept(store, attachments, "安排.docx", word()))
    assert [one.text for one in page.blocks if one.text] == ["工作安排", "由市卫生健康委牵头。"]
    assert page.blocks[0].level == 1
    assert [one.rows for one in page.blocks if one.rows] == [(("", "单元格"),)]
    book = openpyxl.Workbook()
    book.active.append(["序号", "任务"])
    made = io.BytesIO()
    book.save(made)
    _, page = await attachments.preview(SYSTEM, await kept(store, attachments, "清单.xlsx", made.getvalue()))
    assert any(("序号", "任务") in one.rows for one in page.blocks)


@pytest.mark.parametrize(
    ("name", "data"),
    [("坏.pdf", b"%PDF-1.7 nothing"), ("坏.png", b"\x89PNG\r\n\x1a\n"), ("坏.docx", b"PK\x03\x04xx")],
)
async def test_a_broken_file_cannot_be_shown_and_can_be_had(store: Store, name: str, data: bytes) -> None:
    attachments = Attachments(store, ParameterTable(), "")
    id_ = await kept(store, attachments, name, data)
    with pytest.raises(Unprocessable):
        await attachments.preview(SYSTEM, id_)
    assert (await attachments.file(SYSTEM, id_)).data == data


async def test_what_is_no_file_is_not_found(store: Store) -> None:
    record = {
        "resourceType": "DocumentReference",
        "status": "current",
        "content": [{"attachment": {"url": "Binary/x"}}],
    }
    made = await store.create(SYSTEM, record)
    with pytest.raises(NotFound):
        await Attachments(store, ParameterTable(), "").file(SYSTEM, made.stored.id)
