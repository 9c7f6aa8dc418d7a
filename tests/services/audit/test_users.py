"""Users in the audit: who signed in, and who was turned away; never what was typed."""

import pytest

from proxy_core.domain import wire
from proxy_core.domain.audit import Origin
from proxy_core.services.application import Application
from tests.services.audit.acting import acting_as
from tests.services.audit.rig import entries
from tests.services.conftest import ADA
from tests.services.users.conftest import CHEAP, PASSWORD, make_user, principal, refusal


@pytest.fixture
def app(app: Application) -> Application:
    """An open vault whose passwords cost little."""
    app.users.passwords.cost = CHEAP
    return app


async def test_signing_in_is_the_users_own_doing(app: Application) -> None:
    """By the user that the password proved, from the client's address."""
    await make_user(app, "ada@example.com")
    with acting_as(Origin("nobody", source={"address": "192.0.2.9"}, route="POST /v1/auth/login")):
        await app.users.login("ada@example.com", PASSWORD, "192.0.2.9", "curl/8")
    (entry,) = await entries(app, action="user.login")
    assert (entry.actor.kind, entry.actor.name) == ("user", "ada@example.com")
    assert (entry.target, entry.source) == ("ada@example.com", {"address": "192.0.2.9"})


async def test_who_is_turned_away_is_told_by_known_names_alone(app: Application) -> None:
    """An unknown name may be a password in the wrong field: it is counted, and not told."""
    await make_user(app, "ada@example.com")
    for name in ("ada@example.com", "ada@example.com", "pass-w0rd-as-a-name"):
        await refusal(app.users.login(name, "wrong-password", "192.0.2.9"))
    found = await entries(app, action="user.login_refused")
    assert [(entry.target, entry.after.get("times", 1)) for entry in found] == [
        ("ada@example.com", 2),
        ("", 1),
    ]
    told = repr(await entries(app))
    assert "pass-w0rd-as-a-name" not in told
    assert "wrong-password" not in told


async def test_a_password_and_a_role_that_change_are_told(app: Application) -> None:
    """The role before and after; of the password that it was changed."""
    await make_user(app, "ada@example.com")
    login = await app.users.login("ada@example.com", PASSWORD, "192.0.2.9")
    by = principal(app, login.token)
    request = wire.ChangePassword(current_password=PASSWORD, new_password="another long password")
    await app.users.signing_in.change_password(request, by, "192.0.2.9")
    (changed,) = await entries(app, action="user.password_changed")
    assert changed.after == {"password_digest": "changed", "password_kdf": "changed"}
    await app.users.admin.change_role("ada@example.com", "owner", ADA)
    (entry,) = await entries(app, action="user.updated")
    assert (entry.before, entry.after) == ({"role": "member"}, {"role": "owner"})
    told = repr(await entries(app))
    assert PASSWORD not in told
    assert request.new_password not in told
