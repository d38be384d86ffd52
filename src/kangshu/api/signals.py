"""`POST /fhir/$signal?code=service/signal`: events of outside systems. The answer comes after the commit."""

from __future__ import annotations

from kangshu.api.interactions import Call
from kangshu.api.parameters import parameters, part
from kangshu.api.response import Response
from kangshu.base.faults import Invalid, UnsupportedMedia
from kangshu.fhir import check_values, parse_value

_JSON = ("application/json", "application/fhir+json")
_CREATED = 201


async def take_signal(call: Call) -> Response:
    """Take one event. `code` names the signal; the body is the event as its declaration says, any JSON object.

    201 for a case that it began, 200 for all else that it did; what was sent before is answered like the first time
    with the outcome `repeated`. No answer, or one from 500 on: send the same event again.
    """
    code = call.request.parameter("code")
    if not code:
        raise Invalid(
            "the address names the signal: ?code=service/signal", zh="请在地址中用 code 指明信号接口"
        )
    if call.request.content_type not in _JSON:
        raise UnsupportedMedia("an event is sent as application/json", zh="事件须以 application/json 提交")
    data = await call.request.body()
    check_values(data)
    taken = await call.platform.cases.signals.take(call.grant, code, parse_value(data))
    parts = [part("outcome", taken.outcome), part("rule", taken.rule)]
    if taken.case:
        parts += [part("case", taken.case), part("number", taken.number), part("state", taken.state)]
    for name, zh, en in taken.left_out:
        parts.append(part("leftOut", [part("field", name), part("text", zh or en)]))
    return Response(_CREATED if taken.outcome == "started" else 200, parameters(parts))
