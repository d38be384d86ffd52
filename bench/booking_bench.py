"""Bookings per second of the running product over HTTP, against the earlier way (a case's move for each booking).

    python bench/booking_bench.py [--connections 24] [--seconds 8] [--out bench/results/bookings.jsonl]

Starts the demo city and adds slots of a hospital and residents of a centre, then books places: of slots with 60
places, of slots with 6 (an hour of ten minutes each), of slots with one, and by the referral's move `book`, which is how a slot was taken before.
Sign-in, grant (a doctor's), rules of the pool and of the resident, audit, versions and feed are on in all of them; each
booking is acknowledged when it is fsynced. Afterwards it is counted that no slot is oversold. `cpu_ms` is the whole
product's, its database included, per booking.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from http_bench import KANGSHU, ROOT, await_answer, free_port

CENTRE, HOSPITAL = "centre-990102001", "hospital-yunxi-first"
"""Of the demo city; its account `doctor` is a family doctor there."""
EXT = "http://kangshu.org/fhir/StructureDefinition/"


def city(start: datetime, residents: int, cases: int) -> list[dict[str, Any]]:
    """Return the institutions and residents of the bench, and its slots."""
    place = {"url": f"{EXT}district", "valueCode": "990102001"}
    made: list[dict[str, Any]] = [
        {
            "resourceType": "Patient", "id": f"bench-{number}", "name": [{"text": f"居民{number}"}], "birthDate": "1960-01-01",
            "managingOrganization": {"reference": f"Organization/{CENTRE}"}, "extension": [place],
        }
        for number in range(residents)
    ]  # fmt: skip
    for name, places, count in (("wide", 60, 250), ("hour", 6, 1000), ("one", 1, 3000), ("case", 1, cases)):
        for number in range(count):
            begin = start + timedelta(days=number % 20, minutes=10 * (number // 20 % 48))
            made.append(
                {
                    "resourceType": "Slot", "id": f"{name}-{number}", "status": "free", "start": begin.isoformat(),
                    "end": (begin + timedelta(hours=1)).isoformat(), "specialty": [{"text": f"{name}-{number}"}],
                    "schedule": {"reference": "Schedule/schedule-yunxi-first-1"},
                    "extension": [
                        {"url": f"{EXT}responsible-organisation", "valueReference": {"reference": f"Organization/{HOSPITAL}"}},
                        {"url": f"{EXT}capacity", "valuePositiveInt": places},
                    ],
                }
            )  # fmt: skip
    return made


class Client:
    """Keep-alive connections that send what they are given, one request at a time each."""

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self.token = token

    async def run(self, works: list[tuple[str, bytes]], connections: int, seconds: float) -> dict[str, Any]:
        """Send `works` (path, body) until they or the seconds are used up; return what came of it."""
        queue = iter(works)
        times: list[float] = []
        statuses: dict[int, int] = {}
        until = time.monotonic() + seconds

        async def one() -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            for path, body in queue:
                if time.monotonic() > until:
                    break
                head = (
                    f"POST /fhir/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.token}\r\n"
                    f"Content-Type: application/fhir+json\r\nContent-Length: {len(body)}\r\n\r\n"
                )
                begin = time.monotonic()
                writer.write(head.encode() + body)
                answer = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(line.split(b":")[1]) for line in answer.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
                )  # fmt: skip
                await reader.readexactly(length)
                status = int(answer[9:12])
                statuses[status] = statuses.get(status, 0) + 1
                times.append(time.monotonic() - begin)
            writer.close()

        begin = time.monotonic()
        await asyncio.gather(*(one() for _ in range(connections)))
        spent = time.monotonic() - begin
        times.sort()
        return {
            "n": len(times), "per_second": round(statuses.get(201, 0) / spent or statuses.get(200, 0) / spent, 1),
            "p50_ms": round(1000 * times[len(times) // 2], 1), "p99_ms": round(1000 * times[int(len(times) * 0.99)], 1),
            "statuses": statuses,
        }  # fmt: skip


def body(**values: str) -> bytes:
    """Return a Parameters resource."""
    parts = [{"name": name, "valueString": value} for name, value in values.items()]
    return json.dumps({"resourceType": "Parameters", "parameter": parts}).encode()


def asked(base: str, token: str, path: str, sent: bytes | None = None, method: str = "") -> Any:
    """Return the JSON of an answer."""
    request = urllib.request.Request(
        f"{base}/{path}", sent, {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"}, method=method or None
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.loads(answer.read() or b"null")


def part_of(arguments: str) -> str:
    """Return which part of the product a process is: the web workers, the background worker, the database, the rest."""
    named = ((" web", "web"), (" background", "background"), ("postgres", "database"))
    return next((part for mark, part in named if mark in arguments), "rest")


def cpu_seconds(root: int) -> dict[str, float]:
    """Return the processor time of a process and all below it by part of the product, also of those that have ended."""
    found: dict[int, tuple[int, int, str]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                arguments = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            found[int(entry.name)] = (
                int(fields[1]),
                sum(int(one) for one in fields[11:15]),
                part_of(arguments),
            )
    below = {root}
    while more := {pid for pid, (parent, _, _) in found.items() if parent in below} - below:
        below |= more
    spent: dict[str, float] = {}
    for pid in below & found.keys():
        _, ticks, part = found[pid]
        spent[part] = spent.get(part, 0.0) + ticks / os.sysconf("SC_CLK_TCK")
    return spent


def settle(root: int) -> None:
    """Wait until the background worker has done what the loading left it; at most two minutes."""
    for _ in range(60):
        before = cpu_seconds(root).get("background", 0.0)
        time.sleep(2)
        if cpu_seconds(root).get("background", 0.0) - before < 0.15:
            return


def main() -> None:
    """Run the measurement."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--connections", type=int, default=24)
    options.add_argument("--seconds", type=float, default=8)
    options.add_argument("--residents", type=int, default=12_000, help="11,000 or more")
    options.add_argument("--cases", type=int, default=80)
    options.add_argument("--out", type=Path)
    options.add_argument("--label", default="")
    given = options.parse_args()
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT, check=False
    ).stdout.strip()
    with tempfile.TemporaryDirectory(prefix="kangshu-bench-") as folder:
        Path(folder).chmod(0o755)
        port = free_port()
        data = ["--data-dir", f"{folder}/city"]
        server = subprocess.Popen(
            [KANGSHU, "demo", *data, "--port", str(port), "--residents", "300", "--years", "1"],
            stdout=subprocess.DEVNULL,
        )
        try:
            base = f"http://127.0.0.1:{port}/fhir"
            await_answer(base, server)

            def command(*words: str) -> str:
                done = subprocess.run([KANGSHU, *words, *data], check=True, capture_output=True, text=True)
                return done.stdout.split()[-1]

            system = command("token", "create", "--account", "system", "--ttl", "5h")
            start = (datetime.now(UTC) + timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
            made = city(start, given.residents, given.cases)
            file = Path(folder) / "bench.ndjson"
            file.write_text("".join(json.dumps(one) + "\n" for one in made), "utf-8")
            subprocess.run([KANGSHU, "load", str(file), *data], check=True, capture_output=True)
            doctor = command("token", "create", "--account", "doctor", "--ttl", "5h")
            hospital = command("token", "create", "--account", "hospital", "--ttl", "5h")
            cases = prepare_cases(base, doctor, hospital, given.residents, given.cases)
            spare = iter(range(given.residents))

            def works(name: str, places: int, count: int) -> list[tuple[str, bytes]]:
                order = [f"{name}-{number}" for _ in range(places) for number in range(count)]
                return [
                    (f"Slot/{one}/$book", body(patient=f"bench-{who}"))
                    for one, who in zip(order, spare, strict=False)
                ]

            runs = [
                ("book, 60 places a slot", doctor, works("wide", 16, 250)),
                ("book, 6 places a slot", doctor, works("hour", 4, 1000)),
                ("book, 1 place a slot", doctor, works("one", 1, 3000)),
                ("case move (earlier way)", hospital, cases),
            ]
            for name, token, work in runs:
                settle(server.pid)
                before = cpu_seconds(server.pid)
                row = asyncio.run(Client(port, token).run(work, given.connections, given.seconds))
                after = cpu_seconds(server.pid)
                parts = {
                    part: round(1000 * (spent - before.get(part, 0.0)) / max(1, row["n"]), 2)
                    for part, spent in after.items()
                }
                row["cpu_ms"] = round(sum(parts.values()), 2)
                row["cpu_ms_of"] = parts
                row = {
                    "commit": commit,
                    "cores": os.cpu_count(),
                    "load": round(os.getloadavg()[0], 1),
                    "label": given.label,
                    "run": name,
                    **row,
                }
                print(json.dumps(row, ensure_ascii=False))
                if given.out is not None:
                    with given.out.open("a", encoding="utf-8") as out:
                        out.write(json.dumps(row, ensure_ascii=False) + "\n")
            oversold(base, system)
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(60)


def prepare_cases(
    base: str, doctor: str, hospital: str, residents: int, count: int
) -> list[tuple[str, bytes]]:
    """Start referrals and bring them to where a slot is booked; return the moves that do it."""
    found = []
    for number in range(count):
        values = {
            "code": "referral/referral", "subject": f"Patient/bench-{residents - 1 - number}", "receiver": HOSPITAL, "direction": "up",
            "urgency": "routine", "indication": "acute", "criterion": "admit-treatment", "diagnosis": "x", "summary": "x",
        }  # fmt: skip
        sent = json.loads(body(**values))
        sent["parameter"].append({"name": "consent", "valueBoolean": True})
        task = asked(base, doctor, "Task/$start", json.dumps(sent).encode())["id"]
        asked(base, doctor, f"Task/{task}/$move", body(move="send"))
        asked(base, hospital, f"Task/{task}/$move", body(move="accept", department="x"))
        found.append((f"Task/{task}/$move", body(move="book", slot=f"Slot/case-{number}")))
    return found


def oversold(base: str, token: str) -> None:
    """Count every booking of every slot of the bench. Raises SystemExit where one has more than it has places."""
    places = {"wide": 60, "hour": 6, "one": 1, "case": 1}
    taken: Counter[str] = Counter()
    page = asked(base, token, "Appointment?status=booked&_count=1000")
    while True:
        entries = [one["resource"] for one in page.get("entry", ())]
        taken.update(one["slot"][0]["reference"].removeprefix("Slot/") for one in entries if one.get("slot"))
        more = next((one["url"] for one in page["link"] if one["relation"] == "next"), "")
        if not more:
            break
        page = asked(base, token, more.partition("/fhir/")[2])
    counted = {slot: many for slot, many in taken.items() if slot.partition("-")[0] in places}
    over = [slot for slot, many in counted.items() if many > places[slot.partition("-")[0]]]
    print(f"{sum(counted.values())} bookings of {len(counted)} slots counted, {len(over)} slots oversold")
    if over:
        raise SystemExit(f"oversold: {over[:5]}")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
