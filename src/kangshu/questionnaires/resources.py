"""What a questionnaire and a filled-in one are in FHIR: Questionnaire, QuestionnaireResponse, Observation."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from kangshu.base.canonical import BASE, code_system, structure
from kangshu.base.parameters import ParameterVersion
from kangshu.base.text import Text
from kangshu.questionnaires.answers import answer_items
from kangshu.questionnaires.scoring import FoundLevel, Outcome
from kangshu.sdk import (
    MeasuredPart,
    QuestionnaireDeclaration,
    QuestionnaireItem,
    QuestionnaireResult,
    Resource,
    ScoreOption,
)

ASSESSOR: Final = structure("assessor")
"""Extension of a QuestionnaireResponse, one per signature: who, account, when."""
ABOUT_CASE: Final = structure("about-case")
VALID_UNTIL: Final = structure("valid-until")
PARAMETER_USED: Final = structure("parameter-used")
"""Extension (valueString) of a QuestionnaireResponse, one per parameter: its version as JSON, so that the result can be
told and repeated whatever is entered later."""
RESULTS: Final = "results"
"""linkId of the group that holds what was reckoned."""
_ORDINAL: Final = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
_TRANSLATION: Final = "http://hl7.org/fhir/StructureDefinition/translation"
_LOINC: Final = "http://loinc.org"
_UCUM: Final = "http://unitsofmeasure.org"
_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
_TYPES: Final = {"choices": "choice", "text": "string", "paragraph": "text"}


def canonical_of(declaration: QuestionnaireDeclaration) -> str:
    """Return the url of the Questionnaire."""
    return f"{BASE}/Questionnaire/{identity_of(declaration)}"


def identity_of(declaration: QuestionnaireDeclaration) -> str:
    """Return the id of the Questionnaire."""
    return declaration.code.replace("/", "-").replace("_", "-")


def questionnaire_resource(declaration: QuestionnaireDeclaration) -> Resource:
    """Return the Questionnaire: Chinese text with English as translation, each answer with its score.

    Its version is a digest of the declaration, so that a response says which wording was answered.
    """
    digest = hashlib.sha256(repr(declaration).encode()).hexdigest()[:12]
    name = "".join(part.capitalize() for part in identity_of(declaration).split("-"))
    made: Resource = {
        "resourceType": "Questionnaire",
        "id": identity_of(declaration),
        "url": canonical_of(declaration),
        "version": digest,
        "name": name,
        "title": declaration.title.zh,
        "_title": _translated(declaration.title),
        "status": "active",
        "subjectType": [declaration.subject_type],
        "copyright": declaration.source,
        "item": [
            {
                "linkId": section.id,
                "text": section.title.zh,
                "_text": _translated(section.title),
                "type": "group",
                "item": [_item(one) for one in section.items],
            }
            for section in declaration.sections
        ],
    }
    results: list[Resource] = [
        {"linkId": f"score.{one.id}", "text": one.title.zh, "type": "decimal", "readOnly": True}
        for one in declaration.scores
    ]
    results += [
        {
            "linkId": f"level.{one.id}",
            "text": one.title.zh,
            "type": "choice",
            "readOnly": True,
            "answerOption": [
                {"valueCoding": {"code": option.code, "display": option.title.zh}} for option in one.options
            ],
        }
        for one in declaration.levels
    ]
    if results:
        made["item"].append({"linkId": RESULTS, "text": "评定结果", "type": "group", "item": results})
    return made


def _item(item: QuestionnaireItem) -> Resource:
    made: Resource = {
        "linkId": item.id,
        "text": item.title.zh,
        "_text": _translated(item.title),
        "type": _TYPES.get(item.kind, item.kind),
        "required": item.required,
        "repeats": item.kind == "choices",
    }
    if item.number:
        made["prefix"] = item.number
    if item.options:
        made["answerOption"] = [_option(one) for one in item.options]
    return made


def _option(option: ScoreOption) -> Resource:
    made: Resource = {"valueCoding": {"code": option.code, "display": option.title.zh}}
    if option.score is not None:
        made["extension"] = [{"url": _ORDINAL, "valueDecimal": option.score}]
    return made


def _translated(text: Text) -> Resource:
    english = [{"url": "lang", "valueCode": "en"}, {"url": "content", "valueString": text.en}]
    return {"extension": [{"url": _TRANSLATION, "extension": english}]}


def response_resource(
    declaration: QuestionnaireDeclaration,
    subject: str,
    answers: Mapping[str, Any],
    outcome: Outcome,
    *,
    id: str,
    authored: str,
    author: str,
    complete: bool,
    about: str = "",
) -> Resource:
    """Return the QuestionnaireResponse of these answers, with what they come to once it is complete."""
    version = questionnaire_resource(declaration)["version"]
    made: Resource = {
        "resourceType": "QuestionnaireResponse",
        "id": id,
        "questionnaire": f"{canonical_of(declaration)}|{version}",
        "status": "completed" if complete else "in-progress",
        "subject": {"reference": subject},
        "authored": authored,
        "item": answer_items(declaration, answers),
    }
    if author:
        made["author"] = {"reference": author}
    extensions: list[Resource] = []
    if about:
        extensions.append({"url": ABOUT_CASE, "valueReference": {"reference": about}})
    if complete:
        extensions += [{"url": PARAMETER_USED, "valueString": _used(one)} for one in outcome.used]
        if results := _results(outcome, declaration):
            made["item"].append({"linkId": RESULTS, "text": "评定结果", "item": results})
    if extensions:
        made["extension"] = extensions
    if not made["item"]:
        del made["item"]
    return made


def _used(version: ParameterVersion) -> str:
    return json.dumps(version.as_data(), ensure_ascii=False, default=str)


def parameters_of(response: Resource) -> dict[str, ParameterVersion]:
    """Return the versions of the parameters that a signed response went by, by id."""
    kept = (
        ParameterVersion.from_data(json.loads(one["valueString"]))
        for one in response.get("extension", ())
        if one.get("url") == PARAMETER_USED
    )
    return {one.id: one for one in kept}


def _results(outcome: Outcome, declaration: QuestionnaireDeclaration) -> list[Resource]:
    made: list[Resource] = [
        {
            "linkId": f"score.{one.id}",
            "text": one.title.zh,
            "answer": [{"valueDecimal": outcome.scores[one.id]}],
        }
        for one in declaration.scores
        if one.id in outcome.scores
    ]
    made += [
        {
            "linkId": f"level.{name}",
            "text": found.level.title.zh,
            "answer": [{"valueCoding": {"code": found.option.code, "display": found.option.title.zh}}],
        }
        for name, found in outcome.levels.items()
    ]
    return made


def observation_resource(
    declaration: QuestionnaireDeclaration,
    result: QuestionnaireResult,
    response: Resource,
    outcome: Outcome,
    *,
    id: str,
    issued: str,
    final: bool,
    performers: Sequence[str],
    until: date | None,
) -> Resource:
    """Return the Observation that other services read: the result's score as value, its level as interpretation.

    It is preliminary until all who must sign have signed.
    """
    made: Resource = {
        "resourceType": "Observation",
        "id": id,
        "status": "final" if final else "preliminary",
        "code": {
            "coding": [
                {"system": code_system("assessment"), "code": result.code, "display": declaration.title.zh}
            ]
        },
        "subject": response["subject"],
        "effectiveDateTime": str(response["authored"])[:10],
        "issued": issued,
        "performer": [{"reference": one} for one in performers],
        "derivedFrom": [{"reference": f"QuestionnaireResponse/{response['id']}"}],
    }
    if result.score in outcome.scores:
        unit = next(one.unit for one in declaration.scores if one.id == result.score)
        made.update(_value(outcome.scores[result.score], unit))
    if result.level in outcome.levels:
        made["interpretation"] = [_level(outcome.levels[result.level], result.level_system)]
    components = [
        {
            "code": {"text": one.title.zh, "coding": [_coding(declaration, one.id, one.title)]},
            **_value(outcome.scores[one.id], one.unit),
        }
        for one in declaration.scores
        if one.id in outcome.scores and one.id != result.score
    ]
    components += [
        {
            "code": {"text": one.title.zh, "coding": [_coding(declaration, one.id, one.title)]},
            "valueCodeableConcept": _level(outcome.levels[one.id], ""),
        }
        for one in declaration.levels
        if one.id in outcome.levels and one.id != result.level
    ]
    if components:
        made["component"] = components
    extensions = [one for one in response.get("extension", ()) if one["url"] == ABOUT_CASE]
    if until is not None:
        extensions.append({"url": VALID_UNTIL, "valueDate": until.isoformat()})
    if extensions:
        made["extension"] = extensions
    return made


def _coding(declaration: QuestionnaireDeclaration, id_: str, title: Text) -> Resource:
    return {"system": canonical_of(declaration), "code": id_, "display": title.zh}


def _level(found: FoundLevel, system: str) -> Resource:
    coding: Resource = {"code": found.option.code, "display": found.option.title.zh}
    if system:
        coding["system"] = code_system(system)
    return {"coding": [coding], "text": found.option.title.zh}


def measured_resources(
    declaration: QuestionnaireDeclaration,
    response: Resource,
    answers: Mapping[str, Any],
    outcome: Outcome,
    *,
    issued: str,
    final: bool,
    performers: Sequence[str],
) -> list[Resource]:
    """Return an Observation per declared measurement whose figures are all there, as the health record has them.

    Each has an id of its own form, so that another signature writes the same record again.
    """
    figures = {**answers, **outcome.scores}
    made: list[Resource] = []
    for one in declaration.observations:
        parts = one.parts or (MeasuredPart(one.code, one.title, one.of, one.unit),)
        if any(figures.get(part.of) is None for part in parts):
            continue
        values = [_quantity(part, figures[part.of]) for part in parts]
        made.append(
            {
                "resourceType": "Observation",
                "id": f"{response['id']}-{one.code}",
                "status": "final" if final else "preliminary",
                "category": [{"coding": [{"system": _CATEGORY, "code": one.category}]}],
                "code": _loinc(one.code, one.title),
                "subject": response["subject"],
                "effectiveDateTime": str(response["authored"])[:10],
                "issued": issued,
                "performer": [{"reference": name} for name in performers],
                "derivedFrom": [{"reference": f"QuestionnaireResponse/{response['id']}"}],
                **(
                    {
                        "component": [
                            {"code": _loinc(part.code, part.title), **value}
                            for part, value in zip(parts, values, strict=True)
                        ]
                    }
                    if one.parts
                    else values[0]
                ),
            }
        )
    return made


def _loinc(code: str, title: Text) -> Resource:
    return {"coding": [{"system": _LOINC, "code": code, "display": title.zh}], "text": title.zh}


def _quantity(part: MeasuredPart, figure: Any) -> Resource:
    value = figure if isinstance(figure, Decimal) else Decimal(str(figure))
    return {"valueQuantity": {"value": value, "unit": part.unit, "system": _UCUM, "code": part.unit}}


def _value(score: Decimal, unit: str) -> Resource:
    if unit:
        return {"valueQuantity": {"value": score, "unit": unit, "system": _UCUM, "code": unit}}
    if score == int(score):
        return {"valueInteger": int(score)}
    return {"valueQuantity": {"value": score}}


def signature(who: str, account: str, name: str, when: str) -> Resource:
    """Return the extension that says who signed."""
    parts: list[Resource] = [
        {"url": "account", "valueString": account},
        {"url": "name", "valueString": name},
        {"url": "when", "valueDateTime": when},
    ]
    if who:
        parts.append({"url": "who", "valueReference": {"reference": who}})
    return {"url": ASSESSOR, "extension": parts}
