"""Plays an outside system: the examples of a declared signal, filled in and sent over HTTP as that system would.

What gets no answer is sent again with the same event id, as the interface asks of every sender: each is taken once.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlsplit

from kangshu.base.clock import CITY_ZONE
from kangshu.base.faults import Invalid
from kangshu.sdk import SignalDeclaration, SignalExample

_TIMEOUT: Final = 20.0
_PAUSE: Final = 0.2
_TRIES: Final = 60


@dataclass(slots=True)
class Sent:
    """What became of the events: `outcomes` counts the answers, `seconds` are those of each answered event; `taken`
    maps event id → case id of what was acknowledged; `again` counts sendings that got no answer."""

    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    taken: dict[str, str] = field(default_factory=dict)
    again: int = 0
    refused: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)


def events(
    signal: SignalDeclaration, example: SignalExample, count: int, changes: Mapping[str, str], run: str
) -> Iterator[dict[str, Any]]:
    """Yield `count` events made from an example: ids of their own, the present moment, and `changes` put in.

    `changes` maps a dotted path to a value in which {n} is the number of the event, as in `YJT-{n:04d}`. Raises Invalid.
    """
    for number in range(1, count + 1):
        text = json.dumps(example.event, ensure_ascii=False, default=str)
        event = json.loads(text.replace("${sequence}", f"{run}-{number}"))
        _put(event, signal.time, datetime.now(CITY_ZONE).isoformat(timespec="seconds"))
        for path, value in changes.items():
            try:
                _put(event, path, value.format(n=number))
            except (KeyError, ValueError, IndexError) as cause:
                text = f"'{value}' may hold {{n}} alone, such as {{n:04d}}"
                raise Invalid(text, zh=f"“{value}”中只能使用 {{n}}，如 {{n:04d}}") from cause
        yield event


def send(
    address: str,
    token: str,
    signal: SignalDeclaration,
    made: Sequence[Mapping[str, Any]],
    *,
    parallel: int = 1,
    every: float = 0.0,
    answered: Callable[[str], None] = lambda _: None,
) -> Sent:
    """Send events to the product at `address` (scheme and host) and return what became of them.

    `parallel` senders share them; each waits `every` seconds between two. `answered` hears each outcome.
    """
    sent = Sent()
    queue = iter(made)
    lock = threading.Lock()

    def work() -> None:
        line = _Line(address, token, signal.code)
        while True:
            with lock:
                event = next(queue, None)
            if event is None:
                return
            outcome = _deliver(line, event, signal, sent)
            answered(outcome)
            if every:
                time.sleep(every)

    with ThreadPoolExecutor(max_workers=parallel) as workers:
        for future in [workers.submit(work) for _ in range(parallel)]:
            future.result()
    return sent


def _deliver(line: _Line, event: Mapping[str, Any], signal: SignalDeclaration, sent: Sent) -> str:
    """Send one event until it is answered; return its outcome."""
    begun = time.monotonic()
    for _ in range(_TRIES):
        status, answer = line.post(event)
        if status is not None and status < HTTPStatus.INTERNAL_SERVER_ERROR:
            said = {one["name"]: one.get("valueString", "") for one in answer.get("parameter", ())}
            outcome = said.get("outcome") or f"refused {status}"
            with sent._lock:
                sent.outcomes[outcome] += 1
                sent.seconds.append(time.monotonic() - begun)
                if said.get("case"):
                    sent.taken[str(event[signal.event])] = said["case"]
                if not said:
                    issues = answer.get("issue", [{}])
                    sent.refused.append(str(issues[0].get("details", {}).get("text", status)))
            return outcome
        with sent._lock:
            sent.again += 1
        time.sleep(_PAUSE)
    with sent._lock:
        sent.outcomes["unanswered"] += 1
    return "unanswered"


class _Line:
    """One kept connection to the product; it is made anew after a break."""

    def __init__(self, address: str, token: str, code: str) -> None:
        self._parts = urlsplit(address)
        self._path = f"{self._parts.path.rstrip('/')}/fhir/$signal?code={quote(code, safe='/')}"
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._connection: http.client.HTTPConnection | None = None

    def post(self, event: Mapping[str, Any]) -> tuple[int | None, dict[str, Any]]:
        """Return the status and the answer; None where there was none."""
        body = json.dumps(event, ensure_ascii=False).encode()
        try:
            if self._connection is None:
                made = (
                    http.client.HTTPSConnection
                    if self._parts.scheme == "https"
                    else http.client.HTTPConnection
                )
                self._connection = made(self._parts.netloc, timeout=_TIMEOUT)
            self._connection.request("POST", self._path, body, self._headers)
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection = None
            return None, {}
        return answer.status, json.loads(text) if text else {}


def _put(event: dict[str, Any], path: str, value: Any) -> None:
    *above, last = path.split(".")
    here = event
    for name in above:
        here = here.setdefault(name, {})
        if not isinstance(here, dict):
            raise Invalid(f"'{path}' leads through a value", zh=f"路径“{path}”无效")
    here[last] = value
