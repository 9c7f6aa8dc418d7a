"""By what Claude Code proves itself: both headers apart, and why the others lose."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.domain.doctor import (
    ClaudeFacts,
    GatewayLogin,
    LoginFile,
    Scope,
    choose_method,
)
from proxy_core.domain.doctor.method import GATEWAY_LOGIN, Method, describe_method
from tests.domain.doctor.well import claude, settings

KEY, TOKEN, OAUTH = "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"
LOGIN = LoginFile("/home/ada/.claude/.credentials.json", scopes=("user:inference",))
HELPER = settings(apiKeyHelper="get-key")


def sources(method: Method) -> tuple[str, str]:
    """(Authorization, x-api-key), empty for a header that is not sent."""
    both = (method.authorization.source, method.api_key.source)
    first, second = ("" if one is None else one.name for one in both)
    return first, second


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (claude(), ("", "")),
        (claude(login=LOGIN), ("login", "")),
        (claude(login=LOGIN, environ={OAUTH: "x"}), (OAUTH, "")),
        (claude(login=LOGIN, environ={KEY: "x"}), ("", KEY)),
        (claude(login=LOGIN, environ={TOKEN: "x"}), (TOKEN, "")),
        (claude(environ={TOKEN: "x", KEY: "y"}), (TOKEN, KEY)),
        (claude(HELPER), ("apiKeyHelper", "apiKeyHelper")),
        (claude(HELPER, environ={KEY: "x"}), ("apiKeyHelper", KEY)),
        (claude(HELPER, environ={TOKEN: "x"}), (TOKEN, "apiKeyHelper")),
        (claude(HELPER, login=LOGIN, environ={OAUTH: "x"}), ("apiKeyHelper", "apiKeyHelper")),
        (claude(config={"primaryApiKey": "k"}), ("", "primaryApiKey")),
        (claude(environ={KEY: "x"}, config={"primaryApiKey": "k"}), ("", KEY)),
        (claude(config={"primaryApiKey": "k"}, login=LOGIN), ("login", "")),
        (claude(config={"primaryApiKey": "k"}, environ={OAUTH: "x"}), (OAUTH, "")),
        (claude(config={"primaryApiKey": "k"}, environ={TOKEN: "x"}), (TOKEN, "primaryApiKey")),
        (
            claude(config={"primaryApiKey": "k"}, environ={"CLAUDE_CODE_REMOTE": "1"}),
            ("", "primaryApiKey"),
        ),
        (claude(login=LoginFile("f")), ("", "")),
        (claude(config={"primaryApiKey": "k"}, bare=True), ("", "")),
        (claude(login=LOGIN, bare=True, environ={OAUTH: "x"}), ("", "")),
        (claude(bare=True, environ={TOKEN: "x", KEY: "y"}), (TOKEN, KEY)),
        (claude(settings(env={KEY: "x"}), bare=True), ("", KEY)),
        (claude(HELPER, bare=True, environ={KEY: "x"}), ("", KEY)),
        (
            claude(settings(Scope.EXPLICIT, apiKeyHelper="h"), bare=True),
            ("apiKeyHelper", "apiKeyHelper"),
        ),
        (
            claude(HELPER, environ={KEY: "x", OAUTH: "o", "CLAUDE_CODE_REMOTE": "1"}),
            (OAUTH, ""),
        ),
        (
            claude(login=LOGIN, environ={TOKEN: "x", "CLAUDE_CODE_ENTRYPOINT": "claude-desktop"}),
            ("login", ""),
        ),
        (
            claude(environ={KEY: "x", "ANTHROPIC_CUSTOM_HEADERS": "A: b\nX-Api-Key: c"}),
            ("", "ANTHROPIC_CUSTOM_HEADERS"),
        ),
    ],
)
def test_each_header_has_its_own_order(facts: ClaudeFacts, expected: tuple[str, str]) -> None:
    """As it was observed with the program itself."""
    assert sources(choose_method(facts)) == expected


@pytest.mark.parametrize(
    ("files", "origin"),
    [
        ((settings(env={KEY: "x"}),), "/user/settings.json: env.ANTHROPIC_API_KEY"),
        (
            (settings(Scope.LOCAL, env={KEY: "x"}), settings(env={KEY: "y"})),
            "/local/settings.json: env.ANTHROPIC_API_KEY",
        ),
        ((settings(env={"OTHER": "x"}),), "environment"),
        ((settings(env="nonsense"),), "environment"),
    ],
)
def test_a_value_is_told_with_its_place(files: tuple[object, ...], origin: str) -> None:
    """The strongest file first; a file's variables replace the environment's."""
    method = choose_method(claude(*files, environ={KEY: "z"}))  # type: ignore[arg-type]
    assert method.api_key.source is not None
    assert method.api_key.source.origin == origin


def test_losers_say_why() -> None:
    """Who came first, or what switches them off."""
    method = choose_method(claude(HELPER, login=LOGIN, environ={TOKEN: "x"}))
    assert [(one.value.name, one.why) for one in method.authorization.losers] == [
        ("apiKeyHelper", "ANTHROPIC_AUTH_TOKEN comes first"),
        (
            "login",
            "ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN and apiKeyHelper switch logins off",
        ),
    ]


def test_a_login_at_a_gateway_comes_before_everything() -> None:
    """Clouds, headers of one's own and `--bare` too, until it has ended."""
    environ = {TOKEN: "x", KEY: "y", "CLAUDE_CODE_USE_BEDROCK": "1"}
    stored = GatewayLogin("/c.json", "https://gateway.test/claude", "secret-token")
    method = choose_method(claude(HELPER, environ=environ, gateway=stored, bare=True))
    assert (sources(method), method.cloud) == ((GATEWAY_LOGIN, ""), "")
    assert method.base_url is not None
    assert method.base_url.text == stored.url
    assert {one.value.name for one in method.authorization.losers} == {TOKEN}
    assert {one.value.name for one in method.api_key.losers} == {KEY}
    assert "secret-token" not in repr(method) + "".join(describe_method(method))
    ended = replace(stored, ended=True)
    assert sources(choose_method(claude(environ={KEY: "y"}, gateway=ended))) == ("", KEY)


@pytest.mark.parametrize(
    ("environ", "cloud"),
    [
        ({"CLAUDE_CODE_USE_BEDROCK": "1", "CLAUDE_CODE_USE_VERTEX": "true"}, "bedrock"),
        ({"CLAUDE_CODE_USE_VERTEX": "on"}, "vertex"),
        ({"CLAUDE_CODE_USE_FOUNDRY": "YES"}, "foundry"),
        ({"CLAUDE_CODE_USE_BEDROCK": "0"}, ""),
    ],
)
def test_the_first_cloud_that_is_switched_on_wins(environ: dict[str, str], cloud: str) -> None:
    """And `0` is off."""
    assert choose_method(claude(environ=environ)).cloud == cloud


NAMES = [KEY, TOKEN, OAUTH, "ANTHROPIC_CUSTOM_HEADERS", "CLAUDE_CODE_REMOTE"]


@given(
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["", "1", "x: y", "x-api-key: s"])),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_every_value_wins_or_loses_and_none_is_shown(
    environ: dict[str, str], helper: bool, login: bool, bare: bool
) -> None:
    """Whatever is set: nothing is sent that was barred, and no representation holds a value."""
    files = (settings(apiKeyHelper="secret-helper"),) if helper else ()
    found = claude(*files, environ=environ, login=LOGIN if login else None, bare=bare)
    method = choose_method(found)
    for header in (method.authorization, method.api_key):
        lost = {one.value.name for one in header.losers}
        assert header.source is None or header.source.name not in lost
    if (environ.get(KEY) or environ.get(TOKEN)) and not method.managed:
        assert sources(method)[0] not in {"login", OAUTH}
    assert "secret-helper" not in repr(method)
