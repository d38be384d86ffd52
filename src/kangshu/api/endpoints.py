"""Every endpoint of the FHIR face in one table: routing, documentation and the capability statement read it.

An address is told apart by its shape, so that finding an endpoint costs one look-up:

    ""          the base                 type        /Patient
    name        /metadata, /_history     instance    /Patient/1
    ...         followed by `/_history`, `/_history/2`, `/_search` or `/$operation`
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from kangshu.api import bookings as booking
from kangshu.api import defined, measuring
from kangshu.api import interactions as on
from kangshu.api import operations as do
from kangshu.api.interactions import Call
from kangshu.api.outcome import MethodNotOffered
from kangshu.api.response import Response
from kangshu.api.signals import take_signal
from kangshu.base.faults import Invalid, NotFound, Unsupported
from kangshu.base.text import Text
from kangshu.fhir import definitions

Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint. `path` is a template below the base; `types` the resource types it has ("" for every one)."""

    method: str
    path: str
    interaction: str
    title: Text
    handler: Handler
    types: tuple[str, ...] = ()
    open: bool = False
    """Whether it answers without a sign-in."""

    @property
    def operation(self) -> str:
        """Return the name of the operation, "" for an interaction."""
        return self.path.rpartition("$")[2] if "$" in self.path else ""


def _at(method: str, path: str, name: str, zh: str, en: str, handler: Handler, *types: str) -> Endpoint:
    return Endpoint(method, path, name, Text(zh, en), handler, types)


ENDPOINTS: Final = (
    Endpoint("GET", "/metadata", "capabilities", Text("能力声明", "What this server offers"), do.metadata, open=True),
    _at("POST", "/", "transaction", "批量与事务", "Batch or transaction", on.bundle),
    _at("POST", "/$signal", "operation", "外部系统事件", "An event of an outside system", take_signal),
    _at("GET", "/_history", "history-system", "全部变更历史", "History of everything", on.history),
    _at("GET", "/{type}", "search-type", "检索", "Search", defined.search),
    _at("POST", "/{type}/_search", "search-type", "检索（表单）", "Search by form", defined.search_form),
    _at("GET", "/{type}/_history", "history-type", "某类资源的历史", "History of a type", on.history),
    _at("POST", "/{type}", "create", "新建（可带条件）", "Create, conditionally with If-None-Exist", on.create),
    _at("PUT", "/{type}", "update-conditional", "条件更新", "Conditional update", on.update_matching),
    _at("PATCH", "/{type}", "patch-conditional", "条件修补", "Conditional patch", on.patch_matching),
    _at("DELETE", "/{type}", "delete-conditional", "条件删除", "Conditional delete", on.delete_matching),
    _at("GET", "/{type}/{id}", "read", "读取", "Read", defined.read),
    _at("GET", "/{type}/{id}/_history", "history-instance", "一条记录的历史", "History of a record", on.history),
    _at("GET", "/{type}/{id}/_history/{version}", "vread", "读取某一版本", "Read one version", on.vread),
    _at("PUT", "/{type}/{id}", "update", "更新", "Update, or create under this id", on.update),
    _at("PATCH", "/{type}/{id}", "patch", "修补", "JSON Patch or FHIRPath Patch", on.patch),
    _at("DELETE", "/{type}/{id}", "delete", "删除", "Delete", on.delete),
    _at("POST", "/{type}/$validate", "operation", "校验", "Validate a resource", do.validate_body),
    _at("POST", "/{type}/{id}/$validate", "operation", "校验", "Validate as an update", do.validate_body),
    _at("GET", "/{type}/{id}/$validate", "operation", "校验已存记录", "Validate what is stored", do.validate_stored),
    _at("GET", "/{type}/{id}/$everything", "operation", "居民全部档案", "A resident's whole record", do.everything, "Patient"),
    _at("POST", "/{type}/$start", "operation", "发起办件", "Start a case", do.start_case, "Task"),
    _at("POST", "/{type}/{id}/$move", "operation", "办理", "Move a case or an appointment", do.move_record, "Task", "Appointment"),
    _at("GET", "/{type}/{id}/$moves", "operation", "可办理的操作", "Moves that I may make now", do.moves_now, "Task", "Appointment"),
    _at("POST", "/{type}/{id}/$book", "operation", "预约", "Book a place", booking.book, "Slot"),
    _at("POST", "/{type}/{id}/$wait", "operation", "候补", "Wait for a place", booking.wait, "Schedule"),
    _at("POST", "/{type}/{id}/$publish-slots", "operation", "放号", "Publish slots of templates", booking.publish, "HealthcareService"),
    _at("POST", "/{type}/{id}/$reconcile-bookings", "operation", "预约对账", "Reconcile bookings of a day", booking.reconcile, "Organization"),
    _at("GET", "/{type}/{id}/$evaluate-measure", "operation", "计算指标", "Compute a measure", measuring.evaluate_measure, "Measure"),
    _at("GET", "/{type}/{id}/$collect-data", "operation", "指标所用数据", "A resident's records that a measure is computed from", measuring.collect_data, "Measure"),
)  # fmt: skip
"""Every endpoint. HEAD is answered wherever GET is."""

_BY_SHAPE: Final[Mapping[tuple[str, ...], Mapping[str, Endpoint]]] = {
    shape: {one.method: one for one in ENDPOINTS if tuple(filter(None, one.path.split("/"))) == shape}
    for shape in {tuple(filter(None, one.path.split("/"))) for one in ENDPOINTS}
}


def route(method: str, segments: tuple[str, ...]) -> tuple[Endpoint, str, str, str]:
    """Return the endpoint of an address with the type, id and version in it.

    Raises NotFound (no such address), Invalid (no such resource type) or MethodNotOffered.
    """
    shape = _shape(segments)
    methods = _BY_SHAPE.get(shape)
    kind = segments[0] if shape and shape[0] == "{type}" else ""
    if kind and not definitions().is_resource(kind):
        raise NotFound(
            f"'{kind[:64]}' is no resource type of FHIR R4", zh=f"“{kind[:64]}”不是FHIR R4资源类型"
        )
    if methods is None:
        last = segments[-1] if segments else ""
        if last.startswith("$"):
            raise Unsupported(
                f"operation '{last[:40]}' is not offered here", zh=f"此处不提供操作“{last[:40]}”"
            )
        raise NotFound("there is nothing at this address", zh="此地址不存在")
    endpoint = methods.get("GET" if method == "HEAD" else method)
    if endpoint is None:
        raise MethodNotOffered(method, tuple(methods))
    if endpoint.types and kind not in endpoint.types:
        raise Unsupported(
            f"${endpoint.operation} is offered for {', '.join(endpoint.types)} only",
            zh=f"${endpoint.operation}仅适用于{'、'.join(endpoint.types)}",
        )
    if kind == on.AUDIT and endpoint.interaction not in ("read", "search-type"):
        raise Unsupported("the audit can be read and searched, nothing else", zh="审计日志只能读取和检索")
    id_ = segments[1] if len(shape) > 1 and shape[1] == "{id}" else ""
    if id_ and not _is_id(id_):
        raise Invalid("an id has 1 to 64 letters, digits, '-' or '.'", zh="id须为1至64位字母、数字、“-”或“.”")
    return endpoint, kind, id_, segments[3] if len(shape) == 4 else ""


def _shape(segments: tuple[str, ...]) -> tuple[str, ...]:
    match segments:
        case (str() as name,) if name == "metadata" or name.startswith(("_", "$")):
            return segments
        case (_,):
            return ("{type}",)
        case (_, str() as name) if name.startswith(("_", "$")):
            return ("{type}", name)
        case (_, _):
            return ("{type}", "{id}")
        case (_, _, name):
            return ("{type}", "{id}", name)
        case (_, _, "_history", _):
            return ("{type}", "{id}", "_history", "{version}")
        case _:
            return segments


def _is_id(text: str) -> bool:
    return len(text) <= 64 and text.isascii() and all(one.isalnum() or one in "-." for one in text)


def endpoint_table() -> str:
    """Return the endpoints as a Markdown table, for the documentation."""
    rows = ["| method | address | interaction | 用途 | purpose |", "|---|---|---|---|---|"]
    for one in ENDPOINTS:
        path = one.path.replace("{type}", "|".join(one.types) or "{type}").replace("|", "\\|")
        note = "" if not one.open else " (no sign-in)"
        rows.append(
            f"| {one.method} | `/fhir{path}` | {one.interaction} | {one.title.zh} | {one.title.en}{note} |"
        )
    return "\n".join(rows) + "\n"
