"""Credentials that a command tells."""

from proxy_core.client.calls.call import Call, given, segment
from proxy_core.domain import wire


def set_command(key: str, command: wire.SetCommand) -> Call[wire.CommandInfo]:
    """Create or replace a command; it waits for an approval."""
    return Call("PUT", f"/v1/credentials/{segment(key)}/command", wire.CommandInfo, body=command)


def command(key: str, vault: str = "default") -> Call[wire.CommandInfo]:
    """What would be run, and the digest to approve."""
    path = f"/v1/credentials/{segment(key)}/command"
    return Call("GET", path, wire.CommandInfo, given(vault=vault))


def approve_command(key: str, digest: str, vault: str = "default") -> Call[wire.CommandInfo]:
    """Let exactly what has this digest run."""
    body = wire.ApproveCommand(digest=digest, vault=vault)
    return Call("POST", f"/v1/credentials/{segment(key)}/approve", wire.CommandInfo, body=body)


def try_command(key: str, vault: str = "default") -> Call[wire.CommandTried]:
    """Run it now. It may take as long as the command's own limit."""
    body = wire.TryCommand(vault=vault)
    return Call("POST", f"/v1/credentials/{segment(key)}/test", wire.CommandTried, body=body)
