"""What an installation is allowed and where its people sign in: one file of its data folder, written by its operator.

    outbound:
      origins: [https://id.example.cn]      systems that may be called, exact
      private: []                           hosts of them within the inner network
      authorities: inner-ca.pem             certificates trusted besides the system's, in the data folder

It is read at the start and nothing of it can be changed from a page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from kangshu.base.faults import Fault, Invalid
from kangshu.outbound import Outbound

FILE: Final = "configuration.yaml"
_OUTBOUND: Final = frozenset({"origins", "private", "authorities"})


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the file says; without a file nothing may be called."""

    outbound: Outbound


def read_configuration(folder: Path) -> Configuration:
    """Return the configuration of the installation in `folder`. Raises Invalid with what is wrong in it."""
    path = folder / FILE
    if not path.exists():
        return Configuration(Outbound())
    try:
        document = yaml.safe_load(path.read_text("utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _wrong("it is no YAML") from error
    if not isinstance(document, dict) or document.keys() - {"outbound"}:
        raise _wrong("known is: outbound")
    return Configuration(_outbound(document.get("outbound", {}), folder))


def _outbound(said: Any, folder: Path) -> Outbound:
    if not isinstance(said, Mapping) or said.keys() - _OUTBOUND:
        raise _wrong(f"outbound knows {', '.join(sorted(_OUTBOUND))}")
    authorities = said.get("authorities")
    try:
        return Outbound(
            _texts(said.get("origins", [])),
            _texts(said.get("private", [])),
            authorities=folder / str(authorities) if authorities else None,
        )
    except (Fault, OSError) as error:
        text = error.text if isinstance(error, Fault) else "the file of authorities cannot be read"
        raise _wrong(text) from error


def _texts(said: Any) -> list[str]:
    if not isinstance(said, list) or not all(isinstance(one, str) for one in said):
        raise _wrong("origins and private are lists")
    return said


def _wrong(text: str) -> Invalid:
    return Invalid(f"{FILE}: {text}", zh=f"配置文件 {FILE} 有误：{text}")
