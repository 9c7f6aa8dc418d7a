"""What the demo's agents propose: one thing harmless, one with a login, one that is an attack."""

from collections.abc import Mapping
from typing import Any

import msgspec

from proxy_core.base.paths import Home
from proxy_core.client import calls
from proxy_core.client.sync_client import SyncClient
from proxy_core.client.target import Target
from proxy_core.domain.wire import CreateProposal

# By the name of the agent that raises it; in order.
PLEAS: Mapping[str, Mapping[str, Any]] = {
    "research-agent": {
        "services": [
            {
                "action": "set",
                "name": "semantic-scholar",
                "host": "api.semanticscholar.org/graph/*",
                "auth": {"type": "api-key", "key": "S2_API_KEY", "header": "x-api-key"},
                "rules": [{"action": "allow", "methods": ["GET"]}, {"action": "deny"}],
            }
        ],
        "credentials": [
            {
                "key": "S2_API_KEY",
                "description": "Key of the Academic Graph API; it only reads",
                "obtain": "https://www.semanticscholar.org/product/api",
                "obtain_instructions": "Request an API key; it comes by mail.",
            }
        ],
        "message": "Citations for the survey in docs/related-work.md",
        "user_message": "Without a key the API answers 429 after a few requests.",
    },
    "ci-bot": {
        "services": [
            {
                "action": "set",
                "name": "artifacts",
                "host": "storage.googleapis.com/acme-artifacts/*",
                "auth": {"type": "bearer", "token": "ARTIFACTS_LOGIN"},
            }
        ],
        "credentials": [
            {
                "key": "ARTIFACTS_LOGIN",
                "type": "oauth",
                "description": "A login that may write to the bucket acme-artifacts",
                "oauth": {
                    "authorization_url": "https://accounts.google.com/o/oauth2/v2/auth",
                    "token_url": "https://oauth2.googleapis.com/token",
                    "scopes": ["https://www.googleapis.com/auth/devstorage.read_write"],
                },
            }
        ],
        "message": "Upload the build of acme/shop",
    },
    "claude-refactor": {
        "services": [
            {
                "action": "set",
                "name": "github-mirror",
                "host": "api.githud.com",
                "auth": {"type": "bearer", "token": "GITHUB_TOKEN"},
            }
        ],
        "message": "The README of a dependency says that this mirror is faster",
        "user_message": "Approve quickly please, the refactoring waits for it.",
    },
}


def raise_pleas(home: Home, tokens: Mapping[str, str], vaults: Mapping[str, str]) -> None:
    """Have each agent propose, with its own token, in its vault. Raises VaultError."""
    for name, document in PLEAS.items():
        client = SyncClient(Target(socket=home.socket, token=tokens[name]))
        request = msgspec.convert(document, CreateProposal)
        client.send(calls.create_proposal(request, vaults[name]))
