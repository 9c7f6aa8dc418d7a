"""Services of type `aws-sigv4`: which keys sign, and what keeps them from signing."""

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.cloud import sigv4
from proxy_core.cloud.aws_signer import AwsSigner
from proxy_core.cloud.sigv4 import AwsKeys
from proxy_core.domain import wire
from proxy_core.domain.exchange import Decision, Injection
from proxy_core.services.application import Application
from tests.services.conftest import ADA, basic, facts, make_agent, put_credentials

HOST = "bedrock-runtime.eu-west-1.amazonaws.com"
AUTH = {"type": "aws-sigv4", "access_key_id": "AWS_ID", "secret_access_key": "AWS_SECRET"}


async def inject(app: Application, **auth: str) -> Injection:
    """What a request to Bedrock gets."""
    document = {"name": "bedrock", "host": HOST, "auth": {**AUTH, **auth}}
    await app.services.upsert("default", wire.ServicesRequest(services=[document]), ADA)
    token = await make_agent(app, "bot", "default")
    decision = app.broker.decide(app.broker.authenticate(basic(token)), facts(HOST))
    assert isinstance(decision, Decision)
    return await app.broker.inject(decision)


async def test_the_stored_keys_sign(app: Application) -> None:
    """Nothing is injected as it is, and what the response echoes of the keys is scrubbed."""
    await put_credentials(app, AWS_ID="AKIDEXAMPLE", AWS_SECRET="s3cret/Key+1\n", AWS_TOKEN="tok==")
    injection = await inject(app, session_token="AWS_TOKEN", region="us-east-1")
    keys = AwsKeys("AKIDEXAMPLE", "s3cret/Key+1", "tok==")
    assert injection.signer == AwsSigner(keys, "", "us-east-1")
    assert injection.headers == ()
    assert injection.header_names == ("Authorization",)
    assert injection.scrub is not None
    assert injection.scrub.whole(b"<Id>AKIDEXAMPLE</Id>") == b"<Id>__aws_id__</Id>"
    assert "s3cret" not in repr(injection)


@pytest.mark.parametrize("value", ["", " \n", "two words", "schlüssel", "a\nb"])
async def test_what_is_no_key_is_refused(app: Application, value: str) -> None:
    """Before anything is sent, and without showing it."""
    await put_credentials(app, AWS_ID="AKIDEXAMPLE", AWS_SECRET=value or " ")
    with pytest.raises(VaultError) as caught:
        await inject(app)
    assert caught.value.code == "substitution_invalid"
    assert "AWS_SECRET" in caught.value.detail
    assert "words" not in str(caught.value)


async def test_a_missing_key_is_named(app: Application) -> None:
    """With the command that stores it."""
    await put_credentials(app, AWS_ID="AKIDEXAMPLE")
    with pytest.raises(VaultError) as caught:
        await inject(app)
    assert caught.value.code == "credential_not_found"
    assert caught.value.extra["remedy"] == "vault-tui credential set AWS_SECRET --vault default"


async def test_without_botocore_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is optional: who doesn't sign for AWS needs none of it."""
    monkeypatch.setattr(sigv4, "find_spec", lambda _name: None)
    with pytest.raises(VaultError) as caught:
        sigv4.load()
    assert caught.value.code == "signing_failed"
    assert "vault-tui[aws]" in caught.value.detail
