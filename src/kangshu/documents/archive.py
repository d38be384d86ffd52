"""Guards the zip containers of docx and xlsx: looks at the directory before anything is unpacked."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass

from lxml import etree

from kangshu.base.faults import Malformed, TooLarge, Unprocessable


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """What a docx or xlsx may unpack to. Sizes in bytes; `ratio` is unpacked to packed size."""

    members: int = 2_000
    unpacked: int = 200 * 1024 * 1024
    one_member: int = 100 * 1024 * 1024
    ratio: float = 200.0


MAXIMUM_TAGS = 3_000_000
"""How many tags a part may hold: a tree of them takes some hundred bytes each."""


def open_archive(data: bytes, limits: ArchiveLimits | None = None) -> zipfile.ZipFile:
    """Return the open zip of `data` after its directory has passed `limits`.

    Raises Malformed (no zip), TooLarge (a limit), Unprocessable (encrypted, or a compression bomb).
    """
    limits = limits or ArchiveLimits()
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as fault:
        raise Malformed(
            "The file is damaged: it is not a zip container.", zh="文件已损坏，无法打开。"
        ) from fault
    if len(members) > limits.members:
        raise TooLarge(
            f"The file has {len(members)} parts; at most {limits.members} are read.",
            zh=f"文件内含 {len(members)} 个部件，超过上限 {limits.members}。",
        )
    total = sum(member.file_size for member in members)
    largest = max((member.file_size for member in members), default=0)
    if total > limits.unpacked or largest > limits.one_member:
        raise TooLarge(
            f"The file unpacks to {total // 1024 // 1024} MB, more than is read.",
            zh=f"文件解压后为 {total // 1024 // 1024} MB，超过上限。",
        )
    if total > 10 * 1024 * 1024 and total > limits.ratio * max(1, len(data)):
        raise Unprocessable(
            "The file unpacks to far more than its size, as a compression bomb does; it is not read.",
            zh="文件压缩比异常（疑似压缩炸弹），已拒绝读取。",
        )
    if any(member.flag_bits & 0x1 for member in members):
        raise Unprocessable(
            "The file is encrypted. Remove its password and send it again.",
            zh="文件已加密，请去除密码后重新上传。",
        )
    return archive


def read_member(archive: zipfile.ZipFile, name: str) -> bytes | None:
    """Return the bytes of one part, None when there is no such part; never more than its declared size."""
    try:
        member = archive.getinfo(name)
    except KeyError:
        return None
    try:
        with archive.open(member) as stream:
            content = stream.read(member.file_size + 1)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, ValueError) as fault:
        raise Malformed(f"The part {name} of the file is damaged.", zh="文件部分内容已损坏。") from fault
    if len(content) > member.file_size:
        raise Unprocessable(
            "The file lies about its size; it is not read.", zh="文件大小信息不实，已拒绝读取。"
        )
    return content


def parse_xml(content: bytes) -> etree._Element:
    """Return the root element. No entities, no DTD, no network. Raises Malformed, Unprocessable or TooLarge."""
    check_tags(content)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as fault:
        raise Malformed("The file's XML is not well-formed.", zh="文件内部结构（XML）有误。") from fault
    if root is None:
        raise Malformed("The file's XML is empty.", zh="文件内部结构（XML）为空。")
    if root.getroottree().docinfo.internalDTD is not None:
        raise declares_entities()
    return root


def check_tags(content: bytes) -> None:
    """Raise TooLarge when `content` holds more tags than are read."""
    if content.count(b"<") > MAXIMUM_TAGS:
        raise TooLarge(
            f"A part of the file has more than {MAXIMUM_TAGS} XML tags.",
            zh=f"文件内部结构过大（标签超过 {MAXIMUM_TAGS} 个），已拒绝读取。",
        )


def declares_entities() -> Unprocessable:
    """Return the fault of XML that declares entities."""
    return Unprocessable(
        "The file's XML declares entities; it is not read.", zh="文件内含实体声明，已拒绝读取。"
    )
