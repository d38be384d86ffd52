"""The one table from faults to HTTP: status, title in two languages, OperationOutcome.

No other file knows which status a fault has. A test holds `ANSWERS` equal to the tree in `base.faults` and the one
fault that only HTTP has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kangshu.base import faults
from kangshu.base.faults import Fault, Issue
from kangshu.base.text import Language, Text
from kangshu.sdk import Resource

TRANSLATION: Final = "http://hl7.org/fhir/StructureDefinition/translation"


class MethodNotOffered(faults.Unsupported):
    """The address is there, the method is not. `allowed` lists those that are."""

    def __init__(self, method: str, allowed: tuple[str, ...]) -> None:
        offered = ", ".join(allowed)
        super().__init__(
            f"{method[:20]} is not offered here; {offered} is",
            zh=f"此地址不支持{method[:20]}，可用：{offered}",
        )
        self.allowed = allowed


@dataclass(frozen=True, slots=True)
class Answer:
    """How a kind of fault is answered: the status and the title of its error page."""

    status: int
    title: Text


ANSWERS: Final[Mapping[type[Fault], Answer]] = {
    faults.Fault: Answer(500, Text("系统出错", "Something failed")),
    faults.Invalid: Answer(400, Text("请求无法识别", "The request cannot be used as it stands")),
    faults.Malformed: Answer(400, Text("内容格式有误", "The content cannot be parsed")),
    faults.UnknownParameter: Answer(400, Text("参数未定义", "Unknown parameter")),
    faults.Unsupported: Answer(400, Text("暂不支持此功能", "Not offered")),
    MethodNotOffered: Answer(405, Text("不支持该请求方法", "This method is not offered here")),
    faults.Unprocessable: Answer(422, Text("内容不符合规则", "The content is against a rule")),
    faults.Unauthenticated: Answer(401, Text("请先登录", "Sign in first")),
    faults.Forbidden: Answer(403, Text("没有权限", "Not allowed")),
    faults.NotFound: Answer(404, Text("未找到", "Not found")),
    faults.Gone: Answer(410, Text("已删除", "Deleted")),
    faults.Conflict: Answer(409, Text("与现有数据冲突", "In conflict with what is stored")),
    faults.PreconditionFailed: Answer(412, Text("数据已被他人修改", "Changed by someone else meanwhile")),
    faults.MultipleMatches: Answer(
        412, Text("条件匹配到多条记录", "The criteria match more than one record")
    ),
    faults.TooLarge: Answer(413, Text("内容过大", "Too large")),
    faults.NotAcceptable: Answer(406, Text("不提供该格式", "This format is not offered")),
    faults.UnsupportedMedia: Answer(415, Text("无法读取该内容类型", "This content type is not read")),
    faults.Throttled: Answer(429, Text("请求过于频繁", "Too many requests")),
    faults.Unavailable: Answer(503, Text("服务暂不可用", "Temporarily unavailable")),
}


def answer_of(fault: Fault) -> Answer:
    """Return the answer of the nearest class of `fault` that the table holds."""
    for kind in type(fault).__mro__:
        if (found := ANSWERS.get(kind)) is not None:
            return found
    return ANSWERS[Fault]


def status_of(fault: Fault) -> int:
    """Return the HTTP status of `fault`."""
    return answer_of(fault).status


def title_of(fault: Fault) -> Text:
    """Return the title of the page that tells of `fault`."""
    return answer_of(fault).title


def outcome(fault: Fault, language: Language = "zh") -> Resource:
    """Return the OperationOutcome of `fault`: `details.text` in `language`, `diagnostics` in English."""
    return issues_outcome(fault.issues, language)


def issues_outcome(issues: tuple[Issue, ...], language: Language = "zh") -> Resource:
    """Return an OperationOutcome of `issues`; without any, one that says that all is well."""
    shown = issues or (Issue("information", "informational", "No issues found.", zh="未发现问题。"),)
    return {"resourceType": "OperationOutcome", "issue": [_issue(one, language) for one in shown]}


def _issue(issue: Issue, language: Language) -> dict[str, Any]:
    details: dict[str, Any] = {"text": issue.text}
    if issue.zh and issue.zh != issue.text:
        first, second, other = (
            (issue.zh, issue.text, "en") if language == "zh" else (issue.text, issue.zh, "zh-CN")
        )
        details["text"] = first
        details["_text"] = {
            "extension": [
                {
                    "url": TRANSLATION,
                    "extension": [
                        {"url": "lang", "valueCode": other},
                        {"url": "content", "valueString": second},
                    ],
                }
            ]
        }
    shape: dict[str, Any] = {
        "severity": issue.severity,
        "code": issue.code,
        "details": details,
        "diagnostics": issue.text,
    }
    if issue.expression:
        shape["expression"] = list(issue.expression)
    return shape
