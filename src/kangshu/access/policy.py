"""Policies: roles as data, compiled with a subject to a `Grant`.

A role says, per resource type, which records may be read, written or counted, in scope words:

    everything        every record
    district          records of the post's division and the divisions below it
    organisation      records that the account's organisation, or one below it, answers for
    own-patients      records of the residents in the organisation's care (care.yaml)
    shared-patients   records of residents of whom a case or a consent tells the organisation (care.yaml)
    own               records that the account's own person (a Practitioner) answers for, such as an expert's reviews
    self              records of the resident that the account is
    wards             records of the residents that the account is guardian of
    mandates          records of the residents who have given the account a mandate to see to their affairs
    no-patient        records that are in no resident's compartment
    none              nothing

Words joined by ` and ` narrow, words of a list widen. A type may be a resource type, `@group` or `*` (all others).
Records with sensitivity labels are for roles whose `labels` name them all, or `*`; residents see their own, and
guardians what the labels of their role say: not all that a ward's doctor wrote is for them. What a unit keeps to
itself (the label INTERNAL) is for those who act for it: of all words, `organisation` alone admits it.
`clear` says where a protected field (fields.yaml) is not masked, `fixed` which elements may not be changed.
Source: DESIGN.md "Access"; the words are ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from kangshu.access.care import relations_of
from kangshu.access.fields import protected_fields
from kangshu.access.grant import ANY_TYPE, Grant
from kangshu.access.predicates import (
    DistrictUnder,
    Everything,
    InCare,
    LabelsWithin,
    NoPatient,
    Nothing,
    OrganisationIn,
    PatientIn,
    Predicate,
    all_of,
    any_of,
    division_prefix,
    person_key,
)
from kangshu.base.canonical import INTERNAL
from kangshu.base.faults import Invalid, Issue
from kangshu.base.text import Text

SCOPE_WORDS: Final = (
    "everything",
    "district",
    "organisation",
    "own-patients",
    "shared-patients",
    "own",
    "self",
    "wards",
    "mandates",
    "no-patient",
    "none",
)

Rules = Mapping[str, tuple[str, ...]]
"""Resource type or `*` → scope words; each word may be several joined by ` and `."""

_FIELDS: Final = frozenset(
    {
        "title", "description", "purposes", "home", "post", "read", "write", "aggregate", "operations", "labels",
        "clear", "fixed", "second_factor", "apart",
    }
)  # fmt: skip
_MAPPINGS: Final = ("read", "write", "aggregate")
UNTOLD: Final = frozenset({"AuditEvent", "Provenance"})
"""What an emergency does not open: it is about the care of one resident."""
_ALL_LABELS: Final = frozenset({ANY_TYPE})
_POSTS: Final = ("district", "organisation", "patient", "practitioner")


@dataclass(frozen=True, slots=True)
class Role:
    """One ready-made role. `operations` may hold globs such as `case.start:*`.

    `home` names the first screen of its holders; `post` lists what an account with this role must have
    (`district`, `organisation`, `patient`), so that a scope word is never silently empty. `purposes` are codes of
    v3-PurposeOfUse, the first is meant where none is stated. `labels` are the sensitivity labels that its holders
    may see. `clear` maps a protected field to the words of the records in which it is not masked; `fixed` a
    resource type to dotted paths that its holders may not change. Of the roles with the same `apart` an account
    holds at most one. `second_factor`: its holders sign in with a one-time code too.
    """

    id: str
    title: Text
    purposes: tuple[str, ...]
    home: str
    post: tuple[str, ...]
    read: Rules
    write: Rules
    aggregate: Rules
    operations: tuple[str, ...]
    labels: frozenset[str] = frozenset()
    clear: Rules = field(default_factory=lambda: MappingProxyType({}))
    fixed: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    second_factor: bool = False
    apart: str = ""
    description: Text = field(default_factory=lambda: Text("", ""))

    @property
    def purpose(self) -> str:
        """The purpose that is meant where none is stated."""
        return self.purposes[0]

    def words(self) -> frozenset[str]:
        """Return the scope words that this role's rules use."""
        used: set[str] = set()
        for rules in (self.read, self.write, self.aggregate, self.clear):
            for words in rules.values():
                used.update(part for word in words for part in word.split(" and "))
        return frozenset(used)


@dataclass(frozen=True, slots=True)
class Subject:
    """Who asks: an account with its post, and what was looked up about it when the grant was opened.

    `organisations` are the post's organisation and all below it; `wards` the residents the account is guardian of; `mandates` those who have charged it with their affairs;
    `emergency` the residents whose records it has opened by break-glass, while that lasts. A deputy acts with the
    post of `on_behalf_of`.
    """

    account: str
    display: str
    organisation: str = ""
    organisations: frozenset[str] = frozenset()
    practitioner: str = ""
    patient: str = ""
    wards: frozenset[str] = frozenset()
    mandates: frozenset[str] = frozenset()
    district: str = ""
    emergency: frozenset[str] = frozenset()
    on_behalf_of: str = ""


def open_grant(subject: Subject, roles: Iterable[Role], purpose: str = "") -> Grant:
    """Return what `subject` may do with `roles` together: the union of what each of them allows.

    A role that does not serve the stated `purpose` allows nothing then; "" is each role's own first purpose.
    """
    held = tuple(role for role in roles if not purpose or purpose in role.purposes)
    stated = purpose or (held[0].purpose if held else "HOPERAT")
    return Grant(
        account=subject.account,
        display=subject.display,
        roles=tuple(role.id for role in held),
        organisation=subject.organisation,
        organisations=subject.organisations,
        practitioner=subject.practitioner,
        patient=subject.patient,
        wards=subject.wards,
        mandates=subject.mandates,
        district=division_prefix(subject.district) if subject.district else "",
        purpose=stated,
        read=_opened(subject, held, _union(subject, held, [role.read for role in held], purpose)),
        write=_union(subject, held, [role.write for role in held], purpose),
        # a number names nobody: records with labels count, and small cells are suppressed where numbers are shown
        aggregate=_union(subject, held, [role.aggregate for role in held], purpose, labels=False),
        operations=frozenset(one for role in held for one in role.operations),
        clear=_union(subject, held, [role.clear for role in held], purpose),
        fixed=_fixed(held),
        on_behalf_of=subject.on_behalf_of,
        emergency=subject.emergency,
    )


def narrowed(
    grant: Grant,
    *,
    read: Iterable[str] = (),
    write: Iterable[str] = (),
    operations: Iterable[str] = (),
    within: Predicate | None = None,
    app: str = "",
) -> Grant:
    """Return `grant` with no more than the named resource types (or `*`) and operations, for an app of the account.

    `within` further narrows every record, such as to one resident. Nothing that the grant lacks is ever added; what
    may be counted is no more than what may be read.
    """
    kept = frozenset(operations)
    seen = _only(grant.read, frozenset(read), within)
    return replace(
        grant,
        read=seen,
        write=_only(grant.write, frozenset(write), within),
        aggregate=MappingProxyType({}),
        operations=grant.operations if ANY_TYPE in kept else frozenset(o for o in kept if grant.may(o)),
        app=app,
    )


def _only(
    rules: Mapping[str, Predicate], types: frozenset[str], within: Predicate | None
) -> Mapping[str, Predicate]:
    rest = rules.get(ANY_TYPE, Nothing())
    names = rules.keys() if ANY_TYPE in types else types
    found = {name: rules.get(name, rest) for name in names}
    if within is not None:
        found = {name: all_of([one, within]) for name, one in found.items()}
    return MappingProxyType(found)


def _opened(
    subject: Subject, held: tuple[Role, ...], read: Mapping[str, Predicate]
) -> Mapping[str, Predicate]:
    """Return `read` with the records of the residents that an emergency has opened, whatever their labels."""
    if not subject.emergency or not held:
        return read
    residents = PatientIn(subject.emergency)
    rest = read.get(ANY_TYPE, Nothing())
    types = {ANY_TYPE: rest, **dict.fromkeys(UNTOLD, rest), **read}
    return MappingProxyType(
        {name: one if name in UNTOLD else any_of([one, residents]) for name, one in types.items()}
    )


def _union(
    subject: Subject, roles: tuple[Role, ...], rules: list[Rules], purpose: str, labels: bool = True
) -> Mapping[str, Predicate]:
    types = dict.fromkeys(name for one in rules for name in one)
    return MappingProxyType(
        {
            name: any_of(
                [
                    _compile(
                        subject,
                        one.get(name, one.get(ANY_TYPE, ())),
                        purpose or role.purpose,
                        role.labels if labels else _ALL_LABELS,
                    )
                    for role, one in zip(roles, rules, strict=True)
                ]
            )
            for name in types
        }
    )


def _fixed(roles: tuple[Role, ...]) -> Mapping[str, frozenset[str]]:
    """Return the paths that every one of `roles` fixes: another role that may write may change them."""
    if not roles:
        return MappingProxyType({})
    types = {name for role in roles for name in role.fixed}
    found: dict[str, frozenset[str]] = {}
    for name in types:
        sets = [role.fixed.get(name, role.fixed.get(ANY_TYPE, frozenset())) for role in roles if role.write]
        found[name] = frozenset.intersection(*sets) if sets else frozenset()
    return MappingProxyType(found)


def _compile(subject: Subject, words: tuple[str, ...], purpose: str, labels: frozenset[str]) -> Predicate:
    return any_of([_narrowed(subject, word.split(" and "), purpose, labels) for word in words])


def _narrowed(subject: Subject, words: list[str], purpose: str, labels: frozenset[str]) -> Predicate:
    parts = [word_predicate(subject, word, purpose) for word in words]
    if "self" not in words and ANY_TYPE not in labels:
        parts.append(LabelsWithin(admitted_labels(labels, words)))
    return all_of(parts)


def admitted_labels(labels: frozenset[str], words: Iterable[str]) -> frozenset[str]:
    """Return the labels that a role with `labels` sees by these scope words: a mandate opens no labelled record."""
    if "mandates" in words:
        return frozenset()
    return labels | {INTERNAL["code"]} if "organisation" in words else labels


def word_predicate(subject: Subject, word: str, purpose: str) -> Predicate:
    """Return what one scope word admits for `subject`, whatever the labels."""
    match word:
        case "everything":
            return Everything()
        case "district":
            return DistrictUnder(division_prefix(subject.district)) if subject.district else Nothing()
        case "organisation":
            return OrganisationIn(subject.organisations) if subject.organisations else Nothing()
        case "own-patients" | "shared-patients":
            if not subject.organisations:
                return Nothing()
            return InCare(subject.organisations, relations_of(word), purpose)
        case "own":
            own = frozenset({person_key(subject.practitioner)} if subject.practitioner else ())
            return OrganisationIn(own) if own else Nothing()
        case "self":
            return PatientIn(frozenset({subject.patient})) if subject.patient else Nothing()
        case "wards":
            return PatientIn(subject.wards) if subject.wards else Nothing()
        case "mandates":
            return PatientIn(subject.mandates) if subject.mandates else Nothing()
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
        purposes=tuple(body.get("purposes", ("HOPERAT",))),
        home=body.get("home", "worklist"),
        post=tuple(body.get("post", ())),
        read=read_rules(body.get("read", {}), groups),
        write=read_rules(body.get("write", {}), groups),
        aggregate=read_rules(body.get("aggregate", {}), groups),
        operations=tuple(body.get("operations", ())),
        labels=frozenset(body.get("labels", ())),
        clear=read_rules(body.get("clear", {}), {}),
        fixed=MappingProxyType({kind: frozenset(paths) for kind, paths in body.get("fixed", {}).items()}),
        second_factor=bool(body.get("second_factor", False)),
        apart=body.get("apart", ""),
        description=Text(**body.get("description", {"zh": "", "en": ""})),
    )


def read_rules(body: Mapping[str, Any], groups: Mapping[str, list[str]]) -> Rules:
    """Return the rules of one action with the groups of types told apart; a type's own rule goes before its group's."""
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
        return (finding("roles", "'roles' (and 'groups', if given) must be mappings"),)
    found: list[Issue] = []
    for name, types in groups.items():
        found.extend(_lint_types(f"groups.{name}", types, resource_types))
    for id_, body in roles.items():
        where = f"roles.{id_}"
        if not isinstance(body, dict):
            found.append(finding(where, "a role is a mapping"))
            continue
        found.extend(lint_role(where, body, groups, resource_types))
    return tuple(found)


def lint_role(
    where: str, body: Mapping[str, Any], groups: Mapping[str, Any], resource_types: frozenset[str]
) -> Iterable[Issue]:
    """Yield every finding about one role, whose place in its document is `where`."""
    for name in sorted(body.keys() - _FIELDS):
        yield finding(f"{where}.{name}", f"unknown field; known are {', '.join(sorted(_FIELDS))}")
    title = body.get("title")
    if not isinstance(title, dict) or not title.get("zh") or not title.get("en"):
        yield finding(f"{where}.title", "a title in zh and en is needed")
    operations = body.get("operations", [])
    if not isinstance(operations, list) or not all(isinstance(one, str) and one for one in operations):
        yield finding(f"{where}.operations", "a list of operation names is needed")
    post = body.get("post", [])
    if not isinstance(post, list) or any(one not in _POSTS for one in post):
        yield finding(f"{where}.post", f"a list of {', '.join(_POSTS)} is needed")
        post = []
    for name in ("purposes", "labels"):
        listed = body.get(name, ["HOPERAT"])
        if not isinstance(listed, list) or not all(isinstance(one, str) and one for one in listed):
            yield finding(f"{where}.{name}", "a list of codes is needed")
    if not body.get("purposes", ["HOPERAT"]):
        yield finding(f"{where}.purposes", "a role serves at least one purpose")
    yield from _lint_fixed(f"{where}.fixed", body.get("fixed", {}), resource_types)
    used: set[str] = set()
    for action in (*_MAPPINGS, "clear"):
        rules = body.get(action, {})
        if not isinstance(rules, dict):
            yield finding(f"{where}.{action}", "a mapping from resource type to scope words is needed")
            continue
        for key, value in rules.items():
            place = f"{where}.{action}.{key}"
            if action == "clear":
                if key != ANY_TYPE and key not in protected_fields():
                    known = ", ".join(protected_fields())
                    yield finding(place, f"no field '{key}' is protected; known are {known}")
            elif key.startswith("@"):
                if key[1:] not in groups:
                    yield finding(place, f"no group '{key[1:]}' is declared")
            elif key != ANY_TYPE:
                yield from _lint_types(place, [key], resource_types)
            words = [value] if isinstance(value, str) else value
            if not isinstance(words, list) or not words or not all(isinstance(one, str) for one in words):
                yield finding(place, "a scope word or a list of them is needed")
                continue
            for word in (part for one in words for part in one.split(" and ")):
                used.add(word)
                if word not in SCOPE_WORDS:
                    yield finding(place, f"unknown scope word '{word}'; known are {', '.join(SCOPE_WORDS)}")
    needs = {
        "district": {"district"},
        "practitioner": {"own"},
        "organisation": {"organisation", "own-patients", "shared-patients"},
    }
    needs["patient"] = {"self", "wards"}
    for thing, words in needs.items():
        if used & words and thing not in post:
            yield finding(f"{where}.post", f"rules use {sorted(used & words)}, so 'post' must list {thing}")


def _lint_fixed(where: str, fixed: Any, resource_types: frozenset[str]) -> Iterable[Issue]:
    if not isinstance(fixed, dict):
        yield finding(where, "a mapping from resource type to dotted paths is needed")
        return
    for key, paths in fixed.items():
        if key != ANY_TYPE:
            yield from _lint_types(f"{where}.{key}", [key], resource_types)
        if not isinstance(paths, list) or not paths or not all(isinstance(one, str) and one for one in paths):
            yield finding(f"{where}.{key}", "a list of dotted paths is needed")


def _lint_types(where: str, types: Any, resource_types: frozenset[str]) -> Iterable[Issue]:
    if not isinstance(types, list) or not types:
        yield finding(where, "a list of resource types is needed")
        return
    for name in types:
        if not isinstance(name, str) or not name[:1].isupper():
            yield finding(where, f"'{name}' is no resource type")
        elif resource_types and name not in resource_types:
            yield finding(where, f"'{name}' is no resource type of R4")


def finding(where: str, text: str) -> Issue:
    """Return an error at the place `where` of a document of roles."""
    return Issue("error", "invalid", f"{where}: {text}", (where,))
