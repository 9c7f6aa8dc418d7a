"""Who plays in the demo: vaults, services, credentials, agents. Data, nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Offer:
    """A kind of request that an agent likes to send.

    `{n}` in the path stands for a number. `answers` are statuses of the upstream, each as likely;
    `slow` is the share of requests that the upstream takes its time for; `events` > 0 is a stream
    of that many server-sent events. `refused` is the code with which the proxy itself answers.
    `text` is sent as the body instead of `body` bytes of nothing.
    """

    method: str
    host: str
    path: str
    weight: int = 1
    answers: tuple[int, ...] = (200,)
    slow: float = 0.0
    events: int = 0
    body: int = 0
    refused: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Player:
    """An agent: its vault, what it asks, and what it asks that a rule holds for an operator."""

    name: str
    vault: str
    offers: tuple[Offer, ...]
    asks: tuple[Offer, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A service, and how its upstream recognises the credential.

    `header` and `expects` are what the upstream has to receive, `{KEY}` being a credential's value
    and `{basic}` the first one as a basic user name; `in_path` is expected in the path instead.
    """

    document: Mapping[str, Any]
    keys: tuple[str, ...] = ()
    header: str = ""
    expects: str = ""
    in_path: str = ""


@dataclass(frozen=True, slots=True)
class DemoVault:
    """One vault. `lacks` are credentials that its services name and that do not exist."""

    name: str
    parts: tuple[Part, ...]
    policy: str = "passthrough"
    lacks: frozenset[str] = field(default_factory=frozenset)


def _bearer(name: str, host: str, key: str, **more: Any) -> Part:
    document = {"name": name, "host": host, "auth": {"type": "bearer", "token": key}, **more}
    return Part(document, (key,), "authorization", f"Bearer {{{key}}}")


_ANTHROPIC_AUTH = {"type": "api-key", "key": "ANTHROPIC_API_KEY", "header": "x-api-key"}
_PAGERDUTY_AUTH = {
    "type": "api-key",
    "key": "PAGERDUTY_TOKEN",
    "header": "Authorization",
    "prefix": "Token token=",
}
_TELEGRAM_PLACEHOLDER = "__telegram_bot_token__"

VAULTS = (
    DemoVault(
        "default",
        (
            _bearer(
                "github",
                "api.github.com",
                "GITHUB_TOKEN",
                rules=[
                    {"methods": ["DELETE"], "path": "/repos/*", "action": "deny"},
                    {"methods": ["PUT"], "path": "/repos/*/merge", "action": "ask"},
                ],
            ),
            _bearer(
                "openai",
                "api.openai.com",
                "OPENAI_API_KEY",
                rules=[{"methods": ["DELETE"], "action": "ask"}],
            ),
            Part(
                {"name": "anthropic", "host": "api.anthropic.com", "auth": _ANTHROPIC_AUTH},
                ("ANTHROPIC_API_KEY",),
                "x-api-key",
                "{ANTHROPIC_API_KEY}",
            ),
            Part(
                {
                    "name": "stripe",
                    "host": "api.stripe.com",
                    "auth": {"type": "basic", "username": "STRIPE_SECRET_KEY"},
                    "rules": [
                        {"path": "/v1/refunds", "action": "deny"},
                        {"methods": ["POST"], "path": "/v1/payouts", "action": "ask"},
                    ],
                },
                ("STRIPE_SECRET_KEY",),
                "authorization",
                "Basic {basic}",
            ),
            _bearer("slack-bot", "slack.com/api/*", "SLACK_BOT_TOKEN"),
            Part(
                {
                    "name": "telegram",
                    "host": "api.telegram.org",
                    "auth": {"type": "passthrough"},
                    "substitutions": [
                        {
                            "key": "TELEGRAM_BOT_TOKEN",
                            "placeholder": _TELEGRAM_PLACEHOLDER,
                            "in": ["path"],
                        }
                    ],
                },
                ("TELEGRAM_BOT_TOKEN",),
                in_path="/bot{TELEGRAM_BOT_TOKEN}/",
            ),
            _bearer("linear", "api.linear.app", "LINEAR_API_KEY", enabled=False),
            _bearer("sentry", "sentry.io/api/*", "SENTRY_AUTH_TOKEN"),
        ),
        lacks=frozenset({"SENTRY_AUTH_TOKEN"}),
    ),
    DemoVault(
        "production",
        (
            Part(
                {"name": "pagerduty", "host": "api.pagerduty.com", "auth": _PAGERDUTY_AUTH},
                ("PAGERDUTY_TOKEN",),
                "authorization",
                "Token token={PAGERDUTY_TOKEN}",
            ),
        ),
        policy="deny",
    ),
)

_GITHUB, _OPENAI, _ANTHROPIC = "api.github.com", "api.openai.com", "api.anthropic.com"
_STRIPE, _SLACK = "api.stripe.com", "slack.com"

PLAYERS = (
    Player(
        "claude-refactor",
        "default",
        (
            Offer("POST", _ANTHROPIC, "/v1/messages", 6, events=24, body=4200),
            Offer("POST", _ANTHROPIC, "/v1/messages", 3, (200, 200, 200, 529), 0.3, body=2600),
            Offer("GET", _GITHUB, "/repos/acme/shop/pulls/{n}", 4),
            Offer("GET", _GITHUB, "/repos/acme/shop/contents/src/cart_{n}.py", 4, (200, 200, 404)),
            Offer("DELETE", _GITHUB, "/repos/acme/shop", refused="method_not_allowed"),
        ),
        asks=(
            Offer(
                "PUT",
                _GITHUB,
                "/repos/acme/shop/pulls/{n}/merge",
                text='{"merge_method": "squash", "commit_title": "Refactor the cart"}',
            ),
        ),
    ),
    Player(
        "ci-bot",
        "default",
        (
            Offer("GET", _GITHUB, "/repos/acme/shop/actions/runs?page={n}", 5),
            Offer("POST", _GITHUB, "/repos/acme/shop/statuses/{n}", 4, (201,), body=180),
            Offer("GET", "pack.org", "/simple/requests/", 3),
            Offer("POST", "sentry.io", "/api/0/releases/", 1, refused="credential_not_found"),
            Offer("POST", _SLACK, "/api/chat.postMessage", 2, body=240),
        ),
    ),
    Player(
        "research-agent",
        "default",
        (
            Offer("POST", _OPENAI, "/v1/chat/completions", 5, events=16, body=1800),
            Offer("POST", _OPENAI, "/v1/embeddings", 4, (200, 200, 200, 429), 0.2, body=9000),
            Offer("GET", "export.arxiv.org", "/api/query?start={n}", 2, slow=0.5),
            Offer("POST", "api.linear.app", "/graphql", 1, refused="service_disabled"),
        ),
        asks=(Offer("DELETE", _OPENAI, "/v1/vector_stores/vs_{n}"),),
    ),
    Player(
        "billing-agent",
        "default",
        (
            Offer("GET", _STRIPE, "/v1/customers?limit={n}", 4),
            Offer("POST", _STRIPE, "/v1/invoices", 3, (200, 200, 200, 402, 500), body=320),
            Offer("POST", _STRIPE, "/v1/refunds", 1, refused="path_not_allowed"),
            Offer("POST", _SLACK, "/api/chat.postMessage", 2, body=240),
            Offer(
                "POST",
                "api.telegram.org",
                f"/bot{_TELEGRAM_PLACEHOLDER}/sendMessage",
                2,
                body=120,
            ),
        ),
        asks=(
            Offer(
                "POST",
                _STRIPE,
                "/v1/payouts",
                text='{"amount": 1250000, "currency": "eur", "description": "July, acme.test"}',
            ),
        ),
    ),
    Player(
        "oncall",
        "production",
        (
            Offer("GET", "api.pagerduty.com", "/incidents?offset={n}", 4),
            Offer("PUT", "api.pagerduty.com", "/incidents/{n}", 2, (200, 200, 503), body=90),
            Offer("GET", "registry.acme.test", "/left-pad", 1, refused="forbidden"),
        ),
    ),
)

HOSTS = tuple(dict.fromkeys(offer.host for player in PLAYERS for offer in player.offers))
