"""Who plays in the demo: vaults, services, credentials, agents. Data, nothing else."""

from typing import Any

from vault_tui.demo.quota import Course, Courses
from vault_tui.demo.roles import DemoVault, Grant, Offer, Part, Player


def _bearer(name: str, host: str, key: str, **more: Any) -> Part:
    document = {"name": name, "host": host, "auth": {"type": "bearer", "token": key}, **more}
    return Part(document, (key,), "authorization", f"Bearer {{{key}}}")


def _signed_in(name: str, host: str, key: str) -> Part:
    auth = {"type": "bearer", "token": key}
    return Part({"name": name, "host": host, "auth": auth}, signs_in=True)


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
            _signed_in("anthropic", "api.anthropic.com", "ANTHROPIC"),
            _signed_in("gitlab", "gitlab.com/api/*", "GITLAB_OAUTH"),
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
_GITLAB = "gitlab.com"


def _account(name: str, life: int, quota: Courses, joins: bool = True) -> Grant:
    return Grant(
        name,
        host=_ANTHROPIC,
        token_host="platform.claude.com",  # noqa: S106 - a host
        token_path="/v1/oauth/token",  # noqa: S106 - a path
        life=life,
        prefix="sk-ant-",
        email=f"{name}@acme.test",
        quota=quota,
        joins=joins,
    )


_HOUR, _DAY = 3600.0, 86_400.0
# `work` is nearly used up, so that the pool soon moves to `spare`, and soon back: a short play
# shows both.
GRANTS = (
    _account(
        "work",
        150,
        {
            "5h": Course(5 * _HOUR, 5 * _HOUR - 130, 0.80 - 5.4 * (5 - 130 / _HOUR), 5.4, 1.0),
            "7d": Course(7 * _DAY, 3 * _DAY, 0.18 - 0.006 * 72, 0.006),
            "7d_opus": Course(),
        },
    ),
    _account(
        "spare",
        3600,
        {
            "5h": Course(5 * _HOUR, 2 * _HOUR, 0.07, 0.12),
            "7d": Course(7 * _DAY, 5 * _DAY, 0.30, 0.003),
            "7d_opus": Course(7 * _DAY, 5 * _DAY, 0.83),
        },
    ),
    _account(
        "lab",
        28_800,
        {
            "5h": Course(5 * _HOUR, 5 * _HOUR - 1460, 1.0, most=1.0),
            "7d": Course(7 * _DAY, 1 * _DAY, 0.44),
        },
        joins=False,
    ),
    Grant(
        "GITLAB_OAUTH",
        host=_GITLAB,
        token_host=_GITLAB,
        token_path="/oauth/token",  # noqa: S106 - a path
        life=75,
        prefix="glo",
    ),
)

PLAYERS = (
    Player(
        "claude-refactor",
        "default",
        (
            Offer("POST", _ANTHROPIC, "/v1/messages", 6, events=24, body=4200),
            Offer("POST", _ANTHROPIC, "/v1/messages", 3, slow=0.3, body=2600),
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
            Offer("GET", _GITLAB, "/api/v4/projects/{n}/pipelines", 2),
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
            Offer("GET", _GITHUB, "/repos/acme/shop/issues/{n}", 1, refused="service_not_granted"),
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
        services=("slack-bot", "stripe", "telegram"),
        life=30 * 86_400,
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

_ASKED = (offer.host for player in PLAYERS for offer in player.offers)
HOSTS = tuple(dict.fromkeys((*_ASKED, *(grant.token_host for grant in GRANTS))))
