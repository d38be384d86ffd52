"""Roles compile to grants: what a scope word admits, how roles join, and what the linter finds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kangshu.access import (
    SCOPE_WORDS,
    AllOf,
    Care,
    DistrictUnder,
    Everything,
    InCare,
    LabelsWithin,
    Nothing,
    PatientIn,
    Role,
    Scope,
    Subject,
    admits,
    field_revealed_by,
    lint_roles,
    masked,
    narrowed,
    open_grant,
    parse_roles,
)
from kangshu.base.faults import Forbidden, Invalid

DOCUMENT = {
    "groups": {"directory": ["Organization", "Location"]},
    "roles": {
        "doctor": {
            "title": {"zh": "医生", "en": "Doctor"},
            "post": ["organisation"],
            "read": {"@directory": "everything", "*": ["organisation", "own-patients"], "Location": "none"},
            "write": {"Patient": "organisation"},
            "operations": ["case.start:referral/*", "measure.read"],
            "purposes": ["TREAT", "ETREAT"],
            "labels": ["R"],
            "clear": {"identity-number": "own-patients"},
            "fixed": {"Patient": ["managingOrganization"]},
        },
        "clerk": {
            "title": {"zh": "经办人", "en": "Clerk"},
            "post": ["district"],
            "read": {"Patient": "district"},
            "aggregate": {"*": "everything"},
        },
    },
}
SUBJECT = Subject(
    account="a",
    display="甲",
    organisation="chc-1",
    organisations=frozenset({"chc-1", "station-1"}),
    district="990102",
)
MANAGED = (Care("managed", "station-1"),)


def roles(*ids: str) -> list[Role]:
    found = parse_roles(DOCUMENT)
    return [found[one] for one in ids]


def test_words_of_a_list_widen() -> None:
    grant = open_grant(SUBJECT, roles("doctor"))
    seen = grant.may_read("Encounter")
    assert admits(seen, Scope(organisations=("station-1",), patient="p9"))
    assert admits(seen, Scope(organisations=("hospital",), patient="p1", care=MANAGED))
    assert not admits(seen, Scope(organisations=("hospital",), patient="p9"))


def test_a_named_type_stands_before_its_group_and_the_star() -> None:
    grant = open_grant(SUBJECT, roles("doctor"))
    assert grant.may_read("Organization") == LabelsWithin(frozenset({"R"}))
    assert grant.may_read("Location") == Nothing()


def test_two_roles_are_the_union_and_the_star_of_one_is_not_lost() -> None:
    grant = open_grant(SUBJECT, roles("doctor", "clerk"))
    seen = grant.may_read("Patient")
    assert admits(seen, Scope(district="990102001", patient="p7"))
    assert admits(seen, Scope(district="990103001", patient="p1", care=MANAGED))
    assert not admits(seen, Scope(district="990103001", patient="p7"))


def test_counting_is_wider_than_reading() -> None:
    grant = open_grant(SUBJECT, roles("clerk"))
    assert grant.may_count("Encounter") == Everything()
    assert grant.may_read("Encounter") == Nothing()


def test_no_role_no_data() -> None:
    grant = open_grant(SUBJECT, [])
    assert grant.may_read("Patient") == Nothing()
    assert not grant.may("measure.read")


def test_a_glob_of_operations() -> None:
    grant = open_grant(SUBJECT, roles("doctor"))
    assert grant.may("case.start:referral/referral")
    assert not grant.may("case.start:supervision/duty")
    with pytest.raises(Forbidden):
        grant.require("plan.import")


def test_the_district_of_a_whole_city_covers_its_districts() -> None:
    grant = open_grant(Subject(account="a", display="", district="990100"), roles("clerk"))
    assert grant.may_read("Patient") == AllOf((DistrictUnder("9901"), LabelsWithin(frozenset())))
    assert admits(grant.may_read("Patient"), Scope(district="990105001001"))


@given(st.sampled_from(SCOPE_WORDS), st.sampled_from(SCOPE_WORDS), st.text(max_size=6))
def test_an_account_without_a_post_reads_no_residents_data(first: str, second: str, district: str) -> None:
    """Only `everything` opens a compartment to an account that has no organisation, district or resident."""
    body = {"title": {"zh": "角", "en": "r"}, "post": ["district", "organisation", "patient", "practitioner"]}
    body["read"] = {"*": f"{first} and {second}"}
    (role,) = parse_roles({"roles": {"r": body}}).values()
    seen = open_grant(Subject(account="a", display=""), [role]).may_read("Encounter")
    opened = admits(seen, Scope(district=district, organisations=("o",), patient="p"))
    assert opened == (first == second == "everything")


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"title": {"zh": "角", "en": "r"}, "read": {"Patient": "all"}}, "unknown scope word"),
        ({"title": {"zh": "角", "en": "r"}, "read": {"@people": "everything"}}, "no group"),
        ({"title": {"zh": "角", "en": "r"}, "read": {"Patient": "district"}}, "'post' must list district"),
        ({"title": {"zh": "角"}, "read": {}}, "title"),
        ({"title": {"zh": "角", "en": "r"}, "reads": {}}, "unknown field"),
        ({"title": {"zh": "角", "en": "r"}, "operations": "all"}, "operation"),
        ({"title": {"zh": "角", "en": "r"}, "read": {"patient": "everything"}}, "no resource type"),
        ({"title": {"zh": "角", "en": "r"}, "clear": {"shoe-size": "everything"}}, "no field"),
        ({"title": {"zh": "角", "en": "r"}, "purposes": []}, "at least one purpose"),
        ({"title": {"zh": "角", "en": "r"}, "fixed": {"Patient": []}}, "dotted paths"),
    ],
)
def test_the_linter_names_the_fault(body: dict[str, object], word: str) -> None:
    findings = lint_roles({"roles": {"r": body}})
    assert any(word in one.text for one in findings)
    assert all(one.expression[0].startswith("roles.r") for one in findings)
    with pytest.raises(Invalid):
        parse_roles({"roles": {"r": body}})


def test_labels_hide_a_record_from_those_who_may_not_see_them() -> None:
    seen = open_grant(SUBJECT, roles("doctor")).may_read("Condition")
    own = Scope(organisations=("station-1",), patient="p1")
    assert admits(seen, own)
    assert admits(seen, Scope(organisations=("station-1",), patient="p1", labels=("R",)))
    assert not admits(seen, Scope(organisations=("station-1",), patient="p1", labels=("R", "HIV")))


def test_a_number_counts_records_with_labels() -> None:
    assert admits(open_grant(SUBJECT, roles("clerk")).may_count("Condition"), Scope(labels=("HIV",)))


def test_a_relation_opened_for_one_purpose_counts_for_that_alone() -> None:
    inside = InCare(frozenset({"h"}), frozenset({"consent"}), "TREAT")
    assert admits(inside, Scope(patient="p", care=(Care("consent", "h", "TREAT"),)))
    assert admits(inside, Scope(patient="p", care=(Care("consent", "h"),)))
    assert not admits(inside, Scope(patient="p", care=(Care("consent", "h", "HRESCH"),)))
    assert not admits(inside, Scope(patient="p", care=(Care("managed", "h"),)))
    assert not admits(inside, Scope(patient="p"))


def test_a_role_serves_its_purposes_only() -> None:
    assert open_grant(SUBJECT, roles("doctor")).purpose == "TREAT"
    assert open_grant(SUBJECT, roles("doctor"), "ETREAT").purpose == "ETREAT"
    refused = open_grant(SUBJECT, roles("doctor"), "HMARKT")
    assert refused.may_read("Encounter") == Nothing()
    assert not refused.operations


def test_an_emergency_opens_one_resident_whatever_the_labels() -> None:
    subject = Subject(account="a", display="", organisation="chc-1", emergency=frozenset({"p9"}))
    grant = open_grant(subject, roles("doctor"))
    assert admits(grant.may_read("Condition"), Scope(patient="p9", labels=("HIV",)))
    assert not admits(grant.may_read("Condition"), Scope(patient="p8"))
    assert not admits(grant.may_write("Condition"), Scope(patient="p9"))


def test_an_app_has_less_than_its_account() -> None:
    grant = open_grant(SUBJECT, roles("doctor"))
    less = narrowed(
        grant, read=["Encounter", "AuditEvent"], operations=["measure.read", "plan.import"], app="x"
    )
    assert less.may_read("Encounter") == grant.may_read("Encounter")
    assert less.may_read("Patient") == less.may_write("Encounter") == Nothing()
    assert less.operations == {"measure.read"}
    one = narrowed(grant, read=["*"], within=PatientIn(frozenset({"p1"})))
    inside = Scope(organisations=("station-1",), patient="p1")
    assert admits(one.may_read("Encounter"), inside)
    assert not admits(one.may_read("Encounter"), Scope(organisations=("station-1",), patient="p2"))


def test_protected_fields_are_masked_and_their_searches_known() -> None:
    assert masked("990102199001011237") == "990102********1237"
    assert masked("张三") == "张*"
    found = field_revealed_by("Patient", "address-city")
    assert found is not None
    assert found.id == "address"
    assert field_revealed_by("Patient", "birthdate") is None
    grant = open_grant(SUBJECT, roles("doctor"))
    assert admits(grant.may_see("identity-number"), Scope(patient="p1", care=MANAGED))
    assert not admits(grant.may_see("identity-number"), Scope(patient="p1"))
    assert grant.may_see("telephone") == Nothing()
    assert grant.fixed_in("Patient") == {"managingOrganization"}
