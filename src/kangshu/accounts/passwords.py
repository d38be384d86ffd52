"""Passwords (argon2id) and opaque random tokens. Nothing here does I/O."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from kangshu.base.faults import Unprocessable

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)  # OWASP's argon2id minimum
_NOBODY: Final = _HASHER.hash(secrets.token_urlsafe(16))
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz"
_CAPITALS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_DIGITS: Final = "23456789"


def hash_password(password: str) -> str:
    """Return the argon2id encoding of `password`. Takes some 20 ms of a core: call it in a thread."""
    return _HASHER.hash(password)


def verify_password(encoded: str | None, password: str) -> bool:
    """Return whether `password` is the one that `encoded` keeps.

    Without `encoded` (no such account) the same work is done, so that the time tells nothing.
    """
    try:
        return _HASHER.verify(encoded or _NOBODY, password) and encoded is not None
    except (VerificationError, InvalidHashError):
        return False


def random_password(groups: int = 3, length: int = 4) -> str:
    """Return a random password of `groups` × `length` characters that are not mistaken for one another.

    It has small letters, capitals and digits, and about 5 bits a character.
    """
    alphabet = _LETTERS + _CAPITALS + _DIGITS
    while True:
        parts = ["".join(secrets.choice(alphabet) for _ in range(length)) for _ in range(groups)]
        password = "-".join(parts)
        if _kinds(password) == 4:
            return password


def random_code(groups: int = 4, length: int = 4) -> str:
    """Return a random code of small letters and digits, such as a recovery code: 79 bits with 4 × 4 characters."""
    alphabet = _LETTERS + _DIGITS
    return "-".join("".join(secrets.choice(alphabet) for _ in range(length)) for _ in range(groups))


def check_password(password: str, name: str, least: int) -> None:
    """Raise Unprocessable unless `password` has `least` characters of three kinds and is not built on the name.

    Source: GB/T 22239-2019 8.1.4.1 a) (complexity); the figure is a parameter.
    """
    if len(password) < least:
        raise Unprocessable(f"a password needs at least {least} characters", zh=f"密码长度不得少于{least}位")
    if _kinds(password) < 3:
        raise Unprocessable(
            "a password needs three of: small letters, capitals, digits, other characters",
            zh="密码须包含大写字母、小写字母、数字、特殊字符中的至少三类",
        )
    if name and name.casefold() in password.casefold():
        raise Unprocessable("a password may not hold the account's name", zh="密码不得包含账号名")


def _kinds(password: str) -> int:
    return (
        any(one in _LETTERS or one.islower() for one in password)
        + any(one.isupper() for one in password)
        + any(one.isdigit() for one in password)
        + any(not one.isalnum() for one in password)
    )


def random_token() -> str:
    """Return an opaque token of 256 random bits, safe in headers, cookies and addresses."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> bytes:
    """Return what is stored of `token`: 32 bytes of SHA-256. A random token needs no salt."""
    return hashlib.sha256(token.encode()).digest()
