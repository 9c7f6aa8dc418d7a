"""What the responses of a service are scrubbed with, and how long that is kept."""

import gc

from proxy_core.domain.exchange import Scrub
from proxy_core.services.application import Application
from proxy_core.services.broker import Broker
from tests.services.conftest import (
    basic,
    facts,
    make_agent,
    put_credentials,
    put_service,
)

HOST = "api.example.com"


async def scrub_of(app: Application, host: str = HOST) -> Scrub | None:
    """What an agent's request to the host gets."""
    tokens: dict[str, str] = app.__dict__.setdefault("test_tokens", {})
    if "bot" not in tokens:
        tokens["bot"] = await make_agent(app, "bot", "default")
    broker: Broker = app.broker
    access = broker.authenticate(basic(tokens["bot"], "default"))
    return (await broker.inject(broker.decide(access, facts(host)))).scrub


async def test_a_service_scrubs_by_default(app: Application) -> None:
    """The credential's value becomes `__key__`; compiled once, for all requests."""
    await put_credentials(app, API_KEY="s3cret-value")
    await put_service(app, "example", HOST, "API_KEY")
    scrub = await scrub_of(app)
    assert scrub is not None
    assert scrub.whole(b"it is s3cret-value.") == b"it is __api_key__."
    assert await scrub_of(app) is scrub


async def test_scrub_false_and_hosts_without_a_service_pass(app: Application) -> None:
    """So does a service whose secrets are all too short to look for."""
    await put_credentials(app, API_KEY="s3cret-value", PIN="1234")
    await put_service(app, "example", HOST, "API_KEY", scrub=False)
    await put_service(app, "short", "short.example.com", "PIN")
    for host in (HOST, "short.example.com", "elsewhere.example"):
        assert await scrub_of(app, host) is None


async def test_a_substitutions_placeholder_stands_for_its_secret(app: Application) -> None:
    """What an agent sends comes back to it."""
    await put_credentials(app, API_KEY="s3cret-value", OTHER="other-value")
    item = {"key": "OTHER", "placeholder": "__mine__", "in": ["path"]}
    await put_service(app, "example", HOST, "API_KEY", substitutions=[item])
    scrub = await scrub_of(app)
    assert scrub is not None
    assert scrub.whole(b"s3cret-value other-value") == b"__api_key__ __mine__"


async def test_a_new_value_is_scrubbed_at_the_next_request(app: Application) -> None:
    """What the old one was compiled to is not kept."""
    await put_credentials(app, API_KEY="s3cret-value")
    await put_service(app, "example", HOST, "API_KEY")
    await scrub_of(app)
    await put_credentials(app, API_KEY="rotated-value")
    scrub = await scrub_of(app)
    assert scrub is not None
    assert scrub.whole(b"s3cret-value rotated-value") == b"s3cret-value __api_key__"
    gc.collect()
    assert len(app._context.sealer.derived) == 1


async def test_sealing_drops_what_was_compiled(app: Application) -> None:
    """Patterns hold the secrets: they go with the key."""
    await put_credentials(app, API_KEY="s3cret-value")
    await put_service(app, "example", HOST, "API_KEY")
    await scrub_of(app)
    assert len(app._context.sealer.derived) == 1
    app._context.sealer.forget()
    assert len(app._context.sealer.derived) == 0
