"""Regular expressions from strangers, run so that none can hang the machine.

A pattern whose backtracking is bounded by its shape runs in `re`. Any other one (nested repeats, many open
repeats in a row) is run as a set of states over the text, whose work is text × pattern, or refused.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from re import _constants as sre  # type: ignore[attr-defined]  # the standard library's own parser: no second grammar
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import Any, Final

from kangshu.fhirpath.faults import BudgetSpent, FhirPathFault

PATTERN_LIMIT: Final = 2_000
TEXT_LIMIT: Final = 200_000
WORK_LIMIT: Final = 20_000_000
"""Character steps that `re` may need for one match, by the pattern's shape."""
STATE_LIMIT: Final = 4_000
STATE_WORK_LIMIT: Final = 2_000_000
OPEN: Final = 64
"""A repeat of more than this counts as open-ended."""

_GROUP: Final = re.compile(r"\(\?<(?![=!])")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern: `degree` is the power of the text's length that backtracking may take, -1 for unbounded."""

    regex: re.Pattern[str]
    degree: int
    parsed: Any


@lru_cache(maxsize=512)
def compile_pattern(text: str, flags: str = "") -> Pattern:
    """Return the pattern. Raises FhirPathFault where it is too long or no regular expression."""
    if len(text) > PATTERN_LIMIT:
        raise FhirPathFault(f"the pattern is longer than {PATTERN_LIMIT} characters", zh="正则表达式过长")
    options = re.DOTALL
    if "i" in flags:
        options |= re.IGNORECASE
    if "m" in flags:
        options |= re.MULTILINE
    try:
        written = _GROUP.sub("(?P<", text)
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", FutureWarning
            )  # of sets within sets, which Python may read otherwise one day
            parsed = sre_parser.parse(written, int(options))
            return Pattern(re.compile(written, options), _degree(parsed, inside=False), parsed)
    except (re.error, OverflowError, RecursionError) as fault:
        raise FhirPathFault(
            f"not a regular expression: {fault}", zh=f"不是合法的正则表达式: {fault}"
        ) from None


def _degree(parsed: Any, *, inside: bool) -> int:
    """Return how many open repeats follow each other at most; -1 where one holds another or a choice."""
    total = 0
    for code, value in parsed:
        degree = 0
        if code in (sre.MAX_REPEAT, sre.MIN_REPEAT, getattr(sre, "POSSESSIVE_REPEAT", None)):
            low, high, body = value
            inner = _degree(body, inside=inside or high > 1)
            if inner < 0:
                return -1
            is_open = high is sre.MAXREPEAT or int(high) > OPEN
            variable = _variable(body)
            if high > 1 and variable and (is_open or inner > 0 or int(high) > 3):
                return -1
            degree = inner + (1 if is_open and low != high else 0)
        elif code is sre.SUBPATTERN:
            degree = _degree(value[3], inside=inside)
        elif code is sre.BRANCH:
            degrees = [_degree(branch, inside=inside) for branch in value[1]]
            degree = -1 if min(degrees) < 0 else max(degrees)
        elif code in (sre.ASSERT, sre.ASSERT_NOT):
            degree = _degree(value[1], inside=inside)
        elif code in (sre.GROUPREF, sre.GROUPREF_EXISTS):
            return -1
        if degree < 0:
            return -1
        total += degree
    return total


def _variable(parsed: Any) -> bool:
    """Return whether a body can match the same text in more than one way or length."""
    for code, value in parsed:
        if code in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            if value[0] != value[1] or _variable(value[2]):
                return True
        elif code is sre.BRANCH or (code is sre.SUBPATTERN and _variable(value[3])):
            return True
    return False


def _affordable(pattern: Pattern, text: str) -> bool:
    return pattern.degree >= 0 and max(len(text), 1) ** (pattern.degree + 1) <= WORK_LIMIT


def _check_length(text: str) -> None:
    if len(text) > TEXT_LIMIT:
        raise BudgetSpent(
            "the text is too long for a regular expression", zh="文本过长, 不能用正则表达式匹配"
        )


def search(pattern_text: str, text: str, flags: str = "", *, full: bool = False) -> bool:
    """Return whether `text` holds a match (`full`: is one).

    Raises:
        FhirPathFault: no regular expression. BudgetSpent: one that could run away.
    """
    pattern = compile_pattern(pattern_text, flags)
    _check_length(text)
    if _affordable(pattern, text):
        found = pattern.regex.fullmatch(text) if full else pattern.regex.search(text)
        return found is not None
    return _Automaton.of(pattern_text, flags).run(text, full=full)


def substitute(pattern_text: str, text: str, replacement: str, flags: str = "") -> str:
    """Return `text` with every match replaced; `$1` and `${name}` stand for groups.

    Raises:
        FhirPathFault: no regular expression. BudgetSpent: one that could run away.
    """
    pattern = compile_pattern(pattern_text, flags)
    _check_length(text)
    if not _affordable(pattern, text):
        raise BudgetSpent(
            "the pattern nests repeats and could run for ever on this text",
            zh="正则表达式含嵌套重复, 在此文本上可能无法结束",
        )
    return pattern.regex.sub(lambda match: _expanded(match, replacement), text) if pattern_text else text


_REFERENCE: Final = re.compile(r"\\(.)|\$(?:(\d{1,2})|\{(\w+)\})", re.DOTALL)


def _expanded(match: re.Match[str], replacement: str) -> str:
    def one(found: re.Match[str]) -> str:
        if found[1] is not None:
            return found[1]
        name: int | str = int(found[2]) if found[2] else found[3]
        try:
            return match[int(name) if isinstance(name, str) and name.isdigit() else name] or ""
        except IndexError:
            return found[0]

    return _REFERENCE.sub(one, replacement)


class _Automaton:
    """Thompson's construction: states are (test, next) or splits; a match never looks back."""

    def __init__(self, pattern: Pattern) -> None:
        self.tests: list[Callable[[str, int], bool] | None] = []
        self.next: list[tuple[int, ...]] = []
        self.consumes: list[bool] = []
        self.end = self._state(None, (), False)
        self.flags = pattern.regex.flags
        self.start = self._sequence(pattern.parsed, self.end)

    @staticmethod
    @lru_cache(maxsize=128)
    def of(text: str, flags: str) -> _Automaton:
        return _Automaton(compile_pattern(text, flags))

    def _state(self, test: Callable[[str, int], bool] | None, follow: tuple[int, ...], consumes: bool) -> int:
        if len(self.tests) > STATE_LIMIT:
            raise BudgetSpent("the pattern is too large", zh="正则表达式过大")
        self.tests.append(test)
        self.next.append(follow)
        self.consumes.append(consumes)
        return len(self.tests) - 1

    def _sequence(self, parsed: Any, follow: int) -> int:
        for code, value in reversed(list(parsed)):
            follow = self._part(code, value, follow)
        return follow

    def _part(self, code: Any, value: Any, follow: int) -> int:
        if code in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN):
            one = self._single(code, value)
            return self._state(
                lambda text, at: at < len(text) and one.match(text[at]) is not None, (follow,), True
            )
        if code is sre.SUBPATTERN:
            return self._sequence(value[3], follow)
        if code is sre.BRANCH:
            return self._state(None, tuple(self._sequence(branch, follow) for branch in value[1]), False)
        if code in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            return self._repeat(value, follow)
        if code is sre.AT:
            return self._state(self._anchor(value), (follow,), False)
        raise BudgetSpent(
            "a pattern with nested repeats may not look around or refer to groups",
            zh="含嵌套重复的正则表达式不能使用环视或反向引用",
        )

    def _repeat(self, value: Any, follow: int) -> int:
        low, high, body = value
        if int(low) > 1000 or (high is not sre.MAXREPEAT and int(high) > 1000):
            raise BudgetSpent("a repeat in the pattern is too large", zh="正则表达式的重复次数过大")
        if high is sre.MAXREPEAT:
            loop = self._state(None, (), False)
            self.next[loop] = (self._sequence(body, loop), follow)
            entry = loop
        else:
            entry = follow
            for _ in range(int(high) - int(low)):
                entry = self._state(None, (self._sequence(body, entry), follow), False)
        for _ in range(int(low)):
            entry = self._sequence(body, entry)
        return entry

    def _single(self, code: Any, value: Any) -> re.Pattern[str]:
        """Return a pattern for one character, made of the parsed part again."""
        if code is sre.ANY:
            return re.compile(".", re.DOTALL)
        if code is sre.LITERAL:
            return re.compile(re.escape(chr(value)), self.flags & re.IGNORECASE)
        if code is sre.NOT_LITERAL:
            return re.compile(f"[^{re.escape(chr(value))}]", self.flags & re.IGNORECASE)
        return re.compile(_class_text(value), self.flags & re.IGNORECASE)

    @staticmethod
    def _anchor(kind: Any) -> Callable[[str, int], bool]:
        if kind in (sre.AT_BEGINNING, sre.AT_BEGINNING_STRING):
            return lambda text, at: at == 0
        if kind in (sre.AT_END, sre.AT_END_STRING):
            return lambda text, at: at == len(text)
        inner = re.compile(r"\b" if kind is sre.AT_BOUNDARY else r"\B")
        return lambda text, at: inner.match(text, at) is not None

    def _closure(self, states: set[int], text: str, at: int) -> set[int]:
        waiting, closed = list(states), set(states)
        while waiting:
            state = waiting.pop()
            test = self.tests[state]
            if self.consumes[state] or (test is not None and not test(text, at)):
                continue
            for follower in self.next[state]:
                if follower not in closed:
                    closed.add(follower)
                    waiting.append(follower)
        return closed

    def run(self, text: str, *, full: bool) -> bool:
        """Return whether the text holds a match (`full`: is one)."""
        current = self._closure({self.start}, text, 0)
        work = 0
        for at in range(len(text) + 1):
            if self.end in current and (not full or at == len(text)):
                return True
            if at == len(text):
                break
            work += len(current) + 1
            if work > STATE_WORK_LIMIT:
                raise BudgetSpent(
                    "the pattern asks for too much work on this text", zh="正则表达式计算量过大"
                )
            moved = {
                follower
                for state in current
                if self.consumes[state] and (test := self.tests[state]) is not None and test(text, at)
                for follower in self.next[state]
            }
            if not full:
                moved.add(self.start)
            current = self._closure(moved, text, at + 1)
        return False


_CATEGORIES: Final = {
    sre.CATEGORY_DIGIT: r"\d", sre.CATEGORY_NOT_DIGIT: r"\D", sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_SPACE: r"\S", sre.CATEGORY_WORD: r"\w", sre.CATEGORY_NOT_WORD: r"\W",
}  # fmt: skip


def _class_text(parts: Any) -> str:
    text = ""
    for code, value in parts:
        if code is sre.NEGATE:
            text += "^"
        elif code is sre.LITERAL:
            text += re.escape(chr(value))
        elif code is sre.RANGE:
            text += f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
        else:
            text += _CATEGORIES[value]
    return f"[{text}]"
