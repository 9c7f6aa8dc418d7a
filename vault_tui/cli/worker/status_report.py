"""The worker's status for people, scripts and a tmux status line; imports no click (`fast.py`)."""

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain.wire import Status
from vault_tui.cli import output
from vault_tui.cli.connection import Connection

_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def show_status(connection: Connection, *, as_json: bool = False, short: bool = False) -> None:
    """Print the worker's status in one of its forms; `short` never fails."""
    if short:
        output.emit(_short(connection))
        return
    found = connection.client.send(calls.status())
    if as_json:
        output.emit_json(found)
        return
    output.emit_fields(
        [
            ("state", _state(found)),
            ("API", found.api),
            ("proxy", found.proxy),
            ("socket", found.socket),
            ("worker", f"{found.version}, process {found.pid}, up {duration(found.uptime)}"),
            ("database", found.database),
            ("key slots", found.slots),
            ("traffic", f"{found.connections} connections, {found.streams} streams"),
            ("proposals that wait", found.pending_proposals),
            ("held requests", found.holds),
            ("log rows dropped", found.log_dropped),
        ]
    )
    for problem in found.problems:
        output.emit(output.styled(f"problem: {output.safe(problem)}", "red"))


def duration(seconds: float) -> str:
    """`3d 4h`, `12m 5s`: the two largest units."""
    left = int(seconds)
    parts: list[str] = []
    for size, unit in _UNITS:
        if left >= size or parts or size == 1:
            parts.append(f"{left // size}{unit}")
            left %= size
    return " ".join(parts[:2])


def _state(found: Status) -> str:
    if not found.initialized:
        return "not set up: run `vault-tui init`"
    return "sealed: run `vault-tui unseal`" if found.sealed else "open"


def _short(connection: Connection) -> str:
    try:
        found = connection.client.send(calls.status())
    except VaultError as error:
        return "vault: off" if error.code == "no_worker" else f"vault: {error.code}"
    if not found.initialized:
        return "vault: not set up"
    words = ["sealed" if found.sealed else "open", f"{found.streams} live"]
    if found.pending_proposals:
        words.append(f"{found.pending_proposals} proposed")
    if found.holds:
        words.append(f"{found.holds} held")
    if found.problems:
        count = len(found.problems)
        words.append(f"{count} problem" if count == 1 else f"{count} problems")
    return "vault: " + ", ".join(words)
