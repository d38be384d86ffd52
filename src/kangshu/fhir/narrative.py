"""The XHTML of a narrative: which of its elements and attributes FHIR allows.

A narrative is XML, so it is read token by token and reading ends at the first text that is none: no tag soup, and
no work beyond one pass.

Source: https://hl7.org/fhir/R4/narrative.html#xhtml (invariants txt-1 and txt-2)
"""

from __future__ import annotations

import html
import re
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
_NAMESPACE: Final = "http://www.w3.org/1999/xhtml"
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
_TOKEN: Final = re.compile(
    r"""
    (?P<text>[^<]+)
  | <(?P<open>[A-Za-z][\w:.-]*)(?P<attributes>(?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(?P<empty>/?)>
  | </(?P<close>[A-Za-z][\w:.-]*)\s*>
  | (?P<comment><!--.*?-->)
  | <!\[CDATA\[(?P<data>.*?)\]\]>
  | (?P<instruction><\?)
  | (?P<declaration><!)
    """,
    re.VERBOSE | re.DOTALL,
)
_ATTRIBUTE: Final = re.compile(r"""([\w:.-]+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')""")
DEPTH_LIMIT: Final = 200


class _Reader:
    def __init__(self) -> None:
        self.open: list[str] = []
        self.findings: list[str] = []
        self.roots = 0
        self.content = False

    def report(self, finding: str) -> None:
        if len(self.findings) < 20 and finding not in self.findings:
            self.findings.append(finding)

    def read(self, div: str) -> None:
        """Read a narrative to its end, or to the first text that is no XHTML."""
        at = 0
        while at < len(div):
            token = _TOKEN.match(div, at)
            if token is None:
                self.report("it is not well-formed: a tag is broken, or an attribute value has no quotes")
                return
            at = token.end()
            if not self.take(token):
                return
        if self.open:
            self.report(f"the element {self.open[-1][:20]} is not closed")
        if self.roots != 1:
            self.report("a narrative is exactly one div")

    def take(self, token: re.Match[str]) -> bool:
        """Take one token; return whether reading can go on."""
        match token.lastgroup:
            case "text" | "data":
                self.text(token["text"] or token["data"] or "")
            case "comment":
                pass
            case "close":
                if not self.open or self.open.pop() != token["close"]:
                    self.report(f"the end tag {token['close'][:20]} closes nothing")
                    return False
            case "instruction":
                self.report("a processing instruction is not allowed")
                return False
            case "declaration":
                self.report("a document type declaration is not allowed")
                return False
            case _:
                self.element(token["open"], _attributes(token["attributes"]))
                if not token["empty"]:
                    self.open.append(token["open"])
                if len(self.open) > DEPTH_LIMIT:
                    self.report("elements are nested too deeply")
                    return False
        return True

    def text(self, text: str) -> None:
        if text.strip():
            self.content = True
            if not self.open:
                self.report("there is text outside the div")
            if _ENTITY.search(text):
                self.report("an ampersand is not escaped")

    def element(self, tag: str, attributes: list[tuple[str, str]]) -> None:
        if not self.open:
            self.roots += 1
            if tag != "div":
                self.report(f"the root element is div, not {tag[:20]}")
            elif dict(attributes).get("xmlns", _NAMESPACE) != _NAMESPACE:
                self.report("the namespace is not that of XHTML")
        if tag not in _ELEMENTS:
            self.report(f"the element {tag[:20]} is not allowed")
        if tag == "img":
            self.content = True
        names = [name for name, _ in attributes]
        if len(set(names)) < len(names):
            self.report(f"an attribute of {tag[:20]} stands twice")
        for name, value in attributes:
            if name not in _ATTRIBUTES and name not in _OWN_SETS.get(tag, frozenset()):
                self.report(f"the attribute {name[:20]} of {tag[:20]} is not allowed")
            if name in ("href", "src") and _scripted(value):
                self.report(f"the attribute {name} of {tag[:20]} holds a script")
            if _ENTITY.search(value):
                self.report("an ampersand is not escaped")


def _attributes(text: str) -> list[tuple[str, str]]:
    return [(name, one or two) for name, one, two in _ATTRIBUTE.findall(text)]


def _scripted(value: str) -> bool:
    scheme = "".join(html.unescape(value).split()).lower()
    return scheme.startswith(("javascript:", "vbscript:", "data:text/html"))


def narrative_findings(div: str) -> tuple[str, ...]:
    """Return what is wrong with the XHTML of a narrative, in English; none means that it may be shown."""
    reader = _Reader()
    reader.read(div)
    return tuple(reader.findings)


def narrative_has_content(div: str) -> bool:
    """Return whether a narrative shows anything: text or an image (invariant txt-2)."""
    reader = _Reader()
    reader.read(div)
    return reader.content
