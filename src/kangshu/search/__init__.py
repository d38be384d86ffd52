"""Search parameters → `Query` → passes; and `extract`, the index entries of a resource.

pairs ── parse_query ──▶ Query (frozen tree, model.py) ── store: SQL under the grant ──▶ rows
resource ── extract ──▶ Entries (rows by kind) ── store: index tables
"""

from kangshu.search.convert import FIRST, LAST
from kangshu.search.entries import Entries
from kangshu.search.extract import extract
from kangshu.search.folding import TEXT_HEAD, after, fold, shorten
from kangshu.search.matching import matches
from kangshu.search.model import (
    ChainClause,
    Clause,
    Component,
    CompositeClause,
    CompositeSource,
    DateValue,
    DistrictClause,
    HasClause,
    IdClause,
    Include,
    Kind,
    MissingClause,
    NumberValue,
    QuantityValue,
    Query,
    ReferenceValue,
    Sort,
    Source,
    StringValue,
    TokenValue,
    UpdatedClause,
    UriValue,
    Value,
    ValueClause,
)
from kangshu.search.parameters import OURS, RECORD, Composite, Parameter, TypeParameters, parameters_of
from kangshu.search.parse import LARGEST_PAGE, parse_criteria, parse_query
from kangshu.search.sounds import name_sounds

__all__ = [
    "FIRST",
    "LARGEST_PAGE",
    "LAST",
    "OURS",
    "RECORD",
    "TEXT_HEAD",
    "ChainClause",
    "Clause",
    "Component",
    "Composite",
    "CompositeClause",
    "CompositeSource",
    "DateValue",
    "DistrictClause",
    "Entries",
    "HasClause",
    "IdClause",
    "Include",
    "Kind",
    "MissingClause",
    "NumberValue",
    "Parameter",
    "QuantityValue",
    "Query",
    "ReferenceValue",
    "Sort",
    "Source",
    "StringValue",
    "TokenValue",
    "TypeParameters",
    "UpdatedClause",
    "UriValue",
    "Value",
    "ValueClause",
    "after",
    "extract",
    "fold",
    "matches",
    "name_sounds",
    "parameters_of",
    "parse_criteria",
    "parse_query",
    "shorten",
]
