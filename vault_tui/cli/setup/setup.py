"""`vault-tui setup …`: other programs' settings, merged into what is there, and taken back."""

import os
import re
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from proxy_core.base import variables
from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain.wire import Status
from vault_tui.cli import output
from vault_tui.cli.connection import Connection
from vault_tui.cli.failures import Usage, say
from vault_tui.cli.options import Command, pass_connection, vault_option
from vault_tui.cli.running import ca_bundle, run_env
from vault_tui.cli.running.run import open_worker, write_ca_files
from vault_tui.cli.setup import setup_worker
from vault_tui.setup import receipts
from vault_tui.setup.apply import apply
from vault_tui.setup.differences import Redactor, difference
from vault_tui.setup.facts import TOKEN_STAND_IN, Facts
from vault_tui.setup.plan import Change, changes_for, read_document
from vault_tui.setup.receipts import Receipt
from vault_tui.setup.tools import GATEWAY, PROXY, TOOLS, Setup, Tool

_TOKEN = re.compile(r"vt_agt_[0-9a-f]{64}")
_TTL = click.IntRange(600, 30 * 86_400)
_EARLIER_S = 300


@dataclass(frozen=True, slots=True)
class Job:
    """One program to be set up for one vault."""

    connection: Connection
    tool: Tool
    mode: str
    vault: str
    receipt: Receipt


@click.command(cls=Command)
@click.argument("name", type=click.Choice([*TOOLS, "generic"]), metavar="PROGRAM")
@click.option("--mode", type=click.Choice([PROXY, GATEWAY]), help="How it reaches the vault.")
@vault_option
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--undo", is_flag=True, help="Take it back.")
@click.option("--host", "hosts", multiple=True, metavar="H", help="git: these hosts.")
@click.option(
    "--token-ttl", type=_TTL, default=3600, metavar="S", help="gateway: the token's life."
)
@click.option("--shell", type=click.Choice(["sh", "fish", "pwsh"]), help="generic: lines for it.")
@click.option("--json", "as_json", is_flag=True, help="generic: print JSON.")
@pass_connection
@click.pass_context
def setup(
    ctx: click.Context,
    connection: Connection,
    /,
    *,
    name: str,
    mode: str | None,
    vault: str | None,
    dry_run: bool,
    undo: bool,
    hosts: Sequence[str],
    token_ttl: int,
    shell: str | None,
    as_json: bool,
) -> None:
    """Let a program reach its services through the vault: claude-code, codex, cursor, git, docker,
    or generic for any other.

    Its settings are merged into what is there, each file with a backup beside it; --dry-run shows
    the difference, --undo takes it back. What the vault lacks for it is added. `generic` prints
    variables instead: `eval "$(vault-tui setup generic)"`.

    \b
    gateway  a base URL, and `vault-tui auth token` for the token; no secret in any file
    proxy    proxy and certificate variables, with a token of the vault in the file
    """
    if name == "generic":
        from vault_tui.cli.setup.setup_generic import print_variables

        if undo or dry_run or hosts:
            raise Usage("generic writes nothing: there is nothing to undo or to show")
        print_variables(connection, mode or PROXY, connection.vault(vault), shell or "sh", as_json)
        return
    if shell or as_json:
        raise Usage("--shell and --json are for generic")
    tool = TOOLS[name]
    known = receipts.load(connection.home, name)
    if undo:
        from vault_tui.cli.setup.setup_undo import take_back

        ctx.exit(take_back(connection, tool, known, dry_run))
    mode = _mode(tool, mode, known)
    where = connection.vault(vault)
    job = Job(connection, tool, mode, where, known or Receipt(name, mode, where, []))
    _set_up(ctx, job, hosts, token_ttl, dry_run)


def _mode(tool: Tool, asked: str | None, known: Receipt | None) -> str:
    """The mode that was asked for, or the one it has, or its usual one."""
    mode = asked or (known.mode if known else tool.modes[0])
    if mode not in tool.modes:
        raise Usage(f"{tool.title} has no mode {mode}; it has {' and '.join(tool.modes)}")
    if known and known.mode != mode:
        remedy = f"`vault-tui setup {tool.name} --undo`"
        raise VaultError("conflict", f"{tool.title} is set up in mode {known.mode}: {remedy} first")
    return mode


def _set_up(
    ctx: click.Context, job: Job, hosts: Sequence[str], token_ttl: int, dry_run: bool
) -> None:
    connection = job.connection
    status = connection.client.send(calls.status()) if dry_run else open_worker(connection)
    needs = setup_worker.needs_of(connection, job.tool, job.mode, job.vault)
    facts = facts_of(connection, status, job.vault)
    ttl_ms = (token_ttl - min(_EARLIER_S, token_ttl // 10)) * 1000
    facts = replace(facts, prefixes=needs.prefixes, helper_ttl_ms=ttl_ms)
    if job.tool.name == "git":
        facts = replace(facts, hosts=_git_hosts(connection, job.vault, hosts))
    if job.tool.name == "claude-code" and job.mode == PROXY:
        found = setup_worker.subscription_of(connection, job.vault)
        facts = replace(facts, subscription=found)
    facts = _with_known_token(job, facts)
    planned = job.tool.build(job.mode, facts)
    changes = changes_for(planned.files, facts.home)
    _warn(job, planned, facts)
    if dry_run:
        _show(changes, setup_worker.described(needs, job.vault))
        return
    for line in setup_worker.described(needs, job.vault):
        output.emit(line)
    notes = setup_worker.provide(ctx, connection, needs, job.vault)
    write_ca_files(connection)
    if changes:
        planned = _carry_out(job, facts, changes)
    else:
        output.emit(f"{job.tool.title} is set up already: nothing to do in its files.")
    if job.mode == GATEWAY:
        _ensure_login(ctx, connection, job.vault)
    for note in [*notes, *(planned.notes if changes else ())]:
        say(note)


def _carry_out(job: Job, facts: Facts, changes: Sequence[Change]) -> Setup:
    """Make the token, if one is needed, and write the files."""
    receipt, planned = job.receipt, job.tool.build(job.mode, facts)
    if _holds_token(planned) and facts.token == TOKEN_STAND_IN:
        agent, token = setup_worker.make_agent(
            job.connection, job.tool.name, job.vault, receipt.agent
        )
        output.emit(f"Agent {agent} has a new token, for vault {job.vault} alone.")
        receipt = Receipt(receipt.tool, receipt.mode, job.vault, receipt.files, agent)
        facts = replace(facts, token=token)
        planned = job.tool.build(job.mode, facts)
        changes = changes_for(planned.files, facts.home)
    backups = apply(job.connection.home, facts.home, changes, receipt)
    for change in changes:
        output.emit(f"Wrote {output.safe(str(change.path))}.")
    for backup in backups:
        output.emit(f"Backup: {output.safe(str(backup))}.")
    if secret := [str(one.path) for one in planned.files if _has_token(one.edits)]:
        say(f"{', '.join(secret)} holds the agent's token: whoever can read it can use the vault.")
    output.emit(f"`vault-tui setup {job.tool.name} --undo` takes it back.")
    return planned


# --- facts --------------------------------------------------------------------------------------


def facts_of(connection: Connection, status: Status, vault: str) -> Facts:
    """What is the same for every program."""
    home = connection.home
    base = connection.target.base_url
    api = base or f"http://{status.api}"
    return Facts(
        proxy=run_env.reachable(status.proxy, urlsplit(base).hostname or ""),
        vault=vault,
        ca_path=str(ca_bundle.ca_path(home)),
        bundle_path=str(ca_bundle.bundle_path(home)),
        no_proxy=run_env.no_proxy(os.environ, api),
        home=Path.home(),
        environ=os.environ,
        helper=helper_command(),
        proxy_tls=status.tls and base.startswith("https://"),
    )


def helper_command() -> tuple[str, ...]:
    """The command that prints a token, as a shell finds it from anywhere."""
    own = ("vault-tui",) if shutil.which("vault-tui") else (sys.executable, "-m", "vault_tui")
    home = os.environ.get(variables.HOME, "")
    at = ("env", f"{variables.HOME}={Path(home).absolute()}") if home else ()
    return (*at, *own, "auth", "token")


def _with_known_token(job: Job, facts: Facts) -> Facts:
    """With the token that its files hold already, if the worker still takes it."""
    for file in job.tool.build(job.mode, facts).files:
        document = read_document(file.path, file.kind, facts.home)
        for edit in file.edits:
            found = _TOKEN.search(str(document.get(edit.keys)))
            if TOKEN_STAND_IN in str(edit.value) and found:
                alive = setup_worker.is_alive(job.connection, found[0], job.vault)
                return replace(facts, token=found[0]) if alive else facts
    return facts


def _holds_token(planned: Setup) -> bool:
    return any(_has_token(file.edits) for file in planned.files)


def _has_token(edits: Sequence[Any]) -> bool:
    return any(_TOKEN.search(str(edit.value)) for edit in edits)


def _git_hosts(connection: Connection, vault: str, named: Sequence[str]) -> tuple[str, ...]:
    """Those named, else the vault's services with basic auth, which is what git's hosts take.

    Raises Usage when there is none.
    """
    from proxy_core.domain.hosts import normalize_host

    if named:
        return tuple(normalize_host(host) for host in named)
    documents = connection.send(calls.services(vault)).services
    found = [
        str(one["host"]).partition("/")[0]
        for one in documents
        if one.get("auth", {}).get("type") == "basic" and "*" not in str(one["host"])
    ]
    if not found:
        raise Usage(
            f"Vault {vault} has no service for git over https: add one "
            "(`vault-tui service add --from-catalog github-git`), or name --host"
        )
    return tuple(dict.fromkeys(found))


# --- what is said -------------------------------------------------------------------------------


def _warn(job: Job, planned: Setup, facts: Facts) -> None:
    """What would make the program use something else than the vault."""
    if job.tool.name != "claude-code":
        return
    from vault_tui.cli.setup.setup_claude import warnings

    for warning in warnings(job.mode, planned, facts):
        say(warning)


def _show(changes: Sequence[Change], at_worker: Sequence[str]) -> None:
    redactor = Redactor()
    for line in at_worker:
        output.emit(f"# {line}")
    for change in changes:
        for line in difference(change, redactor):
            output.emit(line)
    if not changes and not at_worker:
        output.emit("Nothing to do.")


def _ensure_login(ctx: click.Context, connection: Connection, vault: str) -> None:
    """Without a login, the token's command has nothing to print: take a session of the worker."""
    from proxy_core.tokens.holder import Holder

    found = Holder(connection.home, say).login
    lasts = found is not None and (
        found.refreshable or found.expires_at is None or found.expires_at > time.time()
    )
    if found is not None and found.kept and lasts:
        if found.vault != vault:
            whose = f"vault {found.vault}" if found.vault else found.issuer
            say(f"`vault-tui auth token` prints the token of {output.safe(whose)}, as before.")
        return
    from vault_tui.cli.people.auth import login

    say(f"`vault-tui auth token` gets a session of vault {vault}, for seven days.")
    ctx.invoke(login, vault=vault, ttl=604_800)
