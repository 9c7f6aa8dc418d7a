"""Every change has its entry, in its own transaction; what changes no row says so itself."""

import asyncio

import pytest
from sqlmodel import Session

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.audit import Deed, Origin
from proxy_core.services.application import Application
from proxy_core.store import audit_log, vaults
from tests.services.audit.acting import acting_as
from tests.services.audit.rig import entries, told
from tests.services.conftest import (
    ADA,
    Opener,
    make_agent,
    put_credentials,
    put_service,
)

AT_A_TERMINAL = Origin("operator", "ada", source={"uid": 1000, "pid": 7}, route="PUT /v1/x")


async def test_setting_up_is_told_and_sealed(each_app: Application) -> None:
    """The first transaction has its entries, and the key that opens the vault vouches for them."""
    assert await told(each_app) == [
        ("key_slot.added", "keyfile"),
        ("ca.created", ""),
        ("vault.created", "default"),
        ("vault.unsealed", "keyfile"),
    ]
    found = await each_app.auditing.verify()
    assert (found.ok, found.count, found.unsealed, found.seals_checked) == (True, 4, 0, True)


async def test_who_acts_is_told(app: Application) -> None:
    """Kind, name and place of who called, also through the store's threads."""
    with acting_as(AT_A_TERMINAL):
        await put_credentials(app, TOKEN="s3cret-value")
    (entry,) = await entries(app, action="credential.set")
    assert (entry.actor.kind, entry.actor.name) == ("operator", "ada")
    assert entry.source == {"uid": 1000, "pid": 7}
    assert (entry.vault, entry.target, entry.route) == ("default", "TOKEN", "PUT /v1/x")
    assert entry.after == {"key": "TOKEN", "type": "static", "current_version": 1} | {
        "value": "changed"
    }


async def test_what_nobody_asked_for_is_the_workers(app: Application) -> None:
    """Outside a call, the worker itself acts."""
    await app.housekeeping.tick()
    (entry,) = await entries(app, action="vault.created")
    assert entry.actor.kind == "worker"


async def test_a_change_that_fails_has_no_entry(each_app: Application) -> None:
    """Rolled back is rolled back, entry included; the next one follows the last that is there."""
    before = await told(each_app)

    def broken(session: Session) -> None:
        vaults.rename_vault(session, "default", "other")
        session.flush()
        raise VaultError("bad_request")

    with pytest.raises(VaultError):
        await each_app.vaults._context.change(broken, lambda _: None)
    assert await told(each_app) == before
    await put_credentials(each_app, A="1")
    assert (await each_app.auditing.verify()).ok


async def test_a_change_is_refused_when_it_cannot_be_told(app: Application) -> None:
    """Without a head to append to nothing is changed, and no secret is revealed."""
    await put_credentials(app, A="1")
    context = app.vaults._context

    def behead(session: Session) -> None:
        session.delete(audit_log.head_of(session))

    await context.database.run(behead)
    with pytest.raises(VaultError) as refused:
        await put_credentials(app, A="2")
    assert refused.value.code == "audit_broken"
    assert (await app.credentials.history("default", "A")).versions[0].version == 1
    with pytest.raises(VaultError) as hidden:
        await app.credentials.reveal("default", ADA, "A")
    assert hidden.value.code == "audit_broken"


async def test_the_actions_have_the_fields_words(app: Application) -> None:
    """Created, changed, renamed, rotated, granted, revoked: each says what it was."""
    start = len(await told(app))
    await put_credentials(app, KEY="one")
    await put_credentials(app, KEY="two")
    await put_service(app, "github", "api.github.com", "KEY")
    await put_service(app, "github", "api.github.com", "KEY", enabled=False)
    await make_agent(app, "ci-agent", "default")
    await app.agents.rename("ci-agent", wire.Rename(name="ci-bot"), ADA)
    await app.agents.rotate("ci-bot", ADA)
    await app.settings.change({"max_holds": 3}, ADA)
    await app.vaults.create(wire.VaultName(name="staging"), ADA)
    await app.vaults.rename("staging", wire.VaultName(name="prod"), ADA)
    await app.vaults.delete("prod", ADA)
    await app.agents.delete("ci-bot", ADA)
    request = wire.DeleteCredentials(vault="default", keys=["KEY"])
    await app.credentials.delete(request, ADA)
    assert (await told(app))[start:] == [
        ("credential.set", "KEY"),
        ("credential.set", "KEY"),
        ("service.created", "github"),
        ("service.updated", "github"),
        ("agent.created", "ci-agent"),
        ("agent.granted", "ci-agent"),
        ("agent.renamed", "ci-bot"),
        ("agent.rotated", "ci-bot"),
        ("settings.changed", "max_holds"),
        ("vault.created", "staging"),
        ("vault.renamed", "prod"),
        ("vault.deleted", "prod"),
        ("agent.deleted", "ci-bot"),
        ("credential.deleted", "KEY"),
    ]
    (changed,) = await entries(app, action="service.updated")
    assert (changed.before, changed.after) == ({"enabled": True}, {"enabled": False})
    assert (await app.auditing.verify()).ok


async def test_a_reveal_is_told_before_it_happens(app: Application) -> None:
    """Each revealed value has its entry, with the vault; none names the value."""
    await put_credentials(app, A="first-secret", B="second-secret")
    with acting_as(AT_A_TERMINAL):
        await app.credentials.reveal("default", ADA, "A")
        await app.credentials.reveal("default", ADA)
    found = await entries(app, action="credential.revealed")
    assert [(entry.target, entry.vault) for entry in found] == [
        ("A", "default"),
        ("A", "default"),
        ("B", "default"),
    ]
    assert {entry.actor.name for entry in found} == {"ada"}


async def test_sealing_and_opening_are_told(app: Application, key_file_text: str) -> None:
    """A sealing needs no entry to happen, yet has one; opening vouches for what was between."""
    await app.keys.seal(ADA)
    while_sealed = await app.auditing.verify()
    assert (while_sealed.ok, while_sealed.unsealed, while_sealed.seals_checked) == (True, 1, False)
    await app.vaults.create(wire.VaultName(name="made-while-sealed"), ADA)
    proof = wire.KeyProof(slot="keyfile", secret=key_file_text)
    await app.keys.unseal(proof, ADA)
    found = await app.auditing.verify()
    assert (found.ok, found.unsealed) == (True, 0)
    assert (await told(app))[-3:] == [
        ("vault.sealed", ""),
        ("vault.created", "made-while-sealed"),
        ("vault.unsealed", "keyfile"),
    ]


async def test_wrong_proofs_are_counted_and_told(app: Application) -> None:
    """Guessing fills no database: one entry a round for the same guesser, with how often."""
    proof = wire.KeyProof(slot="keyfile", secret="d3Jvbmc=")
    with acting_as(Origin("peer", "mallory", source={"uid": 1001})):
        for _ in range(3):
            with pytest.raises(VaultError):
                await app.operators.unlock(proof, None, ADA)
    (entry,) = await entries(app, action="operator.refused")
    assert (entry.actor.name, entry.after) == ("mallory", {"why": "wrong_key", "times": 3})


async def test_the_chain_goes_on_in_the_next_life(reopen: Opener, app: Application) -> None:
    """A worker that starts again appends behind what the last one wrote."""
    await put_credentials(app, A="1")
    count = len(await told(app))
    again = await reopen()
    await again.settings.change({"max_holds": 9}, ADA)
    assert len(await told(again)) == count + 1
    assert (await again.auditing.verify()).ok


async def test_changes_at_once_stand_in_a_row(each_app: Application) -> None:
    """Several writers at a time: every number once, and the chain verifies."""
    before = len(await told(each_app))
    trail = each_app.vaults._context.audit
    made = (each_app.vaults.create(wire.VaultName(name=f"vault-{n}"), ADA) for n in range(6))
    said = (trail.record(Deed("operator.unlocked")) for _ in range(6))
    await asyncio.gather(*made, *said)
    assert len(await told(each_app)) == before + 12
    assert (await each_app.auditing.verify()).ok
