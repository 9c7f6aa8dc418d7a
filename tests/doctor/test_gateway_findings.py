"""Logins at the gateway, and the command that prints tokens for it."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from proxy_core.base.paths import Home
from proxy_core.tokens.login import Login, LoginDirectory
from tests.doctor.scene import (
    CREDENTIALS,
    GATEWAY,
    GATEWAY_LOGIN,
    HELPER,
    LOGIN,
    USER,
    WRITTEN,
    Expected,
    Scene,
    assert_found,
    token_login,
)
from tests.domain.doctor.well import WORKER
from tests.oauth.servers import Script, listening, reply
from vault_tui.doctor.token_login import token_login_facts

SCENES: dict[str, Expected] = {
    "a gateway behind a company's proxy": (
        Scene({**GATEWAY, "HTTPS_PROXY": "http://proxy.corp:3128"}, wired=False),
        "gateway_proxied",
        "export NO_PROXY=localhost,127.0.0.1,::1 no_proxy=localhost,127.0.0.1,::1",
    ),
    "a device whose login was revoked": (
        Scene(
            {},
            user={CREDENTIALS: GATEWAY_LOGIN},
            worker=replace(WORKER, gateway_token="unauthorized"),
        ),
        "gateway_token",
        "claude /login",
    ),
    "a login at a gateway that has ended": (
        Scene(
            {},
            user={
                CREDENTIALS: {
                    **GATEWAY_LOGIN,
                    "enterpriseGateway": {**GATEWAY_LOGIN["enterpriseGateway"], "expiresAt": 1000},
                }
            },
        ),
        "gateway_token",
        "claude /login",
    ),
    "a login at somebody else's gateway": (
        Scene(
            user={
                CREDENTIALS: {
                    "enterpriseGateway": {"url": "https://corp.test/cc", "jwt": "sk-ant-gateway"},
                    "gatewayTrust": {"corp.test": "ab"},
                }
            },
        ),
        "gateway_first",
        "claude /logout",
    ),
    "a helper that nobody is signed in for": (
        Scene({}, user={USER: HELPER}, wired=False),
        "helper_login",
        "vault-tui setup claude-code",
    ),
    "a helper whose login has ended": (
        Scene({}, user={USER: HELPER}, home={LOGIN: {"issuer": "https://i.test"}}, wired=False),
        "helper_login",
        "vault-tui auth login",
    ),
    "a helper whose token lives shorter than it is kept": (
        Scene(
            {},
            user={USER: HELPER},
            home={LOGIN: token_login(vault="default", expires_at=WRITTEN + 900)},
            wired=False,
        ),
        "helper_outlives",
        "vault-tui setup claude-code --token-ttl",
    ),
    "a helper whose issuer is not there": (
        Scene(
            {},
            user={USER: HELPER},
            home={LOGIN: token_login(issuer="http://127.0.0.1:9")},
            wired=False,
        ),
        "issuer_unreachable",
        "curl -sSI http://127.0.0.1:9",
    ),
    "a helper whose last refresh failed": (
        Scene(
            {},
            user={USER: HELPER},
            home={
                LOGIN: token_login(vault="default"),
                "login/refresh.failed": f"{WRITTEN + 600}\nThe issuer answered with HTTP 503.",
            },
            wired=False,
        ),
        "helper_refresh",
        "vault-tui auth token --refresh >/dev/null",
    ),
}


@pytest.mark.parametrize("expected", SCENES.values(), ids=SCENES)
def test_each_has_its_finding(tmp_path: Path, expected: Expected) -> None:
    """With the one command that mends it."""
    assert_found(tmp_path, expected)


async def test_the_issuer_of_the_command_is_asked_for_its_clock(tmp_path: Path) -> None:
    """By what it publishes for everybody; no token is sent."""
    home = Home(tmp_path / "vault")
    script = Script(reply(Date="Mon, 01 Jan 2024 00:00:00 GMT"))
    async with listening(script) as port:
        issuer = f"http://127.0.0.1:{port}"
        LoginDirectory(home).save(Login(issuer=issuer, kept="file", refreshable=True))
        found = await asyncio.to_thread(token_login_facts, home)
    assert found is not None
    assert (found.usable, found.issuer, found.unreachable) == (True, issuer, "")
    assert found.clock is not None
    assert found.clock < -60
    (asked,) = script.received
    assert asked.target == "/.well-known/openid-configuration"
    assert "authorization" not in asked.headers


@pytest.mark.parametrize("date", ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "yesterday"])
async def test_an_issuer_whose_clock_tells_no_time(tmp_path: Path, date: str) -> None:
    """It answers, and that is all that is known."""
    home = Home(tmp_path / "vault")
    async with listening(Script(reply(Date=date))) as port:
        LoginDirectory(home).save(Login(issuer=f"http://127.0.0.1:{port}", kept="file"))
        found = await asyncio.to_thread(token_login_facts, home)
    assert found is not None
    assert (found.unreachable, found.clock) == ("", None)
