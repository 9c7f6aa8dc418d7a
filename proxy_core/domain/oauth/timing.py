"""When a token is refreshed: well before it ends, and not all of them at once."""

LEAD_SECONDS = 300.0
LEAD_SHARE = 0.2
JITTER_SHARE = 0.1

FIRST_WAIT = 2.0
LONGEST_WAIT = 300.0
LONGEST_RETRY_AFTER = 86_400.0


def refresh_due_at(obtained_at: float, expires_at: float, jitter: float) -> float:
    """When to refresh a token that lives from `obtained_at` to `expires_at`, in epoch seconds.

    That is 5 minutes or 20 % of its life before its end, whichever is less, and earlier by up to
    a tenth of that: `jitter` is drawn from 0 to 1. Never before `obtained_at`.
    """
    life = max(0.0, expires_at - obtained_at)
    lead = min(LEAD_SECONDS, LEAD_SHARE * life)
    return max(obtained_at, expires_at - lead * (1 + JITTER_SHARE * jitter))


def retry_wait(failures: int, retry_after: float | None, jitter: float) -> float:
    """Seconds to wait after the `failures`-th failure in a row (from 1) that was not final.

    What the provider asked for, up to a day; else 2 s, doubling up to 5 minutes. Longer by up to
    a tenth: `jitter` is drawn from 0 to 1.
    """
    if retry_after is not None:
        wait = min(max(retry_after, 0.0), LONGEST_RETRY_AFTER)
    else:
        wait = min(FIRST_WAIT * 2.0 ** min(failures - 1, 30), LONGEST_WAIT)
    return wait * (1 + JITTER_SHARE * jitter)
