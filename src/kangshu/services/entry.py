"""Reading one mapping of a declaration: every wrong, missing or unknown key becomes a finding with its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from kangshu.base.text import Text
from kangshu.services.findings import Finding
from kangshu.services.tree import Block, Rows, plain

_NO_TEXT = Text("", "")
_Made = TypeVar("_Made")
_STEP = re.compile(r"(\w+)|\[(\d+)\]")


class Entry:
    """A mapping being read. Call `close` when done: keys that nobody asked for are findings."""

    def __init__(self, value: Any, file: Path, line: int, findings: list[Finding]) -> None:
        self.file = file
        self.line = line
        self.findings = findings
        self._asked: set[str] = set()
        if isinstance(value, Block):
            self._block = value
            self.line = value.line
        else:
            self._block = Block(line)
            self.find(line, "a mapping is expected here", "此处应为键值映射")

    def find(self, line: int, text: str, zh: str) -> None:
        """Add an error."""
        self.findings.append(Finding(self.file, line, text, zh))

    def line_of(self, key: str) -> int:
        """Return the line of `key`; the mapping's own where it is absent."""
        return self._block.lines.get(key, self.line)

    def line_at(self, path: str) -> int:
        """Return the line of the deepest part of `path` (`select[0].column[1].name`) that is written."""
        here: Any = self._block
        line = self.line
        for name, index in _STEP.findall(path):
            if name and isinstance(here, Block) and name in here:
                line, here = here.lines[name], here[name]
            elif index and isinstance(here, Rows) and int(index) < len(here):
                line, here = here.lines[int(index)], here[int(index)]
            else:
                break
        return line

    def has(self, key: str) -> bool:
        """Return whether `key` is written."""
        return key in self._block

    def names(self) -> tuple[str, ...]:
        """Return the keys that are written, in their order."""
        return tuple(self._block)

    def raw(self, key: str) -> Any:
        """Return the value of `key` as ordinary dicts and lists; None where absent."""
        return plain(self._get(key))

    def string(self, key: str, *, required: bool = False, default: str = "") -> str:
        """Return a text value."""
        value = self._get(key)
        if value is None:
            if required:
                self.find(self.line, f"'{key}' is missing", f"缺少“{key}”")
            return default
        if not isinstance(value, str):
            self.find(self.line_of(key), f"'{key}' must be text (quote it)", f"“{key}”应为文字，请加引号")
            return default
        return value

    def integer(self, key: str, default: int) -> int:
        """Return an integer value."""
        value = self._get(key)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool):
            self.find(self.line_of(key), f"'{key}' must be an integer", f"“{key}”应为整数")
            return default
        return value

    def boolean(self, key: str, *, default: bool = False) -> bool:
        """Return a boolean value, `default` where absent."""
        value = self._get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.find(self.line_of(key), f"'{key}' must be true or false", f"“{key}”应为 true 或 false")
            return False
        return value

    def one_of(self, key: str, codes: tuple[str, ...], *, default: str = "", required: bool = False) -> str:
        """Return a text value that is one of `codes`."""
        value = self.string(key, required=required, default=default)
        if value not in codes and (value or required) and self.has(key):
            known = ", ".join(codes)
            self.find(
                self.line_of(key),
                f"'{key}: {value}' is none of {known}",
                f"“{key}: {value}”应为 {known} 之一",
            )
            return default or codes[0]
        return value

    def text(self, key: str, *, required: bool = True) -> Text:
        """Return a text in both languages, written `{zh: …, en: …}`."""
        value = self._get(key)
        if value is None:
            if required:
                self.find(
                    self.line, f"'{key}' is missing: {{zh: …, en: …}}", f"缺少“{key}”：{{zh: …, en: …}}"
                )
            return _NO_TEXT
        if not isinstance(value, Block):
            self.find(
                self.line_of(key), f"'{key}' must be {{zh: …, en: …}}", f"“{key}”应写作 {{zh: …, en: …}}"
            )
            return _NO_TEXT
        entry = self.entry(key)
        text = entry.own_text()
        entry.close()
        return text

    def own_text(self) -> Text:
        """Return the text in both languages that this mapping itself holds, as `zh` and `en`."""
        return Text(self.string("zh", required=True), self.string("en", required=True))

    def titles(self, key: str) -> tuple[tuple[str, Text], ...]:
        """Return the codes under `key` and their titles, written `code: {zh: …, en: …}`."""

        def titled(one: Entry) -> tuple[str, Text]:
            pair = one.string("id", required=True), one.own_text()
            one.close()
            return pair

        return self.each(key, titled)

    def strings(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        """Return a list of texts; one text counts as a list of one."""
        value = self._get(key)
        if value is None:
            if required:
                self.find(self.line, f"'{key}' is missing", f"缺少“{key}”")
            return ()
        if isinstance(value, str):
            return (value,)
        if not isinstance(value, Rows) or not all(isinstance(item, str) for item in value):
            self.find(self.line_of(key), f"'{key}' must be a list of texts", f"“{key}”应为文字列表")
            return ()
        return tuple(value)

    def date(self, key: str, *, required: bool = False) -> date | None:
        """Return a date written YYYY-MM-DD."""
        value = self.string(key, required=required)
        if not value:
            return None
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.find(self.line_of(key), f"'{key}: {value}' is not a date", f"“{key}: {value}”不是日期")
            return None

    def entry(self, key: str) -> Entry:
        """Return the mapping under `key` to read."""
        return Entry(self._get(key), self.file, self.line_of(key), self.findings)

    def entries(self, key: str) -> Iterator[Entry]:
        """Yield the mappings of the list under `key`; a mapping of mappings gives each its key as `id`."""
        value = self._get(key)
        if value is None:
            return
        if isinstance(value, Block):
            for name, item in value.items():
                entry = Entry(item, self.file, value.lines[name], self.findings)
                entry._block.setdefault("id", name)
                entry._block.lines.setdefault("id", value.lines[name])
                entry.line = value.lines[name]
                yield entry
            return
        if not isinstance(value, Rows):
            self.find(self.line_of(key), f"'{key}' must be a list", f"“{key}”应为列表")
            return
        for item, line in zip(value, value.lines, strict=True):
            yield Entry(item, self.file, line, self.findings)

    def each(self, key: str, make: Callable[[Entry], _Made]) -> tuple[_Made, ...]:
        """Return `make` of every mapping of the list under `key`."""
        return tuple(make(entry) for entry in self.entries(key))

    def rows(self, key: str) -> Rows:
        """Return the list under `key` with its lines, empty where absent."""
        value = self._get(key)
        if value is None:
            return Rows(self.line)
        if not isinstance(value, Rows):
            self.find(self.line_of(key), f"'{key}' must be a list", f"“{key}”应为列表")
            return Rows(self.line)
        return value

    def close(self) -> None:
        """Find every key that nobody asked for."""
        for key in self._block:
            if key not in self._asked:
                self.find(self.line_of(key), f"unknown key '{key}'", f"未知的键“{key}”")

    def _get(self, key: str) -> Any:
        self._asked.add(key)
        return self._block.get(key)
