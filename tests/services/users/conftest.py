"""Users over a real database, with passwords that are hashed cheaply."""

from collections.abc import Awaitable
from typing import Any

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.seal import Argon2Cost
from proxy_core.services.application import Application
from proxy_core.services.principal import Principal
from tests.services.conftest import ADA

CHEAP = Argon2Cost(time=1, memory_kib=64, lanes=1)
PASSWORD = "correct horse battery"


@pytest.fixture
def app(app: Application) -> Application:
    """An open vault on SQLite."""
    app.users.passwords.cost = CHEAP
    return app


@pytest.fixture
def each_app(each_app: Application) -> Application:
    """An open vault on each kind of database."""
    each_app.users.passwords.cost = CHEAP
    return each_app


async def make_user(app: Application, name: str, role: str = "member", **vaults: str) -> None:
    """A user with the usual password, and roles by vault."""
    granted = [wire.UserVault(vault_name=vault, vault_role=one) for vault, one in vaults.items()]
    request = wire.CreateUser(email=name, password=PASSWORD, role=role, vaults=granted)
    await app.users.admin.create(request, ADA)


async def sign_in(app: Application, name: str, address: str = "192.0.2.1") -> str:
    """The token of a new session."""
    return (await app.users.login(name, PASSWORD, address, "a test")).token


def principal(app: Application, token: str) -> Principal:
    """Who the token is."""
    return app.identity.of_bearer(token)


async def refusal(steps: Awaitable[Any]) -> VaultError:
    """What the steps are refused with."""
    with pytest.raises(VaultError) as caught:
        await steps
    return caught.value
