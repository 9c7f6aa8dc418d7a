"""`vault-tui account import`: take over what Claude Code or CCS keep in files."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain.accounts.providers import CLAUDE
from proxy_core.domain.wire import AccountAdded, AddAccount
from vault_tui.cli import output
from vault_tui.cli.accounts.source_files import (
    Source,
    files_in,
    read_source,
    replace_source,
    usual_places,
)
from vault_tui.cli.connection import Connection
from vault_tui.cli.failures import say
from vault_tui.cli.options import Command, json_option, pass_connection, vault_option


@dataclass(slots=True)
class _Outcome:
    """What became of one file."""

    path: Path
    added: AccountAdded | None = None
    backup: Path | None = None
    error: str = ""

    @property
    def document(self) -> dict[str, Any]:
        account = self.added.account if self.added else None
        return {
            "source": str(self.path),
            "email": account.email if account else "",
            "nickname": account.nickname if account else "",
            "pool": self.added.pool if self.added else "",
            "reconnected": bool(self.added and self.added.reconnected),
            "backup": str(self.backup or ""),
            "error": self.error,
        }


@click.command("import", cls=Command)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show what is there; ask nobody, change nothing.")
@click.option(
    "--replace-source/--keep-source",
    "replace",
    default=None,
    help="Put placeholder files in place of the imported ones, with backups; or don't.",
)
@click.option("--pool/--no-pool", "join", default=None, help="Join the provider's pool, or not.")
@click.option("--token-url", default="", metavar="URL", help="Another token endpoint.")
@click.option("--client-id", default="", metavar="ID", help="Another client.")
@vault_option
@json_option
@pass_connection
@click.pass_context
def import_accounts(
    ctx: click.Context,
    connection: Connection,
    /,
    paths: Sequence[Path],
    dry_run: bool,
    replace: bool | None,
    join: bool | None,
    token_url: str,
    client_id: str,
    vault: str | None,
    as_json: bool,
) -> None:
    """Import accounts from files of Claude Code (.credentials.json) and CCS (claude-*.json).

    PATH is such a file, or a directory with some; without one the usual places are searched. A
    refresh token is used at once: what has the old one loses its login then.
    """
    sources, outcomes = _read(paths)
    if dry_run:
        _show(sources, as_json)
    else:
        where = connection.vault(vault)
        client = {"token_url": token_url, "client_id": client_id}
        for source in sources:
            outcomes.append(_import(connection, source, where, join, client))
            _offer(source, outcomes[-1], replace, quiet=as_json)
        if as_json:
            output.emit_json([one.document for one in outcomes])
    for one in outcomes:
        if one.error:
            say(f"{one.path}: {one.error}")
    ctx.exit(1 if any(one.error for one in outcomes) else 0)


def _read(paths: Sequence[Path]) -> tuple[list[Source], list[_Outcome]]:
    """The files that hold accounts, and those that can't be read. Raises VaultError: not_found."""
    places = list(paths) or usual_places()
    if not places:
        raise VaultError(
            "not_found", "Neither Claude Code nor CCS keeps an account here: give PATH."
        )
    sources, failed = [], []
    for path in dict.fromkeys(file for place in places for file in files_in(place)):
        try:
            sources.append(read_source(path))
        except VaultError as error:
            failed.append(_Outcome(path, error=error.detail))
        except OSError as error:
            failed.append(_Outcome(path, error=error.strerror or "It can't be read."))
    # The default first: where there was no account before, the first one is the default.
    return sorted(sources, key=lambda one: not one.found.known.is_default), failed


def _show(sources: Sequence[Source], as_json: bool) -> None:
    rows = [
        (
            str(source.path),
            source.found.email,
            source.found.known.nickname,
            "yes" if source.found.known.is_default else "",
            "" if (end := source.found.tokens.expires_at) is None else rfc3339(end),
            "yes" if source.found.tokens.refresh_token else "",
        )
        for source in sources
    ]
    names = ("SOURCE", "E-MAIL", "NICKNAME", "DEFAULT", "EXPIRES", "REFRESHES")
    if as_json:
        keys = [name.lower().replace("-", "") for name in names]
        output.emit_json([dict(zip(keys, row, strict=True)) for row in rows])
    else:
        output.emit_table(names, rows, "Nothing to import.")


def _import(
    connection: Connection, source: Source, vault: str, join: bool | None, client: dict[str, str]
) -> _Outcome:
    known = source.found.known
    outcome = _Outcome(source.path)

    def add(nickname: str) -> AccountAdded:
        account = AddAccount(
            provider=CLAUDE.id,
            tokens=dict(source.found.document),
            vault=vault,
            nickname=nickname,
            email=source.found.email,
            join=join,
            created_at=known.created_at,
            last_used_at=known.last_used_at,
            **client,
        )
        return connection.send(calls.add_account(account))

    try:
        try:
            outcome.added = add(known.nickname)
        except VaultError as error:
            if error.code != "conflict" or not known.nickname:
                raise
            outcome.added = add("")  # the nickname is taken here: one is made up
    except VaultError as error:
        outcome.error = error.detail or str(error)
    return outcome


def _offer(source: Source, outcome: _Outcome, replace: bool | None, *, quiet: bool) -> None:
    """Tell what was imported, and put a placeholder in its place if that is wanted."""
    if outcome.added is None:
        return
    if not quiet:
        _tell(outcome.added, source)
    if replace is None and not quiet and sys.stdin.isatty():
        question = f"Replace {output.safe(str(source.path))} by a placeholder, with a backup?"
        replace = click.confirm(question, default=False, err=True)
    if replace:
        try:
            outcome.backup = replace_source(source)
        except VaultError as error:
            outcome.error = error.detail
        except OSError as error:
            outcome.error = f"It was not replaced: {error.strerror}."
        if outcome.backup is not None:
            say(f"{source.path} holds a placeholder now; its backup is {outcome.backup}.")
    elif source.found.tokens.refresh_token is not None:
        say(
            f"{source.path} still holds a refresh token that the vault has used. Whoever uses it "
            "again ends the login for both: replace the file (--replace-source) or log out there."
        )


def _tell(added: AccountAdded, source: Source) -> None:
    what = "Connected" if added.reconnected else "Imported"
    name, email = output.safe(added.account.nickname), output.safe(added.account.email)
    words = [f"{what} {name} ({email}) from {output.safe(str(source.path))}."]
    if added.suggested:
        pool = output.safe(added.suggested)
        words.append(f"`vault-tui pool add {pool} {name}` lets it serve.")
    output.emit(" ".join(words))
