"""Keys of roles, from an STS on a real socket that answers as AWS documents it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.session import Session

from proxy_core.domain.cloud.aws_keys import AwsKeys
from proxy_core.domain.cloud.minted import Recipe, recipe_of
from proxy_core.domain.cloud.sts import assume_role_form
from proxy_core.domain.oauth import TokenError, TokenSet
from proxy_core.domain.service import Auth, AuthType, Service
from proxy_core.oauth.endpoint import TokenEndpoint
from proxy_core.oauth.github_app import InstallationTokens
from proxy_core.services.cloud.minters import CloudMinter
from proxy_core.services.cloud.roles import AssumedRoles, signed_fields
from tests.cloud.checking import KEY_ID, SECRET
from tests.oauth.clouds import NOW, playing
from tests.oauth.servers import Answer, Received, Script, reply
from tests.services.cloud.sts import ROLE, TEMPORARY, FakeSts, answered, refused

STS = "sts.eu-west-1.amazonaws.com"
AUTH = Auth(AuthType.AWS_SIGV4, access_key_id="ID", secret_access_key="SECRET", role_arn=ROLE)
LENT = TokenSet(AwsKeys(*TEMPORARY).packed(), expires_at=NOW + 3600)


def recipe(**more: object) -> Recipe:
    """For a role that signs for S3 in Ireland."""
    auth = replace(AUTH, **more)  # type: ignore[arg-type]
    return recipe_of(Service("s3", "s3.eu-west-1.amazonaws.com", auth))


@asynccontextmanager
async def minter(answer: Answer, seconds: float = 5) -> AsyncIterator[CloudMinter]:
    """What asks that STS."""
    async with playing(STS, answer, seconds) as http:
        roles = AssumedRoles(http, lambda: NOW)
        yield CloudMinter(TokenEndpoint(http), InstallationTokens(http), roles)


async def failure(*answers: bytes | None, **more: object) -> TokenError:
    """What comes of an STS that gives these answers."""
    async with minter(Script(*answers)) as minting:
        with pytest.raises(TokenError) as caught:
            await minting.mint(recipe(**more), SECRET.encode(), KEY_ID.encode())
    return caught.value


async def test_the_stored_keys_bring_the_roles() -> None:
    """By one form to the region's STS, which accepts the signature."""
    sts = FakeSts()
    async with minter(sts) as minting:
        assert await minting.mint(recipe(), f"{SECRET}\n".encode(), KEY_ID.encode()) == LENT
    (asked,) = sts.received
    assert (asked.method, asked.target, asked.headers["host"]) == ("POST", "/", STS)
    assert asked.form == {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": ROLE,
        "RoleSessionName": "vault-tui",
    }
    assert SECRET not in str(asked)


async def test_what_the_operator_asks_for_goes_along() -> None:
    """The session's name, its life, what the role's owner wants to hear, and a session's token."""
    sts = FakeSts()
    auth = {"external_id": "acme:7", "session_name": "agents@ci", "duration": 900}
    async with minter(sts) as minting:
        values = (SECRET.encode(), KEY_ID.encode(), b"session/token==")
        await minting.mint(recipe(session_token="TOKEN", **auth), *values)
    (asked,) = sts.received
    assert asked.form["ExternalId"] == "acme:7"
    assert asked.form["RoleSessionName"] == "agents@ci"
    assert asked.form["DurationSeconds"] == "900"
    assert asked.headers["x-amz-security-token"] == "session/token=="


def test_it_is_what_botocore_would_send(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same form and the same signature, at the same second."""
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: now)
    sent: list[AWSPreparedRequest] = []

    def answer(request: AWSPreparedRequest, **_: object) -> _Answer:
        sent.append(request)
        return _Answer(answered())

    session = Session()
    session.set_credentials(KEY_ID, SECRET, "session-token")
    theirs = session.create_client("sts", region_name="eu-west-1")
    theirs.meta.events.register("before-send.sts.AssumeRole", answer)
    theirs.assume_role(
        RoleArn=ROLE, RoleSessionName="agents", DurationSeconds=900, ExternalId="acme:7/b"
    )
    asked = recipe(external_id="acme:7/b", session_name="agents", duration=900)
    form = assume_role_form(asked.auth)
    ours = signed_fields(asked, AwsKeys(KEY_ID, SECRET, "session-token"), form)
    (request,) = sent
    assert (request.url, request.body) == (f"https://{STS}/", form.decode())
    for name, value in ours.items():
        assert value.encode() == _bytes(request.headers[name]), name


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


class _Answer:
    """An answer as botocore reads it."""

    status_code = 200

    def __init__(self, text: str) -> None:
        self.headers = {"Content-Type": "text/xml"}
        self.content, self.text = text.encode(), text


@pytest.mark.parametrize(
    ("status", "code", "final"),
    [
        (403, "AccessDenied", True),
        (403, "ExpiredToken", True),
        (403, "RegionDisabledException", True),
        (400, "ValidationError", True),
        (400, "Throttling", False),
        (500, "InternalFailure", False),
        (503, "ServiceUnavailable", False),
    ],
)
async def test_a_refusal_says_what_sts_says(status: int, code: str, final: bool) -> None:
    """For good or for now, and made fit for a terminal."""
    error = await failure(refused(code, "because of &lt;you&gt; \u202e!", status))
    assert (error.final, error.code, error.status) == (final, code, status)
    assert error.detail == f"STS refuses the role: {code}: because of <you> \\u202e!"


async def test_a_refusal_shows_no_secret() -> None:
    """Whatever STS echoes of what it was asked with."""
    error = await failure(refused("SignatureDoesNotMatch", f"{SECRET} of {KEY_ID} is wrong"))
    assert SECRET not in str(error)
    assert KEY_ID not in str(error)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<AssumeRoleResponse/>",
        answered()[:-5],
        answered("ASIA 1", "secret", "token"),
        answered("ASIA1", "", "token"),
        answered("ASIA1", "secret", "to\nken"),
        answered(expiration="never"),
        answered(expiration="2027-01-15T09:00:00"),
        answered(expiration="2020-01-15T09:00:00Z"),
        answered().replace("</Credentials>", "<AccessKeyId>ASIA2</AccessKeyId></Credentials>"),
        '<!DOCTYPE a [<!ENTITY t "token">]>' + answered("ASIA1", "secret", "&t;"),
        answered() + " " * 70_000,
        '{"AssumeRoleResponse": {}}',
    ],
)
async def test_an_answer_that_cant_be_used_is_none(body: str) -> None:
    """Cut, malformed, huge, doubled, with entities, or of keys that have ended: try again later."""
    error = await failure(reply(body, kind="text/xml"))
    assert (error.final, error.code) == (False, "bad_reply")
    assert "secret" not in str(error)


async def test_a_malformed_refusal_is_one_all_the_same() -> None:
    """By its status alone."""
    bomb = '<!DOCTYPE a [<!ENTITY x "ha">]><ErrorResponse><Error><Code>&x;</Code></Error>'
    error = await failure(reply(bomb, 403, "text/xml"))
    assert (error.final, error.code) == (True, "http_403")


async def test_an_sts_that_does_not_answer_is_not_waited_for() -> None:
    """Nor is one that cuts the connection."""
    never = asyncio.Event()

    async def silent(_: Received) -> None:
        await never.wait()

    async with minter(silent, seconds=0.2) as minting:
        with pytest.raises(TokenError) as caught:
            await minting.mint(recipe(), SECRET.encode(), KEY_ID.encode())
    assert (caught.value.final, caught.value.code) == (False, "timeout")
    assert (await failure(None, None)).code == "unreachable"


@pytest.mark.parametrize(("secret", "key_id"), [(b" ", b"AKIA"), (b"s", b"two words")])
async def test_what_is_no_key_is_refused(secret: bytes, key_id: bytes) -> None:
    """For good, and without asking."""
    sts = FakeSts()
    async with minter(sts) as minting:
        with pytest.raises(TokenError) as caught:
            await minting.mint(recipe(), secret, key_id)
    assert (caught.value.final, caught.value.code) == (True, "invalid_key")
    assert not sts.received
