"""Plays a hospital's own system that owns its slots: it publishes slots, confirms bookings, closes a slot, gives its day's list.

    python tools/hospital_simulator.py --base http://127.0.0.1:8000/fhir --token … --organisation hospital-yunxi-first --port 8099

It serves what docs/how-to/connect-a-hospital.md asks of a hospital: POST /Appointment (the platform asks for a place) and
GET /Appointment?date=… (its list of a day, for the reconciliation). With `--base` and `--token` it also writes a day of
slots to the platform and closes one of them.
"""

from __future__ import annotations

import argparse
import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

BASE = "http://kangshu.org/fhir"


class Hospital:
    """What the hospital's system holds: bookings by the platform's id. `full` slots are refused, `later` answers with 202."""

    def __init__(self) -> None:
        self.bookings: dict[str, dict[str, Any]] = {}
        self.full: set[str] = set()
        self.later = False

    def ask(self, appointment: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Return status and answer to a booking that the platform asks for."""
        key = next(
            one["value"] for one in appointment["identifier"] if one["system"] == f"{BASE}/sid/booking"
        )
        slot = appointment["slot"][0]["reference"]
        if slot in self.full:
            return 409, {
                "resourceType": "OperationOutcome",
                "issue": [{"severity": "error", "code": "conflict"}],
            }
        status = "pending" if self.later else "booked"
        self.bookings[key] = {**appointment, "status": status}
        return (202 if self.later else 201), self.bookings[key]

    def day(self, day: str) -> dict[str, Any]:
        """Return the bookings of a day as a Bundle."""
        found = [one for one in self.bookings.values() if one.get("start", "").startswith(day)]
        return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in found]}


@contextmanager
def serving(hospital: Hospital, port: int = 0) -> Iterator[str]:
    """Serve `hospital` on this machine; give its address."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self, status: int, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/fhir+json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self._answer(*hospital.ask(sent))

        def do_GET(self) -> None:
            asked = parse_qs(urlsplit(self.path).query)
            self._answer(200, hospital.day(asked.get("date", [""])[0]))

        def log_message(self, format: str, *args: Any) -> None:  # what comes is about people
            return

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def slots_of(organisation: str, schedule: str, day: str, places: int = 4) -> list[dict[str, Any]]:
    """Return a morning of slots whose bookings the hospital confirms itself."""
    start = datetime.fromisoformat(f"{day}T08:00:00+08:00")
    made = []
    for hour in range(4):
        begin = start + timedelta(hours=hour)
        made.append(
            {
                "resourceType": "Slot", "id": f"his-{organisation}-{begin:%Y%m%d%H}"[:64], "status": "free",
                "schedule": {"reference": f"Schedule/{schedule}"},
                "start": begin.isoformat(), "end": (begin + timedelta(hours=1)).isoformat(),
                "extension": [
                    {"url": f"{BASE}/StructureDefinition/responsible-organisation", "valueReference": {"reference": f"Organization/{organisation}"}},
                    {"url": f"{BASE}/StructureDefinition/capacity", "valuePositiveInt": places},
                    {"url": f"{BASE}/StructureDefinition/confirmation", "valueCode": "hospital"},
                ],
            }
        )  # fmt: skip
    return made


def put(base: str, token: str, resource: dict[str, Any]) -> None:
    """Write a record to the platform, as the hospital's service account."""
    request = urllib.request.Request(
        f"{base}/{resource['resourceType']}/{resource['id']}",
        json.dumps(resource).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"},
        method="PUT",
    )
    with urllib.request.urlopen(request, timeout=30):
        return


def main() -> None:
    """Serve until Ctrl-C; publish a morning of slots first where a platform is named."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--port", type=int, default=8099)
    options.add_argument("--base", default="")
    options.add_argument("--token", default="")
    options.add_argument("--organisation", default="hospital-yunxi-first")
    options.add_argument("--schedule", default="schedule-yunxi-first-1")
    options.add_argument("--day", default=(datetime.now(UTC) + timedelta(days=1)).date().isoformat())
    given = options.parse_args()
    with serving(Hospital(), given.port) as address:
        print(f"hospital system at {address}")
        if given.base:
            made = slots_of(given.organisation, given.schedule, given.day)
            for one in made:
                put(given.base, given.token, one)
            put(given.base, given.token, {**made[-1], "status": "busy-unavailable"})
            print(f"published {len(made)} slots of {given.day}, closed the last")
        threading.Event().wait()


if __name__ == "__main__":
    main()
