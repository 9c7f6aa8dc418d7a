"""`vault-tui auth token`: a token on stdout, in 50 ms where it is cached or there is none."""

import os
import sys
import time

from proxy_core.tokens import quick, repeats

_INTERRUPTED = 130


def print_token(*, refresh: bool = False) -> int:
    """Print a token, or say on stderr what to do; the exit code. Raises VaultError.

    `refresh`: not the one that there is, which is refused.
    """
    refused_since = time.time() if refresh else repeats.refused_since(os.environ)
    token = None if refused_since else quick.cached_token(os.environ)
    if token is None and not quick.has_tokens(os.environ) and not quick.can_ask(os.environ):
        print(
            "vault-tui: Nobody is signed in here. Sign in with `vault-tui auth login`.",
            file=sys.stderr,
        )
        return 1
    if token is None:
        from vault_tui.cli.people.auth_token import current_token

        try:
            token = current_token(refused_since)
        except KeyboardInterrupt:  # whoever pressed it needs no explanation
            return _INTERRUPTED
    print(token)
    repeats.note_given(os.environ)
    return 0
