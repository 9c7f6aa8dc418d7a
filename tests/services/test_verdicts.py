"""What trusted issuers say of JWTs, and how long it counts."""

import asyncio
from dataclasses import dataclass, field

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import token_sha256
from proxy_core.domain.exchange import ActorType, Decision
from proxy_core.domain.names import VaultRole
from proxy_core.services import verdicts
from proxy_core.services.application import Application
from proxy_core.services.principal import PrincipalKind
from proxy_core.services.snapshot import Bearer
from proxy_core.services.verdicts import Verdicts
from tests.services.conftest import NOW, basic, facts, make_agent, put_service

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"


@dataclass
class FakeVerifier:
    """Vouches for every JWT, for an hour, once it is let go on."""

    grants: dict[str, VaultRole] = field(default_factory=dict)
    services: dict[str, frozenset[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    refusal: VaultError | None = None
    go_on: asyncio.Event | None = None

    async def verify(self, token: str) -> Bearer:
        self.asked.append(token)
        if self.go_on is not None:
            await self.go_on.wait()
        if self.refusal is not None:
            raise self.refusal
        sha256 = token_sha256(token)
        return Bearer(
            sha256,
            ActorType.AGENT,
            "1",
            "ada",
            self.grants,
            expires_at=NOW + 3600,
            services=self.services,
        )


@pytest.fixture
def verifier() -> FakeVerifier:
    """An issuer's word."""
    return FakeVerifier()


@pytest.fixture
def known(clock: FakeClock, verifier: FakeVerifier) -> Verdicts:
    """Verdicts of that issuer."""
    found = Verdicts(clock)
    found.verifier = verifier
    return found


async def test_the_issuer_is_asked_once_until_it_expires(
    known: Verdicts, verifier: FakeVerifier, clock: FakeClock
) -> None:
    """The verdict is found by the token's hash, and asked for anew after `exp`."""
    assert known.known(token_sha256(JWT)) is None
    first = await known.verify(JWT)
    assert known.known(token_sha256(JWT)) is first
    assert await known.verify(JWT) is first
    assert verifier.asked == [JWT]
    clock.advance(3600)
    await known.verify(JWT)
    assert len(verifier.asked) == 2


async def test_many_who_wait_ask_one_question(known: Verdicts, verifier: FakeVerifier) -> None:
    """One that leaves takes the answer from nobody."""
    verifier.go_on = asyncio.Event()
    waiting = [asyncio.create_task(known.verify(JWT)) for _ in range(5)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    verifier.go_on.set()
    found = await asyncio.gather(*waiting[1:])
    assert len(verifier.asked) == 1
    assert len({id(one) for one in found}) == 1


async def test_a_refusal_is_not_remembered(known: Verdicts, verifier: FakeVerifier) -> None:
    """An issuer that can't be asked now may vouch for it later."""
    verifier.refusal = VaultError("unauthorized", "issuer unknown")
    for _ in range(2):
        with pytest.raises(VaultError, match="issuer unknown"):
            await known.verify(JWT)
    verifier.refusal = None
    assert (await known.verify(JWT)).actor_name == "ada"


async def test_without_an_issuer_every_jwt_is_refused(clock: FakeClock) -> None:
    """Nobody is trusted unless an operator says so."""
    with pytest.raises(VaultError) as caught:
        await Verdicts(clock).verify(JWT)
    assert caught.value.code == "unauthorized"


async def test_what_was_forgotten_is_asked_for_anew(
    known: Verdicts, verifier: FakeVerifier
) -> None:
    """Also when the answer was under way meanwhile."""
    await known.verify(JWT)
    assert known.forget(lambda bearer: bearer.actor_name != "ada") == []
    assert known.forget() == [token_sha256(JWT)]
    verifier.go_on = asyncio.Event()
    waiting = asyncio.create_task(known.verify(JWT))
    await asyncio.sleep(0)
    known.forget()
    verifier.go_on.set()
    await waiting
    assert known.known(token_sha256(JWT)) is None


async def test_memory_and_questions_are_bounded(
    known: Verdicts, verifier: FakeVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest verdicts go; too many questions at once are refused."""
    monkeypatch.setattr(verdicts, "MAX_REMEMBERED", 4)
    monkeypatch.setattr(verdicts, "MAX_ASKED_AT_ONCE", 2)
    for number in range(5):
        await known.verify(f"{JWT}{number}")
    assert known.known(token_sha256(f"{JWT}4")) is not None
    assert known.known(token_sha256(f"{JWT}0")) is None
    verifier.go_on = asyncio.Event()
    waiting = [asyncio.create_task(known.verify(f"{JWT}x{number}")) for number in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(VaultError) as caught:
        await known.verify(f"{JWT}x2")
    assert caught.value.code == "overloaded"
    verifier.go_on.set()
    await asyncio.gather(*waiting)


async def test_a_jwt_is_taken_wherever_an_agents_token_is(
    app: Application, clock: FakeClock
) -> None:
    """Proxy and API know its holder once the issuer has vouched, until it expires."""
    made = await make_agent(app, "bot", "default")
    vault_id = app.broker.authenticate(basic(made)).vault_id
    verifier = FakeVerifier({vault_id: VaultRole.PROXY})
    app.verdicts.verifier = verifier
    field = b"Bearer " + JWT.encode()
    with pytest.raises(VaultError, match="unknown or was revoked"):
        app.broker.authenticate(field)
    await app.broker.verify(field)
    access = app.broker.authenticate(field)
    assert (access.actor_name, access.vault) == ("ada", "default")
    assert isinstance(app.broker.decide(access, facts()), Decision)
    await app.identity.verify(JWT)
    assert app.identity.of_bearer(JWT).kind is PrincipalKind.AGENT
    assert len(verifier.asked) == 1
    clock.advance(3600)
    with pytest.raises(VaultError, match="expired"):
        app.broker.decide(access, facts())
    with pytest.raises(VaultError):
        app.identity.of_bearer(JWT)


async def test_a_bad_jwt_counts_as_a_wrong_token(app: Application) -> None:
    """The proxy says why; an issuer that can't be asked is no fault of the client's."""
    app.verdicts.verifier = FakeVerifier(
        refusal=VaultError("unauthorized", "its audience is another")
    )
    app.auth_failures.budget = 1
    with pytest.raises(VaultError, match="audience is another") as caught:
        await app.broker.verify(b"Bearer " + JWT.encode(), "192.0.2.1")
    assert caught.value.code == "proxy_auth_required"
    with pytest.raises(VaultError) as caught:
        await app.broker.verify(b"Bearer " + JWT.encode(), "192.0.2.1")
    assert caught.value.code == "rate_limited"
    app.verdicts.verifier = FakeVerifier(refusal=VaultError("upstream_unreachable", "no keys"))
    with pytest.raises(VaultError) as caught:
        await app.broker.verify(b"Bearer " + JWT.encode(), "192.0.2.2")
    assert caught.value.code == "upstream_unreachable"


async def test_the_vaults_own_tokens_ask_nobody(app: Application) -> None:
    """`verify` has nothing to do for them."""
    verifier = FakeVerifier()
    app.verdicts.verifier = verifier
    await app.broker.verify(b"Bearer vt_agt_" + b"0" * 64)
    await app.identity.verify("vt_agt_" + "0" * 64)
    assert not verifier.asked


async def test_a_jwt_sees_the_services_that_it_may_use_alone(app: Application) -> None:
    """As an agent whose grant names them."""
    for name in ("mine", "theirs"):
        await put_service(app, name, f"{name}.example.com", "KEY")
    made = await make_agent(app, "bot", "default")
    vault_id = app.broker.authenticate(basic(made)).vault_id
    limited = {vault_id: frozenset({"mine"})}
    app.verdicts.verifier = FakeVerifier({vault_id: VaultRole.PROXY}, services=limited)
    await app.identity.verify(JWT)
    found = await app.discoveries.discover(app.identity.of_bearer(JWT), None)
    assert [service.name for service in found.services] == ["mine"]
