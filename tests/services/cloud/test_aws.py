"""Services of type `aws-sigv4`: which keys sign, and what keeps them from signing."""

import gc
import weakref
from dataclasses import dataclass, field

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.cloud import sigv4
from proxy_core.cloud.aws_signer import AwsSigner
from proxy_core.domain import wire
from proxy_core.domain.cloud.aws_keys import AwsKeys
from proxy_core.domain.cloud.minted import Recipe
from proxy_core.domain.exchange import Decision, Injection, ResponseFacts
from proxy_core.domain.oauth import TokenSet
from proxy_core.services.application import Application
from tests.services.cloud.sts import ROLE
from tests.services.conftest import ADA, basic, facts, make_agent, put_credentials

HOST = "bedrock-runtime.eu-west-1.amazonaws.com"
AUTH = {"type": "aws-sigv4", "access_key_id": "AWS_ID", "secret_access_key": "AWS_SECRET"}


async def decide(app: Application, **auth: str) -> Decision:
    """An agent's request to Bedrock."""
    document = {"name": "bedrock", "host": HOST, "auth": {**AUTH, **auth}}
    await app.services.upsert("default", wire.ServicesRequest(services=[document]), ADA)
    agents = {bearer.actor_name for bearer in app._context.snapshot.bearers.values()}
    token = await make_agent(app, f"bot-{len(agents)}", "default")
    decision = app.broker.decide(app.broker.authenticate(basic(token)), facts(HOST))
    assert isinstance(decision, Decision)
    return decision


async def inject(app: Application, **auth: str) -> Injection:
    """What a request to Bedrock gets."""
    return await app.broker.inject(await decide(app, **auth))


@dataclass
class Roles:
    """Lends numbered keys for an hour, and keeps what it was asked with."""

    clock: FakeClock
    asked: list[tuple[Recipe, tuple[bytes, ...]]] = field(default_factory=list)

    async def mint(self, recipe: Recipe, key: bytes, *beside: bytes) -> TokenSet:
        self.asked.append((recipe, (key, *beside)))
        return TokenSet(lent(len(self.asked)).packed(), expires_at=self.clock.time() + 3600)


def lent(number: int) -> AwsKeys:
    """The keys that `Roles` lends at its so manieth time."""
    return AwsKeys(f"ASIATEMPORARY{number}", f"temp0rary/{number}", f"token//{number}==")


@pytest.fixture
async def roles(app: Application, clock: FakeClock) -> Roles:
    """A vault with keys, for which a role's are lent."""
    await put_credentials(app, AWS_ID="AKIDEXAMPLE", AWS_SECRET="s3cret", AWS_TOKEN="tok==")
    roles = Roles(clock)
    app.minted_tokens.attach(roles)
    return roles


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
    assert "pip install '.[aws]'" in caught.value.detail


async def test_a_roles_keys_sign_in_the_place_of_the_stored_ones(
    app: Application, roles: Roles
) -> None:
    """One set of them until they end, and none of their parts is in a response."""
    decision = await decide(app, role_arn=ROLE, session_token="AWS_TOKEN")
    injections = [await app.broker.inject(decision) for _ in range(3)]
    assert {one.signer for one in injections} == {AwsSigner(lent(1))}
    ((recipe, values),) = roles.asked
    assert values == (b"s3cret", b"AKIDEXAMPLE", b"tok==")
    assert (recipe.host, recipe.auth.region) == ("sts.eu-west-1.amazonaws.com", "eu-west-1")
    scrub = injections[0].scrub
    assert scrub is not None
    echo = b"AKIDEXAMPLE ASIATEMPORARY1 temp0rary/1 token//1== token%2F%2F1%3D%3D"
    assert scrub.whole(echo) == b"__aws_id__" + b" __aws_secret__" * 4
    assert "temp0rary" not in repr(injections)


@pytest.mark.parametrize("changed", ["AWS_ID", "AWS_SECRET", "AWS_TOKEN"])
async def test_a_changed_key_has_others_lent(app: Application, roles: Roles, changed: str) -> None:
    """So has another role; what was lent for the one before signs nothing more."""
    decision = await decide(app, role_arn=ROLE, session_token="AWS_TOKEN")
    await app.broker.inject(decision)
    await put_credentials(app, **{changed: "AKIDOTHER"})
    assert (await app.broker.inject(decision)).signer == AwsSigner(lent(2))
    assert b"AKIDOTHER" in roles.asked[-1][1]
    other = await inject(app, role_arn=f"{ROLE}-2", session_token="AWS_TOKEN")
    assert other.signer == AwsSigner(lent(3))


async def test_what_is_lent_goes_with_the_stored_keys(app: Application, roles: Roles) -> None:
    """Stored keys that were used both ways don't hold each other when they are replaced."""
    await inject(app, role_arn=ROLE)
    await inject(app)
    gone = weakref.ref(app._context.vault("default").secrets["AWS_SECRET"])
    await put_credentials(app, AWS_ID="AKIDOTHER", AWS_SECRET="other")
    gc.collect()
    assert gone() is None


async def test_keys_that_aws_takes_no_more_are_replaced_once(
    app: Application, roles: Roles, clock: FakeClock
) -> None:
    """As a refusal's field or body says; a right that the role lacks is the agent's to hear of."""
    decision = await decide(app, role_arn=ROLE)
    loan = (await app.broker.inject(decision)).loan
    clock.advance(60)
    denied = ResponseFacts(403, ((b"x-amzn-ErrorType", b"AccessDeniedException"),), True)
    assert await app.broker.reconsider(decision, loan, denied) is None
    word = (b"x-amzn-ErrorType", b"ExpiredTokenException")
    assert await app.broker.reconsider(decision, loan, ResponseFacts(200, (word,), True)) is None
    expired = ResponseFacts(403, (word,), True)
    again = await app.broker.reconsider(decision, loan, expired)
    assert again is not None
    second = await app.broker.inject(again)
    assert second.signer == AwsSigner(lent(2))
    assert await app.broker.reconsider(again, second.loan, expired) is None
    clock.advance(60)
    in_body = b"<Error><Code>ExpiredToken</Code></Error>"
    assert await app.broker.reconsider(
        decision, second.loan, ResponseFacts(400, (), True, body=in_body)
    )


async def test_a_role_needs_all_the_keys(app: Application, roles: Roles) -> None:
    """The one that is not stored is named."""
    with pytest.raises(VaultError) as caught:
        await inject(app, role_arn=ROLE, session_token="AWS_OTHER_TOKEN")
    assert caught.value.code == "credential_not_found"
    assert caught.value.extra["credential_key"] == "AWS_OTHER_TOKEN"
    assert not roles.asked
