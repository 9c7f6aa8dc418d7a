"""Accounts at providers."""

from proxy_core.client.calls.call import Call, given, segment
from proxy_core.domain import wire


def accounts(
    vault: str = "default", provider: str = "", *, removed: bool = False
) -> Call[wire.AccountList]:
    """A vault's accounts with their quota; with `removed` those that can be brought back."""
    query = given(vault=vault, provider=provider, removed="true" if removed else "")
    return Call("GET", "/v1/accounts", wire.AccountList, query)


def account(name: str, vault: str = "default") -> Call[wire.AccountInfo]:
    """One account, by id, e-mail, nickname or unique prefix."""
    return Call("GET", _account(name), wire.AccountInfo, given(vault=vault))


def add_account(account: wire.AddAccount) -> Call[wire.AccountAdded]:
    """Add an account from its tokens, or give one that is there new ones."""
    return Call("POST", "/v1/accounts", wire.AccountAdded, body=account)


def change_account(
    name: str,
    vault: str = "default",
    *,
    nickname: str | None = None,
    priority: int | None = None,
    tier: str | None = None,
) -> Call[wire.AccountInfo]:
    """Change what is given."""
    body = wire.ChangeAccount(vault=vault, nickname=nickname, priority=priority, tier=tier)
    return Call("PATCH", _account(name), wire.AccountInfo, body=body)


def use_account(name: str, vault: str = "default") -> Call[wire.AccountInfo]:
    """Let it be its provider's default."""
    return _act(name, "use", vault)


def pause_account(name: str, vault: str = "default") -> Call[wire.AccountInfo]:
    """Take it for no more requests."""
    return _act(name, "pause", vault)


def resume_account(name: str, vault: str = "default") -> Call[wire.AccountInfo]:
    """Take it for requests again."""
    return _act(name, "resume", vault)


def refresh_account(name: str, vault: str = "default") -> Call[wire.AccountInfo]:
    """Refresh its tokens now."""
    return _act(name, "refresh", vault)


def ask_quota(name: str, vault: str = "default") -> Call[wire.AccountInfo]:
    """Ask the provider for its quota now."""
    return _act(name, "quota", vault)


def restore_account(name: str, vault: str = "default") -> Call[wire.AccountInfo]:
    """Bring back what was removed."""
    return _act(name, "restore", vault)


def remove_account(name: str, vault: str = "default") -> Call[wire.AccountRemoved]:
    """Remove an account; for 30 days it can be brought back."""
    return Call("DELETE", _account(name), wire.AccountRemoved, given(vault=vault))


def pin_account(
    name: str, vault: str = "default", *, agent: str = "", session: str = ""
) -> Call[wire.Pinned]:
    """Let an agent or a session use this account alone."""
    body = wire.PinAccount(vault=vault, agent=agent, session=session)
    return Call("POST", _account(name, "/pin"), wire.Pinned, body=body)


def unpin_account(
    vault: str = "default", *, agent: str = "", session: str = ""
) -> Call[wire.Pinned]:
    """Let an agent or a session use any account again."""
    body = wire.PinAccount(vault=vault, agent=agent, session=session)
    return Call("POST", "/v1/accounts/unpin", wire.Pinned, body=body)


def _act(name: str, action: str, vault: str) -> Call[wire.AccountInfo]:
    return Call("POST", _account(name, f"/{action}"), wire.AccountInfo, given(vault=vault))


def _account(name: str, rest: str = "") -> str:
    return f"/v1/accounts/{segment(name)}{rest}"
