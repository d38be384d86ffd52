"""Has a pinned package a known vulnerability?

    python tools/dependency_audit.py --check                   what `make check` asks
    python tools/dependency_audit.py                           compare every pin anew with the OSV service, and keep it
    python tools/dependency_audit.py --database DIR --dated D  the same with a copy of an OSV database (YAML or JSON
                                                               files), whose newest entry is of day D

What is kept (tools/advisories.json) are the pins that were compared, with which database of which day, and what was
found. The check is red for a finding that is not ignored with a reason. Neither time nor a missing network turns it
red: where what is kept is old, or a pin was never compared, the check asks the service, and says so when that cannot be
reached within seconds. What the service adds is red too.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import yaml
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "tools" / "advisories.json"
PINS = ("runtime", "development", "spark")
SERVICE = "https://api.osv.dev/v1/querybatch"
_PATIENCE_SECONDS = 3
_OLD_DAYS = 30


def pinned() -> dict[str, str]:
    """Return "name==version" → the first of our files that pins it."""
    found: dict[str, str] = {}
    for name in PINS:
        for line in (ROOT / "requirements" / f"{name}.txt").read_text("utf-8").splitlines():
            package, marked, version = line.partition("==")
            if marked and not line.startswith("#"):
                pin = f"{canonicalize_name(package.strip())}=={version.partition(';')[0].strip()}"
                found.setdefault(pin, name)
    return found


def asked_service(pins: list[str]) -> dict[str, list[str]] | None:
    """Return pin → ids of advisories that the service knows; None when it cannot be reached."""
    queries = [
        {"package": {"ecosystem": "PyPI", "name": name}, "version": version}
        for name, _, version in (pin.partition("==") for pin in pins)
    ]
    request = urllib.request.Request(
        SERVICE, json.dumps({"queries": queries}).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS) as answer:
            results = json.load(answer)["results"]
    except (urllib.error.URLError, OSError, ValueError, KeyError):
        return None
    return {
        pin: sorted(one["id"] for one in result.get("vulns", ()))
        for pin, result in zip(pins, results, strict=True)
        if result.get("vulns")
    }


def asked_database(folder: Path, pins: list[str]) -> dict[str, list[str]]:
    """Return pin → ids of the advisories in `folder` that affect it."""
    by_name: dict[str, list[tuple[str, Version, str]]] = {}
    for pin in pins:
        name, _, version = pin.partition("==")
        by_name.setdefault(name, []).append((pin, Version(version), version))
    found: dict[str, list[str]] = {}
    for path in sorted((*folder.rglob("*.yaml"), *folder.rglob("*.json"))):
        if canonicalize_name(path.parent.name) not in by_name and path.suffix == ".yaml":
            continue
        advisory = yaml.safe_load(path.read_text("utf-8"))
        if not isinstance(advisory, dict) or advisory.get("withdrawn"):
            continue
        for affected in advisory.get("affected", ()):
            name = canonicalize_name(str(affected.get("package", {}).get("name", "")))
            for pin, version, text in by_name.get(name, ()):
                if _affects(affected, version, text):
                    found.setdefault(pin, []).append(str(advisory["id"]))
    return found


def _affects(affected: dict[str, Any], version: Version, text: str) -> bool:
    if text in affected.get("versions", ()):
        return True
    return any(
        _within(one.get("events", ()), version)
        for one in affected.get("ranges", ())
        if one.get("type") == "ECOSYSTEM"
    )


def _within(events: list[dict[str, str]], version: Version) -> bool:
    """Return whether `version` lies in a range of OSV: introduced … fixed (not within) or last_affected (within)."""
    inside = False
    for kind, text in ((kind, text) for event in events for kind, text in event.items()):
        try:
            at = Version("0" if text == "0" else text)
        except InvalidVersion:
            continue
        if kind == "introduced" and version >= at:
            inside = True
        elif (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
            inside = False
    return inside


def kept() -> dict[str, Any]:
    """Return what was kept last."""
    found: dict[str, Any] = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {}
    return {"database": "", "dated": "", "compared": [], "found": {}, "ignored": {}} | found


def judged(found: dict[str, list[str]], ignored: dict[str, str]) -> Iterator[str]:
    """Yield what is red."""
    for pin, ids in sorted(found.items()):
        for one in ids:
            if not ignored.get(one):
                yield f"{pin} is affected by {one}: raise the pin, or give a reason under 'ignored' in {KEPT.name}"


def check() -> list[str]:
    """Return what is red."""
    last, pins = kept(), sorted(pinned())
    stand = {pin: ids for pin, ids in last["found"].items() if pin in set(pins)}
    wrong = list(judged(stand, last["ignored"]))
    wrong.extend(f"'{one}' is ignored without a reason" for one, why in last["ignored"].items() if not why)
    strange = sorted(set(pins) - set(last["compared"]))
    today = datetime.now(timezone.utc).date()  # noqa: UP017
    old = not last["dated"] or (today - date.fromisoformat(last["dated"])).days > _OLD_DAYS
    if wrong or not (strange or old):
        return wrong
    fresh = None if os.environ.get("KANGSHU_OFFLINE") else asked_service(pins)
    if fresh is not None:
        return list(judged(fresh, last["ignored"]))
    print(f"dependency audit: by advisories of {last['dated'] or 'no day'}; no fresher ones can be reached")
    if strange:
        print(f"dependency audit: never compared with any: {', '.join(strange)}")
    return []


def compare(database: Path | None, dated: str) -> list[str]:
    """Compare every pin anew, keep the outcome, and return what is red."""
    last, pins = kept(), sorted(pinned())
    if database is not None:
        found, name = asked_database(database, pins), "a copy of the PyPA advisory database"
        day = date.fromisoformat(dated)
    else:
        answered = asked_service(pins)
        if answered is None:
            return [
                "the service cannot be reached: give --database and --dated, or try where there is a network"
            ]
        found, name, day = answered, "OSV", datetime.now(timezone.utc).date()  # noqa: UP017
    fresh = {
        "database": name,
        "dated": day.isoformat(),
        "compared": pins,
        "found": found,
        "ignored": last["ignored"],
    }
    KEPT.write_text(json.dumps(fresh, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return list(judged(found, last["ignored"]))


def main() -> None:
    """Check, or compare anew."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--check", action="store_true")
    options.add_argument("--database", type=Path)
    options.add_argument("--dated", default="")
    given = options.parse_args()
    wrong = check() if given.check else compare(given.database, given.dated)
    for one in wrong:
        print(f"dependency audit: {one}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
