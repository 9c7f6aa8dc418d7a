"""The root command: what exists, where it is imported from, and how a run ends."""

from collections.abc import Sequence

import click

from vault_tui.cli import failures
from vault_tui.cli.fast import print_version
from vault_tui.cli.lazy import LazyCommand, LazyGroup

_EPILOG = """\b
Environment:
  VAULT_TUI_HOME                   data directory
  VAULT_TUI_ADDR, VAULT_TUI_TOKEN  a worker elsewhere
  VAULT_TUI_CA_FILE                its certificate's CA, beside the system's
  VAULT_TUI_MASTER_PASSWORD[_FILE] proof for one command, for scripts
  AGENT_VAULT_TOKEN                preferred when set, as inside `vault-tui run`
  VAULT_TUI_DEBUG=1                tracebacks

\b
Exit codes: 0 done, 1 failed, 2 usage, 3 no worker or sealed, 4 not found, 5 refused.

\b
Shell completion:
  bash  eval "$(_VAULT_TUI_COMPLETE=bash_source vault-tui)"
  zsh   eval "$(_VAULT_TUI_COMPLETE=zsh_source vault-tui)"
  fish  _VAULT_TUI_COMPLETE=fish_source vault-tui | source
"""

_WORKER, _VAULT, _WATCH = "Worker", "Vault", "Watch"

COMMANDS = {
    "demo": LazyCommand(
        "worker.demo:demo", "Try it: a throw-away worker, upstream and agents.", _WORKER
    ),
    "worker": LazyCommand("worker.lifecycle:worker", "Run the worker in the foreground.", _WORKER),
    "start": LazyCommand("worker.lifecycle:start", "Start the worker in the background.", _WORKER),
    "stop": LazyCommand("worker.lifecycle:stop", "Stop the worker.", _WORKER),
    "status": LazyCommand(
        "worker.status:status", "Show whether the worker runs and is sealed.", _WORKER
    ),
    "init": LazyCommand("worker.init:init", "Set the vault up with its first key slot.", _WORKER),
    "seal": LazyCommand("worker.keys:seal", "Forget the key until the next unseal.", _WORKER),
    "unseal": LazyCommand("worker.keys:unseal", "Open the vault with a key slot.", _WORKER),
    "unlock": LazyCommand(
        "worker.keys:unlock", "Start an operator session in this terminal.", _WORKER
    ),
    "lock": LazyCommand("worker.keys:lock", "End this terminal's operator session.", _WORKER),
    "key": LazyCommand("worker.key_slots:key", "Ways to open the vault, and a new key.", _WORKER),
    "backup": LazyCommand(
        "worker.backup:backup", "Write the vault into an encrypted file.", _WORKER
    ),
    "restore": LazyCommand("worker.backup:restore", "Restore the vault from such a file.", _WORKER),
    "export": LazyCommand(
        "worker.export:export", "Print what is set up, without secrets.", _WORKER
    ),
    "login": LazyCommand("people.login:login", "Sign in to a worker elsewhere.", _WORKER),
    "logout": LazyCommand("people.login:logout", "Sign out of a worker elsewhere.", _WORKER),
    "auth": LazyCommand(
        "people.auth:auth", "Your own token, for programs that ask for one.", _WORKER
    ),
    "config": LazyCommand(
        "worker.config:config", "Read and change the worker's settings.", _WORKER
    ),
    "run": LazyCommand(
        "running.run:run", "Run a command with credentials attached by the proxy.", _VAULT
    ),
    "claude": LazyCommand(
        "running.claude:claude", "Run Claude Code with an account of the vault.", _VAULT
    ),
    "setup": LazyCommand(
        "setup.setup:setup", "Let other programs use the vault by themselves.", _VAULT
    ),
    "ca": LazyCommand("worker.ca:ca", "Print the CA certificate that agents trust.", _VAULT),
    "vault": LazyCommand("vaults.vaults:vault", "Vaults.", _VAULT),
    "credential": LazyCommand(
        "vaults.credentials:credential", "Credentials (also: creds).", _VAULT
    ),
    "creds": LazyCommand("vaults.credentials:credential", "Credentials.", alias_of="credential"),
    "account": LazyCommand(
        "accounts.accounts:account", "Accounts at providers, and their quota.", _VAULT
    ),
    "pool": LazyCommand("accounts.pools:pool", "Several accounts behind one credential.", _VAULT),
    "service": LazyCommand(
        "services.services:service", "Services: which host gets which key.", _VAULT
    ),
    "discover": LazyCommand("agents.discover:discover", "Show what an agent may use.", _VAULT),
    "agent": LazyCommand("agents.agents:agent", "Agents and their tokens.", _VAULT),
    "device": LazyCommand("agents.devices:device", "Devices that sign in at the gateway.", _VAULT),
    "managed-settings": LazyCommand(
        "agents.devices:managed_settings", "Claude Code's settings for those devices.", _VAULT
    ),
    "session": LazyCommand("agents.sessions:session", "Tokens that end by themselves.", _VAULT),
    "user": LazyCommand("people.users:user", "People who sign in over the network.", _VAULT),
    "issuer": LazyCommand("people.issuers:issuer", "Whose JWTs count as agents' tokens.", _VAULT),
    "proposal": LazyCommand("deciding.proposals:proposal", "What agents ask for.", _WATCH),
    "hold": LazyCommand("deciding.approvals:hold", "Requests that wait for an answer.", _WATCH),
    "grant": LazyCommand("deciding.approvals:grant", "What was allowed for a while.", _WATCH),
    "webhook": LazyCommand(
        "watching.webhooks:webhook", "Tell other programs what happens.", _WATCH
    ),
    "logs": LazyCommand("watching.logs:logs", "Show requests, also live.", _WATCH),
    "doctor": LazyCommand("watching.doctor:doctor", "What is wrong, and how to mend it.", _WATCH),
    "trust": LazyCommand("running.trust:trust", "Commands that a project brings along.", _WATCH),
    "audit": LazyCommand(
        "watching.audit:audit", "Who did what, and whether that record is whole.", _WATCH
    ),
    "events": LazyCommand("watching.events:events", "Follow the worker's events.", _WATCH),
}


def _print_version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    print_version()
    ctx.exit()


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    invoke_without_command=True,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--addr", metavar="URL", help="Worker to talk to, instead of this machine's.")
@click.option("--ca-file", metavar="FILE", help="Trust its certificate by this CA too, PEM.")
@click.option("--insecure", is_flag=True, help="Let the token go to it over plain http.")
@click.option("--read-only", is_flag=True, help="Open the console without a way to change things.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
@click.pass_context
def root(
    ctx: click.Context, addr: str | None, ca_file: str | None, insecure: bool, read_only: bool
) -> None:
    """Keep credentials away from AI agents: a vault, a local proxy and a console.

    Without a command, `vault-tui` opens the console.
    """
    from vault_tui.cli.connection import Connection

    ctx.obj = Connection(addr=addr or "", ca_file=ca_file or "", insecure=insecure)
    if ctx.invoked_subcommand is None:
        from vault_tui.cli.console import open_console

        open_console(ctx.obj, read_only=read_only)
    elif read_only:
        raise click.UsageError("--read-only is for the console: give no command with it")


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; returns its exit code."""
    try:
        result = root.main(
            args=None if arguments is None else list(arguments),
            prog_name="vault-tui",
            standalone_mode=False,
        )
    except Exception as error:
        return failures.report(error)
    return result if isinstance(result, int) else 0
