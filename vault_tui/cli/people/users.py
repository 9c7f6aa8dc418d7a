"""`vault-tui user …`."""

from dataclasses import replace

import click

from proxy_core.client import calls
from proxy_core.client.sync_client import SyncClient
from proxy_core.domain.wire import UserVault
from vault_tui.cli import output
from vault_tui.cli.connection import Connection
from vault_tui.cli.options import Group, confirm, json_option, pass_connection, yes_option
from vault_tui.cli.people import sign_ins
from vault_tui.cli.people.login import remote, typed_password

_ROLES = click.Choice(["no-access", "member", "owner"])
_VAULT_ROLES = click.Choice(["proxy", "member", "admin"])
_TTL_RANGE = click.IntRange(300, 30 * 86_400)
_vaults = click.option(
    "--vault", "vaults", multiple=True, metavar="V[:ROLE]", help="A vault; role: member."
)
_role = click.option("--role", type=_ROLES, default="member", help="Instance role.")


@click.group(cls=Group)
def user() -> None:
    """Users: people who sign in over the network."""


@user.command("list")
@json_option
@pass_connection
def list_(connection: Connection, as_json: bool) -> None:
    """List the users."""
    found = connection.send(calls.users())
    if as_json:
        output.emit_json(found)
        return
    output.emit_table(
        ("NAME", "ROLE", "VAULTS", "SINCE"),
        ((one.email, one.role, _shown(one.vaults), one.created_at) for one in found.users),
        "No users. `vault-tui user create NAME --role owner` makes the first.",
    )


@user.command
@click.argument("email")
@_role
@_vaults
@json_option
@pass_connection
def create(
    connection: Connection, email: str, role: str, vaults: tuple[str, ...], as_json: bool
) -> None:
    """Make a user. The password is asked for, or read as one line from standard input."""
    password = typed_password(f"Password of {output.safe(email)}", twice=True)
    made = connection.send(calls.create_user(email, password, role, _wanted(vaults)))
    if as_json:
        output.emit_json(made)
        return
    output.emit(f"Made {output.safe(made.email)}, {output.safe(made.role)}.")


@user.command
@click.argument("email", required=False, default="")
@_role
@_vaults
@click.option("--ttl", type=_TTL_RANGE, default=172_800, metavar="S", help="Valid for, seconds.")
@json_option
@pass_connection
def invite(
    connection: Connection, email: str, role: str, vaults: tuple[str, ...], ttl: int, as_json: bool
) -> None:
    """Invite somebody; who accepts chooses the password, and without EMAIL the name too.

    The invite's token is printed now and never again.
    """
    made = connection.send(calls.create_invite(email, role, _wanted(vaults), ttl))
    if as_json:
        output.emit_json(made)
        return
    output.emit(output.safe(made.token))
    click.echo(
        f"Valid until {output.safe(made.expires_at)}, once: "
        "`vault-tui user accept --addr URL` takes it.",
        err=True,
    )


@user.command
@json_option
@pass_connection
def invites(connection: Connection, as_json: bool) -> None:
    """List the invites that wait."""
    found = connection.send(calls.invites())
    if as_json:
        output.emit_json(found)
        return
    output.emit_table(
        ("ID", "NAME", "ROLE", "VAULTS", "BY", "EXPIRES"),
        (
            (one.id, one.email, one.role, _shown(one.vaults), one.created_by, one.expires_at)
            for one in found.invites
        ),
        "No invites wait.",
    )


@user.command
@click.argument("invite_id")
@pass_connection
def uninvite(connection: Connection, invite_id: str) -> None:
    """Take an invite back."""
    connection.send(calls.revoke_invite(invite_id))
    output.emit("Taken back.")


@user.command
@click.option("--email", default="", metavar="NAME", help="Your name, where the invite has none.")
@pass_connection
def accept(connection: Connection, email: str) -> None:
    """Accept an invite to a worker elsewhere (--addr).

    The token and the password are asked for, or read as two lines from standard input.
    """
    target = remote(connection)
    token = typed_password("Token of the invite")
    password = typed_password("New password", twice=True)
    client = SyncClient(replace(target, token=""))
    made = client.send(calls.accept_invite(token.strip(), password, email))
    output.emit(f"You are {output.safe(made.email)}: `vault-tui login` signs you in.")


@user.command
@pass_connection
def password(connection: Connection) -> None:
    """Change your own password at a worker elsewhere; you stay signed in here alone.

    Both are asked for, or read as two lines from standard input: the old one, then the new one.
    """
    target = remote(connection)
    current = typed_password("Present password")
    new = typed_password("New password", twice=True)
    name = connection.send(calls.me()).email
    made = connection.send(calls.change_password(current, new))
    signed_in = sign_ins.SignIn(name, made.token, made.expires_at)
    sign_ins.keep(connection.home, target.base_url, signed_in)
    output.emit("Changed. Every other session has ended.")


@user.command
@click.argument("email")
@click.argument("role", type=_ROLES)
@pass_connection
def role(connection: Connection, email: str, role: str) -> None:
    """Change a user's instance role."""
    made = connection.send(calls.change_user_role(email, role))
    output.emit(f"{output.safe(made.email)} is {output.safe(made.role)} now.")


@user.command
@click.argument("email")
@click.option("--vault", metavar="NAME", help="Vault; default: the one in use.")
@click.option("--role", type=_VAULT_ROLES, default="member", help="Role in the vault.")
@pass_connection
def grant(connection: Connection, email: str, vault: str | None, role: str) -> None:
    """Let a user use a vault, or change the role there."""
    name = connection.vault(vault)
    made = connection.send(calls.add_vault_user(name, email, role))
    output.emit(
        f"{output.safe(made.email)} is {output.safe(made.role)} in {output.safe(name)} now."
    )


@user.command
@click.argument("email")
@click.option("--vault", metavar="NAME", help="Vault; default: the one in use.")
@pass_connection
def revoke(connection: Connection, email: str, vault: str | None) -> None:
    """Take a vault from a user."""
    name = connection.vault(vault)
    connection.send(calls.remove_vault_user(name, email))
    output.emit(f"{output.safe(email)} has no role in {output.safe(name)} any more.")


@user.command
@click.argument("email")
@yes_option
@pass_connection
def remove(connection: Connection, email: str, yes: bool) -> None:
    """Remove a user; every session ends at once."""
    confirm(f"Remove user {output.safe(email)}?", yes)
    connection.send(calls.remove_user(email))
    output.emit(f"Removed {output.safe(email)}.")


@user.command
@click.argument("email", required=False, default="")
@click.option("--end", metavar="ID", help="End this session instead.")
@json_option
@pass_connection
def sessions(connection: Connection, email: str, end: str | None, as_json: bool) -> None:
    """List the sessions: your own, a user's, or on this machine everybody's."""
    if end:
        connection.send(calls.revoke_user_session(end))
        output.emit("Ended.")
        return
    found = connection.send(calls.user_sessions(email))
    if as_json:
        output.emit_json(found)
        return
    output.emit_table(
        ("ID", "NAME", "FROM", "CLIENT", "LAST USED", "EXPIRES", "CURRENT"),
        (
            (
                one.id,
                one.email,
                one.last_ip,
                one.device_label,
                one.last_used_at,
                one.expires_at,
                one.current,
            )
            for one in found.sessions
        ),
        "Nobody is signed in.",
    )


def _wanted(vaults: tuple[str, ...]) -> list[UserVault]:
    parts = (entry.partition(":") for entry in vaults)
    return [UserVault(vault_name=name, vault_role=role or "member") for name, _, role in parts]


def _shown(vaults: list[UserVault]) -> str:
    return ", ".join(f"{one.vault_name}:{one.vault_role}" for one in vaults)
