"""The service document: what it may hold, and what is said when it is wrong."""

import copy
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.service import Action, Rule, Service, Surface
from proxy_core.domain.service_document import (
    credential_keys,
    parse_service,
    parse_services,
    service_document,
)
from tests.domain import samples

BEARER = {"type": "bearer", "token": "KEY"}

AWS = {"type": "aws-sigv4", "access_key_id": "K", "secret_access_key": "S"}
ROLE = {**AWS, "role_arn": "arn:aws:iam::123456789012:role/agents"}
ENTRA = {"type": "azure", "tenant": "t", "client_id": "c", "client_secret": "S"}


def document(**fields: Any) -> dict[str, Any]:
    """A valid document with other `fields`."""
    return {"name": "the-api", "host": "api.example.com", "auth": BEARER, **fields}


def refusal(value: Any) -> str:
    """What is said about an invalid document."""
    with pytest.raises(VaultError) as caught:
        parse_service(value)
    assert caught.value.code == "bad_request"
    assert caught.value.detail.isprintable()
    return caught.value.detail


def test_a_document_in_yaml_with_everything_is_read() -> None:
    """The document of the manual."""
    text = """
    name: slack-bot
    host: Slack.com:8443/api/*
    auth: {type: bearer, token: SLACK_BOT_TOKEN}
    substitutions: [{key: K, placeholder: __k__, in: [header]}, {key: L, placeholder: l.id}]
    rules:
      - {methods: [delete], path: "/api/admin.*", action: deny}
      - {action: allow}
    allow_http: true
    enabled: false
    """
    service = parse_service(yaml.safe_load(text))
    assert (service.name, service.host, service.port, service.path) == (
        "slack-bot",
        "slack.com",
        8443,
        "/api/*",
    )
    assert service.rules == (
        Rule(Action.DENY, frozenset({"DELETE"}), "/api/admin.*"),
        Rule(Action.ALLOW),
    )
    assert [set(item.surfaces) for item in service.substitutions] == [
        {Surface.HEADER},
        {Surface.PATH, Surface.QUERY},
    ]
    assert service.allow_http
    assert not service.enabled
    assert credential_keys(service) == ("SLACK_BOT_TOKEN", "K", "L")


def test_defaults() -> None:
    """Enabled, https only, and an api-key goes into Authorization."""
    service = parse_service(document(auth={"type": "api-key", "key": "K"}, enabled=None))
    assert service.enabled
    assert not service.allow_http
    assert service.auth.header == "Authorization"


def test_a_path_may_stand_beside_the_host() -> None:
    """As older readers of the API send it back; not both at once."""
    assert parse_service(document(path="/v1/*")).pattern == "api.example.com/v1/*"
    assert "leave the path field out" in refusal(document(host="a.example/v1/*", path="/v1/*"))


def test_what_a_list_adds_can_be_sent_back() -> None:
    """Hits are read-only: a listed service is a valid document."""
    assert parse_service(document(hits=3, last_hit_at="2026-01-01T00:00:00Z"))


@given(samples.services)
def test_a_service_survives_writing_and_reading(service: Service) -> None:
    """Through plain data and through YAML."""
    written = service_document(service)
    assert parse_service(written) == service
    assert parse_service(yaml.safe_load(yaml.safe_dump(written, sort_keys=False))) == service


def test_scrubbing_is_on_unless_a_service_says_otherwise() -> None:
    """Written down only when it is off."""
    assert parse_service(document()).scrub
    assert "scrub" not in service_document(parse_service(document(scrub=True)))
    off = parse_service(document(scrub=False))
    assert not off.scrub
    assert service_document(off)["scrub"] is False
    assert "scrub must be true or false" in refusal(document(scrub="no"))


def test_logins_are_captured_where_a_token_endpoint_is_known() -> None:
    """A known provider's host, or a path that names the endpoint; written down only when on."""
    for host in ("platform.claude.com", "console.anthropic.com", "login.example.com/oauth/token"):
        service = parse_service(document(host=host, capture=True))
        assert service.capture
        assert service_document(service)["capture"] is True
        assert parse_service(service_document(service)) == service
    for host in ("login.example.com", "login.example.com/oauth/*", "*.example.com/oauth/token"):
        assert "capture needs a token endpoint" in refusal(document(host=host, capture=True))
    assert "capture" not in service_document(parse_service(document(capture=False)))
    assert "capture must be true or false" in refusal(document(capture="yes"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hosts": "x"}, ["unexpected field 'hosts'", "substitutions"]),
        ({"host": None}, ["host is required"]),
        ({"host": ""}, ["host must not be empty"]),
        ({"host": 7}, ["host must be text"]),
        ({"host": "https://a.example"}, ["leave out the scheme"]),
        ({"host": "*"}, ["every host"]),
        ({"host": "*.com"}, ["two labels"]),
        ({"host": "a.example:0"}, ["port from 1 to 65535"]),
        ({"host": "127.1"}, ["IPv4"]),
        ({"host": "a.example/**"}, ["`**`"]),
        ({"host": "a.example/x?y"}, ["query"]),
        ({"host": "a.example/[0-9]+"}, ["regular expressions"]),
        ({"host": "a.example/../b"}, ["`..` segment"]),
        ({"host": "a.example//b"}, ["empty segment"]),
        ({"host": "a.example/%7Ex"}, ["must be written /~x"]),
        ({"host": "a.example/" + "x" * 256}, ["longer than 256"]),
        ({"path": "*"}, ["start with `/`"]),
        ({"name": "No Slug"}, ["3 to 64"]),
        ({"enabled": "yes"}, ["enabled must be true or false"]),
        ({"auth": None}, ["auth is required"]),
        ({"auth": "bearer"}, ["auth must be a mapping"]),
        ({"auth": {}}, ["type is required"]),
        ({"auth": {"type": "digest"}}, ["bearer, basic, api-key, custom, passthrough"]),
        ({"auth": {"type": "aws-sigv4"}}, ["access_key_id is required"]),
        (
            {"auth": {**AWS, "region": "EU West"}},
            ["auth.region", "no AWS region"],
        ),
        ({"auth": {**AWS, "session_token": "AQoDYXdz"}}, ["session_token", "not its value"]),
        ({"auth": {**AWS, "duration": 900}}, ["duration needs role_arn"]),
        ({"auth": {**AWS, "role_arn": "agents"}}, ["auth.role_arn", "is no role, such as arn:aws"]),
        ({"auth": {**AWS, "role_arn": "arn:aws-x:iam::123456789012:role/a"}}, ["is no role"]),
        ({"auth": {**AWS, "role_arn": "arn:aws:iam::123456789012:user/a"}}, ["is no role"]),
        ({"auth": {**ROLE, "external_id": "a b"}}, ["auth.external_id", "no external id"]),
        ({"auth": {**ROLE, "session_name": "x"}}, ["auth.session_name", "no session name"]),
        ({"auth": {**ROLE, "duration": "900"}}, ["duration must be a whole number"]),
        ({"auth": {**ROLE, "duration": 899}}, ["auth.duration", "900 to 43200 seconds"]),
        ({"auth": {**ROLE, "duration": 0}}, ["auth.duration", "900 to 43200 seconds"]),
        (
            {"auth": {**ROLE, "region": "cn-north-1"}},
            ["auth: role_arn", "no rights in the region cn-north-1"],
        ),
        (
            {"auth": ROLE, "substitutions": [{"key": "S", "placeholder": "__s__"}]},
            ["S can't be substituted"],
        ),
        ({"auth": {"type": "gcp"}}, ["key is required"]),
        ({"auth": {"type": "gcp", "key": "K", "scope": "a  b"}}, ["scope", "single blanks"]),
        ({"auth": {"type": "azure"}}, ["a key, or tenant, client_id and client_secret"]),
        ({"auth": {"type": "azure", "key": "K", "tenant": "t"}}, ["'tenant'", "type, key"]),
        ({"auth": {"type": "azure", "client_secret": "K"}}, ["tenant is required"]),
        ({"auth": {**ENTRA, "tenant": "a/b"}}, ["auth.tenant", "no tenant"]),
        ({"auth": {"type": "github-app", "app_id": "1"}}, ["installation_id is required"]),
        ({"auth": {"type": "bearer"}}, ["token is required"]),
        ({"auth": {"type": "bearer", "token": "sk-1"}}, ["UPPER_SNAKE_CASE", "not its value"]),
        ({"auth": {"type": "bearer", "token": "K", "key": "K"}}, ["'key'", "type, token"]),
        ({"auth": {"type": "passthrough", "token": "K"}}, ["'token'", "allowed: type"]),
        ({"auth": {"type": "basic", "password": "P"}}, ["username is required"]),
        ({"auth": {"type": "basic", "username": "U", "password": "p"}}, ["UPPER_SNAKE_CASE"]),
        ({"auth": {"type": "api-key", "key": "K", "header": "Host"}}, ["Host", "connection"]),
        ({"auth": {"type": "api-key", "key": "K", "header": "X Y"}}, ["letters, digits"]),
        ({"auth": {"type": "api-key", "key": "K", "prefix": "a\r\nb"}}, ["control character"]),
        ({"auth": {"type": "api-key", "key": "K", "prefix": "{{ K }}"}}, ["custom"]),
        ({"auth": {"type": "custom", "headers": {}}}, ["at least one header"]),
        ({"auth": {"type": "custom", "headers": {"X": 1}}}, ["text"]),
        ({"auth": {"type": "custom", "headers": {"X": "{{ k }}"}}}, ["UPPER_SNAKE_CASE"]),
        ({"auth": {"type": "custom", "headers": {"X": "{{ K"}}}, ["unpaired"]),
        ({"auth": {"type": "custom", "headers": {"X": "€"}}}, ["Latin-1"]),
        ({"auth": {"type": "custom", "headers": {"x-a": "1", "X-A": "2"}}}, ["twice"]),
        ({"rules": {"action": "deny"}}, ["rules must be a list"]),
        ({"rules": [{"path": "/x"}]}, ["rules[0]", "action is required"]),
        ({"rules": [{"action": "maybe"}]}, ["allow, deny or ask"]),
        ({"rules": [{"action": "drop"}]}, ["allow, deny or ask"]),
        ({"rules": [{"action": "deny", "methods": []}]}, ["leave it out"]),
        ({"rules": [{"action": "deny", "methods": ["G T"]}]}, ["not an HTTP method"]),
        ({"rules": [{"action": "deny", "path": "x"}]}, ["start with `/`"]),
        ({"rules": [{"action": "deny", "host": "x"}]}, ["unexpected field"]),
        ({"rules": [{"action": "deny"}] * 101}, ["more than 100"]),
    ],
)
def test_an_error_says_what_is_wrong_and_what_would_be_right(
    change: dict[str, Any], words: list[str]
) -> None:
    """An agent corrects itself from the sentence alone."""
    detail = refusal(document(**change))
    for word in words:
        assert word in detail


@pytest.mark.parametrize(
    "header",
    [
        "Host",
        "content-length",
        "Transfer-Encoding",
        "Connection",
        "Proxy-Authorization",
        "Proxy-Foo",
        "TE",
        "Upgrade",
        "Expect",
        "Trailer",
        "Keep-Alive",
        "X-Vault",
    ],
)
def test_headers_that_frame_the_message_cannot_be_injected(header: str) -> None:
    """In either type that names headers."""
    for auth in (
        {"type": "api-key", "key": "K", "header": header},
        {"type": "custom", "headers": {header: "{{ K }}"}},
    ):
        assert "cannot be injected" in refusal(document(auth=auth))


@pytest.mark.parametrize(
    ("placeholder", "word"),
    [
        ("__k", "4 to 128"),
        ("account_sid", "ordinary word"),
        ("____", "letter or a digit"),
        ("__k k__", "may hold"),
        ("__é__", "may hold"),
        ("__a/b__", "may hold"),
        ("", "must not be empty"),
    ],
)
def test_placeholders_must_survive_clients_and_match_no_word(placeholder: str, word: str) -> None:
    """With an example of a good one."""
    item = {"key": "ACCOUNT_SID", "placeholder": placeholder}
    assert word in refusal(document(substitutions=[item]))


@pytest.mark.parametrize("placeholder", ["__account_sid__", "sid.value", "sid-val", "~sid~"])
def test_usual_placeholders_pass(placeholder: str) -> None:
    """A double underscore or a sign that is no word character."""
    item = {"key": "K", "placeholder": placeholder}
    assert parse_service(document(substitutions=[item])).substitutions[0].placeholder == placeholder


@pytest.mark.parametrize(
    ("surfaces", "word"),
    [
        (["cookie"], "path, query, header, body, websocket"),
        ([], "must not be empty"),
        (["path", "path"], "twice"),
        ([["path"]], "must hold texts"),
        ("path", "must be a list"),
    ],
)
def test_surfaces_are_a_set_of_those_that_exist(surfaces: Any, word: str) -> None:
    """Each at most once, and at least one."""
    item = {"key": "K", "placeholder": "__k__", "in": surfaces}
    assert word in refusal(document(substitutions=[item]))


def test_a_placeholder_is_used_once_in_a_service() -> None:
    """Two values for one text would be a coin toss."""
    item = {"key": "K", "placeholder": "__k__"}
    assert "used twice" in refusal(document(substitutions=[item, {**item, "key": "L"}]))


def test_missing_names_are_derived_and_never_collide() -> None:
    """Given names go first, also those further down, and those that are taken already."""
    listed = [
        {"host": "slack.com/api/*", "auth": BEARER},
        {"host": "slack.com/api/*", "auth": BEARER},
        {"name": "slack-com-api", "host": "a.example", "auth": BEARER},
        {"host": "*.github.com", "auth": BEARER},
    ]
    names = [service.name for service in parse_services(listed, taken={"github-com"})]
    assert names == ["slack-com-api-2", "slack-com-api-3", "slack-com-api", "github-com-2"]


def test_errors_in_a_list_name_the_place() -> None:
    """Position and name of the service."""
    with pytest.raises(VaultError, match=r"services\[1\] 'bad-one': unexpected field 'x'"):
        parse_services([document(), document(name="bad-one", x=1)])
    with pytest.raises(VaultError, match="used twice"):
        parse_services([document(), document()])
    with pytest.raises(VaultError, match="must be a list"):
        parse_services({"services": []})
    with pytest.raises(VaultError, match="more than"):
        parse_services([document()] * 10_001)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(samples.services, st.data(), json_values)
def test_any_damage_to_a_document_is_a_bad_request_or_harmless(
    service: Service, data: st.DataObject, value: Any
) -> None:
    """No value in any place makes the parser fail in another way."""
    damaged: Any = copy.deepcopy(service_document(service))
    place = data.draw(st.sampled_from(sorted(damaged)))
    if place == "auth" and data.draw(st.booleans()):
        damaged["auth"][data.draw(st.sampled_from(sorted(damaged["auth"])))] = value
    else:
        damaged[place] = value
    error = samples.refused(lambda: parse_service(damaged))
    if error:
        assert error.code == "bad_request"
        assert error.detail.isprintable()
    else:
        parsed = parse_service(damaged)
        assert parse_service(service_document(parsed)) == parsed


@pytest.mark.parametrize(
    ("given", "statuses"),
    [(None, (429, 529)), ([], ()), ([529], (529,)), ([503, 429, 429], (429, 503))],
)
def test_failover_statuses(given: list[int] | None, statuses: tuple[int, ...]) -> None:
    """The usual ones unless others are given, none included; they come back from the document."""
    service = parse_service(document(failover=given))
    assert service.failover == statuses
    assert parse_service(service_document(service)) == service


@pytest.mark.parametrize("status", [401, 404, 200, 600, True, "429", 429.0])
def test_statuses_that_move_nothing(status: object) -> None:
    """A status that does not say that the upstream left the request alone is refused."""
    assert "neither 429 nor 500 to 599" in refusal(document(failover=[status]))
