"""From a bearer token of the API to a principal."""

from proxy_core.services.principal import Principal


class Identity:
    """Answers from the snapshot: no database."""

    def of_bearer(self, token: str) -> Principal:
        """Raises VaultError: unauthorized (unknown, expired or revoked)."""
        raise NotImplementedError
