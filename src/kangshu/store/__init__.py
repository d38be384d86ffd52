"""PostgreSQL: versions, indexes, search SQL, transactions, change feed, queue, audit, bulk load.

Store.open ─ read · search · create · update · bundle · transaction · feed · queue · audit, each under a Grant
"""

from kangshu.store.auditing import AuditRow, audit_row
from kangshu.store.bundles import outcome_of, status_of
from kangshu.store.embedded import EmbeddedPostgres
from kangshu.store.files import LoadProblem, LoadReport
from kangshu.store.records import Change, Job, Page, Stored, Written
from kangshu.store.scopes import scope_of
from kangshu.store.store import Store
from kangshu.store.transaction import Transaction, new_id
from kangshu.store.unique import UniqueRule

__all__ = [
    "AuditRow",
    "Change",
    "EmbeddedPostgres",
    "Job",
    "LoadProblem",
    "LoadReport",
    "Page",
    "Store",
    "Stored",
    "Transaction",
    "UniqueRule",
    "Written",
    "audit_row",
    "new_id",
    "outcome_of",
    "scope_of",
    "status_of",
]
