"""What stands in a collection: FHIR elements as nodes, and System values as Python ones."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, TypeAlias

from kangshu.fhir import definitions
from kangshu.fhirpath.quantities import CALENDAR_WORDS, Quantity
from kangshu.fhirpath.temporal import Temporal, TemporalKind

TEMPORAL_TYPES: Final[dict[str, TemporalKind]] = {
    "date": "date", "dateTime": "dateTime", "instant": "dateTime", "time": "time",
}  # fmt: skip
_UCUM: Final = "http://unitsofmeasure.org"
QUANTITY_TYPES: Final = frozenset(
    {"Quantity", "Age", "Count", "Distance", "Duration", "SimpleQuantity", "MoneyQuantity"}
)


class Node:
    """One FHIR element: its JSON value, its type, a primitive's `_sibling`, and where it hangs."""

    __slots__ = ("extra", "index", "key", "parent", "type", "value")

    def __init__(
        self,
        value: Any,
        type: str,
        extra: dict[str, Any] | None = None,
        parent: Node | None = None,
        key: str = "",
        index: int = -1,
    ) -> None:
        self.value = value
        self.type = type
        self.extra = extra
        self.parent = parent
        self.key = key
        self.index = index

    def __repr__(self) -> str:
        return f"Node({self.type})"


System: TypeAlias = bool | int | Decimal | str | Temporal | Quantity
Item: TypeAlias = Node | System
Items: TypeAlias = list[Item]


def resource_node(
    resource: dict[str, Any], parent: Node | None = None, key: str = "", index: int = -1
) -> Node:
    """Return the node of a whole resource."""
    return Node(resource, resource.get("resourceType", ""), None, parent, key, index)


def system(item: Item) -> Item:
    """Return the System value of a primitive or Quantity node; anything else as it is."""
    if item.__class__ is not Node:
        return item
    node: Node = item
    value = node.value
    kind = TEMPORAL_TYPES.get(node.type)
    if kind is not None and isinstance(value, str):
        read = Temporal.read(value, kind)
        return value if read is None else read
    if value.__class__ is dict:
        return _quantity(node) if node.type in QUANTITY_TYPES else node
    if node.type == "decimal" and value.__class__ is int:
        return Decimal(value)
    if value is None or value.__class__ is list:
        return node
    plain: System = value
    return plain


def _quantity(node: Node) -> Item:
    value = node.value.get("value")
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or node.value.get("comparator"):
        return node
    return Quantity(Decimal(value), unit_of(node.value))


def unit_of(quantity: dict[str, Any]) -> str:
    """Return the unit of a FHIR Quantity: its UCUM code, else its printed unit, else `1`."""
    code, unit = quantity.get("code"), quantity.get("unit")
    if code and quantity.get("system") == _UCUM:
        return str(code)
    return str(code or unit or "1")


def type_name(item: Item) -> tuple[str, str]:
    """Return (namespace, name) of an item's type."""
    if isinstance(item, Node):
        if item.type.startswith("System."):
            return "System", item.type[7:]
        return "FHIR", "BackboneElement" if "." in item.type else item.type
    if isinstance(item, bool):
        return "System", "Boolean"
    if isinstance(item, int):
        return "System", "Integer"
    if isinstance(item, Decimal):
        return "System", "Decimal"
    if isinstance(item, str):
        return "System", "String"
    if isinstance(item, Quantity):
        return "System", "Quantity"
    return "System", item.kind[0].upper() + item.kind[1:]


_SYSTEM_NAMES: Final = frozenset(
    {"Boolean", "String", "Integer", "Long", "Decimal", "Date", "DateTime", "Time", "Quantity", "Any"}
)


def is_known_type(name: str) -> bool:
    """Return whether `name`, as written in an expression, names a type."""
    space, _, last = name.rpartition(".")
    if space == "System":
        return True
    return definitions().knows(last) or (not space and last in _SYSTEM_NAMES)


def is_of(item: Item, name: str) -> bool:
    """Return whether `item` has the type `name`, which may be qualified (`FHIR.Patient`, `System.String`)."""
    space, _, last = name.rpartition(".")
    if isinstance(item, Node):
        if item.type.startswith("System."):
            return space != "FHIR" and item.type[7:] == last
        return space in ("", "FHIR") and (item.type == last or definitions().is_a(item.type, last))
    return space in ("", "System") and (type_name(item)[1] == last or last == "Any")


def as_json(item: Item) -> Any:
    """Return an item as JSON can say it: temporal values as lexemes, quantities as Quantity objects."""
    if isinstance(item, Node):
        return item.value
    if isinstance(item, Temporal):
        return str(item)
    if isinstance(item, Quantity):
        if item.calendar:
            return {"value": item.value, "unit": item.unit}
        return {"value": item.value, "unit": item.unit, "system": _UCUM, "code": item.unit}
    return item


def read_quantity(text: str) -> Quantity | None:
    """Return the quantity that `5.4 'mg'`, `2 days` or `7` stands for; None for other texts."""
    number, _, rest = text.strip().partition(" ")
    rest = rest.strip()
    if "'" in number:
        number, _, rest = number.partition("'")
        rest = "'" + rest
    try:
        value = Decimal(number)
    except ArithmeticError:
        return None
    if not number.lstrip("+-")[:1].isdigit() or not value.is_finite() or len(number) > 60:
        return None
    if not rest:
        return Quantity(value, "1")
    if len(rest) > 2 and rest[0] == rest[-1] == "'":
        return Quantity(value, rest[1:-1])
    if rest in CALENDAR_WORDS:
        return Quantity(value, CALENDAR_WORDS[rest], calendar=True)
    return None
