"""Templates: found in the package, escaped always, undefined names are faults."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from kangshu.web import charts
from kangshu.web.icons import icon, light, shape


@lru_cache(maxsize=64)
def asset(name: str) -> str:
    """Return the address of a style sheet or script, with a digest so that browsers may keep it."""
    data = (files("kangshu.web") / "assets" / name).read_bytes()
    return f"/assets/{name}?v={hashlib.sha256(data).hexdigest()[:10]}"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("kangshu.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals.update(
        asset=asset,
        icon=icon,
        light=light,
        shape=shape,
        bar=charts.bar,
        spark=charts.spark,
        donut=charts.donut,
    )
    return made


def template(name: str) -> Template:
    """Return the compiled template `name`."""
    return _environment().get_template(name)
