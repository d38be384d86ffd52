"""The second factor: time-based one-time codes (RFC 6238) with recovery codes. A code works once.

The seed is shown once, as text and as a QR code, and counts from the first code that proves it.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Final

import pyotp

from kangshu.access import Grant
from kangshu.accounts.duties import refuse_own
from kangshu.accounts.office import Office
from kangshu.accounts.passwords import random_code, token_digest
from kangshu.accounts.seeds import Vault
from kangshu.accounts.sessions import Sessions
from kangshu.base.clock import now
from kangshu.base.faults import Conflict, NotFound, Unauthenticated
from kangshu.documents import square_code

RECOVERY_CODES: Final = 10
_STEP_SECONDS: Final = 30
_DIGITS: Final = 6
_DRIFT: Final = 1
"""Steps before and after the present one whose code is taken too: telephones' clocks differ (RFC 6238, 5.2)."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What is shown once to who sets up a second factor: the seed as text, as an address, and as an image."""

    seed: str
    address: str
    picture: str
    """A QR code (SVG) as the address of an image."""


class SecondFactors:
    """The second factors of all accounts."""

    def __init__(self, office: Office, sessions: Sessions) -> None:
        self._office = office
        self._sessions = sessions
        self._vault = Vault(office.secrets)

    async def begin(self, grant: Grant, issuer: str) -> Enrolment:
        """Return a new seed for the account of `grant`, which counts once `confirm` has proved it.

        Raises Conflict where a second factor stands already (the security administrator resets it), Unavailable.
        """
        seed = pyotp.random_base32()
        rows = await self._office.sql(
            "insert into second_factor (account, seed) values ($1, $2) on conflict (account) do update "
            "set seed = excluded.seed, used_step = 0 where second_factor.enrolled is null returning account",
            grant.account,
            self._vault.seal(grant.account, seed.encode()),
        )
        if not rows:
            raise Conflict(
                "a second factor is set up already; the security administrator can reset it",
                zh="动态口令已启用；如需更换，请联系安全保密管理员重置",
            )
        return _shown(grant.account, seed, issuer)

    async def pending(self, grant: Grant, issuer: str) -> Enrolment | None:
        """Return the enrolment that waits for its first code, to be shown once more; None where there is none."""
        rows = await self._office.sql(
            "select seed from second_factor where account = $1 and enrolled is null", grant.account
        )
        if not rows:
            return None
        return _shown(grant.account, self._vault.open(grant.account, rows[0]["seed"]).decode(), issuer)

    async def confirm(self, grant: Grant, code: str) -> tuple[str, ...]:
        """Set the second factor in force when `code` proves it; return the recovery codes, which are shown once.

        Raises Unauthenticated (the code is wrong), NotFound (nothing was begun).
        """
        rows = await self._office.sql(
            "select seed from second_factor where account = $1 and enrolled is null", grant.account
        )
        if not rows:
            raise NotFound("no second factor was begun", zh="尚未开始设置动态口令")
        step = _step_of(self._vault.open(grant.account, rows[0]["seed"]).decode(), code)
        if step is None:
            await self._office.tell(grant.account, "second-factor-enrol", outcome="login")
            raise _wrong()
        taken = await self._office.sql(
            "update second_factor set enrolled = $2, used_step = $3 where account = $1 and enrolled is null "
            "returning account",
            grant.account,
            now(),
            step,
        )
        if not taken:
            raise NotFound("no second factor was begun", zh="尚未开始设置动态口令")
        codes = await self._new_codes(grant.account)
        await self._sessions.changed()
        await self._office.tell(grant.account, "second-factor-enrol")
        return codes

    async def renew_codes(self, grant: Grant, code: str) -> tuple[str, ...]:
        """Return new recovery codes for a right `code`; the old ones end. Raises Unauthenticated."""
        if not await self.takes(grant.account, code):
            await self._office.tell(grant.account, "recovery-codes", outcome="login")
            raise _wrong()
        codes = await self._new_codes(grant.account)
        await self._office.tell(grant.account, "recovery-codes")
        return codes

    async def codes_left(self, account: str) -> int:
        """Return how many recovery codes of `account` have not been used."""
        rows = await self._office.sql(
            "select count(*) as number from recovery_code where account = $1 and used is null", account
        )
        return int(rows[0]["number"])

    async def takes(self, account: str, code: str) -> bool:
        """Return whether `code` is the account's one-time or recovery code, and use it up: it is taken once."""
        written = "".join(code.split()).replace("-", "")
        if not written.isascii():
            return False
        if len(written) == _DIGITS and written.isdigit():
            return await self._takes_step(account, written)
        rows = await self._office.sql(
            "update recovery_code set used = $3 where account = $1 and digest = $2 and used is null returning account",
            account,
            token_digest(written.lower()),
            now(),
        )
        if rows:
            await self._office.tell(account, "recovery-code-used")
        return bool(rows)

    async def reset(self, grant: Grant, name: str) -> None:
        """Take the second factor of `name` away, so that it is set up anew at the next sign-in; what is open ends.

        For the security administrator, and never one's own: who resets passwords cannot reset this.
        Raises Forbidden, NotFound.
        """
        grant.require("account.unlock")
        refuse_own(grant.account, name)
        await self._office.find(name)
        await self._office.sql("delete from second_factor where account = $1", name)
        await self._office.sql("delete from recovery_code where account = $1", name)
        await self._sessions.end_all(name)
        await self._office.tell(grant.account, f"second-factor-reset {name}")

    async def _takes_step(self, account: str, code: str) -> bool:
        rows = await self._office.sql(
            "select seed from second_factor where account = $1 and enrolled is not null", account
        )
        if not rows:
            return False
        step = _step_of(self._vault.open(account, rows[0]["seed"]).decode(), code)
        if step is None:
            return False
        # one statement: of two requests with the same code at the same moment one is too late
        taken = await self._office.sql(
            "update second_factor set used_step = $2 where account = $1 and used_step < $2 returning account",
            account,
            step,
        )
        return bool(taken)

    async def _new_codes(self, account: str) -> tuple[str, ...]:
        codes = tuple(random_code() for _ in range(RECOVERY_CODES))
        digests = [token_digest(one.replace("-", "")) for one in codes]
        await self._office.sql(
            "with gone as (delete from recovery_code where account = $1) "
            "insert into recovery_code (account, digest) select $1, unnest($2::bytea[])",
            account,
            digests,
        )
        return codes


def _shown(account: str, seed: str, issuer: str) -> Enrolment:
    address = pyotp.TOTP(seed, digits=_DIGITS, interval=_STEP_SECONDS).provisioning_uri(
        name=account, issuer_name=issuer
    )
    return Enrolment(seed, address, square_code(address))


def _step_of(seed: str, code: str) -> int | None:
    """Return the step whose code `code` is, the present one first; None for a wrong code."""
    written = "".join(code.split())
    totp = pyotp.TOTP(seed, digits=_DIGITS, interval=_STEP_SECONDS)
    present = int(now().timestamp()) // _STEP_SECONDS
    found = None
    for step in sorted(range(present - _DRIFT, present + _DRIFT + 1), key=lambda one: abs(one - present)):
        right = hmac.compare_digest(totp.generate_otp(step).encode(), written.encode("utf-8", "replace"))
        if right and found is None:
            found = step
    return found


def _wrong() -> Unauthenticated:
    return Unauthenticated(
        "the code is wrong, or has been used", zh="动态口令错误或已使用过，请输入手机上显示的最新口令"
    )


def sample_code(seed: str) -> str:
    """Return the present code of `seed`: what the telephone shows. For tests and for the demonstration."""
    return pyotp.TOTP(seed, digits=_DIGITS, interval=_STEP_SECONDS).generate_otp(
        int(now().timestamp()) // _STEP_SECONDS
    )
