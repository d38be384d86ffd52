"""Plain text: finds the encoding (UTF-8, UTF-16, GB18030, Big5) and normalises newlines."""

from __future__ import annotations

import codecs
import re
from dataclasses import replace
from hashlib import sha256

from kangshu.base.faults import Unprocessable
from kangshu.documents.model import Document

# How often these stand in Chinese prose decides between GB18030 and Big5, which both decode almost anything.
_COMMON = frozenset("的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组见计别她手角期根论运农指几九区强放决西被干做必战先回则任取据处队南给色光门即保治北造百规热领七海口东导器压志世金增争济阶油思术极交受联什认六共权收证改清己美再采转更单风切打白教速花带安场身车例真务具万每目至达走积示议声报斗完类八离华名确才科张信马节话米整空元况今集温传土许步群广石记需段研界拉林律叫且究观越织装影算低持音众书布复容儿须际商非验连断深难近矿千周委素技备半办青省列习响约支般史感劳便团往酸历市克何除消构府称太准精值号率族维划选标写存候毛亲快效斯院查江型眼王按格养易置派层片始却专状育厂京识适属圆包火住调满县局照参红细引听该铁价严")  # fmt: skip
_COMMON_TRADITIONAL = frozenset("的一是在不了有和人這中大為上個國我以要他時來用們生到作地於出就分對成會可主發年動同工也能下過子說產種面而方後多定行學法所民得經十三之進著等部度家電力裡如水化高自二理起小物現實加量都兩體制機當使點從業本去把性好應開它合還因由其些然前外天政四日那社義事平形相全表間樣與關各重新線內數正心反你明看原又麼利比或但質氣第向道命此變條只沒結解問意建月公無系軍很情者最立代想已通並提直題黨程展五果料象員革位入常文總次品式活設及管特件長求老頭基資邊流路級少圖山統接知較將組見計別她手角期根論運農指幾九區強放決西被幹做必戰先回則任取據處隊南給色光門即保治北造百規熱領七海口東導器壓志世金增爭濟階油思術極交受聯什認六共權收證改清己美再採轉更單風切打白教速花帶安場身車例真務具萬每目至達走積示議聲報鬥完類八離華名確才科張信馬節話米整空元況今集溫傳土許步群廣石記需段研界拉林律叫且究觀越織裝影算低持音眾書布復容兒須際商非驗連斷深難近礦千周委素技備半辦青省列習響約支般史感勞便團往酸歷市克何除消構府稱太準精值號率族維劃選標寫存候毛親快效斯院查江型眼王按格養易置派層片始卻專狀育廠京識適屬圓包火住調滿縣局照參紅細引聽該鐵價嚴")  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")


def normal_newlines(text: str) -> str:
    """Return `text` with `\\n` newlines only, without a byte order mark and without control characters."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
    return _CONTROL.sub(" ", text)


def decode(data: bytes) -> tuple[str, str]:
    """Return the text of `data` and the encoding that was found.

    UTF-8 when it decodes, also when a multi-byte sequence is cut at the very end; then UTF-16 by its
    mark or, without one, by its characters; else GB18030 or Big5, whichever gives more of the characters that Chinese prose is made of.
    Raises Unprocessable when the bytes are no text.
    """
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(encoding, "replace"), encoding
    if b"\x00" in data[:4096]:
        for encoding in ("utf-16-le", "utf-16-be"):
            text = data.decode(encoding, "replace")
            if _likeness(text) > 0.4 and "\x00" not in text:
                return text, encoding
        raise Unprocessable(
            "This is not a text file. Send txt, docx, pdf, html or xlsx.",
            zh="文件不是文本。请上传 txt、docx、pdf、html 或 xlsx 文件。",
        )
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as fault:
        if fault.start > len(data) - 4 or _broken_share(data) < 0.02:
            return data.decode("utf-8", "replace"), "utf-8"
    candidates = []
    for encoding in ("gb18030", "big5hkscs"):
        text = data.decode(encoding, "replace")
        candidates.append((_likeness(text), text, encoding))
    best = max(candidates, key=lambda candidate: candidate[0])
    return best[1], best[2]


def _broken_share(data: bytes) -> float:
    """Return the share of characters that are not UTF-8: a few are damage, many another encoding."""
    text = data.decode("utf-8", "replace")
    beyond_ascii = sum(character > "\x7f" for character in text)
    return text.count("\ufffd") / max(1, beyond_ascii)


def _likeness(text: str) -> float:
    beyond_ascii = [character for character in text[:20000] if character > "\x7f"]
    common = sum(character in _COMMON or character in _COMMON_TRADITIONAL for character in beyond_ascii)
    broken = sum(character == "\ufffd" or "\ue000" <= character <= "\uf8ff" for character in beyond_ascii)
    return (common - 5 * broken) / max(1, len(beyond_ascii))


def read_plain(data: bytes, name: str) -> Document:
    """Return the document of a text file; a note says when its encoding is not UTF-8 or damaged."""
    text, encoding = decode(data)
    text = normal_newlines(text)
    notes: list[str] = []
    if not encoding.startswith("utf-8"):
        notes.append(f"编码识别为 {encoding} / encoding found: {encoding}")
    damaged = text.count("\ufffd")
    if damaged:
        notes.append(f"有 {damaged} 处无法识别的字符 / {damaged} unreadable characters")
    return replace(Document.of_text(text, name), sha256=sha256(data).hexdigest(), notes=tuple(notes))
