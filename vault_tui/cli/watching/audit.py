"""`vault-tui audit`: who did what, and whether the record of it is whole."""

import json
import re
import time
from typing import Any

import click

from proxy_core.base.clock import parse_rfc3339
from proxy_core.base.errors import EXIT_FAILED
from proxy_core.client import calls
from proxy_core.domain import wire
from vault_tui.cli import output
from vault_tui.cli.connection import Connection
from vault_tui.cli.failures import Usage, say
from vault_tui.cli.options import Group, json_option, pass_connection

_PAGE = 200
_POLL_SECONDS = 1.0
_AGO = re.compile(r"(\d{1,9})(s|m|h|d)")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@click.group(cls=Group, invoke_without_command=True)
@click.option("--vault", default="", metavar="NAME", help="Of one vault, also of a deleted one.")
@click.option("--actor", default="", metavar="WHO", help="A kind, a name, or both: 'agent ci'.")
@click.option(
    "--action", default="", metavar="ACTION", help="Such as credential.set, or credential."
)
@click.option("--search", "-q", default="", metavar="TEXT", help="Anywhere in the entry.")
@click.option("--since", default="", metavar="TIME", help="2h, 7d, or 2026-11-21T09:00:00Z.")
@click.option("--limit", "-n", type=click.IntRange(1), default=50, help="Entries at most.")
@click.option("--follow", "-f", is_flag=True, help="Then show new entries as they come.")
@json_option
@pass_connection
@click.pass_context
def audit(
    ctx: click.Context,
    connection: Connection,
    /,
    limit: int,
    follow: bool,
    as_json: bool,
    **filters: str,
) -> None:
    """Show who did what, oldest first. --json prints one object a line."""
    if ctx.invoked_subcommand is not None:
        return
    wanted = _wanted(filters)
    found, latest = _newest(connection, wanted, limit)
    for entry in found:
        _show(entry, as_json)
    if not found and not follow:
        say("No entries." if not any(filters.values()) else "No entries match.")
    while follow:
        time.sleep(_POLL_SECONDS)
        page = connection.send(calls.audit(**wanted, after=str(latest), limit=_PAGE))
        for entry in reversed(page.entries):
            _show(entry, as_json)
        latest = int(page.next_cursor or page.latest_seq)


@audit.command()
@click.option("--noted", default="", metavar="HEAD", help="A head of earlier: NUMBER:HASH.")
@json_option
@pass_connection
def verify(connection: Connection, noted: str, as_json: bool) -> int:
    """Check that no entry was changed, removed or moved. Exits 1 at the first that was.

    Note the head elsewhere: --noted HEAD shows later that nothing up to it was cut off.
    """
    found = connection.send(calls.verify_audit(noted))
    if as_json:
        output.emit_json(found)
    else:
        output.emit(output.styled(output.safe(found.summary), "" if found.ok else "red"))
        output.emit(f"Head, to note down elsewhere: {output.safe(found.head)}")
    return 0 if found.ok else EXIT_FAILED


def _wanted(filters: dict[str, str]) -> dict[str, Any]:
    since = filters.pop("since")
    return {
        "vault": filters["vault"],
        "actor": filters["actor"],
        "action": filters["action"],
        "q": filters["search"],
        "since": _moment(since) if since else None,
    }


def _moment(text: str) -> float:
    """Epoch seconds. Raises Usage."""
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return time.time() - int(ago[1]) * _UNITS[ago[2]]
    try:
        return parse_rfc3339(text)
    except ValueError:
        raise Usage("--since takes a time such as 2h, 7d or 2026-11-21T09:00:00Z") from None


def _newest(
    connection: Connection, wanted: dict[str, Any], limit: int
) -> tuple[list[wire.AuditEntry], int]:
    """Up to `limit` entries, oldest first, and the newest number of all."""
    found: list[wire.AuditEntry] = []
    before, latest = "", 0
    while len(found) < limit:
        size = min(_PAGE, limit - len(found))
        page = connection.send(calls.audit(**wanted, before=before, limit=size))
        latest = latest or page.latest_seq
        found += page.entries
        if not page.next_cursor:
            break
        before = page.next_cursor
    return found[::-1], latest


def _show(entry: wire.AuditEntry, as_json: bool) -> None:
    if as_json:
        output.emit_json_line(entry)
        return
    who = f"{entry.actor.kind} {entry.actor.name}".strip()
    words = (
        output.safe(entry.at)[:19].replace("T", " "),
        output.safe(who)[:24].ljust(16),
        output.safe(entry.action).ljust(20),
        output.safe(entry.target) if entry.target else "",
        f"in {output.safe(entry.vault)}" if entry.vault else "",
        _change(entry),
        f"from {_place(entry.source)}",
    )
    output.emit("  ".join(word for word in words if word))


def _change(entry: wire.AuditEntry) -> str:
    names = (
        list(dict.fromkeys((*entry.before, *entry.after))) if entry.before else list(entry.after)
    )
    return ", ".join(_one(name, entry) for name in names)


def _one(name: str, entry: wire.AuditEntry) -> str:
    if name in entry.before and name in entry.after:
        return f"{output.safe(name)} {_value(entry.before[name])} → {_value(entry.after[name])}"
    if name in entry.before:
        return f"{output.safe(name)} was {_value(entry.before[name])}"
    return f"{output.safe(name)} {_value(entry.after[name])}"


def _value(value: object) -> str:
    return output.safe(value if isinstance(value, str) else json.dumps(value))[:80]


def _place(source: dict[str, Any]) -> str:
    by = f" by a JWT of {output.safe(source['issuer'])}" if "issuer" in source else ""
    return _where(source) + by


def _where(source: dict[str, Any]) -> str:
    if "address" in source:
        return output.safe(source["address"])
    said = " ".join(f"{name} {source[name]}" for name in ("uid", "pid", "tty") if name in source)
    return output.safe(said) if said else "the worker"
