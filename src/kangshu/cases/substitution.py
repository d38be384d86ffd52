"""`${name}` in effects: the values a template may name, put in place.

`{each: ${name}, give: …}` gives its template once per value of a list, which is `${item}` in it: codes become Codings.
A text that is one `${name}` takes the value as it is (a number, a list); within longer text it is written out.
What has no value leaves its element out. There is no expression language here: names only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_NAME = re.compile(r"\$\{([A-Za-z][A-Za-z0-9_.\-]*)\}")
_EACH = frozenset({"each", "give"})
_EMPTY_EXTENSION = frozenset({"url"})
_WHOLE = re.compile(r"\$\{([A-Za-z][A-Za-z0-9_.\-]*)\}\Z")


def names_in(template: Any) -> Iterator[str]:
    """Yield every name that `template` asks for."""
    if isinstance(template, str):
        yield from _NAME.findall(template)
    elif isinstance(template, Mapping):
        if template.keys() == _EACH:
            yield from names_in(template["each"])
            yield from (name for name in names_in(template["give"]) if name != "item")
            return
        for value in template.values():
            yield from names_in(value)
    elif isinstance(template, list | tuple):
        for value in template:
            yield from names_in(value)


def substitute(template: Any, values: Mapping[str, Any]) -> Any:
    """Return `template` with its names replaced; None and empty containers that result are left out."""
    if isinstance(template, str):
        whole = _WHOLE.match(template)
        if whole:
            return values.get(whole[1])
        # a sentence put into a sentence brings its own full stop
        return _NAME.sub(lambda found: _written(values.get(found[1])), template).replace("。。", "。")
    if isinstance(template, Mapping):
        if template.keys() == _EACH:
            listed = substitute(template["each"], values)
            items = listed if isinstance(listed, list) else [] if listed is None else [listed]
            return [substitute(template["give"], {**values, "item": item}) for item in items] or None
        made = {str(key): substitute(value, values) for key, value in template.items()}
        kept = {key: value for key, value in made.items() if value is not None}
        # an extension of which only the url is left tells nothing, and R4 refuses it (ext-1)
        return None if kept.keys() == _EMPTY_EXTENSION and len(made) > 1 else kept or None
    if isinstance(template, list | tuple):
        return [
            value for value in (substitute(item, values) for item in template) if value is not None
        ] or None
    return template


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "、".join(_written(item) for item in value)
    return str(value)
