"""Logins, accounts and pools of other workers: what one refreshes, the other uses."""

from sqlmodel import Session

from proxy_core.domain import wire
from proxy_core.store import logins as login_store
from tests.services.conftest import ADA, seen_events
from tests.services.following.conftest import Pair

TOKENS = {"access_token": "at-1", "expires_in": 3600}


async def add(pair: Pair, name: str) -> str:
    """An account, added at `a` and known at `b`; answers its id."""
    request = wire.AddAccount(
        provider="claude", tokens=TOKENS, vault="default", nickname=name, join=True
    )
    seq = pair.b.app.bus.last_seq
    added = await pair.a.app.accounts.adding.paste(request, ADA)
    await pair.b.seen("account.changed", seq)
    return added.account.id


async def test_accounts_and_pools_come_with_their_logins(pair: Pair) -> None:
    """An account that was added elsewhere can be lent here, and is gone when it is removed."""
    account_id = await add(pair, "one")
    b = pair.b.app
    account = b.accounts.state.roster.accounts[account_id]
    assert (await b.logins.access(account.login_id)).value == b"at-1"
    (pool,) = b.accounts.pools.list("default").pools
    assert b.accounts.pools.choices("default", pool.key).next == "one"
    await pair.a.app.accounts.admin.pause("default", "one", ADA)
    await pair.b.seen("account.changed", state="paused")
    assert b.accounts.admin.get("default", "one").state == "paused"
    await pair.a.app.accounts.pools.delete("default", pool.key, ADA)
    await pair.b.seen("credential.deleted")
    assert b.accounts.pools.list("default").pools == []
    assert b._context.vault("default").borrowed == {}


async def test_a_rename_reaches_the_login(pair: Pair) -> None:
    """Remedies name an account as it is called now."""
    account_id = await add(pair, "one")
    request = wire.ChangeAccount(vault="default", nickname="uno")
    await pair.a.app.accounts.admin.change("one", request, ADA)
    await pair.b.seen("account.changed", name="uno")
    login = pair.b.app.logins.get(pair.b.app.accounts.state.roster.accounts[account_id].login_id)
    assert login is not None
    assert login.nickname == "uno"


async def test_what_became_of_a_login_elsewhere_is_known(pair: Pair) -> None:
    """Refused there, it is refused here, without a second announcement; others stay as they are."""
    account_id = await add(pair, "one")
    account = pair.b.app.accounts.state.roster.accounts[account_id]
    other = await add(pair, "two")
    kept = pair.b.app.logins.get(pair.b.app.accounts.state.roster.accounts[other].login_id)
    assert kept is not None
    known = pair.a.app.logins.get(account.login_id)
    assert known is not None

    def fail(session: Session) -> None:
        login_store.end_refresh(session, account.login_id, known.generation, "invalid_grant")

    seq = pair.b.app.bus.last_seq
    await pair.a.app._context.database.run(fail)
    await pair.a.app.settings.change({"log_retention_days": 3}, ADA)
    await pair.b.seen("settings.changed", seq)
    assert pair.b.app.logins.status(account.login_id).state == "reconnect"
    assert pair.b.app.logins.get(kept.id) is kept
    assert not [one for one in seen_events(pair.b.app, seq) if one.type == "account.changed"]


async def test_quota_that_another_has_learnt_is_known(pair: Pair) -> None:
    """An account that rests at one worker rests at the other once that has stored it."""
    account_id = await add(pair, "one")
    a, b = pair.a.app.accounts, pair.b.app.accounts
    a.observer.response(account_id, 200, [(b"anthropic-ratelimit-unified-5h-utilization", b"0.4")])
    a.observer.overloaded(account_id, 529, [(b"retry-after", b"1800")])
    seq = pair.b.app.bus.last_seq
    await a.keeping.tick()
    await pair.a.app.settings.change({"log_retention_days": 3}, ADA)
    await pair.b.seen("settings.changed", seq)
    here, there = b.state.lives.of(account_id), a.state.lives.of(account_id)
    assert (here.rest, here.windows) == (there.rest, there.windows)
    assert here.rest is not None
    assert here.windows
    assert b.state.lives.take_changed() == {}
