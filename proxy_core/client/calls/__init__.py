"""Every endpoint of the worker's API as a typed value: what to send and what comes back.

`SyncClient.send(call)` and `AsyncClient.send(call)` carry them out, and raise VaultError with the
worker's code for what it refuses. What is sent and answered is described in `domain.wire`. A vault,
an agent or an account is named as people name it; ids are those of answers. Durations are whole
seconds; a page's `before` and `after` are cursors, those that pages of the same query have shown.

There is a module for each subject; none has the name of a call, for that is what `calls.NAME`
means. A module is loaded with the first use of one of its names: a command needs two or three.
"""

# ruff: noqa: F403 - so that each name stands here once; mypy knows them by these imports
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from proxy_core.client.calls.actors import *
    from proxy_core.client.calls.approvals import *
    from proxy_core.client.calls.auditing import *
    from proxy_core.client.calls.call import *
    from proxy_core.client.calls.commanding import *
    from proxy_core.client.calls.credential import *
    from proxy_core.client.calls.device import *
    from proxy_core.client.calls.oauth import *
    from proxy_core.client.calls.people import *
    from proxy_core.client.calls.pool import *
    from proxy_core.client.calls.proposing import *
    from proxy_core.client.calls.provider_accounts import *
    from proxy_core.client.calls.sealing import *
    from proxy_core.client.calls.service import *
    from proxy_core.client.calls.sourcing import *
    from proxy_core.client.calls.telling import *
    from proxy_core.client.calls.traffic import *
    from proxy_core.client.calls.trusting import *
    from proxy_core.client.calls.vault import *
    from proxy_core.client.calls.worker import *

_NAMES = {
    "actors": (
        "create_session",
        "sessions",
        "revoke_session",
        "create_agent",
        "agents",
        "agent",
        "delete_agent",
        "rotate_agent",
        "rename_agent",
        "change_agent_role",
        "pin_agent",
        "vault_agents",
        "add_vault_agent",
        "change_vault_agent",
        "remove_vault_agent",
    ),
    "approvals": ("holds", "hold", "approve_hold", "deny_hold", "grants", "revoke_grant"),
    "auditing": ("audit", "verify_audit"),
    "call": ("Call", "LONGEST_WAIT"),
    "commanding": ("set_command", "command", "approve_command", "try_command"),
    "credential": (
        "credentials",
        "set_credentials",
        "delete_credentials",
        "credential_versions",
        "restore_credential",
    ),
    "device": (
        "device_requests",
        "approve_device",
        "deny_device",
        "devices",
        "revoke_device",
        "claude_settings",
        "put_claude_settings",
        "delete_claude_settings",
    ),
    "oauth": (
        "paste_tokens",
        "oauth_status",
        "refresh_oauth",
        "providers",
        "discover_issuer",
        "connect_oauth",
        "connect_account",
        "flow",
        "complete_flow",
        "cancel_flow",
    ),
    "people": (
        "login",
        "logout",
        "reauth",
        "change_password",
        "me",
        "user_sessions",
        "revoke_user_session",
        "users",
        "create_user",
        "user",
        "remove_user",
        "change_user_role",
        "invites",
        "create_invite",
        "revoke_invite",
        "accept_invite",
        "vault_users",
        "add_vault_user",
        "change_vault_user",
        "remove_vault_user",
    ),
    "pool": (
        "pools",
        "create_pool",
        "change_pool",
        "add_to_pool",
        "remove_from_pool",
        "delete_pool",
        "pool_choices",
    ),
    "proposing": (
        "create_proposal",
        "proposals",
        "proposal",
        "admin_proposals",
        "review_proposal",
        "approve_proposal",
        "reject_proposal",
        "reveal_proposed",
    ),
    "provider_accounts": (
        "accounts",
        "account",
        "add_account",
        "change_account",
        "use_account",
        "pause_account",
        "resume_account",
        "refresh_account",
        "ask_quota",
        "restore_account",
        "remove_account",
        "pin_account",
        "unpin_account",
    ),
    "sealing": (
        "init",
        "seal",
        "unseal",
        "unlock",
        "lock",
        "slots",
        "add_slot",
        "change_slot",
        "remove_slot",
        "rotate_key",
        "make_backup",
    ),
    "service": (
        "services",
        "upsert_services",
        "replace_services",
        "clear_services",
        "remove_service",
        "enable_service",
        "credential_usage",
        "match_test",
    ),
    "sourcing": ("set_source", "source", "poll_source", "remove_source"),
    "telling": (
        "webhooks",
        "add_webhook",
        "enable_webhook",
        "rotate_webhook",
        "try_webhook",
        "remove_webhook",
    ),
    "traffic": ("logs", "discovered_hosts", "event_stream"),
    "trusting": ("issuers", "add_issuer", "replace_issuer", "remove_issuer", "try_issuer"),
    "vault": (
        "vaults",
        "create_vault",
        "rename_vault",
        "delete_vault",
        "vault_settings",
        "change_vault_settings",
    ),
    "worker": (
        "health",
        "status",
        "ca_pem",
        "service_catalog",
        "discover",
        "settings",
        "change_settings",
    ),
}
_MODULE_OF = {name: module for module, names in _NAMES.items() for name in names}

if not TYPE_CHECKING:  # or every name would seem to be there

    def __getattr__(name: str) -> Any:
        """The call (or what else) of this name. Raises AttributeError."""
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
        globals()[name] = found
        return found
