"""JWTs that stand for users: whose they are, how far that goes, and when it ends."""

from typing import Any

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.names import InstanceRole, VaultRole
from proxy_core.services.application import Application
from proxy_core.services.issuers.people import PROOF_SECONDS, present_user
from proxy_core.services.principal import Permission, Principal, PrincipalKind, authorize
from tests.services.conftest import ADA, NOW
from tests.services.issuers.conftest import trust
from tests.services.issuers.signing import LocalIssuer

MARY = "mary@x.example"
VERIFIED: dict[str, Any] = {"email": "Mary@x.example", "email_verified": True}
BY_EMAIL = wire.IssuerRule(claim="email", matches="*@x.example", user_by="email")


async def add_user(app: Application, name: str = MARY, role: str = "owner") -> None:
    """Somebody who is also a member of the vault `default`."""
    grants = [wire.UserVault(vault_name="default", vault_role="member")]
    wanted = wire.CreateUser(email=name, password="correct horse", role=role, vaults=grants)
    await app.users.admin.create(wanted, ADA)


async def principal_of(app: Application, token: str) -> Principal:
    """Who sends the token, once its issuer has vouched for it."""
    await app.identity.verify(token)
    return app.identity.of_bearer(token)


async def refusal(app: Application, token: str) -> str:
    """Why it is refused."""
    with pytest.raises(VaultError) as caught:
        await principal_of(app, token)
    assert caught.value.code == "unauthorized"
    return caught.value.detail


async def test_a_verified_address_is_its_user(app: Application, issuer: LocalIssuer) -> None:
    """With the roles of now, named with the issuer; another's address, unverified, is nobody's."""
    await add_user(app)
    await trust(app, issuer, BY_EMAIL)
    token = issuer.token(**VERIFIED)
    found = await principal_of(app, token)
    assert (found.kind, found.name, found.issuer) == (PrincipalKind.USER, MARY, "corp")
    assert (found.is_operator, found.vaults) == (True, {"default": VaultRole.MEMBER})
    await app.users.admin.create(wire.CreateUser(email="o", password="12345678", role="owner"), ADA)
    await app.users.admin.change_role(MARY, "no-access", ADA)
    await app.users.members.revoke("default", MARY, ADA)
    found = app.identity.of_bearer(token)
    assert (found.instance_role, found.vaults) == (InstanceRole.NO_ACCESS, {})
    unverified = issuer.token(email=MARY)
    assert "no rule" in await refusal(app, unverified)
    stranger = issuer.token(email="eve@x.example", email_verified=True)
    assert "not there" in await refusal(app, stranger)


async def test_a_removed_user_s_jwts_end(app: Application, issuer: LocalIssuer) -> None:
    """At once. A rule that named the user stays without anybody, one for addresses goes on."""
    await add_user(app, role="member")
    named = wire.IssuerRule(claim="sub", equals="mary", user=MARY)
    info = await trust(app, issuer, named, BY_EMAIL)
    assert info.rules[0].user == MARY
    by_name, by_address = issuer.token(sub="mary"), issuer.token(**VERIFIED)
    assert (await principal_of(app, by_name)).name == MARY
    before = await principal_of(app, by_address)
    await app.users.admin.remove(MARY, ADA)
    for token in (by_name, by_address):
        assert "removed" in await refusal(app, token)
    assert present_user(app._context, before) is None
    await add_user(app, role="member")
    assert "removed" in await refusal(app, by_name)
    assert "not there" in await refusal(app, issuer.token(sub="mary", jti="2"))
    assert (await principal_of(app, by_address)).name == MARY
    assert app.issuers.list().issuers[0].rules[0].user == ""


async def test_a_rule_may_leave_less_than_the_user_has(
    app: Application, issuer: LocalIssuer
) -> None:
    """An owner is a member by it, in every way; it gives nobody more than they have."""
    await add_user(app)
    await add_user(app, "bob", "no-access")
    rule = wire.IssuerRule(claim="sub", matches="*", user_by="name", at_most="member")
    await trust(app, issuer, rule)
    mary = await principal_of(app, issuer.token(sub=MARY))
    assert (mary.instance_role, mary.is_operator) == (InstanceRole.MEMBER, False)
    present = present_user(app._context, mary)
    assert present is not None
    assert not present.is_owner
    bob = await principal_of(app, issuer.token(sub="bob"))
    assert bob.instance_role is InstanceRole.NO_ACCESS
    tested = await app.issuers.test("corp", issuer.token(sub=MARY))
    assert (tested.actor, tested.role, tested.vaults) == (MARY, "member", {"default": "member"})


@pytest.mark.parametrize(
    ("signed_in", "proves"),
    [(0, True), (PROOF_SECONDS - 1, True), (PROOF_SECONDS, False), (-60, False), (None, False)],
)
async def test_signing_in_at_the_issuer_a_moment_ago_is_the_proof(
    app: Application, issuer: LocalIssuer, signed_in: float | None, proves: bool
) -> None:
    """A JWT that doesn't say when, or says a time to come, reveals nothing however new it is."""
    await add_user(app)
    await trust(app, issuer, BY_EMAIL)
    auth_time = None if signed_in is None else NOW - signed_in
    by = await principal_of(app, issuer.token(**VERIFIED, auth_time=auth_time, iat=NOW))
    authorize(by, Permission.CHANGE_CREDENTIALS, "default")
    assert by.proved is proves
    assert bool(app.identity.proved_until(by)) is proves
    if not proves:
        with pytest.raises(VaultError) as caught:
            authorize(by, Permission.REVEAL_CREDENTIALS, "default")
        assert caught.value.code == "issuer_proof_required"
        assert "corp" in caught.value.detail


async def test_the_proof_runs_out_while_the_jwt_goes_on(
    app: Application, issuer: LocalIssuer, clock: FakeClock
) -> None:
    """Sooner where the setting for passwords is shorter; a password is no way to renew it."""
    await add_user(app)
    await trust(app, issuer, BY_EMAIL)
    token = issuer.token(**VERIFIED, auth_time=NOW)
    await app.settings.change({"user_proof_minutes": 1}, ADA)
    assert (await principal_of(app, token)).proved
    clock.advance(60)
    by = app.identity.of_bearer(token)
    assert not by.proved
    with pytest.raises(VaultError) as caught:
        await app.users.signing_in.reauth("correct horse", by)
    assert caught.value.code == "issuer_proof_required"


async def test_the_proxy_takes_no_user(app: Application, issuer: LocalIssuer) -> None:
    """What an agent is handed must not be able to decide in a person's place."""
    await add_user(app)
    await trust(app, issuer, BY_EMAIL)
    field = b"Bearer " + issuer.token(**VERIFIED).encode()
    await app.broker.verify(field)
    with pytest.raises(VaultError, match="stands for a user") as caught:
        app.broker.authenticate(field)
    assert caught.value.code == "proxy_auth_required"


async def test_a_rule_for_nobody_is_not_stored(app: Application) -> None:
    """A user must be there when a rule names them."""
    rule = wire.IssuerRule(claim="sub", equals="x", user="nobody")
    wanted = wire.AddIssuer(name="corp", url="https://i.example", audiences=["a"], rules=[rule])
    with pytest.raises(VaultError) as caught:
        await app.issuers.add(wanted, ADA)
    assert caught.value.code == "not_found"
