"""Compacts the R4 definitions to the data file that ships in `kangshu.fhir`.

    python tools/compact_definitions.py            fetch the packages with npm, write the data file
    python tools/compact_definitions.py --from DIR use packages that are already there (*.tgz)
    python tools/compact_definitions.py --check    offline: is the data file the one this tool wrote?

Both packages are CC0. The record beside the data file holds the digests of the packages, of this
tool and of its output; `--check` compares them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import zstandard

PACKAGES = ("hl7.fhir.r4.examples@4.0.1", "hl7.fhir.r4.expansions@4.0.1")
ROOM = Path(__file__).resolve().parents[1] / "src" / "kangshu" / "fhir"
OUTPUTS = {"definitions": ROOM / "r4.json.zst", "profiles": ROOM / "r4.profiles.json.zst"}
RECORD = ROOM / "r4.sources.json"
VITAL_SIGNS = frozenset(
    [
        "vitalsigns",
        "bp",
        "bodyheight",
        "bodyweight",
        "bmi",
        "bodytemp",
        "heartrate",
        "resprate",
        "oxygensat",
        "headcircum",
        "vitalspanel",
    ]
)
"""Profiles that R4 itself demands of every Observation with one of their LOINC codes."""
BASE = "http://hl7.org/fhir/StructureDefinition/"
SYSTEM = "http://hl7.org/fhirpath/System."
LARGEST_VALUE_SET = 1100
"""Larger value sets are excerpts of SNOMED CT or LOINC, which are not ours to ship."""
FOREIGN_SYSTEMS = ("http://snomed.info/sct", "http://www.nlm.nih.gov/research/umls/rxnorm")
STRENGTHS = {"required": "r", "extensible": "x", "preferred": "p", "example": "o"}
ORDER = "rxpo"
GENERAL_RULES = frozenset({"ele-1", "ext-1"})
"""Held by every element; the validator has them built in."""

Json = dict[str, Any]


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def fetch(folder: Path) -> None:
    """Fetch both packages into `folder` with the npm client."""
    for package in PACKAGES:
        subprocess.run(
            ["npm", "pack", "--silent", package], cwd=folder, check=True, stdout=subprocess.DEVNULL
        )


def archive(folder: Path, package: str) -> Path:
    name, version = package.split("@")
    return folder / f"{name}-{version}.tgz"


def resources(path: Path) -> Iterator[Json]:
    """Yield every conformance resource of a package."""
    wanted = ("StructureDefinition", "SearchParameter", "ValueSet", "CodeSystem", "CompartmentDefinition")
    with tarfile.open(path) as files:
        for member in files:
            name = Path(member.name).name
            if name.startswith(wanted) and name.endswith(".json"):
                stream = files.extractfile(member)
                if stream is not None:
                    yield json.load(stream)


def compact_type(type_: Json, path: str = "") -> list[Any]:
    code = type_["code"]
    if code.startswith(SYSTEM):
        kind = [
            e.get("valueUrl", e.get("valueUri"))
            for e in type_.get("extension", ())
            if e["url"].endswith("fhir-type")
        ]
        code = kind[0] if kind else code.removeprefix(SYSTEM).lower()
    if path == "Resource.id":  # R4 says string here and id in the text of the specification
        code = "id"
    entry: list[Any] = [code]
    targets = [t.removeprefix(BASE) for t in type_.get("targetProfile", ())]
    profiles = [p.removeprefix(BASE) for p in type_.get("profile", ())]
    if targets or profiles:
        entry.append(targets)
    if profiles:
        entry.append(profiles)
    return entry


class Rules:
    """All distinct invariants; elements name them by position."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self.known: dict[tuple[str, ...], int] = {}

    def of(self, element: Json, url: str) -> list[int]:
        found = []
        for constraint in element.get("constraint", ()):
            if constraint["key"] in GENERAL_RULES or constraint.get("source", url) != url:
                continue
            row = (
                constraint["key"],
                constraint["severity"],
                constraint["human"],
                constraint.get("expression", ""),
            )
            if row not in self.known:
                self.known[row] = len(self.rows)
                self.rows.append(list(row))
            found.append(self.known[row])
        return found


def compact_element(element: Json, name: str, rules: list[int]) -> list[Any]:
    binding = element.get("binding")
    bound: list[str] | int = 0
    if binding and "valueSet" in binding:
        maximal = [
            e["valueCanonical"] for e in binding.get("extension", ()) if e["url"].endswith("maxValueSet")
        ]
        bound = [STRENGTHS[binding["strength"]], binding["valueSet"].split("|")[0], *maximal]
    flags = (1 if element.get("isModifier") else 0) | (2 if element.get("isSummary") else 0)
    row = [
        name,
        element["min"],
        -1 if element["max"] == "*" else int(element["max"]),
        [compact_type(t, element["path"]) for t in element.get("type", ())],
        element.get("contentReference", "").removeprefix("#"),
        bound,
        rules,
        flags,
    ]
    while row and row[-1] in (0, "", []):
        row.pop()
    return row


def compact_structure(definition: Json, rules: Rules) -> Json:
    """Return one type: what it is, and the elements that it declares itself, by owner path."""
    name, url = definition["type"], definition["url"]
    owners: dict[str, list[list[Any]]] = {}
    root: list[int] = []
    regex = ""
    for element in definition["snapshot"]["element"]:
        path = element["path"]
        if path == name:
            root = rules.of(element, url)
            continue
        owner, _, last = path.rpartition(".")
        if definition["kind"] == "primitive-type" and last == "value":
            patterns = [
                e["valueString"]
                for t in element["type"]
                for e in t.get("extension", ())
                if e["url"].endswith("regex")
            ]
            regex = patterns[0] if patterns else ""
            continue
        if element.get("base", {}).get("path", path) != path:
            continue
        owners.setdefault(owner, []).append(compact_element(element, last, rules.of(element, url)))
    entry: Json = {
        "k": definition["kind"].split("-")[0][0],
        "b": definition.get("baseDefinition", "").removeprefix(BASE),
    }
    if definition.get("abstract"):
        entry["a"] = 1
    if owners:
        entry["e"] = owners
    if root:
        entry["i"] = root
    if regex:
        entry["r"] = regex
    return entry


def compact_extension(definition: Json) -> list[Any]:
    """Return [contexts, value types, {nested url: value types}] of an extension's definition."""
    contexts = [c["expression"] for c in definition.get("context", ()) if c["type"] == "element"]
    others = len(contexts) < len(definition.get("context", ()))
    types: list[str] = []
    nested: Json = {}
    slices: Json = {}
    for element in definition["snapshot"]["element"]:
        id_ = element["id"]
        if element["max"] == "0":
            continue
        if id_ == "Extension.value[x]" or id_.startswith("Extension.value[x]:"):
            types += [t["code"] for t in element.get("type", ()) if t["code"] not in types]
        elif id_.startswith("Extension.extension:") and id_.count(":") == 1:
            name, _, rest = id_.removeprefix("Extension.extension:").partition(".")
            if rest == "url":
                slices[name] = element.get("fixedUri", name)
            elif rest.startswith("value["):
                nested[name] = [t["code"] for t in element.get("type", ())]
    row: list[Any] = [[] if others else contexts, types if not slices else []]
    if slices:
        row.append({url: nested.get(name, []) for name, url in slices.items()})
    return row


KEPT = [
    "id",
    "path",
    "sliceName",
    "slicing",
    "min",
    "max",
    "base",
    "contentReference",
    "type",
    "constraint",
    "binding",
    "mustSupport",
    "isModifier",
]


def compact_profile(definition: Json) -> Json:
    """Return a profile with what checking needs: its snapshot without words."""
    elements = []
    for element in definition["snapshot"]["element"]:
        kept = {
            k: v
            for k, v in element.items()
            if k in KEPT or k.startswith(("fixed", "pattern", "minValue", "maxValue", "maxLength"))
        }
        kept.pop("base", None)
        rules = [
            {k: c[k] for k in ("key", "severity", "human", "expression", "source") if k in c}
            for c in element.get("constraint", ())
            if c["key"] not in GENERAL_RULES and c.get("source", definition["url"]) == definition["url"]
        ]
        kept.pop("constraint", None)
        if rules:
            kept["constraint"] = rules
        elements.append(kept)
    head = ("resourceType", "url", "name", "type", "kind", "derivation", "baseDefinition")
    return {**{k: definition[k] for k in head if k in definition}, "snapshot": {"element": elements}}


def compact_search(parameter: Json) -> list[Any]:
    components = [
        [c["definition"].rsplit("/", 1)[1], c["expression"]] for c in parameter.get("component", ())
    ]
    return [
        parameter["id"],
        parameter["code"],
        parameter["type"],
        parameter["base"],
        parameter.get("expression", ""),
        parameter.get("target", []),
        components,
    ]


def codes(contains: list[Json]) -> Iterator[tuple[str, str, str]]:
    for row in contains:
        if "code" in row and not row.get("abstract"):
            yield row.get("system", ""), row["code"], row.get("display", "")
        yield from codes(row.get("contains", []))


def compact_value_set(value_set: Json) -> Json | None:
    """Return {system: {code: display}}; None where the expansion is an excerpt or foreign."""
    rows = list(codes(value_set.get("expansion", {}).get("contains", [])))
    if not rows or len(rows) > LARGEST_VALUE_SET or any(r[0] in FOREIGN_SYSTEMS for r in rows):
        return None
    if (
        any(e["url"].endswith("toocostly") for e in value_set["expansion"].get("extension", ()))
        or len(rows) == 1000
    ):
        return None
    systems: Json = {}
    for system, code, display in rows:
        systems.setdefault(system, {})[code] = display
    return systems


def bound_value_sets(types: Json) -> dict[str, str]:
    """Return the strongest binding strength by value set."""
    found: dict[str, str] = {}
    for entry in types.values():
        for elements in entry.get("e", {}).values():
            for element in elements:
                if len(element) > 5 and element[5]:
                    strength, url, *maximal = element[5]
                    found[url] = min(
                        found.get(url, "e"), strength, key=lambda s: "rxp".find(s) if s in "rxp" else 9
                    )
                    for other in maximal:
                        found[other] = "r"
    return found


def compact(folder: Path) -> tuple[Json, Json]:
    """Return the definitions and the profiles."""
    rules = Rules()
    types: Json = {}
    search: list[list[Any]] = []
    compartments: Json = {}
    extensions: Json = {}
    profiles: Json = {}
    for resource in resources(archive(folder, PACKAGES[0])):
        match resource["resourceType"]:
            case "StructureDefinition":
                plain = resource.get("derivation") != "constraint" and resource["kind"] != "logical"
                if (
                    plain
                    and resource["url"] == BASE + resource["type"]
                    and resource["type"] != "MetadataResource"
                ):
                    types[resource["type"]] = compact_structure(resource, rules)
                elif resource["type"] == "Extension" and resource["url"].startswith(BASE):
                    extensions[resource["url"].removeprefix(BASE)] = compact_extension(resource)
                elif resource["url"].removeprefix(BASE) in VITAL_SIGNS:
                    profiles[resource["url"]] = compact_profile(resource)
            case "SearchParameter":
                official = resource["url"].startswith("http://hl7.org/fhir/SearchParameter/")
                if official and resource.get("base") and not resource["id"].startswith("example"):
                    search.append(compact_search(resource))
            case "CompartmentDefinition":
                if resource["id"] != "example":
                    compartments[resource["code"]] = {
                        r["code"]: r["param"] for r in resource["resource"] if r.get("param")
                    }
    strengths = bound_value_sets(types)
    value_sets: Json = {}
    for resource in resources(archive(folder, PACKAGES[1])):
        if resource["resourceType"] == "ValueSet" and strengths.get(resource["url"], "o") in ("r", "x", "p"):
            rows = compact_value_set(resource)
            if rows is not None:
                value_sets[resource["url"]] = rows
    missing = sorted(u for u, s in strengths.items() if s == "r" and u not in value_sets)
    print(
        f"{len(types)} types, {len(rules.rows)} invariants, {len(search)} search parameters, {len(value_sets)} value sets"
    )
    print("required value sets without codes:", *missing)
    return {
        "version": "4.0.1",
        "types": dict(sorted(types.items())),
        "invariants": rules.rows,
        "search": sorted(search, key=lambda row: str(row[0])),
        "compartments": dict(sorted(compartments.items())),
        "value_sets": dict(sorted(value_sets.items())),
        "extensions": dict(sorted(extensions.items())),
    }, dict(sorted(profiles.items()))


def packed(content: Json) -> bytes:
    return zstandard.ZstdCompressor(level=22).compress(msgspec.json.encode(content))


def write(folder: Path) -> None:
    for path, content in zip(OUTPUTS.values(), compact(folder), strict=True):
        path.write_bytes(packed(content))
        print(f"{path.name}: {path.stat().st_size} bytes")
    record = {
        "packages": {p: digest(archive(folder, p).read_bytes()) for p in PACKAGES},
        "licence": "CC0-1.0",
        "tool": digest(Path(__file__).read_bytes()),
        **{name: digest(path.read_bytes()) for name, path in OUTPUTS.items()},
    }
    RECORD.write_text(json.dumps(record, indent=2) + "\n", "utf-8")


def check() -> bool:
    """Return whether the data file is the one that this very tool wrote."""
    record = json.loads(RECORD.read_text("utf-8"))
    stale = [
        name
        for name, path in {"tool": Path(__file__), **OUTPUTS}.items()
        if record[name] != digest(path.read_bytes())
    ]
    print(
        "definitions are fresh"
        if not stale
        else f"stale ({', '.join(stale)}): run tools/compact_definitions.py"
    )
    return not stale


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--from", dest="folder", type=Path)
    options = parser.parse_args()
    if options.check:
        return 0 if check() else 1
    if options.folder:
        write(options.folder)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        fetch(Path(folder))
        write(Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
