"""`vault-tui doctor`: what is wrong, why, and one command that mends it."""

from pathlib import Path
from typing import Any

import click

from proxy_core.base.errors import VaultError
from proxy_core.client.target import Target
from proxy_core.domain.doctor import Diagnosis, Finding, Level, Method, diagnose
from proxy_core.domain.doctor.facts import WorkerFacts
from proxy_core.domain.doctor.method import describe_method
from vault_tui.cli import output
from vault_tui.cli.connection import Connection
from vault_tui.cli.options import Command, json_option, pass_connection, vault_option

_STYLES = {Level.ERROR: "red", Level.WARNING: "yellow", Level.NOTE: ""}
_INDENT = " " * 9


@click.command(cls=Command)
@vault_option
@click.option("--all", "show_all", is_flag=True, help="Also notes, and how Claude Code logs in.")
@click.option("--bare", is_flag=True, help="As for `claude --bare`.")
@click.option(
    "--settings",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="As for `claude --settings FILE`.",
)
@json_option
@pass_connection
@click.pass_context
def doctor(
    ctx: click.Context,
    connection: Connection,
    vault: str | None,
    show_all: bool,
    bare: bool,
    settings: Path | None,
    as_json: bool,
) -> None:
    """Look for what is wrong here, and say how to mend it. Exits with 1 if there is anything.

    It looks at the worker, the data directory, this environment, the programs that have to trust
    the CA, and how Claude Code would log in in this directory. Nothing is changed.
    """
    from vault_tui.doctor.gather import Question, gather

    question = Question(
        _target(connection),
        connection.home,
        connection.vault(vault),
        is_agent=connection.is_agent,
        bare=bare,
        explicit=settings,
    )
    facts = gather(question)
    found = diagnose(facts)
    if as_json:
        output.emit_json(_document(found, facts.worker))
    else:
        _show(found, show_all)
    ctx.exit(0 if found.well else 1)


def _target(connection: Connection) -> Target:
    """As an operator where a script brings the proof along; nobody is asked for one."""
    from vault_tui.cli import secret_input

    if connection.can_prove and secret_input.master_password_from_environment():
        try:
            connection.prove()
        except VaultError as error:
            if error.code not in {"no_worker", "sealed", "not_initialized"}:
                raise
    return connection.target


def _show(found: Diagnosis, show_all: bool) -> None:
    shown = [one for one in found.findings if show_all or one.level is not Level.NOTE]
    for finding in shown:
        _show_finding(finding)
    if found.method is not None and (shown or show_all):
        output.emit("Claude Code here:")
        for line in describe_method(found.method):
            output.emit(f"  {output.safe(line)}")
    hidden = len(found.findings) - len(shown)
    more = f" `vault-tui doctor --all` shows {hidden} more." if hidden else ""
    if found.well:
        output.emit(f"All is well.{more}")


def _show_finding(finding: Finding) -> None:
    level = output.styled(f"{finding.level.value:<8}", _STYLES[finding.level])
    output.emit(f"{level} {output.safe(finding.what)}")
    output.emit(f"{_INDENT}{output.safe(finding.why)}")
    if finding.remedy:
        output.emit(f"{_INDENT}→ {output.safe(finding.remedy)}")


def _document(found: Diagnosis, worker: WorkerFacts) -> dict[str, Any]:
    method = found.method
    return {
        "ok": found.well,
        "findings": [
            {
                "level": one.level.value,
                "code": one.code,
                "what": one.what,
                "why": one.why,
                "remedy": one.remedy,
            }
            for one in found.findings
        ],
        "claude_code": None if method is None else _method_document(method),
        "worker": {"reachable": not worker.failure, "sealed": worker.sealed, "vault": worker.vault},
    }


def _method_document(method: Method) -> dict[str, Any]:
    base = method.base_url
    return {
        "cloud": method.cloud,
        "managed": method.managed,
        "base_url_from": "" if base is None else base.origin,
        "headers": [
            {
                "header": header.name,
                "source": header.source.name if header.source else "",
                "from": header.source.origin if header.source else "",
                "placeholder": header.source.placeholder if header.source else False,
                "unused": [
                    {"source": one.value.name, "from": one.value.origin, "why": one.why}
                    for one in header.losers
                ],
            }
            for header in (method.authorization, method.api_key)
        ],
    }
