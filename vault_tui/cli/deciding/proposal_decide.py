"""Deciding proposals: asking for what is missing, for names to be typed, and for an answer.

What is dangerous is confirmed by typing what it is about, never by a plain yes.
"""

import sys
from collections.abc import Mapping, Sequence

import click

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain.wire import ProposalDecided, ProposalReview, ReviewedProposal
from vault_tui.cli import output, secret_input
from vault_tui.cli.connection import Connection
from vault_tui.cli.deciding import proposal_view
from vault_tui.cli.failures import Usage, report_vault_error

_CHOICES = {"a": "approve", "r": "reject", "v": "reveal a value", "s": "skip", "q": "quit"}


def approve(
    connection: Connection,
    vault: str,
    number: int,
    given: Mapping[str, str],
    confirmed: Sequence[str] = (),
    show: bool = True,
) -> ProposalDecided:
    """Approve what is shown now, once whatever it needs is there.

    Raises Usage without a terminal to ask at, VaultError as the worker says, click.Abort.
    """
    found = connection.send(calls.review_proposal(number, vault))
    review = found.review
    if review is None:  # decided already: the worker says how
        return connection.send(calls.approve_proposal(number, given, vault))
    if review.problem:
        raise VaultError("conflict", review.problem)
    if show:
        proposal_view.show(found)
    return _approve(connection, vault, number, review, given, confirmed)


def review_all(connection: Connection, vault: str) -> None:
    """Show each pending proposal of a vault, the oldest first, and do what the person says."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Usage("`proposal review` asks at a terminal; scripts use approve and reject")
    pending = connection.send(calls.admin_proposals(vault, "pending")).proposals
    if not pending:
        output.emit(f"No proposal of vault {output.safe(vault)} waits.")
    for one in reversed(pending):
        if not _review_one(connection, vault, one.id):
            return


def done(found: ProposalDecided) -> None:
    """Say how it ended."""
    before = " It had been decided so before." if found.already else ""
    output.emit(f"Proposal {found.id} is {output.safe(found.status)}.{before}")


def _review_one(connection: Connection, vault: str, number: int) -> bool:
    """False: the person wants to see no more."""
    found = connection.send(calls.review_proposal(number, vault))
    output.emit("")
    proposal_view.show(found)
    while found.review is not None:
        choice = click.prompt(
            ", ".join(f"{key} {word}" for key, word in _CHOICES.items()),
            type=click.Choice(list(_CHOICES)),
            show_choices=False,
            err=True,
        )
        if choice in "sq":
            return bool(choice == "s")
        try:
            if _carry_out(connection, vault, choice, found):
                return True
        except VaultError as error:
            report_vault_error(error)
            found = connection.send(calls.review_proposal(number, vault))
            proposal_view.show(found)
    return True


def _carry_out(connection: Connection, vault: str, choice: str, found: ReviewedProposal) -> bool:
    """Whether the proposal is decided then."""
    assert found.review is not None
    number = found.id
    if choice == "v":
        for slot in found.credentials:
            if slot.has_value:
                call = calls.reveal_proposed(number, slot.key, vault)
                output.emit(f"{output.safe(slot.key)}  {output.safe(connection.send(call).value)}")
        return False
    if choice == "r":
        reason = click.prompt("Reason, for the agent", default="", show_default=False, err=True)
        done(connection.send(calls.reject_proposal(number, reason, vault)))
        return True
    if found.review.problem:
        raise VaultError("conflict", found.review.problem)
    done(_approve(connection, vault, number, found.review, {}, ()))
    return True


def _approve(
    connection: Connection,
    vault: str,
    number: int,
    review: ProposalReview,
    given: Mapping[str, str],
    confirmed: Sequence[str],
) -> ProposalDecided:
    if review.needs_login:
        raise VaultError(
            "conflict",
            f"Connect {', '.join(review.needs_login)} first, then approve: "
            "`vault-tui credential oauth connect KEY`.",
        )
    _confirm([name for name in review.to_type if name not in confirmed])
    values = dict(given)
    for key in review.needs_value:
        if key not in values:
            values[key] = _value(key)
    call = calls.approve_proposal(number, values, vault, review.digest)
    return connection.send(call)


def _confirm(names: Sequence[str]) -> None:
    if names and not sys.stdin.isatty():
        wanted = " ".join(f"--confirm {name}" for name in names)
        raise Usage(f"The risk is high. Whoever has looked at it says: {wanted}")
    for name in names:
        typed = click.prompt(f"The risk is high. Type {name} to go on", err=True)
        if typed != name:
            raise click.Abort


def _value(key: str) -> str:
    if not sys.stdin.isatty():
        raise Usage(f"A value for {key} is missing: name {key}, and give it on standard input")
    return secret_input.prompt(f"Value of {key}")
