"""A key that another worker has rotated."""

import asyncio

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.base.ids import token_sha256
from proxy_core.domain import wire
from tests.services.conftest import ADA, basic, facts, make_agent, put_credentials, put_service
from tests.services.following.conftest import Pair
from tests.services.webhooks.conftest import until

PASSWORD = wire.InitRequest(slot="password", secret="correct horse")


async def test_a_worker_goes_on_with_the_new_key(pair: Pair) -> None:
    """With a key file nobody has to unseal it: it serves throughout, and stores again."""
    a, b = pair.a.app, pair.b.app
    await put_credentials(a, API_KEY="s3cret")
    await put_service(a, "example", "api.example.com", "API_KEY")
    token = await make_agent(a, "bot", "default")
    await until(lambda: token_sha256(token) in b._context.snapshot.bearers)
    access = b.broker.authenticate(basic(token))
    await a.rotation.rotate(wire.RotateKey(), ADA)
    await put_credentials(a, API_KEY="newer")
    fresh = a._context.vault("default").secrets["API_KEY"].blob
    await until(lambda: b._context.sealer.key_version == 2)
    await until(lambda: b._context.vault("default").secrets["API_KEY"].blob == fresh)
    injection = await b.broker.inject(b.broker.decide(access, facts()))  # type: ignore[arg-type]
    assert injection.headers[0][1] == b"Bearer newer"
    assert pair.b.app.problems() == []
    await put_credentials(b, B_KEY="from b")
    await pair.a.seen("credential.changed", name="B_KEY")
    found = await a.credentials.reveal("default", ADA, "B_KEY")
    assert (found.credentials or [])[0].value == "from b"
    assert (await b.rotation.rotate(wire.RotateKey(), ADA)).key_version == 3


async def test_of_two_rotations_at_once_one_is_refused(pair: Pair) -> None:
    """Neither takes what the other has sealed for damage; then both go on with one key."""
    a, b = pair.a.app, pair.b.app
    await put_credentials(a, API_KEY="s3cret")
    await pair.b.seen("credential.changed", name="API_KEY")
    leave = wire.RotateKey(leave_unreadable=True)
    ended = await asyncio.gather(
        a.rotation.rotate(leave, ADA), b.rotation.rotate(leave, ADA), return_exceptions=True
    )
    refused = [one.code for one in ended if isinstance(one, VaultError)]
    rotated = [one for one in ended if isinstance(one, wire.KeyRotated)]
    assert [(one.key_version, one.unreadable) for one in rotated] == [(2, 0)]
    assert len(refused) == 1
    assert refused[0] in {"sealed", "conflict"}
    for app in (a, b):
        await until(lambda: app._context.sealer.key_version == 2)  # noqa: B023 - awaited here
        found = await app.credentials.reveal("default", ADA, "API_KEY")
        assert (found.credentials or [])[0].value == "s3cret"


async def test_a_worker_that_cannot_open_the_new_key_seals_and_says_so(pair: Pair) -> None:
    """Where only a person can, it says what that person is to do."""
    a, b = pair.a.app, pair.b.app
    (key_file,) = a.key_slots.shown().slots
    added = await a.key_slots.add(PASSWORD, ADA)
    rotation = wire.RotateKey(secrets={added.id: PASSWORD.secret}, drop=[key_file.id])
    await a.rotation.rotate(rotation, ADA)
    await pair.b.seen("worker.sealed")
    assert b.problems() == ["Another worker has rotated the key: unseal this one again."]
    await b.keys.unseal(wire.KeyProof(slot="password", secret=PASSWORD.secret), ADA)
    assert (b.problems(), b._context.sealer.key_version) == ([], 2)


async def test_a_worker_that_has_missed_it_stores_nothing(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it would seal nobody could read any more; what it reads it would take for damaged."""
    a, b = pair.a.app, pair.b.app
    monkeypatch.setattr(b.keys, "outdated", lambda: None)
    await a.rotation.rotate(wire.RotateKey(), ADA)
    with pytest.raises(VaultError) as caught:
        await put_credentials(b, API_KEY="lost")
    assert (caught.value.code, "unseal" in caught.value.detail) == ("sealed", True)
    assert (await a.credentials.reveal("default", ADA)).keys == []
