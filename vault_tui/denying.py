"""The service document that refuses requests like one that was seen. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proxy_core.base.errors import VaultError
from proxy_core.domain.hosts import format_authority
from proxy_core.domain.patterns import auto_name, check_glob
from proxy_core.domain.traffic import RequestRecord
from vault_tui.strings import traffic as words

Document = Mapping[str, Any]
_USUAL_PORTS = {"https": 443, "http": 80}
_COUNTED = frozenset(("hits", "last_hit_at"))


@dataclass(frozen=True, slots=True)
class Denial:
    """What a rule refuses; an empty `method` or `path` is every one."""

    method: str
    path: str

    @property
    def text(self) -> str:
        """`POST /v1/refunds`, in words where it is more than that."""
        method = self.method or words.DENY_EVERY_METHOD
        return f"{method} {self.path}" if self.path else f"{method} {words.DENY_EVERY_PATH}"

    @property
    def rule(self) -> dict[str, Any]:
        """As a service document has it."""
        methods = {"methods": [self.method]} if self.method else {}
        path = {"path": self.path} if self.path else {}
        return {**methods, **path, "action": "deny"}


def denials_of(record: RequestRecord) -> list[Denial]:
    """What can be refused after such a request, the narrowest first.

    A path that a rule cannot name, or would read as a glob, is left out.
    """
    method = record.method.upper()
    found = [Denial(method, "")]
    try:
        path = "" if "*" in record.path else check_glob(record.path)
    except VaultError:
        path = ""
    if path:
        found = [Denial(method, path), Denial("", path), *found]
    return found


def refusing(
    record: RequestRecord, denial: Denial, documents: Sequence[Document], unmatched: str
) -> dict[str, Any]:
    """The document of the row's service with the refusal before its other rules.

    Where no service took the request a new one without a credential: beside the refusal it does
    what the vault does with unknown hosts (`unmatched`: its policy). Raises VaultError: not_found.
    """
    if record.matched_service:
        for document in documents:
            if document.get("name") == record.matched_service:
                rules = [denial.rule, *(document.get("rules") or ())]
                kept = {key: value for key, value in document.items() if key not in _COUNTED}
                return {**kept, "rules": rules}
        raise VaultError("not_found", words.DENY_GONE.format(name=record.matched_service))
    rest = {"passthrough": [], "ask": [{"action": "ask"}]}.get(unmatched, [{"action": "deny"}])
    return {
        "name": auto_name(record.host, "", {str(one.get("name")) for one in documents}),
        "host": format_authority(record.host, record.port, _USUAL_PORTS.get(record.scheme, 0)),
        "auth": {"type": "passthrough"},
        "rules": [denial.rule, *rest],
    }
