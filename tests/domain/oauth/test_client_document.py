"""Client configurations, their documents and the presets."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.oauth import (
    AuthMethod,
    GrantKind,
    OAuthClient,
    Preset,
    TokenFormat,
    client_document,
    parse_client,
    preset,
    presets,
)

URL = "https://issuer.example/token"
IDS = (
    *("anthropic", "atlassian", "discord", "dropbox", "github", "gitlab", "google", "hubspot"),
    *("linear", "microsoft", "notion", "slack", "spotify", "zoom"),
)


def refused(**document: Any) -> str:
    """Why a document is refused."""
    with pytest.raises(VaultError) as caught:
        parse_client({"token_url": URL, **document})
    assert caught.value.code == "bad_request"
    return str(caught.value)


def test_the_least_document() -> None:
    """Only the token URL is needed; the rest has the RFC's defaults."""
    assert parse_client({"token_url": URL}) == OAuthClient(token_url=URL)


@pytest.mark.parametrize(
    ("spelling", "method"),
    [
        ("none", AuthMethod.NONE),
        ("post", AuthMethod.POST),
        ("basic", AuthMethod.BASIC),
        ("client_secret_post", AuthMethod.POST),
        ("client_secret_basic", AuthMethod.BASIC),
    ],
)
def test_methods_have_short_names(spelling: str, method: AuthMethod) -> None:
    """`post` and `basic` are the command line's words for the registered names."""
    assert parse_client({"token_url": URL, "token_auth_method": spelling}).auth_method is method


@pytest.mark.parametrize(
    ("document", "has_secret", "method"),
    [
        ({}, None, AuthMethod.NONE),
        ({}, False, AuthMethod.NONE),
        ({}, True, AuthMethod.BASIC),
        ({"token_auth_method": "post"}, True, AuthMethod.POST),
        ({"token_auth_method": "none"}, True, AuthMethod.NONE),
        ({"token_auth_method": "post"}, False, AuthMethod.POST),
        ({"provider": "github"}, None, AuthMethod.POST),
        ({"provider": "github"}, True, AuthMethod.POST),
        ({"provider": "github"}, False, AuthMethod.NONE),
        ({"provider": "spotify"}, True, AuthMethod.BASIC),
    ],
)
def test_a_secret_settles_the_method(
    document: dict[str, Any], has_secret: bool | None, method: AuthMethod
) -> None:
    """A method that is given stays; one that isn't depends on whether there is a secret."""
    client = parse_client({"token_url": URL, **document}, has_secret=has_secret)
    assert client.auth_method is method


def test_scopes_as_one_text() -> None:
    """Scopes may be written as people do."""
    assert parse_client({"token_url": URL, "scopes": "a, b c"}).scopes == ("a", "b", "c")


def test_a_preset_fills_in_what_is_left_out() -> None:
    """What the document says wins over the preset, an empty value too."""
    client = parse_client(
        {"provider": "linear", "client_id": "id-1", "scopes": ["write"], "revocation_url": ""}
    )
    assert client.token_url == "https://api.linear.app/oauth/token"
    assert client.scope == "write"
    assert (client.client_id, client.revocation_url) == ("id-1", "")


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1:9900/token", True),
        ("http://127.8.8.8/token", True),
        ("http://[::1]:9900/token", True),
        ("http://localhost/token", True),
        ("http://issuer.example/token", False),
        ("http://127.0.0.1.issuer.example/token", False),
        ("http://10.0.0.1/token", False),
        ("http://localhost.issuer.example/token", False),
        ("http://2130706433/token", False),
    ],
)
def test_plain_http_to_this_machine_only(url: str, allowed: bool) -> None:
    """http needs the flag and a loopback host."""
    with pytest.raises(VaultError):
        parse_client({"token_url": url})
    if allowed:
        assert parse_client({"token_url": url}, allow_http_loopback=True).token_url == url
    else:
        with pytest.raises(VaultError):
            parse_client({"token_url": url}, allow_http_loopback=True)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "issuer.example/token",
        "ftp://issuer.example/",
        "https://",
        "https:///token",
        "https://user:pw@issuer.example/",
        "https://issuer.example/#x",
        "https://issuer.example/a b",
        "https://issuer.example\\@evil.example/",
        "https://issuer.example:99999/",
        "https://issuer.example:0/",
        "https://[::1/",
        "https://ïssuer.example/",
        "https://issuer.example/\r\nX: y",
        "https://issuer.example/" + "a" * 3000,
        "javascript:alert(1)",
    ],
)
def test_urls_that_are_refused(url: str) -> None:
    """Nothing but a plain https URL with a host, for every endpoint."""
    assert refused(token_url=url)
    if url:
        assert refused(authorization_url=url)
        assert refused(device_authorization_url=url)


@pytest.mark.parametrize(
    "document",
    [
        {"provider": "nobody"},
        {"surprise": 1},
        {"client_secret": "s"},
        {"token_auth_method": "private_key_jwt"},
        {"token_format": "xml"},
        {"grant": "password"},
        {"scopes": ["a b"]},
        {"scopes": [""]},
        {"scopes": [7]},
        {"scopes": ["a\n"]},
        {"scope_separator": "--"},
        {"disable_pkce": "yes"},
        {"callback_port": 80},
        {"callback_port": 70_000},
        {"callback_port": True},
        {"callback_host": "0.0.0.0"},
        {"callback_path": "callback"},
        {"callback_path": "/a?b"},
        {"client_id": "a\nb"},
        {"client_id": "a" * 600},
        {"authorization_parameters": {"state": "x"}},
        {"authorization_parameters": {"redirect_uri": "https://evil.example"}},
        {"authorization_url": "https://a.example/?p=x&Redirect%5Furi=https://evil.example"},
        {"authorization_url": "https://a.example/?p=x;request_uri="},
        {"authorization_parameters": {"x": 7}},
        {"authorization_parameters": {"x": "a\nb"}},
        {"authorization_parameters": {"x": "\ud800"}},
        {"token_parameters": {"client_secret": "s"}},
        {"token_parameters": {"grant_type": "password"}},
        {"token_parameters": {"": "x"}},
        {"assertion": {"expiry": "1"}},
    ],
)
def test_documents_that_are_refused(document: dict[str, Any]) -> None:
    """What is unknown, secret, or could change the protocol's own fields is refused."""
    assert refused(**document)


def test_an_authorization_url_may_have_a_query_of_its_own() -> None:
    """Some tenants and policies are named so (RFC 6749 3.1)."""
    url = "https://login.example.com/authorize?p=policy"
    document = {"token_url": "https://login.example.com/token", "authorization_url": url}
    assert parse_client(document).authorization_url == url


def test_a_grant_of_its_own_name() -> None:
    """Client credentials may name another grant, as Zoom's server applications need."""
    own = {"grant_type": "account_credentials", "account_id": "acc"}
    client = parse_client(
        {"provider": "zoom", "grant": "client_credentials", "token_parameters": own}
    )
    assert client.grant is GrantKind.CLIENT_CREDENTIALS
    assert client.token_parameters == own


@pytest.mark.parametrize("each", presets(), ids=lambda each: each.id)
def test_presets_keep_the_rules(each: Preset) -> None:
    """Every preset survives its document, names itself, and can be connected by a browser."""
    assert parse_client(client_document(each.client)) == each.client
    assert parse_client({"provider": each.id}) == each.client
    assert each.client.provider == each.id
    assert each.client.authorization_url
    assert each.name
    assert each.obtain


def test_which_presets_there_are() -> None:
    """The providers that are promised, by name."""
    assert tuple(each.id for each in presets()) == IDS
    with pytest.raises(VaultError) as caught:
        preset("nobody")
    assert caught.value.code == "not_found"


def test_anthropics_preset() -> None:
    """A public client that speaks JSON, with a fixed callback and a page to copy a code from."""
    client = preset("anthropic").client
    assert client.auth_method is AuthMethod.NONE
    assert client.token_format is TokenFormat.JSON
    assert client.client_id == "9d1c250a-e61b-44d9-88ed-5944d1962f5e"
    assert client.callback_port == 54545
    assert client.manual_redirect_uri == "https://platform.claude.com/oauth/code/callback"
    assert "user:inference" in client.scopes
    assert client.pkce
    assert client.send_state


_TEXTS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
_URLS = st.sampled_from(["", URL, "https://other.example:8443/x?y=z"])
_CLIENTS = st.builds(
    OAuthClient,
    token_url=st.just(URL),
    authorization_url=_URLS,
    device_authorization_url=_URLS,
    revocation_url=_URLS,
    issuer=_URLS,
    manual_redirect_uri=_URLS,
    client_id=_TEXTS,
    auth_method=st.sampled_from(AuthMethod),
    token_format=st.sampled_from(TokenFormat),
    scopes=st.lists(_TEXTS, max_size=3).map(tuple),
    scope_separator=st.sampled_from([" ", ","]),
    pkce=st.booleans(),
    grant=st.sampled_from(GrantKind),
    authorization_parameters=st.dictionaries(st.sampled_from(["audience", "prompt"]), _TEXTS),
    token_parameters=st.dictionaries(st.just("audience"), _TEXTS),
    assertion=st.dictionaries(st.sampled_from(["issuer", "subject", "key_id"]), _TEXTS),
    callback_host=st.sampled_from(["127.0.0.1", "localhost"]),
    callback_port=st.none() | st.integers(1024, 65_535),
    callback_path=st.sampled_from(["", "/", "/callback", "/oauth/cb"]),
    send_state=st.booleans(),
)


@given(_CLIENTS)
def test_a_document_gives_back_its_client(client: OAuthClient) -> None:
    """Writing and reading changes nothing."""
    assert parse_client(client_document(client), allow_http_loopback=True) == client
