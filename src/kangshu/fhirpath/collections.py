"""Functions over collections. Source: http://hl7.org/fhirpath/N1/#existence ff."""

from __future__ import annotations

from functools import cmp_to_key

from kangshu.fhir import definitions
from kangshu.fhirpath.compare import distinct, items_order, key
from kangshu.fhirpath.context import Context, Run, Step, truth
from kangshu.fhirpath.faults import FhirPathFault
from kangshu.fhirpath.operators import single
from kangshu.fhirpath.registry import each, lazy, plain, special
from kangshu.fhirpath.tree import Tree, Unary
from kangshu.fhirpath.values import Item, Items, Node, is_known_type, is_of, system


def whole_number(items: Items, what: str) -> int | None:
    """Return the one integer of a collection; None for an empty one."""
    value = single(items, what)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise FhirPathFault(f"{what} takes a whole number", zh=f"{what} 需要整数")
    return value


@plain("empty")
def empty(context: Context, items: Items) -> Items:
    return [not items]


@plain("count")
def count(context: Context, items: Items) -> Items:
    return [len(items)]


@lazy("exists", 0, 1)
def exists(context: Context, items: Items, criteria: Run | None = None) -> Items:
    if criteria is None:
        return [bool(items)]
    outer = context.index
    found = False
    for context.index, item in enumerate(items):
        context.spend(1)
        if truth(criteria(context, [item]), "exists"):
            found = True
            break
    context.index = outer
    return [found]


@lazy("all", 1)
def all_(context: Context, items: Items, criteria: Run) -> Items:
    return [all(truth(found, "all") for found in each(context, items, criteria))]


def _booleans(items: Items, what: str) -> list[bool]:
    values = [system(item) for item in items]
    if not all(isinstance(value, bool) for value in values):
        raise FhirPathFault(f"{what} takes booleans", zh=f"{what} 只接受布尔值")
    return [value is True for value in values]


@plain("allTrue")
def all_true(context: Context, items: Items) -> Items:
    return [all(_booleans(items, "allTrue"))]


@plain("anyTrue")
def any_true(context: Context, items: Items) -> Items:
    return [any(_booleans(items, "anyTrue"))]


@plain("allFalse")
def all_false(context: Context, items: Items) -> Items:
    return [not any(_booleans(items, "allFalse"))]


@plain("anyFalse")
def any_false(context: Context, items: Items) -> Items:
    return [not all(_booleans(items, "anyFalse"))]


@plain("not")
def not_(context: Context, items: Items) -> Items:
    answer = truth(items, "not")
    return [] if answer is None else [not answer]


@plain("subsetOf", 1)
def subset_of(context: Context, items: Items, other: Items) -> Items:
    context.spend(len(items) + len(other))
    return [{key(item) for item in items} <= {key(item) for item in other}]


@plain("supersetOf", 1)
def superset_of(context: Context, items: Items, other: Items) -> Items:
    context.spend(len(items) + len(other))
    return [{key(item) for item in items} >= {key(item) for item in other}]


@plain("distinct")
def distinct_(context: Context, items: Items) -> Items:
    context.spend(len(items))
    return distinct(items)


@plain("isDistinct")
def is_distinct(context: Context, items: Items) -> Items:
    context.spend(len(items))
    return [len(distinct(items)) == len(items)]


@lazy("where", 1)
def where(context: Context, items: Items, criteria: Run) -> Items:
    found = each(context, items, criteria)
    return [item for item, answer in zip(items, found, strict=True) if truth(answer, "where")]


@lazy("select", 1)
def select(context: Context, items: Items, projection: Run) -> Items:
    return [item for found in each(context, items, projection) for item in found]


@lazy("repeat", 1)
def repeat(context: Context, items: Items, projection: Run) -> Items:
    found: Items = []
    seen = set()
    waiting = items
    while waiting:
        fresh: Items = []
        for made in each(context, waiting, projection):
            for item in made:
                mark = key(item)
                if mark not in seen:
                    seen.add(mark)
                    fresh.append(item)
        found += fresh
        waiting = fresh
    return found


@lazy("repeatAll", 1)
def repeat_all(context: Context, items: Items, projection: Run) -> Items:
    found: Items = []
    waiting = items
    while waiting:
        waiting = [item for made in each(context, waiting, projection) for item in made]
        found += waiting
        context.spend(len(waiting))
    return found


@plain("single")
def single_(context: Context, items: Items) -> Items:
    if len(items) > 1:
        raise FhirPathFault("single() met more than one item", zh="single() 遇到多个值")
    return items


@plain("first")
def first(context: Context, items: Items) -> Items:
    return items[:1]


@plain("last")
def last(context: Context, items: Items) -> Items:
    return items[-1:]


@plain("tail")
def tail(context: Context, items: Items) -> Items:
    return items[1:]


@plain("skip", 1)
def skip(context: Context, items: Items, number: Items) -> Items:
    amount = whole_number(number, "skip")
    return items if amount is None else items[max(amount, 0) :]


@plain("take", 1)
def take(context: Context, items: Items, number: Items) -> Items:
    amount = whole_number(number, "take")
    return [] if amount is None or amount <= 0 else items[:amount]


@plain("intersect", 1)
def intersect(context: Context, items: Items, other: Items) -> Items:
    context.spend(len(items) + len(other))
    wanted = {key(item) for item in other}
    return distinct([item for item in items if key(item) in wanted])


@plain("exclude", 1)
def exclude(context: Context, items: Items, other: Items) -> Items:
    context.spend(len(items) + len(other))
    unwanted = {key(item) for item in other}
    return [item for item in items if key(item) not in unwanted]


@plain("union", 1)
def union(context: Context, items: Items, other: Items) -> Items:
    context.spend(len(items) + len(other))
    return distinct(items + other)


@plain("combine", 1, 2)
def combine(context: Context, items: Items, other: Items, keep_order: Items | None = None) -> Items:
    context.spend(len(items) + len(other))
    return items + other


@lazy("iif", 2, 3)
def iif(context: Context, items: Items, criterion: Run, then: Run, otherwise: Run | None = None) -> Items:
    if len(items) > 1:
        raise FhirPathFault("iif() takes one item or none", zh="iif() 只接受一个值或空")
    answer = criterion(context, items)
    if answer and not isinstance(system(answer[0]), bool):
        raise FhirPathFault("the criterion of iif() is no boolean", zh="iif() 的条件不是布尔值")
    if truth(answer, "iif"):
        return then(context, items)
    return otherwise(context, items) if otherwise else []


@lazy("aggregate", 1, 2)
def aggregate(context: Context, items: Items, aggregator: Run, initial: Run | None = None) -> Items:
    outer, outer_index = context.total, context.index
    total: Items = initial(context, items[:1]) if initial else []
    for context.index, item in enumerate(items):
        context.spend(1 + len(total))
        context.total = total
        total = aggregator(context, [item])
    context.total, context.index = outer, outer_index
    return total


@lazy("coalesce", 1, 20)
def coalesce(context: Context, items: Items, *choices: Run) -> Items:
    for choice in choices:
        found = choice(context, items)
        if found:
            return found
    return []


@lazy("trace", 1, 2)
def trace(context: Context, items: Items, name: Run, projection: Run | None = None) -> Items:
    """Traced values would be personal data in a log: the input passes unseen."""
    return items


@special("sort", 0, 9)
def sort(arguments: tuple[Run, ...], trees: tuple[Tree, ...]) -> Step:
    from kangshu.fhirpath.compiler import compile_tree  # the table of functions is built before the compiler

    keys = [
        (compile_tree(tree.operand), -1) if isinstance(tree, Unary) and tree.sign == "-" else (run, 1)
        for run, tree in zip(arguments, trees, strict=True)
    ]

    def run(context: Context, items: Items, this: Items) -> Items:
        rows: list[tuple[Item, list[Items]]] = []
        columns = [each(context, items, key_run) for key_run, _ in keys] or [[[item] for item in items]]
        for at, item in enumerate(items):
            rows.append((item, [column[at] for column in columns]))
        signs = [sign for _, sign in keys] or [1]

        def compared(left: tuple[Item, list[Items]], right: tuple[Item, list[Items]]) -> int:
            context.spend(1)
            for one, two, sign in zip(left[1], right[1], signs, strict=True):
                if not one or not two:  # what has no value comes first, in either direction
                    answer = bool(one) - bool(two)
                else:
                    answer = (items_order(system(one[0]), system(two[0])) or 0) * sign
                if answer:
                    return answer
            return 0

        return [row[0] for row in sorted(rows, key=cmp_to_key(compared))]

    return run


def type_argument(trees: tuple[Tree, ...]) -> str:
    """Return the type that an argument such as `Quantity` or `FHIR.Patient` names."""
    from kangshu.fhirpath.tree import Dot, Name

    tree = trees[0]
    parts: list[str] = []
    while isinstance(tree, Dot) and isinstance(tree.step, Name):
        parts.append(tree.step.text)
        tree = tree.source
    if not isinstance(tree, Name):
        raise FhirPathFault("a type is expected as argument", zh="参数应为类型名")
    name = ".".join(reversed([*parts, tree.text]))
    return checked_type(name)


def checked_type(name: str) -> str:
    """Return `name`. Raises FhirPathFault where no such type is known."""
    if not is_known_type(name):
        raise FhirPathFault(f"there is no type {name}", zh=f"不存在类型 {name}")
    return name


@special("ofType", 1, 1)
def of_type(arguments: tuple[Run, ...], trees: tuple[Tree, ...]) -> Step:
    name = type_argument(trees)
    return lambda context, items, this: narrowed(items, name)


@special("is", 1, 1)
def is_(arguments: tuple[Run, ...], trees: tuple[Tree, ...]) -> Step:
    name = type_argument(trees)
    return lambda context, items, this: type_test(items, name)


@special("as", 1, 1)
def as_(arguments: tuple[Run, ...], trees: tuple[Tree, ...]) -> Step:
    name = type_argument(trees)

    def run(context: Context, items: Items, this: Items) -> Items:
        if len(items) > 1:
            raise FhirPathFault(
                "as() takes one item; ofType() filters several", zh="as() 只接受一个值, 多个值请用 ofType()"
            )
        return narrowed(items, name)

    return run


def narrowed(items: Items, name: str) -> Items:
    """Return the items of a type. A primitive must have just this type: a code is no string here, though it `is` one."""
    last = name.rpartition(".")[2]
    if definitions().kind(last) == "primitive":
        return [item for item in items if isinstance(item, Node) and item.type == last and is_of(item, name)]
    return [item for item in items if is_of(item, name)]


def type_test(items: Items, name: str) -> Items:
    """Return whether the one item is of the type; empty for none."""
    if len(items) > 1:
        raise FhirPathFault("is takes one item", zh="is 只接受一个值")
    return [is_of(items[0], name)] if items else []
