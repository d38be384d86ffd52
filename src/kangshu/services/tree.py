"""YAML as a tree that remembers its lines. Nothing is constructed but mappings, lists, text and numbers.

Plain scalars follow YAML 1.2's core schema: `no` and `2020-01-01` stay text, decimals keep their lexeme.
Aliases, tags and repeated keys are findings: a declaration says each thing once, where it is read.
"""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from kangshu.services.findings import Finding

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)\Z")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+\Z")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where PyYAML was built with it: every process reads all folders when it starts."""
_CORE = "tag:yaml.org,2002:"
_TAGS = frozenset({"str", "int", "float", "bool", "null", "timestamp", "merge", "value"})
"""Tags that the reader itself gives plain scalars; any other was written."""
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


class Block(dict[str, Any]):
    """A mapping with the line of each key (1-based)."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


class Rows(list[Any]):
    """A list with the line of each item (1-based)."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []


def read_tree(file: Path, findings: list[Finding]) -> Any:
    """Return the content of the YAML `file` as Block, Rows and scalars; None when it cannot be read."""
    try:
        text = file.read_text("utf-8")
    except UnicodeDecodeError:
        findings.append(Finding(file, 1, "the file is not UTF-8", "文件不是 UTF-8 编码"))
        return None
    try:
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark else 1
        findings.append(Finding(file, line, f"not YAML: {error.problem}", f"YAML 语法错误：{error.problem}"))
        return None
    except yaml.YAMLError as error:
        findings.append(Finding(file, 1, f"not YAML: {error}", f"YAML 语法错误：{error}"))
        return None
    if node is None:
        return Block(1)
    return _build(node, file, findings, set())


def plain(value: Any) -> Any:
    """Return `value` as ordinary dicts and lists."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def _build(node: yaml.Node, file: Path, findings: list[Finding], seen: set[int]) -> Any:
    line = node.start_mark.line + 1
    if id(node) in seen:
        findings.append(
            Finding(file, line, "aliases (*name) are not used in declarations", "声明文件不支持 YAML 别名")
        )
        return None
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node, file, findings)
    if isinstance(node, yaml.SequenceNode):
        rows = Rows(line)
        for item in node.value:
            rows.append(_build(item, file, findings, seen))
            rows.lines.append(item.start_mark.line + 1)
        return rows
    block = Block(line)
    for key_node, value_node in node.value:
        key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else ""
        at = key_node.start_mark.line + 1
        if not key or key == "<<":
            findings.append(Finding(file, at, "a key must be a plain word", "键必须是普通文字"))
            continue
        if key in block:
            findings.append(Finding(file, at, f"key '{key}' is written twice", f"键“{key}”重复"))
        block[key] = _build(value_node, file, findings, seen)
        block.lines[key] = at
    return block


def _scalar(node: yaml.ScalarNode, file: Path, findings: list[Finding]) -> Any:
    text = str(node.value)
    if node.tag.removeprefix(_CORE) not in _TAGS:
        line = node.start_mark.line + 1
        findings.append(Finding(file, line, f"tag {node.tag} is not read", f"不支持的 YAML 标签 {node.tag}"))
        return None
    if node.style:  # plain is None to the one reader, empty to the other
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text):
        return int(text)
    if _DECIMAL.match(text):
        return Decimal(text)
    return text
