"""`validate`: a resource against R4, and against a profile where one is named."""

from __future__ import annotations

from typing import Any, Final

from kangshu.base.faults import Issue, NotFound
from kangshu.fhir import Resource, definitions
from kangshu.fhirpath import Node, compile
from kangshu.validate.conformance import check_profile
from kangshu.validate.findings import Findings
from kangshu.validate.invariants import faults_of
from kangshu.validate.profiles import Profile, compile_profile, profiles
from kangshu.validate.structure import Walk

_CORE: Final = "http://hl7.org/fhir/StructureDefinition/"
VITAL_SIGNS: Final = {
    "85353-1": "vitalspanel", "9279-1": "resprate", "8867-4": "heartrate", "2708-6": "oxygensat", "8310-5": "bodytemp",
    "8302-2": "bodyheight", "9843-4": "headcircum", "29463-7": "bodyweight", "39156-5": "bmi", "85354-9": "bp",
}  # fmt: skip
"""LOINC code to profile. Source: https://hl7.org/fhir/R4/observation-vitalsigns.html"""


def validate(resource: Any, profile: str | Resource | None = None) -> tuple[Issue, ...]:
    """Return everything that is wrong or doubtful about `resource`; errors mean that it may not be stored.

    Checked are elements, cardinality, types, lexical forms, choice types, references' targets, required and
    extensible bindings whose codes ship, contained resources, narratives, extensions' form, and R4's invariants;
    then the profiles that the resource claims and this installation knows, that of its vital sign, and `profile`
    (a canonical, or a StructureDefinition).

    Raises:
        NotFound: the canonical in `profile` is not known. Malformed: the StructureDefinition is no profile.
    """
    findings = Findings()
    if not isinstance(resource, dict):
        return (Issue("fatal", "structure", "a resource is a JSON object", (), "资源必须是 JSON 对象"),)
    node = Node(resource, str(resource.get("resourceType", "")))
    Walk(findings).resource(node)
    if definitions().is_resource(node.type):
        for found in _profiles_for(resource, profile, findings):
            check_profile(found, node, findings)
    return findings.closed()


def conforms(resource: Resource, profile: str) -> bool:
    """Return whether a resource has no error against a known profile: the door for FHIRPath's conformsTo().

    Raises:
        NotFound: the profile is not known.
    """
    return not faults_of(validate(resource, profile))


def _profiles_for(resource: Resource, profile: str | Resource | None, findings: Findings) -> list[Profile]:
    wanted = [*_claimed(resource), *_vital_signs(resource)]
    found = {url: known for url in wanted if (known := profiles().find(url)) is not None}
    for url in _claimed(resource):
        if url.partition("|")[0] not in found and not url.startswith(_CORE):
            findings.add(
                "information", "not-found", f"{resource['resourceType']}.meta.profile",
                f"the profile {url[:200]} is not known here and was not checked", f"规范 {url[:200]} 未收录, 未作检查",
            )  # fmt: skip
    chosen = list(found.values())
    if isinstance(profile, str):
        named = profiles().find(profile)
        if named is None and profile != f"{_CORE}{resource['resourceType']}":
            raise NotFound(f"the profile {profile[:200]} is not known", zh=f"未知的规范 {profile[:200]}")
        if named is not None and named not in chosen:
            chosen.append(named)
    elif profile is not None:
        chosen.append(compile_profile(profile))
    return chosen


def _claimed(resource: Resource) -> list[str]:
    meta = resource.get("meta")
    claimed = meta.get("profile") if isinstance(meta, dict) else None
    return (
        [url.partition("|")[0] for url in claimed if isinstance(url, str)]
        if isinstance(claimed, list)
        else []
    )


def _vital_signs(resource: Resource) -> list[str]:
    """R4 holds every Observation of the category vital-signs to a profile, by its LOINC code."""
    if resource.get("resourceType") != "Observation":
        return []
    expression = "Observation.category.coding.where(code = 'vital-signs').exists()"
    if compile(expression).first(resource) is not True:
        return []
    codes = compile("Observation.code.coding.where(system = 'http://loinc.org').code").evaluate(resource)
    return [f"{_CORE}{VITAL_SIGNS[code]}" for code in codes if code in VITAL_SIGNS] or [f"{_CORE}vitalsigns"]
