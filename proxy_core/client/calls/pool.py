"""Pools: credentials that are one of several accounts."""

from collections.abc import Mapping, Sequence
from typing import Any

from proxy_core.client.calls.call import Call, given, segment
from proxy_core.domain import wire


def pools(vault: str = "default") -> Call[wire.PoolList]:
    """A vault's pools."""
    return Call("GET", "/v1/pools", wire.PoolList, given(vault=vault))


def create_pool(
    key: str,
    members: Sequence[str],
    vault: str = "default",
    *,
    strategy: str = "default-first",
    settings: Mapping[str, Any] | None = None,
) -> Call[wire.PoolInfo]:
    """Create a credential that is one of these accounts."""
    body = wire.CreatePool(
        key=key,
        accounts=list(members),
        vault=vault,
        strategy=strategy,
        settings=dict(settings or {}),
    )
    return Call("POST", "/v1/pools", wire.PoolInfo, body=body)


def change_pool(
    key: str,
    vault: str = "default",
    *,
    strategy: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Call[wire.PoolInfo]:
    """Change what is given."""
    changed = None if settings is None else dict(settings)
    body = wire.ChangePool(vault=vault, strategy=strategy, settings=changed)
    return Call("PATCH", _pool(key), wire.PoolInfo, body=body)


def add_to_pool(key: str, members: Sequence[str], vault: str = "default") -> Call[wire.PoolInfo]:
    """Let accounts join at the end."""
    body = wire.PoolMembers(accounts=list(members), vault=vault)
    return Call("POST", _pool(key, "/accounts"), wire.PoolInfo, body=body)


def remove_from_pool(key: str, name: str, vault: str = "default") -> Call[wire.PoolInfo]:
    """Let an account leave."""
    path = _pool(key, f"/accounts/{segment(name)}")
    return Call("DELETE", path, wire.PoolInfo, given(vault=vault))


def delete_pool(key: str, vault: str = "default") -> Call[wire.Deleted]:
    """Delete a pool with its credential; its accounts stay."""
    return Call("DELETE", _pool(key), wire.Deleted, given(vault=vault))


def pool_choices(key: str, vault: str = "default", model: str = "") -> Call[wire.PoolChoices]:
    """Which account it would choose now, and the latest choices."""
    return Call("GET", _pool(key, "/choices"), wire.PoolChoices, given(vault=vault, model=model))


def _pool(key: str, rest: str = "") -> str:
    return f"/v1/pools/{segment(key)}{rest}"
