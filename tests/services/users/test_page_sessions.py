"""Browsers that are signed in at the approval page: how long, and what their token opens."""

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import PAGE_PREFIX, USER_PREFIX
from proxy_core.domain import wire
from proxy_core.services.application import Application
from proxy_core.services.users.lifetime import PAGE_IDLE_SECONDS, PAGE_LONGEST_SECONDS
from tests.services.conftest import ADA, Opener
from tests.services.users.conftest import PASSWORD, make_user, principal, refusal, sign_in


async def sign_in_page(app: Application) -> str:
    """The token of a new browser of ada's, who is made."""
    await make_user(app, "ada")
    signed_in = await app.users.signing_in.login_page("ada", PASSWORD, "192.0.2.1", "a page")
    return signed_in.token


async def who(app: Application, token: str) -> str:
    """Whose browser it is; empty for nobody's."""
    user = await app.users.pages.user(token)
    return "" if user is None else user.name


async def test_use_keeps_a_browser_signed_in_for_a_working_day(
    app: Application, clock: FakeClock
) -> None:
    """It slides by looking too, and ends all the same."""
    token, begun = await sign_in_page(app), clock.time()
    while clock.time() < begun + PAGE_LONGEST_SECONDS:
        assert await who(app, token) == "ada"
        clock.advance(PAGE_IDLE_SECONDS - 1)
    assert await who(app, token) == ""


async def test_a_browser_that_is_left_alone_is_signed_out(
    app: Application, reopen: Opener, clock: FakeClock
) -> None:
    """A while after its last use, which is stored at once; a worker's restart changes nothing."""
    token = await sign_in_page(app)
    clock.advance(PAGE_IDLE_SECONDS - 1)
    assert await who(app, token) == "ada"
    again = await reopen()
    clock.advance(PAGE_IDLE_SECONDS - 1)
    assert await who(again, token) == "ada"
    clock.advance(PAGE_IDLE_SECONDS)
    assert await who(again, token) == ""


async def test_shorter_rules_for_sessions_hold_for_browsers(
    app: Application, clock: FakeClock
) -> None:
    """Where no session slides, a browser's does not outlive it either."""
    await app.settings.change({"user_session_sliding": False, "user_session_minutes": 20}, ADA)
    token = await sign_in_page(app)
    for _ in range(2):
        clock.advance(599)
        assert await who(app, token) == "ada"
    clock.advance(2)
    assert await who(app, token) == ""


async def test_a_browsers_token_is_no_bearer_token(app: Application) -> None:
    """Nor is a bearer token a browser's, and no prefix makes one of the other."""
    page = await sign_in_page(app)
    bearer = await sign_in(app, "ada")
    as_bearer = page.replace(PAGE_PREFIX, USER_PREFIX)
    for wrong in (page, as_bearer):
        with pytest.raises(VaultError) as caught:
            principal(app, wrong)
        assert caught.value.code == "unauthorized"
    for wrong in ("", bearer, bearer.replace(USER_PREFIX, PAGE_PREFIX), PAGE_PREFIX):
        assert await who(app, wrong) == ""


async def test_a_browser_is_listed_and_ended_as_any_session(app: Application) -> None:
    """Revoked, or with its user's password changed, it is nobody's at once."""
    first = await sign_in_page(app)
    (listed,) = app.users.sessions.list(ADA).sessions
    assert (listed.device_label, listed.last_ip) == ("a page", "192.0.2.1")
    await app.users.sessions.revoke(listed.id, ADA)
    assert await who(app, first) == ""
    second = await app.users.signing_in.login_page("ada", PASSWORD)
    by = principal(app, await sign_in(app, "ada"))
    wanted = wire.ChangePassword(current_password=PASSWORD, new_password="another long one 7")
    await app.users.signing_in.change_password(wanted, by)
    assert await who(app, second.token) == ""


async def test_guessing_is_throttled_there_too(app: Application) -> None:
    """Wrong passwords at the page count with those at the API."""
    await make_user(app, "ada")
    for turn in range(10):
        login = app.users.signing_in.login_page if turn % 2 else app.users.login
        assert (await refusal(login("ada", "wrong"))).code == "login_failed"
    for login in (app.users.signing_in.login_page, app.users.login):
        assert (await refusal(login("ada", PASSWORD))).code == "rate_limited"
