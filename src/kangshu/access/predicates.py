"""What a grant may see, as a tree that names no engine.

A record has a `Scope`: the division it belongs to, the organisations that answer for it, the resident whose
compartment it is in and its sensitivity labels. A predicate admits a scope or not. The store compiles the tree
to PostgreSQL, measures to DuckDB; `admits` is the same meaning in Python, against which both are tested.
"""

from __future__ import annotations

from dataclasses import dataclass

from kangshu.base.divisions import division_prefix as division_prefix  # part of this room's face too


def person_key(practitioner: str) -> str:
    """Return how a Practitioner (an id) stands among those who answer for a record, beside ids of Organizations."""
    return f"Practitioner/{practitioner}"


@dataclass(frozen=True, slots=True)
class Care:
    """A relation that opens a resident's records to an organisation (an id); `purpose` "" is any purpose."""

    relation: str
    organisation: str
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a record belongs.

    `district` is a division code without trailing zeros pairs ("" where unknown), `organisations` the ids of
    Organization resources (and the `person_key` of a Practitioner who has a case alone), `patient` the id of the
    Patient whose compartment it is in, `labels` the codes of its
    meta.security that restrict. `care` holds the relations that are open now for its resident: they belong to the
    resident and not to the record, so they are looked up, and only where a predicate asks for them.
    """

    district: str = ""
    organisations: tuple[str, ...] = ()
    patient: str = ""
    labels: tuple[str, ...] = ()
    care: tuple[Care, ...] = ()


@dataclass(frozen=True, slots=True)
class Everything:
    """Admits all."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """Admits none."""


@dataclass(frozen=True, slots=True)
class DistrictUnder:
    """Admits records whose division is `prefix` or lies below it."""

    prefix: str


@dataclass(frozen=True, slots=True)
class OrganisationIn:
    """Admits records that one of these organisations answers for."""

    ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class PatientIn:
    """Admits records in the compartment of one of these residents."""

    ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class InCare:
    """Admits records of residents to whom one of these organisations stands in one of these relations now.

    A relation that was opened for one purpose counts for that purpose alone.
    """

    organisations: frozenset[str]
    relations: frozenset[str]
    purpose: str


@dataclass(frozen=True, slots=True)
class LabelsWithin:
    """Admits records all of whose labels are among these; without labels, what has none."""

    labels: frozenset[str]


@dataclass(frozen=True, slots=True)
class NoPatient:
    """Admits records that are in no resident's compartment."""


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Admits what any part admits; without parts, none."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """Admits what every part admits; without parts, all."""

    parts: tuple[Predicate, ...]


Predicate = (
    Everything
    | Nothing
    | DistrictUnder
    | OrganisationIn
    | PatientIn
    | InCare
    | LabelsWithin
    | NoPatient
    | AnyOf
    | AllOf
)


def admits(predicate: Predicate, scope: Scope) -> bool:
    """Return whether `predicate` admits a record of this `scope`."""
    match predicate:
        case Everything():
            return True
        case Nothing():
            return False
        case DistrictUnder(prefix):
            return scope.district.startswith(prefix)
        case OrganisationIn(ids):
            return any(one in ids for one in scope.organisations)
        case PatientIn(ids):
            return scope.patient in ids
        case InCare(organisations, relations, purpose):
            return bool(scope.patient) and any(
                one.organisation in organisations
                and one.relation in relations
                and one.purpose in ("", purpose)
                for one in scope.care
            )
        case LabelsWithin(labels):
            return labels.issuperset(scope.labels)
        case NoPatient():
            return not scope.patient
        case AnyOf(parts):
            return any(admits(part, scope) for part in parts)
        case AllOf(parts):
            return all(admits(part, scope) for part in parts)


def any_of(parts: list[Predicate]) -> Predicate:
    """Return the union of `parts`, simplified."""
    if any(isinstance(part, Everything) for part in parts):
        return Everything()
    kept = tuple(part for part in dict.fromkeys(parts) if not isinstance(part, Nothing))
    if not kept:
        return Nothing()
    return kept[0] if len(kept) == 1 else AnyOf(kept)


def all_of(parts: list[Predicate]) -> Predicate:
    """Return the intersection of `parts`, simplified."""
    if any(isinstance(part, Nothing) for part in parts):
        return Nothing()
    kept = tuple(part for part in dict.fromkeys(parts) if not isinstance(part, Everything))
    if not kept:
        return Everything()
    return kept[0] if len(kept) == 1 else AllOf(kept)


def asks_for_care(predicate: Predicate) -> bool:
    """Return whether `predicate` can be decided only with the resident's care relations."""
    match predicate:
        case InCare():
            return True
        case AnyOf(parts) | AllOf(parts):
            return any(asks_for_care(part) for part in parts)
        case _:
            return False


def covers(wider: Predicate, narrower: Predicate) -> bool:
    """Return whether `wider` surely admits whatever `narrower` admits; False where it cannot be told."""
    if wider == narrower or isinstance(wider, Everything) or isinstance(narrower, Nothing):
        return True
    if isinstance(narrower, AnyOf):
        return all(covers(wider, part) for part in narrower.parts)
    if isinstance(wider, AllOf):
        return all(covers(part, narrower) for part in wider.parts)
    if isinstance(wider, AnyOf) and any(covers(part, narrower) for part in wider.parts):
        return True
    if isinstance(narrower, AllOf):
        return any(covers(wider, part) for part in narrower.parts)
    match wider, narrower:
        case DistrictUnder(outer), DistrictUnder(inner):
            return inner.startswith(outer)
        case OrganisationIn(outer_ids), OrganisationIn(inner_ids):
            return inner_ids <= outer_ids
        case PatientIn(outer_ids), PatientIn(inner_ids):
            return inner_ids <= outer_ids
        case LabelsWithin(outer_ids), LabelsWithin(inner_ids):
            return inner_ids <= outer_ids
        case InCare(), InCare():
            return (
                narrower.organisations <= wider.organisations
                and narrower.relations <= wider.relations
                and narrower.purpose == wider.purpose
            )
        case _:
            return False
