"""Cases (办件): state machines over Task, deadlines, worklists, numbering (文号), notices."""

from kangshu.cases.calculating import KeptCalculation, calculation_rows
from kangshu.cases.checklists import Ticked
from kangshu.cases.deadlines import Terms, Urgency, day_end
from kangshu.cases.desks import Card, CardLine, DeskRow, Desks, FilledSection
from kangshu.cases.drawing import check_draw
from kangshu.cases.draws import Draw
from kangshu.cases.effects import all_fields, check_effects, opened_kinds
from kangshu.cases.engine import Cases
from kangshu.cases.lots import DRAW
from kangshu.cases.offering import Offer
from kangshu.cases.one_time_codes import MINUTES, TRIES, OneTimeCode
from kangshu.cases.parties import SIGNAL, is_word, may_start
from kangshu.cases.publishing import OBJECTIONS, NoticeField, PublicNotice
from kangshu.cases.records import RECORDS
from kangshu.cases.rosters import DUTY_POST, Gap, Rosters, Shift, gaps
from kangshu.cases.running import CHILDREN, DOCUMENT_OUTLET
from kangshu.cases.signalling import SIGNAL_EVENT, Signals, Taken
from kangshu.cases.substitution import names_in, substitute
from kangshu.cases.surroundings import NAMES, parameters_in
from kangshu.cases.tasks import (
    CASE_KEY,
    CASE_NUMBER,
    OWNED_ELEMENTS,
    CaseEvent,
    deadline_of,
    events,
    inputs,
    kind_of,
    marks_of,
    number_of,
    organisation_of,
    outputs,
    state_of,
    urged_of,
)
from kangshu.cases.under_way import BookingRoom, Outlet
from kangshu.cases.worklist import BOXES, Box, CaseRow, Notice

PARAMETERS = (OBJECTIONS, MINUTES, TRIES)
"""The figures that this room asks for."""
GIVEN_NAMES = frozenset({*NAMES, "form", "children", "source", "organisation", "resource", "context", "ucum"})
"""What expressions over a case may name that no declaration of records may take for itself."""

__all__ = [
    "BOXES",
    "CASE_KEY",
    "CASE_NUMBER",
    "CHILDREN",
    "DOCUMENT_OUTLET",
    "DRAW",
    "DUTY_POST",
    "GIVEN_NAMES",
    "OBJECTIONS",
    "OWNED_ELEMENTS",
    "PARAMETERS",
    "RECORDS",
    "SIGNAL",
    "SIGNAL_EVENT",
    "BookingRoom",
    "Box",
    "Card",
    "CardLine",
    "CaseEvent",
    "CaseRow",
    "Cases",
    "DeskRow",
    "Desks",
    "Draw",
    "FilledSection",
    "Gap",
    "KeptCalculation",
    "Notice",
    "NoticeField",
    "Offer",
    "OneTimeCode",
    "Outlet",
    "PublicNotice",
    "Rosters",
    "Shift",
    "Signals",
    "Taken",
    "Terms",
    "Ticked",
    "Urgency",
    "all_fields",
    "calculation_rows",
    "check_draw",
    "check_effects",
    "day_end",
    "deadline_of",
    "events",
    "gaps",
    "inputs",
    "is_word",
    "kind_of",
    "marks_of",
    "may_start",
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
