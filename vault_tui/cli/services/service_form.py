"""From `service add`'s options, or a file, to service documents: pure. Auth: `auth_options`."""

import re
from collections.abc import Mapping
from typing import Any

from proxy_core.base.errors import VaultError
from vault_tui.cli.failures import Usage

_RULE = re.compile(r"(?P<action>[a-z]+)\s+(?P<methods>[A-Za-z*,]+)?\s*(?P<path>/\S*)?")


def substitution(text: str) -> dict[str, Any]:
    """`KEY:PLACEHOLDER[:path,query]` as a document. Raises Usage."""
    key, _, rest = text.partition(":")
    placeholder, _, surfaces = rest.partition(":")
    if not key or not placeholder:
        raise Usage("--substitute takes KEY:PLACEHOLDER[:path,query,header,body,websocket]")
    document: dict[str, Any] = {"key": key, "placeholder": placeholder}
    if surfaces:
        document["in"] = [name.strip() for name in surfaces.split(",")]
    return document


def rule(text: str) -> dict[str, Any]:
    """`deny DELETE,PUT /v1/*` as a document; no methods or `*`: all; no path: all. Raises Usage."""
    found = _RULE.fullmatch(text.strip())
    if found is None or not (found["methods"] or found["path"]):
        raise Usage("--rule takes 'ACTION METHODS PATH', such as 'deny DELETE /v1/*'")
    document: dict[str, Any] = {"action": found["action"]}
    if found["methods"] and found["methods"] != "*":
        document["methods"] = [name.upper() for name in found["methods"].split(",")]
    if found["path"]:
        document["path"] = found["path"]
    return document


def gateway(prefix: str | None, upstream: str | None) -> dict[str, Any]:
    """The `gateway` object. Raises Usage for an upstream alone."""
    if not prefix:
        raise Usage("--gateway-upstream needs --gateway-prefix")
    # As in base URLs, where people will have seen it.
    document = {"prefix": prefix.strip("/")}
    return {**document, "upstream": upstream} if upstream else document


def documents_of(text: str, vault: str = "") -> list[Mapping[str, Any]]:
    """The services of a YAML or JSON text: `services: […]`, a list, or one document; or those of
    `vault` in what `vault-tui export` has printed.

    Raises VaultError bad_request. The worker checks what is in the documents.
    """
    import yaml

    try:
        loaded = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise VaultError("bad_request", f"This is neither YAML nor JSON{where}.") from None
    if isinstance(loaded, dict) and "export" in loaded:
        loaded = {"services": _exported(loaded, vault)}
    if isinstance(loaded, dict) and "services" in loaded:
        if unknown := set(loaded) - {"services"}:
            raise VaultError("bad_request", f"Unknown field {sorted(map(str, unknown))[0]!r}.")
        loaded = loaded["services"]
    documents = [loaded] if isinstance(loaded, dict) else loaded
    if not isinstance(documents, list) or not all(isinstance(one, dict) for one in documents):
        raise VaultError("bad_request", "A service file holds `services:` with a list of services.")
    return documents


def _exported(document: Mapping[str, Any], vault: str) -> Any:
    vaults = document.get("vaults")
    for one in vaults if isinstance(vaults, list) else ():
        if isinstance(one, dict) and one.get("name") == vault:
            return one.get("services")
    raise VaultError("bad_request", f"The export holds no vault {vault!r}.")


def statuses(text: str) -> list[int]:
    """Statuses in a comma-separated list; `none` stands for no status.

    Raises VaultError bad_request.
    """
    if text == "none":
        return []
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise VaultError("bad_request", "--failover takes statuses: 429,529, or none.") from None
