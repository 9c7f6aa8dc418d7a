"""botocore's signers, told which payload to sign. Imported when the first request needs it."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from proxy_core.domain.cloud.aws_hosts import AwsScope
from proxy_core.domain.cloud.aws_keys import AwsKeys

# At DEBUG it logs what it signs, session tokens with it.
logging.getLogger("botocore").setLevel(logging.INFO)

_PAYLOAD = "vault_tui_payload"


class _Plain(SigV4Auth):  # type: ignore[misc]  # botocore has no types
    def payload(self, request: Any) -> str:
        """What stands for the body."""
        return str(request.context[_PAYLOAD])


class _S3(S3SigV4Auth):  # type: ignore[misc]
    def payload(self, request: Any) -> str:
        """What stands for the body; S3 gets it in a field too."""
        return str(request.context[_PAYLOAD])


def signed_fields(
    method: str,
    url: str,
    covered: Iterable[tuple[str, str]],
    payload: str,
    keys: AwsKeys,
    scope: AwsScope,
) -> Sequence[tuple[str, str]]:
    """The fields that signing has added. `url`'s path and query are signed as they stand."""
    request = AWSRequest(method=method, url=url)
    for name, value in covered:
        request.headers.add_header(name, value)
    request.headers["Host"] = url.split("/", 3)[2]
    request.context[_PAYLOAD] = payload
    known = {name.lower() for name in request.headers}
    signer = _S3 if scope.is_s3 else _Plain
    credentials = Credentials(
        keys.access_key_id, keys.secret_access_key, keys.session_token or None
    )
    signer(credentials, scope.service, scope.region).add_auth(request)
    return [(name, value) for name, value in request.headers.items() if name.lower() not in known]
