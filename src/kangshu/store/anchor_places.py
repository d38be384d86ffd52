"""Where an installation keeps its anchors: a folder of its own, and the places that were named besides.

secrets/audit-signing-key    private key, 0600            audit-public-key.pem   what others check with
audit-anchors/               one file an anchor, 0444     audit-places.json      further folders: mounts that are
                                                          written once (WORM), another machine's share
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from kangshu.base.faults import Fault, Invalid, Unavailable
from kangshu.base.text import Text
from kangshu.store.anchors import Anchor, PublicKey, SigningKey

_LARGEST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class AnchorWritten:
    """What came of writing one anchor. `failed` names the places that could not be written, and why."""

    line: str
    files: tuple[Path, ...]
    failed: tuple[tuple[Path, str], ...]


@dataclass(frozen=True, slots=True)
class AnchorsRead:
    """The anchors of some places, the oldest first, and the files that hold none, with what is wrong."""

    anchors: tuple[Anchor, ...]
    bad: tuple[tuple[Path, Text], ...]


class AnchorPlaces:
    """The anchors of the installation in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.public_key = folder / "audit-public-key.pem"
        self._places = folder / "audit-places.json"

    @property
    def own(self) -> Path:
        """Return the folder that always is a place."""
        return self._folder / "audit-anchors"

    def named(self) -> tuple[Path, ...]:
        """Return the places that were named besides. Raises Unavailable where their list cannot be read."""
        try:
            return tuple(Path(one) for one in json.loads(self._places.read_text("utf-8")))
        except FileNotFoundError:
            return ()
        except (OSError, ValueError) as cause:
            raise Unavailable(
                f"{self._places.name} cannot be read: write it anew with 'kangshu audit places'",
                zh=f"{self._places.name} 无法读取：请用 kangshu audit places 重新设置",
            ) from cause

    def name(self, places: Sequence[Path]) -> None:
        """Keep `places` as the further places. Raises Invalid for one that is no folder."""
        for one in places:
            if not one.is_dir():
                raise Invalid(f"{one} is no folder", zh=f"{one} 不是目录")
        text = json.dumps([str(one.absolute()) for one in places], ensure_ascii=False, indent=1)
        _write(self._places, text.encode(), 0o644, replace=True)

    def write(self, anchor: Anchor) -> AnchorWritten:
        """Write `anchor`, signed, to every place; one that cannot be written does not keep it from the others.

        Raises:
            Unavailable: the key cannot be read or made.
        """
        try:
            key = SigningKey.load_or_make(self._folder / "secrets" / "audit-signing-key")
            if not self.public_key.exists():
                _write(self.public_key, key.public.pem(), 0o644)
            self.own.mkdir(exist_ok=True)
        except OSError as cause:
            raise Unavailable(
                f"the key of the audit cannot be kept: {cause.strerror}",
                zh="审计签名密钥无法保存，请检查数据目录权限",
            ) from cause
        line = key.line(anchor)
        name = f"kangshu-audit-{anchor.at:%Y%m%dT%H%M%SZ}-{anchor.position:012d}.txt"
        written: list[Path] = []
        failed: list[tuple[Path, str]] = []
        for place in (self.own, *self.named()):
            try:
                _write(place / name, f"{line}\n".encode(), 0o444)
                written.append(place / name)
            except FileExistsError:
                written.append(place / name)  # the same second and position: the same anchor
            except OSError as cause:
                failed.append((place, cause.strerror or type(cause).__name__))
        return AnchorWritten(line, tuple(written), tuple(failed))

    def newest(self) -> str:
        """Return the newest line of the own place, "" where there is none."""
        files = sorted(self.own.glob("kangshu-audit-*.txt")) if self.own.is_dir() else []
        return files[-1].read_text("utf-8").strip() if files else ""

    def last_at(self) -> datetime | None:
        """Return when the newest anchor of the own place was written; None where none can be read."""
        line = self.newest()
        try:
            return PublicKey.load(self.public_key).read(line).at if line else None
        except Fault:
            return None

    def read(self, given: Sequence[Path] = (), public_key: Path | None = None) -> AnchorsRead:
        """Return the anchors in `given` (files or folders); without any, those of every place.

        Raises:
            Unavailable: the public key cannot be read though there are anchors.
        """
        sources = list(given) or [one for one in (self.own, *self.named()) if one.is_dir()]
        found = list(_lines(sources))
        if not found:
            return AnchorsRead((), ())
        key = PublicKey.load(public_key or self.public_key)
        anchors: dict[Anchor, None] = {}
        bad: list[tuple[Path, Text]] = []
        for path, line in found:
            try:
                anchors[key.read(line)] = None
            except Fault as fault:
                bad.append((path, Text(fault.zh, fault.text)))
        return AnchorsRead(tuple(sorted(anchors, key=lambda one: (one.batch, one.at))), tuple(bad))


def _lines(sources: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    for source in sources:
        files = sorted(source.glob("kangshu-audit-*.txt")) if source.is_dir() else [source]
        for path in files:
            try:
                if path.stat().st_size > _LARGEST:
                    raise Unavailable(f"{path.name} is no anchor", zh=f"{path.name} 不是锚点文件")
                text = path.read_text("utf-8", "replace")
            except OSError as cause:
                raise Unavailable(f"{path} cannot be read", zh=f"{path} 无法读取") from cause
            lines = [line for line in text.splitlines() if line.strip()]
            yield from ((path, line) for line in lines or [""])


def _write(path: Path, content: bytes, mode: int, *, replace: bool = False) -> None:
    """Write a file and have it on the disk; a file that is there is refused unless `replace`."""
    target = path.with_suffix(f".{os.getpid()}.new") if replace else path
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if replace else os.O_EXCL), mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if replace:
        target.replace(path)
