"""Users from the command line: made on the socket, signed in over the network."""

import json
import stat

from tests.cli.conftest import CommandLine

OWN = "my own password"


def test_a_person_is_invited_signs_in_and_is_removed(vault_tui: CommandLine) -> None:
    """The story of a user: invite, accept, login with the token kept 0600, work, log out, gone."""
    address = f"http://{json.loads(vault_tui.ok('status', '--json'))['api']}"
    there = CommandLine(vault_tui.home.parent / "elsewhere")

    def as_user(*arguments: str, stdin: str = "", code: int = 0, **environment: str) -> str:
        done = there.as_peer(*arguments, stdin=stdin, VAULT_TUI_ADDR=address, **environment)
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    token = vault_tui.ok("user", "invite", "ada@example.com", "--role", "owner").strip()
    assert token.startswith("vt_inv_")
    as_user("user", "accept", stdin=f"{token}\n{OWN}\n")
    as_user("user", "accept", stdin=f"{token}\n{OWN}\n", code=4)
    as_user("vault", "list", code=5)
    as_user("login", "--email", "ada@example.com", stdin="not that\n", code=5)
    assert "Signed in" in as_user("login", "--email", "ada@example.com", stdin=f"{OWN}\n")
    kept = there.home / "settings" / "sign-ins.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert OWN not in kept.read_text()
    assert "default" in as_user("vault", "list")
    as_user("vault", "list", code=5, VAULT_TUI_TOKEN="vt_user_other")
    assert "ada@example.com" in as_user("user", "list")
    assert "127.0.0.1" in as_user("user", "sessions")
    changed = as_user("user", "password", stdin=f"{OWN}\nquite another one\n")
    assert "Every other session" in changed
    assert "default" in as_user("vault", "list")
    as_user("user", "remove", "ada@example.com", "--yes", code=1)  # the last owner
    as_user("logout")
    assert "{}" in kept.read_text()
    as_user("vault", "list", code=5)


def test_a_user_is_made_and_given_a_vault_on_the_socket(vault_tui: CommandLine) -> None:
    """An operator makes users with a password of standard input, and rules their vaults."""
    vault_tui.ok("user", "create", "bob", "--role", "no-access", stdin="correct horse\n")
    vault_tui.ok("user", "grant", "bob", "--vault", "default", "--role", "proxy")
    found = json.loads(vault_tui.ok("user", "list", "--json"))["users"]
    (bob,) = (one for one in found if one["email"] == "bob")
    assert bob["vaults"] == [{"vault_name": "default", "vault_role": "proxy"}]
    vault_tui.ok("user", "revoke", "bob", "--vault", "default")
    vault_tui.ok("user", "role", "bob", "member")
    vault_tui.ok("user", "remove", "bob", "--yes")
    assert "bob" not in vault_tui.ok("user", "list")


def test_login_is_for_workers_elsewhere(vault_tui: CommandLine) -> None:
    """Without an address there is nothing to sign in to: the socket has `unlock`."""
    done = vault_tui.as_peer("login", "--email", "ada", stdin="x\n")
    assert done.returncode == 2
    assert "--addr" in done.stderr
