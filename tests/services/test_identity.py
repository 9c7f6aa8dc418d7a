"""Bearer tokens of the API."""

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import AGENT_PREFIX, new_token
from proxy_core.domain import wire
from proxy_core.domain.names import InstanceRole, VaultRole
from proxy_core.services.application import Application
from proxy_core.services.principal import PrincipalKind
from tests.services.conftest import ADA, make_agent


async def test_an_agents_token_tells_its_roles(app: Application) -> None:
    """Instance role and vault roles, by the vaults' present names."""
    await app.vaults.create(wire.VaultName(name="work"), ADA)
    token = await make_agent(app, "ci-bot", "default", role="member")
    await app.agent_grants.add("work", wire.AddVaultAgent(name="ci-bot", role="admin"), ADA)
    await app.vaults.rename("work", wire.VaultName(name="office"), ADA)
    found = app.identity.of_bearer(token)
    assert (found.kind, found.label) == (PrincipalKind.AGENT, "agent ci-bot")
    assert found.instance_role is InstanceRole.MEMBER
    assert found.vaults == {"default": VaultRole.PROXY, "office": VaultRole.ADMIN}


async def test_a_session_has_the_proxy_role_in_its_vault(app: Application) -> None:
    """And nothing else."""
    made = await app.sessions.create(wire.CreateSession(vault="default", label="x"), ADA, "")
    found = app.identity.of_bearer(made.token)
    assert (found.kind, found.vaults) == (PrincipalKind.SESSION, {"default": VaultRole.PROXY})
    assert found.instance_role is InstanceRole.NO_ACCESS


async def test_unknown_and_expired_tokens_are_nobodys(app: Application, clock: FakeClock) -> None:
    """Both answer alike."""
    token = await make_agent(app, "short-lived", "default", ttl_seconds=60)
    app.identity.of_bearer(token)
    clock.advance(60)
    for bad in (token, new_token(AGENT_PREFIX), "", "vt_user_" + "0" * 64):
        with pytest.raises(VaultError) as caught:
            app.identity.of_bearer(bad)
        assert caught.value.code == "unauthorized"
