"""The ways in which people are told outside the product, as the installation's configuration has them.

    notices:
      - id: sms                              a word of our own
        kind: sms                            a gateway of short messages over HTTP
        title: {zh: 短信, en: Short messages}
        url: https://sms.example.cn/v1/send
        fields: {account: kangshu, mobile: "${address}", content: "${text}"}
        headers: {Authorization: "Bearer ${secret}"}
        form: false                          true sends the fields as a form
        accepted: {code: ["0"]}              the answer's field that says it was taken, and its values
        secret_file: secrets/sms
      - id: wecom
        kind: work-weixin                    政务微信 or 企业微信
        title: {zh: 政务微信, en: Work Weixin}
        url: https://zwwx.example.cn         where /cgi-bin stands
        corporation: ww0123456789
        agent: 1000002
        secret_file: secrets/wecom
      - id: office
        kind: webhook                        another system of the city, told by signed JSON
        title: {zh: 协同办公, en: Office system}
        url: https://oa.example.cn/kangshu
        organisations: []                    ids of those whose notices it gets; left out: all
        secret_file: secrets/office

Each url has its origin in `outbound`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from kangshu.base.faults import Fault
from kangshu.base.text import Text
from kangshu.notices import Channel, ShortMessages, Webhook, WorkWeixin
from kangshu.outbound import Outbound

_ALL: Final = frozenset({"id", "kind", "title", "url", "secret_file"})
_KINDS: Final[Mapping[str, frozenset[str]]] = {
    "sms": _ALL | {"fields", "headers", "form", "accepted"},
    "work-weixin": _ALL | {"corporation", "agent"},
    "webhook": _ALL | {"organisations"},
}
Wrong = Callable[[str], Fault]


def channel(said: Any, outbound: Outbound, folder: Path, wrong: Wrong) -> Channel:
    """Return one channel. Raises what `wrong` makes of a text that says what is not right."""
    known = _KINDS.get(str(said.get("kind"))) if isinstance(said, Mapping) else None
    if known is None:
        raise wrong(f"notices: each has a kind of {', '.join(_KINDS)}")
    kind, name = str(said["kind"]), str(said.get("id", ""))
    if not re.fullmatch(r"[a-z0-9\-]{1,32}", name):
        raise wrong("notices: an id has small letters, digits and dashes")
    if others := said.keys() - known:
        raise wrong(f"notices: {name} knows no {', '.join(sorted(map(str, others)))}")
    title = said.get("title")
    if not isinstance(title, Mapping) or not title.get("zh") or not title.get("en"):
        raise wrong(f"notices: {name} needs a title in zh and en")
    names, url = Text(str(title["zh"]), str(title["en"])), str(said.get("url", ""))
    try:
        outbound.check(url)
        file = said.get("secret_file")
        secret = (folder / str(file)).read_text("utf-8").strip() if file else ""
    except Fault as fault:
        raise wrong(f"notices: {name}: {fault.text}") from fault
    except OSError as error:
        raise wrong(f"notices: the file of {name}'s secret cannot be read") from error
    match kind:
        case "work-weixin":
            if not said.get("corporation") or not isinstance(said.get("agent"), int) or not secret:
                raise wrong(f"notices: {name} needs corporation, agent (a number) and secret_file")
            return WorkWeixin(name, names, url, outbound, str(said["corporation"]), said["agent"], secret)
        case "webhook":
            organisations = said.get("organisations", [])
            if not isinstance(organisations, list):
                raise wrong(f"notices: organisations of {name} is a list")
            return Webhook(name, names, url, outbound, secret, frozenset(map(str, organisations)))
        case _:
            return _short_messages(said, name, names, url, outbound, secret, wrong)


def _short_messages(
    said: Mapping[str, Any], name: str, names: Text, url: str, outbound: Outbound, secret: str, wrong: Wrong
) -> Channel:
    fields, headers, accepted = said.get("fields"), said.get("headers", {}), said.get("accepted", {})
    if not isinstance(fields, Mapping) or not any("${address}" in str(one) for one in fields.values()):
        raise wrong(f"notices: {name} needs fields, one of them with ${{address}}")
    if not isinstance(headers, Mapping) or not isinstance(accepted, Mapping) or len(accepted) > 1:
        raise wrong(f"notices: headers of {name} is a mapping, accepted has one field with its values")
    if said.get("form") and headers:
        raise wrong(f"notices: {name} sends a form, which takes no headers")
    field, values = next(iter(accepted.items()), ("", []))
    return ShortMessages(
        name,
        names,
        url,
        outbound,
        {str(key): str(value) for key, value in fields.items()},
        {str(key): str(value) for key, value in headers.items()},
        bool(said.get("form")),
        secret,
        str(field),
        tuple(map(str, values if isinstance(values, list) else [values])),
    )
