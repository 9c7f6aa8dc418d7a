"""Signing in over the network: real requests, in the public protocol's shapes."""

import itertools
from typing import Any

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.client.sse import Connected, Disconnected
from proxy_core.client.stream import events_sync
from proxy_core.client.sync_client import SyncClient
from proxy_core.domain import wire
from proxy_core.domain.events import Event
from proxy_core.services.audit.auditing import AuditQuery
from proxy_core.services.users import throttle
from proxy_core.services.users.throttle import ACCOUNT_LIMIT, WINDOW_SECONDS
from tests.worker.harness import PASSWORD, Answer, ThreadedWorker, own_terminal

_NUMBERS = itertools.count()


@pytest.fixture(autouse=True)
def _operator(worker: ThreadedWorker) -> None:
    worker.in_loop(worker.running.app.operators.open, own_terminal(), "tester")


@pytest.fixture
def name(worker: ThreadedWorker) -> str:
    """A member of `default` with a name of its own."""
    made = f"user{next(_NUMBERS)}@example.com"
    worker.add_user(made, "member", default="member")
    return made


@pytest.fixture
def owner(worker: ThreadedWorker) -> SyncClient:
    """A new owner's client."""
    made = f"owner{next(_NUMBERS)}"
    worker.add_user(made, "owner")
    return worker.tcp_client(worker.sign_in(made))


def refused(client: SyncClient, call: calls.Call[Any]) -> str:
    """The code that a call is refused with."""
    with pytest.raises(VaultError) as caught:
        client.send(call)
    return caught.value.code


def forget_proof(worker: ThreadedWorker, name: str) -> None:
    """Let the proofs of a user's sessions be of long ago."""
    users = worker.running.app._context.users
    for session in users.sessions(0):
        user = users.by_id(session.user_id)
        if user is not None and user.email == name:
            session.proved_at = 0.0


def test_login_me_and_logout(worker: ThreadedWorker, name: str) -> None:
    """The token is a bearer token until the session ends."""
    made = worker.ask("POST", "/v1/auth/login", body={"email": name, "password": PASSWORD})
    assert made.status == 200
    assert made.json.keys() == {"token", "expires_at"}
    token = made.json["token"]
    assert token.startswith("vt_user_")
    me = worker.ask("GET", "/v1/auth/me", token=token).json
    assert (me["type"], me["email"], me["role"], me["is_owner"], me["has_password"]) == (
        "user",
        name,
        "member",
        False,
        True,
    )
    assert me["vaults"] == [{"vault_name": "default", "vault_role": "member"}]
    assert worker.ask("POST", "/v1/auth/logout", token=token).json == {"status": "ok"}
    assert worker.ask("GET", "/v1/auth/me", token=token).status == 401


def test_a_token_that_has_ended_keeps_nobody_from_signing_in(
    worker: ThreadedWorker, name: str
) -> None:
    """Clients send what they have; the password is what counts."""
    body = {"email": name, "password": PASSWORD}
    made = worker.ask("POST", "/v1/auth/login", body=body, token="vt_user_" + "0" * 64)
    assert made.status == 200


def test_a_wrong_password_is_401_and_too_many_are_429(worker: ThreadedWorker, name: str) -> None:
    """Known name or not, word for word; with the seconds to wait."""
    for who in (name, f"no-{name}"):
        body = {"email": who, "password": "not that one"}
        answers = [worker.ask("POST", "/v1/auth/login", body=body) for _ in range(ACCOUNT_LIMIT)]
        assert {(one.status, one.json["error"], one.json["message"]) for one in answers} == {
            (401, "login_failed", "The name or the password is wrong.")
        }
        late = worker.ask("POST", "/v1/auth/login", body={**body, "password": PASSWORD})
        assert (late.status, late.json["error"]) == (429, "rate_limited")
        assert 0 < int(late.headers["retry-after"]) <= WINDOW_SECONDS


@pytest.mark.parametrize(
    "body",
    [
        {"email": "ada", "password": ["opensesame"]},
        {"email": "ada", "password": "opensesame", "opensesame": 1},
        {"password": "opensesame"},
        b'{"email": "ada", "password": "opensesame',
    ],
)
def test_a_malformed_login_is_not_quoted(worker: ThreadedWorker, body: object) -> None:
    """400 that names fields, never what stood in them."""
    headers = {"Content-Type": "application/json"}
    answer = worker.ask("POST", "/v1/auth/login", body=body, headers=headers)
    assert answer.status == 400
    assert b"opensesame" not in answer.body.replace(b"field `opensesame`", b"")


def test_sessions_are_listed_and_ended(worker: ThreadedWorker, name: str) -> None:
    """One's own: where from, and which one asks; the one that was lost is ended from another."""
    body = {"email": name, "password": PASSWORD}
    lost = worker.ask(
        "POST", "/v1/auth/login", body=body, headers={"User-Agent": "lost/1\x1b[2J"}
    ).json["token"]
    here = worker.tcp_client(worker.sign_in(name))
    listed = {one.current: one for one in here.send(calls.user_sessions()).sessions}
    assert (listed[False].last_ip, listed[True].last_ip) == ("127.0.0.1", "")
    assert listed[False].device_label.startswith("lost/1")
    assert "\x1b" not in listed[False].device_label
    assert here.send(calls.revoke_user_session(listed[False].id)).status == "revoked"
    assert refused(worker.tcp_client(lost), calls.me()) == "unauthorized"


def test_a_device_may_have_a_label(worker: ThreadedWorker, name: str) -> None:
    """Which the list of sessions shows in place of what the client calls itself."""
    body = {"email": name, "password": PASSWORD, "device_label": "desk\x1b[2J"}
    fields = {"User-Agent": "client/1"}
    token = worker.ask("POST", "/v1/auth/login", body=body, headers=fields).json["token"]
    (shown,) = worker.tcp_client(token).send(calls.user_sessions()).sessions
    assert shown.device_label == r"desk\x1b[2J"


def test_behind_a_reverse_proxy_the_client_counts(
    worker: ThreadedWorker, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a trusted one says that it is; what the client sends of it, and where none is trusted,
    is no word of its own. The control socket has no address, whatever is said there.
    """
    body = {"email": name, "password": PASSWORD}
    settings = worker.client()

    def came_from(said: str, *, tcp: bool = True) -> str:
        fields = {"X-Forwarded-For": said}
        asked = worker.ask("POST", "/v1/auth/login", body=body, headers=fields, tcp=tcp)
        sessions = worker.tcp_client(asked.json["token"]).send(calls.user_sessions()).sessions
        return next(one.last_ip for one in sessions if one.current)

    assert came_from("192.0.2.7") == "127.0.0.1"
    settings.send(calls.change_settings({"trusted_proxies": ["127.0.0.0/8"]}))
    try:
        assert came_from("192.0.2.7") == "192.0.2.7"
        assert came_from("203.0.113.9, 192.0.2.7") == "192.0.2.7"
        assert came_from("192.0.2.7, nowhere") == "127.0.0.1"
        assert came_from("192.0.2.7", tcp=False) == ""
        entries = worker.run(worker.running.app.auditing.page(AuditQuery())).entries
        assert {"address": "192.0.2.7"} in [entry.source for entry in entries]
        wrong, addresses = {**body, "password": "wrong"}, ["198.51.100.1"] * 2
        addresses += ["1.1.1.1, 198.51.100.1", "198.51.100.2"]
        with monkeypatch.context() as patched:
            patched.setattr(throttle, "ADDRESS_LIMIT", 2)
            asked = [
                worker.ask("POST", "/v1/auth/login", body=wrong, headers={"X-Forwarded-For": one})
                for one in addresses
            ]
        assert [one.status for one in asked] == [401, 401, 429, 401]
    finally:
        settings.send(calls.change_settings({"trusted_proxies": None}))
    assert came_from("192.0.2.7") == "127.0.0.1"


def test_a_changed_password_goes_on_with_a_new_token(worker: ThreadedWorker, name: str) -> None:
    """The answer has the shape of a login's; what was signed in before is not any more."""
    client = worker.tcp_client(worker.sign_in(name))
    assert refused(client, calls.change_password("wrong one", "another one")) == "login_failed"
    changed = client.send(calls.change_password(PASSWORD, "another one"))
    assert refused(client, calls.me()) == "unauthorized"
    assert worker.tcp_client(changed.token).send(calls.me()).email == name


def test_secrets_and_ruling_take_a_recent_proof(
    worker: ThreadedWorker, owner: SyncClient, name: str
) -> None:
    """A session that was left open reveals and rules nothing until the password is proved."""
    client = worker.tcp_client(worker.sign_in(name))
    client.send(calls.set_credentials({"OPEN_KEY": "s3cret"}))
    reveal = calls.credentials(reveal=True, key="OPEN_KEY")
    (shown,) = client.send(reveal).credentials or []
    assert shown.value == "s3cret"
    forget_proof(worker, name)
    forget_proof(worker, owner.send(calls.me()).email)
    assert refused(client, reveal) == "reauth_required"
    client.send(calls.set_credentials({"OPEN_KEY": "s3cret"}))
    assert client.send(calls.me()).proved_until == ""
    for call in (calls.create_invite(), calls.remove_user(name), calls.seal()):
        assert refused(owner, call) == "reauth_required"
    assert refused(client, calls.reauth("wrong one")) == "login_failed"
    assert client.send(calls.reauth(PASSWORD)).proved_until
    assert client.send(reveal).credentials
    owner.send(calls.reauth(PASSWORD))
    assert owner.send(calls.create_invite()).token


def test_an_invite_by_its_path(worker: ThreadedWorker, owner: SyncClient) -> None:
    """As clients of the public protocol have it: the token is in the path, also to take it back."""
    made = owner.send(calls.create_invite("path@example.com", "member"))

    def at(token: str, step: str, body: object = None) -> Answer:
        method = "POST" if body is not None else "GET"
        return worker.ask(method, f"/v1/users/invites/{token}/{step}", body=body)

    shown = {"email": "path@example.com", "role": "member", "vaults": [], "needs_account": True}
    assert at(made.token, "details").json == shown
    assert at(made.id, "details").status == 404
    assert at(made.id, "accept", {"password": PASSWORD}).status == 404
    token = owner.target.token
    path = f"/v1/users/invites/{made.token}"
    renewed = worker.ask("POST", f"{path}/reinvite", token=token)
    assert (renewed.status, renewed.json["email"]) == (201, "path@example.com")
    assert at(made.token, "accept", {"password": PASSWORD}).status == 404
    assert worker.ask("POST", f"{path}/reinvite", token=token).status == 404
    accepted = at(renewed.json["token"], "accept", {"password": PASSWORD})
    assert (accepted.status, accepted.json["email"]) == (200, "path@example.com")
    assert worker.tcp_client().send(calls.login("path@example.com", PASSWORD)).token
    other = owner.send(calls.create_invite())
    revoked = worker.ask("DELETE", f"/v1/users/invites/{other.token}", token=token)
    assert (revoked.status, revoked.json["status"]) == (200, "revoked")
    assert at(other.token, "details").status == 404


def test_an_invite_becomes_a_user(worker: ThreadedWorker, owner: SyncClient) -> None:
    """By its token, once; the user has the roles it was made with."""
    wanted = [wire.UserVault(vault_name="default", vault_role="proxy")]
    made = owner.send(calls.create_invite("New+1@example.com", "no-access", wanted))
    nobody = worker.tcp_client()
    accepted = nobody.send(calls.accept_invite(made.token, PASSWORD))
    assert accepted.email == "new+1@example.com"
    assert refused(nobody, calls.accept_invite(made.token, PASSWORD)) == "not_found"
    token = nobody.send(calls.login("new+1@example.com", PASSWORD)).token
    client = worker.tcp_client(token)
    assert client.send(calls.user("me")).vaults == wanted
    assert client.send(calls.discover("default")).vault == "default"
    assert refused(client, calls.services()) == "role_forbidden"
    owner.send(calls.remove_user("new+1@example.com"))
    assert refused(client, calls.me()) == "unauthorized"


def test_the_last_owner_cannot_go(worker: ThreadedWorker, owner: SyncClient) -> None:
    """409, as long as there is no other one."""
    me = owner.send(calls.me()).email
    others = [one.email for one in owner.send(calls.users()).users if one.role == "owner"]
    for other in others:
        if other != me:
            owner.send(calls.change_user_role(other, "member"))
    for call in (calls.remove_user(me), calls.change_user_role(me, "no-access")):
        assert refused(owner, call) == "conflict"


def test_a_member_keeps_its_vaults_and_makes_its_own(worker: ThreadedWorker, name: str) -> None:
    """Operators' work over the network, by vault role; whoever makes a vault rules it."""
    client = worker.tcp_client(worker.sign_in(name))
    auth = {"type": "bearer", "token": "API_KEY"}
    client.send(calls.set_credentials({"API_KEY": "x"}))
    client.send(calls.upsert_services([{"name": "web", "host": "web.example.com", "auth": auth}]))
    session = client.send(calls.create_session("default"))
    agent = worker.tcp_client(session.token)
    wanted = wire.CreateProposal(services=[{"action": "delete", "name": "web"}])
    proposal = agent.send(calls.create_proposal(wanted))
    assert client.send(calls.approve_proposal(proposal.id)).status == "applied"
    assert client.send(calls.logs("default")).logs is not None
    vault = f"vault-{next(_NUMBERS)}"
    assert refused(client, calls.delete_vault("default")) == "role_forbidden"
    client.send(calls.create_vault(vault))
    assert [one.name for one in client.send(calls.vaults()).vaults] == ["default", vault]
    client.send(calls.add_vault_user(vault, name, "admin"))
    client.send(calls.delete_vault(vault))


def test_events_are_those_of_the_own_vaults(worker: ThreadedWorker, name: str) -> None:
    """A member follows its vaults, an operator everything; a session that ends ends the stream."""
    other = f"other-{next(_NUMBERS)}"
    operator = worker.client()
    operator.send(calls.create_vault(other))
    token = worker.sign_in(name)
    follow = events_sync(worker.tcp_client(token))
    assert next(follow) == Connected()
    operator.send(calls.set_credentials({"HIDDEN": "x"}, vault=other))
    operator.send(calls.change_settings({"log_retention_days": 29}))
    operator.send(calls.set_credentials({"SHOWN": "x"}))
    told = next(follow)
    assert isinstance(told, Event)
    assert (told.type, told.data["name"]) == ("credential.changed", "SHOWN")
    worker.tcp_client(token).send(calls.logout())
    operator.send(calls.set_credentials({"AFTERWARDS": "x"}))
    assert isinstance(next(follow), Disconnected)
    follow.close()  # type: ignore[attr-defined]


def test_the_audit_names_who_signed_in(worker: ThreadedWorker, name: str) -> None:
    """A sign-in is the user's deed from the client's address, and an accepted invite too."""
    login = worker.ask("POST", "/v1/auth/login", body={"email": name, "password": PASSWORD})
    assert login.status == 200
    invited = f"{name}.au"
    token = worker.client().send(calls.create_invite(invited)).token
    worker.tcp_client().send(calls.accept_invite(token, PASSWORD))
    audit = worker.run(worker.running.app.auditing.page(AuditQuery()))
    found = {entry.action: entry for entry in reversed(audit.entries)}
    signed_in, made = found["user.login"], found["user.created"]
    assert (signed_in.actor.kind, signed_in.actor.name) == ("user", name)
    assert signed_in.source == {"address": "127.0.0.1"}
    assert (made.actor.kind, made.actor.name, made.target) == ("user", invited, invited)


def test_users_sign_in_while_the_vault_is_sealed(
    fresh_worker: ThreadedWorker,
) -> None:
    """Who may know it sees that it is sealed; what needs the key says so."""
    fresh_worker.init()
    fresh_worker.add_user("ada", "owner")
    client = fresh_worker.tcp_client(fresh_worker.sign_in("ada"))
    client.send(calls.seal())
    again = fresh_worker.tcp_client(fresh_worker.sign_in("ada"))
    assert again.send(calls.status()).sealed
    assert refused(again, calls.set_credentials({"KEY": "x"})) == "sealed"
