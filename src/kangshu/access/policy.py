"""Policies: roles as data, compiled with a subject to a `Grant`.

A role says, per resource type, which records may be read, written or counted, in scope words:

    everything        every record
    district          records of the post's division and the divisions below it
    organisation      records that the account's organisation, or one below it, answers for
    own-patients      records of the residents in the organisation's care
    shared-patients   records of residents with an open case in which the organisation takes part
    self              records of the resident that the account is, and of those it is guardian of
    no-patient        records that are in no resident's compartment
    none              nothing

Words joined by ` and ` narrow, words of a list widen. A type may be a resource type, `@group` or `*` (all others).
Source: DESIGN.md "Access"; the words are ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from kangshu.access.grant import ANY_TYPE, Grant
from kangshu.access.predicates import (
    AllOf,
    DistrictUnder,
    Everything,
    NoPatient,
    Nothing,
    OrganisationIn,
    PatientIn,
    Predicate,
    any_of,
    division_prefix,
)
from kangshu.base.faults import Invalid, Issue
from kangshu.base.text import Text

SCOPE_WORDS: Final = (
    "everything",
    "district",
    "organisation",
    "own-patients",
    "shared-patients",
    "self",
    "no-patient",
    "none",
)

Rules = Mapping[str, tuple[str, ...]]
"""Resource type or `*` → scope words; each word may be several joined by ` and `."""

_FIELDS: Final = frozenset({"title", "purpose", "home", "post", "read", "write", "aggregate", "operations"})
_POSTS: Final = ("district", "organisation", "patient")


@dataclass(frozen=True, slots=True)
class Role:
    """One ready-made role. `operations` may hold globs such as `case.start:*`.

    `home` names the first screen of its holders; `post` lists what an account with this role must have
    (`district`, `organisation`, `patient`), so that a scope word is never silently empty.
    """

    id: str
    title: Text
    purpose: str
    home: str
    post: tuple[str, ...]
    read: Rules
    write: Rules
    aggregate: Rules
    operations: tuple[str, ...]

    def words(self) -> frozenset[str]:
        """Return the scope words that this role's rules use."""
        used: set[str] = set()
        for rules in (self.read, self.write, self.aggregate):
            for words in rules.values():
                used.update(part for word in words for part in word.split(" and "))
        return frozenset(used)


@dataclass(frozen=True, slots=True)
class Subject:
    """Who asks: an account with its post, and what was looked up about it when the grant was opened.

    `organisations` are the post's organisation and all below it; `own_patients` the residents in their care;
    `shared_patients` those of open cases they take part in; `wards` the residents the account is guardian of.
    """

    account: str
    display: str
    organisation: str = ""
    organisations: frozenset[str] = frozenset()
    practitioner: str = ""
    patient: str = ""
    wards: frozenset[str] = frozenset()
    district: str = ""
    own_patients: frozenset[str] = frozenset()
    shared_patients: frozenset[str] = field(default=frozenset())


def open_grant(subject: Subject, roles: Iterable[Role], purpose: str = "") -> Grant:
    """Return what `subject` may do with `roles` together: the union of what each of them allows."""
    held = tuple(roles)
    return Grant(
        account=subject.account,
        display=subject.display,
        roles=tuple(role.id for role in held),
        organisation=subject.organisation,
        organisations=subject.organisations,
        practitioner=subject.practitioner,
        patient=subject.patient,
        district=division_prefix(subject.district) if subject.district else "",
        purpose=purpose or (held[0].purpose if held else "HOPERAT"),
        read=_union(subject, [role.read for role in held]),
        write=_union(subject, [role.write for role in held]),
        aggregate=_union(subject, [role.aggregate for role in held]),
        operations=frozenset(one for role in held for one in role.operations),
    )


def _union(subject: Subject, rules: list[Rules]) -> Mapping[str, Predicate]:
    types = dict.fromkeys(name for one in rules for name in one)
    return MappingProxyType(
        {
            name: any_of([_compile(subject, one.get(name, one.get(ANY_TYPE, ()))) for one in rules])
            for name in types
        }
    )


def _compile(subject: Subject, words: tuple[str, ...]) -> Predicate:
    return any_of([_narrowed(subject, word.split(" and ")) for word in words])


def _narrowed(subject: Subject, words: list[str]) -> Predicate:
    parts = [_word(subject, word) for word in words]
    if any(isinstance(part, Nothing) for part in parts):
        return Nothing()
    kept = tuple(part for part in parts if not isinstance(part, Everything))
    if not kept:
        return Everything()
    return kept[0] if len(kept) == 1 else AllOf(kept)


def _word(subject: Subject, word: str) -> Predicate:
    match word:
        case "everything":
            return Everything()
        case "district":
            return DistrictUnder(division_prefix(subject.district)) if subject.district else Nothing()
        case "organisation":
            return OrganisationIn(subject.organisations) if subject.organisations else Nothing()
        case "own-patients":
            return PatientIn(subject.own_patients) if subject.own_patients else Nothing()
        case "shared-patients":
            return PatientIn(subject.shared_patients) if subject.shared_patients else Nothing()
        case "self":
            mine = subject.wards | ({subject.patient} if subject.patient else frozenset())
            return PatientIn(mine) if mine else Nothing()
        case "no-patient":
            return NoPatient()
        case _:
            return Nothing()


def parse_roles(document: Mapping[str, Any]) -> Mapping[str, Role]:
    """Return the roles of `document` (the content of a roles.yaml) by id. Raises Invalid with every finding."""
    if findings := lint_roles(document):
        raise Invalid(
            f"the roles have {len(findings)} faults; the first: {findings[0].text}",
            zh=f"角色定义有 {len(findings)} 处错误",
            issues=findings,
        )
    groups: Mapping[str, list[str]] = document.get("groups", {})
    return MappingProxyType({id_: _role(id_, body, groups) for id_, body in document["roles"].items()})


def _role(id_: str, body: Mapping[str, Any], groups: Mapping[str, list[str]]) -> Role:
    return Role(
        id=id_,
        title=Text(body["title"]["zh"], body["title"]["en"]),
        purpose=body.get("purpose", "HOPERAT"),
        home=body.get("home", "worklist"),
        post=tuple(body.get("post", ())),
        read=_rules(body.get("read", {}), groups),
        write=_rules(body.get("write", {}), groups),
        aggregate=_rules(body.get("aggregate", {}), groups),
        operations=tuple(body.get("operations", ())),
    )


def _rules(body: Mapping[str, Any], groups: Mapping[str, list[str]]) -> Rules:
    found: dict[str, tuple[str, ...]] = {}
    for key, value in sorted(body.items(), key=lambda item: not item[0].startswith("@")):
        words = (value,) if isinstance(value, str) else tuple(value)
        for name in groups[key[1:]] if key.startswith("@") else [key]:
            found[name] = words
    return MappingProxyType(found)


def lint_roles(
    document: Mapping[str, Any], resource_types: frozenset[str] = frozenset()
) -> tuple[Issue, ...]:
    """Return every finding about `document`; none means that it may be used.

    With `resource_types`, a rule for a type that is not among them is a finding too.
    """
    roles, groups = document.get("roles"), document.get("groups", {})
    if not isinstance(roles, dict) or not roles or not isinstance(groups, dict):
        return (_finding("roles", "'roles' (and 'groups', if given) must be mappings"),)
    found: list[Issue] = []
    for name, types in groups.items():
        found.extend(_lint_types(f"groups.{name}", types, resource_types))
    for id_, body in roles.items():
        where = f"roles.{id_}"
        if not isinstance(body, dict):
            found.append(_finding(where, "a role is a mapping"))
            continue
        found.extend(_lint_role(where, body, groups, resource_types))
    return tuple(found)


def _lint_role(
    where: str, body: Mapping[str, Any], groups: Mapping[str, Any], resource_types: frozenset[str]
) -> Iterable[Issue]:
    for name in sorted(body.keys() - _FIELDS):
        yield _finding(f"{where}.{name}", f"unknown field; known are {', '.join(sorted(_FIELDS))}")
    title = body.get("title")
    if not isinstance(title, dict) or not title.get("zh") or not title.get("en"):
        yield _finding(f"{where}.title", "a title in zh and en is needed")
    operations = body.get("operations", [])
    if not isinstance(operations, list) or not all(isinstance(one, str) and one for one in operations):
        yield _finding(f"{where}.operations", "a list of operation names is needed")
    post = body.get("post", [])
    if not isinstance(post, list) or any(one not in _POSTS for one in post):
        yield _finding(f"{where}.post", f"a list of {', '.join(_POSTS)} is needed")
        post = []
    used: set[str] = set()
    for action in ("read", "write", "aggregate"):
        rules = body.get(action, {})
        if not isinstance(rules, dict):
            yield _finding(f"{where}.{action}", "a mapping from resource type to scope words is needed")
            continue
        for key, value in rules.items():
            place = f"{where}.{action}.{key}"
            if key.startswith("@"):
                if key[1:] not in groups:
                    yield _finding(place, f"no group '{key[1:]}' is declared")
            elif key != ANY_TYPE:
                yield from _lint_types(place, [key], resource_types)
            words = [value] if isinstance(value, str) else value
            if not isinstance(words, list) or not words or not all(isinstance(one, str) for one in words):
                yield _finding(place, "a scope word or a list of them is needed")
                continue
            for word in (part for one in words for part in one.split(" and ")):
                used.add(word)
                if word not in SCOPE_WORDS:
                    yield _finding(place, f"unknown scope word '{word}'; known are {', '.join(SCOPE_WORDS)}")
    needs = {"district": {"district"}, "organisation": {"organisation", "own-patients", "shared-patients"}}
    needs["patient"] = {"self"}
    for thing, words in needs.items():
        if used & words and thing not in post:
            yield _finding(f"{where}.post", f"rules use {sorted(used & words)}, so 'post' must list {thing}")


def _lint_types(where: str, types: Any, resource_types: frozenset[str]) -> Iterable[Issue]:
    if not isinstance(types, list) or not types:
        yield _finding(where, "a list of resource types is needed")
        return
    for name in types:
        if not isinstance(name, str) or not name[:1].isupper():
            yield _finding(where, f"'{name}' is no resource type")
        elif resource_types and name not in resource_types:
            yield _finding(where, f"'{name}' is no resource type of R4")


def _finding(where: str, text: str) -> Issue:
    return Issue("error", "invalid", f"{where}: {text}", (where,))
