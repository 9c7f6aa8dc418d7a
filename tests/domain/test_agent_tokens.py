"""Reading the fields in which clients present a token."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.base.ids import AGENT_PREFIX, SESSION_PREFIX, USER_PREFIX
from proxy_core.domain.agent_tokens import (
    MAX_JWT_BYTES,
    bears,
    carries_jwt,
    for_gateway,
    is_jwt,
    parse_authorization,
)

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


JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln-mF0_XJl"


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (f"Bearer {JWT}", (JWT, None)),
        (f"Bearer {JWT}:work", (JWT, "work")),
        (f"Bearer {AGENT}:work", (AGENT, "work")),
        ("Basic " + encoded(f"{JWT}:work").decode(), (JWT, "work")),
    ],
)
def test_jwts_and_vaults_behind_a_bearer_token(
    field: str, expected: tuple[str, str | None]
) -> None:
    """A JWT has the shape of one; a vault may follow either kind."""
    assert parse_authorization(field.encode()) == expected
    assert is_jwt(expected[0]) is (expected[0] == JWT)


def test_issuers_are_asked_about_nothing_else() -> None:
    """A look at the field's beginning tells."""
    assert carries_jwt(f"bearer   {JWT}".encode())
    assert carries_jwt(b"Basic " + encoded(f"{JWT}:work"))
    for other in (None, b"", b"Bearer " + AGENT.encode(), b"Basic " + encoded(AGENT), b"eyJ"):
        assert not carries_jwt(other)


def test_what_is_no_jwt_is_refused() -> None:
    """Three parts of base 64, of a bounded size."""
    longer, shorter = JWT + "." + "a" * 20, JWT.rpartition(".")[0]
    for other in (longer, shorter, JWT + "=", "eyJ.a.b", JWT + "a" * MAX_JWT_BYTES):
        with pytest.raises(VaultError):
            parse_authorization(f"Bearer {other}".encode())


@pytest.mark.parametrize(
    ("authorization", "api_key", "chosen"),
    [
        (f"Bearer {AGENT}", None, f"Bearer {AGENT}"),
        (None, AGENT, f"Bearer {AGENT}"),
        (f"Bearer {AGENT}", AGENT, f"Bearer {AGENT}"),
        ("Bearer sk-ant-own", AGENT, f"Bearer {AGENT}"),
        (f"Bearer {JWT}", AGENT, f"Bearer {AGENT}"),
        (f"Bearer {JWT}", "sk-ant-own", f"Bearer {JWT}"),
        ("Bearer sk-ant-own", None, "Bearer sk-ant-own"),
        (None, "sk-ant-own", "Bearer sk-ant-own"),
        (None, None, None),
    ],
)
def test_which_of_the_gateways_two_fields_counts(
    authorization: str | None, api_key: str | None, chosen: str | None
) -> None:
    """The vault's own token before a JWT, a JWT before anything else."""

    def field(text: str | None) -> bytes | None:
        return None if text is None else text.encode()

    assert for_gateway(field(authorization), field(api_key)) == field(chosen)


def test_two_tokens_are_not_chosen_between() -> None:
    """Nor one token for two vaults."""
    for one, other in ((AGENT, SESSION), (f"{AGENT}:a", f"{AGENT}:b"), (JWT, JWT + "x")):
        with pytest.raises(VaultError) as caught:
            for_gateway(f"Bearer {one}".encode(), other.encode())
        assert caught.value.code == "bad_request"


def test_a_token_is_found_in_any_form() -> None:
    """The presented one, and whatever else of the vault's own a field holds."""
    presented = f"Bearer {JWT}".encode()
    for value in (JWT.encode(), presented, b"Basic " + encoded(f"{JWT}:work"), USER.encode()):
        assert bears(value, presented)
    assert not bears(b"sk-ant-own", presented)
    assert not bears(JWT.encode(), b"Bearer nothing")
