"""What an installation is allowed and where its people sign in: one file of its data folder, written by its operator.

    outbound:
      origins: [https://id.example.cn]      systems that may be called, exact
      private: []                           hosts of them within the inner network
      authorities: inner-ca.pem             certificates trusted besides the system's, in the data folder
    sign-in:
      - id: city                            a word of the address /sign-in/back/city
        title: {zh: 政务统一身份认证, en: City sign-in}
        issuer: https://id.example.cn       among the origins above, with its path if it has one
        client_id: kangshu
        client_secret_file: secrets/city    in the data folder; none for a public client
    notices: …                              see app/channels.py
    scan: …                                 see app/scanning.py

It is read at the start and nothing of it can be changed from a page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from kangshu.accounts import Provider
from kangshu.app.channels import channel
from kangshu.app.scanning import scanner
from kangshu.base.faults import Fault, Invalid
from kangshu.base.text import Text
from kangshu.notices import Channel
from kangshu.outbound import NO_SCANNER, Outbound, Scanner

FILE: Final = "configuration.yaml"
_KNOWN: Final = frozenset({"outbound", "sign-in", "notices", "scan"})
_NEEDED: Final = frozenset({"id", "title", "issuer", "client_id"})
_PROVIDER: Final = _NEEDED | {"client_secret_file"}
_OUTBOUND: Final = frozenset({"origins", "private", "authorities"})


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the file says; without a file nothing may be called."""

    outbound: Outbound
    providers: tuple[Provider, ...] = ()
    channels: tuple[Channel, ...] = ()
    scanner: Scanner = NO_SCANNER


def read_configuration(folder: Path) -> Configuration:
    """Return the configuration of the installation in `folder`. Raises Invalid with what is wrong in it."""
    path = folder / FILE
    if not path.exists():
        return Configuration(Outbound())
    try:
        document = yaml.safe_load(path.read_text("utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _wrong("it is no YAML") from error
    if not isinstance(document, dict) or document.keys() - _KNOWN:
        raise _wrong(f"known are: {', '.join(sorted(_KNOWN))}")
    outbound = _outbound(document.get("outbound", {}), folder)
    said = document.get("sign-in", [])
    if not isinstance(said, list):
        raise _wrong("sign-in is a list")
    providers = tuple(_provider(one, outbound, folder) for one in said)
    if len({one.id for one in providers} | {one.issuer for one in providers}) < 2 * len(providers):
        raise _wrong("sign-in: an id or an issuer stands twice")
    told = document.get("notices", [])
    if not isinstance(told, list):
        raise _wrong("notices is a list")
    channels = tuple(channel(one, outbound, folder, _wrong) for one in told)
    if len({one.id for one in channels}) < len(channels):
        raise _wrong("notices: an id stands twice")
    return Configuration(outbound, providers, channels, scanner(document.get("scan"), _wrong))


def _provider(said: Any, outbound: Outbound, folder: Path) -> Provider:
    if not isinstance(said, Mapping) or said.keys() - _PROVIDER or _NEEDED - said.keys():
        raise _wrong(f"sign-in: each knows {', '.join(sorted(_PROVIDER))}")
    title = said["title"]
    if not isinstance(title, Mapping) or not title.get("zh") or not title.get("en"):
        raise _wrong("sign-in: a title in zh and en is needed")
    if not re.fullmatch(r"[a-z0-9\-]{1,32}", str(said["id"])):
        raise _wrong("sign-in: an id has small letters, digits and dashes")
    try:
        outbound.check(str(said["issuer"]))
        file = said.get("client_secret_file")
        secret = (folder / str(file)).read_text("utf-8").strip() if file else ""
    except Fault as fault:
        raise _wrong(f"sign-in: {fault.text}") from fault
    except OSError as error:
        raise _wrong("sign-in: the file of the client's secret cannot be read") from error
    names = Text(str(title["zh"]), str(title["en"]))
    return Provider(str(said["id"]), names, str(said["issuer"]), str(said["client_id"]), secret)


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
