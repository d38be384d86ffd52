"""系统管理: the keys (系统管理员) and scopes (安全保密管理员) of one service account."""

from __future__ import annotations

from starlette.responses import Response

from kangshu.base.faults import Conflict, Fault, Forbidden, Invalid, Unprocessable
from kangshu.web.forms import told
from kangshu.web.visit import Visit, texts

_REFUSED = (Unprocessable, Conflict, Invalid, Forbidden)


async def keys(visit: Visit) -> Response:
    """Show the keys and scopes."""
    return await _page(visit)


async def add(visit: Visit) -> Response:
    """Add public keys, or take them from an address."""
    name, form = visit.path("name"), texts(await visit.form())
    clients = visit.platform.accounts.clients
    try:
        if "address" in form:
            await clients.set_keys_url(visit.grant, name, form["address"])
        else:
            await clients.add_keys(visit.grant, name, form.get("keys", ""))
    except _REFUSED as fault:
        return await _page(visit, fault, form.get("keys", ""))
    return visit.go(f"/admin/accounts/{name}/keys", said="keyed")


async def remove(visit: Visit) -> Response:
    """Remove one key; the service's open tokens end."""
    name, form = visit.path("name"), texts(await visit.form())
    await visit.platform.accounts.clients.remove_key(visit.grant, name, form.get("kid", ""))
    return visit.go(f"/admin/accounts/{name}/keys", said="ended")


async def scopes(visit: Visit) -> Response:
    """Say which scopes the service may ask for."""
    name, form = visit.path("name"), texts(await visit.form())
    try:
        await visit.platform.accounts.clients.set_scopes(visit.grant, name, form.get("scopes", "").split())
    except _REFUSED as fault:
        return await _page(visit, fault)
    return visit.go(f"/admin/accounts/{name}/keys", said="changed")


async def _page(visit: Visit, fault: Fault | None = None, written: str = "") -> Response:
    words, grant, name = visit.words, visit.grant, visit.path("name")
    client = await visit.platform.accounts.clients.client(grant, name)
    held = await visit.platform.accounts.account(grant, name)
    base = visit.platform.settings.public_url or str(visit.request.base_url).rstrip("/")
    return visit.render(
        "admin_keys.html",
        422 if fault else 200,
        name=name,
        display=held.display,
        address=f"/admin/accounts/{name}",
        client=client,
        written=written,
        endpoint=f"{base}/oauth/token",
        issues=told(words, fault) if fault else [],
        may_keys=grant.may("account.manage"),
        may_scopes=grant.may("role.assign"),
    )
