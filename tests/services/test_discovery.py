"""What agents may know."""

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.services.application import Application
from tests.services.conftest import ADA, make_agent, put_credentials, put_service


async def test_names_of_services_and_credentials(app: Application) -> None:
    """Enabled services only, and never a value."""
    await put_credentials(app, API_KEY="s3cret")
    await put_service(app, "example", "api.example.com/v1/*", "API_KEY")
    await put_service(app, "turned-off", "off.example.com", "API_KEY", enabled=False)
    bot = app.identity.of_bearer(await make_agent(app, "bot", "default"))
    found = await app.discoveries.discover(bot, None)
    assert [(service.name, service.host) for service in found.services] == [
        ("example", "api.example.com/v1/*")
    ]
    assert (found.vault, found.available_credentials) == ("default", ["API_KEY"])


@pytest.mark.parametrize(
    ("vaults", "named", "code"),
    [
        (("default", "work"), None, "vault_required"),
        (("default",), "work", "vault_forbidden"),
        (("default",), "nowhere", "vault_not_found"),
        ((), None, "vault_forbidden"),
    ],
)
async def test_the_vault_must_be_clear_and_granted(
    app: Application, vaults: tuple[str, ...], named: str | None, code: str
) -> None:
    """Several grants need a name; a foreign or unknown one is refused."""
    await app.vaults.create(wire.VaultName(name="work"), ADA)
    bot = app.identity.of_bearer(await make_agent(app, "bot", *vaults))
    with pytest.raises(VaultError) as caught:
        await app.discoveries.discover(bot, named)
    assert caught.value.code == code
