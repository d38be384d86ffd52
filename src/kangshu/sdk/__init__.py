"""The frozen types a service folder is written in: all that a service may import."""

from kangshu.base.text import Text
from kangshu.sdk.declarations import (
    CaseDeclaration,
    CheckQuery,
    Column,
    Deadline,
    Dimension,
    Field,
    MeasureDeclaration,
    Move,
    Option,
    ParameterDeclaration,
    RegisterDeclaration,
    Resource,
    Service,
    State,
    ViewDeclaration,
)

__all__ = [
    "CaseDeclaration",
    "CheckQuery",
    "Column",
    "Deadline",
    "Dimension",
    "Field",
    "MeasureDeclaration",
    "Move",
    "Option",
    "ParameterDeclaration",
    "RegisterDeclaration",
    "Resource",
    "Service",
    "State",
    "Text",
    "ViewDeclaration",
]
