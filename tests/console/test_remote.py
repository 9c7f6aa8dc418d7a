"""The console at a worker elsewhere: over TLS, as a user who signed in."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy_core.client import calls
from proxy_core.client.sync_client import SyncClient
from proxy_core.client.target import Target
from proxy_core.domain import wire
from proxy_core.services.principal import operator
from tests.console.harness import running, text_of, until
from tests.worker.harness import ThreadedWorker
from tests.worker.tls import Authority
from vault_tui.app import ConsoleApp
from vault_tui.state import Link
from vault_tui.worker_link import opener

OWNER, PASSWORD = "ann@example.com", "a long password 42"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Who signed the worker's certificate."""
    made = Authority(tmp_path)
    made.issue("localhost")
    return made


@pytest.fixture
def worker(tmp_path: Path, authority: Authority) -> Iterator[ThreadedWorker]:
    """One that speaks TLS, with a credential and an owner."""
    running = ThreadedWorker(tmp_path / "there", tls_cert=authority.chain, tls_key=authority.key)
    running.start().init()
    running.client().send(calls.set_credentials({"API_KEY": "s3cret-value"}, "default"))
    users = running.running.app.users.admin
    wanted = wire.CreateUser(email=OWNER, password=PASSWORD, role="owner")
    made = users.create(wanted, operator("me"))
    asyncio.run_coroutine_threadsafe(made, running.loop).result(30)
    yield running
    running.stop()


def elsewhere(worker: ThreadedWorker, ca_file: Path | None, token: str = "") -> Target:
    """The worker as another machine reaches it."""
    port = worker.api.rpartition(":")[2]
    return Target(base_url=f"https://localhost:{port}", token=token, ca_file=ca_file)


def console(target: Target, home: Path) -> ConsoleApp:
    """A console of it; `home` is this machine's."""
    from proxy_core.base.paths import Home

    opened = opener(Home(home), target)
    return ConsoleApp(opened, where=target.where, local=False)


async def test_a_signed_in_user(worker: ThreadedWorker, authority: Authority, tmp_path: Path):
    """An owner is an operator by the sign-in; a reveal takes the password again; events come."""
    stranger = SyncClient(elsewhere(worker, authority.ca_file))
    signed_in = await asyncio.to_thread(stranger.send, calls.login(OWNER, PASSWORD))
    app = console(elsewhere(worker, authority.ca_file, signed_in.token), tmp_path / "here")
    async with running(app) as pilot:
        await until(pilot, lambda: app.state.link is Link.LIVE and bool(app.state.credentials))
        assert app.state.status is not None
        assert app.state.status.operator
        changed = calls.set_credentials({"OTHER_KEY": "x"}, "default")
        await asyncio.to_thread(worker.client().send, changed)
        await until(pilot, lambda: len(app.state.credentials or ()) == 2)
        await pilot.press("U")
        await until(pilot, lambda: "signing in is the proof" in text_of(app))
        app.switch_mode("credentials")
        await until(pilot, lambda: "API_KEY" in text_of(app))
        await pilot.press("V")
        await until(pilot, lambda: "the password that you signed in with" in text_of(app))
        await pilot.press(*"wrong", "enter")
        await until(pilot, lambda: "password is wrong" in text_of(app))
        await pilot.press(*("space" if key == " " else key for key in PASSWORD), "enter")
        await until(pilot, lambda: "s3cret-value" in text_of(app))
        await pilot.press("escape")
        users = worker.running.app.users.sessions
        ended = users.revoke(users.list(operator("me")).sessions[0].id, operator("me"))
        asyncio.run_coroutine_threadsafe(ended, worker.loop).result(30)
        await until(pilot, lambda: "Not signed in at https://localhost" in text_of(app))
        assert app.state.link is Link.LOST
    assert not (tmp_path / "here").exists()


async def test_nobody_and_nobody_s_certificate(
    worker: ThreadedWorker, authority: Authority, tmp_path: Path
):
    """Without a sign-in, and without the CA: a sentence each that says what to do, said once."""
    for target, told in (
        (elsewhere(worker, authority.ca_file, "vt_user_" + "0" * 64), "vault-tui login --addr"),
        (elsewhere(worker, None), "is not trusted"),
    ):
        app = console(target, tmp_path / "here")
        async with app.run_test(size=(140, 40)) as pilot:
            await until(pilot, lambda app=app, told=told: told in text_of(app))
            assert app.state.link is Link.LOST
