"""Files that are not read, and for each kind the line that says what to do instead."""

from __future__ import annotations

from kangshu.base.faults import UnsupportedMedia

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")
_ARCHIVES = (b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b")

# by ending: what to save it as, in Chinese and English
_OLD_FORMATS = {
    ".doc": ("旧版 Word 文件（doc），请用 Word 或 WPS 另存为 docx", "an old Word file (doc); save it as docx"),
    ".wps": ("WPS 文字文件（wps），请在 WPS 中另存为 docx", "a WPS Writer file (wps); save it as docx"),
    ".wpt": ("WPS 模板文件（wpt），请在 WPS 中另存为 docx", "a WPS template (wpt); save it as docx"),
    ".xls": ("旧版 Excel 文件（xls），请用 Excel 或 WPS 另存为 xlsx", "an old Excel file (xls); save it as xlsx"),
    ".et": ("WPS 表格文件（et），请在 WPS 中另存为 xlsx", "a WPS Spreadsheets file (et); save it as xlsx"),
    ".ppt": ("演示文稿（ppt），请上传对应的 Word 或 PDF 文件", "a presentation (ppt); send the Word or PDF version"),
    ".dps": ("WPS 演示文件（dps），请上传对应的 Word 或 PDF 文件", "a WPS presentation (dps); send the Word or PDF version"),
}  # fmt: skip


def refuse_unread(data: bytes, ending: str) -> None:
    """Raise UnsupportedMedia, Chinese line first, when `data` is of a kind that is known and not read."""
    if data.startswith(_OLE):
        zh, en = _OLD_FORMATS.get(
            ending,
            ("旧版 Office 文件（doc、xls）或已加密文件，请另存为不加密的 docx 或 xlsx", "an old Office file or an encrypted one; save it as docx or xlsx without a password"),
        )  # fmt: skip
        raise UnsupportedMedia(f"This is {en}, then send it again.", zh=f"这是{zh}后重新上传。")
    if data.startswith(b"{\\rtf"):
        raise UnsupportedMedia(
            "This is an RTF file. Save it as docx and send it again.",
            zh="这是 RTF 文件，请用 Word 或 WPS 另存为 docx 后重新上传。",
        )
    if data.startswith(_PICTURES):
        raise UnsupportedMedia(
            "This is a picture. Recognise its text first (OCR), or send the Word or PDF version.",
            zh="这是图片。请先做文字识别（OCR），或上传 Word、PDF 版本。",
        )
    if data.startswith(_ARCHIVES):
        raise UnsupportedMedia(
            "This is a compressed archive. Unpack it and send the documents one by one.",
            zh="这是压缩包，请解压后逐个上传其中的文件。",
        )


def refuse_container(members: set[str]) -> UnsupportedMedia:
    """Return the fault of a zip container that is neither docx nor xlsx, by what is in it."""
    if "OFD.xml" in members:
        return UnsupportedMedia(
            "This is an OFD file. Export it as PDF in an OFD reader, or send the Word version.",
            zh="这是 OFD 版式文件，请用 OFD 阅读器导出为 PDF，或上传 Word 版本。",
        )
    if any(name.startswith("ppt/") for name in members):
        return UnsupportedMedia(
            "This is a presentation. Send the Word or PDF version.",
            zh="这是演示文稿，请上传 Word 或 PDF 版本。",
        )
    if "content.xml" in members:
        return UnsupportedMedia(
            "This is an OpenDocument file. Save it as docx or xlsx and send it again.",
            zh="这是 OpenDocument 文件（odt、ods），请另存为 docx 或 xlsx 后重新上传。",
        )
    return UnsupportedMedia(
        "This archive is neither docx nor xlsx.", zh="该压缩文件不是 docx 或 xlsx，请上传文档本身。"
    )
