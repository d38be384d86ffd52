"""PostgreSQL: versions, indexes, search SQL, transactions, change feed, queue, audit, bulk load.

Store.open ─ read · search · create · update · bundle · transaction · feed · queue · audit, each under a Grant
"""

from kangshu.store.anchor_places import AnchorPlaces, AnchorsRead, AnchorWritten
from kangshu.store.anchors import Anchor, PublicKey
from kangshu.store.audit_checking import Break, ChainReport
from kangshu.store.audit_limits import (
    ANCHOR_MINUTES,
    AUDIT_PARAMETERS,
    MANY_EXPORTS,
    MANY_RESIDENTS,
    NIGHT_BEGIN,
    NIGHT_END,
    REFUSED_SERIES,
    audit_limit,
)
from kangshu.store.audit_search import AuditQuery, Burst, Bursts
from kangshu.store.auditing import EMERGENCY, AuditRow, audit_row
from kangshu.store.bodies import new_id
from kangshu.store.bundles import outcome_of, status_of
from kangshu.store.capacity import CapacityRule
from kangshu.store.care import OpenCare
from kangshu.store.embedded import EmbeddedPostgres
from kangshu.store.extracts import ExtractRecord, NewExtract, oversees
from kangshu.store.files import LoadProblem, LoadReport
from kangshu.store.guards import FROZEN_NUMBER, FROZEN_TAG, LABELLING, OFFICIAL, PUBLICATION_NUMBER
from kangshu.store.records import Change, Job, Page, Stored, Written
from kangshu.store.scopes import scope_of
from kangshu.store.store import Store
from kangshu.store.together import create_all, hold_places
from kangshu.store.transaction import Transaction
from kangshu.store.unique import UniqueRule

__all__ = [
    "ANCHOR_MINUTES",
    "AUDIT_PARAMETERS",
    "EMERGENCY",
    "FROZEN_NUMBER",
    "FROZEN_TAG",
    "LABELLING",
    "MANY_EXPORTS",
    "MANY_RESIDENTS",
    "NIGHT_BEGIN",
    "NIGHT_END",
    "OFFICIAL",
    "PUBLICATION_NUMBER",
    "REFUSED_SERIES",
    "Anchor",
    "AnchorPlaces",
    "AnchorWritten",
    "AnchorsRead",
    "AuditQuery",
    "AuditRow",
    "Break",
    "Burst",
    "Bursts",
    "CapacityRule",
    "ChainReport",
    "Change",
    "EmbeddedPostgres",
    "ExtractRecord",
    "Job",
    "LoadProblem",
    "LoadReport",
    "NewExtract",
    "OpenCare",
    "Page",
    "PublicKey",
    "Store",
    "Stored",
    "Transaction",
    "UniqueRule",
    "Written",
    "audit_limit",
    "audit_row",
    "create_all",
    "hold_places",
    "new_id",
    "outcome_of",
    "oversees",
    "scope_of",
    "status_of",
]
