"""What the validator finds, where it says it is, and in which languages."""

from __future__ import annotations

from typing import Any

import pytest

from kangshu.base.faults import Malformed, NotFound
from kangshu.fhir import parse
from kangshu.fhirpath import compile
from kangshu.terminology import Terminology
from kangshu.validate import compile_profile, conforms, faults_of, profiles, validate

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [{"system": "urn:oid:2.16.156.10011.1.3", "value": "990102195005030018"}],
    "name": [{"text": "李建国", "family": "李", "given": ["建国"]}],
    "gender": "male",
    "birthDate": "1950-05-03",
    "extension": [{"url": "http://kangshu.org/fhir/StructureDefinition/district", "valueCode": "990102001"}],
    "managingOrganization": {"reference": "Organization/o1"},
}


def found(resource: dict[str, Any]) -> list[tuple[str, str]]:
    return [(issue.code, issue.expression[0]) for issue in faults_of(validate(resource))]


def test_a_good_resident_has_no_issue() -> None:
    assert validate(PATIENT) == ()


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        ({"nothing": 1}, "structure", "Patient.nothing"),
        ({"gender": "man"}, "code-invalid", "Patient.gender"),
        ({"gender": ["male"]}, "structure", "Patient.gender"),
        ({"name": {"text": "x"}}, "structure", "Patient.name"),
        ({"name": []}, "structure", "Patient.name"),
        ({"name": [{}]}, "invariant", "Patient.name[0]"),
        ({"name": [{"given": ["a", 7]}]}, "value", "Patient.name[0].given[1]"),
        ({"name": [{"given": ["a", None]}]}, "structure", "Patient.name[0].given[1]"),
        ({"birthDate": "1950-02-30"}, "value", "Patient.birthDate"),
        ({"birthDate": "1950/02/03"}, "value", "Patient.birthDate"),
        ({"id": "has space"}, "value", "Patient.id"),
        ({"active": "true"}, "value", "Patient.active"),
        ({"active": None}, "structure", "Patient.active"),
        ({"deceasedBoolean": True, "deceasedDateTime": "2020"}, "structure", "Patient"),
        ({"deceasedString": "x"}, "structure", "Patient.deceasedString"),
        ({"managingOrganization": {"reference": "Patient/2"}}, "structure", "Patient.managingOrganization"),
        ({"managingOrganization": {"reference": "#x"}}, "invariant", "Patient.managingOrganization"),
        ({"contact": [{"gender": "male"}]}, "invariant", "Patient.contact[0]"),
        ({"link": [{"type": "refer"}]}, "required", "Patient.link[0]"),
        ({"extension": [{"url": "http://x.org", "valueCode": "a", "extension": []}]}, "structure", "Patient.extension[0].extension"),
        ({"extension": [{"url": "http://x.org"}]}, "invariant", "Patient.extension[0]"),
        ({"extension": [{"valueCode": "a"}]}, "required", "Patient.extension[0]"),
        ({"text": {"status": "generated", "div": "<div><script>x</script></div>"}}, "value", "Patient.text.div"),
        ({"text": {"status": "generated", "div": "<div onclick='x()'>x</div>"}}, "value", "Patient.text.div"),
        ({"text": {"status": "generated", "div": "<div><a href='java\nscript:x'>x</a></div>"}}, "value", "Patient.text.div"),
        ({"text": {"status": "generated", "div": "<div>a"}}, "value", "Patient.text.div"),
        ({"contained": [{"resourceType": "Organization", "id": "c", "name": "x"}]}, "invariant", "Patient.contained[0]"),
        ({"contained": [{"resourceType": "Nothing"}]}, "structure", "Patient.contained[0]"),
        ({"_gender": {"extension": [{"url": "http://x.org"}]}}, "invariant", "Patient.gender.extension[0]"),
        ({"_name": [{}]}, "structure", "Patient.name"),
        ({"photo": [{"data": "AAAA", "size": 7}]}, "value", "Patient.photo[0]"),
        ({"multipleBirthInteger": 2**31}, "value", "Patient.multipleBirth.ofType(integer)"),
        ({"telecom": [{"value": "1"}]}, "invariant", "Patient.telecom[0]"),
    ],
)  # fmt: skip
def test_one_fault_is_one_issue_at_its_place(change: dict[str, Any], code: str, where: str) -> None:
    assert (code, where) in found({**PATIENT, **change})
    for issue in validate({**PATIENT, **change}):
        assert issue.zh
        assert issue.zh != issue.text


@pytest.mark.parametrize(
    "resource",
    [None, [], "x", {}, {"resourceType": 7}, {"resourceType": "Nothing"}, {"resourceType": "Resource"}],
)
def test_what_is_no_resource(resource: Any) -> None:
    assert faults_of(validate(resource))


def test_depth_is_bounded() -> None:
    item: dict[str, Any] = {"linkId": "x", "type": "group"}
    for _ in range(180):
        item = {"linkId": "x", "type": "group", "item": [item]}
    issues = validate({"resourceType": "Questionnaire", "status": "draft", "item": [item]})
    assert any("nested" in issue.text for issue in issues)


def test_findings_are_bounded() -> None:
    resource = {"resourceType": "Patient", "name": [{"nothing": n} for n in range(2000)]}
    issues = validate(resource)
    assert len(issues) == 501
    assert "1500 more" in issues[-1].text


PROFILE: dict[str, Any] = {
    "resourceType": "StructureDefinition",
    "url": "http://kangshu.org/fhir/StructureDefinition/test-resident",
    "type": "Patient",
    "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
    "differential": {
        "element": [
            {"id": "Patient.identifier", "min": 1, "slicing": {"discriminator": [{"type": "value", "path": "system"}], "rules": "open"}},
            {"id": "Patient.identifier:card", "min": 1, "max": "1"},
            {"id": "Patient.identifier:card.system", "min": 1, "fixedUri": "urn:oid:2.16.156.10011.1.3"},
            {"id": "Patient.identifier:card.value", "min": 1, "constraint": [
                {"key": "card-1", "severity": "error", "human": "18 signs", "expression": "length() = 18"}]},
            {"id": "Patient.photo", "max": "0"},
            {"id": "Patient.maritalStatus", "patternCodeableConcept": {"coding": [{"code": "M"}]}},
            {"id": "Patient.deceased[x]", "type": [{"code": "dateTime"}]},
        ]
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"identifier": [{"system": "http://other", "value": "1"}]}, "Patient.identifier"),
        ({"identifier": PATIENT["identifier"] * 2}, "Patient.identifier"),
        ({"identifier": [{"system": "urn:oid:2.16.156.10011.1.3"}]}, "Patient.identifier[0].value"),
        (
            {"identifier": [{"system": "urn:oid:2.16.156.10011.1.3", "value": "1"}]},
            "Patient.identifier[0].value",
        ),
        ({"photo": [{"url": "http://x.org/1.png"}]}, "Patient.photo"),
        ({"maritalStatus": {"coding": [{"code": "S"}]}}, "Patient.maritalStatus"),
        ({"deceasedBoolean": True}, "Patient.deceased.ofType(boolean)"),
    ],
)
def test_profiles(change: dict[str, Any], where: str) -> None:
    assert faults_of(validate(PATIENT, PROFILE)) == ()
    issues = faults_of(validate({**PATIENT, **change}, PROFILE))
    assert [issue.expression[0] for issue in issues] == [where]


def test_profiles_by_canonical() -> None:
    profiles().add(PROFILE)
    claimed = {**PATIENT, "meta": {"profile": [PROFILE["url"]]}, "photo": [{"url": "http://x.org/1.png"}]}
    assert found(claimed) == [("structure", "Patient.photo")]
    assert faults_of(validate(PATIENT, PROFILE["url"])) == ()
    assert conforms(PATIENT, PROFILE["url"])
    assert compile("conformsTo(%p)").evaluate(claimed, {"p": [PROFILE["url"]]}, conforms=conforms) == [False]
    with pytest.raises(NotFound):
        validate(PATIENT, "http://nobody.org/x")
    with pytest.raises(Malformed):
        compile_profile({"resourceType": "StructureDefinition", "type": "Nothing"})
    unknown = validate({**PATIENT, "meta": {"profile": ["http://nobody.org/x"]}})
    assert [issue.severity for issue in unknown] == ["information"]


def test_vital_signs_are_held_to_their_profile() -> None:
    pressure = parse(
        """{"resourceType":"Observation","status":"final","subject":{"reference":"Patient/p1"},
        "category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],
        "code":{"coding":[{"system":"http://loinc.org","code":"85354-9"}]},"effectiveDateTime":"2024-05-01",
        "component":[
        {"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"valueQuantity":
          {"value":130,"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"}},
        {"code":{"coding":[{"system":"http://loinc.org","code":"8462-4"}]},"valueQuantity":
          {"value":80,"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"}}]}"""
    )
    assert faults_of(validate(pressure)) == ()
    del pressure["component"][1]
    assert set(found(pressure)) == {("required", "Observation.component")}


def test_terminology() -> None:
    known = Terminology()
    gender = "http://hl7.org/fhir/ValueSet/administrative-gender"
    assert known.validate_code(gender, "male") is True
    assert known.validate_code(gender + "|4.0.1", "man", "http://hl7.org/fhir/administrative-gender") is False
    assert known.validate_code("http://nobody.org/x", "a") is None
    assert known.validate_code("http://hl7.org/fhir/ValueSet/mimetypes", "application/fhir+json") is True
    assert known.display("http://hl7.org/fhir/administrative-gender", "male") == "Male"
    system = "http://kangshu.org/fhir/CodeSystem/ability-level"
    known.add({"resourceType": "CodeSystem", "url": system, "content": "complete", "concept": [
        {"code": "0", "display": "完好"}, {"code": "bad", "display": "失能", "concept": [{"code": "3"}, {"code": "4"}]}]})  # fmt: skip
    known.add({"resourceType": "ValueSet", "url": "http://x.org/vs", "compose": {"include": [
        {"system": system, "filter": [{"property": "concept", "op": "is-a", "value": "bad"}]}],
        "exclude": [{"system": system, "concept": [{"code": "4"}]}]}})  # fmt: skip
    assert [concept.code for concept in known.expand("http://x.org/vs")] == ["bad", "3"]
    assert known.validate_code("http://x.org/vs", "0", system) is False
    assert known.knows_code(system, "3") is True
    assert [c.display for c in known.expand("http://x.org/vs", filter="失")] == ["失能"]
    with pytest.raises(NotFound):
        known.expand("http://nobody.org/x")


@pytest.mark.parametrize(
    "div",
    ["<div " + 'a="' * 50_000, "<div>" + "<a" * 50_000, "<" * 100_000, "<div>" + "<p>" * 50_000, "<div " + " " * 100_000 + "x",
     "<div>" + "<!--" * 50_000, '<!DOCTYPE a [<!ENTITY b "c">]><div>&b;</div>', "<?php x ?><div>x</div>", "<div a='1' a='2'>x</div>",
     '<div><a href="java&#115;cript:x()">x</a></div>', "<div><br>x</div>", "<DIV>x</DIV>", "<div>a & b</div>", "<div>x</div>y"],
)  # fmt: skip
def test_narratives_from_strangers(div: str) -> None:
    assert ("value", "Patient.text.div") in found({**PATIENT, "text": {"status": "generated", "div": div}})


@pytest.mark.parametrize(
    "div",
    ['<div xmlns="http://www.w3.org/1999/xhtml"><p class = "x">甲&nbsp;乙</p><br/><img src="#a" alt="b = c"/></div>',
     "<div><!-- c --><table border='1'><tr><td colspan='2'>x</td></tr></table></div>", "<div><![CDATA[<b>]]></div>"],
)  # fmt: skip
def test_narratives_that_may_be_shown(div: str) -> None:
    assert validate({**PATIENT, "text": {"status": "generated", "div": div}}) == ()
