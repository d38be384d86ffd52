"""The list of what the product runs on (SBOM), and the gate of its licences.

    python tools/sbom.py            write docs/sbom.cdx.json
    python tools/sbom.py --check    is it fresh, and are all licences among those we may ship?

CycloneDX 1.6 JSON of requirements/runtime.txt, from the metadata of the installed packages: the same input gives the
same bytes (no date, a serial number made from the content). A package without a licence we know fails the check.
Source: https://cyclonedx.org/docs/1.6/json/
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import re
import sys
import tomllib
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
RUNTIME = ROOT / "requirements" / "runtime.txt"
OUT = ROOT / "docs" / "sbom.cdx.json"

ALLOWED = frozenset(
    {
        "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSD-3-Clause-Clear", "ISC", "MIT", "MIT-0", "MIT-CMU", "MPL-2.0",
        "OFL-1.1", "PostgreSQL", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib",
    }
)  # fmt: skip
"""SPDX ids of what may be shipped with an Apache-2.0 product."""
KNOWN_TEXTS = {
    "mit": "MIT", "mit license": "MIT", "isc license": "ISC", "bsd-3-clause": "BSD-3-Clause", "bsd": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0", "apache-2.0": "Apache-2.0", "apache license 2.0": "Apache-2.0", "mit-0": "MIT-0",
    "bsd-3-clause, apache-2.0, dependency licenses": "BSD-3-Clause AND Apache-2.0",
}  # fmt: skip
"""What the free text of older metadata means; pypdfium2's dependency is PDFium, BSD-3-Clause and Apache-2.0."""
OPEN_FONT = "this font software is licensed under the sil open font license"
"""How the OFL begins where a package of fonts has its whole text as its licence. OFL is for fonts, which may be shipped
and embedded with any product; they stay under it."""
KNOWN_CLASSIFIERS = {
    "MIT License": "MIT", "BSD License": "BSD-3-Clause", "Apache Software License": "Apache-2.0",
    "ISC License (ISCL)": "ISC", "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}  # fmt: skip


def pins(path: Path) -> dict[str, str]:
    """Return name → exact version of a requirements file, names canonical."""
    found = {}
    for line in path.read_text("utf-8").splitlines():
        name, marked, version = line.partition("==")
        if marked and not line.startswith("#"):
            found[canonicalize_name(name.strip())] = version.partition(";")[0].strip()
    return found


def licence_of(metadata: Any) -> str:
    """Return the SPDX expression of a package, "" where its metadata tells none that we know."""
    if expression := metadata.get("License-Expression"):
        return str(expression)
    text = str(metadata.get("License") or "").strip().lower()
    if text in KNOWN_TEXTS:
        return KNOWN_TEXTS[text]
    if text.startswith(OPEN_FONT):
        return "OFL-1.1"
    said = [
        one.rpartition("::")[2].strip()
        for one in metadata.get_all("Classifier") or ()
        if one.startswith("License ::")
    ]
    known = sorted({KNOWN_CLASSIFIERS.get(one, "") for one in said})
    return " OR ".join(known) if known and "" not in known else ""


def admitted(expression: str) -> bool:
    """Return whether a package under `expression` (SPDX, without brackets nested) may be shipped."""
    if not expression:
        return False
    parts = re.sub(r"[()]", " ", expression).split(" AND ")
    return all(any(one.strip() in ALLOWED for one in part.split(" OR ")) for part in parts)


def sbom() -> tuple[dict[str, Any], list[str]]:
    """Return the document, and what is wrong with what is installed."""
    wanted = pins(RUNTIME)
    components: list[dict[str, Any]] = []
    edges: dict[str, list[str]] = {}
    wrong: list[str] = []
    for name, version in sorted(wanted.items()):
        try:
            found = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{name} {version} is not installed: make setup")
            continue
        if found.version != version:
            wrong.append(f"{name} {found.version} is installed, {version} is pinned: make setup")
        licence = licence_of(found.metadata)
        if not admitted(licence):
            said = licence or found.metadata.get("License") or "none told"
            wrong.append(
                f"{name} {version}: its licence ({str(said)[:60]}) is not among those that may be shipped"
            )
        reference = f"pkg:pypi/{name}@{version}"
        components.append(
            {
                "type": "library",
                "bom-ref": reference,
                "name": name,
                "version": version,
                "description": str(found.metadata.get("Summary") or "").strip(),
                "licenses": [{"expression": licence}],
                "purl": reference,
            }
        )
        edges[reference] = sorted(_needs(found.requires or (), wanted))
    product = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    root = f"pkg:pypi/kangshu@{product['version']}"
    edges[root] = sorted(_needs(product["dependencies"], wanted))
    missing = sorted(
        set(wanted) - {one.partition("@")[0].rpartition("/")[2] for one in _reached(edges, root)}
    )
    wrong.extend(f"{name} is pinned and nothing needs it" for name in missing)
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application", "bom-ref": root, "name": "kangshu", "version": product["version"],
                "licenses": [{"expression": "Apache-2.0"}], "purl": root,
            }
        },
        "components": components,
        "dependencies": [{"ref": one, "dependsOn": edges[one]} for one in sorted(edges)],
    }  # fmt: skip
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).digest()
    document["serialNumber"] = f"urn:uuid:{uuid.UUID(bytes=digest[:16], version=4)}"
    return document, wrong


def _needs(requires: Iterable[str], wanted: dict[str, str]) -> set[str]:
    """Return what these requirements mean on the machines that we ship for: Linux, CPython from 3.11 on."""
    environment = {
        **default_environment(),
        "extra": "",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "python_version": "3.11",
        "python_full_version": "3.11.0",
        "platform_machine": "x86_64",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "os_name": "posix",
    }
    needed = set()
    for text in requires:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate(environment):
            name = canonicalize_name(requirement.name)
            if name in wanted:
                needed.add(f"pkg:pypi/{name}@{wanted[name]}")
    return needed


def _reached(edges: dict[str, list[str]], root: str) -> set[str]:
    seen: set[str] = set()
    ahead = [root]
    while ahead:
        one = ahead.pop()
        if one not in seen:
            seen.add(one)
            ahead.extend(edges.get(one, ()))
    return seen


def main() -> None:
    """Write or check."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--check", action="store_true")
    given = options.parse_args()
    document, wrong = sbom()
    text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    if given.check:
        if not OUT.exists() or OUT.read_text("utf-8") != text:
            wrong.append(f"{OUT.relative_to(ROOT)} is stale: make docs")
    else:
        OUT.write_text(text, "utf-8")
    for one in wrong:
        print(f"sbom: {one}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
