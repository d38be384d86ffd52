"""What is kept to be read again (seeds, telephone numbers): AES-256-GCM under a key file of the installation (ADR 13).

Nothing but this file and `assertions` knows `cryptography` and its kind.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kangshu.base.faults import Unavailable

KEY_FILE: Final = "second-factor.key"
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class Vault:
    """Seals and opens texts of accounts. The key file is made when the first is sealed; its folder is the only copy."""

    def __init__(self, folder: Path | None, key_file: str = KEY_FILE) -> None:
        self._folder = folder
        self._key_file = key_file
        self._cipher: AESGCM | None = None

    def seal(self, account: str, text: bytes) -> bytes:
        """Return `text` sealed for `account`: it opens for that account alone. Raises Unavailable."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._opened(make=True).encrypt(nonce, text, account.encode())

    def open(self, account: str, sealed: bytes) -> bytes:
        """Return the text. Raises Unavailable when the key is missing or is another installation's."""
        cipher = self._opened(make=False)
        try:
            return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], account.encode())
        except InvalidTag as error:
            raise _no_key(self._key_file) from error

    def _opened(self, *, make: bool) -> AESGCM:
        if self._cipher is None:
            if self._folder is None:
                raise _no_key(self._key_file)
            self._cipher = AESGCM(_key(self._folder, self._key_file, make=make))
        return self._cipher


def _key(folder: Path, key_file: str, *, make: bool) -> bytes:
    path = folder / key_file
    if make and not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # whole under another name first: two workers may make it at once, and the first one's stands
        staging = folder / f".{key_file}.{os.getpid()}.{secrets.token_hex(4)}"
        descriptor = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(staging, path)
        except FileExistsError:
            pass
        finally:
            staging.unlink()
    try:
        key = path.read_bytes()
    except OSError as error:
        raise _no_key(key_file) from error
    if len(key) != _KEY_BYTES:
        raise _no_key(key_file)
    return key


def _no_key(key_file: str) -> Unavailable:
    return Unavailable(
        f"the key {key_file} among the installation's secrets is missing or another one: restore it, "
        "or enter anew what it keeps",
        zh=f"密钥文件（实例 secrets 目录中的 {key_file}）缺失或不匹配：请恢复该文件，或重新设置由其保护的内容",
    )
