"""From changed rows to deeds: one table's way of being told of, each in a few lines."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from proxy_core.domain.audit import Deed
from proxy_core.services.audit.differences import shown
from proxy_core.services.audit.names import Names
from proxy_core.store.audited import RowChange, row_changes
from proxy_core.store.touched import Transaction


def deeds(session: Transaction) -> Iterator[Deed]:
    """What the transaction has done so far, in the order in which it was begun."""
    names = Names(session)
    for change in list(row_changes(session)):
        verb, target = _WORDS[change.table](names, change)
        vault_id = names.vault_id(change)
        before, after = shown(change)
        yield Deed(verb, target, vault_id, names.vault(vault_id), before, after)


_Word = Callable[[Names, RowChange], tuple[str, str]]
"""The action and the name of what it was done to."""


def _plain(subject: str, name: str) -> _Word:
    """Created, updated or deleted."""

    def word(_: Names, change: RowChange) -> tuple[str, str]:
        return f"{subject}.{_verb(change)}", str(change.row[name])

    return word


def _verb(change: RowChange, came: str = "created", went: str = "deleted") -> str:
    if change.before is None:
        return came
    return went if change.after is None else "updated"


def _setting(_: Names, change: RowChange) -> tuple[str, str]:
    return "settings.changed", str(change.row["name"])


def _vault(_: Names, change: RowChange) -> tuple[str, str]:
    verb = "renamed" if "name" in change.changed else _verb(change)
    return f"vault.{verb}", str(change.row["name"])


def _credential(_: Names, change: RowChange) -> tuple[str, str]:
    verb = "deleted" if change.after is None else "set"
    return f"credential.{verb}", str(change.row["key"])


def _command(names: Names, change: RowChange) -> tuple[str, str]:
    """Setting a command takes an approval away, so that one that came was given."""
    verb = "command_approved" if change.row["approved_by"] else _verb(change, "command_set")
    if verb == "updated":
        verb = "command_set"
    return f"credential.{verb}", names.key(change.row["credential_id"])


def _source(names: Names, change: RowChange) -> tuple[str, str]:
    return f"vault.{_verb(change, 'source_set', 'source_removed')}", names.vault(
        change.row["vault_id"]
    )


def _agent(_: Names, change: RowChange) -> tuple[str, str]:
    verb = "renamed" if "name" in change.changed else _verb(change)
    if "token_sha256" in change.secrets:
        verb = "rotated"
    return f"agent.{verb}", str(change.row["name"])


def _agent_grant(names: Names, change: RowChange) -> tuple[str, str]:
    verb = _verb(change, "granted", "revoked")
    action = "grant_changed" if verb == "updated" else verb
    return f"agent.{action}", names.agent(change.row["agent_id"])


def _user(_: Names, change: RowChange) -> tuple[str, str]:
    password = change.secrets & {"password_digest"}
    return f"user.{'password_changed' if password else _verb(change)}", str(change.row["email"])


def _user_grant(names: Names, change: RowChange) -> tuple[str, str]:
    verb = _verb(change, "granted", "revoked")
    action = "grant_changed" if verb == "updated" else verb
    return f"user.{action}", names.user(change.row["user_id"])


def _user_session(names: Names, change: RowChange) -> tuple[str, str]:
    return f"user.{_verb(change, 'login', 'logout')}", names.user(change.row["user_id"])


def _session(_: Names, change: RowChange) -> tuple[str, str]:
    return f"session.{_verb(change, went='revoked')}", str(change.row["label"])


def _approval(_: Names, change: RowChange) -> tuple[str, str]:
    return f"grant.{_verb(change, went='revoked')}", str(change.row["actor_name"])


def _proposal(_: Names, change: RowChange) -> tuple[str, str]:
    verb = change.row["status"] if "status" in change.changed else _verb(change)
    return f"proposal.{'approved' if verb == 'applied' else verb}", f"#{change.row['number']}"


def _account(_: Names, change: RowChange) -> tuple[str, str]:
    verb = _verb(change, "added", "purged")
    if "removed_at" in change.changed:
        verb = "removed" if change.row["removed_at"] is not None else "restored"
    return f"account.{verb}", str(change.row["nickname"] or change.row["email"])


def _pool(names: Names, change: RowChange) -> tuple[str, str]:
    return f"pool.{_verb(change)}", names.key(change.row["credential_id"])


def _pool_member(names: Names, change: RowChange) -> tuple[str, str]:
    pool = names.key(change.row["credential_id"])
    verb = _verb(change, "account_added", "account_removed")
    action = "account_moved" if verb == "updated" else verb
    return f"pool.{action}", f"{pool}: {names.account(change.row['account_id'])}"


def _login(names: Names, change: RowChange) -> tuple[str, str]:
    verb = "connected" if "connected_at" in change.changed else _verb(change)
    return f"login.{verb}", names.login(change.row)


def _slot(_: Names, change: RowChange) -> tuple[str, str]:
    verb = _verb(change, "added", "removed")
    if verb == "updated":  # around another key, or opened by another password
        verb = "rewrapped" if "key_version" in change.secrets else "changed"
    return f"key_slot.{verb}", str(change.row["label"])


def _authority(_: Names, change: RowChange) -> tuple[str, str]:
    return f"ca.{_verb(change)}", ""


def _device(names: Names, change: RowChange) -> tuple[str, str]:
    return f"device.{_verb(change, 'approved', 'ended')}", names.agent(change.row["agent_id"])


def _claude_settings(names: Names, change: RowChange) -> tuple[str, str]:
    return f"claude_settings.{_verb(change)}", names.vault(change.row["vault_id"])


_WORDS: Final[Mapping[str, _Word]] = {
    "setting": _setting,
    "key_slot": _slot,
    "certificate_authority": _authority,
    "vault": _vault,
    "credential": _credential,
    "command_credential": _command,
    "vault_source": _source,
    "service": _plain("service", "name"),
    "agent": _agent,
    "agent_grant": _agent_grant,
    "scoped_session": _session,
    "approval_grant": _approval,
    "proposal": _proposal,
    "account": _account,
    "pool": _pool,
    "pool_member": _pool_member,
    "oauth_login": _login,
    "user_account": _user,
    "user_grant": _user_grant,
    "user_session": _user_session,
    "webhook": _plain("webhook", "shown"),
    "issuer": _plain("issuer", "name"),
    "device": _device,
    "claude_settings": _claude_settings,
    "user_invite": _plain("user_invite", "email"),
}
