"""Placeholders in a request are replaced by secrets, on declared surfaces only."""

from collections.abc import Sequence

from proxy_core.domain.exchange import SecretSubstitution


def substitute_path(path: bytes, substitutions: Sequence[SecretSubstitution]) -> bytes:
    """`path` with the PATH placeholders replaced. Raises VaultError substitution_invalid."""
    raise NotImplementedError


def substitute_query(query: bytes, substitutions: Sequence[SecretSubstitution]) -> bytes:
    """`query` with the QUERY placeholders replaced. Raises VaultError substitution_invalid."""
    raise NotImplementedError


def substitute_header_value(value: bytes, substitutions: Sequence[SecretSubstitution]) -> bytes:
    """`value` with the HEADER placeholders replaced. Raises VaultError substitution_invalid."""
    raise NotImplementedError
