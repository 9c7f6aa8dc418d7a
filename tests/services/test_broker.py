"""What the data path asks: authentication, decisions, injection, records."""

import sqlite3
from pathlib import Path

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import AGENT_PREFIX, new_token
from proxy_core.domain import wire
from proxy_core.domain.exchange import NO_INJECTION, Access, Decision, ResponseFacts
from proxy_core.domain.service import Surface
from proxy_core.services.application import Application
from proxy_core.services.logs import LogQuery
from tests.services.conftest import (
    ADA,
    Opener,
    basic,
    events_of,
    facts,
    make_agent,
    put_credentials,
    put_service,
    record,
)


@pytest.fixture
async def token(app: Application) -> str:
    """An agent of the vault `default`, which covers api.example.com."""
    await put_credentials(app, API_KEY="s3cret")
    await put_service(app, "example", "api.example.com", "API_KEY")
    return await make_agent(app, "bot", "default")


def code_of(app: Application, access: Access, **request: object) -> str:
    """The code that the call is refused with."""
    with pytest.raises(VaultError) as caught:
        app.broker.decide(access, facts(**request))  # type: ignore[arg-type]
    return caught.value.code


async def test_a_request_gets_the_credential_of_its_service(app: Application, token: str) -> None:
    """Authenticate, decide, inject: the header that the service asks for."""
    access = app.broker.authenticate(basic(token, "default"))
    assert (access.actor_name, access.vault) == ("bot", "default")
    decision = app.broker.decide(access, facts())
    assert decision.service is not None
    assert (decision.service.name, decision.credential_keys) == ("example", ("API_KEY",))
    injection = await app.broker.inject(decision)
    assert injection.headers == ((b"Authorization", b"Bearer s3cret"),)


async def test_an_unmatched_host_gets_no_credential(app: Application, token: str) -> None:
    """It passes without one, or not at all when the vault denies."""
    access = app.broker.authenticate(basic(token))
    decision = app.broker.decide(access, facts("elsewhere.example"))
    assert decision.service is None
    assert await app.broker.inject(decision) is NO_INJECTION
    await app.vaults.change_settings(
        "default", wire.VaultSettings(unmatched_host_policy="deny"), ADA
    )
    assert code_of(app, access, host="elsewhere.example") == "forbidden"


@pytest.mark.parametrize("field", [None, basic(new_token(AGENT_PREFIX)), b"Basic junk"])
async def test_no_or_unknown_tokens_are_asked_to_authenticate(
    app: Application, field: bytes | None
) -> None:
    """Nothing, an unknown token, junk."""
    with pytest.raises(VaultError) as caught:
        app.broker.authenticate(field)
    assert caught.value.code == "proxy_auth_required"


async def test_the_vault_is_chosen_per_connection(app: Application, token: str) -> None:
    """One grant is the default; several must be named; foreign and unknown ones differ."""
    await app.vaults.create(wire.VaultName(name="work"), ADA)
    assert app.broker.authenticate(basic(token)).vault == "default"
    assert code_of(app, app.broker.authenticate(basic(token, "work"))) == "vault_forbidden"
    assert code_of(app, app.broker.authenticate(basic(token, "nowhere"))) == "vault_not_found"
    both = await make_agent(app, "both", "default", "work")
    access = app.broker.authenticate(basic(both))
    assert (access.vault, code_of(app, access)) == (None, "vault_required")
    assert app.broker.decide(app.broker.authenticate(basic(both, "work")), facts()).vault == "work"
    none = await make_agent(app, "without")
    assert code_of(app, app.broker.authenticate(basic(none))) == "vault_forbidden"


async def test_a_session_uses_its_own_vault(app: Application, token: str) -> None:
    """Unnamed it is its own; another one is forbidden."""
    await app.vaults.create(wire.VaultName(name="work"), ADA)
    made = await app.sessions.create(wire.CreateSession(vault="work"), ADA, "")
    assert app.broker.authenticate(basic(made.token)).vault == "work"
    access = app.broker.authenticate(basic(made.token, "default"))
    assert code_of(app, access) == "vault_forbidden"


async def test_every_request_is_authorised_anew(
    app: Application, token: str, clock: FakeClock
) -> None:
    """On one open connection: service off, seal, revoked grant, deleted agent."""
    access = app.broker.authenticate(basic(token))
    app.broker.decide(access, facts())
    await app.services.patch("default", "example", wire.ServicePatch(enabled=False), ADA)
    assert code_of(app, access) == "service_disabled"
    await app.keys.seal(ADA)
    assert code_of(app, access) == "sealed"
    await app.keys.unseal_automatically()
    await app.agent_grants.remove("default", "bot", ADA)
    assert code_of(app, access) == "vault_forbidden"
    await app.agents.delete("bot", ADA)
    assert code_of(app, access) == "proxy_auth_required"


async def test_an_expired_token_counts_no_more(app: Application, clock: FakeClock) -> None:
    """At the next request, also on a connection that it opened."""
    token = await make_agent(app, "brief", "default", ttl_seconds=60)
    access = app.broker.authenticate(basic(token))
    clock.advance(60)
    assert code_of(app, access) == "proxy_auth_required"


async def test_a_new_value_counts_at_the_next_request(app: Application, token: str) -> None:
    """Nothing decrypted is kept from the request before."""
    access = app.broker.authenticate(basic(token))
    decision = app.broker.decide(access, facts())
    await app.broker.inject(decision)
    await put_credentials(app, API_KEY="rotated")
    assert (await app.broker.inject(decision)).headers[0][1] == b"Bearer rotated"


async def test_a_missing_credential_names_the_key_and_the_remedy(
    app: Application, token: str
) -> None:
    """The agent and its operator learn what to store where."""
    await put_service(app, "other", "other.example", "LOST_KEY")
    access = app.broker.authenticate(basic(token))
    decision = app.broker.decide(access, facts("other.example"))
    with pytest.raises(VaultError) as caught:
        await app.broker.inject(decision)
    assert caught.value.code == "credential_not_found"
    assert caught.value.extra["credential_key"] == "LOST_KEY"
    assert "credential set LOST_KEY --vault default" in str(caught.value)


async def test_a_damaged_value_breaks_its_own_service_only(
    app: Application, token: str, reopen: Opener, tmp_path: Path
) -> None:
    """Two ciphertexts swapped on disk are refused; a third works."""
    await put_credentials(app, SWAP_A="a", SWAP_B="b")
    for name in ("SWAP_A", "SWAP_B"):
        await put_service(
            app, name.lower().replace("_", "-"), f"{name[-1].lower()}.example.com", name
        )
    await app.close()
    with sqlite3.connect(tmp_path / "vault.db") as database:
        rows = database.execute(
            "SELECT v.credential_id, v.sealed FROM credential_version v JOIN credential c"
            " ON c.id = v.credential_id WHERE c.key LIKE 'SWAP%'"
        ).fetchall()
        for (credential_id, _), (_, sealed) in zip(rows, reversed(rows), strict=True):
            database.execute(
                "UPDATE credential_version SET sealed = ? WHERE credential_id = ?",
                (sealed, credential_id),
            )
    database.close()
    app = await reopen()
    await app.keys.unseal_automatically()
    access = app.broker.authenticate(basic(token))
    with pytest.raises(VaultError) as caught:
        await app.broker.inject(app.broker.decide(access, facts("a.example.com")))
    assert (caught.value.code, caught.value.extra) == (
        "credential_unreadable",
        {"credential_key": "SWAP_A"},
    )
    assert (await app.broker.inject(app.broker.decide(access, facts()))).headers
    states = {
        item.key: item.state for item in (await app.credentials.list("default")).credentials or ()
    }
    assert states == {"API_KEY": "ok", "SWAP_A": "unreadable", "SWAP_B": "unreadable"}


async def test_a_finished_request_is_logged_announced_and_remembered(
    app: Application, token: str
) -> None:
    """In the log, on the bus, and in what agents, services and credentials tell of their use."""
    access = app.broker.authenticate(basic(token))
    app.broker.finished(record(access))
    await app._context.log.flush()
    page = await app.logs.page("default", LogQuery())
    assert [(row.path, row.actor_name) for row in page.logs] == [("/v1/x", "bot")]
    assert events_of(app, "request.finished")[0].data.request_id == "r1"
    assert (await app.services.list("default")).services[0]["hits"] == 1
    assert (await app.agents.get("bot")).last_seen_at == "2025-06-15T15:06:45.000Z"
    listed = (await app.credentials.list("default", "API_KEY")).credentials or []
    assert listed[0].last_used_at == "2025-06-15T15:06:45.000Z"


async def test_plain_http_takes_the_workers_leave(app: Application, token: str) -> None:
    """Without it no credential goes over http."""
    access = app.broker.authenticate(basic(token))
    assert code_of(app, access, scheme="http", port=80) == "http_not_allowed"


async def test_a_multi_line_secret_for_a_body(app: Application) -> None:
    """It is stored, declared for body and frames, and leaves with those surfaces."""
    await put_credentials(app, API_KEY="s3cret", PEM="line one\nline two")
    item = {"key": "PEM", "placeholder": "__pem__", "in": ["body", "websocket"]}
    await put_service(app, "pem", "api.example.com", "API_KEY", substitutions=[item])
    access = app.broker.authenticate(basic(await make_agent(app, "bot", "default")))
    decision = app.broker.decide(access, facts())
    assert isinstance(decision, Decision)
    assert not decision.reconsiders
    (substitution,) = (await app.broker.inject(decision)).substitutions
    assert substitution.value == b"line one\nline two"
    assert substitution.surfaces == {Surface.BODY, Surface.WEBSOCKET}
    refused = ResponseFacts(401, (), repeatable=True)
    assert await app.broker.reconsider(decision, None, refused) is None
