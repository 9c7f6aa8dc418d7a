"""Login capture: which requests are logins, how they are read, what is answered."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.domain.oauth import AuthMethod, Subject, TokenFormat, TokenSet
from proxy_core.domain.oauth.capture import (
    Captured,
    LoginRefused,
    LoginRequest,
    captured_as,
    captured_reply,
    life,
    login_client,
    login_fields,
    preset_of,
    repeated_reply,
    token_paths,
)
from proxy_core.domain.oauth.stand_ins import (
    access_stand_in,
    is_stand_in,
    login_of,
    refresh_stand_in,
)
from proxy_core.domain.service import Auth, AuthType, Service

ANTHROPIC = "platform.claude.com"
TOKEN = "/v1/oauth/token"
URL = f"https://{ANTHROPIC}{TOKEN}"
CLAUDE_CODE = "9d1c250a-e61b-44d9-88ed-5944d1962f5e"
FORM = "application/x-www-form-urlencoded"


def service(host: str = ANTHROPIC, path: str = "", *, capture: bool = True) -> Service:
    """A service that captures logins."""
    return Service("s", host, Auth(AuthType.PASSTHROUGH), path=path, capture=capture)


def request(
    body: object, content_type: str = "application/json", authorization: str = "", url: str = URL
) -> LoginRequest:
    """A login; a mapping becomes JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return LoginRequest(Captured.TOKEN, url, content_type, authorization, data)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (TOKEN, Captured.TOKEN),
        ("/v1/oauth/%74oken", Captured.TOKEN),
        ("//v1/oauth/token", Captured.TOKEN),
        (f"{TOKEN}/revoke", Captured.REVOCATION),
        ("/v1/oauth/tokens", None),
        ("/v1/messages", None),
    ],
)
def test_a_known_providers_endpoint(path: str, found: Captured | None) -> None:
    """By its preset, in any spelling; only POST, and only where the service says so."""
    assert captured_as(service(), ANTHROPIC, "POST", path) is found
    assert captured_as(service(path="/v1/*"), ANTHROPIC, "POST", path) is found
    assert captured_as(service(), ANTHROPIC, "GET", path) is None
    assert captured_as(service(capture=False), ANTHROPIC, "POST", path) is None


def test_the_path_says_where_another_endpoint_is() -> None:
    """Without one, nothing is known of an unknown host."""
    assert token_paths("login.example", "/t") == {"/t"}
    assert token_paths("login.example", "/t*") == frozenset()
    assert token_paths("console.anthropic.com", "") == {TOKEN}
    assert preset_of("https://console.anthropic.com/v1/oauth/token") is preset_of(URL)
    assert preset_of("https://login.example/t") is None


def test_fields_from_json_and_forms() -> None:
    """Texts only, and the client's proof from a Basic header."""
    assert login_fields(request({"code": "c", "expires_in": 5})) == {"code": "c"}
    assert login_fields(request(b"code=a%20b&state=", FORM)) == {"code": "a b", "state": ""}
    proof = base64.b64encode(b"an%20id:s%3Acret").decode()
    found = login_fields(request({"code": "c"}, authorization=f"Basic {proof}"))
    assert (found["client_id"], found["client_secret"]) == ("an id", "s:cret")


@pytest.mark.parametrize(
    ("body", "content_type", "authorization"),
    [
        (b"{", "application/json", ""),
        (b"[1]", "application/json", ""),
        (b'"x"', "application/json", ""),
        (b"[" * 100_000, "application/json", ""),
        (b'{"code":"a","code":"b"}', "application/json", ""),
        (b"code=a&code=b", FORM, ""),
        (b"\xff", FORM, ""),
        (b"code=a", "text/plain", ""),
        (b"code=a", "", ""),
        (b"code=a", FORM, "Basic !"),
    ],
)
def test_what_can_not_be_read_is_refused(
    body: bytes, content_type: str, authorization: str
) -> None:
    """As the protocol says it, without a word of what was sent."""
    with pytest.raises(LoginRefused) as caught:
        login_fields(request(body, content_type, authorization))
    answer = caught.value.answer
    assert answer.status in (400, 401)
    assert set(answer.document) == {"error", "error_description"}


@given(st.binary(max_size=200), st.sampled_from(("application/json", FORM)))
def test_nothing_else_than_a_refusal_comes_of_any_body(body: bytes, content_type: str) -> None:
    """Fields are texts."""
    try:
        found = login_fields(request(body, content_type))
    except LoginRefused:
        return
    assert all(isinstance(value, str) for value in found.values())


def test_the_client_that_an_agent_is() -> None:
    """The preset's where it has the preset's id; with what the request says of itself."""
    sent = {"client_id": CLAUDE_CODE, "state": "s", "scope": "user:inference", "x": "y"}
    client = login_client(request(sent), sent)
    assert (client.provider, client.token_url, client.client_id) == ("anthropic", URL, CLAUDE_CODE)
    assert (client.auth_method, client.token_format) == (AuthMethod.NONE, TokenFormat.JSON)
    assert (client.scopes, client.send_state, client.token_parameters) == (
        ("user:inference",),
        True,
        {},
    )
    assert client.callback_port == 54545
    other = {"client_id": "mine", "client_secret": "s", "audience": "api"}
    client = login_client(request(b"", FORM, url="https://login.example/t"), other)
    assert (client.provider, client.client_id, client.callback_port) == ("", "mine", None)
    assert (client.auth_method, client.token_format) == (AuthMethod.POST, TokenFormat.FORM)
    assert client.token_parameters == {"audience": "api"}
    basic = login_client(request(b"", FORM, "Basic x"), other)
    assert basic.auth_method is AuthMethod.BASIC
    with pytest.raises(LoginRefused):
        login_client(request({}), {"client_assertion": "x"})


def test_the_answer_has_no_real_token() -> None:
    """The same fields, stand-ins in place of the tokens, the real end."""
    who = Subject("ada@example.com", "acc", "org", "Ada's")
    tokens = TokenSet(b"real-access", b"real-refresh", 1600.0, ("a", "b"), who)
    answer = captured_reply("01ABC", tokens, 1000.0)
    assert answer.document == {
        "token_type": "Bearer",
        "access_token": "__vault-tui-access-01ABC__",
        "refresh_token": "__vault-tui-refresh-01ABC__",
        "expires_in": 600,
        "scope": "a b",
        "account": {"uuid": "acc", "email_address": "ada@example.com"},
        "organization": {"uuid": "org", "name": "Ada's"},
    }
    assert "real" not in json.dumps(answer.document)
    bare = captured_reply("01ABC", TokenSet(b"x"), 0.0).document
    assert set(bare) == {"token_type", "access_token", "expires_in"}


def test_a_repeated_answer_gives_what_came() -> None:
    """Ours with its access stand-in; any other text of that kind as it is."""
    ours = repeated_reply(refresh_stand_in("01A"), 60, "").document
    assert (ours["access_token"], ours["refresh_token"]) == (
        access_stand_in("01A"),
        refresh_stand_in("01A"),
    )
    assert "scope" not in ours
    assert repeated_reply("__PLACEHOLDER__", 60, "s").document["scope"] == "s"


def test_lives() -> None:
    """Never so short that agents ask all the time."""
    assert [life(end, 100.0) for end in (None, 50.0, 100.0, 700.4)] == [3600, 60, 60, 600]


def test_stand_ins() -> None:
    """Recognised as what they are; only ours name a login."""
    assert login_of(access_stand_in("01A")) == login_of(refresh_stand_in("01A")) == "01A"
    for text in ("__PLACEHOLDER__", refresh_stand_in("01A")):
        assert is_stand_in(text)
    for text in ("", "____", "sk-ant-ort01-x", "__half", refresh_stand_in("01A") + "\n"):
        assert not is_stand_in(text)
        assert login_of(text) == ""
