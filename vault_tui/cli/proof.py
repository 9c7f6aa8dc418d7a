"""Proving a key slot to the worker: silently where a slot allows it, else by asking once."""

from dataclasses import replace
from typing import Protocol, TypeVar

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.client.calls import Call
from proxy_core.client.sync_client import SyncClient
from proxy_core.domain.wire import OperatorSession, Sealed, Status
from vault_tui.cli import secret_input
from vault_tui.cli.failures import say

T = TypeVar("T")

# Tried without asking, in this order; the worker fetches the key itself.
SILENT_SLOTS = ("keyring", "keyfile")
_TRIES = 3
NO_TERMINAL = (
    "Nothing stays unlocked here: the leader of this process's session has ended or cannot be seen."
)
NO_TERMINAL_HELP = (
    "Set VAULT_TUI_MASTER_PASSWORD_FILE for each command, or start the whole script with "
    "`setsid --wait` and unlock in it."
)
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
    return _prove(client, calls.unlock, status, for_command)


def refuse_without_terminal(client: SyncClient) -> None:
    """Rather than ask for a proof that nothing would remember. Raises VaultError: no_terminal."""
    if not client.send(calls.status()).has_terminal:
        raise VaultError("no_terminal", NO_TERMINAL, {"help": NO_TERMINAL_HELP})


def end(session: OperatorSession, client: SyncClient) -> None:
    """Lock a session that nobody is going to use."""
    SyncClient(replace(client.target, token=session.token)).send(calls.lock())


def unseal(client: SyncClient) -> Sealed:
    """Open the vault with a slot. Raises VaultError: wrong_key, not_initialized, …"""
    return _prove(client, calls.unseal, client.send(calls.status()), for_command=True)


def _prove(client: SyncClient, call: Proof[T], status: Status, for_command: bool) -> T:
    slots = status.slots
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
    raise _nobody_to_ask(status)


def _nobody_to_ask(status: Status) -> VaultError:
    sentence = "This needs the master password, and there is no terminal to ask on."
    remedy = "Set VAULT_TUI_MASTER_PASSWORD_FILE for this command."
    if not (status.has_terminal or status.sealed):  # an earlier unlock would not have helped
        sentence, remedy = f"{sentence} {NO_TERMINAL}", NO_TERMINAL_HELP
    return VaultError("operator_required", sentence, {"help": remedy})


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
