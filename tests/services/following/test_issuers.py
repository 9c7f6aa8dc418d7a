"""An issuer that one worker trusts, or trusts no more, at another."""

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.base.ids import token_sha256
from proxy_core.domain import wire
from proxy_core.oauth.http import GuardedHttp
from tests.oauth.servers import HOST, Tls, guard, listening
from tests.services.conftest import ADA
from tests.services.following.conftest import Pair
from tests.services.issuers.signing import LocalIssuer


async def test_it_is_trusted_and_distrusted_everywhere(pair: Pair) -> None:
    """The other worker takes its tokens, and cuts their connections when it is removed."""
    tls, issuer = Tls(), LocalIssuer()
    issuer.now = pair.b.app._context.clock.time()
    async with listening(issuer, tls.server) as port:
        issuer.url = f"https://{HOST}:{port}"
        pair.b.app.issuers.attach(GuardedHttp(guard().resolve, tls.client))
        rule = wire.IssuerRule(claim="sub", equals="ada", vault="default")
        wanted = wire.AddIssuer(name="corp", url=issuer.url, audiences=["vault"], rules=[rule])
        await pair.a.app.issuers.add(wanted, ADA)
        added = await pair.b.seen("issuer.changed")
        assert added.data["name"] == "corp"
        token = issuer.token()
        await pair.b.app.identity.verify(token)
        assert pair.b.app.identity.of_bearer(token).name == "ada@corp"
        await pair.a.app.issuers.remove("corp", ADA)
        await pair.b.seen("issuer.changed", added.seq)
    assert pair.b.tunnels.closed == [token_sha256(token)]
    with pytest.raises(VaultError):
        await pair.b.app.identity.verify(token)
