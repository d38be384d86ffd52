"""What is told of a policy is what the policy does: explanations and reasons agree with the grant."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kangshu.access import (
    BASES,
    SCOPE_WORDS,
    Care,
    Nothing,
    Scope,
    Subject,
    admits,
    basis_title,
    data_kinds,
    explain,
    label_title,
    open_grant,
    parse_roles,
    purpose_title,
    why,
)
from kangshu.access.vocabulary import scope_words
from kangshu.app.wiring import city_roles
from kangshu.fhir import definitions

TITLE = {"zh": "角", "en": "r"}
DOCTOR = Subject(
    account="d",
    display="",
    organisation="centre",
    organisations=frozenset({"centre", "clinic"}),
    district="990102",
)
MANAGED = (Care("managed", "centre"),)

phrases = st.lists(st.sampled_from(SCOPE_WORDS), min_size=1, max_size=2).map(" and ".join)
rules = st.dictionaries(
    st.sampled_from(["*", "Patient", "Condition", "AuditEvent"]),
    st.lists(phrases, min_size=1, max_size=3),
    max_size=3,
)
labels = st.lists(st.sampled_from(["R", "HIV", "PSY", "*"]), max_size=2, unique=True)
roles = st.builds(
    lambda read, write, count, clear, held: {
        "title": TITLE,
        "post": ["district", "organisation", "patient", "practitioner"],
        "purposes": ["TREAT", "HOPERAT"],
        "read": read,
        "write": write,
        "aggregate": count,
        "clear": {"telephone": clear},
        "labels": held,
    },
    rules,
    rules,
    rules,
    st.lists(phrases, min_size=1, max_size=2),
    labels,
)
subjects = st.builds(
    lambda place, organisation, patient, ward, emergency: Subject(
        account="a",
        display="",
        organisation=organisation,
        organisations=frozenset({organisation} - {""}),
        patient=patient,
        wards=frozenset({ward} - {""}),
        district=place,
        emergency=frozenset({emergency} - {""}),
    ),
    st.sampled_from(["", "990102", "990103"]),
    st.sampled_from(["", "o1", "o2"]),
    st.sampled_from(["", "p1"]),
    st.sampled_from(["", "p2"]),
    st.sampled_from(["", "p3"]),
)
scopes = st.builds(
    lambda place, organisation, patient, marks, relation, who: Scope(
        place, (organisation,), patient, tuple(marks), (Care(relation, who),) if patient else ()
    ),
    st.sampled_from(["", "990102001", "990103001"]),
    st.sampled_from(["o1", "o2", "o3"]),
    st.sampled_from(["", "p1", "p2", "p3"]),
    st.lists(st.sampled_from(["R", "HIV", "PSY"]), max_size=2, unique=True),
    st.sampled_from(["managed", "contract", "case", "consent"]),
    st.sampled_from(["o1", "o2"]),
)


@settings(deadline=None)
@given(
    st.lists(roles, min_size=1, max_size=3),
    subjects,
    scopes,
    st.sampled_from(["Patient", "Condition", "Encounter", "AuditEvent"]),
    st.sampled_from(["", "HOPERAT", "HRESCH"]),
)
def test_a_decision_is_the_grants(
    bodies: list[dict[str, object]], subject: Subject, scope: Scope, kind: str, purpose: str
) -> None:
    held = list(parse_roles({"roles": {f"r{number}": body for number, body in enumerate(bodies)}}).values())
    grant = open_grant(subject, held, purpose)
    for action, predicate in (
        ("read", grant.may_read(kind)),
        ("write", grant.may_write(kind)),
        ("count", grant.may_count(kind)),
        ("clear", grant.may_see("telephone")),
    ):
        decision = why(subject, held, action, "telephone" if action == "clear" else kind, scope, purpose)
        assert decision.allowed == admits(predicate, scope), action
        assert all(one.admits == decision.allowed for one in decision.reasons)
        assert decision.reasons or not decision.allowed


@settings(deadline=None)
@given(st.lists(roles, min_size=1, max_size=2), subjects, scopes, st.sampled_from(["Patient", "AuditEvent"]))
def test_without_its_emergency_a_grant_is_that_of_a_subject_without_one(
    bodies: list[dict[str, object]], subject: Subject, scope: Scope, kind: str
) -> None:
    held = list(parse_roles({"roles": {f"r{number}": body for number, body in enumerate(bodies)}}).values())
    less = open_grant(subject, held).without_emergency()
    plain = open_grant(replace(subject, emergency=frozenset()), held)
    assert not less.emergency
    assert admits(less.may_read(kind), scope) == admits(plain.may_read(kind), scope)


@settings(deadline=None)
@given(st.lists(roles, min_size=1, max_size=2), subjects, scopes)
def test_what_is_not_told_is_closed(bodies: list[dict[str, object]], subject: Subject, scope: Scope) -> None:
    held = list(parse_roles({"roles": {f"r{number}": body for number, body in enumerate(bodies)}}).values())
    grant = open_grant(subject, held)
    told = {(one.action, name) for one in explain(subject, held) if not one.empty for name in one.types}
    for kind in data_kinds():
        for name in kind.types:
            for action, predicate in (("read", grant.may_read(name)), ("write", grant.may_write(name))):
                assert ((action, name) in told) == (predicate != Nothing()), (action, name)


def test_a_reason_names_role_relation_ground_and_clause() -> None:
    role = city_roles()["community-doctor"]
    open_scope = Scope("990103001", (), "p1", (), MANAGED)
    (reason,) = why(DOCTOR, [role], "read", "Condition", open_scope).reasons
    assert (reason.role, reason.words) == ("community-doctor", "own-patients")
    assert [(one.title.zh, one.basis) for one in reason.grounds] == [("属地健康管理", "statutory")]
    assert "第十三条" in reason.grounds[0].clause


def test_a_refusal_says_what_would_be_needed() -> None:
    role = city_roles()["community-doctor"]
    closed = why(DOCTOR, [role], "read", "Condition", Scope("990103001", (), "p1"))
    assert not closed.allowed
    needs = " ".join(need.zh for reason in closed.reasons for need in reason.needs)
    assert "服务关系" in needs
    assert "家庭医生签约" in needs
    labelled = why(DOCTOR, [role], "read", "Condition", Scope("990103001", (), "p1", ("HIV",), MANAGED))
    assert [need.zh for need in labelled.reasons[0].needs] == ["角色可看带敏感标签“艾滋病”的记录"]


def test_an_emergency_is_a_reason_of_its_own() -> None:
    subject = Subject(account="d", display="", organisation="centre", emergency=frozenset({"p9"}))
    role = city_roles()["community-doctor"]
    opened = why(subject, [role], "read", "Condition", Scope(patient="p9", labels=("HIV",)))
    assert opened.allowed
    assert opened.reasons[0].grounds[0].basis == "emergency"
    assert not why(subject, [role], "write", "Condition", Scope(patient="p9")).allowed
    assert not why(subject, [role], "read", "AuditEvent", Scope(patient="p9")).allowed


def test_every_word_label_purpose_and_ground_of_the_ready_made_roles_has_its_name() -> None:
    assert scope_words().keys() == {*SCOPE_WORDS, "emergency"}
    for role in city_roles().values():
        for code in role.labels:
            assert label_title(code).zh != code, code
        for code in role.purposes:
            assert purpose_title(code).zh != code, code
    assert all(basis_title(code).zh != code for code in BASES)
    assert all(
        one.basis in ("", *BASES) and bool(one.basis) == bool(one.clause) for one in scope_words().values()
    )


def test_the_kinds_of_data_are_every_resource_type_once() -> None:
    types = [name for kind in data_kinds() for name in kind.types]
    assert sorted(types) == sorted(definitions().resource_types)


@pytest.mark.parametrize("role", sorted(city_roles()))
def test_what_a_role_opens_is_told_without_gaps(role: str) -> None:
    subject = Subject(
        account="a", display="", organisation="o", organisations=frozenset({"o"}), district="990102",
        patient="p", practitioner="x", wards=frozenset({"w"}), mandates=frozenset({"m"}),
    )  # fmt: skip
    told = explain(subject, [city_roles()[role]])
    assert told
    assert all(one.text.zh and one.text.en and "{" not in one.text.zh + one.text.en for one in told)
    assert not any(one.empty for one in told)
