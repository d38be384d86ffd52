"""What the product runs on: the gate of licences, and the comparison with advisories, each with what it catches."""

from __future__ import annotations

import importlib.util
import json
from email.message import Message
from pathlib import Path
from types import ModuleType

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"
ADVISORY = """
id: PYSEC-0000-1
affected:
- package: {{name: {name}, ecosystem: PyPI}}
  ranges:
  - type: ECOSYSTEM
    events: [{{introduced: '0'}}, {{{end}: '{version}'}}]
"""


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"tools_{name}", TOOLS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("expression", "admitted"),
    [
        ("MIT", True), ("Apache-2.0 OR BSD-3-Clause", True), ("BSD-3-Clause AND Apache-2.0", True),
        ("MIT OR GPL-3.0-only", True), ("GPL-3.0-only", False), ("AGPL-3.0-or-later", False),
        ("MIT AND GPL-2.0-only", False), ("LicenseRef-Commercial", False), ("", False),
    ],
)  # fmt: skip
def test_licences_are_admitted_by_name(expression: str, admitted: bool) -> None:
    assert tool("sbom").admitted(expression) == admitted


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"License-Expression": "ISC"}, "ISC"), ({"License": "MIT"}, "MIT"),
        ({"Classifier": "License :: OSI Approved :: BSD License"}, "BSD-3-Clause"),
        ({"License": "ask our sales department"}, ""), ({}, ""),
        ({"Classifier": "License :: OSI Approved :: GNU General Public License v3 (GPLv3)"}, ""),
    ],
)  # fmt: skip
def test_a_licence_that_is_not_known_is_none(headers: dict[str, str], found: str) -> None:
    metadata = Message()
    for name, value in headers.items():
        metadata[name] = value
    assert tool("sbom").licence_of(metadata) == found


def test_every_package_that_is_shipped_is_listed_with_a_licence() -> None:
    sbom = tool("sbom")
    document, wrong = sbom.sbom()
    assert not wrong
    assert {one["name"] for one in document["components"]} == set(sbom.pins(sbom.RUNTIME))
    assert json.loads(sbom.OUT.read_text("utf-8"))["serialNumber"] == document["serialNumber"], (
        "stale: make docs"
    )


@pytest.mark.parametrize(
    ("end", "version", "affected"),
    [("fixed", "99999", True), ("fixed", "0.0.1", False), ("last_affected", "99999", True)],
)
def test_an_advisory_that_affects_a_pin_is_found(
    tmp_path: Path, end: str, version: str, affected: bool
) -> None:
    audit = tool("dependency_audit")
    pin = next(one for one in audit.pinned() if one.startswith("starlette=="))
    (tmp_path / "starlette").mkdir()
    (tmp_path / "starlette" / "PYSEC-0000-1.yaml").write_text(
        ADVISORY.format(name="Starlette", end=end, version=version), "utf-8"
    )
    found = audit.asked_database(tmp_path, sorted(audit.pinned()))
    assert found == ({pin: ["PYSEC-0000-1"]} if affected else {})


def test_a_finding_is_red_unless_a_reason_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    audit = tool("dependency_audit")
    monkeypatch.setenv("KANGSHU_OFFLINE", "1")
    monkeypatch.setattr(audit, "KEPT", tmp_path / "advisories.json")
    pins = sorted(audit.pinned())

    def keep(**changed: object) -> None:
        base = {"dated": "2020-01-01", "compared": pins, "found": {pins[0]: ["PYSEC-0000-1"]}, "ignored": {}}
        audit.KEPT.write_text(json.dumps(base | changed), "utf-8")

    keep()
    assert any("PYSEC-0000-1" in one for one in audit.check())
    keep(ignored={"PYSEC-0000-1": ""})
    assert audit.check()
    keep(ignored={"PYSEC-0000-1": "the part that is affected is not used: …"})
    assert audit.check() == []
    # a pin that is gone takes its finding with it; time and a missing network turn nothing red, and are told
    keep(found={"gone==1.0": ["PYSEC-0000-1"]}, compared=pins[1:])
    assert audit.check() == []
    told = capsys.readouterr().out
    assert "2020-01-01" in told
    assert pins[0] in told
