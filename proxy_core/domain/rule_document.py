"""The `rules` of a service document: which requests may pass, may not, or wait for an operator."""

import re
from typing import Any

from proxy_core.base.errors import VaultError
from proxy_core.domain.fields import Fields, invalid, quoted
from proxy_core.domain.patterns import check_glob
from proxy_core.domain.service import Action, Rule

_METHOD = re.compile(r"[A-Z]+(?:[-_][A-Z]+)*", re.ASCII)


def parse_rules(fields: Fields) -> tuple[Rule, ...]:
    """The rules of a service's fields, in order. Raises VaultError bad_request."""
    return tuple(
        _rule(rule, f"{fields.where}.rules[{position}]")
        for position, rule in enumerate(fields.items("rules"))
    )


def _rule(value: object, where: str) -> Rule:
    fields = Fields(value, where)
    fields.only(("methods", "path", "action"))
    action = fields.text("action")
    if action not in tuple(Action):
        raise invalid(where, f"unknown action {quoted(action)} (allow, deny or ask)")
    methods = [method.upper() for method in fields.texts("methods")]
    for method in methods:
        if not _METHOD.fullmatch(method):
            raise invalid(where, f"{quoted(method)} is not an HTTP method")
    try:
        path = check_glob(fields.get("path", str, ""))
    except VaultError as error:
        raise invalid(where, error.detail) from None
    return Rule(Action(action), frozenset(methods), path)


def rule_document(rule: Rule) -> dict[str, Any]:
    """What `parse_rules` reads, without what says nothing."""
    document: dict[str, Any] = {}
    if rule.methods:
        document["methods"] = sorted(rule.methods)
    if rule.path:
        document["path"] = rule.path
    return {**document, "action": str(rule.action)}
