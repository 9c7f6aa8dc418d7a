"""From a service and its secrets to header fields."""

import traceback
from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import Injection
from proxy_core.domain.injection import build_injection
from proxy_core.domain.service import Auth, AuthType, Substitution, Surface
from tests.domain import samples
from tests.domain.samples import refused, service

SECRETS = {"TOKEN": b"s3cret", "USER": b"ann", "PASS": "pä:ss".encode(), "ID": b"42"}


def inject(auth: Auth, secrets: dict[str, bytes] = SECRETS, **more: object) -> Injection:
    """The injection for a service with this auth."""
    return build_injection(service("api", "a.example", auth=auth, **more), secrets.__getitem__)


@pytest.mark.parametrize(
    ("auth", "headers"),
    [
        (Auth(AuthType.BEARER, token="TOKEN"), ((b"Authorization", b"Bearer s3cret"),)),
        (
            Auth(AuthType.API_KEY, key="TOKEN", header="X-Key", prefix="Bot "),
            ((b"X-Key", b"Bot s3cret"),),
        ),
        (Auth(AuthType.API_KEY, key="TOKEN"), ((b"Authorization", b"s3cret"),)),
        (
            Auth(
                AuthType.CUSTOM,
                headers=(("X-A", "{{ TOKEN }}"), ("X-B", "u={{USER}}; i={{ ID }}é"), ("X-C", "v")),
            ),
            ((b"X-A", b"s3cret"), (b"X-B", b"u=ann; i=42\xe9"), (b"X-C", b"v")),
        ),
        (Auth(AuthType.PASSTHROUGH), ()),
        (Auth(AuthType.AWS_SIGV4, access_key_id="ID", secret_access_key="TOKEN"), ()),
        (Auth(AuthType.GCP, key="TOKEN"), ((b"Authorization", b"Bearer s3cret"),)),
        (Auth(AuthType.AZURE, key="TOKEN"), ((b"api-key", b"s3cret"),)),
        (Auth(AuthType.AZURE, client_secret="TOKEN"), ((b"Authorization", b"Bearer s3cret"),)),
        (Auth(AuthType.GITHUB_APP, private_key="TOKEN"), ((b"Authorization", b"Bearer s3cret"),)),
    ],
)
def test_each_auth_type_sets_its_headers(
    auth: Auth, headers: tuple[tuple[bytes, bytes], ...]
) -> None:
    """Names as configured, values from the credentials."""
    assert inject(auth).headers == headers


@pytest.mark.parametrize(
    ("host", "auth", "dropped"),
    [
        ("api.anthropic.com", Auth(AuthType.BEARER, token="TOKEN"), True),
        ("*.anthropic.com", Auth(AuthType.API_KEY, key="TOKEN", header="x-api-key"), True),
        ("api.anthropic.com", Auth(AuthType.PASSTHROUGH), False),
        ("api.anthropic.com.example", Auth(AuthType.BEARER, token="TOKEN"), False),
    ],
)
def test_a_placeholder_in_the_other_field_does_not_reach_anthropic(
    host: str, auth: Auth, dropped: bool
) -> None:
    """Its API takes a token in either of two fields: a dummy in the other one is dropped."""
    made = build_injection(service("api", host, auth=auth), SECRETS.__getitem__)
    assert made.dropped == (frozenset((b"authorization", b"x-api-key")) if dropped else frozenset())


def test_basic_joins_user_and_password_in_base64() -> None:
    """The password may be left out, and may hold colons and any letters."""
    ((name, value),) = inject(Auth(AuthType.BASIC, username="USER", password="PASS")).headers
    assert name == b"Authorization"
    assert b64decode(value.removeprefix(b"Basic ")) == "ann:pä:ss".encode()
    ((_, value),) = inject(Auth(AuthType.BASIC, username="USER")).headers
    assert b64decode(value.removeprefix(b"Basic ")) == b"ann:"


def test_a_colon_in_a_basic_user_name_is_refused() -> None:
    """The upstream would read another user and another password."""
    with pytest.raises(VaultError, match="colon"):
        inject(Auth(AuthType.BASIC, username="PASS"))


BREAKING = [b"a\r\nX-Evil: 1", b"a\nb", b"a\x00b", b"a\x7f", "hü€".encode(), b"\xff\xfe"]


@pytest.mark.parametrize("value", BREAKING)
@pytest.mark.parametrize(
    "auth",
    [
        Auth(AuthType.BEARER, token="TOKEN"),
        Auth(AuthType.API_KEY, key="TOKEN", header="X-Key"),
        Auth(AuthType.CUSTOM, headers=(("X-A", "a {{ TOKEN }}"),)),
    ],
)
def test_a_value_that_would_break_the_header_is_refused_and_not_told(
    auth: Auth, value: bytes
) -> None:
    """Neither the error nor what it came from holds the value."""
    with pytest.raises(VaultError, match="credential TOKEN") as caught:
        inject(auth, {"TOKEN": value})
    assert caught.value.code == "substitution_invalid"
    assert caught.value.__context__ is None
    text = "".join(traceback.format_exception(caught.value))
    assert value.decode("latin-1") not in text
    assert repr(value) not in text


def test_letters_of_latin_1_are_sent_in_latin_1() -> None:
    """That is the encoding of header fields."""
    (header,) = inject(Auth(AuthType.BEARER, token="TOKEN"), {"TOKEN": "é".encode()}).headers
    assert header[1] == b"Bearer \xe9"


def test_substitutions_carry_the_secret_and_its_surfaces() -> None:
    """A line break in one is found before anything is sent."""
    rule = Substitution("ID", "__id__", frozenset({Surface.QUERY}))
    injection = inject(Auth(AuthType.PASSTHROUGH), substitutions=(rule,))
    (item,) = injection.substitutions
    assert (item.placeholder, item.value, item.surfaces) == (b"__id__", b"42", rule.surfaces)
    with pytest.raises(VaultError, match="ID"):
        inject(Auth(AuthType.PASSTHROUGH), {"ID": b"4\n2"}, substitutions=(rule,))


@pytest.mark.parametrize("surface", [Surface.BODY, Surface.WEBSOCKET])
def test_a_line_break_may_stand_where_it_is_escaped(surface: Surface) -> None:
    """A key in PEM form goes into JSON; whether it fits is seen where it stands."""
    rule = Substitution("ID", "__id__", frozenset({surface, Surface.HEADER}))
    injection = inject(Auth(AuthType.PASSTHROUGH), {"ID": b"4\n2"}, substitutions=(rule,))
    assert injection.substitutions[0].value == b"4\n2"


def test_secrets_are_not_in_the_representation() -> None:
    """A log line with an injection in it tells nothing."""
    rule = Substitution("TOKEN", "__id__")
    assert "s3cret" not in repr(inject(samples.BEARER, substitutions=(rule,)))


@given(samples.auths, st.binary(max_size=12))
def test_a_header_value_never_holds_a_line_break(auth: Auth, value: bytes) -> None:
    """Whatever the auth and the secret: one line each, or an error."""

    def secret(_key: str) -> bytes:
        return value

    wanted = service("api", "a.example", auth=auth)
    error = refused(lambda: build_injection(wanted, secret))
    if error:
        assert error.code == "substitution_invalid"
        return
    for _, sent in build_injection(wanted, secret).headers:
        assert not set(sent) & set(b"\r\n\x00")


@pytest.mark.parametrize(
    ("host", "value"),
    [
        ("github.com", b"Basic eC1hY2Nlc3MtdG9rZW46czNjcmV0"),
        ("acme.ghe.com", b"Basic eC1hY2Nlc3MtdG9rZW46czNjcmV0"),
        ("api.github.com", b"Bearer s3cret"),
        ("*.github.com", b"Bearer s3cret"),
        ("api.acme.ghe.com", b"Bearer s3cret"),
        ("git.corp.example", b"Bearer s3cret"),
    ],
)
def test_git_wants_an_apps_token_as_a_password(host: str, value: bytes) -> None:
    """GitHub's hosts for git take Basic alone; its APIs take a bearer."""
    auth = Auth(AuthType.GITHUB_APP, app_id="1", installation_id="2", private_key="TOKEN")
    ((_, sent),) = build_injection(service("git", host, auth=auth), SECRETS.__getitem__).headers
    assert sent == value


def test_azure_gets_no_second_key_from_the_client() -> None:
    """A dummy beside the real one would be looked at first; other types replace their own field."""
    assert inject(Auth(AuthType.AZURE, key="TOKEN")).dropped == {
        b"authorization",
        b"api-key",
        b"x-api-key",
    }
    assert not inject(Auth(AuthType.GCP, key="TOKEN")).dropped
