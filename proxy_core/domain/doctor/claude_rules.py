"""What can be wrong with the way in which Claude Code proves itself."""

from collections.abc import Iterator
from shlex import quote

from proxy_core.domain.doctor.facts import ClaudeFacts, Facts
from proxy_core.domain.doctor.findings import Finding, error, note, warning
from proxy_core.domain.doctor.method import LOGIN_SCOPE, Method, choose_method
from proxy_core.domain.doctor.values import (
    ENVIRONMENT,
    Value,
    custom_headers,
    setting,
    switched_on,
    variable,
)

_KEY_TAIL = 20  # `.claude.json` remembers a key by its last characters
_SECRETS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
OWN_TOKENS = ("vt_agt_", "vt_sess_")
OWN_HELPER = "vault-tui auth token"
LOGIN_ANEW = "vault-tui claude"


def claude_findings(facts: Facts) -> Iterator[Finding]:
    """Every rule of this module, for one directory and environment."""
    claude = facts.claude
    if claude is None:
        return
    method = choose_method(claude)
    if not method.cloud:
        yield from _nothing_to_send(facts, claude, method)
        yield from _real_secrets(claude, method)
        yield from _two_kinds(claude, method)
        yield from _switched_off_login(claude, method)
        yield from _login_file(facts, claude, method)
    yield from _managed(method)
    yield from _custom_headers(claude, method)
    yield from _rejected_key(claude)
    yield from _stale_cache(claude)


def take_away(value: Value) -> str:
    """The command that takes a value away."""
    if value.origin == ENVIRONMENT:
        return f"unset {value.name}"
    path = value.origin.partition(": ")[0]
    return f"${{EDITOR:-vi}} {quote(path)}"


def _nothing_to_send(facts: Facts, claude: ClaudeFacts, method: Method) -> Iterator[Finding]:
    in_use = claude.installed and (claude.settings or claude.config or claude.bare)
    if method.sources or claude.gateway or not in_use or not (facts.claude_behind or claude.bare):
        return
    why = "Claude Code asks for a login, or ends with 401."
    if claude.bare:
        what = "With --bare Claude Code has no credential: it heeds no login and no helper."
        yield error("no_credential", what, why, "export ANTHROPIC_API_KEY=__PLACEHOLDER__")
    else:
        what = "Claude Code has no credential here, not even a placeholder."
        yield error("no_credential", what, why, LOGIN_ANEW)


def _real_secrets(claude: ClaudeFacts, method: Method) -> Iterator[Finding]:
    sent = {value.name for value in method.sources}
    for name in _SECRETS:
        found = variable(claude, name)
        if found is None or name not in sent or found.placeholder:
            continue
        if found.text.startswith(OWN_TOKENS):  # for the gateway
            continue
        yield warning(
            "real_secret",
            f"{name} holds a real value ({found.origin}, {found.shown}), and Claude Code uses it.",
            "It wins over the vault's account, and the agent can read it.",
            take_away(found),
        )


def _two_kinds(claude: ClaudeFacts, method: Method) -> Iterator[Finding]:
    key, token = variable(claude, "ANTHROPIC_API_KEY"), variable(claude, "ANTHROPIC_AUTH_TOKEN")
    if key is not None and token is not None and not method.by_gateway_login:
        yield warning(
            "two_credentials",
            f"ANTHROPIC_API_KEY ({key.origin}) and ANTHROPIC_AUTH_TOKEN ({token.origin}) are both "
            "set.",
            "Claude Code sends both headers, and it is the upstream that decides which counts.",
            take_away(token),
        )


def _switched_off_login(claude: ClaudeFacts, method: Method) -> Iterator[Finding]:
    source = method.authorization.source or method.api_key.source
    helper = setting(claude, "apiKeyHelper")
    if method.base_url is not None or (helper is not None and OWN_HELPER in helper.text):
        return  # a gateway: its token comes first on purpose
    for loser in method.authorization.losers:
        if source is None or loser.value.name not in {"CLAUDE_CODE_OAUTH_TOKEN", "login"}:
            continue
        if "switch logins off" in loser.why:
            first = method.api_key.source or source
            yield warning(
                "login_ignored",
                f"{_named(loser.value)} is not used: {first.name} ({first.origin}) switches it "
                "off.",
                "An API key, a token or a helper always comes before a login.",
                take_away(first),
            )


def _named(value: Value) -> str:
    return f"The login ({value.origin})" if value.name == "login" else value.name


def _login_file(facts: Facts, claude: ClaudeFacts, method: Method) -> Iterator[Finding]:
    login, source = claude.login, method.authorization.source
    if login is None:
        return
    if login.open_to_others and not login.placeholder:
        what = f"{login.path} can be read by other users of this machine."
        yield error("login_open", what, "It holds a login.", f"chmod 600 {quote(login.path)}")
    if source is None and LOGIN_SCOPE not in login.scopes:
        what = f"The login in {login.path} lacks the scope {LOGIN_SCOPE}."
        yield error("login_scope", what, "Claude Code does not use it then.", LOGIN_ANEW)
    if source is None or source.name != "login":
        return
    expired = login.expires_at is not None and login.expires_at <= facts.now
    if expired and not login.has_refresh_token and not login.placeholder:
        what = f"The login in {login.path} has expired and cannot be refreshed."
        yield error("login_expired", what, "Every request is answered 401.", LOGIN_ANEW)
    if facts.claude_behind and not login.placeholder:
        yield warning(
            "real_login",
            f"Claude Code uses the real login in {login.path}, though the vault is in between.",
            "The agent can read it; and whoever refreshes it first ends it for the other.",
            LOGIN_ANEW,
        )


def _managed(method: Method) -> Iterator[Finding]:
    losers = [*method.authorization.losers, *method.api_key.losers]
    ignored = {loser.value.name for loser in losers if loser.why.startswith("a managed context")}
    if method.managed and ignored:
        yield warning(
            "managed_context",
            f"{', '.join(sorted(ignored))}: ignored, since a managed context started this session.",
            "Claude Code's web service and Claude Desktop take their own login alone.",
            "vault-tui claude",
        )


def _custom_headers(claude: ClaudeFacts, method: Method) -> Iterator[Finding]:
    headers, malformed = custom_headers(claude)
    found = variable(claude, "ANTHROPIC_CUSTOM_HEADERS")
    if found is None or method.by_gateway_login:
        return
    for name in ("authorization", "x-api-key"):
        if name in headers:
            yield warning(
                "custom_header",
                f"ANTHROPIC_CUSTOM_HEADERS ({found.origin}) sets {name}.",
                "It overrides every other way to prove oneself.",
                take_away(found),
            )
    if malformed:
        lines = ", ".join(map(str, malformed))
        what = f"ANTHROPIC_CUSTOM_HEADERS ({found.origin}) has no `Name: Value` in line {lines}."
        yield warning("malformed_header", what, "That line is not sent.", take_away(found))


def _rejected_key(claude: ClaudeFacts) -> Iterator[Finding]:
    key, answers = variable(claude, "ANTHROPIC_API_KEY"), claude.config.get("customApiKeyResponses")
    if key is None or not isinstance(answers, dict) or claude.bare:
        return
    tail = key.text[-_KEY_TAIL:]
    refused = answers.get("rejected")
    if isinstance(refused, list) and tail in refused:
        yield warning(
            "key_rejected",
            f"ANTHROPIC_API_KEY ({key.origin}) was once refused in Claude Code.",
            f"Sessions with a terminal ignore it; {claude.config_path} remembers the answer.",
            f"${{EDITOR:-vi}} {quote(claude.config_path)}",
        )


def _stale_cache(claude: ClaudeFacts) -> Iterator[Finding]:
    if claude.stale_key:
        yield warning(
            "stale_cache",
            f"{claude.stale_key} still holds a key of an earlier version.",
            "A key that was replaced elsewhere can come back from there, and is answered 401.",
            f"rm {quote(claude.stale_key)}",
        )
    if claude.environ.get("CLAUDE_CODE_ADDITIONAL_PROTECTION") and not switched_on(
        claude, "CLAUDE_CODE_ADDITIONAL_PROTECTION"
    ):
        yield note(
            "additional_protection",
            "CLAUDE_CODE_ADDITIONAL_PROTECTION is set to something else than true.",
            "Claude Code takes it for off.",
        )
