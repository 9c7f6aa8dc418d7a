"""`vault-tui trust`: let the commands run that a project's settings name for Claude Code."""

from collections.abc import Sequence
from pathlib import Path

import click

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.domain.doctor import ProjectScript
from vault_tui.cli import output
from vault_tui.cli.connection import Connection
from vault_tui.cli.options import json_option, pass_connection
from vault_tui.cli.running.project_scripts import ask_to_trust, scripts_here, untrusted
from vault_tui.doctor.scripts import TrustStore

_SHOWN_TEXT = 300


class _PathOrCommand(click.Group):
    """A word that is no command is a directory to trust: `vault-tui trust .`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """`add` for everything that is not the name of a command."""
        known = args and self.get_command(ctx, args[0]) is not None
        return super().resolve_command(ctx, args if known else ["add", *args])


@click.group(cls=_PathOrCommand, subcommand_metavar="PATH | list | revoke PATH")
def trust() -> None:
    """Trust the commands that a project's settings name, in their present form.

    Claude Code runs them without asking. `vault-tui run` and `vault-tui claude` do not start in a
    project whose commands nobody has trusted, and ask again when one has changed.
    """


@trust.command(hidden=True)
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--sha256",
    "digests",
    multiple=True,
    metavar="HEX",
    help="Without being asked: exactly the text that has this digest.",
)
@pass_connection
def add(connection: Connection, directory: Path, digests: Sequence[str]) -> None:
    """Show what the project names, and trust it."""
    refuse_agents(connection)
    scripts = untrusted(scripts_here(connection.home, directory))
    if not scripts:
        output.emit("Nothing here has to be trusted.")
        return
    if digests:
        chosen = [script for script in scripts if script.sha256 in digests]
        if len(chosen) < len(set(digests)):
            raise VaultError("not_found", "No command here has that digest (any more).")
        TrustStore(connection.home).trust(chosen)
    else:
        ask_to_trust(connection.home, scripts, directory)
        chosen = scripts
    for script in chosen:
        output.emit(f"Trusted: {_named(script)}.")


@trust.command("list")
@json_option
@pass_connection
def list_trusted(connection: Connection, as_json: bool) -> None:
    """Show what was trusted."""
    found = TrustStore(connection.home).all()
    if as_json:
        output.emit_json({"trusted": found})
        return
    rows = [(one.setting, one.path, one.sha256[:12], one.text[:_SHOWN_TEXT]) for one in found]
    output.emit_table(("SETTING", "FILE", "SHA-256", "COMMAND"), rows, "Nothing was trusted.")


@trust.command()
@click.argument("path", type=click.Path(path_type=Path))
@pass_connection
def revoke(connection: Connection, path: Path) -> None:
    """Trust no longer what a directory or a settings file names."""
    refuse_agents(connection)
    gone = TrustStore(connection.home).revoke(path)
    if not gone:
        raise VaultError("not_found", f"Nothing of {display_safe(str(path))} was trusted.")
    output.emit(f"No longer trusted: {len(gone)}.")


def refuse_agents(connection: Connection) -> None:
    """What came with a project is a person's to trust. Raises VaultError: agent_process."""
    if connection.is_agent:
        raise VaultError("agent_process", "Only a person can trust what a project brings along.")


def _named(script: ProjectScript) -> str:
    return f"{output.safe(script.setting)} in {output.safe(script.path)}"
