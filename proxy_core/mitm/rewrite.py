"""Placeholders in a request's target and header fields, before it is rendered."""

from collections.abc import Sequence

import msgspec

from proxy_core.domain.exchange import SecretSubstitution
from proxy_core.domain.substitution import (
    substitute_header_value,
    substitute_path,
    substitute_query,
)
from proxy_core.mitm.http1 import RequestHead, Target


def substituted(
    head: RequestHead, target: Target, substitutions: Sequence[SecretSubstitution]
) -> tuple[RequestHead, bytes]:
    """The head and the target in origin form with every declared placeholder replaced.

    Raises VaultError substitution_invalid.
    """
    if not substitutions:
        return head, target.origin_form
    path = substitute_path(target.path, substitutions)
    query = target.query
    if query is not None:
        query = substitute_query(query, substitutions)
    headers = [
        (name, substitute_header_value(value, substitutions)) for name, value in head.headers
    ]
    onward = path if query is None else path + b"?" + query
    return msgspec.structs.replace(head, headers=headers), onward
