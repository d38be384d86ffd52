"""Seconds from a saved record to a measure's number, through the running product over HTTP.

    python bench/fresh_bench.py [--saves 20] [--out bench/results/fresh.jsonl]

Starts an empty installation (one web worker, the background worker, its PostgreSQL), saves residents one after the other
and asks for a measure until it counts each. The product promises 5 seconds. The first save waits for the first
publication too and is told apart.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from http_bench import KANGSHU, ROOT, await_answer, free_port

MEASURE = "family-doctor-coverage-60"


def ask(base: str, token: str, method: str, path: str, body: Any = None) -> Any:
    """Return the JSON that a request is answered with."""
    request = urllib.request.Request(
        f"{base}/{path}",
        method=method,
        data=json.dumps(body).encode() if body else None,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def counted(base: str, token: str) -> int:
    """Return how many residents the measure counts now; 0 before the first publication."""
    try:
        report = ask(base, token, "GET", f"Measure/{MEASURE}/$evaluate-measure")
    except urllib.error.HTTPError:
        return 0
    populations = report["group"][0]["population"]
    return int(next(one["count"] for one in populations if one["code"]["coding"][0]["code"] == "denominator"))


def saved(base: str, token: str, number: int) -> float:
    """Save a resident and return how many seconds it took until the measure counts `number`."""
    began = time.perf_counter()
    resident = {"resourceType": "Patient", "id": f"fresh{number}", "birthDate": "1950-03-03", "active": True}
    ask(base, token, "PUT", f"Patient/fresh{number}", resident)
    while counted(base, token) != number:
        time.sleep(0.05)
    return time.perf_counter() - began


def main() -> None:
    """Run the measurement and print one JSON object."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--saves", type=int, default=20)
    options.add_argument("--out", type=Path)
    given = options.parse_args()
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT, check=False
    ).stdout.strip()
    with tempfile.TemporaryDirectory(prefix="kangshu-bench-") as folder:
        Path(folder).chmod(0o755)
        data, port = ["--data-dir", f"{folder}/city"], free_port()
        server = subprocess.Popen(
            [KANGSHU, "serve", *data, "--port", str(port), "--workers", "1"], stdout=subprocess.DEVNULL
        )
        try:
            base = f"http://127.0.0.1:{port}/fhir"
            await_answer(base, server)
            command = [KANGSHU, "token", "create", "--account", "system", "--ttl", "1h", *data]
            token = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]
            first, *took = [saved(base, token, number) for number in range(1, given.saves + 1)]
        finally:
            server.send_signal(signal.SIGINT)
            server.wait()
    row = {
        "commit": commit,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "saves": len(took),
        "first_s": round(first, 2),
        "median_s": round(statistics.median(took), 2),
        "most_s": round(max(took), 2),
    }
    print(json.dumps(row))
    if given.out is not None:
        with given.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
