"""Scales and forms filled in for a resident: scores, levels, signatures, QuestionnaireResponse and Observation, print."""

from kangshu.questionnaires.answers import read_answers, sent_answers
from kangshu.questionnaires.printing import blank_form, filled_form
from kangshu.questionnaires.questionnaires import Filled, Questionnaires, Signature
from kangshu.questionnaires.resources import questionnaire_resource
from kangshu.questionnaires.scoring import (
    FoundLevel,
    Outcome,
    expressions,
    parameters_asked,
    points_of,
    reckon,
)

__all__ = [
    "Filled",
    "FoundLevel",
    "Outcome",
    "Questionnaires",
    "Signature",
    "blank_form",
    "expressions",
    "filled_form",
    "parameters_asked",
    "points_of",
    "questionnaire_resource",
    "read_answers",
    "reckon",
    "sent_answers",
]
