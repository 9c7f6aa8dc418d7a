"""A provider at which everybody agrees at once: for browsers that are sent there."""

from urllib.parse import parse_qs, urlencode, urlsplit

from tests.oauth.servers import Received, reply
from tests.worker.oauth_provider import LiveProvider


class AgreeingProvider(LiveProvider):
    """`/authorize` sends the browser back with a code; `refuses`: with an error instead."""

    refuses = False

    def slot(self, key: str, **more: object) -> dict[str, object]:
        """A proposal's slot that is connected here, under a name that is another site's."""
        oauth = {
            "authorization_url": f"http://localhost:{self.port}/authorize",
            "token_url": f"http://127.0.0.1:{self.port}/token",
            "client_id": "cli",
            **more,
        }
        return {"key": key, "type": "oauth", "oauth": oauth}

    async def __call__(self, request: Received) -> bytes | None:
        if request.target.startswith("/authorize?"):
            return reply("", 303, "text/html", Location=self.agreed(request.target))
        return await super().__call__(request)

    def agreed(self, address: str) -> str:
        """Where the browser is sent that has opened this address."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        answer = {"state": asked["state"]}
        if self.refuses:
            answer |= {"error": "access_denied", "error_description": "She said <b>no</b>."}
        else:
            answer["code"] = self.code(asked["code_challenge"], asked["redirect_uri"])
        return f"{asked['redirect_uri']}?{urlencode(answer)}"
