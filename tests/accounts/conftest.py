"""Accounts on a fresh database, with a folder for their keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from kangshu.accounts import PARAMETERS, Accounts
from kangshu.base.parameters import ParameterTable
from kangshu.store import Store


@pytest_asyncio.fixture
async def doors(database_url: str, tmp_path: Path) -> AsyncIterator[Accounts]:
    """Accounts as an installation has them."""
    store = await Store.open(database_url)
    yield Accounts(store, ParameterTable(PARAMETERS), "990100", secrets=tmp_path / "secrets")
    await store.close()
