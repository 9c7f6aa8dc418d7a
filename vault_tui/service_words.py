"""A service document in short words, and between the document and a form's lines."""

from collections.abc import Mapping
from typing import Any

from proxy_core.base.errors import VaultError
from proxy_core.domain.service import AuthType
from proxy_core.domain.service_document import credential_keys, parse_service
from vault_tui.strings import services as strings_services

Document = Mapping[str, Any]

_DIGITS = 9
"""Of a number that may be meant; Python itself refuses to read ones of thousands."""

# The fields of each auth type: (document field, whether it must be filled).
AUTH_FIELDS: Mapping[AuthType, tuple[tuple[str, bool], ...]] = {
    AuthType.BEARER: (("token", True),),
    AuthType.BASIC: (("username", True), ("password", False)),
    AuthType.API_KEY: (("key", True), ("header", False), ("prefix", False)),
    AuthType.CUSTOM: (("headers", True),),
    AuthType.PASSTHROUGH: (),
    AuthType.AWS_SIGV4: (
        ("access_key_id", True),
        ("secret_access_key", True),
        ("session_token", False),
        ("region", False),
        ("service", False),
        ("role_arn", False),
        ("external_id", False),
        ("session_name", False),
        ("duration", False),
    ),
    AuthType.GCP: (("key", True), ("scope", False)),
    AuthType.AZURE: (
        ("key", False),
        ("tenant", False),
        ("client_id", False),
        ("client_secret", False),
        ("scope", False),
    ),
    AuthType.GITHUB_APP: (("app_id", True), ("installation_id", True), ("private_key", True)),
}


def keys_of_document(document: Document) -> tuple[str, ...]:
    """The credential keys that it names; none when it is no valid document."""
    try:
        return credential_keys(parse_service(_definition(document)))
    except VaultError:
        return ()


def _definition(document: Document) -> dict[str, Any]:
    return {k: v for k, v in document.items() if k not in {"hits", "last_hit_at"}}


def auth_line(document: Document) -> str:
    """`bearer SLACK_TOKEN`."""
    auth = document.get("auth") or {}
    rest = [str(v) for k, v in auth.items() if k != "type" and isinstance(v, str | int) and v]
    rest += [f"{name}: {value}" for name, value in (auth.get("headers") or {}).items()]
    return " ".join([str(auth.get("type", "")), *rest])


def rule_lines(document: Document) -> list[str]:
    """`deny DELETE,PUT /v1/*`, one a rule."""
    lines = []
    for rule in document.get("rules") or ():
        methods = ",".join(str(m) for m in rule.get("methods") or ()) or "*"
        lines.append(f"{rule.get('action', '')} {methods} {rule.get('path') or '*'}")
    return lines


def rules_of_lines(text: str) -> list[dict[str, Any]]:
    """The reverse of `rule_lines`. Raises VaultError bad_request."""
    rules = []
    for line in text.splitlines():
        words = line.split()
        if not words:
            continue
        if not 1 <= len(words) <= 3:
            raise VaultError("bad_request", strings_services.RULE_SHAPE.format(line=line.strip()))
        action, methods, path = (*words, "*", "*")[:3]
        rule: dict[str, Any] = {"action": action}
        if methods != "*":
            rule["methods"] = [m.upper() for m in methods.split(",") if m]
        if path != "*":
            rule["path"] = path
        rules.append(rule)
    return rules


def substitution_lines(document: Document) -> list[str]:
    """`KEY __placeholder__ path,query`, one a substitution."""
    return [
        " ".join(
            (str(s.get("key", "")), str(s.get("placeholder", "")), ",".join(s.get("in") or ()))
        )
        for s in document.get("substitutions") or ()
    ]


def substitutions_of_lines(text: str) -> list[dict[str, Any]]:
    """The reverse of `substitution_lines`. Raises VaultError bad_request."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if not words:
            continue
        if not 2 <= len(words) <= 3:
            raise VaultError(
                "bad_request", strings_services.SUBSTITUTION_SHAPE.format(line=line.strip())
            )
        entry: dict[str, Any] = {"key": words[0], "placeholder": words[1]}
        if len(words) == 3:
            entry["in"] = [place for place in words[2].split(",") if place]
        found.append(entry)
    return found


def gateway_line(document: Document) -> str:
    """`slack https://eu.slack.com`: the prefix, and the upstream if it is not the host itself."""
    gateway = document.get("gateway") or {}
    upstream = str(gateway.get("upstream", ""))
    own = "https://" + str(document.get("host", "")).partition("/")[0]
    return f"{gateway.get('prefix', '')} {'' if upstream == own else upstream}".strip()


def gateway_of_line(text: str) -> dict[str, str]:
    """The reverse of `gateway_line`. Raises VaultError bad_request."""
    words = text.split()
    if len(words) > 2:
        raise VaultError("bad_request", strings_services.GATEWAY_SHAPE.format(line=text.strip()))
    return dict(zip(("prefix", "upstream"), words, strict=False))


def auth_value(name: str, text: str) -> str | int:
    """What a form's line says for a field of the auth; a number that is none stays a text."""
    is_number = text.isascii() and text.isdigit() and len(text) <= _DIGITS
    return int(text) if name == "duration" and is_number else text


def header_lines(document: Document) -> str:
    """`Name: template`, one a header of a custom auth."""
    headers = (document.get("auth") or {}).get("headers") or {}
    return "; ".join(f"{name}: {value}" for name, value in headers.items())


def headers_of_line(text: str) -> dict[str, str]:
    """The reverse of `header_lines`."""
    pairs = (part.partition(":") for part in text.split(";") if part.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}
