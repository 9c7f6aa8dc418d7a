"""Access tokens minted from stored keys, kept in memory as long as they live.

    token()      what is kept; waits for the endpoint only where nothing valid is
    refresh()    in a task of its own, ahead of the token's end

One request to an endpoint at a time for each key and recipe, whoever asks. What is kept is as
sealed as what is stored, and hangs on the stored key: it goes when that changes or is deleted, and
when the vault is sealed. A failure is remembered for a while, longer and longer.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from proxy_core.base.errors import VaultError
from proxy_core.domain.cloud.minted import Recipe
from proxy_core.domain.oauth import TokenError, TokenSet, refresh_due_at
from proxy_core.domain.oauth.timing import retry_wait
from proxy_core.seal import aad
from proxy_core.services.context import Context
from proxy_core.services.snapshot import SealedSecret

FINAL_WAIT: Final = 60.0
"""Seconds that a refusal for good counts: an operator may mend it at the provider's end."""
FRESH_SECONDS: Final = 30.0
"""A token that is younger is not doubted: an upstream may answer 401 to anything."""
_PLACE: Final = "minted_tokens"


class Minter(Protocol):
    """Asks the endpoint that issues tokens for keys."""

    async def mint(self, recipe: Recipe, key: bytes, *beside: bytes) -> TokenSet:
        """A new token for the stored `key`; `beside` are the values of the recipe's `keys_beside`.

        Raises TokenError; VaultError where it can't even be asked for.
        """


@dataclass(frozen=True, slots=True)
class Source:
    """The stored key of one service and what belongs to it, as they are sealed. `service` and
    `vault` are names.
    """

    vault_id: str
    vault: str
    service: str
    key: str
    secret: SealedSecret = field(repr=False)
    recipe: Recipe
    beside: tuple[SealedSecret, ...] = field(default=(), repr=False)


@dataclass(slots=True)
class Kept:
    """The last token of a key and a recipe, and how it went. Times are epoch seconds."""

    sealed: SealedSecret | None = field(default=None, repr=False)
    generation: int = 0
    obtained_at: float = 0.0
    due_at: float | None = None
    expires_at: float | None = None
    failures: int = 0
    retry_at: float = 0.0
    error: str = ""
    fault: VaultError | None = None
    """Ours, not the endpoint's."""
    running: "asyncio.Task[None] | None" = None

    def valid(self, now: float) -> bool:
        """Whether the token can be sent, as far as is known."""
        return self.sealed is not None and (self.expires_at is None or now < self.expires_at)


class MintedTokens:
    """Belongs to the worker's loop. `attach` says who mints."""

    def __init__(self, context: Context, jitter: Callable[[], float] = random.random) -> None:
        self._context = context
        self._jitter = jitter
        self._minter: Minter | None = None
        self._running: set[asyncio.Task[None]] = set()

    def attach(self, minter: Minter) -> None:
        """Say who asks the endpoints."""
        self._minter = minter

    async def token(self, source: Source) -> tuple[bytes, SealedSecret, int]:
        """A valid token, as it is kept, and its generation.

        Raises VaultError: token_mint_failed, credential_unreadable, sealed.
        """
        kept, now = self._kept(source), self._context.clock.time()
        if not kept.valid(now):
            await self._wait(kept, source)
        elif kept.due_at is not None and kept.due_at <= now and kept.retry_at <= now:
            self._start(kept, source)
        if kept.sealed is None:
            raise _failure(kept, source)
        value = self._context.sealer.unseal(kept.sealed.blob, kept.sealed.aad)
        return value, kept.sealed, kept.generation

    async def refused(self, source: Source, generation: int) -> bool:
        """The upstream has answered 401 to this generation's token: mint another, once for all.

        True: there is a newer one. What fails lets the 401 pass.
        """
        kept, now = self._kept(source), self._context.clock.time()
        if kept.generation == generation:
            if now - kept.obtained_at < FRESH_SECONDS or kept.retry_at > now:
                return False
            self._start(kept, source)
            await self._ended(kept)
        return kept.generation > generation

    async def close(self) -> None:
        """End what is under way."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    # --- one token --------------------------------------------------------------------------------

    def _kept(self, source: Source) -> Kept:
        derived = self._context.sealer.derived.setdefault(source.secret, {})
        # By ciphertext: two secrets that held each other would never go.
        beside = tuple(one.blob for one in source.beside)
        kept: Kept = derived.setdefault((source.recipe, beside), Kept())
        return kept

    async def _wait(self, kept: Kept, source: Source) -> None:
        now = self._context.clock.time()
        if kept.running is None and kept.retry_at > now:
            raise _failure(kept, source)
        self._start(kept, source)
        await self._ended(kept)
        if not kept.valid(self._context.clock.time()):
            raise _failure(kept, source)

    async def _ended(self, kept: Kept) -> None:
        """The request belongs to everybody: one who leaves does not end it."""
        if kept.running is not None:
            await asyncio.wait([kept.running])

    def _start(self, kept: Kept, source: Source) -> None:
        if kept.running is None:
            kept.running = task = asyncio.create_task(self._mint(kept, source))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _mint(self, kept: Kept, source: Source) -> None:
        sealer = self._context.sealer
        try:
            if self._minter is None:
                raise TokenError(False, "unreachable", "This worker reaches no token endpoint.")
            sealed = (source.secret, *source.beside)
            keys = [sealer.unseal(one.blob, one.aad) for one in sealed]
            tokens = await self._minter.mint(source.recipe, *keys)
            self._keep(kept, source, tokens)
        except TokenError as error:
            self._failed(kept, error)
        except VaultError as error:  # sealed meanwhile, or the key can't be decrypted
            kept.fault = error
        finally:
            kept.running = None

    def _keep(self, kept: Kept, source: Source, tokens: TokenSet) -> None:
        sealer, now = self._context.sealer, self._context.clock.time()
        kept.generation += 1
        row = f"{source.key}:{kept.generation}"
        place = aad(source.vault_id, _PLACE, row, "token")
        sealed = sealer.seal(tokens.access_token, place)
        kept.sealed = SealedSecret(sealed, place, kept.generation)
        kept.obtained_at, kept.expires_at = now, tokens.expires_at
        kept.due_at = None
        if tokens.expires_at is not None:
            kept.due_at = refresh_due_at(now, tokens.expires_at, self._jitter())
        kept.failures, kept.retry_at, kept.error, kept.fault = 0, 0.0, "", None

    def _failed(self, kept: Kept, error: TokenError) -> None:
        kept.failures += 1
        kept.error, kept.fault = error.detail, None
        wait = FINAL_WAIT
        if not error.final:
            wait = retry_wait(kept.failures, error.retry_after, self._jitter())
        kept.retry_at = self._context.clock.time() + wait


def _failure(kept: Kept, source: Source) -> VaultError:
    if kept.fault is not None:
        return kept.fault
    remedy = f"vault-tui credential set {source.key} --vault {source.vault}"
    return VaultError(
        "token_mint_failed",
        f"No access token for service {source.service} could be had with credential {source.key}: "
        f"{kept.error.rstrip('.') or 'it has ended'}. If the key is wrong, an operator replaces it "
        f"with `{remedy}`.",
        extra={"credential_key": source.key, "remedy": remedy},
    )
