"""The demo's worker: its process, and what is put into its vaults."""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from proxy_core.base import variables
from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home
from proxy_core.client import calls
from proxy_core.client.sync_client import SyncClient
from proxy_core.client.target import Target
from proxy_core.domain.wire import AddAccount, AgentVault, PasteTokens
from vault_tui.demo.cast import GRANTS, PLAYERS, VAULTS
from vault_tui.demo.issuer import Issuer
from vault_tui.demo.lifeline import die_with_parent
from vault_tui.demo.pleas import raise_pleas

_STOP_SECONDS = 10.0
# As the real ones look, so that a screen full of them looks real.
_SHAPES = {
    "GITHUB_TOKEN": "ghp_",
    "OPENAI_API_KEY": "sk-proj-",
    "STRIPE_SECRET_KEY": "sk_test_",
    "SLACK_BOT_TOKEN": "xoxb-",
    "TELEGRAM_BOT_TOKEN": "7310:",
}


def new_secrets() -> dict[str, str]:
    """A made-up value for each credential of the cast."""
    keys = (key for vault in VAULTS for part in vault.parts for key in part.keys)
    return {key: _SHAPES.get(key, "") + secrets.token_hex(20) for key in keys}


def start_worker(home: Home, options: Sequence[str]) -> subprocess.Popen[bytes]:
    """A worker on free ports that ends with us; returns once it serves.

    To be called in the main thread: the kernel ties the child to the thread that made it. Raises
    VaultError: no_worker.
    """
    command = [sys.executable, "-P", "-m", "proxy_core.worker", "--home", str(home.path)]
    command += ["--port", "0", "--proxy-port", "0", "--log-file", str(home.log_file), *options]
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env={k: v for k, v in os.environ.items() if not k.startswith(variables.PREFIX)},
        # Nothing of a throw-away vault has to be saved, so it may end at once.
        preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509 - no threads run here yet
        process_group=0,  # the terminal's Ctrl-C is for the demo, which then ends the worker
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(b"ready "):
            return process
    process.wait()
    raise VaultError("no_worker", "The demo's worker did not start.")


def stop_worker(process: subprocess.Popen[bytes]) -> None:
    """End the worker and wait for its end."""
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def operator_client(home: Home) -> SyncClient:
    """A client that may do everything: proves the key file. Raises VaultError."""
    socket = home.socket
    session = SyncClient(Target(socket=socket)).send(calls.unlock("keyfile"))
    return SyncClient(Target(socket=socket, token=session.token))


def furnish(home: Home, values: Mapping[str, str], issuer: Issuer) -> dict[str, str]:
    """Set the vault up and fill it with the cast; returns the agents' tokens by name."""
    keyfile: Path = home.path / "demo.key"
    SyncClient(Target(socket=home.socket)).send(calls.init("keyfile", path=str(keyfile)))
    client = operator_client(home)
    for vault in VAULTS:
        if vault.name != "default":
            client.send(calls.create_vault(vault.name))
        keys = {key for part in vault.parts for key in part.keys} - vault.lacks
        client.send(calls.set_credentials({key: values[key] for key in sorted(keys)}, vault.name))
        documents = [part.document for part in vault.parts]
        client.send(calls.replace_services(documents, vault.name))
        if vault.policy != "passthrough":
            client.send(calls.change_vault_settings(vault.name, vault.policy))
    _sign_in(client, issuer)
    tokens = {}
    for player in PLAYERS:
        grants = [AgentVault(vault_name=player.vault, services=list(player.services))]
        call = calls.create_agent(player.name, vaults=grants, ttl_seconds=player.life)
        tokens[player.name] = client.send(call).av_agent_token
    client.send(calls.create_session("default", label="nightly import"))
    raise_pleas(home, tokens, {player.name: player.vault for player in PLAYERS})
    return tokens


def _sign_in(client: SyncClient, issuer: Issuer) -> None:
    """Give the worker a token pair of each login; it proves them by refreshing."""
    for grant in GRANTS:
        tokens = issuer.tokens(grant.name)
        if grant.email:
            account = AddAccount(
                provider="claude",
                tokens=tokens,
                email=grant.email,
                nickname=grant.name,
                join=grant.joins,
            )
            added = client.send(calls.add_account(account)).account
            client.send(calls.ask_quota(added.id))
            continue
        pasted = PasteTokens(
            key=grant.name,
            provider="gitlab",
            client_id="demo-client",
            client_secret=secrets.token_hex(16),
            access_token=str(tokens["access_token"]),
            refresh_token=str(tokens["refresh_token"]),
            expires_in=grant.life,
        )
        client.send(calls.paste_tokens(pasted))
