"""Cases (办件): state machines over Task, deadlines, worklists, numbering (文号), notices."""

from kangshu.cases.checklists import Ticked
from kangshu.cases.deadlines import Terms, Urgency, day_end
from kangshu.cases.drawing import check_draw
from kangshu.cases.draws import Draw
from kangshu.cases.effects import all_fields, check_effects, opened_kinds
from kangshu.cases.engine import Cases
from kangshu.cases.lots import DRAW, draw_content
from kangshu.cases.offering import Offer
from kangshu.cases.parties import is_word
from kangshu.cases.running import CHILDREN, DOCUMENT_OUTLET, Outlet
from kangshu.cases.substitution import names_in, substitute
from kangshu.cases.surroundings import parameters_in
from kangshu.cases.tasks import (
    CASE_KEY,
    CASE_NUMBER,
    OWNED_ELEMENTS,
    CaseEvent,
    deadline_of,
    events,
    inputs,
    kind_of,
    number_of,
    organisation_of,
    outputs,
    state_of,
    urged_of,
)
from kangshu.cases.worklist import BOXES, Box, CaseRow, Notice

__all__ = [
    "BOXES",
    "CASE_KEY",
    "CASE_NUMBER",
    "CHILDREN",
    "DOCUMENT_OUTLET",
    "DRAW",
    "OWNED_ELEMENTS",
    "Box",
    "CaseEvent",
    "CaseRow",
    "Cases",
    "Draw",
    "Notice",
    "Offer",
    "Outlet",
    "Terms",
    "Ticked",
    "Urgency",
    "all_fields",
    "check_draw",
    "check_effects",
    "day_end",
    "deadline_of",
    "draw_content",
    "events",
    "inputs",
    "is_word",
    "kind_of",
    "names_in",
    "number_of",
    "opened_kinds",
    "organisation_of",
    "outputs",
    "parameters_in",
    "state_of",
    "substitute",
    "urged_of",
]
