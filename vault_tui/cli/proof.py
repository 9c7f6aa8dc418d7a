"""Proving a key slot to the worker: silently where a slot allows it, else by asking once."""

from collections.abc import Collection
from typing import Protocol, TypeVar

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.client.calls import Call
from proxy_core.client.sync_client import SyncClient
from proxy_core.domain.wire import OperatorSession, Sealed
from vault_tui.cli import secret_input
from vault_tui.cli.failures import say

T = TypeVar("T")

# Tried without asking, in this order; the worker fetches the key itself.
SILENT_SLOTS = ("keyring", "keyfile")
_TRIES = 3
# What a slot that does not work here answers: the next one is tried.
_NEXT_SLOT = frozenset({"wrong_key", "keyring_unavailable", "key_slot_unusable"})


class Proof(Protocol[T]):
    """`calls.unlock` or `calls.unseal`."""

    def __call__(self, slot: str, secret: str = "", for_command: bool = False) -> Call[T]:
        """Prove `slot`."""


def unlock(client: SyncClient, *, for_command: bool = False) -> OperatorSession:
    """Prove a slot: an operator session of this terminal.

    `for_command`: a password from the environment proves this command, and unlocks no terminal.
    Raises VaultError: wrong_key, sealed, …
    """
    status = client.send(calls.status())
    if status.sealed and status.initialized:
        raise VaultError("sealed")
    return _prove(client, calls.unlock, status.slots, for_command)


def unseal(client: SyncClient) -> Sealed:
    """Open the vault with a slot. Raises VaultError: wrong_key, not_initialized, …"""
    return _prove(client, calls.unseal, client.send(calls.status()).slots, for_command=True)


def _prove(client: SyncClient, call: Proof[T], slots: Collection[str], for_command: bool) -> T:
    if not slots:
        raise VaultError("not_initialized")
    password = secret_input.master_password_from_environment()
    if password is not None:
        return client.send(call("password", password, for_command))
    failure: VaultError | None = None
    for kind in SILENT_SLOTS:
        if kind in slots:
            try:
                return client.send(call(kind, ""))
            except VaultError as error:
                if error.code not in _NEXT_SLOT:
                    raise
                failure = error
    if "password" in slots and secret_input.can_prompt():
        return _ask(client, call)
    if failure is not None:
        raise failure
    raise VaultError(
        "operator_required",
        "This needs the master password, and there is no terminal to ask on.",
        {"help": "Set VAULT_TUI_MASTER_PASSWORD_FILE for this command."},
    )


def _ask(client: SyncClient, call: Proof[T]) -> T:
    for left in range(_TRIES - 1, -1, -1):
        password = secret_input.prompt("Master password")
        try:
            return client.send(call("password", password))
        except VaultError as error:
            if error.code != "wrong_key" or not left:
                raise
        say("That is not the master password; try again.")
    raise AssertionError  # the last try returns or raises
