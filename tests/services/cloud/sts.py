"""A stand-in for AWS' Security Token Service that speaks its documented wire format.

It checks the signature of what it is asked, as AWS does.
"""

from tests.cloud.checking import KEY_ID, SECRET, Refused, check
from tests.oauth.servers import Received, reply

ROLE = "arn:aws:iam::123456789012:role/agents"
TEMPORARY = ("ASIATEMPORARY", "temp0rary/S3cret+Key", "FwoGZXIvYXdzEJr//token==")
_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"


def answered(*parts: str, expiration: str = "2027-01-15T09:00:00Z") -> str:
    """A document that holds a role's keys."""
    key_id, secret, token = parts or TEMPORARY
    return f"""<AssumeRoleResponse xmlns="{_NAMESPACE}">
  <AssumeRoleResult>
    <AssumedRoleUser>
      <AssumedRoleId>AROA123EXAMPLE123:vault-tui</AssumedRoleId>
      <Arn>arn:aws:sts::123456789012:assumed-role/agents/vault-tui</Arn>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>{key_id}</AccessKeyId>
      <SecretAccessKey>{secret}</SecretAccessKey>
      <SessionToken>{token}</SessionToken>
      <Expiration>{expiration}</Expiration>
    </Credentials>
  </AssumeRoleResult>
  <ResponseMetadata><RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ResponseMetadata>
</AssumeRoleResponse>"""


def refused(code: str, message: str = "", status: int = 403) -> bytes:
    """An answer that holds none."""
    document = f"""<ErrorResponse xmlns="{_NAMESPACE}">
  <Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>
  <RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId>
</ErrorResponse>"""
    return reply(document, status, "text/xml")


class FakeSts:
    """Gives out keys for requests that are signed with the stored ones; keeps what was asked."""

    def __init__(self, region: str = "eu-west-1", secret: str = SECRET) -> None:
        self.received: list[Received] = []
        self._scope, self._secret = f"{region}/sts", secret

    async def __call__(self, asked: Received) -> bytes:
        self.received.append(asked)
        if f"Credential={KEY_ID}/" not in asked.headers.get("authorization", ""):
            return refused("InvalidClientTokenId", "The security token is invalid.")
        try:
            check(
                asked.method,
                asked.target,
                asked.headers,
                asked.body,
                scope=self._scope,
                secret=self._secret,
            )
        except Refused as why:
            return refused("SignatureDoesNotMatch", str(why))
        if asked.form.get("RoleArn") != ROLE:
            who = "arn:aws:iam::123456789012:user/agents"
            return refused("AccessDenied", f"User: {who} is not authorized: sts:AssumeRole")
        return reply(answered(), kind="text/xml")
