"""Every Chinese text of the pages has its English, and the catalogue holds nothing else."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from kangshu.base.text import Text
from kangshu.web.language import Words, catalogue

ROOT = Path(__file__).resolve().parents[2] / "src" / "kangshu" / "web"
HAN = re.compile(r"[\u4e00-\u9fff]")
CALL = re.compile(r"""_\(\s*(["'])(.+?)\1""")
BILINGUAL = {
    "Text", "Fault", "Forbidden", "NotFound", "TooLarge", "Invalid", "Unprocessable", "Unauthenticated",
    "Unavailable", "UnsupportedMedia",
}  # fmt: skip


def _said_by_templates() -> set[str]:
    return {found[2] for file in ROOT.rglob("*.html") for found in CALL.finditer(file.read_text("utf-8"))}


def _said_by_code() -> set[str]:
    said: set[str] = set()
    for file in ROOT.rglob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        own: set[int] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in BILINGUAL:
                own |= {id(part) for part in ast.walk(node)}
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                own.add(id(node.value))
            if isinstance(node, ast.JoinedStr):
                own |= {id(part) for part in node.values}
        said |= {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and HAN.search(node.value)
            and id(node) not in own
        }
    return said


def _said() -> set[str]:
    return _said_by_templates() | _said_by_code() | {"{greeting}，{name}"}


def test_every_text_has_its_english() -> None:
    assert sorted(_said() - catalogue().keys() - {"_演示数据"}) == []


def test_nothing_is_kept_that_nobody_says() -> None:
    assert sorted(catalogue().keys() - _said()) == []


def test_english_keeps_the_names_to_fill_in() -> None:
    names = re.compile(r"\{(\w+)\}")
    for zh, en in catalogue().items():
        assert sorted(names.findall(zh)) == sorted(names.findall(en)), zh
        assert not HAN.search(en), zh


def test_words_speak_both_languages() -> None:
    assert Words("zh")("{age} 岁", age=81) == "81 岁"
    assert Words("en")("{age} 岁", age=81) == "81 years"
    assert Words("en").of(Text("市", "city")) == "city"
    assert Words("zh").figure(1234.5) == "1,234.5"
    assert Words("zh").figure(None) == "—"
    assert Words("zh").moment("2026-03-05T01:02:03Z") == "2026-03-05 09:02"
