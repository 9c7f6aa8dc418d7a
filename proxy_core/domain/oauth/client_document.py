"""The client configuration as a document, for the API, the command line and the store."""

from collections.abc import Mapping
from typing import Any

from proxy_core.domain.oauth.client import OAuthClient


def parse_client(document: Mapping[str, Any], allow_http_loopback: bool = False) -> OAuthClient:
    """A client from its document. Fields left out come from the preset that `provider` names.

    URLs must be https; with `allow_http_loopback` also http to a loopback address.
    Raises VaultError bad_request.
    """
    raise NotImplementedError


def client_document(client: OAuthClient) -> dict[str, Any]:
    """The document of a client, whole: `parse_client(client_document(c), True) == c`."""
    raise NotImplementedError
