"""What flows need of the network."""

from dataclasses import dataclass

from proxy_core.oauth.endpoint import TokenEndpoint
from proxy_core.oauth.http import GuardedHttp

CALLBACK_PATH = "/v1/oauth/callback"


@dataclass(frozen=True, slots=True)
class Providers:
    """`callback_uri`: the API's own callback; empty where no browser of this machine reaches it."""

    endpoint: TokenEndpoint
    http: GuardedHttp
    callback_uri: str = ""
