"""What can be wrong with a base URL, a gateway, and the command that gets a token for it."""

from collections.abc import Iterator
from shlex import quote

from proxy_core.base.text import display_safe
from proxy_core.domain.doctor.claude_rules import OWN_HELPER, OWN_TOKENS, take_away
from proxy_core.domain.doctor.facts import IN_PROJECT, ClaudeFacts, Facts, TokenLogin
from proxy_core.domain.doctor.findings import Finding, error, warning
from proxy_core.domain.doctor.method import Method, choose_method
from proxy_core.domain.doctor.values import Value, setting, split_url, variable
from proxy_core.domain.gateway import MAX_PREFIX
from proxy_core.domain.no_proxy import bypasses

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PROXIES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY")
_PREFIX = "/anthropic"
_AGAIN = "vault-tui setup claude-code"
_SIGN_IN = "claude /login"
_DIRECT = "export NO_PROXY=localhost,127.0.0.1,::1 no_proxy=localhost,127.0.0.1,::1"


def gateway_findings(facts: Facts) -> Iterator[Finding]:
    """Every rule of this module."""
    claude = facts.claude
    if claude is None:
        return
    method = choose_method(claude)
    if method.cloud:
        return
    if method.base_url is not None:
        if method.by_gateway_login:
            yield from _elsewhere(facts, method.base_url)
        else:
            yield from _base_url(method.base_url)
            yield from _port(facts, method.base_url)
        yield from _prefix(facts, method.base_url)
        yield from _through_a_proxy(facts, claude, method.base_url)
    yield from _refused(facts, claude, method)
    yield from _helper_ttl(claude)
    if facts.token_login is not None and _own_helper(method):
        yield from _token_login(facts.token_login)
        yield from _outlived(claude, facts.token_login)


def gateway_token(claude: ClaudeFacts) -> tuple[str, str]:
    """Base URL and token of a gateway of ours that Claude Code would use: empty ones where it has
    none, or gets its token from a command.
    """
    method = choose_method(claude)
    given = next((one for one in method.sources if one.text.startswith(OWN_TOKENS)), None)
    if method.base_url is None or given is None:
        return "", ""
    return method.base_url.text, given.text


def _own_helper(method: Method) -> bool:
    """Whether Claude Code gets its token from `vault-tui auth token`."""
    return any(one.name == "apiKeyHelper" and OWN_HELPER in one.text for one in method.sources)


def _base_url(base: Value) -> Iterator[Finding]:
    if base.scope in IN_PROJECT:
        yield warning(
            "project_base_url",
            f"The project sends Claude Code to another address ({base.origin}).",
            "Whoever wrote the project receives the prompts, and what proves who you are.",
            take_away(base),
        )
    given = split_url(base.text)
    if base.text.lower().startswith("http://") and given.hostname not in _LOOPBACK:
        what = f"ANTHROPIC_BASE_URL ({base.origin}) is plain http to another machine."
        yield error("plain_base_url", what, "The network can read the token.", take_away(base))
    # Our own gateway understands it all the same.
    if given.path.rstrip("/").endswith("/v1") and not given.path.startswith(_PREFIX):
        what = f"ANTHROPIC_BASE_URL ({base.origin}) ends with /v1."
        why = "Claude Code adds /v1/messages itself, and is answered 404."
        yield warning("base_url_v1", what, why, take_away(base))


def _port(facts: Facts, base: Value) -> Iterator[Finding]:
    """A base URL of this machine's gateway, whose port is another one now."""
    own = split_url(f"//{facts.worker.proxy}").port
    if not facts.worker.local or own is None:
        return
    given = split_url(base.text)
    is_here = given.hostname in _LOOPBACK and given.path.startswith(_PREFIX)
    if is_here and given.port not in {None, own}:
        where = f"port {given.port}; the gateway is at {own}"
        yield warning(
            "gateway_port",
            f"ANTHROPIC_BASE_URL ({base.origin}) leads to {where}.",
            "Claude Code reaches nothing, or another worker.",
            _AGAIN,
        )


def _prefix(facts: Facts, base: Value) -> Iterator[Finding]:
    """A base URL of this machine's gateway, with a prefix that leads nowhere or is closed."""
    worker, given = facts.worker, split_url(base.text)
    is_here = given.hostname in _LOOPBACK and given.port == split_url(f"//{worker.proxy}").port
    if not (worker.local and is_here) or worker.services is None:
        return
    prefix = given.path.strip("/").partition("/")[0]
    behind = [service for service in worker.services if prefix and service.prefix == prefix]
    if not behind:
        named = f"prefix {display_safe(prefix, MAX_PREFIX)}" if prefix else "empty prefix"
        yield error(
            "gateway_prefix",
            f"No service of vault {worker.vault} has the {named} of Claude Code's base URL "
            f"({base.origin}).",
            "Every request is answered 404, which Claude Code takes for a missing model.",
            f"{_AGAIN} --mode gateway --vault {quote(worker.vault)}",
        )
    elif not any(service.enabled for service in behind):
        yield error(
            "gateway_disabled",
            f"Service {behind[0].name} is disabled, and Claude Code's base URL ({base.origin}) "
            "leads to it.",
            "Every request is answered 403 service_disabled.",
            f"vault-tui service enable {quote(behind[0].name)} --vault {quote(worker.vault)}",
        )


def _through_a_proxy(facts: Facts, claude: ClaudeFacts, base: Value) -> Iterator[Finding]:
    """Claude Code sends to this machine through a proxy too, unless NO_PROXY names it."""
    host = split_url(base.text).hostname or ""
    proxy = next((found for name in _PROXIES if (found := variable(claude, name))), None)
    if host not in _LOOPBACK or proxy is None or facts.claude_behind:
        return
    address = proxy.text if "://" in proxy.text else f"//{proxy.text}"
    excepted = ",".join(
        found.text for name in ("NO_PROXY", "no_proxy") if (found := variable(claude, name))
    )
    if split_url(address).hostname not in _LOOPBACK and not bypasses(excepted, host):
        yield error(
            "gateway_proxied",
            f"{proxy.name} ({proxy.origin}) takes what goes to this machine's gateway elsewhere.",
            "Another machine's proxy cannot reach it: NO_PROXY has to name this one.",
            _DIRECT,
        )


def _refused(facts: Facts, claude: ClaudeFacts, method: Method) -> Iterator[Finding]:
    """The token for the gateway is known no longer."""
    ended = claude.gateway is not None and claude.gateway.ended and not method.sources
    if ended or facts.worker.gateway_token not in {"", "ok"}:
        by_login = ended or method.by_gateway_login
        yield error(
            "gateway_token",
            "The token that Claude Code has for the gateway counts no longer.",
            "It was revoked or has expired, or its device was: every request is answered 401.",
            _SIGN_IN if by_login else _AGAIN,
        )


def _elsewhere(facts: Facts, base: Value) -> Iterator[Finding]:
    """A login at a gateway that is not the worker's."""
    given, own = split_url(base.text), split_url(f"//{facts.worker.proxy}")
    if facts.claude_behind and given.port != own.port:
        yield warning(
            "gateway_first",
            f"Claude Code is signed in to a gateway ({base.origin}).",
            "That comes before all that the vault gives it: requests go there, as somebody else.",
            "claude /logout",
        )


def _helper_ttl(claude: ClaudeFacts) -> Iterator[Finding]:
    ttl = variable(claude, "CLAUDE_CODE_API_KEY_HELPER_TTL_MS")
    if ttl is not None and setting(claude, "apiKeyHelper") and not ttl.text.isdecimal():
        yield warning(
            "helper_ttl",
            f"CLAUDE_CODE_API_KEY_HELPER_TTL_MS ({ttl.origin}) is not a number of milliseconds.",
            "The helper is asked again at the wrong time, and requests end with 401.",
            take_away(ttl),
        )


def _outlived(claude: ClaudeFacts, login: TokenLogin) -> Iterator[Finding]:
    ttl = variable(claude, "CLAUDE_CODE_API_KEY_HELPER_TTL_MS")
    if ttl is None or not ttl.text.isdecimal() or not login.usable or not login.life:
        return
    kept = int(ttl.text[:15]) / 1000
    if kept > login.life:
        yield warning(
            "helper_outlives",
            f"Claude Code keeps a token for {kept:.0f} s ({ttl.origin}), and it lives "
            f"{login.life:.0f} s.",
            "From its end on, requests are answered 401 until it is asked for again.",
            f"{_AGAIN} --token-ttl {login.life:.0f}",
        )


def _token_login(login: TokenLogin) -> Iterator[Finding]:
    """Of the command that Claude Code gets its token from."""
    known = login.issuer or login.of_worker
    if not login.usable:
        what = "Nobody is signed in for `vault-tui auth token`, or the login has ended."
        why = "Claude Code gets its token from that command: it has none."
        yield error("helper_login", what, why, "vault-tui auth login" if known else _AGAIN)
    elif login.keyring_problem:
        what = f"The OS keyring that holds the token cannot be used here: {login.keyring_problem}"
        why = "`vault-tui auth token` prints nothing once its cache is over."
        yield error("helper_keyring", what, why, "vault-tui auth login")
    if login.usable and login.unreachable:
        yield warning(
            "issuer_unreachable",
            f"The issuer {login.issuer} does not answer: {login.unreachable}.",
            "Tokens can't be refreshed: when this one ends, there is no other.",
            f"curl -sSI {quote(login.issuer)}",
        )
    elif login.usable and login.failure:
        what = f"The last refresh for `vault-tui auth token` failed. {login.failure}"
        why = "When the token ends, there is no other."
        yield warning("helper_refresh", what, why, "vault-tui auth token --refresh >/dev/null")
