"""One-time codes (到场验证码): what the resident is shown and the visitor enters proves that the two have met.

A move whose effect is `code: <name>` makes a code of six digits; whoever makes that move and whoever acts for the
resident reads it on the case's page, nobody else ever. A move with `prove: <name>` takes it once. A code is a sealed
record, good for a dated number of minutes; after so many wrong tries it is void and the resident makes another.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hmac import compare_digest
from typing import Any, Final
from unicodedata import normalize

from kangshu.access import Grant
from kangshu.base.canonical import structure
from kangshu.base.clock import instant
from kangshu.base.faults import Gone, Issue, NotFound, Unprocessable
from kangshu.base.text import Text
from kangshu.cases.frozen_records import writing
from kangshu.cases.lots import SEALED
from kangshu.sdk import CaseDeclaration, Resource, unverified_parameter
from kangshu.store import Stored, Transaction

MINUTES: Final = unverified_parameter(
    "case-code-minutes", "到场验证码的有效时长", "How long a one-time code is good", 30, "min",
    "待定：由主管部门自行设定", since=date(2020, 1, 1),
)  # fmt: skip
TRIES: Final = unverified_parameter(
    "case-code-tries", "到场验证码允许输错的次数", "Wrong tries after which a one-time code is void", 5, "次",
    "待定：由主管部门自行设定", since=date(2020, 1, 1),
)  # fmt: skip
_DIGITS: Final = 6
_CODE: Final = structure("one-time-code")
_WRONG: Final = Text(
    "验证码不对、已过期或已作废，请老人重新出示。",
    "The code is wrong, too old or void: ask the resident to show a new one.",
)


@dataclass(frozen=True, slots=True)
class OneTimeCode:
    """A code that is good until `until`. `account` made it."""

    name: str
    digits: str
    until: datetime
    account: str
    tries: int = 0


class WrongCode(Unprocessable):
    """What was entered is not the code `name`; whoever runs the move counts the try."""

    def __init__(self, name: str, field: str) -> None:
        place = (field,) if field else ()
        issue = Issue("error", "business-rule", _WRONG.en, place, _WRONG.zh)
        super().__init__(_WRONG.en, zh=_WRONG.zh, issues=(issue,))
        self.name = name


def code_names(declaration: CaseDeclaration) -> Iterator[str]:
    """Yield the names of the codes that moves of a kind make."""
    for move in declaration.moves:
        yield from (str(effect["code"]) for effect in move.effects if "code" in effect)


async def make_code(
    transaction: Transaction, task: Resource, name: str, when: datetime, minutes: int, account: str
) -> None:
    """Make the code `name` of a case anew; one that was good before is void."""
    digits = f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}d}"
    code = OneTimeCode(name, digits, when + timedelta(minutes=minutes), account)
    await _keep(transaction, str(task["id"]), code)


async def prove(
    transaction: Transaction, task: Resource, name: str, entered: str, when: datetime, field: str
) -> None:
    """Take the code `name`: it is used up. Raises WrongCode."""
    task_id = str(task["id"])
    held = await read_code(transaction, task_id, name)
    # a Chinese keyboard may send digits of full width
    said = normalize("NFKC", entered).strip().encode()
    if held is None or held.until < when or not compare_digest(held.digits.encode(), said):
        raise WrongCode(name, field)
    await writing(transaction).delete("Basic", _id_of(task_id, name))


async def count_try(transaction: Transaction, task_id: str, name: str, most: int) -> None:
    """Count a wrong try; after `most` of them the code is void."""
    await transaction.lock("Basic", _id_of(task_id, name))
    held = await read_code(transaction, task_id, name)
    if held is None:
        return
    if held.tries + 1 >= most:
        await writing(transaction).delete("Basic", _id_of(task_id, name))
    else:
        more = OneTimeCode(name, held.digits, held.until, held.account, held.tries + 1)
        await _keep(transaction, task_id, more)


async def read_code(reader: Any, task_id: str, name: str) -> OneTimeCode | None:
    """Return the code as it stands, good or too old; None where there is none. `reader` reads sealed records."""
    try:
        stored: Stored = await reader.read("Basic", _id_of(task_id, name))
    except (NotFound, Gone):
        return None
    parts = {one["url"]: one for one in stored.resource["extension"][0]["extension"]}
    return OneTimeCode(
        name,
        str(parts["digits"]["valueString"]),
        datetime.fromisoformat(parts["until"]["valueInstant"]),
        str(parts["account"]["valueString"]),
        int(parts["tries"]["valueInteger"]),
    )


def may_see(grant: Grant, code: OneTimeCode, resident: str) -> bool:
    """Return whether a code is shown: to whoever made it, the resident (an id) and those who act for the resident."""
    return code.account == grant.account or (
        bool(resident) and (grant.acts_as(resident) or resident in grant.mandates)
    )


async def _keep(transaction: Transaction, task_id: str, code: OneTimeCode) -> None:
    parts = [
        {"url": "digits", "valueString": code.digits},
        {"url": "until", "valueInstant": instant(code.until)},
        {"url": "account", "valueString": code.account},
        {"url": "tries", "valueInteger": code.tries},
    ]
    sealed: Resource = {
        "resourceType": "Basic",
        "id": _id_of(task_id, code.name),
        "meta": {"security": [dict(SEALED)]},
        "code": {"text": "one-time code"},
        "extension": [{"url": _CODE, "extension": parts}],
    }
    await writing(transaction).update(sealed)


def _id_of(task_id: str, name: str) -> str:
    return f"code-{task_id}-{name}"
