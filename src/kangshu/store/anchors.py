"""Anchors: where the audit's chain ended at an instant, signed, as one line of text that is kept outside the database.

    KANGSHU-AUDIT-1 <installation> <batch> <position> <instant> <digest> <key> <signature>

Capital letters, digits and spaces alone: it can be read out, sent by mail, printed as a QR code of the alphanumeric
kind. The signature (Ed25519, RFC 8032) covers the line up to it. Decision: docs/adr/0015.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from kangshu.base.faults import Invalid, Unavailable

_MARK: Final = "KANGSHU-AUDIT-1"
_INSTANT: Final = "%Y%m%dT%H%M%SZ"
_PARTS: Final = 8
_WIDEST: Final = 4096


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where the chain ended: its last batch, that batch's last position and digest, at an instant."""

    installation: str
    """`Database.identity`."""
    batch: int
    position: int
    at: datetime
    digest: bytes


class SigningKey:
    """The installation's private key. Made with `load` or `make`."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def load_or_make(cls, path: Path) -> SigningKey:
        """Return the key in the file `path`, made there (0600) where there is none.

        Raises:
            Unavailable: the file holds no such key.
        """
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            text = Ed25519PrivateKey.generate().private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            staging = path.with_suffix(f".{os.getpid()}.new")
            descriptor = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(staging, path)  # another process may just have made it: the first one stays
            except FileExistsError:
                pass
            finally:
                staging.unlink()
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as cause:
            raise _no_key(path) from cause
        if not isinstance(key, Ed25519PrivateKey):
            raise _no_key(path)
        return cls(key)

    @property
    def public(self) -> PublicKey:
        """Return the key that others check with."""
        return PublicKey(self._key.public_key())

    def line(self, anchor: Anchor) -> str:
        """Return `anchor` as a signed line, without a line end."""
        said = " ".join(
            (
                _MARK, anchor.installation.upper(), str(anchor.batch), str(anchor.position),
                anchor.at.astimezone(timezone.utc).strftime(_INSTANT), anchor.digest.hex().upper(),  # noqa: UP017
                self.public.name,
            )
        )  # fmt: skip
        return f"{said} {self._key.sign(said.encode()).hex().upper()}"


class PublicKey:
    """The key that anchors are checked with."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key

    @classmethod
    def load(cls, path: Path) -> PublicKey:
        """Return the key in the PEM file `path`. Raises Unavailable."""
        try:
            key = serialization.load_pem_public_key(path.read_bytes())
        except (ValueError, OSError, UnsupportedAlgorithm) as cause:
            raise _no_key(path) from cause
        if not isinstance(key, Ed25519PublicKey):
            raise _no_key(path)
        return cls(key)

    @property
    def name(self) -> str:
        """Return the 16 signs by which lines name this key: the beginning of its SHA-256."""
        raw = self._key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return hashlib.sha256(raw).hexdigest()[:16].upper()

    def pem(self) -> bytes:
        """Return the key as PEM text."""
        return self._key.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def read(self, line: str) -> Anchor:
        """Return the anchor that `line` tells.

        Raises:
            Invalid: it is no such line, or this key has not signed it as it stands.
        """
        parts = line[:_WIDEST].strip().split(" ")
        if len(parts) != _PARTS or parts[0] != _MARK:
            raise Invalid("this is no anchor of an audit", zh="不是审计锚点文本")
        said, _, signature = line.strip().rpartition(" ")
        try:
            self._key.verify(bytes.fromhex(signature), said.encode())
        except (InvalidSignature, ValueError) as cause:
            raise Invalid(
                "the anchor was changed, or signed with another key", zh="锚点内容被改动，或由其他密钥签名"
            ) from cause
        _, installation, batch, position, at, digest, _, _ = parts
        instant = datetime.strptime(at, _INSTANT).replace(tzinfo=timezone(timedelta(0)))
        return Anchor(installation.lower(), int(batch), int(position), instant, bytes.fromhex(digest))


def _no_key(path: Path) -> Unavailable:
    return Unavailable(f"{path.name} holds no Ed25519 key", zh=f"{path.name} 中没有 Ed25519 密钥")
