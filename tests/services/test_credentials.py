"""Credentials: values, versions, reveals."""

import asyncio
from pathlib import Path

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.services.application import Application
from proxy_core.services.credentials import MAX_KEYS, MAX_VALUE_BYTES
from tests.services.conftest import ADA, Opener, events_of, put_credentials, put_service


async def code_of(call: object) -> str:
    """The code that the call is refused with."""
    with pytest.raises(VaultError) as caught:
        await call  # type: ignore[misc]
    return caught.value.code


async def value_of(app: Application, key: str) -> str | None:
    """The revealed value."""
    return ((await app.credentials.reveal("default", ADA, key)).credentials or [])[0].value


async def test_values_are_kept_as_versions_and_restored(each_app: Application) -> None:
    """Set thrice, restore the first: it is the fourth version, and nothing is lost."""
    app = each_app
    for value in ("one", "two", "thrée"):
        await put_credentials(app, API_KEY=value)
    await app.credentials.restore("API_KEY", wire.RestoreCredential(version=1), ADA)
    assert await value_of(app, "API_KEY") == "one"
    history = await app.credentials.history("default", "API_KEY")
    assert [(row.version, row.current) for row in history.versions] == [
        (4, True), (3, False), (2, False), (1, False),
    ]  # fmt: skip
    await app.credentials.restore("API_KEY", wire.RestoreCredential(version=3), ADA)
    assert await value_of(app, "API_KEY") == "thrée"
    missing = wire.RestoreCredential(version=9)
    assert await code_of(app.credentials.restore("API_KEY", missing, ADA)) == "not_found"


async def test_an_acknowledged_value_survives_a_restart(app: Application, reopen: Opener) -> None:
    """What `set` answered for is there in the next life."""
    await put_credentials(app, API_KEY="s3cret")
    app = await reopen()
    await app.keys.unseal_automatically()
    assert await value_of(app, "API_KEY") == "s3cret"


async def test_nothing_is_on_disk_in_the_clear(app: Application, tmp_path: Path) -> None:
    """Neither value nor token is in any file of the database."""
    await put_credentials(app, API_KEY="needle-in-the-haystack")
    made = await app.sessions.create(wire.CreateSession(vault="default"), ADA, "")
    content = await asyncio.to_thread(
        lambda: b"".join(file.read_bytes() for file in tmp_path.glob("vault.db*"))
    )
    assert b"API_KEY" in content
    for secret in (b"needle-in-the-haystack", made.token.encode(), b"PRIVATE KEY"):
        assert secret not in content


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"lower": "x"},
        {"GOOD": "x", "": "y"},
        {"GOOD": ""},
        {"GOOD": "x" * (MAX_VALUE_BYTES + 1)},
        {"GOOD": "\ud800"},
        {f"K{number}": "x" for number in range(MAX_KEYS + 1)},
    ],
)
async def test_a_bad_batch_stores_nothing(app: Application, values: dict[str, str]) -> None:
    """All or none."""
    request = wire.SetCredentials(credentials=values)
    assert await code_of(app.credentials.set(request, ADA)) == "bad_request"
    assert (await app.credentials.names("default", ADA)).keys == []


async def test_listing_shows_names_and_use_but_no_value(app: Application) -> None:
    """Which services use a key, and no secret without a reveal."""
    await put_credentials(app, API_KEY="s3cret", SPARE="x")
    await put_service(app, "example", "api.example.com", "API_KEY")
    listed = await app.credentials.list("default")
    assert listed.keys == ["API_KEY", "SPARE"]
    assert [(item.used_by, item.value, item.version) for item in listed.credentials or ()] == [
        (["example"], None, 1),
        ([], None, 1),
    ]
    assert (await app.credentials.names("default", ADA)).credentials is None
    assert await code_of(app.credentials.list("default", "NOPE")) == "not_found"


async def test_every_reveal_is_announced_with_who(app: Application) -> None:
    """One event for each key that was shown."""
    await put_credentials(app, A_KEY="1", B_KEY="2")
    await app.credentials.reveal("default", ADA)
    await app.credentials.reveal("default", ADA, "A_KEY")
    revealed = events_of(app, "credential.revealed")
    assert [event.data["name"] for event in revealed] == ["A_KEY", "B_KEY", "A_KEY"]
    assert {event.data["by"] for event in revealed} == {"operator ada"}


async def test_deleting_tells_which_services_break(each_app: Application) -> None:
    """All or none; versions go too, so a key that is set again starts anew."""
    app = each_app
    await put_credentials(app, API_KEY="1")
    await put_credentials(app, API_KEY="2", SPARE="x")
    await put_service(app, "example", "api.example.com", "API_KEY")
    unknown = wire.DeleteCredentials(keys=["SPARE", "NOPE"])
    assert await code_of(app.credentials.delete(unknown, ADA)) == "not_found"
    assert (await app.credentials.names("default", ADA)).keys == ["API_KEY", "SPARE"]
    both = wire.DeleteCredentials(keys=["API_KEY", "SPARE", "API_KEY"])
    assert (await app.credentials.delete(both, ADA)).deleted == ["API_KEY", "SPARE"]
    gone = events_of(app, "credential.deleted")
    assert [(event.data["name"], event.data["breaks"]) for event in gone] == [
        ("API_KEY", ["example"]),
        ("SPARE", []),
    ]
    await put_credentials(app, API_KEY="3")
    assert len((await app.credentials.history("default", "API_KEY")).versions) == 1
