"""Answers as a form sends them, as a QuestionnaireResponse keeps them, and as people read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from kangshu.base.faults import Issue
from kangshu.base.text import Text
from kangshu.sdk import QuestionnaireDeclaration, QuestionnaireItem, QuestionnaireSection, Resource

_LONGEST: Final = 4000
_VALUES: Final = (
    "valueCoding", "valueDecimal", "valueInteger", "valueDate", "valueBoolean", "valueString",
)  # fmt: skip


def sent_answers(
    declaration: QuestionnaireDeclaration, sent: Mapping[str, str]
) -> tuple[dict[str, Any], tuple[Issue, ...]]:
    """Return the answers that a form sent, by item id, and an issue at each that is none; empty ones are left out.

    Several answers of one item are joined by commas.
    """
    answers: dict[str, Any] = {}
    issues: list[Issue] = []
    for item in declaration.items:
        text = sent.get(item.id, "").strip()
        if not text:
            continue
        value = _value(item, text)
        if isinstance(value, Issue):
            issues.append(value)
        else:
            answers[item.id] = value
    return answers, tuple(issues)


def _value(item: QuestionnaireItem, text: str) -> Any:
    """Return an answer in its own form, or the issue that says why it is none."""
    codes = {one.code for one in item.options}
    match item.kind:
        case "choice":
            return text if text in codes else _issue(item, "choose one of the answers", "请选择列出的答案")
        case "choices":
            chosen = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
            return (
                chosen if set(chosen) <= codes else _issue(item, "choose of the answers", "请选择列出的答案")
            )
        case "boolean":
            return text == "true"
        case "integer" | "decimal":
            return _number(item, text)
        case "date":
            try:
                return date.fromisoformat(text).isoformat()
            except ValueError:
                return _issue(item, "a day is written as 2026-03-01", "日期应写作 2026-03-01")
        case _:
            return text if len(text) <= _LONGEST else _issue(item, "too long", "内容过长")


def _number(item: QuestionnaireItem, text: str) -> Decimal | Issue:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return _issue(item, "a number is expected", "应填数字")
    if not number.is_finite() or (item.kind == "integer" and number != int(number)):
        return _issue(item, "a whole number is expected", "应填整数")
    if (item.least is not None and number < item.least) or (item.most is not None and number > item.most):
        low = "" if item.least is None else f"{item.least:f}"
        high = "" if item.most is None else f"{item.most:f}"
        return _issue(item, f"must lie between {low} and {high}", f"应在 {low}–{high} 之间，请核对")
    return number


def _issue(item: QuestionnaireItem, text: str, zh: str) -> Issue:
    return Issue("error", "value", f"'{item.title.en}': {text}", (item.id,), f"“{item.title.zh}”：{zh}")


def answer_items(declaration: QuestionnaireDeclaration, answers: Mapping[str, Any]) -> list[Resource]:
    """Return the items of a QuestionnaireResponse: a group per section, an answer per item that has one."""
    groups = (_group(section, answers) for section in declaration.sections)
    return [group for group in groups if group["item"]]


def _group(section: QuestionnaireSection, answers: Mapping[str, Any]) -> Resource:
    return {
        "linkId": section.id,
        "text": section.title.zh,
        "item": [
            {"linkId": item.id, "text": item.title.zh, "answer": list(_elements(item, answers[item.id]))}
            for item in section.items
            if answers.get(item.id) not in (None, "", [])
        ],
    }


def _elements(item: QuestionnaireItem, value: Any) -> Iterator[Resource]:
    for one in value if isinstance(value, list) else [value]:
        match item.kind:
            case "choice" | "choices":
                title = next((option.title.zh for option in item.options if option.code == one), one)
                yield {"valueCoding": {"code": one, "display": title}}
            case "integer":
                yield {"valueInteger": int(one)}
            case "decimal":
                yield {"valueDecimal": Decimal(one)}
            case "date":
                yield {"valueDate": one}
            case "boolean":
                yield {"valueBoolean": bool(one)}
            case _:
                yield {"valueString": str(one)}


def read_answers(declaration: QuestionnaireDeclaration, response: Resource) -> dict[str, Any]:
    """Return the answers that a QuestionnaireResponse holds for the items of `declaration`, by item id."""
    items = {item.id: item for item in declaration.items}
    found: dict[str, Any] = {}
    for group in response.get("item", ()):
        for one in group.get("item", ()):
            item = items.get(str(one.get("linkId", "")))
            values = [_read(answer) for answer in one.get("answer", ())]
            if item is not None and values:
                found[item.id] = values if item.kind == "choices" else values[0]
    return found


def _read(answer: Resource) -> Any:
    for name in _VALUES:
        if name in answer:
            value = answer[name]
            if name == "valueCoding":
                return str(value.get("code", ""))
            return Decimal(str(value)) if name in ("valueDecimal", "valueInteger") else value
    return None


def answer_text(item: QuestionnaireItem, value: Any) -> Text:
    """Return an answer as people read it; empty for none."""
    if value in (None, "", []):
        return Text("", "")
    if isinstance(value, bool):
        return Text("是", "yes") if value else Text("否", "no")
    if item.options:
        codes = value if isinstance(value, list) else [value]
        titles = [one.title for one in item.options if one.code in codes]
        return Text("、".join(one.zh for one in titles), ", ".join(one.en for one in titles))
    shown = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return Text(f"{shown} {item.unit}".strip(), f"{shown} {item.unit}".strip())
