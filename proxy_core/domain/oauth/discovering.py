"""Discovery without its I/O: where to ask, and what each answer means."""

from collections.abc import Mapping

from proxy_core.base.errors import VaultError
from proxy_core.domain.oauth.client import OAuthClient
from proxy_core.domain.oauth.failures import refusal
from proxy_core.domain.oauth.metadata import check_issuer, metadata_urls, parse_metadata

_BUSY = (408, 429)


class MetadataSearch:
    """Ask `urls` in their order until `read` finds the metadata; if none had it, raise `failure`.

    `confidential`: the client has a secret. Raises VaultError bad_request for a URL that is no
    issuer's.
    """

    def __init__(self, issuer: str, *, confidential: bool, allow_http_loopback: bool) -> None:
        self.issuer = check_issuer(issuer, allow_http_loopback)
        self.urls = metadata_urls(issuer)
        self.failure = VaultError(
            "bad_request",
            "The issuer publishes no metadata where it should.",
            {"help": "Look at its address: it is the one in its tokens' `iss`."},
        )
        self._confidential = confidential
        self._allow_http_loopback = allow_http_loopback

    def read(
        self, status: int, headers: Mapping[str, str], body: bytes, now: float
    ) -> OAuthClient | None:
        """The issuer's endpoints; None where they may stand elsewhere.

        `headers` have lower-case names, `now` is in epoch seconds. Raises TokenError when the
        issuer is not able to answer.
        """
        if status >= 500 or status in _BUSY:
            raise refusal(status, headers, {}, (), now)
        if status != 200:
            return None
        try:
            return parse_metadata(
                body,
                self.issuer,
                confidential=self._confidential,
                allow_http_loopback=self._allow_http_loopback,
            )
        except VaultError as error:
            # Some sites answer every path with a page: another place may have the metadata.
            self.failure = error
            return None
