"""What may this account see, and why: policies and decisions told in words. Pure: no I/O.

`explain` tells what the roles of a subject open, kind by kind; `why` tells of one record which role, which word of
it and which relation to its resident opens it, on which legal ground, or what each role would still need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from kangshu.access.care import care_rules, relations_of
from kangshu.access.fields import protected_fields
from kangshu.access.grant import ANY_TYPE
from kangshu.access.policy import UNTOLD, Role, Rules, Subject, admitted_labels, word_predicate
from kangshu.access.predicates import Nothing, Scope, admits, division_prefix
from kangshu.access.vocabulary import DataKind, data_kinds, label_title, scope_words
from kangshu.base.text import Text

ACTIONS: Final = ("read", "write", "count", "clear")
"""What can be explained: to see, to write, to enter in a number, to see a protected field unmasked."""

_RULES: Final[Mapping[str, Callable[[Role], Rules]]] = {
    "read": lambda role: role.read,
    "write": lambda role: role.write,
    "count": lambda role: role.aggregate,
    "clear": lambda role: role.clear,
}


@dataclass(frozen=True, slots=True)
class Ground:
    """Why personal information may be handled: a relation or duty, its basis (`BASES`) and clause."""

    title: Text
    basis: str
    clause: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """One thing that one role opens: an action on some types of one kind of data, in the records of some words.

    `whole` says that all types of the kind are opened so; `empty` that the subject's post lacks what the words need,
    so that they admit nothing now. For the action `clear`, `kind` is None and `field` names the protected field.
    """

    action: str
    kind: DataKind | None
    types: tuple[str, ...]
    whole: bool
    role: str
    role_title: Text
    words: tuple[str, ...]
    text: Text
    grounds: tuple[Ground, ...]
    labels: tuple[str, ...]
    empty: bool = False
    field: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """What one word of one role says of one record. `needs` is empty where it admits it."""

    role: str
    role_title: Text
    words: str
    text: Text
    grounds: tuple[Ground, ...]
    needs: tuple[Text, ...] = ()

    @property
    def admits(self) -> bool:
        """Return whether the record is opened by this."""
        return not self.needs


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether an action on one record is allowed: the reasons that open it, else those that come nearest."""

    allowed: bool
    reasons: tuple[Reason, ...]


def explain(subject: Subject, roles: Iterable[Role], purpose: str = "") -> tuple[Explanation, ...]:
    """Return all that `roles` open to `subject`, in the order of the kinds of data, actions and roles."""
    held = tuple(role for role in roles if not purpose or purpose in role.purposes)
    found: list[Explanation] = []
    for kind in data_kinds():
        for action in ("read", "write", "count"):
            for role in held:
                found.extend(_of_kind(subject, role, kind, action, purpose))
        if held and subject.emergency and (types := tuple(name for name in kind.types if name not in UNTOLD)):
            found.append(_of_emergency(kind, types))
    for role in held:
        for name, words in role.clear.items():
            fields = protected_fields() if name == ANY_TYPE else (name,)
            found.extend(_of_field(subject, role, one, words, purpose) for one in fields)
    return tuple(found)


def why(
    subject: Subject,
    roles: Iterable[Role],
    action: str,
    what: str,
    scope: Scope,
    purpose: str = "",
    *,
    name_labels: bool = True,
) -> Decision:
    """Return whether `action` (`read`, `write`, `count`; `clear` of a field) on a record of type `what` is allowed.

    `scope` is the record's, with the care relations of its resident. The reasons that open it come first alone; when
    none does, those with the fewest needs. The decision is the same as that of the grant made of the same roles.
    Without `name_labels` a label that is missing is not named: for those who may not see the record themselves.
    """
    reasons: list[Reason] = []
    held = []
    for role in roles:
        if purpose and purpose not in role.purposes:
            reasons.append(_other_purpose(role))
            continue
        held.append(role)
        for rules, labels in _looked_through(role, action):
            words = rules.get(what, rules.get(ANY_TYPE, ("none",)))
            reasons += [
                _reason(subject, role, one, scope, purpose or role.purpose, labels, name_labels)
                for one in words
            ]
    if held and action in ("read", "count") and scope.patient in subject.emergency and what not in UNTOLD:
        reasons.append(_emergency_reason())
    opening = tuple(one for one in reasons if one.admits)
    if opening:
        return Decision(True, tuple(dict.fromkeys(opening)))
    fewest = min((len(one.needs) for one in reasons), default=0)
    nearest = [one for one in dict.fromkeys(reasons) if len(one.needs) == fewest]
    told = [one for one in nearest if one.words != "none"] or nearest
    return Decision(False, tuple(told))


def _looked_through(role: Role, action: str) -> tuple[tuple[Rules, bool], ...]:
    """Return the rules that allow `action`, and whether labels narrow them: what may be read may be counted too."""
    if action == "count":
        return (role.aggregate, False), (role.read, True)
    return ((_RULES[action](role), True),)


def _of_kind(
    subject: Subject, role: Role, kind: DataKind, action: str, purpose: str
) -> Iterable[Explanation]:
    rules = _RULES[action](role)
    by_words: dict[tuple[str, ...], list[str]] = {}
    for name in kind.types:
        words = tuple(word for word in rules.get(name, rules.get(ANY_TYPE, ())) if word != "none")
        if words:
            by_words.setdefault(words, []).append(name)
    for words, types in by_words.items():
        yield Explanation(
            action=action,
            kind=kind,
            types=tuple(types),
            whole=len(types) == len(kind.types),
            role=role.id,
            role_title=role.title,
            words=words,
            text=_joined([_told(subject, one) for one in words]),
            grounds=tuple(dict.fromkeys(ground for one in words for ground in _grounds(one))),
            labels=() if action == "count" else tuple(sorted(role.labels)),
            empty=all(_closed(subject, one, purpose or role.purpose) for one in words),
        )


def _of_emergency(kind: DataKind, types: tuple[str, ...]) -> Explanation:
    word = scope_words()["emergency"]
    ground = Ground(word.title, word.basis, word.clause)
    return Explanation(
        "read", kind, types, len(types) == len(kind.types), "", word.title, ("emergency",), word.title, (ground,),
        (ANY_TYPE,),
    )  # fmt: skip


def _of_field(subject: Subject, role: Role, field: str, words: tuple[str, ...], purpose: str) -> Explanation:
    return Explanation(
        action="clear",
        kind=None,
        types=(),
        whole=True,
        role=role.id,
        role_title=role.title,
        words=words,
        text=_joined([_told(subject, one) for one in words]),
        grounds=tuple(dict.fromkeys(ground for one in words for ground in _grounds(one))),
        labels=tuple(sorted(role.labels)),
        empty=all(_closed(subject, one, purpose or role.purpose) for one in words),
        field=field,
    )


def _closed(subject: Subject, words: str, purpose: str) -> bool:
    return any(word_predicate(subject, one, purpose) == Nothing() for one in words.split(" and "))


def _reason(
    subject: Subject, role: Role, words: str, scope: Scope, purpose: str, labels: bool, name_labels: bool
) -> Reason:
    parts = words.split(" and ")
    needs = [
        _filled(scope_words()[one].need, subject, one)
        for one in parts
        if not admits(word_predicate(subject, one, purpose), scope)
    ]
    hidden = [one for one in scope.labels if one not in admitted_labels(role.labels, parts)]
    if labels and hidden and "self" not in parts and ANY_TYPE not in role.labels:
        needs.append(
            Text("角色可看带该敏感标签的记录", "a role that may see the record's label")
            if not name_labels
            else Text(
                f"角色可看带敏感标签“{'、'.join(label_title(one).zh for one in hidden)}”的记录",
                f"a role that may see the label {', '.join(label_title(one).en for one in hidden)}",
            )
        )
    grounds = [ground for one in parts for ground in _grounds(one, subject, scope, purpose)]
    return Reason(
        role.id, role.title, words, _told(subject, words), tuple(dict.fromkeys(grounds)), tuple(needs)
    )


def _other_purpose(role: Role) -> Reason:
    need = Text("角色可用于所申明的用途", "a role that serves the stated purpose")
    return Reason(role.id, role.title, "", need, (), (need,))


def _emergency_reason() -> Reason:
    word = scope_words()["emergency"]
    return Reason("", word.title, "emergency", word.title, (Ground(word.title, word.basis, word.clause),))


def _grounds(
    words: str, subject: Subject | None = None, scope: Scope | None = None, purpose: str = ""
) -> tuple[Ground, ...]:
    """Return the grounds of some words joined by ` and `; with a scope, of the relations that are open alone."""
    found = []
    for word in words.split(" and "):
        told = scope_words()[word]
        if told.basis:
            found.append(Ground(_bare(told.title), told.basis, told.clause))
        open_now = None
        if scope is not None and subject is not None:
            open_now = {
                one.relation
                for one in scope.care
                if one.organisation in subject.organisations and one.purpose in ("", purpose)
            }
        rules = care_rules()
        for relation in rules:
            if relation in relations_of(word) and (open_now is None or relation in open_now):
                found.append(Ground(rules[relation].title, rules[relation].basis, rules[relation].clause))
    return tuple(found)


def _told(subject: Subject, words: str) -> Text:
    """Return words joined by ` and ` as one phrase."""
    parts = [_filled(scope_words()[one].title, subject, one) for one in words.split(" and ")]
    return Text("、且".join(one.zh for one in parts), " and ".join(one.en for one in parts))


def _joined(parts: list[Text]) -> Text:
    return Text("；".join(one.zh for one in parts), "; ".join(one.en for one in parts))


def _filled(text: Text, subject: Subject, word: str) -> Text:
    rules = care_rules()
    titles = [rules[one].title for one in rules if one in relations_of(word)]
    place = division_prefix(subject.district) if subject.district else "—"
    return Text(
        text.zh.format(district=place, relations="、".join(one.zh for one in titles)),
        text.en.format(district=place, relations=", ".join(one.en for one in titles)),
    )


def _bare(text: Text) -> Text:
    """Return a title without the place that it is filled with."""
    return Text(text.zh.replace("（{district}）", ""), text.en.replace(" ({district})", ""))
