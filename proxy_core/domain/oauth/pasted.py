"""Tokens that an operator pastes, in the shapes that tools keep them in."""

from collections.abc import Mapping
from typing import Any

from proxy_core.domain.oauth.tokens import TokenSet


def parse_pasted(text: str, now: float) -> TokenSet:
    """Tokens from JSON text, in any shape of `pasted_tokens`. Raises VaultError bad_request."""
    raise NotImplementedError


def pasted_tokens(document: Mapping[str, Any], now: float) -> TokenSet:
    """Tokens from a document; `now` in epoch seconds is what `expires_in` counts from.

    Raises VaultError bad_request, and never shows a value of the document.
    """
    raise NotImplementedError
