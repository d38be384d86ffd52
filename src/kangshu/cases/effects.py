"""What a move does besides changing the state, committed with it.

Each effect is a mapping with one of these verbs; `when` (FHIRPath over the Task) makes it conditional:

    set: <path>, value: <template>             an element of the Task (not one that the engine owns)
    clear: <path>                              removes it
    count: <path>                              adds one to an integer element
    label: <code>                              marks the case as sensitive (PSY mental health, …): whose roles lack the label do not
                                               see it, nor what it makes and its notices
    keep: <field>, value: <template>           a value of a form's field that nobody types, such as whether it came in time;
                                               with `find: <FHIRPath>` the first thing that the expression finds
    owner: <template>                          hands the case to another Organization (or a Practitioner)
    requester: <template>                      puts the Organization for which the case was registered in its starter's place
    subject: <template>                        says whom the case is about, where it was not known when it began
    on_duty: <roster>, as: <name>              ${<name>} is who is on duty now, in turn, and ${<name>.unit} for which unit;
                                               nothing when nobody is
    book: <template>, values: …, as: <name>
                                               takes a place of a Slot for whom the case is about, by the rules of its kind of
                                               booking (who may, pool, capacity), and asks the hospital's own system where that
                                               confirms; ${<name>} is the Appointment, ${<name>.start} and the like its elements
    booking: <template>, make: <move>, values: …
                                               makes a move of the Appointment that the case has booked, for whose slot it is;
                                               nothing where it stands in no state for it
    share: <template>, papers: <template>      lets these Organizations see the case and the named papers
    term: <parameter>, unit: <unit>, as: <name>
                                               ${<name>} is the day that lies a dated parameter ahead (working-day, day, month)
    deadline: <template>, field: <id>          ends the deadline on that day; with `field` it is kept as the case's
                                               own date in that field of a form
    create: <template>, as: <name>, focus: …   a resource; this and later moves name it ${<name>} (Task.output);
                                               focus: true links it as the case's focus; with `each` one per row of a table
                                               (${item.<column>}), kept as <name>-1, <name>-2, …
    change: <template>, require: <FHIRPath>, require_text: …, values: {<path>: <template>}
                                               a resource that the case names, under lock; refused unless `require`,
                                               only looked at with `values: {}`;
                                               nothing when the case names none; with `as: <name>` its plain elements
                                               are ${<name>.<element>} from then on, ${<name>.name} what it is called; with `each` once per row of a table
                                               (${item.<column>}), or per record looked up (each: "%beds", ${item.reference})
    notify: [<template>, …], text: {zh, en}    a Communication to organisations (or the resident)
    child: <case>, each: <template>, to: …, values: … starts a case of the same service per organisation of `each` (会签);
                                               with `to` they go there, and ${item} is what `each` gives; with records looked up
                                               (each: "%offers") ${item.reference} and ${item.<column>} of their declaration
    children: <move>                           makes that move on every open child
    open: <case>, to: <template>, values: …, due: {field, parameter, unit}, as: <name>
                                               starts a case of the same service about this one (its `focus`), asked by
                                               this one's requester; without `to` it goes to this one's owner. `due`
                                               puts a day into a date field that lies a dated parameter ahead (unit
                                               working-day, day, month): a follow-up later
    carried: <what>, to: <template>, values: …, as: <name>
                                               opens the case of the kind that `carries` this, of whichever service, about
                                               this one (its `focus`), asked by this one's owner; of the values it gets those
                                               that its form asks for. Who carries a `review` answers by the move `reviewed`,
                                               who carries a `referral` by `referred-back` or, where it came to nothing, `referral-ended`
    on: <template>, make: <move>, each: <template>, where: <FHIRPath over the row>, values: …
                                               makes a move on another case that this one names, by whom it is and under
                                               that case's own rules; with `each` once per row of a table, ${item.<column>}
                                               naming its cells; nothing where the case is in no state for it, refused then
                                               with `must: true`; `make: answer` is the move that answers that case
    duty: <template>, each: <template>, where: …, to: <template>, due: <template>, asked_by: <template>, values: …,
    as: <name>                                 opens a duty of the kind that `carries: duty`, as 交办 does, part of this case:
                                               the text is its content, values what else its form takes; with `each` once
                                               per row (${item.<column>}). Kept as <name>-1, <name>-2, …
    document: <id>, as: <name>                 makes the service's official document of that id from the case as it now
                                               stands and keeps it, never to change; ${<name>} names it
    seal: <type>, criteria: <template>, number: <template>, exclude: [{when: <FHIRPath over a candidate>, text}], as: <name>
                                               seals the candidates of a draw and a secret seed (see `drawing`); `when` may
                                               ask %kept.<field>, a list of the case's values
    draw: <template>, witness: <template>, as: <name>
                                               draws from what was sealed; ${drawn} are the references drawn
    code: <name>                               makes a one-time code anew: whoever makes the move and whoever acts for the
                                               resident reads it on the case's page, nobody else (see `one_time_codes`)
    prove: <name>, by: <template>, as: <field> refuses what was entered unless it is that code, which is used up then;
                                               `as` keeps whether it was proved: nothing entered proves nothing
    next: <template>                           ${drawn} is the first in reserve of a draw to whom no child case has gone
    reckon: <field>, how: weighted-mean | mean | spread, of: <table>, value: <column>, weight: <column>
                                               a figure over the rows of a table, or of the finished child cases of a
                                               kind (children:<case>), to two places; kept in the field
    calculate: <calculation>, as: <field>, also: {<field>: <step>}
                                               works out the service's calculation of that id; the result stays in the field
                                               (steps in fields too, as `also` says), the whole trace for good (Task.output calculation-<id>); refused, naming
                                               what, where something is missing or a figure may not be
    gather: <table>, of: "%<records>"          fills a table with a row per record that the case looks up: the columns are
                                               those of the declared records, with what stands beside them (花名册)
    hand: <outlet>                             hands the case to the platform's room that takes this in, such as
                                               `reported-values`; what the room writes commits with the move

Templates hold ${name}: a field of the form, a kept field, a created resource, or one of task, number, title,
subject, focus, requester, owner, organisation, person (the resident who acts), today, now, actor; in `child`, item too. Where a list of values is to
become a list of elements, `{each: ${name}, give: <template with ${item}>}` stands in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from kangshu.base.canonical import SENSITIVE
from kangshu.base.faults import Fault, Invalid
from kangshu.cases.deadlines import TermUnit
from kangshu.cases.reckoning import HOW
from kangshu.cases.substitution import names_in
from kangshu.cases.tasks import OWNED_ELEMENTS
from kangshu.fhirpath import compile as compile_expression
from kangshu.registers import parse_path
from kangshu.sdk import CaseDeclaration, Field, Move

VERBS: Mapping[str, frozenset[str]] = {
    "set": frozenset({"value"}),
    "clear": frozenset(),
    "count": frozenset(),
    "label": frozenset(),
    "keep": frozenset({"value", "find"}),
    "owner": frozenset(),
    "requester": frozenset(),
    "subject": frozenset(),
    "on_duty": frozenset({"as"}),
    "share": frozenset({"papers"}),
    "term": frozenset({"unit", "as"}),
    "deadline": frozenset({"field"}),
    "book": frozenset({"values", "as"}),
    "booking": frozenset({"make", "values"}),
    "create": frozenset({"as", "focus", "each", "where"}),
    "change": frozenset({"require", "require_text", "values", "as", "each", "where"}),
    "notify": frozenset({"text"}),
    "child": frozenset({"each", "where", "to", "values"}),
    "children": frozenset(),
    "open": frozenset({"to", "values", "due", "as"}),
    "carried": frozenset({"to", "values", "as"}),
    "on": frozenset({"make", "must", "each", "where", "values"}),
    "duty": frozenset({"each", "where", "to", "due", "asked_by", "values", "as"}),
    "document": frozenset({"as"}),
    "seal": frozenset({"criteria", "number", "exclude", "as"}),
    "draw": frozenset({"witness", "as"}),
    "next": frozenset(),
    "code": frozenset(),
    "prove": frozenset({"by", "as"}),
    "reckon": frozenset({"how", "of", "value", "weight"}),
    "calculate": frozenset({"as", "also"}),
    "gather": frozenset({"of"}),
    "hand": frozenset(),
}
OUTLETS = frozenset({"reported-values", "reviewed-values"})
"""What rooms above take in of a case that is handed to them; `Cases(outlets=…)` says who does."""
BUILT_IN = frozenset(
    {
        "task",
        "number",
        "title",
        "subject",
        "requester",
        "owner",
        "organisation",
        "person",
        "today",
        "now",
        "actor",
        "focus",
    }
)


_TEMPLATES = (
    "value", "values", "each", "to", "papers", "due", "asked_by", "criteria", "number", "witness", "by",
)  # fmt: skip
"""Keys of effects that hold templates."""
_KEEPS = frozenset({"create", "book", "open", "carried", "document", "seal", "draw"})
"""Verbs whose `as` stays with the case: later moves name it."""


def verb_of(effect: Mapping[str, Any]) -> str:
    """Return the verb of an effect, "" when it has none or several."""
    found = [verb for verb in VERBS if verb in effect]
    return found[0] if len(found) == 1 else ""


def check_effects(declaration: CaseDeclaration, move: Move | None) -> Iterator[tuple[str, str]]:
    """Yield (English, Chinese) of all that is wrong with the effects of `move`, or of starting when None."""
    effects = declaration.effects if move is None else move.effects
    known = set(BUILT_IN) | {field.id for field in _fields(declaration)} | _created(declaration)
    for effect in effects:
        verb = verb_of(effect)
        if not verb:
            yield (
                f"an effect has one verb of {', '.join(VERBS)}",
                f"效果须有且仅有一个动词：{'、'.join(VERBS)}",
            )
            continue
        for key in effect.keys() - VERBS[verb] - {verb, "when"}:
            yield f"effect '{verb}' has no '{key}'", f"效果“{verb}”没有“{key}”项"
        yield from _check_one(declaration, effect, verb)
        asked = {name for part in (verb, *_TEMPLATES) for name in names_in(effect.get(part))}
        for name in sorted(
            {name.partition(".")[0] for name in asked}
            - known
            - ({"item"} if verb in ("child", "create", "on", "duty", "change") else set())
        ):
            yield (
                f"effect '{verb}' asks for ${{{name}}}, which nothing gives",
                f"效果“{verb}”引用了不存在的 ${{{name}}}",
            )
        known |= {str(effect["as"])} if isinstance(effect.get("as"), str) else set()
        known |= {"drawn"} if verb in ("draw", "next") else set()


def _check_one(
    declaration: CaseDeclaration, effect: Mapping[str, Any], verb: str
) -> Iterator[tuple[str, str]]:
    for key in ("when", "require", "where", "find"):
        if isinstance(effect.get(key), str):
            try:
                compile_expression(effect[key])
            except Fault as fault:
                yield f"'{key}' of effect '{verb}': {fault.text}", f"效果“{verb}”的“{key}”：{fault.zh}"
    if verb in ("set", "clear", "count"):
        yield from _check_path(str(effect[verb]))
    if verb == "change":
        if not isinstance(effect.get("values"), Mapping):
            yield "effect 'change' needs 'values'", "效果“change”缺少“values”"
        else:
            for path in effect["values"]:
                yield from _check_path(str(path), owned=False)
        text = effect.get("require_text")
        if "require" in effect and not (isinstance(text, Mapping) and text.get("zh") and text.get("en")):
            yield "'require' needs 'require_text: {zh, en}'", "“require”须有 require_text: {zh, en}"
    if verb == "reckon" and not (effect.get("how") in HOW and effect.get("of") and effect.get("value")):
        yield (
            f"effect 'reckon' needs of, value and how: {', '.join(HOW)}",
            "效果“reckon”须有 of、value 和 how",
        )
    if verb == "calculate" and effect.get("as", "") not in {field.id for field in _fields(declaration)}:
        yield "effect 'calculate' needs 'as: <field>'", "效果“calculate”须有 as（存放结果的字段）"
    if verb == "gather":
        yield from _check_gather(declaration, effect)
    if verb in ("keep", "reckon") and effect[verb] not in {field.id for field in _fields(declaration)}:
        yield (
            f"effect '{verb}' names no field '{effect[verb]}'",
            f"效果“{verb}”未指明表单字段“{effect[verb]}”",
        )
    if verb == "label" and effect["label"] not in SENSITIVE:
        yield f"'{effect['label']}' is no sensitivity label", f"“{effect['label']}”不是敏感标签"
    if verb in ("on", "booking") and not effect.get("make"):
        yield f"effect '{verb}' needs 'make: <move>'", f"效果“{verb}”缺少 make（办理的操作）"
    if verb == "book" and not effect.get("as"):
        yield "effect 'book' needs 'as'", "效果“book”须有 as（预约的名称）"
    if verb == "hand" and effect["hand"] not in OUTLETS:
        yield f"nothing takes in '{effect['hand']}'", f"没有可接收“{effect['hand']}”的去处"
    if verb == "notify":
        text = effect.get("text")
        if not (isinstance(text, Mapping) and text.get("zh") and text.get("en")):
            yield "effect 'notify' needs 'text: {zh, en}'", "效果“notify”缺少 text: {zh, en}"
    if verb == "create" and not (
        isinstance(effect["create"], Mapping) and effect["create"].get("resourceType")
    ):
        yield "effect 'create' needs a resource with resourceType", "效果“create”须有 resourceType"
    if verb == "term" and (effect.get("unit", "day") not in get_args(TermUnit) or not effect.get("as")):
        yield "effect 'term' needs a unit and 'as'", "效果“term”须有 unit 和 as"
    if verb == "on_duty" and not effect.get("as"):
        yield "effect 'on_duty' needs 'as'", "效果“on_duty”须有 as"
    if verb == "prove" and not _is_proved(declaration, effect):
        yield (
            "effect 'prove' needs a code that a move makes, 'by' and 'as: <field>' (boolean)",
            "效果“prove”须指明由某操作生成的验证码、by 和 as（是否类字段）",
        )
    if verb == "seal":
        yield from _check_rules(effect.get("exclude", ()))
    if verb == "open" and "due" in effect:
        yield from _check_due(effect["due"])
    if verb == "deadline" and effect.get("field", "") not in {
        "",
        *(field.id for field in _fields(declaration)),
    }:
        yield "effect 'deadline' names no field of a form", "效果“deadline”未指明表单字段"


def _is_proved(declaration: CaseDeclaration, effect: Mapping[str, Any]) -> bool:
    made = {str(one["code"]) for move in declaration.moves for one in move.effects if "code" in one}
    field = all_fields(declaration).get(str(effect.get("as", "")))
    return (
        effect["prove"] in made and bool(effect.get("by")) and field is not None and field.kind == "boolean"
    )


def _check_gather(declaration: CaseDeclaration, effect: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    table = next((one for one in _fields(declaration) if one.id == effect["gather"]), None)
    name = str(effect.get("of", "")).removeprefix("%")
    records = next((one for one in declaration.records if one.id == name), None)
    if table is None or table.kind != "table" or records is None:
        yield (
            "effect 'gather' names a table and declared records",
            "效果“gather”须指明表格字段和已声明的查阅记录",
        )
        return
    for column in sorted(set(records.columns) - {one.id for one in table.columns}):
        yield f"'{table.id}' has no column '{column}'", f"表格“{table.id}”没有列“{column}”"
    for other in sorted(set(records.beside) - {one.id for one in declaration.records}):
        yield f"the case looks up no records '{other}'", f"办件没有声明查阅记录“{other}”"


def _check_rules(rules: Any) -> Iterator[tuple[str, str]]:
    for rule in rules if isinstance(rules, list | tuple) else [rules]:
        if not (
            isinstance(rule, Mapping)
            and rule.keys() == {"when", "text"}
            and isinstance(rule["text"], Mapping)
        ):
            yield "'exclude' lists {when, text: {zh, en}}", "exclude 应列出 {when, text: {zh, en}}"
            continue
        try:
            compile_expression(str(rule["when"]))
        except Fault as fault:
            yield f"'exclude': {fault.text}", f"“exclude”：{fault.zh}"


def _check_due(due: Any) -> Iterator[tuple[str, str]]:
    known = {"field", "parameter", "unit"}
    if not (isinstance(due, Mapping) and due.get("field") and due.get("parameter") and due.keys() <= known):
        yield (
            "'due' of effect 'open' is {field, parameter, unit}",
            "效果“open”的 due 应为 {field, parameter, unit}",
        )
    elif due.get("unit", "working-day") not in get_args(TermUnit):
        yield f"'due' counts {', '.join(get_args(TermUnit))}", "due 的单位应为 working-day、day 或 month"


def labels_said(declaration: CaseDeclaration) -> frozenset[str]:
    """Return the sensitivity labels that a kind may put on its cases (effect `label`)."""
    lists = (declaration.effects, *(move.effects for move in declaration.moves))
    return frozenset(str(one["label"]) for effects in lists for one in effects if "label" in one)


def opened_kinds(effects: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield (case id, parameter) of the cases of the service that these effects start; "" for no parameter."""
    for effect in effects:
        if "child" in effect:
            yield str(effect["child"]), ""
        if "open" in effect:
            due = effect.get("due")
            yield str(effect["open"]), str(due.get("parameter", "")) if isinstance(due, Mapping) else ""


def _created(declaration: CaseDeclaration) -> set[str]:
    """Return the names of what any move of the kind creates: they are kept with the case."""
    lists = (declaration.effects, *(move.effects for move in declaration.moves))
    return {str(one["as"]) for effects in lists for one in effects if verb_of(one) in _KEEPS and "as" in one}


def _check_path(path: str, *, owned: bool = True) -> Iterator[tuple[str, str]]:
    try:
        steps = parse_path(path)
    except Invalid as fault:
        yield fault.text, fault.zh
        return
    if owned and steps[0].name in OWNED_ELEMENTS:
        yield f"'{path}' is the engine's own", f"“{path}”由流程引擎维护，不能直接写入"


def _fields(declaration: CaseDeclaration) -> Iterator[Field]:
    yield from declaration.kept
    yield from declaration.form
    for move in declaration.moves:
        yield from move.form


def all_fields(declaration: CaseDeclaration) -> dict[str, Field]:
    """Return every field of the kind's forms by id; the first declaration of an id stands."""
    found: dict[str, Field] = {}
    for field in _fields(declaration):
        found.setdefault(field.id, field)
    return found
