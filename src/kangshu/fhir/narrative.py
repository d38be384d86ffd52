"""The XHTML of a narrative: which of its elements and attributes FHIR allows.

Source: https://hl7.org/fhir/R4/narrative.html#xhtml (invariants txt-1 and txt-2)
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

_ELEMENTS: Final = frozenset(
    [
        "a",
        "abbr",
        "acronym",
        "b",
        "big",
        "blockquote",
        "br",
        "caption",
        "cite",
        "code",
        "col",
        "colgroup",
        "dd",
        "dfn",
        "div",
        "dl",
        "dt",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "li",
        "ol",
        "p",
        "pre",
        "q",
        "samp",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "tt",
        "ul",
        "var",
    ]
)
_VOID: Final = frozenset({"br", "hr", "img", "col"})
_ATTRIBUTES: Final = frozenset(
    {"title", "style", "class", "id", "idref", "lang", "xml:lang", "dir", "accesskey", "tabindex"}
)
_OWN: Final = {
    "a": "name href rel rev charset type hreflang shape coords", "img": "src alt longdesc height width usemap ismap",
    "div": "xmlns", "table": "summary width border frame rules cellspacing cellpadding",
    "td": "abbr axis headers scope rowspan colspan align valign char charoff nowrap width height",
    "th": "abbr axis headers scope rowspan colspan align valign char charoff nowrap width height",
    "tr": "align valign char charoff", "thead": "align valign char charoff", "tbody": "align valign char charoff",
    "tfoot": "align valign char charoff", "col": "span width align valign char charoff",
    "colgroup": "span width align valign char charoff", "blockquote": "cite", "q": "cite", "p": "align", "caption": "align",
    "h1": "align", "h2": "align", "h3": "align", "h4": "align", "h5": "align", "h6": "align",
    "ol": "type start compact", "ul": "type compact", "li": "type value", "dl": "compact", "pre": "width xml:space",
    "hr": "align noshade size width", "br": "clear",
}  # fmt: skip
_OWN_SETS: Final = {name: frozenset(text.split()) for name, text in _OWN.items()}
_ENTITY: Final = re.compile(r"&(?!#\d{1,7};|#x[0-9A-Fa-f]{1,6};|[A-Za-z][A-Za-z0-9]{1,31};)")
_BARE_ATTRIBUTE: Final = re.compile(r"<[a-zA-Z][^<>]*?\s[\w:-]+\s*=\s*[^\s\"'=<>][^<>]*>")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.findings: list[str] = []
        self.roots = 0
        self.content = False

    def report(self, finding: str) -> None:
        if len(self.findings) < 20 and finding not in self.findings:
            self.findings.append(finding)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.element(tag, attrs)
        self.open.append(tag)
        if len(self.open) > 200:
            self.report("elements are nested too deeply")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.element(tag, attrs)

    def element(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self.open:
            self.roots += 1
            if tag != "div":
                self.report(f"the root element is div, not {tag[:20]}")
            elif dict(attrs).get("xmlns", "http://www.w3.org/1999/xhtml") != "http://www.w3.org/1999/xhtml":
                self.report("the namespace is not that of XHTML")
        if tag not in _ELEMENTS:
            self.report(f"the element {tag[:20]} is not allowed")
        if tag == "img":
            self.content = True
        for name, value in attrs:
            if name not in _ATTRIBUTES and name not in _OWN_SETS.get(tag, frozenset()):
                self.report(f"the attribute {name[:20]} of {tag[:20]} is not allowed")
            if name in ("href", "src") and value is not None and _scripted(value):
                self.report(f"the attribute {name} of {tag[:20]} holds a script")

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        elif tag not in _VOID:
            self.report(f"the end tag {tag[:20]} closes nothing")

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.content = True
            if not self.open:
                self.report("there is text outside the div")

    def handle_decl(self, decl: str) -> None:
        self.report("a document type declaration is not allowed")

    def handle_pi(self, data: str) -> None:
        self.report("a processing instruction is not allowed")

    def unknown_decl(self, data: str) -> None:
        if not data.startswith("CDATA["):
            self.report("a declaration is not allowed")


def _scripted(value: str) -> bool:
    scheme = "".join(value.split()).lower()
    return scheme.startswith(("javascript:", "vbscript:", "data:text/html"))


def narrative_findings(div: str) -> tuple[str, ...]:
    """Return what is wrong with the XHTML of a narrative, in English; none means that it may be shown."""
    reader = _Reader()
    reader.feed(div)
    reader.close()
    if reader.open and not reader.findings:
        reader.report(f"the element {reader.open[-1][:20]} is not closed")
    if reader.roots != 1:
        reader.report("a narrative is exactly one div")
    if _ENTITY.search(div):
        reader.report("an ampersand is not escaped")
    if _BARE_ATTRIBUTE.search(div):
        reader.report("an attribute value has no quotes")
    return tuple(reader.findings)


def narrative_has_content(div: str) -> bool:
    """Return whether a narrative shows anything: text or an image (invariant txt-2)."""
    reader = _Reader()
    reader.feed(div)
    reader.close()
    return reader.content
