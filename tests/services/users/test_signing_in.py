"""Signing in: right, wrong, too often; proving a password again, and changing it."""

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.names import InstanceRole, VaultRole
from proxy_core.services.application import Application
from proxy_core.services.principal import PrincipalKind, operator
from proxy_core.services.users import signing_in
from proxy_core.services.users.throttle import ACCOUNT_LIMIT, WINDOW_SECONDS
from tests.services.conftest import ADA, events_of, make_agent, seen_events
from tests.services.users.conftest import PASSWORD, make_user, principal, refusal, sign_in


async def test_a_user_signs_in(app: Application) -> None:
    """The token is a user's, with the roles there are now; the name counts in any case."""
    await make_user(app, "ada@example.com", "member", default="admin")
    signed_in = await app.users.login(" Ada@Example.COM", PASSWORD, "192.0.2.1", "curl/8")
    by = principal(app, signed_in.token)
    assert (by.kind, by.label, by.proved) == (PrincipalKind.USER, "user ada@example.com", True)
    assert (by.instance_role, by.vaults) == (InstanceRole.MEMBER, {"default": VaultRole.ADMIN})
    (told,) = events_of(app, "user.signed_in")
    assert (told.data["name"], told.data["address"]) == ("ada@example.com", "192.0.2.1")


async def test_whoever_is_wrong_learns_nothing_else(app: Application) -> None:
    """A wrong password, an unknown name and no name at all are answered alike, word for word."""
    await make_user(app, "ada@example.com")
    answers = [
        await refusal(app.users.login(name, "wrong password", "192.0.2.1"))
        for name in ("ada@example.com", "nobody@example.com", "not a name!", "", "me")
    ]
    assert {(one.code, one.status, str(one)) for one in answers} == {
        ("login_failed", 401, "The name or the password is wrong.")
    }


async def test_an_unknown_name_costs_as_much(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A derivation of the usual cost is done for names that nobody has."""
    await make_user(app, "ada")
    costs = []
    passwords = app.users.passwords
    check = passwords.check

    async def noted(stored: object, password: str) -> bool:
        costs.append(stored)
        return await check(stored, password)  # type: ignore[arg-type]

    monkeypatch.setattr(passwords, "check", noted)
    await refusal(app.users.login("nobody", PASSWORD))
    await refusal(app.users.login("ada", "wrong"))
    assert len(costs) == 2
    assert costs[0] is None


async def test_only_known_names_are_told_of(app: Application) -> None:
    """What was typed for a name may be a password; what was typed for a password is none's."""
    await make_user(app, "ada")
    await refusal(app.users.login("hunter2hunter2", "opensesame1"))
    await refusal(app.users.login("ada", "opensesame2", "192.0.2.7"))
    unknown, known = events_of(app, "user.refused")
    assert (unknown.data["name"], unknown.data["by"]) == ("", "the control socket")
    assert (known.data["name"], known.data["by"]) == ("ada", "192.0.2.7")
    everything = repr([event.data for event in seen_events(app)])
    assert "hunter2" not in everything
    assert "opensesame" not in everything


async def test_guessing_is_throttled(app: Application, clock: FakeClock) -> None:
    """After so many wrong ones even the right password waits, known name or not; then it is in."""
    await make_user(app, "ada")
    for name in ("ada", "nobody"):
        for number in range(ACCOUNT_LIMIT):
            await refusal(app.users.login(name, "wrong", f"192.0.2.{number}"))
        error = await refusal(app.users.login(name, PASSWORD, "192.0.2.99"))
        assert (error.code, error.status) == ("rate_limited", 429)
        assert error.retry_after == WINDOW_SECONDS
    reasons = [event.data["reason"] for event in events_of(app, "user.refused")]
    assert reasons.count("too many wrong passwords") == 1  # in a second, whoever knocks
    clock.advance(WINDOW_SECONDS)
    assert await sign_in(app, "ada")


async def test_a_strangers_attempts_are_no_activity(app: Application, clock: FakeClock) -> None:
    """They don't keep the vault from sealing itself; a sign-in does."""
    await app.settings.change({"auto_seal_minutes": 10}, ADA)
    await make_user(app, "ada")
    for _ in range(2):
        clock.advance(5 * 60)
        await refusal(app.users.login("ada", "wrong"))
    await app.housekeeping.tick()
    assert app.keys.sealed


async def test_a_removed_user_is_out_while_the_password_is_checked(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was removed meanwhile does not get in by the old password."""
    await make_user(app, "ada")
    check = app.users.passwords.check

    async def slow(stored: object, password: str) -> bool:
        right = await check(stored, password)  # type: ignore[arg-type]
        await app.users.admin.remove("ada", ADA)
        return right

    monkeypatch.setattr(app.users.passwords, "check", slow)
    assert (await refusal(app.users.login("ada", PASSWORD))).code == "login_failed"


async def test_a_changed_password_lets_nobody_in_who_began_before(
    each_app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old password was right when it was checked, and is not when the session would begin."""
    app = each_app
    await make_user(app, "ada")
    token = await sign_in(app, "ada")
    check = app.users.passwords.check

    async def slow(stored: object, password: str) -> bool:
        right = await check(stored, password)  # type: ignore[arg-type]
        monkeypatch.setattr(app.users.passwords, "check", check)
        request = wire.ChangePassword(current_password=PASSWORD, new_password="another one")
        await app.users.signing_in.change_password(request, principal(app, token))
        return right

    monkeypatch.setattr(app.users.passwords, "check", slow)
    assert (await refusal(app.users.login("ada", PASSWORD))).code == "login_failed"
    assert len(app.users.sessions.list(ADA).sessions) == 1


async def test_the_oldest_session_makes_room(
    app: Application, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user has so many sessions and no more."""
    monkeypatch.setattr(signing_in, "MOST_SESSIONS", 2)
    await make_user(app, "ada")
    tokens = []
    for _ in range(3):
        tokens.append(await sign_in(app, "ada"))
        clock.advance(1)
    with pytest.raises(VaultError):
        principal(app, tokens[0])
    assert [principal(app, token).name for token in tokens[1:]] == ["ada", "ada"]


async def test_a_proof_counts_for_a_while(app: Application, clock: FakeClock) -> None:
    """After `user_proof_minutes` a session has to prove the password again; a wrong one is none."""
    await make_user(app, "ada")
    token = await sign_in(app, "ada")
    assert app.users.sessions.proved_until(principal(app, token)) != ""
    clock.advance(15 * 60)
    by = principal(app, token)
    assert (by.proved, app.users.sessions.proved_until(by)) == (False, "")
    error = await refusal(app.users.signing_in.reauth("wrong", by))
    assert error.code == "login_failed"
    assert not principal(app, token).proved
    app.users.sessions.prolong(token)
    ends_at = app.users.sessions.list(by).sessions[0].expires_at
    await app.users.signing_in.reauth(PASSWORD, by)
    assert principal(app, token).proved
    assert app.users.sessions.list(by).sessions[0].expires_at == ends_at


async def test_a_changed_password_ends_every_session(app: Application) -> None:
    """The asking session goes on under a new token; the old password is nobody's."""
    await make_user(app, "ada")
    here, there = await sign_in(app, "ada"), await sign_in(app, "ada")
    request = wire.ChangePassword(current_password=PASSWORD, new_password="another one")
    changed = await app.users.signing_in.change_password(request, principal(app, here))
    for ended in (here, there):
        with pytest.raises(VaultError):
            principal(app, ended)
    assert principal(app, changed.token).name == "ada"
    assert (await refusal(app.users.login("ada", PASSWORD))).code == "login_failed"
    assert await app.users.login("ada", "another one")


@pytest.mark.parametrize(
    ("current", "new", "code"),
    [
        ("wrong", "another one", "login_failed"),
        (PASSWORD, "short", "bad_request"),
        (PASSWORD, "ada@example.com", "bad_request"),
    ],
)
async def test_a_password_is_not_changed_for_the_asking(
    app: Application, current: str, new: str, code: str
) -> None:
    """The present one is needed, and the new one has to be fit; sessions stay."""
    await make_user(app, "ada@example.com")
    token = await sign_in(app, "ada@example.com")
    request = wire.ChangePassword(current_password=current, new_password=new)
    error = await refusal(app.users.signing_in.change_password(request, principal(app, token)))
    assert error.code == code
    assert new not in str(error)
    assert principal(app, token)


async def test_only_users_have_passwords(app: Application) -> None:
    """An agent and an operator have none to prove."""
    agent = principal(app, await make_agent(app, "ci-bot", "default"))
    for by in (agent, operator("ada")):
        error = await refusal(app.users.signing_in.reauth(PASSWORD, by))
        assert error.code == "role_forbidden"


async def test_no_password_is_shown(app: Application, caplog: pytest.LogCaptureFixture) -> None:
    """Neither requests nor users nor errors hold one in their repr, and nothing is logged."""
    await make_user(app, "ada")
    await refusal(app.users.login("ada", "opensesame"))
    token = await sign_in(app, "ada")
    change = wire.ChangePassword(current_password=PASSWORD, new_password="another one")
    invited = wire.AcceptInvite(token="vt_inv_x", password="another one")
    shown = repr(
        [
            wire.Login(email="ada", password=PASSWORD),
            wire.CreateUser(email="ada", password=PASSWORD),
            wire.Reauth(password=PASSWORD),
            change,
            invited,
            list(app._context.users),
            app._context.users.sessions(0),
            principal(app, token),
        ]
    )
    everything = shown + repr([event.data for event in seen_events(app)]) + caplog.text
    for secret in (PASSWORD, "another one", "opensesame", "vt_inv_x", token):
        assert secret not in everything
