"""Reading the fields in which clients present a token."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.base.ids import AGENT_PREFIX, SESSION_PREFIX, USER_PREFIX
from proxy_core.domain.agent_tokens import parse_authorization

# Fixed, because they are parts of the tests' names, which must be the same in every process.
AGENT, SESSION, USER = (
    p + "0123456789abcdef" * 4 for p in (AGENT_PREFIX, SESSION_PREFIX, USER_PREFIX)
)


def encoded(text: str) -> bytes:
    """Base 64."""
    return base64.b64encode(text.encode())


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (b"Basic " + encoded(AGENT), (AGENT, None)),
        (b"Basic " + encoded(f"{AGENT}:"), (AGENT, None)),
        (b"Basic " + encoded(f"{SESSION}:work"), (SESSION, "work")),
        (b"bAsIc   " + encoded(f"{AGENT}:work") + b" ", (AGENT, "work")),
        (b"Bearer " + AGENT.encode(), (AGENT, None)),
    ],
)
def test_the_forms_that_clients_send(field: bytes, expected: tuple[str, str | None]) -> None:
    """TOKEN, TOKEN: and TOKEN:VAULT as Basic, and a Bearer token."""
    assert parse_authorization(field) == expected


@pytest.mark.parametrize(
    "field",
    [
        None,
        b"",
        b"Basic",
        b"Basic !!!!",
        b"Basic " + base64.b64encode(b"\xff\xfe"),
        b"Basic " + encoded(USER),
        b"Basic " + encoded(AGENT.upper()),
        b"Bearer " + AGENT[:-1].encode(),
        b"Bearer " + AGENT.encode() + b"0",
        b"Digest " + AGENT.encode(),
        b"Basic " + encoded(AGENT + ":" + "v" * 2000),
    ],
)
def test_anything_else_is_refused(field: bytes | None) -> None:
    """Malformed, oversized, or not a token that proxies."""
    with pytest.raises(VaultError) as caught:
        parse_authorization(field)
    assert caught.value.code == "proxy_auth_required"
    assert AGENT not in str(caught.value)


@given(st.binary(max_size=200))
def test_no_bytes_get_further_than_a_refusal(junk: bytes) -> None:
    """Whatever a client sends, the answer is a token or `proxy_auth_required`."""
    for field in (junk, b"Basic " + junk, b"Basic " + base64.b64encode(junk), b"Bearer " + junk):
        assert outcome(field) in {"a token", "proxy_auth_required"}


def outcome(field: bytes) -> str:
    """What comes of a field."""
    try:
        token, _ = parse_authorization(field)
    except VaultError as error:
        return error.code
    return "a token" if token.startswith("vt_") else token


def test_a_hostile_vault_name_is_fit_for_the_log() -> None:
    """Control characters in the vault's name never reach a terminal."""
    _, vault = parse_authorization(b"Basic " + encoded(f"{AGENT}:a\x1b]52;c;x\x07"))
    assert vault is not None
    assert "\x1b" not in vault
