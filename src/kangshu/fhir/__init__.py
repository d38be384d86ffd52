"""R4 as data and as text: JSON that keeps number lexemes, definitions, partial dates, references, JSON Patch."""

from kangshu.fhir.dates import date_range
from kangshu.fhir.definitions import Definitions, alternatives, core_profiles, definitions
from kangshu.fhir.json_patch import json_patch
from kangshu.fhir.model import (
    DEPTH_LIMIT,
    Resource,
    check_depth,
    check_values,
    decode,
    parse,
    parse_value,
    render,
)
from kangshu.fhir.narrative import narrative_findings, narrative_has_content
from kangshu.fhir.references import Reference, reference, rewrite_references, split_reference, walk_references
from kangshu.fhir.structures import (
    Binding,
    Child,
    Component,
    Element,
    ElementType,
    ExtensionDefinition,
    Invariant,
    Kind,
    SearchKind,
    SearchParameter,
)  # fmt: skip

__all__ = [
    "DEPTH_LIMIT",
    "Binding",
    "Child",
    "Component",
    "Definitions",
    "Element",
    "ElementType",
    "ExtensionDefinition",
    "Invariant",
    "Kind",
    "Reference",
    "Resource",
    "SearchKind",
    "SearchParameter",
    "alternatives",
    "check_depth",
    "check_values",
    "core_profiles",
    "date_range",
    "decode",
    "definitions",
    "json_patch",
    "narrative_findings",
    "narrative_has_content",
    "parse",
    "parse_value",
    "reference",
    "render",
    "rewrite_references",
    "split_reference",
    "walk_references",
]
