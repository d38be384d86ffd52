"""One HTTP request as the FHIR face reads it: negotiation, preferences, body within a limit."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, unquote

from kangshu.api.platform import Settings
from kangshu.api.types import Receive, Scope
from kangshu.base.faults import Invalid, Malformed, NotAcceptable, TooLarge, Unsupported, UnsupportedMedia
from kangshu.base.text import Language
from kangshu.base.whole_numbers import whole_number
from kangshu.fhir import check_values, parse, parse_value
from kangshu.sdk import Resource

FHIR_JSON: Final = "application/fhir+json"
JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"
FORM: Final = "application/x-www-form-urlencoded"

_JSON_TYPES: Final = frozenset({FHIR_JSON, "application/json", "text/json", "json"})
_PATCH_TYPES: Final = frozenset({JSON_PATCH, MERGE_PATCH})
_LARGEST_FORM: Final = 4 * 1024 * 1024
_MOST_FIELDS: Final = 10_000
_ANY: Final = frozenset({"*/*", "application/*", "*"})
_FORMAT_PARAMETERS: Final = frozenset({"_format", "_pretty", "_summary", "_elements"})

Return = Literal["", "minimal", "representation", "OperationOutcome"]


@dataclass(frozen=True, slots=True)
class Preference:
    """What the header Prefer asks for. `lenient` ignores unknown search parameters."""

    returned: Return = ""
    lenient: bool = False


class Request:
    """One request. Reading a property does no I/O; `body` and `resource` read the stream once."""

    def __init__(self, scope: Scope, receive: Receive, settings: Settings, root: str) -> None:
        self.method: str = scope["method"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self._scope = scope
        self._receive = receive
        self._settings = settings
        self._root = root
        self._form: list[tuple[str, str]] = []
        path = scope["path"]
        prefix = scope.get("root_path", "") or root
        self.path: str = path.removeprefix(prefix) if path.startswith(prefix) else path

    def header(self, name: bytes) -> str:
        """Return the value of the header `name` (small letters), "" when it is not there."""
        return self.headers.get(name, b"").decode("latin-1")

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """Return the parts of the path below the base, decoded."""
        return tuple(unquote(one) for one in self.path.split("/") if one)

    @cached_property
    def base(self) -> str:
        """Return the address of the FHIR base as the client sees it, without a slash at its end."""
        if self._settings.public_url:
            return self._settings.public_url.rstrip("/") + self._root
        host = self.header(b"host") or "localhost"
        return f"{self._scope.get('scheme', 'http')}://{host}{self._root}"

    @cached_property
    def language(self) -> Language:
        """Return the language of texts: Chinese unless English stands first in Accept-Language."""
        return "en" if self.header(b"accept-language").strip().lower().startswith("en") else "zh"

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """Return every parameter of the address, then of the form, in order."""
        query = self._scope.get("query_string", b"")
        if not query and not self._form:
            return []
        try:
            return parse_qsl(query.decode("utf-8"), keep_blank_values=True, errors="strict") + self._form
        except (UnicodeDecodeError, ValueError) as error:
            raise Malformed("the address is not UTF-8", zh="请求地址不是有效的UTF-8编码") from error

    @cached_property
    def criteria(self) -> list[tuple[str, str]]:
        """Return the parameters that are not about the form of the answer."""
        return [pair for pair in self.pairs if pair[0] not in _FORMAT_PARAMETERS]

    def parameter(self, name: str) -> str:
        """Return the first value of a parameter, "" when it is not there."""
        return next((value for key, value in self.pairs if key == name), "")

    @cached_property
    def pretty(self) -> bool:
        """Return whether the answer is to be laid out for reading."""
        return self.parameter("_pretty") == "true"

    @cached_property
    def summary(self) -> str:
        """Return the value of _summary: "" (none), true, text, data, count or false."""
        value = self.parameter("_summary")
        if value not in ("", "true", "text", "data", "count", "false"):
            raise Invalid(
                f"_summary={value} is not one of true, text, data, count, false", zh="_summary取值无效"
            )
        return "" if value == "false" else value

    @cached_property
    def elements(self) -> tuple[str, ...]:
        """Return the element names of _elements."""
        return tuple(one.strip() for one in self.parameter("_elements").split(",") if one.strip())

    @cached_property
    def preference(self) -> Preference:
        """Return what Prefer asks for. Raises Invalid for a value that FHIR does not know."""
        returned: Return = ""
        lenient = False
        for part in self.header(b"prefer").replace(";", ",").split(","):
            name, _, value = part.strip().partition("=")
            value = value.strip().strip('"')
            if name == "return":
                if value not in ("minimal", "representation", "OperationOutcome"):
                    raise Invalid(f"Prefer: return={value} is not known", zh="Prefer请求头的return取值无效")
                returned = value  # type: ignore[assignment]  # just compared
            elif name == "handling":
                lenient = value == "lenient"
        return Preference(returned, lenient)

    def accept_json(self) -> None:
        """Raise NotAcceptable unless the client takes JSON of R4."""
        wanted = self.parameter("_format").replace(" ", "+") or self.header(b"accept")
        if not wanted or wanted == "*/*":
            return
        for part in wanted.split(","):
            media, *options = (one.strip() for one in part.split(";"))
            media = media.lower()
            if media not in _JSON_TYPES and media not in _ANY:
                continue
            version = next(
                (one.partition("=")[2] for one in options if one.startswith("fhirVersion=")), "4.0"
            )
            if not version.startswith("4.0"):
                raise NotAcceptable(
                    f"FHIR {version} is not offered; this server speaks 4.0", zh="仅提供FHIR R4（4.0）"
                )
            return
        raise NotAcceptable(
            f"this server answers in {FHIR_JSON} only; '{wanted[:80]}' is not offered",
            zh=f"本服务仅返回{FHIR_JSON}，不提供XML等其他格式",
        )

    @cached_property
    def content_type(self) -> str:
        """Return the media type of the body without its options, in small letters."""
        return self.header(b"content-type").partition(";")[0].strip().lower()

    async def body(self) -> bytes:
        """Return the whole body. Raises TooLarge before reading more than the limit, UnsupportedMedia."""
        limit = self._settings.body_limit
        length = self.header(b"content-length")
        if (whole_number(length, 20) or 0) > limit:
            raise _too_large(limit)
        parts: list[bytes] = []
        size = 0
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Invalid("the client left before the body was complete", zh="请求未完整送达")
            part = message.get("body", b"")
            size += len(part)
            if size > limit:
                raise _too_large(limit)
            parts.append(part)
            more = message.get("more_body", False)
        raw = parts[0] if len(parts) == 1 else b"".join(parts)
        return self._decoded(raw, limit)

    def _decoded(self, raw: bytes, limit: int) -> bytes:
        encoding = self.header(b"content-encoding").strip().lower()
        if encoding in ("", "identity"):
            return raw
        if encoding != "gzip":
            raise UnsupportedMedia(
                f"content encoding '{encoding[:40]}' is not read; gzip is", zh="仅支持gzip内容编码"
            )
        unpacker = zlib.decompressobj(31)
        try:
            plain = unpacker.decompress(raw, limit + 1)
        except zlib.error as error:
            raise Malformed(
                "the body is not gzip as its header says", zh="请求体不是有效的gzip内容"
            ) from error
        if len(plain) > limit:
            raise _too_large(limit)
        return plain

    async def resource(self, expected: str = "") -> Resource:
        """Return the resource in the body. Raises UnsupportedMedia, TooLarge, Malformed, Invalid (another type)."""
        if self.content_type not in _JSON_TYPES:
            raise UnsupportedMedia(
                f"send {FHIR_JSON}; '{self.content_type[:80]}' is not read",
                zh=f"请求体须为{FHIR_JSON}，不支持该内容类型",
            )
        data = await self.body()
        check_values(data)
        found = parse(data)
        if expected and found["resourceType"] != expected:
            raise Invalid(
                f"the body is not a {expected}, as the address says",
                zh=f"请求体的资源类型与地址不符，应为{expected}",
                expression="resourceType",
            )
        return found

    async def patch(self) -> Any:
        """Return the body of a PATCH: a list (JSON Patch), Parameters (FHIRPath Patch), or what to merge in."""
        if self.content_type in _PATCH_TYPES or self.content_type in _JSON_TYPES:
            data = await self.body()
            check_values(data)
            return parse_value(data)
        raise UnsupportedMedia(
            f"a patch is {JSON_PATCH}, {MERGE_PATCH}, or Parameters as {FHIR_JSON}; '{self.content_type[:80]}' is not read",
            zh=f"补丁须为{JSON_PATCH}、{MERGE_PATCH}或Parameters资源",
        )

    async def read_form(self) -> None:
        """Read a form into `pairs` (POST _search)."""
        if self.content_type not in (FORM, ""):
            raise UnsupportedMedia(f"_search by POST takes {FORM}", zh=f"_search须以{FORM}提交")
        data = await self.body()
        if len(data) > _LARGEST_FORM or data.count(b"&") >= _MOST_FIELDS:
            raise _too_large(_LARGEST_FORM)
        text = data.decode("utf-8", "replace")
        self._form = parse_qsl(text, keep_blank_values=True)
        self.__dict__.pop("pairs", None)

    def version(self, header: bytes) -> int | None:
        """Return the version of an If-Match header, None when it is not there. Raises Invalid."""
        return version_of(self.header(header))


def version_of(tag: str) -> int | None:
    """Return the version that an entity tag such as W/"3" names; None for "". Raises Invalid."""
    if not tag:
        return None
    plain = tag.strip().removeprefix("W/").strip('"')
    number = whole_number(plain)
    if number is None:
        raise Invalid(
            f"the entity tag '{tag[:40]}' is none of ours: they look like W/\"3\"", zh='版本标签格式应为W/"3"'
        )
    return number


def _too_large(limit: int) -> TooLarge:
    size = f"{limit / 1048576:.0f} MB"
    return TooLarge(
        f"the body is larger than {size}; send it in parts, or load it with 'kangshu load'",
        zh=f"请求体超过{size}上限，请分批提交或使用“kangshu load”命令导入",
    )


def refuse_unknown(request: Request, known: frozenset[str]) -> None:
    """Raise Unsupported for a parameter that this interaction does not have, unless handling is lenient."""
    if request.preference.lenient:
        return
    for name, _ in request.criteria:
        if name not in known:
            raise Unsupported(
                f"parameter '{name[:60]}' is not known here; known are {', '.join(sorted(known)) or 'none'}",
                zh=f"此处不支持参数“{name[:60]}”",
            )
