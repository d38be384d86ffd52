"""What the command line says, in English or Chinese, and how it says that something went wrong."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from typing import Final

from kangshu.base.faults import Fault
from kangshu.base.text import Language


def take_language(arguments: list[str]) -> tuple[list[str], Language]:
    """Return `arguments` without `--lang xx`, and the language that it names (KANGSHU_LANG, else English)."""
    rest: list[str] = []
    wanted = os.environ.get("KANGSHU_LANG", "en")
    words = iter(arguments)
    for word in words:
        if word == "--lang":
            wanted = next(words, "en")
        elif word.startswith("--lang="):
            wanted = word.removeprefix("--lang=")
        else:
            rest.append(word)
    return rest, "zh" if wanted.lower().startswith("zh") else "en"


class Speech:
    """Chooses between two texts by the language of this run."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, en: str, zh: str) -> str:
        """Return the text in the language of this run."""
        return zh if self.language == "zh" else en

    def error(self, en: str, zh: str) -> None:
        """Write one line to standard error."""
        print(f"{self('error', '错误')}: {self(en, zh)}", file=sys.stderr)  # noqa: T201

    def fault(self, fault: Fault) -> None:
        """Write one clear line about `fault` to standard error, with its further findings below."""
        self.error(fault.text, fault.zh)
        for issue in fault.issues[:20]:
            if issue.text != fault.text:
                place = f"{', '.join(issue.expression)}: " if issue.expression else ""
                print(f"  {place}{self(issue.text, issue.zh or issue.text)}", file=sys.stderr)  # noqa: T201

    def usage(self, message: str, command: str) -> None:
        """Write one line about a command that was typed wrongly."""
        zh = message
        for pattern, said in _USAGE.items():
            if found := re.fullmatch(pattern, message, re.DOTALL):
                zh = said.format(*(group or "" for group in found.groups()))
                break
        en = message.rstrip(".")
        self.error(f"{en}; see '{command} --help'", f"{zh}；用法见 {command} --help --lang zh")


_USAGE: Final[Mapping[str, str]] = {
    r"Missing command\.": "缺少子命令",
    r"No such command '(.+)'\.(.*)": "没有命令“{0}”",
    r"No such option: (\S+)(.*)": "没有选项 {0}{1}",
    r"Missing argument '(.+)'\..*": "缺少参数 {0}",
    r"Missing option '(.+)'\..*": "缺少选项 {0}",
    r"Option '(.+)' requires an argument\.": "选项 {0} 需要一个值",
    r"Got unexpected extra arguments? \((.+)\)": "多余的参数：{0}",
    r"Invalid value for (.+?): (.+)": "{0} 的值无效：{1}",
}
