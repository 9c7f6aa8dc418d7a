"""Token replies: as RFC 6749 writes them, and as real providers do."""

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.domain.oauth import Subject, TokenError, TokenSet
from proxy_core.domain.oauth.replies import MAX_LIFE, parse_token_reply

NOW = 1_800_000_000.0
JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


def read(
    document: Any,
    status: int = 200,
    headers: dict[str, str] = JSON,
    secrets: tuple[bytes, ...] = (),
) -> TokenSet:
    """The tokens in a JSON answer."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return parse_token_reply(status, headers, body, secrets, NOW)


def refused(document: Any, status: int = 400, headers: dict[str, str] = JSON) -> TokenError:
    """The error that an answer stands for."""
    with pytest.raises(TokenError) as caught:
        read(document, status, headers)
    return caught.value


def test_a_standard_reply() -> None:
    """Every field of RFC 6749 5.1 is read."""
    tokens = read(
        {
            "access_token": "at",
            "token_type": "Bearer",
            "expires_in": 3600,
            "refresh_token": "rt",
            "scope": "read write",
        }
    )
    assert tokens == TokenSet(b"at", b"rt", NOW + 3600, ("read", "write"))


def test_tokens_stay_out_of_the_repr() -> None:
    """A token set that lands in a log shows no token."""
    assert "secret" not in repr(TokenSet(b"secret-a", b"secret-r"))


def test_the_least_reply() -> None:
    """Only the access token is needed: no type, no end, no refresh token, no scopes."""
    assert read({"access_token": "at"}) == TokenSet(b"at")


@pytest.mark.parametrize(
    ("life", "end"),
    [
        ("3600", NOW + 3600),
        (3599.5, NOW + 3599.5),
        (" 60 ", NOW + 60),
        (None, None),
        (0, None),
        (-5, None),
        ("soon", None),
        (True, None),
        ([3600], None),
        (1e300, NOW + MAX_LIFE),
        (10**400, None),
    ],
)
def test_lives_as_providers_write_them(life: Any, end: float | None) -> None:
    """`expires_in` may be a text or a fraction; what is no life means that no end is known."""
    assert read({"access_token": "at", "expires_in": life}).expires_at == end


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_a_life_that_is_no_number(word: str) -> None:
    """JSON's extensions for numbers lead to no end, and to no error."""
    assert read(f'{{"access_token":"at","expires_in":{word}}}'.encode()).expires_at is None


@pytest.mark.parametrize(
    ("scope", "scopes"),
    [
        ("repo,gist", ("repo", "gist")),
        ("a  b", ("a", "b")),
        (["a", "b"], ("a", "b")),
        (["a", 7, "", "b c", "\x00", "\ud800", "d" * 600], ("a",)),
        (" ".join(["x"] * 500), ("x",) * 100),
        ("", ()),
        (None, ()),
        (7, ()),
    ],
)
def test_scopes_with_commas_and_lists(scope: Any, scopes: tuple[str, ...]) -> None:
    """Scopes come with blanks, with commas, or as a list."""
    assert read({"access_token": "at", "scope": scope}).scopes == scopes


def test_github_form() -> None:
    """GitHub answers with a form where no JSON was asked for."""
    body = urlencode({"access_token": "gho_x", "scope": "repo,gist", "token_type": "bearer"})
    assert read(body.encode(), headers=FORM) == TokenSet(b"gho_x", scopes=("repo", "gist"))


def test_github_refuses_with_200() -> None:
    """GitHub's `error` in a 200 is a final refusal."""
    error = refused({"error": "bad_refresh_token", "error_description": "Too old."}, 200)
    assert (error.final, error.code, error.detail) == (True, "bad_refresh_token", "Too old.")


def test_github_refuses_with_200_in_a_form() -> None:
    """The same, written as a form."""
    body = urlencode({"error": "incorrect_client_credentials"}).encode()
    assert refused(body, 200, FORM).code == "incorrect_client_credentials"


def test_slack_refuses_with_200() -> None:
    """Slack's `ok: false` is a refusal, and final unless Slack means "later"."""
    assert refused({"ok": False, "error": "invalid_refresh_token"}, 200).final
    assert not refused({"ok": False, "error": "ratelimited"}, 200).final
    assert refused({"ok": False, "access_token": "at"}, 200).final


def test_slack_user_tokens_are_nested() -> None:
    """A user's tokens stand in `authed_user`, with an end and scopes of their own."""
    tokens = read(
        {
            "ok": True,
            "authed_user": {
                "id": "U1",
                "scope": "chat:write,users:read",
                "access_token": "xoxe.xoxp-1",
                "refresh_token": "xoxe-1",
                "expires_in": 43200,
                "token_type": "user",
            },
            "team": {"id": "T1", "name": "Acme"},
        }
    )
    assert tokens == TokenSet(
        b"xoxe.xoxp-1",
        b"xoxe-1",
        NOW + 43200,
        ("chat:write", "users:read"),
        Subject(account_id="U1", organization_id="T1", name="Acme"),
    )


def test_slack_bot_tokens_come_first() -> None:
    """Where Slack issues both, the bot's tokens are taken."""
    bot = {"ok": True, "access_token": "xoxb", "authed_user": {"id": "U1", "access_token": "xoxp"}}
    assert read(bot).access_token == b"xoxb"


def test_anthropic_says_whose_tokens_they_are() -> None:
    """Account and organization of Anthropic's reply are read."""
    tokens = read(
        {
            "access_token": "sk-ant-oat01-x",
            "refresh_token": "sk-ant-ort01-x",
            "expires_in": 28800,
            "scope": "user:inference user:profile",
            "account": {"uuid": "a-1", "email_address": "jo@example.com"},
            "organization": {"uuid": "o-1", "name": "Acme"},
        }
    )
    assert tokens.subject == Subject("jo@example.com", "a-1", "o-1", "Acme")


def test_notion_says_whose_tokens_they_are() -> None:
    """Notion's owner and workspace are read."""
    person = {"id": "n-1", "person": {"email": "jo@example.com"}}
    tokens = read(
        {
            "access_token": "ntn_x",
            "workspace_id": "w-1",
            "workspace_name": "Acme",
            "owner": {"type": "user", "user": person},
        }
    )
    assert tokens.subject == Subject("jo@example.com", "n-1", "w-1", "Acme")


def id_token(claims: object) -> str:
    """A JWT with these claims and no real signature."""
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{part}.c2ln"


def test_an_id_token_says_whose_tokens_they_are() -> None:
    """An OpenID provider's ID token names the subject."""
    claims = {"sub": "108", "email": "jo@example.com", "hd": "example.com", "name": "Jo"}
    tokens = read({"access_token": "ya29", "id_token": id_token(claims)})
    assert tokens.subject == Subject("jo@example.com", "108", "example.com", "Jo")


@pytest.mark.parametrize(
    "token", ["", "a.b", "a.!.c", "a.bnVsbA.c", "a.eyI.c", 7, "a." + "W" * 9999 + ".c"]
)
def test_a_broken_id_token_is_left_alone(token: Any) -> None:
    """What can't be read of an ID token costs only the subject."""
    assert read({"access_token": "at", "id_token": token}).subject == Subject()


def test_names_are_safe_to_show() -> None:
    """A provider can't steer the terminal through a name."""
    assert "\x1b" not in read({"access_token": "at", "email": "\x1b[2J@x"}).subject.email


@pytest.mark.parametrize("kind", ["DPoP", "mac"])
def test_tokens_bound_to_a_key_are_refused(kind: str) -> None:
    """A token that is no bearer token can't be lent."""
    error = refused({"access_token": "at", "token_type": kind}, 200)
    assert (error.final, error.code) == (True, "unsupported_token_type")


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"access_token": ""},
        {"access_token": None},
        {"access_token": ["at"]},
        {"access_token": "a\r\nX-Evil: 1"},
        {"access_token": "tökén"},
        {"access_token": " at"},
        {"access_token": "a" * 70_000},
        {"access_token": "at", "refresh_token": "r\nt"},
        [],
        "at",
        b"\xff\xfe",
        b"",
        b"[" * 100_000,
    ],
)
def test_a_reply_without_usable_tokens(document: Any) -> None:
    """Such a 200 is no refusal of the grant: it may be tried again."""
    error = refused(document, 200)
    assert (error.final, error.code, error.status) == (False, "bad_reply", 200)


def test_a_page_is_no_form() -> None:
    """An HTML page is not taken apart as if it were a form."""
    page = b"<p>access_token=at</p>"
    assert refused(page, 200, {"content-type": "text/html"}).code == "bad_reply"


@given(
    st.binary(max_size=300), st.sampled_from([200, 302, 400, 503]), st.sampled_from([JSON, FORM])
)
def test_any_answer_is_tokens_or_a_token_error(
    body: bytes, status: int, headers: dict[str, str]
) -> None:
    """No answer leads to any other exception."""
    try:
        tokens = parse_token_reply(status, headers, body, (), NOW)
    except TokenError:
        return
    assert tokens.access_token


_JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
_NAMES = ("access_token", "refresh_token", "expires_in", "scope", "token_type", "error", "ok")
_MORE = ("authed_user", "id_token", "account", "organization", "owner", "team", "error_description")


@given(st.dictionaries(st.sampled_from(_NAMES + _MORE), _JSON_VALUES), st.sampled_from([200, 400]))
def test_any_types_in_the_fields(document: dict[str, Any], status: int) -> None:
    """Fields of the wrong type lead to tokens that can be sent, or to a TokenError."""
    try:
        tokens = read(document, status)
    except TokenError:
        return
    assert tokens.access_token.decode("ascii").isprintable()
    assert tokens.expires_at is None or NOW < tokens.expires_at <= NOW + MAX_LIFE
