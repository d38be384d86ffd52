"""Registers (台账): lists, forms, Excel in and out, generated from their declarations."""

from kangshu.registers.attachments import MEDIA, PARAMETERS, AttachedFile, Attachments
from kangshu.registers.changes import FieldChange
from kangshu.registers.forms import (
    REFERENCE_TYPES,
    check_values,
    into_element,
    is_empty,
    points,
    read_values,
    with_held_rows,
    write_values,
)
from kangshu.registers.importing import ImportReport, RowError
from kangshu.registers.names import candidates, name_of, names_of
from kangshu.registers.paths import fhirpath_of, parse_path, read_path, write_path
from kangshu.registers.questionnaire import questionnaire
from kangshu.registers.registers import RegisterPage, RegisterRecord, Registers, SectionRows
from kangshu.registers.rows import RegisterRow, display
from kangshu.registers.sections import DueDay

__all__ = [
    "MEDIA",
    "PARAMETERS",
    "REFERENCE_TYPES",
    "AttachedFile",
    "Attachments",
    "DueDay",
    "FieldChange",
    "ImportReport",
    "RegisterPage",
    "RegisterRecord",
    "RegisterRow",
    "Registers",
    "RowError",
    "SectionRows",
    "candidates",
    "check_values",
    "display",
    "fhirpath_of",
    "into_element",
    "is_empty",
    "name_of",
    "names_of",
    "parse_path",
    "points",
    "questionnaire",
    "read_path",
    "read_values",
    "with_held_rows",
    "write_path",
    "write_values",
]
