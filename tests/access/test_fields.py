"""Protected fields as data: how they are masked, what reveals them, and when one predicate surely covers another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kangshu.access import (
    AllOf,
    AnyOf,
    Care,
    DistrictUnder,
    Everything,
    InCare,
    LabelsWithin,
    NoPatient,
    Nothing,
    OrganisationIn,
    PatientIn,
    Predicate,
    Scope,
    admits,
    covers,
    field_revealed_by,
    is_masked,
    masked,
    protected_at,
    protected_fields,
)
from kangshu.fhir import definitions

IDS = st.frozensets(st.sampled_from("abc"), max_size=3)
PREDICATES: st.SearchStrategy[Predicate] = st.recursive(
    st.one_of(
        st.just(Everything()),
        st.just(Nothing()),
        st.just(NoPatient()),
        st.sampled_from(("", "99", "9901")).map(DistrictUnder),
        IDS.map(OrganisationIn),
        IDS.map(PatientIn),
        IDS.map(LabelsWithin),
        st.builds(InCare, IDS, IDS, st.sampled_from(("TREAT", "PUBHLTH"))),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
        st.lists(inner, max_size=3).map(lambda parts: AllOf(tuple(parts))),
    ),
    max_leaves=5,
)
SOME = st.lists(st.sampled_from("abc"), max_size=2).map(tuple)
SCOPES = st.builds(
    Scope,
    st.sampled_from(("", "99", "9901", "98")),
    SOME,
    st.sampled_from(("", "a", "b")),
    SOME,
    st.lists(st.builds(Care, *[st.sampled_from("abc")] * 2, st.sampled_from(("", "TREAT"))), max_size=2).map(
        tuple
    ),
)


@given(PREDICATES, PREDICATES, SCOPES)
def test_what_covers_admits_no_less(wider: Predicate, narrower: Predicate, scope: Scope) -> None:
    if covers(wider, narrower) and admits(narrower, scope):
        assert admits(wider, scope)


@given(PREDICATES)
def test_a_predicate_covers_itself_and_everything_covers_it(one: Predicate) -> None:
    assert covers(one, one)
    assert covers(Everything(), one)
    assert covers(one, Nothing())


@given(st.text(min_size=1), st.sampled_from(sorted(protected_fields())))
def test_a_masked_value_is_known_and_never_the_value(text: str, field: str) -> None:
    shown = protected_fields()[field].hide(text)
    assert shown != text or set(text) == {"*"}
    assert is_masked(shown) or len(text) <= 2


@pytest.mark.parametrize(
    ("field", "text", "shown"),
    [
        # the division, which is shown anyway; with the last signs and the date of birth the number would be whole
        ("identity-number", "990102195001010019", "990102************"),
        ("telephone", "13800000000", "138****0000"),
        ("telephone", "12345", "1**45"),
        ("address", "康枢市东湖区云台路20弄8号", "康枢市东**********"),
    ],
)
def test_masks(field: str, text: str, shown: str) -> None:
    assert protected_fields()[field].hide(text) == shown


@pytest.mark.parametrize(("text", "shown"), [("张三", "张*"), ("张", "张*"), ("13800000000", "138****0000")])
def test_the_middle_is_hidden(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("identifier.where(system = 'urn:oid:2.16.156.10011.1.3').value", "identity-number"),
        ("identifier(urn:oid:2.16.156.10011.1.3).value", "identity-number"),
        ("identifier.where(type.coding.where(code = 'x').exists()).value", "identity-number"),
        ("Patient.identifier", "identity-number"),
        ("telecom.where(system = 'phone').first().value", "telephone"),
        ("contact[0].telecom(phone).value", "telephone"),
        ("contact", "telephone"),
        ("address[0].text", "address"),
        ("name[0].text", None),
        ("identifier.system", None),
        ("extension(household).valueString", None),
    ],
)
def test_the_field_behind_a_path(path: str, field: str | None) -> None:
    found = protected_at("Patient", path)
    assert (found.id if found else None) == field


def test_every_search_over_a_protected_element_is_listed() -> None:
    for field in protected_fields().values():
        for kind, elements in field.elements.items():
            heads = {path.split(".")[0] for path in elements} - {"contact"}
            for parameter in definitions().search_parameters(kind).values():
                reached = {
                    part.strip().removeprefix(f"{kind}.").split(".")[0].split("[")[0]
                    for part in parameter.expression.split("|")
                    if part.strip().startswith(f"{kind}.")
                }
                if reached & heads:
                    assert field_revealed_by(kind, parameter.name) is field, parameter.name
