"""Code systems and value sets: membership, expansion, display."""

from kangshu.terminology.code_systems import EXPANSION_LIMIT, Concept, Terminology, terminology

__all__ = ["EXPANSION_LIMIT", "Concept", "Terminology", "terminology"]
