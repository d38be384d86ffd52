"""Signed claims of others: of a service that asks for a token (RFC 7523), of a provider that names a person (OIDC).

What is taken is listed; whatever else a header says is refused. Nothing here does I/O.
"""

from __future__ import annotations

import json
import re
import warnings
from base64 import urlsafe_b64decode
from binascii import Error as NotBase64
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, RSAKey

from kangshu.base.faults import Unauthenticated, Unprocessable

CLIENT_ALGORITHMS: Final = ("RS384", "ES384")
"""What SMART asks of servers, and nothing else."""
PROVIDER_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Algorithms with a public key: `none` and those with a shared secret (HS256 ...) are never taken."""

_LONGEST: Final = 8192
_KID: Final = re.compile(r"[A-Za-z0-9._~=+\-]{1,128}")
"""A name, not a path and not an address."""
_FAMILY: Final = {"RS": "RSA", "PS": "RSA", "ES": "EC"}
_SIZES: Final = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_LEAST_RSA_BITS: Final = 2048
_SKEW: Final = timedelta(seconds=30)
"""How far the clock of another may be off."""

PublicKey = Mapping[str, Any]
"""One public JWK."""


class AssertionRefused(Unauthenticated):
    """The assertion is not one that is taken. The text says why to whoever wrote the client; it tells no secret."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a signed assertion says, its signature, issuer, audience and times checked."""

    issuer: str
    subject: str
    expires: datetime
    values: Mapping[str, Any]


def public_key(key: Mapping[str, Any], algorithms: Collection[str] = CLIENT_ALGORITHMS) -> dict[str, Any]:
    """Return the public JWK that is kept of `key`. Raises Unprocessable: a private or shared key, too short, no kid."""
    if _PRIVATE & key.keys():
        raise Unprocessable(
            "this is a private or a shared key: give the public one and treat this one as lost",
            zh="这是私钥或共享密钥：请只提交公钥，并视该私钥已泄露、重新生成",
        )
    kid, kind = key.get("kid"), key.get("kty")
    if not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise Unprocessable(
            "a key needs a 'kid' of letters, digits and . _ ~ = + -",
            zh="公钥须有 kid（字母、数字和 . _ ~ = + -）",
        )
    if key.get("use", "sig") != "sig" or kind not in ("RSA", "EC"):
        raise Unprocessable("a signing key of kind RSA or EC is needed", zh="须为用于签名的 RSA 或 EC 公钥")
    if kind == "EC" and key.get("crv") not in {_SIZES[one] for one in algorithms if one in _SIZES}:
        raise Unprocessable("the curve is not taken; P-384 is", zh="不支持该曲线，请使用 P-384")
    kept = {name: key[name] for name in ("kty", "kid", "n", "e", "crv", "x", "y", "alg") if name in key}
    if not all(isinstance(one, str) for one in kept.values()):
        raise Unprocessable("the key is no JWK", zh="不是有效的 JWK 公钥")
    kept["use"] = "sig"
    loaded = _loaded(kept)
    if isinstance(loaded, RSAKey) and loaded.public_key.key_size < _LEAST_RSA_BITS:
        raise Unprocessable(
            f"an RSA key has at least {_LEAST_RSA_BITS} bits", zh=f"RSA 公钥不得少于 {_LEAST_RSA_BITS} 位"
        )
    return kept


def parse_keys(text: str) -> tuple[dict[str, Any], ...]:
    """Return the public keys of a JWK or a JWK Set. Raises Unprocessable."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise Unprocessable("this is no JSON", zh="不是有效的 JSON") from error
    keys = document.get("keys", [document]) if isinstance(document, dict) else None
    if not isinstance(keys, list) or not keys or len(keys) > 20 or not all(isinstance(k, dict) for k in keys):
        raise Unprocessable(
            "one to twenty public keys are needed (a JWK or a JWK Set)",
            zh="须为 1 至 20 个公钥（JWK 或 JWK Set）",
        )
    return tuple(public_key(one) for one in keys)


def unverified(assertion: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return header and claims before the signature is checked: to find whose keys to ask. Raises AssertionRefused."""
    parts = assertion.split(".")
    if len(parts) != 3 or len(assertion) > _LONGEST or not assertion.isascii():
        raise AssertionRefused("the assertion is no signed JWT", zh="身份声明格式错误")
    return _object(parts[0]), _object(parts[1])


def check_header(
    header: Mapping[str, Any], algorithms: Collection[str], keys_url: str = ""
) -> tuple[str, str]:
    """Return algorithm and kid of a header in which nothing points elsewhere. Raises AssertionRefused."""
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise AssertionRefused(
            f"the algorithm is not taken; these are: {', '.join(algorithms)}", zh="签名算法不被接受"
        )
    if not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise AssertionRefused("the header needs a plain 'kid'", zh="须注明密钥标识 kid")
    if "jku" in header and (not keys_url or header["jku"] != keys_url):
        raise AssertionRefused("'jku' is not the registered address", zh="jku 与登记的地址不符")
    if others := sorted(header.keys() - {"alg", "kid", "typ", "jku"}):
        raise AssertionRefused(
            f"the header holds '{others[0][:20]}', which is not taken", zh="身份声明含有不接受的头部"
        )
    return algorithm, kid


def verify(
    assertion: str,
    key: PublicKey,
    algorithm: str,
    *,
    issuer: str,
    audience: str,
    moment: datetime,
    longest: timedelta | None = None,
) -> Claims:
    """Return the claims of `assertion`, signed with `key`. Raises AssertionRefused.

    `issuer` and `audience` must be the very texts; `longest` bounds how far ahead it may end.
    """
    if key.get("kty") != _FAMILY[algorithm[:2]] or key.get("alg", algorithm) != algorithm:
        raise AssertionRefused("the key is of another kind than the algorithm", zh="密钥与签名算法不符")
    if algorithm in _SIZES and key.get("crv") != _SIZES[algorithm]:
        raise AssertionRefused("the key is of another curve than the algorithm", zh="密钥与签名算法不符")
    try:
        claims = dict(jwt.decode(assertion, _loaded(key), algorithms=[algorithm]).claims)
    except (JoseError, ValueError) as error:
        raise AssertionRefused("the signature does not hold", zh="签名校验失败") from error
    if claims.get("iss") != issuer:
        raise AssertionRefused("'iss' is another", zh="签发者不符")
    named = claims.get("aud")
    if named != audience and not (isinstance(named, list) and audience in named):
        raise AssertionRefused("'aud' is not this server", zh="受众不符")
    expires = _instant(claims, "exp")
    if expires is None or expires <= moment - _SKEW:
        raise AssertionRefused("the assertion has ended, or does not say when", zh="身份声明已过期")
    if longest is not None and expires > moment + longest + _SKEW:
        raise AssertionRefused(
            f"the assertion ends more than {int(longest.total_seconds())} seconds ahead",
            zh="身份声明有效期过长",
        )
    for name in ("nbf", "iat"):
        begins = _instant(claims, name) if name in claims else None
        if begins is not None and begins > moment + _SKEW:
            raise AssertionRefused(f"'{name}' lies ahead", zh="身份声明尚未生效")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise AssertionRefused("'sub' is missing", zh="缺少主体标识")
    return Claims(issuer, subject, expires, claims)


def key_named(keys: Sequence[Mapping[str, Any]], kid: str) -> Mapping[str, Any] | None:
    """Return the key of that name."""
    return next((one for one in keys if one.get("kid") == kid), None)


def _loaded(key: Mapping[str, Any]) -> RSAKey | ECKey:
    try:
        with warnings.catch_warnings():
            # a short key is told by `public_key`, in our words
            warnings.simplefilter("ignore", SecurityWarning)
            document: dict[str, str | list[str]] = {name: str(value) for name, value in key.items()}
            return RSAKey.import_key(document) if key["kty"] == "RSA" else ECKey.import_key(document)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise Unprocessable("the key is no public JWK of kind RSA or EC", zh="不是有效的 JWK 公钥") from error


def _instant(claims: Mapping[str, Any], name: str) -> datetime | None:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _object(part: str) -> Mapping[str, Any]:
    try:
        found = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, NotBase64, RecursionError) as error:
        raise AssertionRefused("the assertion is no signed JWT", zh="身份声明格式错误") from error
    if not isinstance(found, dict):
        raise AssertionRefused("the assertion is no signed JWT", zh="身份声明格式错误")
    return found
