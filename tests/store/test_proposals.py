"""Proposals as the store keeps them, on both databases."""

from typing import Any

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.store import proposals, vaults
from proxy_core.store.database import Database
from proxy_core.store.tables import ProposalRow, ProposalValue, Vault
from tests.store.conftest import NOW

HOSTILE = "\x1b]0;owned\x07 \u202etxet\u202c <b>bold</b> \x00 \ud800"


def row(proposal_id: str, **more: Any) -> ProposalRow:
    """A proposal of vault v1 that waits for an hour."""
    values: dict[str, Any] = {
        "id": proposal_id,
        "vault_id": "v1",
        "number": 0,
        "status": "pending",
        "document": {"message": HOSTILE},
        "actor_type": "agent",
        "actor_id": "a1",
        "actor_name": "bot",
        "token_sha256": b"t" * 32,
        "approval_sha256": proposal_id.encode(),
        "created_at": NOW,
        "expires_at": NOW + 3600,
    }
    return ProposalRow(**{**values, **more})


def add(database: Database, proposal_id: str, limit: int = 20, **more: Any) -> ProposalRow:
    """Store one, with a sealed value."""
    return database.run_sync(
        lambda session: proposals.add_proposal(
            session, row(proposal_id, **more), {"KEY": b"sealed"}, limit
        )
    )


def test_numbers_count_within_a_vault(database: Database) -> None:
    """Each vault counts from one, whatever the others do."""
    database.run_sync(
        lambda session: vaults.add_vault(
            session,
            Vault(id="v2", name="other", unmatched_host_policy="passthrough", created_at=NOW),
        )
    )
    assert [add(database, name).number for name in ("p1", "p2")] == [1, 2]
    assert add(database, "p3", vault_id="v2").number == 1


def test_what_ended_long_ago_is_pruned(database: Database) -> None:
    """By the decision, or by the end of those nobody decided; never what waits, nor the newest."""
    add(database, "decided", status="applied", reviewed_at=NOW)
    add(database, "fresh", status="rejected", reviewed_at=NOW + 100)
    add(database, "expired", status="expired", expires_at=NOW)
    add(database, "waiting", expires_at=NOW)
    add(database, "newest", status="expired", expires_at=NOW)

    def left(session: Any) -> list[str]:
        return sorted(one.id for one in proposals.list_proposals(session, "v1"))

    pruned = database.run_sync(lambda session: proposals.prune_proposals(session, NOW + 1))
    assert pruned == 2
    assert database.run_sync(left) == ["fresh", "newest", "waiting"]
    assert add(database, "next").number == 6


def test_texts_stay_as_they_were_written(database: Database) -> None:
    """Escapes, NUL and lone surrogates included, in the document and in the note."""
    add(database, "p1")

    def decide(session: Any) -> None:
        claimed = proposals.claim(session, "p1")
        claimed.status, claimed.review_note = "rejected", HOSTILE
        proposals.conclude(session, claimed)

    database.run_sync(decide)
    found = database.read_sync(lambda session: proposals.proposal_by_number(session, "v1", 1))
    assert found.document == {"message": HOSTILE}
    assert found.review_note == HOSTILE


def test_only_so_many_wait(database: Database) -> None:
    """The limit counts those that wait still: decided and overdue ones make room."""
    add(database, "p1", 2)
    add(database, "p2", 2, expires_at=NOW - 1)
    add(database, "p3", 2)
    with pytest.raises(VaultError) as caught:
        add(database, "p4", 2)
    assert (caught.value.code, caught.value.status) == ("proposals_pending", 429)

    def decide(session: Any) -> None:
        claimed = proposals.claim(session, "p1")
        claimed.status = "applied"
        proposals.conclude(session, claimed)

    database.run_sync(decide)
    assert add(database, "p4", 2).number == 4


def test_a_decided_proposal_loses_its_values(database: Database) -> None:
    """What the agent supplied is kept no longer than it waits."""
    stored = add(database, "p1")
    assert list(database.read_sync(lambda s: proposals.proposed_values(s, stored))) == ["KEY"]

    def decide(session: Any) -> None:
        claimed = proposals.claim(session, "p1")
        claimed.status = "rejected"
        proposals.conclude(session, claimed)

    database.run_sync(decide)
    assert database.read_sync(lambda s: proposals.proposed_values(s, stored)) == {}
    assert database.read_sync(proposals.pending_proposals) == []


def test_values_stay_out_of_reprs(database: Database) -> None:
    """A traceback's locals show no ciphertext either."""
    stored = add(database, "p1")
    found = database.read_sync(lambda s: proposals.proposed_values(s, stored))
    assert "sealed" not in repr(found["KEY"]).replace("sealed=", "")


def test_what_is_not_there(database: Database) -> None:
    """Unknown numbers are not found; unknown tokens belong to nobody; the vault takes all along."""
    add(database, "p1")
    with pytest.raises(VaultError, match="No proposal 7"):
        database.read_sync(lambda session: proposals.proposal_by_number(session, "v1", 7))
    assert database.read_sync(lambda s: proposals.proposal_by_token(s, b"no")) is None
    found = database.read_sync(lambda s: proposals.proposal_by_token(s, b"p1"))
    assert found is not None
    assert found.id == "p1"
    database.run_sync(lambda session: vaults.delete_vault(session, "default"))
    assert database.read_sync(proposals.pending_proposals) == []
    assert database.read_sync(lambda s: s.get(ProposalValue, ("p1", "KEY"))) is None
    with pytest.raises(VaultError, match="deleted"):
        database.run_sync(lambda session: proposals.claim(session, "p1"))
