"""An open vault that trusts an issuer on loopback."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.domain import wire
from proxy_core.services.application import Application, ApplicationConfig
from proxy_core.services.principal import operator
from tests.oauth.servers import plain_http
from tests.schemas import copy_newest
from tests.services.conftest import ADA, NOW, FakeTunnels
from tests.services.issuers.signing import AUDIENCE, LocalIssuer, local_issuer


@pytest.fixture
async def issuer() -> AsyncIterator[LocalIssuer]:
    """The issuer."""
    async with local_issuer() as found:
        found.now = NOW
        yield found


@pytest.fixture
async def app(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Application]:
    """A vault whose issuers may be on this machine."""
    copy_newest(tmp_path / "vault.db")
    config = ApplicationConfig(tmp_path / "vault.db", allow_http_token_urls=True)
    application = await Application.open(config, clock)
    await application.keys.initialise(
        wire.InitRequest(slot="keyfile", path=str(tmp_path / "master.key")), operator("setup")
    )
    application.issuers.attach(plain_http())
    yield application
    await application.close()


@pytest.fixture
def tunnels(app: Application) -> FakeTunnels:
    """Whose connections were ended."""
    attached = FakeTunnels()
    app.attach_tunnels(attached)
    return attached


def rule(
    claim: str = "sub", equals: str = "ada", vault: str = "default", **more: object
) -> wire.IssuerRule:
    """From a claim to the vault `default`, or to what is said instead."""
    place = {} if "agent" in more else {"vault": vault}
    return wire.IssuerRule(claim=claim, equals=equals, **place, **more)  # type: ignore[arg-type]


async def trust(
    app: Application, issuer: LocalIssuer, *rules: wire.IssuerRule, **more: object
) -> wire.IssuerInfo:
    """Trust the issuer, called corp."""
    fields: dict[str, object] = {"url": issuer.url, "audiences": [AUDIENCE], **more}
    wanted = wire.AddIssuer(name="corp", rules=list(rules or [rule()]), **fields)  # type: ignore[arg-type]
    return await app.issuers.add(wanted, ADA)
