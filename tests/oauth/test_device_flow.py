"""Device codes: the provider's pace, and how the wait ends."""

import pytest

from proxy_core.domain.oauth import DeviceStart, OAuthClient, TokenError, TokenSet
from proxy_core.oauth.device import await_device
from proxy_core.oauth.endpoint import TokenEndpoint
from tests.oauth.servers import Script, listening, plain_http, reply

PENDING = reply('{"error":"authorization_pending"}', 400)
SLOW = reply('{"error":"slow_down"}', 400)
TOKENS = reply('{"access_token":"at","refresh_token":"rt"}')
STARTED = (
    '{"device_code":"dc","user_code":"WDJB-MJHT","verification_uri":"https://x.test/device",'
    '"expires_in":900,"interval":5}'
)


class Time:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def time() -> Time:
    """The clock of a wait."""
    return Time()


async def wait(time: Time, *answers: bytes, expires_in: float = 900) -> TokenSet:
    """Wait for a person while the server gives these answers."""
    start = DeviceStart("https://x.test/device", "WDJB-MJHT", b"dc", 5.0, time.now + expires_in)
    async with listening(Script(*answers)) as port:
        client = OAuthClient(token_url=f"http://127.0.0.1:{port}/", client_id="tv")
        endpoint = TokenEndpoint(plain_http(), time)
        return await await_device(endpoint, client, None, start, clock=time, sleep=time.sleep)


async def test_the_person_agrees(time: Time) -> None:
    """It is asked at the interval until tokens come."""
    tokens = await wait(time, PENDING, PENDING, TOKENS)
    assert tokens.refresh_token == b"rt"
    assert time.slept == [5, 5, 5]


async def test_slow_down_adds_five_seconds_for_good(time: Time) -> None:
    """RFC 8628 3.5."""
    await wait(time, SLOW, PENDING, SLOW, TOKENS)
    assert time.slept == [5, 10, 10, 15]


async def test_a_provider_in_trouble_is_asked_less_often(time: Time) -> None:
    """5xx doubles the interval, and Retry-After is obeyed."""
    trouble, busy = reply(status=503), reply(status=429, Retry_After="100")
    await wait(time, trouble, trouble, busy, TOKENS)
    assert time.slept == [5, 10, 20, 100]


async def test_the_person_refuses(time: Time) -> None:
    """access_denied ends the wait at once."""
    with pytest.raises(TokenError) as caught:
        await wait(time, PENDING, reply('{"error":"access_denied"}', 400))
    assert (caught.value.final, caught.value.code) == (True, "access_denied")


async def test_the_provider_says_expired(time: Time) -> None:
    """expired_token ends the wait."""
    with pytest.raises(TokenError) as caught:
        await wait(time, reply('{"error":"expired_token"}', 400))
    assert (caught.value.final, caught.value.code) == (True, "expired_token")


async def test_the_codes_expire(time: Time) -> None:
    """The wait ends with the codes' life, with a last question at its very end."""
    with pytest.raises(TokenError) as caught:
        await wait(time, PENDING, PENDING, PENDING, expires_in=12)
    assert (caught.value.final, caught.value.code) == (True, "expired_token")
    assert time.slept == [5, 5, 2]


async def start(answer: bytes) -> DeviceStart:
    """What the device endpoint's answer is read as."""
    async with listening(Script(answer)) as port:
        url = f"http://127.0.0.1:{port}/"
        client = OAuthClient(token_url=url, device_authorization_url=url, client_id="tv")
        return await TokenEndpoint(plain_http(), lambda: 1000.0).start_device(client)


async def test_the_start() -> None:
    """The codes, the address, the pace and the end are read."""
    assert await start(reply(STARTED)) == DeviceStart(
        "https://x.test/device", "WDJB-MJHT", b"dc", 5.0, 1900.0
    )


async def test_googles_names_and_the_defaults() -> None:
    """Google says URL for URI; without an interval it is five seconds."""
    body = STARTED.replace("verification_uri", "verification_url").replace(',"interval":5', "")
    assert await start(reply(body)) == await start(reply(STARTED))


async def test_githubs_form() -> None:
    """GitHub may answer with a form."""
    form = (
        "device_code=dc&expires_in=900&interval=5&user_code=WDJB-MJHT"
        "&verification_uri=https%3A%2F%2Fx.test%2Fdevice"
    )
    answer = reply(form, kind="application/x-www-form-urlencoded; charset=utf-8")
    assert await start(answer) == await start(reply(STARTED))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"dc"', '""'),
        ('"WDJB-MJHT"', "7"),
        ("https://x.test/device", "javascript:alert(1)"),
        ("https://x.test/device", "https://x.test/ a"),
        ("900", "0"),
    ],
)
async def test_a_start_that_can_not_be_used(old: str, new: str) -> None:
    """Without a code, an address for a browser or an end there is nothing to show."""
    with pytest.raises(TokenError) as caught:
        await start(reply(STARTED.replace(old, new)))
    assert caught.value.code == "bad_reply"


async def test_a_provider_without_device_codes() -> None:
    """Nothing is sent where there is no endpoint."""
    with pytest.raises(TokenError) as caught:
        await TokenEndpoint(plain_http()).start_device(OAuthClient(token_url="https://x.test/"))
    assert caught.value.code == "client_incomplete"
