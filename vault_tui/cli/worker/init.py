"""`vault-tui init`: the first key slot."""

from pathlib import Path

import click

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.client.calls import Call
from proxy_core.domain.wire import InitRequest, Sealed
from vault_tui.cli import output, proof, secret_input
from vault_tui.cli.connection import Connection
from vault_tui.cli.failures import Usage, say
from vault_tui.cli.options import Command, pass_connection

_NO_BACKEND = frozenset({"keyring.backends.fail", "keyring.backends.null"})


@click.command(cls=Command)
@click.option("--password-stdin", is_flag=True, help="Master password: one line of stdin.")
@click.option("--keyring", "use_keyring", is_flag=True, help="Keep the key in the OS keyring.")
@click.option(
    "--keyfile",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Make a key file (0600) there, for unattended servers.",
)
@pass_connection
def init(
    connection: Connection, password_stdin: bool, use_keyring: bool, keyfile: Path | None
) -> None:
    """Set the vault up: its key, its first key slot, its CA and the vault `default`.

    Starts a worker if none runs. Without options it asks once.
    """
    if password_stdin + use_keyring + (keyfile is not None) > 1:
        raise Usage("Choose one of --password-stdin, --keyring and --keyfile")
    _refuse_twice(connection)
    call = _chosen(password_stdin, use_keyring, keyfile) or _asked()
    session = connection.client.send(call).session
    output.emit("The vault is set up and open.")
    if session is not None:
        proof.end(session, connection.client)
        if isinstance(call.body, InitRequest) and call.body.slot == "password":
            say(f"{proof.NO_TERMINAL} {proof.NO_TERMINAL_HELP}")


def _refuse_twice(connection: Connection) -> None:
    """Start a worker if none runs; stop before asking for a password that nobody needs."""
    if not connection.is_local:
        return
    from proxy_core.client.launcher import ensure_worker

    if ensure_worker(connection.home).initialized:
        raise VaultError(
            "conflict",
            "The vault is set up already.",
            {"help": "`vault-tui unseal` opens it when it is sealed."},
        )


def _chosen(password_stdin: bool, use_keyring: bool, keyfile: Path | None) -> Call[Sealed] | None:
    if password_stdin:
        return calls.init("password", secret_input.line_from_stdin())
    if use_keyring:
        return calls.init("keyring")
    if keyfile is not None:
        return calls.init("keyfile", path=str(keyfile.absolute()))
    password = secret_input.master_password_from_environment()
    return None if password is None else calls.init("password", password)


def _asked() -> Call[Sealed]:
    if not secret_input.can_prompt():
        raise Usage("Say how to protect the key: --password-stdin, --keyring or --keyfile PATH")
    if _keyring_works():
        question = "Keep the key in the OS keyring? Otherwise a master password protects it."
        if click.confirm(question, default=True, err=True):
            return calls.init("keyring")
    else:
        say("This session has no OS keyring, so a master password protects the key.")
    return calls.init("password", secret_input.prompt("New master password", twice=True))


def _keyring_works() -> bool:
    """Whether a keyring backend is there; the worker finds out whether it answers."""
    import keyring

    backend = keyring.get_keyring()
    usable = type(backend).__module__ not in _NO_BACKEND
    return usable and getattr(backend, "backends", None) != []
