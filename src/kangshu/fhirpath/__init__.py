"""FHIRPath, compiled to Python closures: typed by R4, exact decimals, three-valued dates, bounded work."""

from kangshu.fhirpath.batch import batch
from kangshu.fhirpath.context import STEP_LIMIT
from kangshu.fhirpath.elements import child_nodes
from kangshu.fhirpath.expression import Expression, compile
from kangshu.fhirpath.faults import BudgetSpent, FhirPathFault
from kangshu.fhirpath.patch import fhirpath_patch
from kangshu.fhirpath.quantities import Quantity, canonical_unit
from kangshu.fhirpath.registry import FUNCTIONS
from kangshu.fhirpath.temporal import Temporal
from kangshu.fhirpath.values import Item, Node, resource_node

__all__ = [
    "FUNCTIONS",
    "STEP_LIMIT",
    "BudgetSpent",
    "Expression",
    "FhirPathFault",
    "Item",
    "Node",
    "Quantity",
    "Temporal",
    "batch",
    "canonical_unit",
    "child_nodes",
    "compile",
    "fhirpath_patch",
    "resource_node",
]
