"""Two whole workers on one database: what is done at one is in force at both."""

import base64
import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Barrier

import psycopg
import pytest
from sqlalchemy import make_url

from proxy_core.client import calls
from proxy_core.client.sse import Connected
from proxy_core.client.stream import Note, events_sync
from proxy_core.domain.events import Event
from proxy_core.domain.wire import AddAccount, AgentVault
from tests.worker.browser import Browser
from tests.worker.harness import PASSWORD, Answer, ThreadedWorker

LIMIT_SECONDS = 60
GRANTS = [AgentVault(vault_name="default", vault_role="proxy")]
DECISIONS = ["proposal.created", "proposal.applied"]
TOKENS = {"access_token": "at-1", "expires_in": 3600}


@dataclass
class Two:
    """`url` is their database's."""

    a: ThreadedWorker
    b: ThreadedWorker
    url: str


@pytest.fixture(params=["sqlite", "postgresql"])
def two(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Two]:
    """Both set up, open, and hearing one another."""
    url = f"sqlite:///{tmp_path}/shared.db"
    if request.param == "postgresql":
        url = str(request.getfixturevalue("postgres_url"))
    with contextlib.ExitStack() as stack:
        a = ThreadedWorker(tmp_path / "a", database=url).start()
        stack.callback(a.stop)
        a.init()
        b = ThreadedWorker(tmp_path / "b", database=url, password=bytearray(PASSWORD.encode()))
        b.start()
        stack.callback(b.stop)
        pair = Two(a, b, url)
        for worker in (a, b):
            _until(worker.running.app.following.hearing.is_set)
        yield pair


def _until(what: Callable[[], bool]) -> None:
    """Wait for what the other worker is told."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not what():
        assert time.monotonic() < deadline, "the other worker does not know it"
        time.sleep(0.005)


def tunnel(worker: ThreadedWorker, token: str) -> tuple[bytes, socket.socket]:
    """An agent's CONNECT: the status line, and the connection."""
    host, _, port = worker.running.facts.proxy.rpartition(":")
    opened = socket.create_connection((host, int(port)), timeout=30)
    login = base64.b64encode(f"{token}:default".encode())
    opened.sendall(
        b"CONNECT api.example.com:443 HTTP/1.1\r\nHost: api.example.com\r\n"
        b"Proxy-Authorization: Basic %b\r\n\r\n" % login
    )
    return opened.recv(4096).split(b"\r\n")[0], opened


def taken(worker: ThreadedWorker, token: str) -> bool:
    """Whether a worker's proxy takes the token."""
    status, opened = tunnel(worker, token)
    opened.close()
    return b" 200 " in status


def test_a_revoked_agent_is_cut_everywhere(two: Two) -> None:
    """A new agent works at the other worker; revoked, its open tunnel there ends."""
    token = two.a.client().send(calls.create_agent("bot", vaults=GRANTS)).av_agent_token
    _until(lambda: taken(two.b, token))
    _, opened = tunnel(two.b, token)
    with opened:
        two.a.client().send(calls.delete_agent("bot"))
        opened.settimeout(LIMIT_SECONDS)
        with contextlib.suppress(ConnectionResetError):
            assert opened.recv(1) == b""
    assert not taken(two.b, token)


def test_everything_that_is_administered_is_known(two: Two) -> None:
    """Services, credentials, names, settings, accounts and pools; the other's consoles see it."""
    a, b = two.a.client(), two.b.client()
    b.send(calls.unlock("password", PASSWORD))
    follow = events_sync(two.b.client())
    assert next(follow) == Connected()
    a.send(calls.set_credentials({"API_KEY": "x"}))
    _until(lambda: b.send(calls.credentials()).keys == ["API_KEY"])
    told = next(follow)
    assert isinstance(told, Event)
    assert (told.type, told.data["name"]) == ("credential.changed", "API_KEY")
    assert told.data["worker"] == two.a.running.app.bus.life
    follow.close()  # type: ignore[attr-defined]
    auth = {"type": "bearer", "token": "API_KEY"}
    a.send(calls.upsert_services([{"name": "example", "host": "api.example.com", "auth": auth}]))
    _until(lambda: [s["name"] for s in b.send(calls.services()).services] == ["example"])
    a.send(calls.create_vault("team"))
    a.send(calls.rename_vault("team", "crew"))
    _until(lambda: {v.name for v in b.send(calls.vaults()).vaults} == {"default", "crew"})
    a.send(calls.change_settings({"log_retention_days": 3}))
    _until(lambda: two.b.running.app.settings.value("log_retention_days") == 3)
    account = AddAccount(provider="claude", tokens=TOKENS, nickname="one")
    a.send(calls.add_account(account))
    _until(lambda: [x.nickname for x in b.send(calls.accounts()).accounts] == ["one"])
    (pool,) = b.send(calls.pools()).pools
    b.send(calls.change_pool(pool.key, strategy="round-robin"))
    _until(lambda: a.send(calls.pools()).pools[0].strategy == "round-robin")


def test_a_user_is_signed_in_everywhere(two: Two) -> None:
    """A session of one worker is one of the other; roles, sign-outs and removals count there."""
    two.a.add_user("ada", "owner")
    two.a.add_user("bob", default="member")
    ada, bob = two.a.sign_in("ada"), two.a.sign_in("bob")
    there = two.b.tcp_client(bob)
    _until(lambda: two.b.ask("GET", "/v1/auth/me", token=bob).status == 200)
    assert [one.vault_role for one in there.send(calls.me()).vaults] == ["member"]
    two.a.tcp_client(ada).send(calls.change_vault_user("default", "bob", "admin"))
    _until(lambda: there.send(calls.me()).vaults[0].vault_role == "admin")
    second = two.b.run(two.b.running.app.users.login("bob", PASSWORD)).token
    there.send(calls.logout())
    _until(lambda: two.a.ask("GET", "/v1/auth/me", token=bob).status == 401)
    _until(lambda: two.a.ask("GET", "/v1/auth/me", token=second).status == 200)
    two.a.tcp_client(ada).send(calls.remove_user("bob"))
    _until(lambda: two.b.ask("GET", "/v1/auth/me", token=second).status == 401)


def proposed(worker: ThreadedWorker, agent: str, key: str) -> str:
    """The path of the page of a new proposal for a credential."""
    body = {"credentials": [{"action": "set", "key": key}]}
    made = worker.ask("POST", "/v1/proposals", token=agent, body=body)
    assert made.status == 201, made.body
    return str(made.json["approval_url"].removeprefix(f"http://{worker.api}"))


def next_of(follow: Iterator[Note], type: str) -> Event:
    """The stream's next event of a type."""
    return next(one for one in follow if isinstance(one, Event) and one.type == type)


def test_people_decide_at_either_worker(two: Two) -> None:
    """Signed in at one worker's page, a browser is so at the other's; either takes the forms of
    both, consoles of both hear what becomes of a proposal, and a revoked browser is out at both.
    """
    two.a.add_user("ada", "owner")
    agent = two.a.client().send(calls.create_agent("bot", vaults=GRANTS)).av_agent_token
    two.b.client().send(calls.unlock("password", PASSWORD))
    streams = [events_sync(one.client(), types=DECISIONS) for one in (two.a, two.b)]
    assert [next(one) for one in streams] == [Connected(), Connected()]
    path = proposed(two.a, agent, "FIRST")
    assert {next_of(one, "proposal.created").data["agent"] for one in streams} == {"agent bot"}
    here, there = Browser(f"http://{two.a.api}"), Browser(f"http://{two.b.api}")
    there.cookies = here.cookies  # one browser: the workers stand behind one name
    form = here.get(path).form("sign-in")
    _until(lambda: len(two.b.client().send(calls.users()).users) == 1)
    assert "ada" in there.submit(form, email="ada", password=PASSWORD).text
    page = here.get(path)
    assert "Sign in to decide" not in page.text
    done = there.submit(page.form("allow"), value__FIRST="the value")
    assert "Allowed by user ada" in done.text
    assert {next_of(one, "proposal.applied").data["by"] for one in streams} == {"user ada"}
    assert "Allowed by user ada" in here.get(path).text
    for one in streams:
        one.close()  # type: ignore[attr-defined]
    (signed_in,) = two.a.client().send(calls.user_sessions()).sessions
    two.a.client().send(calls.revoke_user_session(signed_in.id))
    _until(lambda: "Sign out" not in there.get(path).text)


def test_of_two_decisions_at_two_workers_one_counts(two: Two) -> None:
    """Two administrators approve in the same moment: one is told that the other has decided."""
    agent = two.a.client().send(calls.create_agent("bot", vaults=GRANTS)).av_agent_token
    two.b.client().send(calls.unlock("password", PASSWORD))
    for name in ("ada", "grace"):
        two.a.add_user(name, default="admin")
    people = {"ada": two.a, "grace": two.b}
    tokens = {name: two.a.sign_in(name) for name in people}
    _until(lambda: two.b.ask("GET", "/v1/auth/me", token=tokens["grace"]).status == 200)
    for turn in range(4):
        key = f"AT_ONCE_{turn}"
        number = proposed(two.a, agent, key).partition("?")[0].rpartition("/")[2]
        answers = at_once(key, number, people, tokens)
        winner, loser = sorted(answers, key=lambda name: answers[name].status)
        assert [answers[name].status for name in (winner, loser)] == [200, 409]
        assert answers[loser].json["reviewed_by"] == f"user {winner}"
        for worker in people.values():
            _until(partial(holds, worker, tokens[loser], key, f"of-{winner}"))


def holds(worker: ThreadedWorker, token: str, key: str, value: str) -> bool:
    """Whether a worker knows a credential, whose first and only value is this one."""
    shown = f"/v1/credentials?vault=default&reveal=true&key={key}"
    (stored,) = worker.ask("GET", shown, token=token).json["credentials"]
    assert (stored["version"], stored.get("value", value)) == (1, value)
    return "value" in stored


def at_once(
    key: str, number: str, people: dict[str, ThreadedWorker], tokens: dict[str, str]
) -> dict[str, Answer]:
    """Each person's approval at their worker, with a value of their own, in the same moment."""
    ready = Barrier(len(people))

    def approve(name: str) -> Answer:
        body = {"vault": "default", "credentials": {key: f"of-{name}"}}
        ready.wait(LIMIT_SECONDS)
        path = f"/v1/admin/proposals/{number}/approve"
        return people[name].ask("POST", path, token=tokens[name], body=body)

    with ThreadPoolExecutor(len(people)) as pool:
        return dict(zip(people, pool.map(approve, people), strict=True))


@pytest.mark.parametrize("two", ["postgresql"], indirect=True)
def test_a_cut_connection_misses_nothing(two: Two) -> None:
    """Cut off from the others' news, a worker says so and then has all of it."""
    token = two.a.client().send(calls.create_agent("bot", vaults=GRANTS)).av_agent_token
    _until(lambda: taken(two.b, token))
    server = make_url(two.url).set(drivername="postgresql").render_as_string(hide_password=False)
    follow = events_sync(two.b.client(), types=["worker.problem", "worker.caught_up"])
    assert next(follow) == Connected()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE query LIKE 'LISTEN%' AND datname = current_database()"
        )
    two.a.client().send(calls.delete_agent("bot"))
    told = [next(follow) for _ in range(2)]
    follow.close()  # type: ignore[attr-defined]
    assert [one.type for one in told if isinstance(one, Event)] == [
        "worker.problem",
        "worker.caught_up",
    ]
    assert not taken(two.b, token)
    assert two.b.client().send(calls.status()).problems == []
