"""Who issues tokens for a stored key, by the type of the auth that names it."""

from proxy_core.domain.cloud.minted import Recipe
from proxy_core.domain.oauth import TokenSet
from proxy_core.oauth.github_app import InstallationTokens


class CloudMinter:
    """Implements `minting.Minter`."""

    def __init__(self, github: InstallationTokens) -> None:
        self._github = github

    async def mint(self, recipe: Recipe, key: bytes) -> TokenSet:
        """A new token. Raises TokenError."""
        auth = recipe.auth
        return await self._github.mint(recipe.host, auth.app_id, auth.installation_id, key)
