"""By what Claude Code would prove itself here: both headers apart, and why the others lose.

    x-api-key       ANTHROPIC_API_KEY > apiKeyHelper > key of a Console login
    Authorization   ANTHROPIC_AUTH_TOKEN > apiKeyHelper > CLAUDE_CODE_OAUTH_TOKEN > login

The last two count only if none of ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN and apiKeyHelper is set;
a Console login's key only if neither of them is used. ANTHROPIC_CUSTOM_HEADERS overrides all. In a
managed context variables and helpers do not count; with `--bare` no login does, and no helper but
that of `--settings`. A login at a gateway comes before all of this, clouds and custom headers too,
until it has ended. Compared with the program itself, version 2.1.330, header by header.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from proxy_core.domain.doctor.facts import ClaudeFacts
from proxy_core.domain.doctor.values import Value, custom_headers, setting, switched_on, variable

LOGIN_SCOPE = "user:inference"
CLOUDS = {
    "CLAUDE_CODE_USE_BEDROCK": "bedrock",
    "CLAUDE_CODE_USE_VERTEX": "vertex",
    "CLAUDE_CODE_USE_FOUNDRY": "foundry",
}
"""Variables in their order: the first one that is switched on wins."""

GATEWAY_LOGIN = "gateway login"

_LOGINS = frozenset({"CLAUDE_CODE_OAUTH_TOKEN", "login"})
_STRONGER = "ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN and apiKeyHelper switch logins off"
_MANAGED = "a managed context takes its own login alone"
_BARE = "--bare heeds no login"
_UNSCOPED = f"its scopes lack {LOGIN_SCOPE}"
_OAUTH_FIRST = "a login comes first"
_GATEWAY_FIRST = "a login at a gateway comes before everything"


@dataclass(frozen=True, slots=True)
class Loser:
    """A value that is there and not used."""

    value: Value
    why: str


@dataclass(frozen=True, slots=True)
class Header:
    """A header and what it is filled from; None: it is not sent."""

    name: str
    source: Value | None
    losers: tuple[Loser, ...] = ()


@dataclass(frozen=True, slots=True)
class Method:
    """`cloud` is empty for Anthropic's own API, else bedrock, vertex or foundry."""

    cloud: str
    base_url: Value | None
    authorization: Header
    api_key: Header
    managed: bool = False

    @property
    def sources(self) -> list[Value]:
        """What is sent, each once."""
        both = (self.authorization.source, self.api_key.source)
        return list({value.name: value for value in both if value is not None}.values())

    @property
    def by_gateway_login(self) -> bool:
        """Whether a login at a gateway decides, and nothing else."""
        return any(value.name == GATEWAY_LOGIN for value in self.sources)


@dataclass(frozen=True, slots=True)
class _Candidate:
    value: Value | None
    barred: str = ""


def is_managed(facts: ClaudeFacts) -> bool:
    """Whether Claude Code was started by its web service or by Claude Desktop."""
    entry = facts.environ.get("CLAUDE_CODE_ENTRYPOINT", "")
    remote = facts.environ.get("CLAUDE_CODE_REMOTE", "").lower() in {"1", "true"}
    return remote or entry in {"claude-desktop", "remote"}


def choose_method(facts: ClaudeFacts) -> Method:
    """What Claude Code would do with these facts."""
    usual, gateway = _without_gateway(facts), facts.gateway
    if gateway is None or gateway.ended:
        return usual
    stored = f"{gateway.path}: enterpriseGateway"
    return Method(
        "",
        Value("enterpriseGateway", f"{stored}.url", gateway.url),
        _overridden(usual.authorization, Value(GATEWAY_LOGIN, f"{stored}.jwt", gateway.token)),
        _overridden(usual.api_key, None),
        usual.managed,
    )


def _overridden(header: Header, source: Value | None) -> Header:
    others = [header.source] if header.source else []
    others += [loser.value for loser in header.losers]
    return Header(header.name, source, tuple(Loser(one, _GATEWAY_FIRST) for one in others))


def _without_gateway(facts: ClaudeFacts) -> Method:
    managed = is_managed(facts)
    headers, _ = custom_headers(facts)
    cloud = next((kind for name, kind in CLOUDS.items() if switched_on(facts, name)), "")
    token, key = variable(facts, "ANTHROPIC_AUTH_TOKEN"), variable(facts, "ANTHROPIC_API_KEY")
    helper = setting(facts, "apiKeyHelper")
    local = _MANAGED if managed else ""
    bare = _BARE if facts.bare else ""
    stronger = _STRONGER if not managed and (token or key or helper) else ""
    oauth = bare or stronger
    authorization = (
        _Candidate(_custom(headers, "authorization")),
        _Candidate(token, local),
        _Candidate(helper, local),
        _Candidate(variable(facts, "CLAUDE_CODE_OAUTH_TOKEN"), oauth),
        _Candidate(_login(facts), oauth or _unscoped(facts)),
    )
    chosen = _contest("Authorization", authorization)
    by_login = chosen.source is not None and chosen.source.name in _LOGINS
    api_key = (
        _Candidate(_custom(headers, "x-api-key")),
        _Candidate(key, local),
        _Candidate(helper, local),
        _Candidate(_login_key(facts), bare or (_OAUTH_FIRST if by_login else "")),
    )
    return Method(
        cloud,
        variable(facts, "ANTHROPIC_BASE_URL"),
        chosen,
        _contest("x-api-key", api_key),
        managed,
    )


def _contest(name: str, candidates: Sequence[_Candidate]) -> Header:
    winner: Value | None = None
    losers: list[Loser] = []
    for candidate in candidates:
        if candidate.value is None:
            continue
        if candidate.barred:
            losers.append(Loser(candidate.value, candidate.barred))
        elif winner is None:
            winner = candidate.value
        else:
            losers.append(Loser(candidate.value, f"{winner.name} comes first"))
    return Header(name, winner, tuple(losers))


def _custom(headers: dict[str, str], name: str) -> Value | None:
    text = headers.get(name)
    origin = f"ANTHROPIC_CUSTOM_HEADERS: {name}"
    return None if text is None else Value("ANTHROPIC_CUSTOM_HEADERS", origin, text)


def _unscoped(facts: ClaudeFacts) -> str:
    scoped = facts.login is not None and LOGIN_SCOPE in facts.login.scopes
    return "" if scoped else _UNSCOPED


def _login(facts: ClaudeFacts) -> Value | None:
    login = facts.login
    if login is None:
        return None
    where = "keychain" if login.in_keychain else f"{login.path}: claudeAiOauth.accessToken"
    return Value("login", where, "", placeholder=login.placeholder)


def _login_key(facts: ClaudeFacts) -> Value | None:
    key = facts.config.get("primaryApiKey")
    if not isinstance(key, str) or not key:
        return None
    return Value("primaryApiKey", f"{facts.config_path}: primaryApiKey", key)


def describe_method(method: Method) -> list[str]:
    """How Claude Code would log in, and why not in another way: lines without any value."""
    if method.cloud:
        return [f"it uses {method.cloud}"]
    lines = []
    if method.base_url is not None:
        lines.append(f"address: {method.base_url.name} ({method.base_url.origin})")
    for header in (method.authorization, method.api_key):
        lines += _describe_header(header)
    return lines


def _describe_header(header: Header) -> list[str]:
    source = header.source
    said = "not sent"
    if source is not None:
        about = f", {source.shown}" if source.text or source.placeholder else ""
        said = f"{source.name} ({source.origin}{about})"
    losers = [f"  not {one.value.name} ({one.value.origin}): {one.why}" for one in header.losers]
    return [f"{header.name}: {said}", *losers]
