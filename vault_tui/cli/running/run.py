"""`vault-tui run`: a command whose requests go through the proxy, with a session of its own."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import click

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.client import calls
from proxy_core.client.sync_client import SyncClient
from proxy_core.client.target import Target
from proxy_core.domain.wire import SessionCreated, Status
from vault_tui.cli.connection import Connection
from vault_tui.cli.failures import say
from vault_tui.cli.options import Command, pass_connection, vault_option
from vault_tui.cli.running import ca_bundle, run_env, supervise
from vault_tui.cli.running.project_scripts import check_scripts

TTL_RANGE = click.IntRange(300, 604800)
DEFAULT_TTL = 86400
_REVOKE_SECONDS = 5.0


@click.command(cls=Command, context_settings={"ignore_unknown_options": True})
@vault_option
@click.option(
    "--ttl", type=TTL_RANGE, default=DEFAULT_TTL, metavar="S", help="Session, in seconds."
)
@click.option("--keep-env", is_flag=True, help="Leave credentials in the environment as they are.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- CMD…")
@pass_connection
@click.pass_context
def run(
    ctx: click.Context,
    connection: Connection,
    vault: str | None,
    ttl: int,
    keep_env: bool,
    command: Sequence[str],
) -> None:
    """Run CMD with a session token and proxy variables instead of credentials.

    The session is revoked when CMD ends, and processes that CMD left running are ended with it.
    The exit status is CMD's: 128+n if signal n ended it, 127 if it does not exist.
    """
    check_scripts(connection.home, is_agent=connection.is_agent)
    status = open_worker(connection)
    job = Job(command, connection.vault(vault), ttl, keep_env=keep_env)
    ctx.exit(carry_out(connection, status, job))


@dataclass(frozen=True, slots=True)
class Job:
    """A command to be run. `ttl` in seconds is its session's; `account` pins that to one account,
    `variables` are its own, whatever is inherited.
    """

    command: Sequence[str]
    vault: str
    ttl: int = DEFAULT_TTL
    keep_env: bool = False
    account: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


def carry_out(connection: Connection, status: Status, job: Job) -> int:
    """Run a job to its end; its exit status. Raises VaultError, NotStarted."""
    supervise.shield()
    hidden = {} if job.keep_env else _placeholders(connection, job.vault)
    write_ca_files(connection)
    # Last: from here on the control socket refuses this process, as it does the command.
    label = display_safe(f"run {Path(job.command[0]).name}"[:64])
    run_pid = os.getpid() if connection.is_local else None
    call = calls.create_session(job.vault, job.ttl, label, run_pid, job.account)
    session = connection.send(call)
    with supervise.signals_held():
        try:
            facts = session_facts(connection, status, job.vault, session)
            environment = run_env.build_environment(os.environ, facts, hidden)
            return supervise.run_command(job.command, {**environment, **job.variables})
        finally:
            _revoke(connection, session, job.vault)


def open_worker(connection: Connection) -> Status:
    """The worker's status, after starting one on this machine if none runs.

    Raises VaultError: not_initialized, sealed, no_worker.
    """
    if not connection.is_local:
        status = connection.client.send(calls.status())
    else:
        from proxy_core.client.launcher import ensure_worker

        status = ensure_worker(connection.home)
    if not status.initialized:
        raise VaultError("not_initialized")
    if status.sealed:
        raise VaultError("sealed")
    return status


def _placeholders(connection: Connection, vault: str) -> dict[str, str]:
    return run_env.placeholders_for(connection.send(calls.services(vault)).services)


def write_ca_files(connection: Connection) -> None:
    """Write what programs are pointed at, from the worker's certificate. Raises VaultError."""
    home = connection.home
    home.prepare()
    target = connection.target
    more = "" if target.ca_file is None else target.ca_file.read_text("utf-8", "replace")
    ca_bundle.write_ca_files(home, connection.client.send(calls.ca_pem()), more=more)


def session_facts(
    connection: Connection, status: Status, vault: str, session: SessionCreated
) -> run_env.RunFacts:
    """What a program's variables are made of."""
    home = connection.home
    worker_host = urlsplit(connection.target.base_url).hostname or ""
    return run_env.RunFacts(
        api=connection.target.base_url or session.av_addr,
        proxy=run_env.reachable(status.proxy, worker_host),
        vault=vault,
        token=session.token,
        bundle_path=str(ca_bundle.bundle_path(home)),
        ca_path=str(ca_bundle.ca_path(home)),
        # Programs of the worker's own machine need none, and many cannot.
        proxy_tls=status.tls and connection.target.base_url.startswith("https://"),
    )


def _revoke(connection: Connection, session: SessionCreated, vault: str) -> None:
    """End the session by its own token, where it is: the worker, too, may be gone by now."""
    address = connection.target.base_url or session.av_addr
    target = Target(base_url=address, token=session.token, ca_file=connection.target.ca_file)
    client = SyncClient(target, _REVOKE_SECONDS)
    try:
        client.send(calls.revoke_session(session.id, vault))
    except VaultError as error:
        if error.code != "unauthorized":  # an operator was faster
            say(f"The session was not revoked ({error.code}); it ends at {session.expires_at}.")
