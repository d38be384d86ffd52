"""The grant: the ticket without which no call to data can be made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from types import MappingProxyType

from kangshu.access.predicates import AnyOf, Everything, Nothing, PatientIn, Predicate, any_of
from kangshu.base.faults import Forbidden

ANY_TYPE = "*"
_NOTHING = Nothing()
_EMPTY: Mapping[str, Predicate] = MappingProxyType({})
_NO_PATHS: Mapping[str, frozenset[str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Grant:
    """What one account may see and do for one request.

    `read` and `write` map a resource type (or `*`) to the predicate that its records must meet.
    `operations` are the named acts that the account may perform, such as `plan.assign` or `case.move`.
    Grants are made by `access.open_grant` (an account's roles), `access.narrowed` (less of one) or `system_grant`
    (the product itself).
    """

    account: str
    display: str
    roles: tuple[str, ...] = ()
    organisation: str = ""
    """Id of the Organization on whose behalf the account acts; "" for none."""
    practitioner: str = ""
    patient: str = ""
    """Id of the Patient that the account is, for residents."""
    wards: frozenset[str] = frozenset()
    """Ids of the residents for whom the account acts, as guardian or near relative; in `read` already."""
    mandates: frozenset[str] = frozenset()
    """Ids of the residents who have charged the account with their affairs, which is less: no consent is given by it."""
    district: str = ""
    """Division prefix of the account's post."""
    purpose: str = "HOPERAT"
    """A code of v3-PurposeOfUse."""
    read: Mapping[str, Predicate] = field(default_factory=lambda: _EMPTY)
    write: Mapping[str, Predicate] = field(default_factory=lambda: _EMPTY)
    aggregate: Mapping[str, Predicate] = field(default_factory=lambda: _EMPTY)
    """Records that may be counted in a measure without being shown; a drill-down needs `read`."""
    operations: frozenset[str] = frozenset()
    """Names such as `plan.assign`, or globs such as `case.start:*`."""
    organisations: frozenset[str] = frozenset()
    """Ids of `organisation` and of every organisation below it."""
    clear: Mapping[str, Predicate] = field(default_factory=lambda: _EMPTY)
    """Protected field (or `*`) → the records in which it is shown in clear; everywhere else it is masked."""
    fixed: Mapping[str, frozenset[str]] = field(default_factory=lambda: _NO_PATHS)
    """Resource type → dotted paths that the account may not change in a record that is there."""
    on_behalf_of: str = ""
    """The account for which a deputy acts; "" for oneself."""
    app: str = ""
    """Client id of the application that the account uses; "" for the product's own pages."""
    emergency: frozenset[str] = frozenset()
    """Ids of the residents whose records an emergency has opened (break-glass); in `read` already."""

    def may_read(self, resource_type: str) -> Predicate:
        """Return the predicate that records of `resource_type` must meet to be seen."""
        return self.read.get(resource_type, self.read.get(ANY_TYPE, _NOTHING))

    def may_write(self, resource_type: str) -> Predicate:
        """Return the predicate that records of `resource_type` must meet to be written."""
        return self.write.get(resource_type, self.write.get(ANY_TYPE, _NOTHING))

    def may_count(self, resource_type: str) -> Predicate:
        """Return the predicate of the records of `resource_type` that may enter a number."""
        counted = self.aggregate.get(resource_type, self.aggregate.get(ANY_TYPE, _NOTHING))
        return any_of([counted, self.may_read(resource_type)])

    def may_see(self, protected_field: str) -> Predicate:
        """Return the predicate of the records in which `protected_field` is shown in clear."""
        return self.clear.get(protected_field, self.clear.get(ANY_TYPE, _NOTHING))

    def fixed_in(self, resource_type: str) -> frozenset[str]:
        """Return the dotted paths of `resource_type` that the account may not change once they stand."""
        return self.fixed.get(resource_type, frozenset()) | self.fixed.get(ANY_TYPE, frozenset())

    def may(self, operation: str) -> bool:
        """Return whether the account may perform `operation`."""
        if operation in self.operations or ANY_TYPE in self.operations:
            return True
        return any(fnmatchcase(operation, held) for held in self.operations if ANY_TYPE in held)

    def without_emergency(self) -> Grant:
        """Return this grant as it is without its emergencies: those are to read, and nothing is founded on them."""
        if not self.emergency:
            return self
        opened = PatientIn(self.emergency)
        read = {name: _less(predicate, opened) for name, predicate in self.read.items()}
        return replace(self, read=MappingProxyType(read), emergency=frozenset())

    def acts_for(self, organisation: str) -> bool:
        """Return whether the account acts on behalf of `organisation` (an id), as its own or one above it."""
        return bool(organisation) and (
            organisation == self.organisation or organisation in self.organisations
        )

    def acts_as(self, patient: str) -> bool:
        """Return whether the account is the resident `patient` (an id) or acts for that resident."""
        return bool(patient) and (patient == self.patient or patient in self.wards)

    def require(self, operation: str) -> None:
        """Raise Forbidden unless the account may perform `operation`."""
        if not self.may(operation):
            raise Forbidden(
                f"this account may not perform '{operation}'; ask the administrator for a role that may",
                zh=f"当前账号没有“{operation}”权限，请联系系统管理员分配相应角色",
            )


def _less(predicate: Predicate, opened: PatientIn) -> Predicate:
    """Return a union without the part `opened`, as `open_grant` joins it to what the roles admit."""
    if predicate == opened:
        return _NOTHING
    if isinstance(predicate, AnyOf):
        return any_of([part for part in predicate.parts if part != opened])
    return predicate


def system_grant(reason: str) -> Grant:
    """Return the grant of the product itself, for start-up, schedules and feed consumers.

    `reason` is written to the audit as the display name.
    """
    every = MappingProxyType({ANY_TYPE: Everything()})
    return Grant(
        account="system",
        display=reason,
        roles=("system",),
        purpose="SYSADMIN",
        read=every,
        write=every,
        aggregate=every,
        clear=every,
        operations=frozenset({ANY_TYPE}),
    )
