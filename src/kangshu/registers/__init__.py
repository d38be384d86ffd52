"""Registers (台账): lists, forms, Excel in and out, generated from their declarations."""

from kangshu.registers.attachments import MEDIA, PARAMETERS, AttachedFile, Attachments
from kangshu.registers.batch import BatchReport, BatchRow
from kangshu.registers.changes import FieldChange
from kangshu.registers.differences import Difference, RecordChange
from kangshu.registers.filling import BLANK, Names, filled, item_names, sheet_blocks
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
from kangshu.registers.names import candidates, name_of, names_of, text_of
from kangshu.registers.paths import fhirpath_of, parse_path, read_path, write_path
from kangshu.registers.prints import DETAILS, OF_RECORDS, Prints, details_of
from kangshu.registers.questionnaire import questionnaire
from kangshu.registers.registers import BATCH_MOST, RegisterPage, RegisterRecord, Registers, SectionRows
from kangshu.registers.reminding import OF_REGISTER, Reminders
from kangshu.registers.rows import RegisterRow, display
from kangshu.registers.sections import DueDay
from kangshu.registers.sheets import error_sheet, fields_template, read_sheet

__all__ = [
    "BATCH_MOST",
    "BLANK",
    "DETAILS",
    "MEDIA",
    "OF_RECORDS",
    "OF_REGISTER",
    "PARAMETERS",
    "REFERENCE_TYPES",
    "AttachedFile",
    "Attachments",
    "BatchReport",
    "BatchRow",
    "Difference",
    "DueDay",
    "FieldChange",
    "ImportReport",
    "Names",
    "Prints",
    "RecordChange",
    "RegisterPage",
    "RegisterRecord",
    "RegisterRow",
    "Registers",
    "Reminders",
    "RowError",
    "SectionRows",
    "candidates",
    "check_values",
    "details_of",
    "display",
    "error_sheet",
    "fhirpath_of",
    "fields_template",
    "filled",
    "into_element",
    "is_empty",
    "item_names",
    "name_of",
    "names_of",
    "parse_path",
    "points",
    "questionnaire",
    "read_path",
    "read_sheet",
    "read_values",
    "sheet_blocks",
    "text_of",
    "with_held_rows",
    "write_path",
    "write_values",
]
