"""Invites: leave to become a user, once."""

import asyncio

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.domain import wire
from proxy_core.domain.names import InstanceRole, VaultRole
from proxy_core.services.application import Application
from proxy_core.services.users import invites
from tests.services.conftest import ADA, seen_events
from tests.services.users.conftest import PASSWORD, make_user, principal, refusal, sign_in

WORK = [wire.UserVault(vault_name="work", vault_role="admin")]


async def accept(app: Application, token: str, email: str = "") -> wire.InviteAccepted:
    """Accept with the usual password."""
    request = wire.AcceptInvite(token=token, password=PASSWORD, email=email)
    return await app.users.invites.accept(request)


async def test_an_invite_makes_a_user_once(each_app: Application) -> None:
    """With the roles it was made with; two that accept it at once are one user."""
    app = each_app
    await app.vaults.create(wire.VaultName(name="work"), ADA)
    request = wire.CreateInvite(email="Bob@Example.com", role="no-access", vaults=WORK)
    made = await app.users.invites.create(request, ADA)
    (waiting,) = (await app.users.invites.list()).invites
    assert (waiting.id, waiting.email, waiting.status) == (made.id, "bob@example.com", "pending")
    (shown,) = (await app.users.members.list("work")).users
    assert (shown.email, shown.role, shown.status) == ("bob@example.com", "admin", "pending")
    results = await asyncio.gather(
        *(accept(app, made.token) for _ in range(2)),
        return_exceptions=True,
    )
    assert sorted(isinstance(one, Exception) for one in results) == [False, True]
    by = principal(app, await sign_in(app, "bob@example.com"))
    assert (by.instance_role, by.vaults) == (InstanceRole.NO_ACCESS, {"work": VaultRole.ADMIN})
    assert (await app.users.invites.list()).invites == []
    assert made.token not in repr([event.data for event in seen_events(app)])


async def test_an_invite_without_a_name_lets_choose_it(app: Application) -> None:
    """The name has to be free; a taken one leaves the invite as it was."""
    await make_user(app, "ada")
    made = await app.users.invites.create(wire.CreateInvite(), ADA)
    for name, code in (("ada", "conflict"), ("", "bad_request")):
        assert (await refusal(accept(app, made.token, name))).code == code
    await accept(app, made.token, "bob")
    assert await sign_in(app, "bob")


async def test_an_invite_is_for_whom_it_names(app: Application) -> None:
    """Another name is refused, the same one in another case is not."""
    made = await app.users.invites.create(wire.CreateInvite(email="bob"), ADA)
    assert (await refusal(accept(app, made.token, "eve"))).code == "bad_request"
    await accept(app, made.token, "BOB")


async def test_an_invite_ends(app: Application, clock: FakeClock) -> None:
    """Revoked, after its time, or never made: all alike."""
    revoked = await app.users.invites.create(wire.CreateInvite(email="bob"), ADA)
    ended = await app.users.invites.create(wire.CreateInvite(email="eve", ttl_seconds=300), ADA)
    await app.users.invites.revoke(revoked.id, ADA)
    clock.advance(300)
    answers = [
        await refusal(accept(app, token))
        for token in (revoked.token, ended.token, "vt_inv_other", "")
    ]
    assert {(one.code, one.detail) for one in answers} == {
        ("not_found", "This invite was accepted, revoked, or has ended.")
    }
    assert all("ask for another invite" in one.advice for one in answers)
    assert (await refusal(app.users.invites.revoke(revoked.id, ADA))).code == "not_found"


async def test_a_vault_that_went_is_left_out(app: Application) -> None:
    """An invite outlives a vault that it was for."""
    await app.vaults.create(wire.VaultName(name="work"), ADA)
    made = await app.users.invites.create(wire.CreateInvite(email="bob", vaults=WORK), ADA)
    await app.vaults.delete("work", ADA)
    await accept(app, made.token)
    assert principal(app, await sign_in(app, "bob")).vaults == {}


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (wire.CreateInvite(email="ada"), "conflict"),
        (wire.CreateInvite(email="not a name"), "bad_request"),
        (wire.CreateInvite(role="king"), "bad_request"),
        (wire.CreateInvite(ttl_seconds=299), "bad_request"),
        (wire.CreateInvite(ttl_seconds=30 * 86_400 + 1), "bad_request"),
        (wire.CreateInvite(vaults=WORK), "vault_not_found"),
    ],
)
async def test_an_invite_that_cannot_be_is_refused(
    app: Application, request_: wire.CreateInvite, code: str
) -> None:
    """Whom there is already, and names, roles, times and vaults that are none."""
    await make_user(app, "ada")
    assert (await refusal(app.users.invites.create(request_, ADA))).code == code


async def test_so_many_wait_and_no_more(
    app: Application, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that have ended make room."""
    monkeypatch.setattr(invites, "MOST_WAITING", 2)
    for _ in range(2):
        await app.users.invites.create(wire.CreateInvite(ttl_seconds=300), ADA)
    assert (await refusal(app.users.invites.create(wire.CreateInvite(), ADA))).code == "conflict"
    clock.advance(300)
    assert await app.users.invites.create(wire.CreateInvite(), ADA)
